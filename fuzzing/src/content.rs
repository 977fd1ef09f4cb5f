//! Contents inside a contact's ciphertexts, valid and invalid: texts, edits, deletions, reactions, receipts and timers with ids that
//! are in use, foreign, unknown or malformed. A model of PROTOCOL.md's section 6 predicts the conversation, to the last field, and
//! the number of faults. Each content is acknowledged.

use std::collections::BTreeMap;

use prost::Message as _;
use sotto_core::row::{ContentType, DeliveryState, Key, MessageKey, ReactionRow, Row};
use sotto_core::wire::content::content::Kind;
use sotto_core::wire::content::{Accept, Content, Delete, Edit, Reaction, Read, Renewed, Text, Timer};
use sotto_core::wire::link::frame::Body;
use sotto_core::{Direction, Limits, MessageId, Millis, OnionAddress, Reply};
use sotto_testkit::hostile::NAME;
use sotto_testkit::pair::A;

use crate::input::{Input, piece};
use crate::scene::{Scene, TransparentPeer, friends, send, status};

pub(crate) fn run(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let mut pair = friends();
    let mut peer = TransparentPeer::new(&pair, 9);
    peer.befriend(&mut pair, 0);
    let ours = ["one", "two"].map(|text| match send(&mut pair, A, peer.address(), text) {
        Reply::Message { id, .. } => id,
        other => panic!("sent, and not a message: {other:?}"),
    });
    // Long enough for the contents to count as sent.
    pair.pass(Millis::seconds(1));
    peer.exchange(&mut pair);

    let mut model = Model::new(ours);
    for _ in 0..48 {
        if input.is_empty() {
            break;
        }
        let plaintext = plaintext(&mut input, &ours);
        if plaintext.len() > LONGEST {
            continue;
        }
        let sealed = peer.encrypt(&pair, &plaintext);
        peer.send(&mut pair, Body::Ciphertext(sealed));
        match Content::decode(plaintext.as_slice()) {
            Ok(content) => model.hear(content),
            Err(_) => model.faults += 1,
        }
        assert!(peer.is_connected(), "a content ends no link");
    }
    let acknowledged = peer.received.iter().filter_map(|frame| match &frame.body {
        Some(Body::Ack(ack)) => Some(ack.received),
        _ => None,
    });
    assert_eq!(acknowledged.max().unwrap_or_default(), peer.sequence());
    model.compare(&pair, peer.address());
    assert_eq!(status(&mut pair).peer_faults, model.faults);
}

/// Target ids: some of the friend's, ours, an unknown one, and a malformed one.
fn id(input: &mut Input<'_>, ours: &[MessageId; 2]) -> Vec<u8> {
    match input.byte() % 8 {
        n @ 0..4 => vec![n + 1; 16],
        4 => ours[0].0.to_vec(),
        5 => ours[1].0.to_vec(),
        6 => vec![0xee; 16],
        _ => input.take(3).to_vec(),
    }
}

fn text(input: &mut Input<'_>) -> String {
    match input.byte() {
        0 => String::new(),
        1 => "x".repeat(input.long() % 40_000),
        length => String::from_utf8_lossy(input.take(length.into())).into_owned(),
    }
}

fn plaintext(input: &mut Input<'_>, ours: &[MessageId; 2]) -> Vec<u8> {
    let kind = input.byte();
    if kind >> 4 == 15 {
        return input.piece().to_vec();
    }
    let own_id = id(input, ours);
    let kind = match kind % 9 {
        0 => Some(Kind::Text(Text {
            text: text(input),
            content_type: i32::from(input.byte()) % 3,
            thread: text(input),
            reply_to: if input.even() { Vec::new() } else { id(input, ours) },
            ttl: u32::from_be_bytes(input.array()),
            hops: u32::from(kind >> 4),
        })),
        1 => None,
        2 => Some(Kind::Edit(Edit {
            target: id(input, ours),
            text: text(input),
        })),
        3 => Some(Kind::Delete(Delete {
            target: id(input, ours),
        })),
        4 => Some(Kind::Reaction(Reaction {
            target: id(input, ours),
            own: input.even(),
            emoji: text(input),
        })),
        5 => {
            let count = input.byte() % 4;
            let mut targets: Vec<Vec<u8>> = (0..count).map(|_| id(input, ours)).collect();
            targets.resize(targets.len() + input.long() % 300, vec![0xdd; 16]);
            Some(Kind::Read(Read { targets }))
        }
        6 => Some(Kind::Timer(Timer {
            seconds: u32::from_be_bytes(input.array()),
        })),
        7 => Some(Kind::Accept(Accept {
            name: text(input),
            identity_signature: vec![1; 64],
        })),
        _ => Some(Kind::Renewed(Renewed {
            name: text(input),
            identity_signature: vec![1; 64],
        })),
    };
    let content = Content {
        id: own_id,
        repeat: !input.even(),
        sent_at: u64::from_be_bytes(input.array()),
        ignorable: !input.even(),
        kind,
    };
    content.encode_to_vec()
}

