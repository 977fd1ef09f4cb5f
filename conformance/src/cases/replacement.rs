//! Section 5.5: what two Hellos of friends come to, and how a session is replaced.

use sotto_core::wire::content::content::Kind;
use sotto_core::wire::link::{Ack, Hello, PreKeyOffer, Relationship, frame::Body};

use super::case;
use super::openings::{opened, renewed};
use crate::Case;
use crate::peer::{Peer, vouches};
use crate::report::Failure;
use crate::world::{Net, Side, World};

pub const CASES: &[Case] = &[
    case!(
        "R-1.1",
        Larger,
        "goes on where both are, also if acknowledgements were lost",
        flows
    ),
    case!(
        "R-1.2",
        Larger,
        "replaces a session of which either remembers too little",
        rolled_back
    ),
    case!(
        "R-1.3",
        Larger,
        "replaces a session if the session epochs differ",
        other_generation
    ),
    case!(
        "R-2.1",
        Larger,
        "says its consent again to one who has not seen it",
        consent_again
    ),
    case!(
        "R-3.1",
        Larger,
        "takes a Hello's `received` for an acknowledgement",
        received_counts
    ),
    case!(
        "R-4.1",
        Larger,
        "offers, if it is the smaller, a bundle above all session epochs",
        offers
    ),
    case!(
        "R-4.2",
        Larger,
        "offers the same bundle again, the same bytes",
        same_offer
    ),
    case!("R-4.3", Smaller, "waits for an offer, if it is the larger", waits),
    case!(
        "R-5.1",
        Smaller,
        "takes an offer, if it is the larger, and says Renewed first in the new session",
        takes_offer
    ),
    case!(
        "R-5.2",
        Smaller,
        "ends a link on an offer that is not above the session in use",
        low_offer
    ),
    case!("R-5.3", Smaller, "ends a link on an offer above 2^62", high_offer),
    case!(
        "R-5.4",
        Smaller,
        "ends a link on an offer of a bad bundle, and keeps its session",
        bad_offer
    ),
    case!(
        "R-5.5",
        Larger,
        "ends a link on an offer, if it is the smaller",
        offer_to_the_smaller
    ),
    case!(
        "R-5.6",
        "ends a link on the offer of somebody who only asks",
        askers_offer
    ),
    case!(
        "R-10.1",
        Larger,
        "seals a content at once when it has taken a session's first message",
        answers
    ),
];

fn flows(world: &mut World<'_>) -> Result<(), Failure> {
    let (net, friend) = world.friend(Side::Larger)?;
    drop(net.flowing(friend)?);
    let hello = Hello {
        acknowledged: 0,
        ..friend.hello(Relationship::Friend)
    };
    let (mut line, _) = net.greet_with(friend, hello)?;
    let timer = friend.say_timer();
    friend.deliver(&mut line, timer)?;
    line.expect_none("PreKeyOffer", |body| matches!(body, Body::PreKeyOffer(_)))
}

/// That a friend's Hello is answered with an offer.
fn replaced(world: &mut World<'_>, what: &str, change: impl FnOnce(&mut Hello)) -> Result<(), Failure> {
    let (net, friend) = world.friend(Side::Larger)?;
    drop(net.flowing(friend)?);
    let mut hello = friend.hello(Relationship::Friend);
    change(&mut hello);
    friend.session = None;
    let (mut line, theirs) = net.greet_with(friend, hello)?;
    let (session_epoch, _) = line.expect_offer(&format!("PreKeyOffer after {what}"))?;
    if session_epoch <= theirs.session_epoch {
        let expected = format!("an offer above session epoch {}", theirs.session_epoch);
        return Err(Failure::new(expected, session_epoch.to_string()));
    }
    Ok(())
}

fn rolled_back(world: &mut World<'_>) -> Result<(), Failure> {
    replaced(world, "more received than it has sent", |hello| hello.received += 1)?;
    replaced(world, "less sent than it has received", |hello| hello.sent -= 1)?;
    replaced(world, "more acknowledged than it has received", |hello| {
        hello.sent += 1;
        hello.acknowledged = hello.sent;
    })?;
    replaced(world, "less received than it has acknowledged", |hello| {
        hello.received -= 1;
    })
}

