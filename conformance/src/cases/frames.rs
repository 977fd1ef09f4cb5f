//! Sections 4 and 4.1: frames and Hello.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;
use std::time::Duration;

use sotto_core::wire::link::{
    Ciphertext, Heartbeat, Hello, PreKeyOffer, Presence, Relationship, RequestStatus, Typing, frame::Body,
};

use super::case;
use crate::Case;
use crate::line::Heard;
use crate::report::Failure;
use crate::world::{Side, World};

pub const CASES: &[Case] = &[
    case!("F-1.1", "ignores fields that it does not know", unknown_field),
    case!("F-1.2", "ignores frames without a body that it knows", unknown_body),
    case!(
        "F-1.3",
        Larger,
        "takes an unknown enum value for the enum's zero",
        unknown_enum
    ),
    case!(
        "F-2.1",
        "says Hello first, without waiting for the other's",
        hello_first
    ),
    case!("F-2.2", "ends a link on another frame before Hello", frame_before_hello),
    case!("F-2.3", "ends a link on a second Hello", second_hello),
    case!(
        "F-2.4",
        "ignores unknown frames before Hello, too",
        unknown_before_hello
    ),
    case!(
        "F-3.1",
        "drops a stranger's RequestStatus, Ciphertext, PreKeyOffer, Presence and Typing, and tells nothing of it",
        dropped
    ),
    case!("H-1.1", "ends a link without a common version", no_common_version),
    case!("H-1.2", "takes a Hello of many versions, among them 1", many_versions),
    case!(
        "H-1.3",
        "ends a link on a session epoch or an offered above 2^62",
        huge_generation
    ),
    case!(
        "H-2.1",
        "says STRANGER and zeros to whom it does not know",
        to_a_stranger
    ),
    case!("H-2.2", "says PENDING to whom has asked", to_an_asker),
    case!("H-2.3", Larger, "says FRIEND to a friend", to_a_friend),
    case!("H-3.1", Larger, "says how far the session is", counts),
    case!(
        "H-3.2",
        "ignores the numbers of a Hello without a session",
        numbers_of_nothing
    ),
    case!(
        "H-5.1",
        "says one random feature number alone to a stranger",
        features_to_a_stranger
    ),
    case!(
        "H-5.2",
        Larger,
        "ignores features that it does not know, and says a random one to a friend",
        unknown_features
    ),
    case!("H-5.3", "ends a link on a Hello of 257 features", too_many_features),
    case!(
        "H-4.1",
        Larger,
        "sends no ciphertext before it has heard Hello",
        no_early_ciphertext
    ),
];

/// A field that no frame has, with three bytes.
const UNKNOWN: [u8; 6] = [0xfa, 0x3f, 3, 1, 2, 3];

fn unknown_field(world: &mut World<'_>) -> Result<(), Failure> {
    let (net, asker) = world.asker()?;
    let (mut line, _) = net.greet(asker, Relationship::Requested)?;
    // In the heartbeat (field 7 of a frame), and beside it.
    let inner = [&[0x08, 1], &UNKNOWN[..]].concat();
    let length = u8::try_from(inner.len()).expect("a few bytes");
    let frame = [&[0x3a, length], &inner[..], &UNKNOWN].concat();
    asker.pace.pay(1);
    line.send_encoded(&frame);
    line.expect("an answer to a heartbeat with unknown fields", |body| {
        matches!(body, Body::Heartbeat(Heartbeat { reply: false })).then_some(())
    })
}

fn unknown_body(world: &mut World<'_>) -> Result<(), Failure> {
    let (net, asker) = world.asker()?;
    let (mut line, _) = net.greet(asker, Relationship::Requested)?;
    line.send_encoded(&[]);
    line.send_encoded(&UNKNOWN);
    line.expect_life("an empty frame and an unknown one")
}

fn unknown_enum(world: &mut World<'_>) -> Result<(), Failure> {
    let (net, friend) = world.friend(Side::Larger)?;
    // With relationship FRIEND, and no session, this would be an offer's turn; to a STRANGER nothing is said.
    let hello = Hello {
        relationship: 77,
        session_epoch: 0,
        ..friend.hello(Relationship::Stranger)
    };
    let (mut line, _) = net.greet_with(friend, hello)?;
    line.send(Body::Presence(Presence { availability: 77 }));
    line.expect_life("a Hello with an unknown relationship, and an unknown availability")?;
    line.expect_none("PreKeyOffer to a stranger", |body| matches!(body, Body::PreKeyOffer(_)))
}