#[derive(Debug, PartialEq, Eq)]
struct Message {
    id: [u8; 16],
    text: String,
    content_type: ContentType,
    thread: Option<String>,
    reply_to: Option<[u8; 16]>,
    ttl: u32,
    sent_at: u64,
    edited: bool,
    deleted: bool,
}

/// The most bytes of a content: more would not fit a frame.
const LONGEST: usize = 60_000;
/// A year.
const LONGEST_TIMER: u32 = 366 * 24 * 3600;

/// The expected conversation.
struct Model {
    faults: u64,
    theirs: Vec<Message>,
    /// Ours, and whether they are read.
    ours: BTreeMap<[u8; 16], bool>,
    /// By author of the message and its id.
    reactions: BTreeMap<(Direction, [u8; 16]), String>,
    timer: u32,
}

impl Model {
    fn new(ours: [MessageId; 2]) -> Self {
        Self {
            faults: 0,
            theirs: Vec::new(),
            ours: ours.map(|id| (id.0, false)).into(),
            reactions: BTreeMap::new(),
            timer: 0,
        }
    }

    fn hear(&mut self, content: Content) {
        if self.take(content).is_none() {
            self.faults += 1;
        }
    }

    /// `None` if it is malformed.
    fn take(&mut self, content: Content) -> Option<()> {
        let id = content.id.try_into().ok();
        let sent_at = content.sent_at.min(i64::MAX as u64);
        match content.kind {
            Some(Kind::Text(text)) => return self.on_text(id, sent_at, text),
            None if content.ignorable => {}
            None => self.add(Message {
                id: id?,
                text: String::new(),
                content_type: ContentType::Unsupported,
                thread: None,
                reply_to: None,
                ttl: self.timer,
                sent_at,
                edited: false,
                deleted: false,
            }),
            Some(Kind::Edit(edit)) => {
                let target: [u8; 16] = edit.target.try_into().ok()?;
                (1..=Limits::default().text_bytes)
                    .contains(&edit.text.len())
                    .then_some(())?;
                if let Some(message) = self.theirs.iter_mut().find(|message| message.id == target)
                    && !message.deleted
                    && message.content_type != ContentType::Unsupported
                {
                    (message.text, message.edited) = (edit.text, true);
                }
            }
            Some(Kind::Delete(delete)) => {
                let target: [u8; 16] = delete.target.try_into().ok()?;
                if let Some(message) = self.theirs.iter_mut().find(|message| message.id == target) {
                    message.text.clear();
                    message.deleted = true;
                }
            }
            Some(Kind::Reaction(reaction)) => return self.on_reaction(reaction),
            Some(Kind::Read(read)) => return self.on_read(read),
            Some(Kind::Timer(timer)) => {
                (timer.seconds <= LONGEST_TIMER).then_some(())?;
                self.timer = timer.seconds;
            }
            // Only the first content of a session may be one of these.
            Some(Kind::Accept(_) | Kind::Renewed(_)) => return None,
        }
        Some(())
    }

    fn on_text(&mut self, id: Option<[u8; 16]>, sent_at: u64, text: Text) -> Option<()> {
        let reply_to = match text.reply_to.len() {
            0 => None,
            _ => Some(text.reply_to.as_slice().try_into().ok()?),
        };
        let fits = (1..=Limits::default().text_bytes).contains(&text.text.len()) && text.thread.len() <= 128;
        let lives = [text.ttl.min(LONGEST_TIMER), self.timer];
        self.add(Message {
            id: id.filter(|_| fits)?,
            content_type: match text.content_type {
                1 => ContentType::Markdown,
                _ => ContentType::Plain,
            },
            text: text.text,
            thread: Some(text.thread).filter(|thread| !thread.is_empty()),
            reply_to,
            ttl: lives
                .into_iter()
                .filter(|seconds| *seconds > 0)
                .min()
                .unwrap_or_default(),
            sent_at,
            edited: false,
            deleted: false,
        });
        Some(())
    }

    fn on_reaction(&mut self, reaction: Reaction) -> Option<()> {
        let target: [u8; 16] = reaction.target.try_into().ok()?;
        (reaction.emoji.len() <= 64).then_some(())?;
        let (author, there) = if reaction.own {
            let theirs = self.theirs.iter().find(|message| message.id == target);
            (Direction::In, theirs.is_some_and(|message| !message.deleted))
        } else {
            (Direction::Out, self.ours.contains_key(&target))
        };
        if there {
            self.reactions.remove(&(author, target));
            if !reaction.emoji.is_empty() {
                self.reactions.insert((author, target), reaction.emoji);
            }
        }
        Some(())
    }