fn other_generation(world: &mut World<'_>) -> Result<(), Failure> {
    replaced(world, "session epoch 0", |hello| hello.session_epoch = 0)?;
    replaced(world, "another session epoch", |hello| hello.session_epoch -= 1)
}

/// A friend to whom the target has consented anew, who has not said that this arrived; gives the consent.
fn unanswered(net: &Net<'_>, friend: &mut Peer) -> Result<sotto_core::wire::link::Ciphertext, Failure> {
    friend.session = None;
    let (mut line, _) = net.greet(friend, Relationship::Requested)?;
    friend.ask(&mut line, &[])
}

fn consent_again(world: &mut World<'_>) -> Result<(), Failure> {
    let (net, friend) = world.friend(Side::Larger)?;
    let first = unanswered(net, friend)?;
    friend.session = None;
    let hello = Hello {
        offered: first.session_epoch,
        ..friend.hello(Relationship::Requested)
    };
    let (mut line, _) = net.greet_with(friend, hello)?;
    let again = line.expect_sealed("the consent again")?;
    if again == first {
        Ok(())
    } else {
        Err(Failure::new("the same session epoch, sequence and bytes", "others"))
    }
}

fn received_counts(world: &mut World<'_>) -> Result<(), Failure> {
    let (net, friend) = world.friend(Side::Larger)?;
    let first = unanswered(net, friend)?;
    let (mut line, _) = net.greet(friend, Relationship::Friend)?;
    friend.session = None;
    line.expect_life("a Hello that acknowledges the consent")?;
    line.expect_none("ciphertext that Hello has acknowledged", |body| {
        *body == Body::Ciphertext(first.clone())
    })
}

fn offers(world: &mut World<'_>) -> Result<(), Failure> {
    let (net, friend) = world.friend(Side::Larger)?;
    friend.session = None;
    let known = 1 << 60;
    let hello = Hello {
        session_epoch: known,
        offered: known + 5,
        ..friend.hello(Relationship::Friend)
    };
    let (mut line, theirs) = net.greet_with(friend, hello)?;
    let (session_epoch, _) = line.expect_offer("PreKeyOffer to a larger friend")?;
    let highest = (known + 5).max(theirs.session_epoch).max(theirs.offered);
    if session_epoch > known + 5 {
        Ok(())
    } else {
        Err(Failure::new(
            format!("an offer above {highest}"),
            session_epoch.to_string(),
        ))
    }
}

fn same_offer(world: &mut World<'_>) -> Result<(), Failure> {
    let (net, friend) = world.friend(Side::Larger)?;
    friend.session = None;
    let mut offers = Vec::new();
    for _ in 0..2 {
        let (mut line, _) = net.greet(friend, Relationship::Friend)?;
        offers.push(line.expect_offer("PreKeyOffer to a larger friend without a session")?);
    }
    if offers[0] == offers[1] {
        Ok(())
    } else {
        let came = format!("session epochs {} and {}", offers[0].0, offers[1].0);
        Err(Failure::new("the same offer twice", came))
    }
}

fn waits(world: &mut World<'_>) -> Result<(), Failure> {
    let (net, friend) = world.friend(Side::Smaller)?;
    friend.session = None;
    let (mut line, _) = net.greet(friend, Relationship::Friend)?;
    line.expect_life("a smaller friend's Hello without a session")?;
    line.expect_none("PreKeyOffer of the larger", |body| {
        matches!(body, Body::PreKeyOffer(_) | Body::Ciphertext(_))
    })
}

fn takes_offer(world: &mut World<'_>) -> Result<(), Failure> {
    let (net, friend) = world.friend(Side::Smaller)?;
    friend.session = None;
    let (mut line, _) = net.greet(friend, Relationship::Friend)?;
    let (session_epoch, bundle) = friend.offer();
    line.send(Body::PreKeyOffer(PreKeyOffer {
        session_epoch,
        bundle: Some(bundle),
    }));
    let sealed = line.expect_sealed("the first ciphertext of the session that was offered")?;
    if (sealed.session_epoch, sealed.sequence) != (session_epoch, 1) {
        let came = format!("{} of {}", sealed.sequence, sealed.session_epoch);
        return Err(Failure::new(
            format!("ciphertext 1 of session epoch {session_epoch}"),
            came,
        ));
    }
    let content = friend.opened(&sealed)?;
    let Some(Kind::Renewed(renewed)) = content.kind else {
        return Err(Failure::new("the content Renewed", format!("{:?}", content.kind)));
    };
    let key = friend.session.as_ref().map(|session| session.identity_key.clone());
    if !vouches(&net.address, &key.unwrap_or_default(), &renewed.identity_signature) {
        return Err(Failure::new(
            "the onion key's word for the identity key",
            "another signature",
        ));
    }
    line.send(Body::Ack(Ack {
        session_epoch,
        received: 1,
    }));
    let timer = friend.say_timer();
    friend.deliver(&mut line, timer)
}

