//! Section 6: contents. What they change is the target's own; that they are taken can be seen.

use prost::Message as _;
use sotto_core::wire::content::content::Kind;
use sotto_core::wire::content::{Accept, Content, Delete, Edit, Reaction, Read, Renewed, Text, Timer};
use sotto_core::wire::link::frame::Body;

use super::case;
use crate::Case;
use crate::report::Failure;
use crate::world::{Side, World};

pub const CASES: &[Case] = &[
    case!(
        "M-2.1",
        Larger,
        "acknowledges contents of unknown kinds, of none, and with unknown fields",
        unsupported
    ),
    case!(
        "M-3.1",
        Larger,
        "acknowledges what comes again under its id, with `repeat` and without",
        repeated
    ),
    case!(
        "M-15.1",
        Larger,
        "acknowledges ignorable contents of unknown kinds",
        ignorable
    ),
    case!("M-5.1", Larger, "takes contents at their limits", at_the_limits),
    case!(
        "S-12.1",
        Larger,
        "acknowledges plaintexts that are no content, and goes on",
        no_content
    ),
    case!(
        "S-12.2",
        Larger,
        "acknowledges contents that break a rule, and goes on",
        broken_rules
    ),
];

/// The longest text, in bytes.
const TEXT: usize = 32_768;
/// The longest timer, in seconds.
const TIMER: u32 = 366 * 24 * 3600;
/// A field that no content has, with a number.
const UNKNOWN: [u8; 3] = [0x98, 0x06, 5];

/// Sends these plaintexts, and sees each acknowledged.
fn taken(world: &mut World<'_>, plaintexts: &[Vec<u8>]) -> Result<(), Failure> {
    let (net, friend) = world.friend(Side::Larger)?;
    let mut line = net.flowing(friend)?;
    for plaintext in plaintexts {
        let sealed = friend.seal(plaintext);
        friend.deliver(&mut line, sealed)?;
    }
    line.expect_life("the last of them")?;
    line.expect_none("answer but Ack", |body| {
        matches!(body, Body::RequestStatus(_) | Body::PreKeyOffer(_))
    })
}

/// Contents under fresh ids.
fn contents(world: &mut World<'_>, kinds: Vec<Kind>) -> Result<Vec<Vec<u8>>, Failure> {
    let (_, friend) = world.friend(Side::Larger)?;
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

fn unsupported(world: &mut World<'_>) -> Result<(), Failure> {
    let bare = Content {
        id: vec![0x11; 16],
        ..Content::default()
    };
    let unknown = [&bare.encode_to_vec()[..], &UNKNOWN].concat();
    let known = contents(
        world,
        vec![Kind::Text(Text {
            content_type: 77,
            ..text("a text of an unknown content type")
        })],
    )?;
    let with_field = [&known[0][..], &UNKNOWN].concat();
    taken(world, &[unknown, bare.encode_to_vec(), with_field])
}

fn ignorable(world: &mut World<'_>) -> Result<(), Failure> {
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
    taken(world, &[unknown, bare.encode_to_vec(), again.encode_to_vec()])
}

fn repeated(world: &mut World<'_>) -> Result<(), Failure> {
    let (_, friend) = world.friend(Side::Larger)?;
    let first = friend.content(Kind::Text(text("once")));
    let again = Content {
        repeat: true,
        ..first.clone()
    };
    taken(
        world,
        &[first.encode_to_vec(), again.encode_to_vec(), first.encode_to_vec()],
    )
}

fn at_the_limits(world: &mut World<'_>) -> Result<(), Failure> {
    let plaintexts = contents(
        world,
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
    taken(world, &plaintexts)
}

fn no_content(world: &mut World<'_>) -> Result<(), Failure> {
    taken(world, &[vec![0xff; 40], vec![0x0a, 200, 1], Vec::new()])
}

fn broken_rules(world: &mut World<'_>) -> Result<(), Failure> {
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
    let mut plaintexts = contents(world, kinds)?;
    let nameless = Content {
        kind: Some(Kind::Text(text("without an id"))),
        ..Content::default()
    };
    plaintexts.push(nameless.encode_to_vec());
    taken(world, &plaintexts)
}
