//! The rows of a damaged or manipulated store: each of its type, any field wrong. The node refuses to open and says what is damaged,
//! or it opens, replies to every command and can be opened again.

use std::sync::LazyLock;

use sotto_core::row::{
    Batch, Change, ConsumerRow, CursorsRow, Event, EventRow, InviteRow, Key, MessageKey, OutboxContent, OutboxRow,
    Relationship, RequestRow, Row, SealedBody, SessionRow,
};
use sotto_core::{
    Command, Entropy, EventSeq, FriendCode, InviteToken, Limits, MessageId, Millis, Node, Now, OnionAddress,
    OnionSecret, Position, SessionEpoch, Wall,
};
use sotto_testkit::memory_store::MemoryStore;
use sotto_testkit::pair::{A, B};
use sotto_testkit::transparent::Transparent;

use crate::input::{Input, piece};
use crate::scene::{Scene, friends, new_message};

/// The friends' rows, A's with more of them: an outbox, requests in both directions, an invite, a consumer.
static DISKS: LazyLock<[MemoryStore; 2]> = LazyLock::new(|| {
    let mut pair = friends();
    let crew = crew();
    let other = FriendCode {
        address: crew[1],
        invite: Some(InviteToken([5; 16])),
    };
    for command in [
        Command::CreateInvite,
        Command::AddContact {
            code: other,
            petname: Some("other".to_owned()),
            note: "hello".to_owned(),
        },
        Command::AcknowledgeEvents {
            consumer: "agent".to_owned(),
            seq: EventSeq(1),
        },
    ] {
        pair.command(A, command).expect("granted");
    }
    pair.reachable = false;
    pair.cut();
    pair.send_text(A, "waits");
    pair.sides.map(|side| side.store)
});

/// Other peers that rows may name, beside the friend.
fn crew() -> [OnionAddress; 2] {
    [20, 21].map(|seed| OnionSecret::from_seed(&[seed; 32]).address())
}

pub(crate) fn run(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let [mut ours, theirs] = DISKS.clone();
    let mut sealed = Vec::new();
    for _ in 0..64 {
        if input.is_empty() {
            break;
        }
        damage(&mut ours, &mut input, &mut sealed);
    }
    if !opens(&ours) {
        return;
    }
    let mut pair = Scene::over([ours, theirs], 77, &Limits::default());
    let friend = pair.sides[B].address;
    pair.pass(Millis::hours(1));
    for contact in [friend, crew()[0], crew()[1]] {
        // Each command gets a reply, which `command` checks.
        let _ = pair.command(A, Command::AcceptContact { contact, petname: None });
        let _ = pair.command(A, Command::SafetyNumber(contact));
        let _ = pair.command(A, Command::SetTimer(contact.into(), 60));
        let _ = pair.command(
            A,
            Command::RetryMessage {
                conversation: contact.into(),
                id: MessageId([1; 16]),
            },
        );
    }
    let _ = pair.command(A, Command::NetworkChanged);
    let ours = pair.sides[A].address;
    let _ = pair.command(B, Command::Send(new_message(ours, "and back")));
    pair.pass(Millis::hours(1));
    pair.reopen(A, 78, &Limits::default());
    pair.pass(Millis::hours(25));
    assert!(opens(&pair.sides[A].store), "the node cannot read its own rows");
}

fn opens(disk: &MemoryStore) -> bool {
    let now = Now {
        wall: Wall(1_700_000_000_000),
        ..Now::default()
    };
    let opened = Node::<Transparent>::open(disk.image(), Entropy::from_seed([6; 32]), Limits::default(), now);
    opened.inspect_err(|why| assert!(!why.to_string().is_empty())).is_ok()
}