fn hello_first(world: &mut World<'_>) -> Result<(), Failure> {
    let (net, mut stranger) = world.stranger();
    net.dial(&mut stranger)?.expect_hello().map(|_| ())
}

fn frame_before_hello(world: &mut World<'_>) -> Result<(), Failure> {
    let (net, asker) = world.asker()?;
    let mut line = net.dial(asker)?;
    line.send(Body::Heartbeat(Heartbeat { reply: true }));
    line.expect_end("a heartbeat before Hello")?;
    line.expect_none("answer to it", |body| matches!(body, Body::Heartbeat(_)))
}

fn second_hello(world: &mut World<'_>) -> Result<(), Failure> {
    let (net, asker) = world.asker()?;
    let (mut line, _) = net.greet(asker, Relationship::Requested)?;
    line.send(Body::Hello(asker.hello(Relationship::Requested)));
    line.expect_end("a second Hello")
}

fn unknown_before_hello(world: &mut World<'_>) -> Result<(), Failure> {
    let (net, asker) = world.asker()?;
    let mut line = net.dial(asker)?;
    line.send_encoded(&UNKNOWN);
    line.send_unpaced(Body::Hello(asker.hello(Relationship::Requested)));
    line.expect_hello()?;
    line.expect_life("an unknown frame before Hello")
}