/// An offer of the smaller's that ends the link; the session in use stays.
fn refused(world: &mut World<'_>, what: &str, spoil: impl FnOnce(&mut PreKeyOffer, u64)) -> Result<(), Failure> {
    let (net, friend) = world.friend(Side::Smaller)?;
    let mut line = net.flowing(friend)?;
    let in_use = friend.session.as_ref().map_or(0, |session| session.session_epoch);
    let (session_epoch, bundle) = friend.offer();
    friend.offer = None;
    let mut offer = PreKeyOffer {
        session_epoch,
        bundle: Some(bundle),
    };
    spoil(&mut offer, in_use);
    line.send(Body::PreKeyOffer(offer));
    line.expect_end(what)?;
    let mut line = net.flowing(friend)?;
    let timer = friend.say_timer();
    friend.deliver(&mut line, timer)
}

fn low_offer(world: &mut World<'_>) -> Result<(), Failure> {
    refused(world, "an offer of the session epoch in use", |offer, in_use| {
        offer.session_epoch = in_use;
    })?;
    refused(world, "an offer below the session epoch in use", |offer, in_use| {
        offer.session_epoch = in_use - 1;
    })
}

fn high_offer(world: &mut World<'_>) -> Result<(), Failure> {
    refused(world, "an offer above 2^62", |offer, _| {
        offer.session_epoch = (1 << 62) + 1;
    })
}

fn bad_offer(world: &mut World<'_>) -> Result<(), Failure> {
    refused(world, "an offer without a bundle", |offer, _| offer.bundle = None)?;
    refused(world, "an offer that the onion key does not vouch for", |offer, _| {
        if let Some(bundle) = &mut offer.bundle {
            bundle.identity_signature[0] ^= 1;
        }
    })
}

fn offer_to_the_smaller(world: &mut World<'_>) -> Result<(), Failure> {
    let (net, friend) = world.friend(Side::Larger)?;
    let mut line = net.flowing(friend)?;
    let (session_epoch, bundle) = friend.offer();
    friend.offer = None;
    line.send(Body::PreKeyOffer(PreKeyOffer {
        session_epoch,
        bundle: Some(bundle),
    }));
    line.expect_end("an offer of the larger")
}

fn askers_offer(world: &mut World<'_>) -> Result<(), Failure> {
    let (net, asker) = world.asker()?;
    let (mut line, _) = net.greet(asker, Relationship::Requested)?;
    let (session_epoch, bundle) = asker.offer();
    line.send(Body::PreKeyOffer(PreKeyOffer {
        session_epoch,
        bundle: Some(bundle),
    }));
    line.expect_end("an offer of one who only asks")
}

fn answers(world: &mut World<'_>) -> Result<(), Failure> {
    let (net, friend) = world.friend(Side::Larger)?;
    let mut line = opened(net, friend)?;
    let first = friend.say(renewed(friend));
    let session_epoch = first.session_epoch;
    line.send(Body::Ciphertext(first));
    // In either order.
    let (mut answer, mut acknowledged) = (None, false);
    while answer.is_none() || !acknowledged {
        let wanted = "Ack 1, and a ciphertext of the new session";
        let (sealed, ack) = line.expect(wanted, |body| match body {
            Body::Ciphertext(sealed) => Some((Some(sealed.clone()), false)),
            Body::Ack(ack) => Some((None, (ack.session_epoch, ack.received) == (session_epoch, 1))),
            _ => None,
        })?;
        answer = answer.or(sealed);
        acknowledged |= ack;
    }
    friend.take(&answer.unwrap_or_default())?;
    line.send(Body::Ack(Ack {
        session_epoch,
        received: 1,
    }));
    if let Some(session) = &mut friend.session {
        session.acknowledged = 1;
    }
    Ok(())
}
