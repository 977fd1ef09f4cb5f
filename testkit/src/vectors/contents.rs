//! Section 6: every kind of content, with its fields and its bytes, and contents that a receiver refuses.

use prost::Message;
use sotto_core::wire::content::content::Kind;
use sotto_core::wire::content::{Accept, Content, ContentType, Delete, Edit, Reaction, Read, Renewed, Text, Timer};

use super::json::{Json, hex, list, long, object};

const SENT_AT: u64 = 1_700_000_000_123;

pub fn contents() -> Json {
    let contents = examples().into_iter().map(|(what, content)| {
        object([
            ("what", what.into()),
            ("fields", described(&content)),
            ("encoded", hex(content.encode_to_vec())),
        ])
    });
    let unsupported = [
        ("no kind", envelope(None).encode_to_vec()),
        (
            "an unknown kind, field 99",
            [envelope(None).encode_to_vec(), vec![0x9a, 0x06, 0x02, 0x08, 0x01]].concat(),
        ),
    ]
    .map(|(what, encoded)| object([("what", what.into()), ("encoded", hex(encoded))]));
    let refused = refused().into_iter().map(|(what, clause, encoded)| {
        object([
            ("what", what.into()),
            ("clause", clause.into()),
            ("encoded", hex(encoded)),
        ])
    });
    object([
        (
            "about",
            "PROTOCOL.md 6 and proto/content.proto. encoded is the whole Content, which is the plaintext of a Signal \
             ciphertext. Fields of type bytes are hexadecimal, of type uint64 decimal strings, enums their names. Absent \
             fields and those of value zero are the same and are not encoded. The identity signatures are placeholders. \
             In a session under way, those of unsupported become an unsupported message, and those of refused change \
             nothing; both are acknowledged, and the link goes on."
                .into(),
        ),
        ("contents", list(contents)),
        ("unsupported", list(unsupported)),
        ("refused", list(refused)),
    ])
}

fn id(byte: u8) -> Vec<u8> {
    vec![byte; 16]
}

fn envelope(kind: Option<Kind>) -> Content {
    Content {
        id: (0..16).collect(),
        sent_at: SENT_AT,
        repeat: false,
        ignorable: false,
        kind,
    }
}

fn text(text: &str) -> Text {
    Text {
        text: text.to_owned(),
        ..Text::default()
    }
}

fn examples() -> Vec<(&'static str, Content)> {
    let kinds = openings().into_iter().chain(texts()).chain(about_messages());
    let mut examples: Vec<_> = kinds.map(|(what, kind)| (what, envelope(Some(kind)))).collect();
    let repeated = Content {
        repeat: true,
        ..envelope(Some(Kind::Text(text("ok"))))
    };
    examples.push(("plain, perhaps received in an earlier session", repeated));
    examples
}

