//! Sections 4 and 4.1: frames and Hello.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;
use std::time::Duration;

use sotto_core::wire::link::{
    Ciphertext, Heartbeat, Hello, PreKeyOffer, Presence, Relationship, RequestStatus, Typing, frame::Body,
};

use super::case;
use crate::Case;
use crate::fixture::{Fixture, KeyOrder};
use crate::link::Received;
use crate::report::Failure;

pub const CASES: &[Case] = &[
    case!("F-1.1", "ignores unknown fields", unknown_field),
    case!("F-1.2", "ignores frames without a known body", unknown_body),
    case!(
        "F-1.3",
        Larger,
        "treats an unknown enum value as the enum's zero",
        unknown_enum
    ),
    case!(
        "F-2.1",
        "sends Hello first, without waiting for the peer's",
        hello_first
    ),
    case!("F-2.2", "ends a link on another frame before Hello", frame_before_hello),
    case!("F-2.3", "ends a link on a second Hello", second_hello),
    case!("F-2.4", "ignores unknown frames before Hello", unknown_before_hello),
    case!(
        "F-3.1",
        "drops a stranger's RequestStatus, Ciphertext, PreKeyOffer, Presence and Typing silently",
        dropped
    ),
    case!("H-1.1", "ends a link without a common version", no_common_version),
    case!(
        "H-1.2",
        "accepts a Hello with a version range that includes 1",
        many_versions
    ),
    case!(
        "H-1.3",
        "ends a link on a session epoch or `offered` above 2^62",
        huge_generation
    ),
    case!("H-2.1", "sends STRANGER and zeros to an unknown peer", to_a_stranger),
    case!("H-2.2", "sends PENDING to a peer whose request waits", to_a_requester),
    case!("H-2.3", Larger, "sends FRIEND to a contact", to_a_friend),
    case!("H-3.1", Larger, "sends the counters of the session in Hello", counts),
    case!(
        "H-3.2",
        "ignores the counters of a Hello without a session",
        numbers_of_nothing
    ),
    case!(
        "H-5.1",
        "sends a stranger one random feature number and nothing else",
        features_to_a_stranger
    ),
    case!(
        "H-5.2",
        Larger,
        "ignores unknown features, and sends a random one to a contact",
        unknown_features
    ),
    case!("H-5.3", "ends a link on a Hello of 257 features", too_many_features),
    case!(
        "H-4.1",
        Larger,
        "sends no ciphertext before the peer's Hello",
        no_early_ciphertext
    ),
];

/// A field that no frame has, with three bytes.
const UNKNOWN: [u8; 6] = [0xfa, 0x3f, 3, 1, 2, 3];

fn unknown_field(fixture: &mut Fixture<'_>) -> Result<(), Failure> {
    let (connector, requester) = fixture.requester()?;
    let (mut link, _) = connector.exchange_hello(requester, Relationship::Requested)?;
    // In the heartbeat (field 7 of a frame), and beside it.
    let inner = [&[0x08, 1], &UNKNOWN[..]].concat();
    let length = u8::try_from(inner.len()).expect("a few bytes");
    let frame = [&[0x3a, length], &inner[..], &UNKNOWN].concat();
    connector.bucket(requester).take(1);
    link.send_encoded(&frame);
    link.expect("an answer to a heartbeat with unknown fields", |body| {
        matches!(body, Body::Heartbeat(Heartbeat { reply: false })).then_some(())
    })
}

fn unknown_body(fixture: &mut Fixture<'_>) -> Result<(), Failure> {
    let (connector, requester) = fixture.requester()?;
    let (mut link, _) = connector.exchange_hello(requester, Relationship::Requested)?;
    link.send_encoded(&[]);
    link.send_encoded(&UNKNOWN);
    link.expect_alive("an empty frame and an unknown one")
}

fn unknown_enum(fixture: &mut Fixture<'_>) -> Result<(), Failure> {
    let (connector, friend) = fixture.friend(KeyOrder::Larger)?;
    // To a FRIEND without a session the target would send an offer, to a STRANGER nothing.
    let hello = Hello {
        relationship: 77,
        session_epoch: 0,
        ..friend.hello(Relationship::Stranger)
    };
    let (mut link, _) = connector.exchange_hello_with(friend, hello)?;
    link.send(Body::Presence(Presence { availability: 77 }));
    link.expect_alive("a Hello with an unknown relationship, and an unknown availability")?;
    link.expect_none("PreKeyOffer to a stranger", |body| matches!(body, Body::PreKeyOffer(_)))
}

fn hello_first(fixture: &mut Fixture<'_>) -> Result<(), Failure> {
    let (connector, mut stranger) = fixture.stranger();
    connector.dial(&mut stranger)?.expect_hello().map(|_| ())
}

fn frame_before_hello(fixture: &mut Fixture<'_>) -> Result<(), Failure> {
    let (connector, requester) = fixture.requester()?;
    let mut link = connector.dial(requester)?;
    link.send(Body::Heartbeat(Heartbeat { reply: true }));
    link.expect_end("a heartbeat before Hello")?;
    link.expect_none("answer to it", |body| matches!(body, Body::Heartbeat(_)))
}

