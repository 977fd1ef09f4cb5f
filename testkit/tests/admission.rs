//! What a contact can have stored here is bounded: by its quota, its pace and the reserve of free space. Beyond a bound its
//! ciphertexts stay in its outbox; they are taken when there is room, each once and in order. Everything else goes on.

use prost::Message as _;
use sotto_core::row::{Event, Row};
use sotto_core::wire::content::content::Kind;
use sotto_core::wire::content::{Content, Text, Timer};
use sotto_core::wire::link::Frame;
use sotto_core::wire::link::frame::Body;
use sotto_core::{
    Command, ContactStorage, ConversationId, FaultKind, Limits, MessageId, Millis, OnionAddress, Pause, Reply,
};
use sotto_testkit::bystanders::status;
use sotto_testkit::hostile::HostilePeer;
use sotto_testkit::memory_store::MemoryStore;
use sotto_testkit::pair::{A, B, Pair};
use sotto_testkit::transparent::Transparent;

type Nodes = Pair<MemoryStore, Transparent>;

const KIB: u64 = 1024;

/// Two friends. Side A has these limits, and side B the defaults.
fn friends(limits: &Limits) -> Nodes {
    let mut pair = Pair::over([MemoryStore::default(), MemoryStore::default()], 1, &Limits::default());
    pair.befriend();
    pair.reopen(A, 9, limits);
    pair.pass(Millis::minutes(1));
    pair
}

/// Has B send so many texts of 1 KiB.
fn send(pair: &mut Nodes, count: usize) {
    for number in 0..count {
        pair.send_text(B, &format!("{number:<1024}"));
    }
}

/// The numbers of the texts that A has received from B and kept, in order.
fn received(pair: &Nodes) -> Vec<usize> {
    let texts = pair.received_texts(A);
    texts
        .iter()
        .map(|text| text.trim_end().parse().expect("a number"))
        .collect()
}

fn share(pair: &mut Nodes, contact: OnionAddress) -> Option<ContactStorage> {
    let storage = status(pair).storage;
    storage.contacts.into_iter().find(|share| share.contact == contact)
}

fn pause(pair: &mut Nodes) -> Option<Pause> {
    let contact = pair.sides[B].address;
    share(pair, contact).and_then(|share| share.pause)
}

/// The pauses that A's log tells, in order.
fn told(pair: &Nodes) -> Vec<Option<Pause>> {
    let events = pair.sides[A].store.rows().filter_map(|row| match row {
        Row::Event(row) => Some(row.event.clone()),
        _ => None,
    });
    let pauses = events.filter_map(|event| match event {
        Event::ContactPaused { pause, .. } => Some(pause),
        _ => None,
    });
    pauses.collect()
}

/// Erases at A, and there alone, what A has of B.
fn erase(pair: &mut Nodes) -> usize {
    let author = pair.sides[B].address;
    let rows = pair.sides[A].store.conversation(author).into_iter();
    let theirs: Vec<(OnionAddress, MessageId)> = rows
        .filter(|row| row.key.author == author)
        .map(|row| (author, row.key.id))
        .collect();
    let erased = theirs.len();
    let conversation = ConversationId::Direct(author);
    let messages = theirs;
    pair.command(A, Command::EraseMessages { conversation, messages })
        .expect("erased");
    erased
}

/// A sends B a text, and B acknowledges it.
fn assert_own_sends_go_on(pair: &mut Nodes) {
    let before = pair.received_texts(B).len();
    pair.send_text(A, "you may go on");
    pair.pass(Millis::minutes(20));
    assert_eq!(pair.received_texts(B).len(), before + 1);
    assert_eq!(status(pair).queued, 0, "it is acknowledged");
}

#[test]
fn a_contact_stores_no_more_than_its_quota_and_goes_on_when_messages_are_erased() {
    let quota = 16 * KIB;
    let mut pair = friends(&Limits {
        contact_quota: quota,
        ..Limits::default()
    });
    let contact = pair.sides[B].address;
    send(&mut pair, 60);
    let first = received(&pair).len();
    assert_eq!(pause(&mut pair), Some(Pause::Quota));
    assert_eq!(told(&pair), [Some(Pause::Quota)]);
    let stored = share(&mut pair, contact).expect("a share").stored;
    assert!((quota..quota + 2 * KIB).contains(&stored), "{stored}");

    // Neither a new link nor a restart buys a window.
    for round in 0..3 {
        pair.cut();
        pair.pass(Millis::minutes(20));
        assert_eq!(received(&pair).len(), first, "in round {round}");
        assert_own_sends_go_on(&mut pair);
    }
    assert_eq!(told(&pair), [Some(Pause::Quota)], "once");

    let mut taken = first;
    while taken < 60 {
        assert!(erase(&mut pair) > 0);
        pair.pass(Millis::minutes(1));
        let more = received(&pair);
        assert_eq!(
            more,
            (taken..taken + more.len()).collect::<Vec<_>>(),
            "in order, each once"
        );
        assert!(!more.is_empty(), "it goes on by itself");
        taken += more.len();
    }
    assert_eq!(pause(&mut pair), None);
    assert_eq!(told(&pair).last(), Some(&None));
    let left = received(&pair).len() as u64;
    assert_eq!(
        share(&mut pair, contact).map(|share| share.stored),
        Some(left * (KIB + 512))
    );
    erase(&mut pair);
    assert_eq!(share(&mut pair, contact), None, "nothing is taken up any more");
}

