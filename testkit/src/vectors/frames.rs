//! Section 4: every kind of frame, with its fields and its bytes.

use prost::Message;
use sotto_core::wire::link::{
    Ack, Availability, Bundle, Ciphertext, Frame, Heartbeat, Hello, PreKeyOffer, Presence, Relationship, Request,
    RequestStatus, Typing, frame::Body,
};

use super::json::{Json, hex, list, long, object};

pub fn frames() -> Json {
    let frames = examples().into_iter().map(|(what, body)| {
        let (kind, fields) = described(&body);
        let frame = Frame { body: Some(body) };
        object([
            ("what", what.into()),
            ("kind", kind.into()),
            ("fields", fields),
            ("encoded", hex(frame.encode_to_vec())),
        ])
    });
    let decoded = [
        (
            "a Heartbeat with an unknown field 15 in it and an unknown field 200 after it",
            vec![0x3a, 0x05, 0x08, 0x01, 0x7a, 0x01, 0x00, 0xc0, 0x0c, 0x01],
        ),
        ("a Presence of the unknown availability 9", vec![0x42, 0x02, 0x08, 0x09]),
        (
            "a RequestStatus of the unknown relationship 77",
            vec![0x1a, 0x02, 0x08, 0x4d],
        ),
        (
            "two bodies: the last one counts",
            vec![0x3a, 0x02, 0x08, 0x01, 0x4a, 0x02, 0x08, 0x01],
        ),
    ]
    .map(|(what, encoded)| {
        let body = Frame::decode(&encoded[..]).expect(what).body.expect(what);
        let (kind, fields) = described(&body);
        object([
            ("what", what.into()),
            ("kind", kind.into()),
            ("fields", fields),
            ("encoded", hex(encoded)),
        ])
    });
    let ignored = [
        ("no bytes", vec![]),
        (
            "an unknown body, field 15, with a message in it",
            vec![0x7a, 0x02, 0x08, 0x01],
        ),
    ]
    .map(|(what, encoded)| object([("what", what.into()), ("encoded", hex(encoded))]));
    let undecodable = [
        ("a cut length", vec![0x3a]),
        ("a body longer than what follows", vec![0x3a, 0x02, 0x08]),
        ("a name that is not UTF-8", vec![0x12, 0x03, 0x1a, 0x01, 0xff]),
        (
            "a number of eleven bytes",
            [&[0x3a, 0x0c, 0x08][..], &[0xff; 10], &[0x01]].concat(),
        ),
    ]
    .map(|(what, encoded)| object([("what", what.into()), ("encoded", hex(encoded))]));
    object([
        (
            "about",
            "PROTOCOL.md 4 and proto/link.proto. encoded is the whole Frame. Fields of type bytes are hexadecimal, of \
             type uint64 decimal strings, enums their names. Absent fields and those of value zero are the same and are \
             not encoded. Keys, signatures and ciphertexts are placeholders: these vectors fix the encoding, not what \
             a receiver thinks of it. Those of also_decoded are never written but MUST be read so; those of ignored \
             change nothing; those of undecodable end the link."
                .into(),
        ),
        ("frames", list(frames)),
        ("also_decoded", list(decoded)),
        ("ignored", list(ignored)),
        ("undecodable", list(undecodable)),
    ])
}

fn examples() -> Vec<(&'static str, Body)> {
    [hellos(), requests(), of_friends()].concat()
}

fn hellos() -> Vec<(&'static str, Body)> {
    let to_stranger = Hello {
        version_min: 1,
        version_max: 1,
        features: vec![1729],
        ..Hello::default()
    };
    let hello = || Hello {
        features: vec![6, 1729],
        ..to_stranger.clone()
    };
    vec![
        ("to a stranger", Body::Hello(to_stranger.clone())),
        (
            "of a requester",
            Body::Hello(Hello {
                relationship: Relationship::Requested.into(),
                offered: 3_735_928_559,
                ..hello()
            }),
        ),
        (
            "of a friend",
            Body::Hello(Hello {
                relationship: Relationship::Friend.into(),
                session_epoch: 3_735_928_559,
                sent: 40,
                received: 300,
                acknowledged: 39,
                ..hello()
            }),
        ),
        (
            "with the highest session epochs",
            Body::Hello(Hello {
                relationship: Relationship::Friend.into(),
                session_epoch: 1 << 62,
                offered: 1 << 62,
                ..hello()
            }),
        ),
    ]
}

fn requests() -> Vec<(&'static str, Body)> {
    vec![
        (
            "with all that it can have",
            Body::Request(Request {
                session_epoch: 3_735_928_559,
                bundle: Some(bundle()),
                name: "Алиса".to_owned(),
                note: "We met in Zürich.".to_owned(),
                invite: (0xf0..=0xff).collect(),
                number: 2,
            }),
        ),
        (
            "without name, note and invite",
            Body::Request(Request {
                session_epoch: 1,
                bundle: Some(bundle()),
                ..Request::default()
            }),
        ),
        ("held", answer(Relationship::Pending, 2)),
        ("refused", answer(Relationship::Declined, 1)),
        ("refused, without a number", answer(Relationship::Declined, 0)),
    ]
}

