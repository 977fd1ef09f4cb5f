//! Section 6: contents. Their effect is hidden in the target; that they are acknowledged can be observed.

use prost::Message as _;
use sotto_core::wire::content::content::Kind;
use sotto_core::wire::content::{Accept, Content, Delete, Edit, Reaction, Read, Renewed, Text, Timer};
use sotto_core::wire::link::frame::Body;

use super::case;
use crate::Case;
use crate::fixture::{Fixture, KeyOrder};
use crate::report::Failure;

pub const CASES: &[Case] = &[
    case!(
        "M-2.1",
        Larger,
        "acknowledges contents of unknown kinds, without a kind, and with unknown fields",
        unsupported
    ),
    case!(
        "M-3.1",
        Larger,
        "acknowledges a content that repeats an id, with `repeat` and without",
        repeated
    ),
    case!(
        "M-15.1",
        Larger,
        "acknowledges ignorable contents of unknown kinds",
        ignorable
    ),
    case!("M-5.1", Larger, "accepts contents at their limits", at_the_limits),
    case!(
        "S-12.1",
        Larger,
        "acknowledges plaintexts that are no Content, and continues",
        no_content
    ),
    case!(
        "S-12.2",
        Larger,
        "acknowledges contents that break a rule, and continues",
        broken_rules
    ),
];

/// The longest text, in bytes.
const TEXT: usize = 32_768;
/// The longest timer, in seconds.
const TIMER: u32 = 366 * 24 * 3600;
/// A field that no content has, with a number.
const UNKNOWN: [u8; 3] = [0x98, 0x06, 5];

/// Sends these plaintexts and waits for the acknowledgement of each.
fn taken(fixture: &mut Fixture<'_>, plaintexts: &[Vec<u8>]) -> Result<(), Failure> {
    let (connector, friend) = fixture.friend(KeyOrder::Larger)?;
    let mut link = connector.session_link(friend)?;
    for plaintext in plaintexts {
        let sealed = friend.encrypt(plaintext);
        link.deliver(friend, sealed)?;
    }
    link.expect_alive("the last of them")?;
    link.expect_none("answer but Ack", |body| {
        matches!(body, Body::RequestStatus(_) | Body::PreKeyOffer(_))
    })
}

/// Contents under new ids.
fn contents(fixture: &mut Fixture<'_>, kinds: Vec<Kind>) -> Result<Vec<Vec<u8>>, Failure> {
    let (_, friend) = fixture.friend(KeyOrder::Larger)?;
    Ok(kinds
        .into_iter()
        .map(|kind| friend.content(kind).encode_to_vec())
        .collect())
}

fn text(text: impl Into<String>) -> Text {
    Text {
        text: text.into(),
        ..Text::default()
    }
}

fn unsupported(fixture: &mut Fixture<'_>) -> Result<(), Failure> {
    let bare = Content {
        id: vec![0x11; 16],
        ..Content::default()
    };
    let unknown = [&bare.encode_to_vec()[..], &UNKNOWN].concat();
    let known = contents(
        fixture,
        vec![Kind::Text(Text {
            content_type: 77,
            ..text("a text of an unknown content type")
        })],
    )?;
    let with_field = [&known[0][..], &UNKNOWN].concat();
    taken(fixture, &[unknown, bare.encode_to_vec(), with_field])
}

fn ignorable(fixture: &mut Fixture<'_>) -> Result<(), Failure> {
    let bare = Content {
        id: vec![0x12; 16],
        ignorable: true,
        ..Content::default()
    };
    let again = Content {
        repeat: true,
        ..bare.clone()
    };
    let unknown = [&bare.encode_to_vec()[..], &UNKNOWN].concat();
    taken(fixture, &[unknown, bare.encode_to_vec(), again.encode_to_vec()])
}

fn repeated(fixture: &mut Fixture<'_>) -> Result<(), Failure> {
    let (_, friend) = fixture.friend(KeyOrder::Larger)?;
    let first = friend.content(Kind::Text(text("once")));
    let again = Content {
        repeat: true,
        ..first.clone()
    };
    taken(
        fixture,
        &[first.encode_to_vec(), again.encode_to_vec(), first.encode_to_vec()],
    )
}

fn at_the_limits(fixture: &mut Fixture<'_>) -> Result<(), Failure> {
    let plaintexts = contents(
        fixture,
        vec![
            Kind::Text(Text {
                thread: "t".repeat(128),
                reply_to: vec![7; 16],
                ttl: u32::MAX,
                ..text("x".repeat(TEXT))
            }),
            Kind::Edit(Edit {
                target: vec![7; 16],
                text: "x".repeat(TEXT),
            }),
            Kind::Delete(Delete { target: vec![7; 16] }),
            Kind::Reaction(Reaction {
                target: vec![7; 16],
                own: true,
                emoji: "e".repeat(64),
            }),
            Kind::Read(Read {
                targets: vec![vec![7; 16]; 256],
            }),
            Kind::Timer(Timer { seconds: TIMER }),
            Kind::Timer(Timer { seconds: 0 }),
        ],
    )?;
    taken(fixture, &plaintexts)
}

fn no_content(fixture: &mut Fixture<'_>) -> Result<(), Failure> {
    taken(fixture, &[vec![0xff; 40], vec![0x0a, 200, 1], Vec::new()])
}

fn broken_rules(fixture: &mut Fixture<'_>) -> Result<(), Failure> {
    let kinds = vec![
        Kind::Text(text("")),
        Kind::Text(text("x".repeat(TEXT + 1))),
        Kind::Text(Text {
            thread: "t".repeat(129),
            ..text("a long thread")
        }),
        Kind::Text(Text {
            reply_to: vec![7; 15],
            ..text("a short id")
        }),
        Kind::Edit(Edit {
            target: vec![7; 16],
            text: String::new(),
        }),
        Kind::Edit(Edit {
            target: vec![7; 17],
            text: "a long id".to_owned(),
        }),
        Kind::Delete(Delete { target: Vec::new() }),
        Kind::Reaction(Reaction {
            target: vec![7; 16],
            own: false,
            emoji: "e".repeat(65),
        }),
        Kind::Read(Read {
            targets: vec![vec![7; 16]; 257],
        }),
        Kind::Read(Read {
            targets: vec![vec![7; 3]],
        }),
        Kind::Timer(Timer { seconds: TIMER + 1 }),
        Kind::Accept(Accept::default()),
        Kind::Renewed(Renewed::default()),
    ];
    let mut plaintexts = contents(fixture, kinds)?;
    let nameless = Content {
        kind: Some(Kind::Text(text("without an id"))),
        ..Content::default()
    };
    plaintexts.push(nameless.encode_to_vec());
    taken(fixture, &plaintexts)
}