fn second_hello(fixture: &mut Fixture<'_>) -> Result<(), Failure> {
    let (connector, requester) = fixture.requester()?;
    let (mut link, _) = connector.exchange_hello(requester, Relationship::Requested)?;
    link.send(Body::Hello(requester.hello(Relationship::Requested)));
    link.expect_end("a second Hello")
}

fn unknown_before_hello(fixture: &mut Fixture<'_>) -> Result<(), Failure> {
    let (connector, requester) = fixture.requester()?;
    let mut link = connector.dial(requester)?;
    link.send_encoded(&UNKNOWN);
    link.send_unmetered(Body::Hello(requester.hello(Relationship::Requested)));
    link.expect_hello()?;
    link.expect_alive("an unknown frame before Hello")
}

fn dropped(fixture: &mut Fixture<'_>) -> Result<(), Failure> {
    let (connector, mut stranger) = fixture.stranger();
    let (mut link, _) = connector.exchange_hello(&mut stranger, Relationship::Requested)?;
    let (session_epoch, bundle) = stranger.offer();
    for body in [
        Body::RequestStatus(RequestStatus {
            relationship: Relationship::Pending.into(),
            request: 0,
        }),
        Body::Ciphertext(Ciphertext {
            session_epoch: 7,
            sequence: 1,
            ciphertext: vec![1; 200],
        }),
        Body::PreKeyOffer(PreKeyOffer {
            session_epoch,
            bundle: Some(bundle),
        }),
        Body::Presence(Presence { availability: 1 }),
        Body::Typing(Typing { typing: true }),
    ] {
        link.send(body);
    }
    // The target has handled all of these, and the link works.
    let request = stranger.request(&[]);
    link.send(Body::Request(request));
    link.expect_request_status(Relationship::Pending)?;
    let checked = link.expect_none("frame about what was dropped", |_| true);
    fixture.keep_requester(stranger);
    checked
}

fn no_common_version(fixture: &mut Fixture<'_>) -> Result<(), Failure> {
    for (version_min, version_max) in [(2, 9), (0, 0), (2, 1)] {
        let (connector, requester) = fixture.requester()?;
        let hello = Hello {
            version_min,
            version_max,
            ..requester.hello(Relationship::Requested)
        };
        let mut link = connector.dial(requester)?;
        link.send_unmetered(Body::Hello(hello));
        link.expect_end(&format!("a Hello of the versions {version_min} to {version_max}"))?;
    }
    Ok(())
}

fn many_versions(fixture: &mut Fixture<'_>) -> Result<(), Failure> {
    let (connector, requester) = fixture.requester()?;
    let hello = Hello {
        version_min: 0,
        version_max: u32::MAX,
        ..requester.hello(Relationship::Requested)
    };
    let (mut link, theirs) = connector.exchange_hello_with(requester, hello)?;
    if !(theirs.version_min..=theirs.version_max).contains(&1) {
        let actual = format!("{} to {}", theirs.version_min, theirs.version_max);
        return Err(Failure::new("version 1 among those in Hello", actual));
    }
    link.expect_alive("a Hello of all versions")
}

fn huge_generation(fixture: &mut Fixture<'_>) -> Result<(), Failure> {
    const LARGEST: u64 = 1 << 62;
    for (session_epoch, offered) in [(LARGEST + 1, 0), (0, LARGEST + 1), (u64::MAX, u64::MAX)] {
        let (connector, requester) = fixture.requester()?;
        let hello = Hello {
            session_epoch,
            offered,
            ..requester.hello(Relationship::Requested)
        };
        let mut link = connector.dial(requester)?;
        link.send_unmetered(Body::Hello(hello));
        link.expect_end(&format!("session epoch {session_epoch} and offered {offered} in Hello"))?;
    }
    let (connector, requester) = fixture.requester()?;
    let hello = Hello {
        session_epoch: LARGEST,
        offered: LARGEST,
        ..requester.hello(Relationship::Requested)
    };
    let (mut link, _) = connector.exchange_hello_with(requester, hello)?;
    link.expect_alive("a Hello with both at 2^62")
}

fn expect_relationship(hello: &Hello, relationship: Relationship) -> Result<(), Failure> {
    if hello.relationship() == relationship {
        return Ok(());
    }
    Err(Failure::new(
        format!("relationship {relationship:?} in Hello"),
        format!("{:?}", hello.relationship()),
    ))
}

fn to_a_stranger(fixture: &mut Fixture<'_>) -> Result<(), Failure> {
    let (connector, mut stranger) = fixture.stranger();
    let (_, hello) = connector.exchange_hello(&mut stranger, Relationship::Stranger)?;
    expect_relationship(&hello, Relationship::Stranger)?;
    let numbers = [
        hello.session_epoch,
        hello.sent,
        hello.received,
        hello.acknowledged,
        hello.offered,
    ];
    if numbers == [0; 5] {
        Ok(())
    } else {
        Err(Failure::new("zeros in a Hello to a stranger", format!("{numbers:?}")))
    }
}

