//! Arbitrary frames and contents for property tests: well-formed Protocol Buffers with hostile values in every field.

use proptest::collection::vec;
use proptest::prelude::*;
use sotto_core::wire::content::content::Kind;
use sotto_core::wire::content::{self, Content};
use sotto_core::wire::link::{self, frame::Body};

/// Numbers at the limits of state machines.
fn number() -> impl Strategy<Value = u64> + Clone {
    prop_oneof![4 => 0..10_u64, 1 => Just(u64::MAX), 1 => Just(1 << 62), 1 => Just(i64::MAX as u64), 1 => any::<u64>()]
}

fn bytes(usual: usize) -> impl Strategy<Value = Vec<u8>> + Clone {
    prop_oneof![
        vec(any::<u8>(), usual),
        vec(any::<u8>(), 0..80),
        Just(Vec::new()),
        Just(vec![0; usual])
    ]
}

fn text() -> impl Strategy<Value = String> + Clone {
    prop_oneof![3 => ".{0,20}", 1 => Just("x".repeat(30 * 1024)), 1 => Just("\u{202e}\u{1b}[2J".to_owned())]
}

/// A bundle that is complete and almost certainly invalid.
pub fn bundle() -> impl Strategy<Value = link::Bundle> {
    let keys = (
        bytes(33),
        bytes(64),
        bytes(33),
        bytes(64),
        bytes(1569),
        bytes(64),
        bytes(33),
    );
    let ids = (any::<u32>(), any::<u32>(), any::<u32>(), any::<u32>());
    (keys, ids).prop_map(|(keys, ids)| link::Bundle {
        registration_id: ids.0,
        identity_key: keys.0,
        identity_signature: keys.1,
        signed_prekey_id: ids.1,
        signed_prekey: keys.2,
        signed_prekey_signature: keys.3,
        kyber_prekey_id: ids.2,
        kyber_prekey: keys.4,
        kyber_prekey_signature: keys.5,
        one_time_prekey_id: ids.3,
        one_time_prekey: keys.6,
    })
}

/// Any frame.
pub fn body() -> impl Strategy<Value = Body> {
    let hello = (
        0..3_u32,
        0..3_u32,
        0..7_i32,
        [number(), number(), number(), number(), number()],
        vec(any::<u32>(), 0..4),
    )
        .prop_map(
            |(
                version_min,
                version_max,
                relationship,
                [session_epoch, sent, received, acknowledged, offered],
                features,
            )| {
                let numbers = (session_epoch, sent, received, acknowledged, offered);
                let (session_epoch, sent, received, acknowledged, offered) = numbers;
                Body::Hello(link::Hello {
                    version_min,
                    version_max,
                    relationship,
                    session_epoch,
                    sent,
                    received,
                    acknowledged,
                    offered,
                    features,
                })
            },
        );
    let request = (number(), proptest::option::of(bundle()), text(), text(), bytes(16)).prop_map(
        |(session_epoch, bundle, name, note, invite)| {
            Body::Request(link::Request {
                session_epoch,
                bundle,
                name,
                note,
                invite,
                number: 1,
            })
        },
    );
    let offer = (number(), proptest::option::of(bundle()))
        .prop_map(|(session_epoch, bundle)| Body::PreKeyOffer(link::PreKeyOffer { session_epoch, bundle }));
    let sealed = (number(), number(), bytes(400)).prop_map(|(session_epoch, sequence, ciphertext)| {
        Body::Ciphertext(link::Ciphertext {
            session_epoch,
            sequence,
            ciphertext,
        })
    });
    prop_oneof![
        hello,
        request,
        (0..7_i32, 0..3_u32)
            .prop_map(|(relationship, request)| Body::RequestStatus(link::RequestStatus { relationship, request })),
        offer,
        sealed,
        (number(), number()).prop_map(|(session_epoch, received)| Body::Ack(link::Ack {
            session_epoch,
            received
        })),
        any::<bool>().prop_map(|reply| Body::Heartbeat(link::Heartbeat { reply })),
        (0..5_i32).prop_map(|availability| Body::Presence(link::Presence { availability })),
        any::<bool>().prop_map(|typing| Body::Typing(link::Typing { typing })),
    ]
}

/// Any content; the ids in it are often among `known`.
pub fn content(known: Vec<Vec<u8>>) -> impl Strategy<Value = Content> {
    let id = move || prop_oneof![2 => proptest::sample::select(known.clone()), 1 => bytes(16)];
    let written = (text(), 0..4_i32, ".{0,40}", id(), any::<[u32; 2]>()).prop_map(
        |(text, content_type, thread, reply_to, [ttl, hops])| {
            Kind::Text(content::Text {
                text,
                content_type,
                thread,
                reply_to,
                ttl,
                hops,
            })
        },
    );
    let kind = prop_oneof![
        3 => written,
        1 => (text(), bytes(64)).prop_map(|(name, identity_signature)| {
            Kind::Accept(content::Accept { name, identity_signature })
        }),
        1 => (text(), bytes(64)).prop_map(|(name, identity_signature)| {
            Kind::Renewed(content::Renewed { name, identity_signature })
        }),
        1 => (id(), text()).prop_map(|(target, text)| Kind::Edit(content::Edit { target, text })),
        1 => id().prop_map(|target| Kind::Delete(content::Delete { target })),
        1 => (id(), any::<bool>(), text()).prop_map(|(target, own, emoji)| {
            Kind::Reaction(content::Reaction { target, own, emoji })
        }),
        1 => vec(id(), 0..300).prop_map(|targets| Kind::Read(content::Read { targets })),
        1 => any::<u32>().prop_map(|seconds| Kind::Timer(content::Timer { seconds })),
    ];
    (id(), number(), any::<bool>(), any::<bool>(), proptest::option::of(kind)).prop_map(
        |(id, sent_at, repeat, ignorable, kind)| Content {
            id,
            sent_at,
            repeat,
            ignorable,
            kind,
        },
    )
}