fn of_friends() -> Vec<(&'static str, Body)> {
    vec![
        (
            "",
            Body::PreKeyOffer(PreKeyOffer {
                session_epoch: 8_589_934_592,
                bundle: Some(bundle()),
            }),
        ),
        (
            "",
            Body::Ciphertext(Ciphertext {
                session_epoch: 3_735_928_559,
                sequence: 128,
                ciphertext: [&[1][..], &[0xee; 60]].concat(),
            }),
        ),
        (
            "",
            Body::Ack(Ack {
                session_epoch: 3_735_928_559,
                received: 128,
            }),
        ),
        ("asks for one back", Body::Heartbeat(Heartbeat { reply: true })),
        ("the one that goes back", Body::Heartbeat(Heartbeat { reply: false })),
        ("", presence(Availability::Online)),
        ("", presence(Availability::Away)),
        ("", presence(Availability::Unsaid)),
        ("", Body::Typing(Typing { typing: true })),
        ("", Body::Typing(Typing { typing: false })),
    ]
}

fn answer(relationship: Relationship, request: u32) -> Body {
    Body::RequestStatus(RequestStatus {
        relationship: relationship.into(),
        request,
    })
}

fn presence(availability: Availability) -> Body {
    Body::Presence(Presence {
        availability: availability.into(),
    })
}

/// A bundle whose fields have the correct lengths and type bytes and no valid key.
fn bundle() -> Bundle {
    let curve25519 = |byte| [&[5][..], &[byte; 32]].concat();
    Bundle {
        registration_id: 16_383,
        identity_key: curve25519(0x11),
        identity_signature: vec![0x22; 64],
        signed_prekey_id: 16_777_215,
        signed_prekey: curve25519(0x33),
        signed_prekey_signature: vec![0x44; 64],
        kyber_prekey_id: 16_777_215,
        kyber_prekey: [&[8][..], &[0x55; 1568]].concat(),
        kyber_prekey_signature: vec![0x66; 64],
        one_time_prekey_id: 1,
        one_time_prekey: curve25519(0x77),
    }
}

/// The name of the kind and its fields, in the order of their numbers.
fn described(body: &Body) -> (&'static str, Json) {
    match body {
        Body::Hello(hello) => (
            "hello",
            object([
                ("version_min", hello.version_min.into()),
                ("version_max", hello.version_max.into()),
                ("relationship", hello.relationship().as_str_name().into()),
                ("session_epoch", long(hello.session_epoch)),
                ("sent", long(hello.sent)),
                ("received", long(hello.received)),
                ("acknowledged", long(hello.acknowledged)),
                ("offered", long(hello.offered)),
                (
                    "features",
                    list(hello.features.iter().map(|number| Json::from(*number))),
                ),
            ]),
        ),
        Body::Request(request) => (
            "request",
            object([
                ("session_epoch", long(request.session_epoch)),
                ("bundle", described_bundle(request.bundle.as_ref())),
                ("name", request.name.as_str().into()),
                ("note", request.note.as_str().into()),
                ("invite", hex(&request.invite)),
                ("number", request.number.into()),
            ]),
        ),
        Body::RequestStatus(answer) => (
            "request_status",
            object([
                ("relationship", answer.relationship().as_str_name().into()),
                ("request", answer.request.into()),
            ]),
        ),
        Body::PreKeyOffer(offer) => (
            "pre_key_offer",
            object([
                ("session_epoch", long(offer.session_epoch)),
                ("bundle", described_bundle(offer.bundle.as_ref())),
            ]),
        ),
        Body::Ciphertext(sealed) => (
            "ciphertext",
            object([
                ("session_epoch", long(sealed.session_epoch)),
                ("sequence", long(sealed.sequence)),
                ("ciphertext", hex(&sealed.ciphertext)),
            ]),
        ),
        Body::Ack(ack) => (
            "ack",
            object([
                ("session_epoch", long(ack.session_epoch)),
                ("received", long(ack.received)),
            ]),
        ),
        Body::Heartbeat(heartbeat) => ("heartbeat", object([("reply", heartbeat.reply.into())])),
        Body::Presence(presence) => (
            "presence",
            object([("availability", presence.availability().as_str_name().into())]),
        ),
        Body::Typing(typing) => ("typing", object([("typing", typing.typing.into())])),
    }
}

fn described_bundle(bundle: Option<&Bundle>) -> Json {
    let bundle = bundle.expect("the examples have one");
    object([
        ("registration_id", bundle.registration_id.into()),
        ("identity_key", hex(&bundle.identity_key)),
        ("identity_signature", hex(&bundle.identity_signature)),
        ("signed_prekey_id", bundle.signed_prekey_id.into()),
        ("signed_prekey", hex(&bundle.signed_prekey)),
        ("signed_prekey_signature", hex(&bundle.signed_prekey_signature)),
        ("kyber_prekey_id", bundle.kyber_prekey_id.into()),
        ("kyber_prekey", hex(&bundle.kyber_prekey)),
        ("kyber_prekey_signature", hex(&bundle.kyber_prekey_signature)),
        ("one_time_prekey_id", bundle.one_time_prekey_id.into()),
        ("one_time_prekey", hex(&bundle.one_time_prekey)),
    ])
}