/// Sends A a text of 1 KiB under an id, again on each new link. Whether A has taken it.
fn send_under(id: u8, pair: &mut Nodes, peer: &mut HostilePeer<Transparent>) -> bool {
    let text = Text {
        text: format!("{id:<1024}"),
        ..Text::default()
    };
    let content = Content {
        id: vec![id; 16],
        kind: Some(Kind::Text(text)),
        ..Content::default()
    };
    let sealed = peer.encrypt(pair, &content.encode_to_vec());
    for _ in 0..2 {
        if !peer.is_connected() {
            peer.dial(pair, 0);
            let hello = peer.hello(sotto_core::wire::link::Relationship::Friend);
            peer.send(pair, hello);
        }
        peer.send(pair, Body::Ciphertext(sealed.clone()));
        let acknowledges =
            |frame: &Frame| matches!(&frame.body, Some(Body::Ack(ack)) if ack.received == sealed.sequence);
        if peer.received.iter().any(acknowledges) {
            return true;
        }
        pair.pass(Millis::minutes(1));
        peer.exchange(pair);
    }
    false
}

/// What came first is kept, and the rest takes up nothing. The node sees that when it comes to the quota.
#[test]
fn messages_with_one_id_do_not_use_the_quota_up() {
    let mut pair = friends(&Limits {
        contact_quota: 16 * KIB,
        ..Limits::default()
    });
    let mut peer: HostilePeer<Transparent> = HostilePeer::new(&pair, 9);
    peer.befriend(&mut pair, 0);
    for number in 0..40 {
        assert!(send_under(1, &mut pair, &mut peer), "{number}");
    }
    // Others are taken as long as there is room for them, and then the pause holds.
    let others = (2..40).take_while(|id| send_under(*id, &mut pair, &mut peer)).count() as u64;
    let kept = (others + 1) * (KIB + 512);
    assert!((16 * KIB..18 * KIB).contains(&kept), "{others}");
    let share = share(&mut pair, peer.address()).expect("a share");
    assert_eq!((share.stored, share.pause), (kept, Some(Pause::Quota)));
    assert_eq!(
        pair.sides[A].store.conversation(peer.address()).len() as u64,
        others + 1
    );
}

#[test]
fn the_quota_counts_what_is_kept_across_restarts_edits_and_deletions() {
    let limits = Limits::default();
    let mut pair = friends(&limits);
    let contact = pair.sides[B].address;
    let conversation = ConversationId::Direct(pair.sides[A].address);
    let id = pair.send_text(B, "four");
    let stored = |pair: &mut Nodes| share(pair, contact).map(|share| share.stored);
    assert_eq!(stored(&mut pair), Some(516));
    let text = "seven..".to_owned();
    pair.command(B, Command::EditMessage { conversation, id, text })
        .expect("edited");
    assert_eq!(stored(&mut pair), Some(519));
    pair.reopen(A, 10, &limits);
    pair.pass(Millis::minutes(1));
    assert_eq!(stored(&mut pair), Some(519));
    pair.command(B, Command::DeleteMessage { conversation, id })
        .expect("deleted");
    assert_eq!(stored(&mut pair), Some(512), "a mark is left");
    pair.command(B, Command::SetTimer(conversation, 5)).expect("set");
    let id = pair.send_text(B, "four");
    assert_eq!(stored(&mut pair), Some(1028));
    let (author, ids) = (contact, vec![id]);
    let conversation = ConversationId::Direct(contact);
    let read = Command::MarkRead {
        conversation,
        author,
        ids,
        receipt: false,
    };
    pair.command(A, read).expect("read");
    pair.pass(Millis::seconds(10));
    assert_eq!(stored(&mut pair), Some(512), "what has disappeared takes up nothing");
}