/// The numbers that never become features.
const RESERVED: RangeInclusive<u32> = 1000..=1999;

fn features_to_a_stranger(fixture: &mut Fixture<'_>) -> Result<(), Failure> {
    let mut numbers = BTreeSet::new();
    for _ in 0..3 {
        let (connector, mut stranger) = fixture.stranger();
        let (_, hello) = connector.exchange_hello(&mut stranger, Relationship::Stranger)?;
        match hello.features[..] {
            [number] if RESERVED.contains(&number) => numbers.insert(number),
            _ => {
                let actual = format!("{:?}", hello.features);
                return Err(Failure::new("one feature number of 1000 to 1999 to a stranger", actual));
            }
        };
    }
    if numbers.len() > 1 {
        Ok(())
    } else {
        Err(Failure::new(
            "three random feature numbers",
            format!("{numbers:?} each time"),
        ))
    }
}

fn unknown_features(fixture: &mut Fixture<'_>) -> Result<(), Failure> {
    let (connector, friend) = fixture.friend(KeyOrder::Larger)?;
    let hello = Hello {
        features: vec![u32::MAX, 0, 1_234, 77, 77],
        ..friend.hello(Relationship::Friend)
    };
    let (mut link, theirs) = connector.exchange_hello_with(friend, hello)?;
    if !theirs.features.iter().any(|number| RESERVED.contains(number)) {
        let actual = format!("{:?}", theirs.features);
        return Err(Failure::new("a feature number of 1000 to 1999 in Hello", actual));
    }
    link.expect_alive("a Hello with unknown features")
}

fn too_many_features(fixture: &mut Fixture<'_>) -> Result<(), Failure> {
    let (connector, requester) = fixture.requester()?;
    let hello = Hello {
        features: vec![6; 257],
        ..requester.hello(Relationship::Requested)
    };
    let mut link = connector.dial(requester)?;
    link.send_unmetered(Body::Hello(hello));
    link.expect_end("257 features in Hello")
}

fn to_a_requester(fixture: &mut Fixture<'_>) -> Result<(), Failure> {
    let (connector, requester) = fixture.requester()?;
    let (_, hello) = connector.exchange_hello(requester, Relationship::Requested)?;
    expect_relationship(&hello, Relationship::Pending)
}

fn to_a_friend(fixture: &mut Fixture<'_>) -> Result<(), Failure> {
    let (connector, friend) = fixture.friend(KeyOrder::Larger)?;
    let (_, hello) = connector.exchange_hello(friend, Relationship::Friend)?;
    expect_relationship(&hello, Relationship::Friend)
}

fn counts(fixture: &mut Fixture<'_>) -> Result<(), Failure> {
    let (connector, friend) = fixture.friend(KeyOrder::Larger)?;
    friend.session = None;
    drop(connector.session_link(friend)?);
    let (_, hello) = connector.exchange_hello(friend, Relationship::Friend)?;
    let ours = friend.hello(Relationship::Friend);
    // It has sent what we have received, and the other way round.
    let expected = (ours.session_epoch, ours.received, ours.sent, ours.received);
    let actual = (hello.session_epoch, hello.sent, hello.received, hello.acknowledged);
    if expected == actual {
        Ok(())
    } else {
        let what = "session epoch, sent, received and acknowledged";
        Err(Failure::new(format!("{what}: {expected:?}"), format!("{actual:?}")))
    }
}

fn numbers_of_nothing(fixture: &mut Fixture<'_>) -> Result<(), Failure> {
    let (connector, requester) = fixture.requester()?;
    let hello = Hello {
        session_epoch: 0,
        sent: u64::MAX,
        received: u64::MAX,
        acknowledged: u64::MAX,
        ..requester.hello(Relationship::Requested)
    };
    let (mut link, _) = connector.exchange_hello_with(requester, hello)?;
    link.expect_alive("a Hello of large numbers, without a session")
}

fn no_early_ciphertext(fixture: &mut Fixture<'_>) -> Result<(), Failure> {
    const WHILE: Duration = Duration::from_millis(300);
    let (connector, friend) = fixture.friend(KeyOrder::Larger)?;
    let (mut link, _) = connector.exchange_hello(friend, Relationship::Requested)?;
    // Not acknowledged: the target must send it again on the next link.
    link.request_session(friend, &[])?;
    let mut link = connector.dial(friend)?;
    link.expect_hello()?;
    match link.next(WHILE)? {
        Received::Timeout => {}
        Received::Frame(body) => {
            let actual = body.as_ref().map_or("an empty frame", crate::link::name);
            return Err(Failure::new("nothing but Hello before ours", actual));
        }
        Received::End => return Err(Failure::new("a link that waits for our Hello", "its end")),
    }
    let hello = Hello {
        received: 0,
        ..friend.hello(Relationship::Friend)
    };
    friend.session = None;
    link.send_unmetered(Body::Hello(hello));
    link.expect_ciphertext("the ciphertext that was not acknowledged, after Hello")
        .map(|_| ())
}
