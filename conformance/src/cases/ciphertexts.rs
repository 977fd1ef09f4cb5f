//! Section 5.4: ciphertexts, their order, and their acknowledgements.

use sotto_core::wire::content::Timer;
use sotto_core::wire::content::content::Kind;
use sotto_core::wire::link::{Ack, Ciphertext, Relationship, frame::Body};

use super::{case, openings};
use crate::Case;
use crate::peer::Peer;
use crate::report::Failure;
use crate::world::{Net, Side, World};

pub const CASES: &[Case] = &[
    case!("S-5.1", Larger, "refuses a ciphertext of an unknown type", unknown_type),
    case!(
        "S-5.2",
        Larger,
        "refuses a ciphertext of more than 64512 bytes",
        too_long
    ),
    case!(
        "S-8.1",
        Larger,
        "sends a ciphertext that was not acknowledged once more, the same bytes",
        verbatim
    ),
    case!(
        "S-9.1",
        Larger,
        "drops a ciphertext of another session epoch",
        other_generation
    ),
    case!(
        "S-9.2",
        Larger,
        "acknowledges again what has come before, and does not open it",
        come_before
    ),
    case!(
        "S-9.3",
        Larger,
        "ends a link on a gap in the sequence, and loses nothing by it",
        gap
    ),
    case!(
        "S-10.1",
        Larger,
        "refuses a ciphertext that is not the next of its chain",
        skipped
    ),
    case!(
        "S-10.2",
        Larger,
        "refuses an older ciphertext under the next number",
        replayed
    ),
    case!(
        "S-10.3",
        Larger,
        "refuses a ciphertext that would open another session",
        other_session
    ),
    case!(
        "S-11.1",
        Larger,
        "destroys a session whose next ciphertext does not open",
        destroyed
    ),
    case!(
        "S-13.1",
        Larger,
        "acknowledges ciphertexts, many by one frame or each by its own",
        acknowledged
    ),
    case!(
        "S-13.2",
        Larger,
        "ignores an acknowledgement of another session epoch",
        other_ack
    ),
    case!(
        "S-13.3",
        Larger,
        "ends a link on an acknowledgement of more than was sealed",
        too_much
    ),
    case!(
        "S-13.4",
        "ends a link on an acknowledgement of somebody unknown",
        unknown_ack
    ),
];

