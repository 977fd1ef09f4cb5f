//! Section 5.5: the resumption of a session after Hello, and its replacement.

use sotto_core::wire::content::content::Kind;
use sotto_core::wire::link::{Ack, Hello, PreKeyOffer, Relationship, frame::Body};

use super::case;
use super::openings::opened;
use crate::Case;
use crate::fixture::{Connector, Fixture, KeyOrder};
use crate::report::Failure;
use crate::test_peer::{TestPeer, is_identity_signed};

pub const CASES: &[Case] = &[
    case!(
        "R-1.1",
        Larger,
        "resumes a session, also after lost acknowledgements",
        flows
    ),
    case!(
        "R-1.2",
        Larger,
        "replaces a session after either side lost state",
        rolled_back
    ),
    case!(
        "R-1.3",
        Larger,
        "replaces a session if the session epochs differ",
        other_generation
    ),
    case!(
        "R-1.4",
        Larger,
        "replaces a session whose offer is outstanding though the session was used",
        used_offer
    ),
    case!(
        "R-2.2",
        Larger,
        "waits for a request if the session was used that the requester's offer has opened",
        used_request
    ),
    case!(
        "R-2.1",
        Larger,
        "resends a consent that was not received",
        consent_again
    ),
    case!(
        "R-3.1",
        Larger,
        "treats a Hello's `received` as an acknowledgement",
        received_counts
    ),
    case!(
        "R-4.1",
        Larger,
        "offers, as the smaller, a bundle above all session epochs",
        offers
    ),
    case!("R-4.2", Larger, "repeats its offer with the same bytes", same_offer),
    case!("R-4.3", Smaller, "waits, as the larger, for an offer", waits),
    case!(
        "R-5.1",
        Smaller,
        "accepts an offer, as the larger, and begins the new session with Renewed",
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
        "ends a link on an offer with a bad bundle, and keeps its session",
        bad_offer
    ),
    case!(
        "R-5.5",
        Larger,
        "ends a link, as the smaller, on an offer",
        offer_to_the_smaller
    ),
    case!(
        "R-5.6",
        "ends a link on an offer by a peer whose request waits",
        requesters_offer
    ),
    case!(
        "R-10.2",
        Smaller,
        "tells its timer again in a session that it opens in place of another",
        timer_again
    ),
    case!(
        "R-10.1",
        Larger,
        "sends a ciphertext at once after a session's first message",
        answers
    ),
];

fn flows(fixture: &mut Fixture<'_>) -> Result<(), Failure> {
    let (connector, friend) = fixture.friend(KeyOrder::Larger)?;
    drop(connector.session_link(friend)?);
    let hello = Hello {
        acknowledged: 0,
        ..friend.hello(Relationship::Friend)
    };
    let (mut link, _) = connector.exchange_hello_with(friend, hello)?;
    let timer = friend.encrypt_timer();
    link.deliver(friend, timer)?;
    link.expect_none("PreKeyOffer", |body| matches!(body, Body::PreKeyOffer(_)))
}

/// Checks that a contact's Hello is answered with an offer.
fn replaced(fixture: &mut Fixture<'_>, what: &str, change: impl FnOnce(&mut Hello)) -> Result<(), Failure> {
    let (connector, friend) = fixture.friend(KeyOrder::Larger)?;
    drop(connector.session_link(friend)?);
    let mut hello = friend.hello(Relationship::Friend);
    change(&mut hello);
    friend.session = None;
    let (mut link, theirs) = connector.exchange_hello_with(friend, hello)?;
    let (session_epoch, _) = link.expect_offer(&format!("PreKeyOffer after {what}"))?;
    if session_epoch <= theirs.session_epoch {
        let expected = format!("an offer above session epoch {}", theirs.session_epoch);
        return Err(Failure::new(expected, session_epoch.to_string()));
    }
    Ok(())
}

fn rolled_back(fixture: &mut Fixture<'_>) -> Result<(), Failure> {
    replaced(fixture, "more received than it has sent", |hello| hello.received += 1)?;
    replaced(fixture, "less sent than it has received", |hello| hello.sent -= 1)?;
    replaced(fixture, "more acknowledged than it has received", |hello| {
        hello.sent += 1;
        hello.acknowledged = hello.sent;
    })?;
    replaced(fixture, "less received than it has acknowledged", |hello| {
        hello.received -= 1;
    })
}

fn other_generation(fixture: &mut Fixture<'_>) -> Result<(), Failure> {
    replaced(fixture, "session epoch 0", |hello| hello.session_epoch = 0)?;
    replaced(fixture, "another session epoch", |hello| hello.session_epoch -= 1)
}

fn used_offer(fixture: &mut Fixture<'_>) -> Result<(), Failure> {
    replaced(fixture, "an offer that was used", |hello| {
        hello.offered = hello.session_epoch;
        hello.session_epoch = 0;
    })
}