/// What begins a session.
fn openings() -> [(&'static str, Kind); 2] {
    [
        (
            "the first content of a session by consent",
            Kind::Accept(Accept {
                name: "Боб".to_owned(),
                identity_signature: vec![0x22; 64],
            }),
        ),
        (
            "the first content of a replaced session",
            Kind::Renewed(Renewed {
                name: "Bob".to_owned(),
                identity_signature: vec![0x22; 64],
            }),
        ),
    ]
}

/// Texts, and an edited one.
fn texts() -> [(&'static str, Kind); 3] {
    [
        ("plain", Kind::Text(text("ok"))),
        (
            "markdown, with all that it can have",
            Kind::Text(Text {
                text: "**yes** 👍".to_owned(),
                content_type: ContentType::Markdown.into(),
                thread: "holidays".to_owned(),
                reply_to: id(0xcc),
                ttl: 3600,
                hops: 2,
            }),
        ),
        (
            "",
            Kind::Edit(Edit {
                target: id(0xcc),
                text: "no".to_owned(),
            }),
        ),
    ]
}

/// What is about messages without being one, and timers.
fn about_messages() -> [(&'static str, Kind); 7] {
    [
        ("", Kind::Delete(Delete { target: id(0xcc) })),
        ("to a message of the receiver", Kind::Reaction(reaction(false, "🎉"))),
        ("to a message of the sender", Kind::Reaction(reaction(true, "🎉"))),
        ("taken back", Kind::Reaction(reaction(false, ""))),
        (
            "",
            Kind::Read(Read {
                targets: vec![id(0xcc), id(0xdd)],
            }),
        ),
        ("a week", Kind::Timer(Timer { seconds: 604_800 })),
        ("off", Kind::Timer(Timer { seconds: 0 })),
    ]
}

fn reaction(own: bool, emoji: &str) -> Reaction {
    Reaction {
        target: id(0xcc),
        own,
        emoji: emoji.to_owned(),
    }
}

fn refused() -> Vec<(&'static str, &'static str, Vec<u8>)> {
    let short_id = Content {
        id: vec![0; 15],
        ..envelope(Some(Kind::Text(text("ok"))))
    };
    let mut refused: Vec<_> = refused_texts()
        .into_iter()
        .chain(refused_references())
        .map(|(what, clause, kind)| (what, clause, envelope(Some(kind)).encode_to_vec()))
        .collect();
    refused.push(("a text with an id of 15 bytes", "M-1", short_id.encode_to_vec()));
    refused.push(("no protobuf", "S-12", vec![0xff; 8]));
    refused.push(("a text that is not UTF-8", "S-12", vec![0x62, 0x03, 0x0a, 0x01, 0xff]));
    refused
}

/// Contents that may not come now, and texts that are no message.
fn refused_texts() -> [(&'static str, &'static str, Kind); 6] {
    [
        (
            "an Accept that is not the first",
            "M-12",
            Kind::Accept(Accept::default()),
        ),
        (
            "a Renewed that is not the first",
            "M-12",
            Kind::Renewed(Renewed::default()),
        ),
        ("an empty text", "M-5", Kind::Text(text(""))),
        ("a text of 32 769 bytes", "M-5", Kind::Text(text(&"x".repeat(32_769)))),
        (
            "a thread of 129 bytes",
            "M-5",
            Kind::Text(Text {
                thread: "x".repeat(129),
                ..text("ok")
            }),
        ),
        (
            "a reply to an id of 15 bytes",
            "M-5",
            Kind::Text(Text {
                reply_to: vec![0; 15],
                ..text("ok")
            }),
        ),
    ]
}

/// What is about messages without being one, and timers.
fn refused_references() -> [(&'static str, &'static str, Kind); 6] {
    [
        (
            "an edit with an empty text",
            "M-6",
            Kind::Edit(Edit {
                target: id(0xcc),
                text: String::new(),
            }),
        ),
        (
            "an edit of an id of 17 bytes",
            "M-6",
            Kind::Edit(Edit {
                target: vec![0; 17],
                text: "no".to_owned(),
            }),
        ),
        (
            "a deletion of an empty id",
            "M-7",
            Kind::Delete(Delete { target: Vec::new() }),
        ),
        (
            "a reaction of 65 bytes",
            "M-8",
            Kind::Reaction(reaction(false, &"x".repeat(65))),
        ),
        (
            "257 targets",
            "M-9",
            Kind::Read(Read {
                targets: vec![id(0xcc); 257],
            }),
        ),
        (
            "a timer of 366 days and a second",
            "M-10",
            Kind::Timer(Timer { seconds: 31_622_401 }),
        ),
    ]
}

fn described(content: &Content) -> Json {
    let (kind, fields) = described_kind(content.kind.as_ref().expect("the examples have one"));
    object([
        ("id", hex(&content.id)),
        ("sent_at", long(content.sent_at)),
        ("repeat", content.repeat.into()),
        (kind, fields),
    ])
}

/// The name of the kind and its fields, in the order of their numbers.
fn described_kind(kind: &Kind) -> (&'static str, Json) {
    match kind {
        Kind::Accept(Accept {
            name,
            identity_signature,
        }) => (
            "accept",
            object([
                ("name", name.as_str().into()),
                ("identity_signature", hex(identity_signature)),
            ]),
        ),
        Kind::Renewed(Renewed {
            name,
            identity_signature,
        }) => (
            "renewed",
            object([
                ("name", name.as_str().into()),
                ("identity_signature", hex(identity_signature)),
            ]),
        ),
        Kind::Text(text) => (
            "text",
            object([
                ("text", text.text.as_str().into()),
                ("content_type", text.content_type().as_str_name().into()),
                ("thread", text.thread.as_str().into()),
                ("reply_to", hex(&text.reply_to)),
                ("ttl", text.ttl.into()),
                ("hops", text.hops.into()),
            ]),
        ),
        Kind::Edit(edit) => (
            "edit",
            object([("target", hex(&edit.target)), ("text", edit.text.as_str().into())]),
        ),
        Kind::Delete(delete) => ("delete", object([("target", hex(&delete.target))])),
        Kind::Reaction(reaction) => (
            "reaction",
            object([
                ("target", hex(&reaction.target)),
                ("own", reaction.own.into()),
                ("emoji", reaction.emoji.as_str().into()),
            ]),
        ),
        Kind::Read(read) => ("read", object([("targets", list(read.targets.iter().map(hex)))])),
        Kind::Timer(timer) => ("timer", object([("seconds", timer.seconds.into())])),
    }
}