/// A ciphertext that ends the link, and the session with it.
fn refused(
    world: &mut World<'_>,
    what: &str,
    make: impl FnOnce(&Net<'_>, &mut Peer) -> Ciphertext,
) -> Result<(), Failure> {
    let (net, friend) = world.friend(Side::Larger)?;
    let mut line = net.flowing(friend)?;
    let sealed = make(net, friend);
    line.send(Body::Ciphertext(sealed));
    friend.session = None;
    line.expect_end(what)?;
    line.expect_none("Ack of it", |body| matches!(body, Body::Ack(_)))?;
    let (_, hello) = net.greet(friend, Relationship::Requested)?;
    if hello.session_epoch != 0 {
        let expected = format!("session epoch 0 in Hello after {what}");
        return Err(Failure::new(expected, hello.session_epoch.to_string()));
    }
    Ok(())
}

fn unknown_type(world: &mut World<'_>) -> Result<(), Failure> {
    for other in [0, 3, 0xff] {
        refused(world, &format!("a ciphertext of type {other}"), |_, friend| {
            let mut sealed = friend.say_timer();
            sealed.ciphertext[0] = other;
            sealed
        })?;
    }
    Ok(())
}

fn too_long(world: &mut World<'_>) -> Result<(), Failure> {
    refused(world, "a ciphertext of 64513 bytes", |_, friend| {
        let mut sealed = friend.say_timer();
        sealed.ciphertext.resize(64_513, 0);
        sealed
    })
}

fn verbatim(world: &mut World<'_>) -> Result<(), Failure> {
    let (net, friend) = world.friend(Side::Larger)?;
    friend.session = None;
    let (mut line, _) = net.greet(friend, Relationship::Requested)?;
    let first = friend.ask(&mut line, &[])?;
    friend.session = None;
    let mut hello = friend.hello(Relationship::Friend);
    hello.session_epoch = first.session_epoch;
    let (mut line, _) = net.greet_with(friend, hello)?;
    let again = line.expect_sealed("the ciphertext that was not acknowledged")?;
    if again == first {
        Ok(())
    } else {
        Err(Failure::new("the same session epoch, sequence and bytes", "others"))
    }
}

fn other_generation(world: &mut World<'_>) -> Result<(), Failure> {
    let (net, friend) = world.friend(Side::Larger)?;
    let mut line = net.flowing(friend)?;
    let timer = friend.say_timer();
    for session_epoch in [0, timer.session_epoch - 1, timer.session_epoch + 1] {
        line.send(Body::Ciphertext(Ciphertext {
            session_epoch,
            ..timer.clone()
        }));
    }
    line.expect_life("ciphertexts of other session epochs")?;
    line.expect_none("Ack of them", |body| matches!(body, Body::Ack(_)))?;
    friend.deliver(&mut line, timer)
}

fn come_before(world: &mut World<'_>) -> Result<(), Failure> {
    let (net, friend) = world.friend(Side::Larger)?;
    let mut line = net.flowing(friend)?;
    let first = friend.say_timer();
    friend.deliver(&mut line, first.clone())?;
    // The same, and other bytes under its number.
    for ciphertext in [first.ciphertext.clone(), vec![1; 40]] {
        let again = Ciphertext {
            ciphertext,
            ..first.clone()
        };
        line.send(Body::Ciphertext(again));
        line.expect_ack(first.session_epoch, first.sequence)?;
    }
    let next = friend.say_timer();
    friend.deliver(&mut line, next)
}

fn gap(world: &mut World<'_>) -> Result<(), Failure> {
    let (net, friend) = world.friend(Side::Larger)?;
    let mut line = net.flowing(friend)?;
    let before = friend.session.clone();
    let (first, second) = (friend.say_timer(), friend.say_timer());
    line.send(Body::Ciphertext(second.clone()));
    line.expect_end("a ciphertext before its turn")?;
    let after = std::mem::replace(&mut friend.session, before);
    let mut line = net.flowing(friend)?;
    friend.session = after;
    friend.deliver(&mut line, first)?;
    friend.deliver(&mut line, second)
}

fn skipped(world: &mut World<'_>) -> Result<(), Failure> {
    refused(world, "a ciphertext whose predecessor never came", |_, friend| {
        let lost = friend.say_timer();
        Ciphertext {
            sequence: lost.sequence,
            ..friend.say_timer()
        }
    })
}

fn replayed(world: &mut World<'_>) -> Result<(), Failure> {
    let (net, friend) = world.friend(Side::Larger)?;
    let mut line = net.flowing(friend)?;
    let first = friend.say_timer();
    friend.deliver(&mut line, first.clone())?;
    refused(world, "an older ciphertext under the next number", |_, _| Ciphertext {
        sequence: first.sequence + 1,
        ..first
    })
}

fn other_session(world: &mut World<'_>) -> Result<(), Failure> {
    let (net, friend) = world.friend(Side::Larger)?;
    friend.session = None;
    let (mut line, _) = net.greet(friend, Relationship::Friend)?;
    let (session_epoch, bundle) = line.expect_offer("Offer to a larger friend without a session")?;
    friend.open(session_epoch, &bundle)?;
    let first = friend.say(openings::renewed(friend));
    friend.deliver(&mut line, first)?;
    // Another session with the same bundle.
    friend.open(session_epoch, &bundle)?;
    let mut second = friend.say(Kind::Timer(Timer { seconds: 0 }));
    second.sequence = 2;
    line.send(Body::Ciphertext(second));
    friend.session = None;
    line.expect_end("a PreKeySignalMessage of another session")
}

fn destroyed(world: &mut World<'_>) -> Result<(), Failure> {
    refused(world, "a changed ciphertext", |_, friend| {
        let mut sealed = friend.say_timer();
        let middle = sealed.ciphertext.len() / 2;
        sealed.ciphertext[middle] ^= 1;
        sealed
    })
}

fn acknowledged(world: &mut World<'_>) -> Result<(), Failure> {
    let (net, friend) = world.friend(Side::Larger)?;
    let mut line = net.flowing(friend)?;
    let many: Vec<Ciphertext> = (0..5).map(|_| friend.say_timer()).collect();
    let last = many.last().cloned().unwrap_or_default();
    for sealed in many {
        line.send(Body::Ciphertext(sealed));
    }
    line.expect_ack(last.session_epoch, last.sequence)
}

fn other_ack(world: &mut World<'_>) -> Result<(), Failure> {
    let (net, friend) = world.friend(Side::Larger)?;
    let mut line = net.flowing(friend)?;
    let session_epoch = friend.session.as_ref().map_or(0, |session| session.session_epoch);
    for session_epoch in [0, session_epoch - 1, session_epoch + 1] {
        line.send(Body::Ack(Ack {
            session_epoch,
            received: 1000,
        }));
    }
    line.expect_life("acknowledgements of other session epochs")
}

fn too_much(world: &mut World<'_>) -> Result<(), Failure> {
    for more in [1, u64::MAX / 2] {
        let (net, friend) = world.friend(Side::Larger)?;
        let mut line = net.flowing(friend)?;
        let (session_epoch, received) = friend
            .session
            .as_ref()
            .map_or((0, 0), |session| (session.session_epoch, session.received));
        line.send(Body::Ack(Ack {
            session_epoch,
            received: received + more,
        }));
        line.expect_end("an acknowledgement of what was never sealed")?;
    }
    Ok(())
}

fn unknown_ack(world: &mut World<'_>) -> Result<(), Failure> {
    let (net, mut stranger) = world.stranger();
    let (mut line, _) = net.greet(&mut stranger, Relationship::Stranger)?;
    line.send(Body::Ack(Ack {
        session_epoch: 1,
        received: 0,
    }));
    line.expect_end("an acknowledgement of somebody unknown")
}