fn used_request(fixture: &mut Fixture<'_>) -> Result<(), Failure> {
    let (connector, friend) = fixture.friend(KeyOrder::Larger)?;
    drop(connector.session_link(friend)?);
    let in_use = friend.session.take().map_or(0, |session| session.session_epoch);
    let hello = Hello {
        offered: in_use,
        ..friend.hello(Relationship::Requested)
    };
    let (mut link, _) = connector.exchange_hello_with(friend, hello)?;
    link.expect_alive("a Hello with an offer that was used")?;
    link.expect_none("frame of a session that the requester has forgotten", |body| {
        matches!(body, Body::Ciphertext(_) | Body::Presence(_) | Body::PreKeyOffer(_))
    })?;
    link.become_contact(friend, &[])
}

/// Makes the target consent to the contact again. Returns the consent, which the contact does not acknowledge.
fn unanswered(connector: &Connector<'_>, friend: &mut TestPeer) -> Result<sotto_core::wire::link::Ciphertext, Failure> {
    friend.session = None;
    let (mut link, _) = connector.exchange_hello(friend, Relationship::Requested)?;
    link.request_session(friend, &[])
}

fn consent_again(fixture: &mut Fixture<'_>) -> Result<(), Failure> {
    let (connector, friend) = fixture.friend(KeyOrder::Larger)?;
    let first = unanswered(connector, friend)?;
    friend.session = None;
    let hello = Hello {
        offered: first.session_epoch,
        ..friend.hello(Relationship::Requested)
    };
    let (mut link, _) = connector.exchange_hello_with(friend, hello)?;
    let again = link.expect_ciphertext("the consent again")?;
    if again == first {
        Ok(())
    } else {
        Err(Failure::new("the same session epoch, sequence and bytes", "others"))
    }
}

fn received_counts(fixture: &mut Fixture<'_>) -> Result<(), Failure> {
    let (connector, friend) = fixture.friend(KeyOrder::Larger)?;
    let first = unanswered(connector, friend)?;
    let (mut link, _) = connector.exchange_hello(friend, Relationship::Friend)?;
    friend.session = None;
    link.expect_alive("a Hello that acknowledges the consent")?;
    link.expect_none("ciphertext that Hello has acknowledged", |body| {
        *body == Body::Ciphertext(first.clone())
    })
}