/// Numbers at which arithmetic overflows. Those just below the largest are left out: a node would count on, and then rightly
/// refuse to open.
fn number(input: &mut Input<'_>) -> u64 {
    match input.byte() {
        0xff => u64::MAX,
        0xfe => 1 << 63,
        0xfd => 1 << 62,
        0xfc => u64::from_be_bytes(input.array()) & !(u64::MAX >> 16),
        0xfb => 1_700_000_000_000 + u64::from(input.byte()),
        small => small.into(),
    }
}

fn damage(disk: &mut MemoryStore, input: &mut Input<'_>, sealed: &mut Vec<(OnionAddress, u64)>) {
    let action = input.byte();
    let own = disk.image().identity.map_or_else(|| crew()[0], |row| row.address());
    let who = {
        let mut contacts: Vec<OnionAddress> = disk.image().contacts.iter().map(|row| row.address).collect();
        contacts.extend(crew());
        contacts[usize::from(action >> 4) % contacts.len()]
    };
    let row = match action % 16 {
        0 => return disk.lose(|row| row.key() == Key::Contact(who)),
        1 => {
            let nth = input.number();
            let key = disk.rows().nth(nth).map(Row::key);
            return disk.lose(|row| Some(row.key()) == key);
        }
        2 => Row::Cursors(CursorsRow {
            contact: who,
            session_epoch: SessionEpoch(number(input)),
            sent: number(input),
            acknowledged: number(input),
            received: number(input),
            stored: number(input),
        }),
        3 => Row::Session(SessionRow {
            contact: who,
            record: input.piece().to_vec(),
        }),
        4 => Row::Outbox(outbox(who, own, input, sealed)),
        5 => Row::Request(RequestRow {
            contact: who,
            session_epoch: SessionEpoch(number(input)),
            bundle: input.piece().to_vec(),
            note: "n".repeat(input.long()),
            received_at: Wall(number(input)),
        }),
        6 => Row::Invite(InviteRow {
            token: InviteToken([input.byte(); 16]),
            created_at: Wall(number(input)),
        }),
        7 => Row::Consumer(ConsumerRow {
            name: String::from_utf8_lossy(input.piece()).into_owned(),
            acknowledged: EventSeq(number(input)),
        }),
        12 => Row::Event(EventRow {
            seq: EventSeq(number(input)),
            at: Wall(number(input)),
            event: Event::ContactAdded { contact: who },
        }),
        _ => match changed(disk, who, action % 16, input) {
            Some(row) => row,
            None => return,
        },
    };
    disk.apply(Batch {
        changes: vec![Change::Put(row)],
    });
}

fn outbox(
    who: OnionAddress,
    own: OnionAddress,
    input: &mut Input<'_>,
    sealed: &mut Vec<(OnionAddress, u64)>,
) -> OutboxRow {
    OutboxRow {
        contact: who,
        position: Position(number(input)),
        content: match input.byte() % 4 {
            0 => OutboxContent::Text(MessageKey::direct(who, own, MessageId([input.byte(); 16]))),
            1 => OutboxContent::Edit(MessageKey::direct(who, own, MessageId([input.byte(); 16]))),
            2 => OutboxContent::Serialised(input.piece().to_vec()),
            _ => OutboxContent::Obsolete,
        },
        sealed: input.even().then(|| {
            let sequence = number(input);
            sealed.push((who, sequence));
            SealedBody {
                sequence,
                ciphertext: input.piece().to_vec(),
            }
        }),
        repeat: input.even(),
        queued_at: Wall(number(input)),
        expires_at: Wall(number(input)),
        ttl: u32::from_be_bytes(input.array()),
        disappears_at: input.even().then(|| Wall(number(input))),
    }
}