#[test]
fn with_less_free_space_than_the_reserve_nothing_is_taken_from_contacts() {
    let limits = Limits::default();
    let mut pair = friends(&limits);
    pair.command(A, Command::FreeSpace(limits.reserve - 1)).expect("heard");
    send(&mut pair, 40);
    assert_eq!((received(&pair).len(), pause(&mut pair)), (0, Some(Pause::Reserve)));
    assert_own_sends_go_on(&mut pair);
    // A little above the bound is not enough yet.
    pair.command(A, Command::FreeSpace(limits.reserve + 1)).expect("heard");
    pair.pass(Millis::minutes(20));
    assert_eq!(received(&pair).len(), 0);
    pair.command(A, Command::FreeSpace(2 * limits.reserve)).expect("heard");
    pair.pass(Millis::minutes(1));
    assert_eq!(received(&pair), (0..40).collect::<Vec<_>>());
    assert_eq!(told(&pair), [Some(Pause::Reserve), None]);

    // Between two measurements the node counts itself.
    pair.command(A, Command::FreeSpace(limits.reserve + 64 * KIB))
        .expect("heard");
    send(&mut pair, 40);
    let taken = received(&pair).len();
    assert!((41..60).contains(&taken), "{taken}");
}

#[test]
fn a_contact_that_sends_too_fast_is_slowed_down_and_loses_nothing() {
    let mut pair = friends(&Limits {
        contact_pace: 64 * KIB,
        ..Limits::default()
    });
    send(&mut pair, 160);
    let first = received(&pair).len();
    assert!((30..60).contains(&first), "{first}");
    assert_eq!(pause(&mut pair), Some(Pause::Pace));
    assert_own_sends_go_on(&mut pair);
    pair.pass(Millis::minutes(40));
    let later = received(&pair).len();
    assert!((first + 30..first + 60).contains(&later), "{later}");
    pair.pass(Millis::hours(3));
    assert_eq!(received(&pair), (0..160).collect::<Vec<_>>());
    assert_eq!(
        (pause(&mut pair), told(&pair)),
        (None, vec![]),
        "the log says nothing of it"
    );
}

fn log_length(pair: &Nodes) -> usize {
    pair.sides[A]
        .store
        .rows()
        .filter(|row| matches!(row, Row::Event(_)))
        .count()
}

#[test]
fn a_contact_writes_a_share_of_the_log_and_no_more() {
    let mut pair = friends(&Limits::default());
    let mut peer: HostilePeer<Transparent> = HostilePeer::new(&pair, 9);
    peer.befriend(&mut pair, 0);
    let limits = Limits {
        events: 16 * 1024,
        ..Limits::default()
    };
    pair.reopen(A, 10, &limits);
    pair.pass(Millis::minutes(1));
    peer.received.clear();
    peer.hang_up(&mut pair);
    let mut taken = 0;
    let before = log_length(&pair);
    peer.dial(&mut pair, 0);
    let hello = peer.hello(sotto_core::wire::link::Relationship::Friend);
    peer.send(&mut pair, hello);
    for number in 0_u64..3000 {
        let mut id = [0; 16];
        id[..8].copy_from_slice(&number.to_le_bytes());
        let content = Content {
            id: id.to_vec(),
            kind: Some(Kind::Timer(Timer {
                seconds: 60 + u32::from(number % 2 == 0),
            })),
            ..Content::default()
        };
        peer.send_content(&mut pair, &content);
        taken = log_length(&pair) - before;
    }
    assert!(peer.is_connected(), "it is no fault");
    assert!((1000..=1024).contains(&taken), "{taken}");
    assert_eq!(
        share(&mut pair, peer.address()).and_then(|share| share.pause),
        Some(Pause::Pace)
    );
}

#[test]
fn a_contact_replaces_its_session_a_bounded_number_of_times() {
    let mut pair = friends(&Limits {
        contact_sessions: 60,
        ..Limits::default()
    });
    let victim = pair.sides[A].address;
    let mut peers = (1..).map(|seed| HostilePeer::<Transparent>::new(&pair, seed));
    let mut peer = peers.find(|peer| victim < peer.address()).expect("some are larger");
    peer.befriend(&mut pair, 0);
    let before = log_length(&pair);
    for _ in 0..100 {
        peer.hang_up(&mut pair);
        pair.pass(Millis::seconds(10));
        peer.replace_session(&mut pair, 0);
    }
    let written = log_length(&pair) - before;
    assert!((60..150).contains(&written), "{written}");
    let refused = status(&mut pair).faults_by_kind.get(&FaultKind::RateLimit).copied();
    assert!(refused.is_some_and(|refused| refused > 20), "{refused:?}");
    // It is heard again.
    peer.hang_up(&mut pair);
    pair.pass(Millis::hours(1));
    peer.replace_session(&mut pair, 0);
    assert!(peer.is_connected());
}

#[test]
fn the_status_has_what_was_measured() {
    let mut pair = friends(&Limits::default());
    assert_eq!(pair.command(A, Command::FreeSpace(u64::MAX)), Ok(Reply::Done));
    let storage = status(&mut pair).storage;
    assert_eq!(
        (storage.free, storage.quota),
        (Some(u64::MAX), Limits::default().contact_quota)
    );
}