fn offers(fixture: &mut Fixture<'_>) -> Result<(), Failure> {
    let (connector, friend) = fixture.friend(KeyOrder::Larger)?;
    friend.session = None;
    let known = 1 << 60;
    let hello = Hello {
        session_epoch: known,
        offered: known + 5,
        ..friend.hello(Relationship::Friend)
    };
    let (mut link, theirs) = connector.exchange_hello_with(friend, hello)?;
    let (session_epoch, _) = link.expect_offer("PreKeyOffer to a larger friend")?;
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

fn same_offer(fixture: &mut Fixture<'_>) -> Result<(), Failure> {
    let (connector, friend) = fixture.friend(KeyOrder::Larger)?;
    friend.session = None;
    let mut offers = Vec::new();
    for _ in 0..2 {
        let (mut link, _) = connector.exchange_hello(friend, Relationship::Friend)?;
        offers.push(link.expect_offer("PreKeyOffer to a larger friend without a session")?);
    }
    if offers[0] == offers[1] {
        Ok(())
    } else {
        let actual = format!("session epochs {} and {}", offers[0].0, offers[1].0);
        Err(Failure::new("the same offer twice", actual))
    }
}

fn waits(fixture: &mut Fixture<'_>) -> Result<(), Failure> {
    let (connector, friend) = fixture.friend(KeyOrder::Smaller)?;
    friend.session = None;
    let (mut link, _) = connector.exchange_hello(friend, Relationship::Friend)?;
    link.expect_alive("a smaller friend's Hello without a session")?;
    link.expect_none("PreKeyOffer of the larger", |body| {
        matches!(body, Body::PreKeyOffer(_) | Body::Ciphertext(_))
    })
}

fn takes_offer(fixture: &mut Fixture<'_>) -> Result<(), Failure> {
    let (connector, friend) = fixture.friend(KeyOrder::Smaller)?;
    friend.session = None;
    let (mut link, _) = connector.exchange_hello(friend, Relationship::Friend)?;
    let (session_epoch, bundle) = friend.offer();
    link.send(Body::PreKeyOffer(PreKeyOffer {
        session_epoch,
        bundle: Some(bundle),
    }));
    let sealed = link.expect_ciphertext("the first ciphertext of the session that was offered")?;
    if (sealed.session_epoch, sealed.sequence) != (session_epoch, 1) {
        let actual = format!("{} of {}", sealed.sequence, sealed.session_epoch);
        return Err(Failure::new(
            format!("ciphertext 1 of session epoch {session_epoch}"),
            actual,
        ));
    }
    let content = friend.accept_session(&sealed)?;
    let Some(Kind::Renewed(renewed)) = content.kind else {
        return Err(Failure::new("the content Renewed", format!("{:?}", content.kind)));
    };
    let key = friend.session.as_ref().map(|session| session.identity_key.clone());
    if !is_identity_signed(
        &connector.address,
        &key.unwrap_or_default(),
        &renewed.identity_signature,
    ) {
        return Err(Failure::new(
            "the onion key's signature of the identity key",
            "another signature",
        ));
    }
    link.send(Body::Ack(Ack {
        session_epoch,
        received: 1,
    }));
    let timer = friend.encrypt_timer();
    link.deliver(friend, timer)
}

/// Sends an offer, as the smaller, that must end the link; the session in use stays.
fn refused(fixture: &mut Fixture<'_>, what: &str, spoil: impl FnOnce(&mut PreKeyOffer, u64)) -> Result<(), Failure> {
    let (connector, friend) = fixture.friend(KeyOrder::Smaller)?;
    let mut link = connector.session_link(friend)?;
    let in_use = friend.session.as_ref().map_or(0, |session| session.session_epoch);
    let (session_epoch, bundle) = friend.offer();
    friend.offer = None;
    let mut offer = PreKeyOffer {
        session_epoch,
        bundle: Some(bundle),
    };
    spoil(&mut offer, in_use);
    link.send(Body::PreKeyOffer(offer));
    link.expect_end(what)?;
    let mut link = connector.session_link(friend)?;
    let timer = friend.encrypt_timer();
    link.deliver(friend, timer)
}

fn low_offer(fixture: &mut Fixture<'_>) -> Result<(), Failure> {
    refused(fixture, "an offer of the session epoch in use", |offer, in_use| {
        offer.session_epoch = in_use;
    })?;
    refused(fixture, "an offer below the session epoch in use", |offer, in_use| {
        offer.session_epoch = in_use - 1;
    })
}

fn high_offer(fixture: &mut Fixture<'_>) -> Result<(), Failure> {
    refused(fixture, "an offer above 2^62", |offer, _| {
        offer.session_epoch = (1 << 62) + 1;
    })
}

fn bad_offer(fixture: &mut Fixture<'_>) -> Result<(), Failure> {
    refused(fixture, "an offer without a bundle", |offer, _| offer.bundle = None)?;
    refused(fixture, "an offer that the onion key does not vouch for", |offer, _| {
        if let Some(bundle) = &mut offer.bundle {
            bundle.identity_signature[0] ^= 1;
        }
    })
}

fn offer_to_the_smaller(fixture: &mut Fixture<'_>) -> Result<(), Failure> {
    let (connector, friend) = fixture.friend(KeyOrder::Larger)?;
    let mut link = connector.session_link(friend)?;
    let (session_epoch, bundle) = friend.offer();
    friend.offer = None;
    link.send(Body::PreKeyOffer(PreKeyOffer {
        session_epoch,
        bundle: Some(bundle),
    }));
    link.expect_end("an offer of the larger")
}

fn requesters_offer(fixture: &mut Fixture<'_>) -> Result<(), Failure> {
    let (connector, requester) = fixture.requester()?;
    let (mut link, _) = connector.exchange_hello(requester, Relationship::Requested)?;
    let (session_epoch, bundle) = requester.offer();
    link.send(Body::PreKeyOffer(PreKeyOffer {
        session_epoch,
        bundle: Some(bundle),
    }));
    link.expect_end("an offer by a peer whose request waits")
}

fn timer_again(fixture: &mut Fixture<'_>) -> Result<(), Failure> {
    let (connector, friend) = fixture.friend(KeyOrder::Smaller)?;
    friend.session = None;
    let (mut link, _) = connector.exchange_hello(friend, Relationship::Friend)?;
    let (session_epoch, bundle) = friend.offer();
    link.send(Body::PreKeyOffer(PreKeyOffer {
        session_epoch,
        bundle: Some(bundle),
    }));
    let first = link.expect_ciphertext("the first ciphertext of the session that was offered")?;
    friend.accept_session(&first)?;
    let second = link.expect_ciphertext("Timer after Renewed")?;
    let content = friend.decrypt(&second)?;
    link.send(Body::Ack(Ack {
        session_epoch,
        received: 2,
    }));
    match content.kind {
        Some(Kind::Timer(_)) => Ok(()),
        other => Err(Failure::new("the content Timer", format!("{other:?}"))),
    }
}

fn answers(fixture: &mut Fixture<'_>) -> Result<(), Failure> {
    let (connector, friend) = fixture.friend(KeyOrder::Larger)?;
    let mut link = opened(connector, friend)?;
    let first = friend.encrypt_content(friend.renewed());
    let session_epoch = first.session_epoch;
    link.send(Body::Ciphertext(first));
    // In either order.
    let (mut answer, mut acknowledged) = (None, false);
    while answer.is_none() || !acknowledged {
        let wanted = "Ack 1, and a ciphertext of the new session";
        let (sealed, ack) = link.expect(wanted, |body| match body {
            Body::Ciphertext(sealed) => Some((Some(sealed.clone()), false)),
            Body::Ack(ack) => Some((None, (ack.session_epoch, ack.received) == (session_epoch, 1))),
            _ => None,
        })?;
        answer = answer.or(sealed);
        acknowledged |= ack;
    }
    friend.decrypt(&answer.unwrap_or_default())?;
    link.send(Body::Ack(Ack {
        session_epoch,
        received: 1,
    }));
    if let Some(session) = &mut friend.session {
        session.acknowledged = 1;
    }
    Ok(())
}