fn dropped(world: &mut World<'_>) -> Result<(), Failure> {
    let (net, mut stranger) = world.stranger();
    let (mut line, _) = net.greet(&mut stranger, Relationship::Requested)?;
    let (session_epoch, bundle) = stranger.offer();
    for body in [
        Body::RequestStatus(RequestStatus {
            relationship: Relationship::Pending.into(),
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
        line.send(body);
    }
    // All of that was looked at, and the link is as good as before.
    let request = stranger.request(&[]);
    line.send(Body::Request(request));
    line.expect_answer(Relationship::Pending)?;
    let said = line.expect_none("word about what was dropped", |_| true);
    world.keep_asker(stranger);
    said
}

fn no_common_version(world: &mut World<'_>) -> Result<(), Failure> {
    for (version_min, version_max) in [(2, 9), (0, 0), (2, 1)] {
        let (net, asker) = world.asker()?;
        let hello = Hello {
            version_min,
            version_max,
            ..asker.hello(Relationship::Requested)
        };
        let mut line = net.dial(asker)?;
        line.send_unpaced(Body::Hello(hello));
        line.expect_end(&format!("a Hello of the versions {version_min} to {version_max}"))?;
    }
    Ok(())
}

fn many_versions(world: &mut World<'_>) -> Result<(), Failure> {
    let (net, asker) = world.asker()?;
    let hello = Hello {
        version_min: 0,
        version_max: u32::MAX,
        ..asker.hello(Relationship::Requested)
    };
    let (mut line, theirs) = net.greet_with(asker, hello)?;
    if !(theirs.version_min..=theirs.version_max).contains(&1) {
        let came = format!("{} to {}", theirs.version_min, theirs.version_max);
        return Err(Failure::new("version 1 among those in Hello", came));
    }
    line.expect_life("a Hello of all versions")
}

fn huge_generation(world: &mut World<'_>) -> Result<(), Failure> {
    const LARGEST: u64 = 1 << 62;
    for (session_epoch, offered) in [(LARGEST + 1, 0), (0, LARGEST + 1), (u64::MAX, u64::MAX)] {
        let (net, asker) = world.asker()?;
        let hello = Hello {
            session_epoch,
            offered,
            ..asker.hello(Relationship::Requested)
        };
        let mut line = net.dial(asker)?;
        line.send_unpaced(Body::Hello(hello));
        line.expect_end(&format!("session epoch {session_epoch} and offered {offered} in Hello"))?;
    }
    let (net, asker) = world.asker()?;
    let hello = Hello {
        session_epoch: LARGEST,
        offered: LARGEST,
        ..asker.hello(Relationship::Requested)
    };
    let (mut line, _) = net.greet_with(asker, hello)?;
    line.expect_life("a Hello with both at 2^62")
}

fn says(hello: &Hello, relationship: Relationship) -> Result<(), Failure> {
    if hello.relationship() == relationship {
        return Ok(());
    }
    Err(Failure::new(
        format!("relationship {relationship:?} in Hello"),
        format!("{:?}", hello.relationship()),
    ))
}

fn to_a_stranger(world: &mut World<'_>) -> Result<(), Failure> {
    let (net, mut stranger) = world.stranger();
    let (_, hello) = net.greet(&mut stranger, Relationship::Stranger)?;
    says(&hello, Relationship::Stranger)?;
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

fn features_to_a_stranger(world: &mut World<'_>) -> Result<(), Failure> {
    let mut said = BTreeSet::new();
    for _ in 0..3 {
        let (net, mut stranger) = world.stranger();
        let (_, hello) = net.greet(&mut stranger, Relationship::Stranger)?;
        match hello.features[..] {
            [number] if RESERVED.contains(&number) => said.insert(number),
            _ => {
                let came = format!("{:?}", hello.features);
                return Err(Failure::new("one feature number of 1000 to 1999 to a stranger", came));
            }
        };
    }
    if said.len() > 1 {
        Ok(())
    } else {
        Err(Failure::new(
            "three random feature numbers",
            format!("{said:?} each time"),
        ))
    }
}

fn unknown_features(world: &mut World<'_>) -> Result<(), Failure> {
    let (net, friend) = world.friend(Side::Larger)?;
    let hello = Hello {
        features: vec![u32::MAX, 0, 1_234, 77, 77],
        ..friend.hello(Relationship::Friend)
    };
    let (mut line, theirs) = net.greet_with(friend, hello)?;
    if !theirs.features.iter().any(|number| RESERVED.contains(number)) {
        let came = format!("{:?}", theirs.features);
        return Err(Failure::new("a feature number of 1000 to 1999 in Hello", came));
    }
    line.expect_life("a Hello with unknown features")
}

fn too_many_features(world: &mut World<'_>) -> Result<(), Failure> {
    let (net, asker) = world.asker()?;
    let hello = Hello {
        features: vec![6; 257],
        ..asker.hello(Relationship::Requested)
    };
    let mut line = net.dial(asker)?;
    line.send_unpaced(Body::Hello(hello));
    line.expect_end("257 features in Hello")
}

fn to_an_asker(world: &mut World<'_>) -> Result<(), Failure> {
    let (net, asker) = world.asker()?;
    let (_, hello) = net.greet(asker, Relationship::Requested)?;
    says(&hello, Relationship::Pending)
}

fn to_a_friend(world: &mut World<'_>) -> Result<(), Failure> {
    let (net, friend) = world.friend(Side::Larger)?;
    let (_, hello) = net.greet(friend, Relationship::Friend)?;
    says(&hello, Relationship::Friend)
}

fn counts(world: &mut World<'_>) -> Result<(), Failure> {
    let (net, friend) = world.friend(Side::Larger)?;
    friend.session = None;
    drop(net.flowing(friend)?);
    let (_, hello) = net.greet(friend, Relationship::Friend)?;
    let ours = friend.hello(Relationship::Friend);
    // It has sealed what we have opened, and the other way round.
    let expected = (ours.session_epoch, ours.received, ours.sent, ours.received);
    let came = (hello.session_epoch, hello.sent, hello.received, hello.acknowledged);
    if expected == came {
        Ok(())
    } else {
        let what = "session epoch, sent, received and acknowledged";
        Err(Failure::new(format!("{what}: {expected:?}"), format!("{came:?}")))
    }
}

fn numbers_of_nothing(world: &mut World<'_>) -> Result<(), Failure> {
    let (net, asker) = world.asker()?;
    let hello = Hello {
        session_epoch: 0,
        sent: u64::MAX,
        received: u64::MAX,
        acknowledged: u64::MAX,
        ..asker.hello(Relationship::Requested)
    };
    let (mut line, _) = net.greet_with(asker, hello)?;
    line.expect_life("a Hello of large numbers, without a session")
}

fn no_early_ciphertext(world: &mut World<'_>) -> Result<(), Failure> {
    const WHILE: Duration = Duration::from_millis(300);
    let (net, friend) = world.friend(Side::Larger)?;
    let (mut line, _) = net.greet(friend, Relationship::Requested)?;
    // Not acknowledged: it is owed again on the next link.
    friend.ask(&mut line, &[])?;
    let mut line = net.dial(friend)?;
    line.expect_hello()?;
    match line.next(WHILE)? {
        Heard::Silence => {}
        Heard::Frame(body) => {
            let came = body.as_ref().map_or("an empty frame", crate::line::name);
            return Err(Failure::new("nothing but Hello before ours", came));
        }
        Heard::End => return Err(Failure::new("a link that waits for our Hello", "its end")),
    }
    let hello = Hello {
        received: 0,
        ..friend.hello(Relationship::Friend)
    };
    friend.session = None;
    line.send_unpaced(Body::Hello(hello));
    line.expect_sealed("the ciphertext that was not acknowledged, after Hello")
        .map(|_| ())
}