    fn on_read(&mut self, read: Read) -> Option<()> {
        (read.targets.len() <= 256).then_some(())?;
        let targets: Vec<[u8; 16]> = read
            .targets
            .into_iter()
            .map(|target| target.try_into().ok())
            .collect::<Option<_>>()?;
        for target in targets {
            self.ours.entry(target).and_modify(|read| *read = true);
        }
        Some(())
    }

    /// The first content of an id counts.
    fn add(&mut self, message: Message) {
        if self.theirs.iter().all(|earlier| earlier.id != message.id) {
            self.theirs.push(message);
        }
    }

    fn compare(&self, pair: &Scene, contact: OnionAddress) {
        let (disk, ours) = (&pair.sides[A].store, pair.sides[A].address);
        let rows = disk.conversation(contact).into_iter();
        let theirs: Vec<Message> = rows
            .filter(|row| row.key.is_from_peer())
            .map(|row| Message {
                id: row.key.id.0,
                text: row.text.clone(),
                content_type: row.content_type,
                thread: row.thread.clone(),
                reply_to: row.reply_to.map(|id| id.0),
                ttl: row.ttl,
                sent_at: row.sent_at.0,
                edited: row.edited_at.is_some(),
                deleted: row.deleted_at.is_some(),
            })
            .collect();
        assert_eq!(theirs, self.theirs);

        let reactions = disk.rows().filter_map(|row| match row {
            Row::Reaction(ReactionRow { target, emoji, .. }) if target.conversation == contact.into() => {
                Some(((target.direction(&ours), target.id.0), emoji.clone()))
            }
            _ => None,
        });
        assert_eq!(reactions.collect::<BTreeMap<_, _>>(), self.reactions);

        for (id, read) in &self.ours {
            let key = MessageKey::direct(contact, ours, MessageId(*id));
            let state = disk.delivery(&key).map(|row| row.state);
            let expected = if *read {
                DeliveryState::Read
            } else {
                DeliveryState::Sent
            };
            assert_eq!(state, Some(expected));
            let untouched = disk
                .message(&key)
                .is_some_and(|row| row.edited_at.is_none() && row.deleted_at.is_none());
            assert!(untouched, "our text was changed");
        }
        let Some(Row::Contact(row)) = disk.row(&Key::Contact(contact)) else {
            panic!("the contact is gone");
        };
        assert_eq!(row.claimed_name, NAME);
        let timer = |author| match disk.row(&Key::Timer(contact.into(), author)) {
            Some(Row::Timer(row)) => row.seconds,
            _ => 0,
        };
        assert_eq!((timer(contact), timer(ours)), (self.timer, 0));
    }
}

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    const END: [u8; 9] = [0; 9];
    let with_end = |fields: &[u8]| [fields, &END].concat();
    let text = |id: u8, text: &[u8]| {
        let length = [u8::try_from(text.len()).expect("short")];
        with_end(&[&[0, id], &length[..], text, &[0, 0, 0, 0, 0, 0, 0]].concat())
    };
    let hello = text(0, b"hello");
    let about = |fields: &[u8]| [&hello[..], &with_end(fields)].concat();
    vec![
        hello.clone(),
        [&hello[..], &text(0, b"again"), &text(1, b"more")].concat(),
        // With type, thread, reply and timer.
        with_end(&[0, 1, 3, b'a', b'b', b'c', 1, 2, b't', b'h', 1, 4, 0, 0, 0, 60]),
        with_end(&[1, 2]),
        about(&[2, 3, 0, 4, b'n', b'e', b'w', b'!']),
        about(&[3, 3, 0]),
        about(&[4, 3, 0, 0, 4, 0xf0, 0x9f, 0x91, 0x8d]),
        with_end(&[4, 3, 4, 1, 4, 0xf0, 0x9f, 0x91, 0x8d]),
        with_end(&[5, 3, 2, 4, 5, 0, 0]),
        with_end(&[5, 3, 0, 1, 2]),
        with_end(&[6, 3, 0, 0, 14, 16]),
        with_end(&[7, 3, 3, b'e', b'v', b'e']),
        with_end(&[8, 3, 0]),
        with_end(&[0, 7, 1, 2, 3, 2, b'a', b'b', 0, 0, 0, 0, 0, 0, 0]),
        with_end(&[0, 0, 1, 0x80, 0x01, 0, 0, 0, 0, 0, 0, 0]),
        [&[0xf0][..], &piece(&[0x0a, 2, 1, 2])].concat(),
        [&[0xf0][..], &piece(b"no protocol buffer")].concat(),
    ]
}