/// An existing row with a changed field.
fn changed(disk: &MemoryStore, who: OnionAddress, action: u8, input: &mut Input<'_>) -> Option<Row> {
    let key = match action {
        8 => Key::Identity,
        9 => Key::Session(who),
        10 => Key::PreKeyOffer(who),
        11 => Key::Cursors(who),
        _ => Key::Contact(who),
    };
    let mut row = disk.row(&key)?.clone();
    let flip = |bytes: &mut Vec<u8>, place: usize, bits: u8| {
        let length = bytes.len().max(1);
        if let Some(byte) = bytes.get_mut(place % length) {
            *byte ^= bits;
        }
    };
    match &mut row {
        Row::Identity(row) => match input.byte() % 4 {
            0 => flip(&mut row.signal_identity, input.long(), input.byte()),
            1 => row.registration_id = u32::from_be_bytes(input.array()),
            2 => row.name = "n".repeat(input.long()),
            _ => row.signal_identity.truncate(input.number()),
        },
        Row::Session(row) => flip(&mut row.record, input.long(), input.byte()),
        Row::PreKeyOffer(row) => match input.byte() % 4 {
            0 => flip(&mut row.bundle, input.long(), input.byte()),
            1 => flip(&mut row.secrets, input.long(), input.byte()),
            2 => row.session_epoch = SessionEpoch(number(input)),
            _ => row.secrets.truncate(input.number()),
        },
        Row::Cursors(row) => match input.byte() % 4 {
            0 => row.session_epoch = SessionEpoch(number(input)),
            1 => row.sent = number(input),
            2 => row.acknowledged = number(input),
            _ => row.received = number(input),
        },
        Row::Contact(row) => match input.byte() % 8 {
            0 => row.petname = String::from_utf8_lossy(input.piece()).into_owned(),
            1 => row.identity_key = input.even().then(|| input.piece().to_vec()),
            2 => row.blocked = !row.blocked,
            3 => row.features = input.even().then(|| vec![u32::from_be_bytes(input.array()), 1]),
            4 => row.retry.attempts = u32::from_be_bytes(input.array()),
            5 => row.retry.next_attempt = Some(Wall(number(input))),
            6 => row.last_seen = Some(Wall(number(input))),
            _ => row.relationship = relationship(input.byte()),
        },
        _ => return None,
    }
    Some(row)
}

fn relationship(number: u8) -> Relationship {
    use Relationship::{Asking, Declined, Friend, RequestDeclined, RequestDelivered, Requested, Stranger};
    let all = [
        Stranger,
        Requested,
        RequestDelivered,
        RequestDeclined,
        Asking,
        Declined,
        Friend,
    ];
    all[usize::from(number) % all.len()]
}

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let mut seeds = vec![Vec::new(), vec![0], vec![1, 0], vec![1, 3], vec![1, 4], vec![1, 5]];
    for relationship in 0..7 {
        seeds.push(vec![15, 7, relationship]);
        seeds.push(vec![0x1f, 7, relationship]);
    }
    for field in 0..4 {
        seeds.extend([0, 9, 0xfe, 0xff].map(|number| vec![11, field, number]));
        seeds.push(vec![8, field, 0, 9, 1]);
        seeds.push(vec![10, field, 0, 9, 1]);
        seeds.push(vec![0x1a, field, 0, 9, 1]);
    }
    seeds.extend([
        vec![9, 0, 9, 1],
        vec![0x12, 1, 2, 3, 4],
        [&[3][..], &piece(b"no session")].concat(),
        [
            &[4, 3, 0, 1][..],
            &piece(b"no content"),
            &[1, 0, 0xff, 0xff, 0, 0, 0, 0, 1],
        ]
        .concat(),
        [
            &[4, 9, 0, 1][..],
            &piece(b""),
            &[0, 9],
            &piece(b"sealed"),
            &[0, 1, 2, 0, 0, 0, 0, 0, 1],
        ]
        .concat(),
        [&[0x25, 7][..], &piece(b"no bundle"), &[0, 9, 1], &[0x2f, 7, 4]].concat(),
        [&[7][..], &piece(b"reader"), &[0xff]].concat(),
        vec![6, 1, 0xff],
        vec![12, 0],
        vec![12, 0xff],
        vec![4, 0xff, 1],
    ]);
    seeds
}
