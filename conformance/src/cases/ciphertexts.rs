//! Section 5.4: ciphertexts, their order, and their acknowledgements.

use sotto_core::wire::content::Timer;
use sotto_core::wire::content::content::Kind;
use sotto_core::wire::link::{Ack, Ciphertext, Hello, Relationship, frame::Body};

use super::case;
use crate::Case;
use crate::fixture::{Connector, Fixture, KeyOrder};
use crate::report::Failure;
use crate::test_peer::TestPeer;

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
        "resends an unacknowledged ciphertext with the same bytes",
        verbatim
    ),
    case!(
        "S-9.1",
        Larger,
        "ends a link on which ciphertexts flow on one of another session epoch",
        other_generation
    ),
    case!(
        "S-9.4",
        Larger,
        "drops a ciphertext of another session epoch while a session is to be replaced",
        before_the_session
    ),
    case!(
        "S-9.2",
        Larger,
        "acknowledges a repeated ciphertext without decrypting it",
        come_before
    ),
    case!(
        "S-9.3",
        Larger,
        "ends a link on a gap in the sequence without any loss",
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
        "refuses a ciphertext that would begin another session",
        other_session
    ),
    case!(
        "S-11.1",
        Larger,
        "destroys a session whose next ciphertext does not decrypt",
        destroyed
    ),
    case!(
        "S-13.1",
        Larger,
        "acknowledges ciphertexts, one by one or many with one frame",
        acknowledged
    ),
    case!(
        "S-13.2",
        Larger,
        "ignores an acknowledgement of another session epoch",
        other_ack
    ),
    case!(
        "S-13.5",
        Larger,
        "ignores an acknowledgement of session epoch 0 while it has no session",
        ack_of_no_session
    ),
    case!(
        "S-13.3",
        Larger,
        "ends a link on an acknowledgement of more than was sent",
        too_much
    ),
    case!(
        "S-13.4",
        "ends a link on an acknowledgement by an unknown peer",
        unknown_ack
    ),
];

/// A ciphertext that ends the link, and the session with it.
fn refused(
    fixture: &mut Fixture<'_>,
    what: &str,
    make: impl FnOnce(&Connector<'_>, &mut TestPeer) -> Ciphertext,
) -> Result<(), Failure> {
    let (connector, friend) = fixture.friend(KeyOrder::Larger)?;
    let mut link = connector.session_link(friend)?;
    let sealed = make(connector, friend);
    link.send(Body::Ciphertext(sealed));
    friend.session = None;
    link.expect_end(what)?;
    link.expect_none("Ack of it", |body| matches!(body, Body::Ack(_)))?;
    let (_, hello) = connector.exchange_hello(friend, Relationship::Requested)?;
    if hello.session_epoch != 0 {
        let expected = format!("session epoch 0 in Hello after {what}");
        return Err(Failure::new(expected, hello.session_epoch.to_string()));
    }
    Ok(())
}

fn unknown_type(fixture: &mut Fixture<'_>) -> Result<(), Failure> {
    for other in [0, 3, 0xff] {
        refused(fixture, &format!("a ciphertext of type {other}"), |_, friend| {
            let mut sealed = friend.encrypt_timer();
            sealed.ciphertext[0] = other;
            sealed
        })?;
    }
    Ok(())
}

fn too_long(fixture: &mut Fixture<'_>) -> Result<(), Failure> {
    refused(fixture, "a ciphertext of 64513 bytes", |_, friend| {
        let mut sealed = friend.encrypt_timer();
        sealed.ciphertext.resize(64_513, 0);
        sealed
    })
}

fn verbatim(fixture: &mut Fixture<'_>) -> Result<(), Failure> {
    let (connector, friend) = fixture.friend(KeyOrder::Larger)?;
    friend.session = None;
    let (mut link, _) = connector.exchange_hello(friend, Relationship::Requested)?;
    let first = link.request_session(friend, &[])?;
    friend.session = None;
    let mut hello = friend.hello(Relationship::Friend);
    hello.session_epoch = first.session_epoch;
    let (mut link, _) = connector.exchange_hello_with(friend, hello)?;
    let again = link.expect_ciphertext("the ciphertext that was not acknowledged")?;
    if again == first {
        Ok(())
    } else {
        Err(Failure::new("the same session epoch, sequence and bytes", "others"))
    }
}

fn other_generation(fixture: &mut Fixture<'_>) -> Result<(), Failure> {
    let (connector, friend) = fixture.friend(KeyOrder::Larger)?;
    drop(connector.session_link(friend)?);
    let timer = friend.encrypt_timer();
    for session_epoch in [0, timer.session_epoch - 1, timer.session_epoch + 1] {
        // The cursors of before: the ciphertext never comes.
        let hello = Hello {
            sent: timer.sequence - 1,
            ..friend.hello(Relationship::Friend)
        };
        let (mut link, _) = connector.exchange_hello_with(friend, hello)?;
        link.send(Body::Ciphertext(Ciphertext {
            session_epoch,
            ..timer.clone()
        }));
        link.expect_end("a ciphertext of another session epoch")?;
        link.expect_none("Ack of it", |body| matches!(body, Body::Ack(_)))?;
    }
    let mut link = connector.session_link(friend)?;
    link.deliver(friend, timer)
}

fn before_the_session(fixture: &mut Fixture<'_>) -> Result<(), Failure> {
    let (connector, friend) = fixture.friend(KeyOrder::Larger)?;
    friend.session = None;
    let (mut link, _) = connector.exchange_hello(friend, Relationship::Friend)?;
    let (offered, _) = link.expect_offer("PreKeyOffer to a larger friend without a session")?;
    for session_epoch in [0, offered - 1, offered + 1] {
        link.send(Body::Ciphertext(Ciphertext {
            session_epoch,
            sequence: 1,
            ciphertext: vec![2; 300],
        }));
    }
    link.expect_alive("ciphertexts of sessions that are not")?;
    link.expect_none("Ack of them", |body| matches!(body, Body::Ack(_)))
}

fn come_before(fixture: &mut Fixture<'_>) -> Result<(), Failure> {
    let (connector, friend) = fixture.friend(KeyOrder::Larger)?;
    let mut link = connector.session_link(friend)?;
    let first = friend.encrypt_timer();
    link.deliver(friend, first.clone())?;
    // The same, and other bytes under its number.
    for ciphertext in [first.ciphertext.clone(), vec![1; 40]] {
        let again = Ciphertext {
            ciphertext,
            ..first.clone()
        };
        link.send(Body::Ciphertext(again));
        link.expect_ack(first.session_epoch, first.sequence)?;
    }
    let next = friend.encrypt_timer();
    link.deliver(friend, next)
}

fn gap(fixture: &mut Fixture<'_>) -> Result<(), Failure> {
    let (connector, friend) = fixture.friend(KeyOrder::Larger)?;
    let mut link = connector.session_link(friend)?;
    let before = friend.session.clone();
    let (first, second) = (friend.encrypt_timer(), friend.encrypt_timer());
    link.send(Body::Ciphertext(second.clone()));
    link.expect_end("a ciphertext before its turn")?;
    let after = std::mem::replace(&mut friend.session, before);
    let mut link = connector.session_link(friend)?;
    friend.session = after;
    link.deliver(friend, first)?;
    link.deliver(friend, second)
}

fn skipped(fixture: &mut Fixture<'_>) -> Result<(), Failure> {
    refused(fixture, "a ciphertext whose predecessor was never sent", |_, friend| {
        let lost = friend.encrypt_timer();
        Ciphertext {
            sequence: lost.sequence,
            ..friend.encrypt_timer()
        }
    })
}

fn replayed(fixture: &mut Fixture<'_>) -> Result<(), Failure> {
    let (connector, friend) = fixture.friend(KeyOrder::Larger)?;
    let mut link = connector.session_link(friend)?;
    let first = friend.encrypt_timer();
    link.deliver(friend, first.clone())?;
    refused(fixture, "an older ciphertext under the next number", |_, _| {
        Ciphertext {
            sequence: first.sequence + 1,
            ..first
        }
    })
}

fn other_session(fixture: &mut Fixture<'_>) -> Result<(), Failure> {
    let (connector, friend) = fixture.friend(KeyOrder::Larger)?;
    friend.session = None;
    let (mut link, _) = connector.exchange_hello(friend, Relationship::Friend)?;
    let (session_epoch, bundle) = link.expect_offer("PreKeyOffer to a larger friend without a session")?;
    friend.initiate_session(session_epoch, &bundle)?;
    let first = friend.encrypt_content(friend.renewed());
    link.deliver(friend, first)?;
    // Another session with the same bundle.
    friend.initiate_session(session_epoch, &bundle)?;
    let mut second = friend.encrypt_content(Kind::Timer(Timer { seconds: 0 }));
    second.sequence = 2;
    link.send(Body::Ciphertext(second));
    friend.session = None;
    link.expect_end("a PreKeySignalMessage of another session")
}

fn destroyed(fixture: &mut Fixture<'_>) -> Result<(), Failure> {
    refused(fixture, "a changed ciphertext", |_, friend| {
        let mut sealed = friend.encrypt_timer();
        let middle = sealed.ciphertext.len() / 2;
        sealed.ciphertext[middle] ^= 1;
        sealed
    })
}

fn acknowledged(fixture: &mut Fixture<'_>) -> Result<(), Failure> {
    let (connector, friend) = fixture.friend(KeyOrder::Larger)?;
    let mut link = connector.session_link(friend)?;
    let many: Vec<Ciphertext> = (0..5).map(|_| friend.encrypt_timer()).collect();
    let last = many.last().cloned().unwrap_or_default();
    for sealed in many {
        link.send(Body::Ciphertext(sealed));
    }
    link.expect_ack(last.session_epoch, last.sequence)
}

fn other_ack(fixture: &mut Fixture<'_>) -> Result<(), Failure> {
    let (connector, friend) = fixture.friend(KeyOrder::Larger)?;
    let mut link = connector.session_link(friend)?;
    let session_epoch = friend.session.as_ref().map_or(0, |session| session.session_epoch);
    for session_epoch in [0, session_epoch - 1, session_epoch + 1] {
        link.send(Body::Ack(Ack {
            session_epoch,
            received: 1000,
        }));
    }
    link.expect_alive("acknowledgements of other session epochs")
}

fn ack_of_no_session(fixture: &mut Fixture<'_>) -> Result<(), Failure> {
    refused(fixture, "a changed ciphertext", |_, friend| {
        let mut sealed = friend.encrypt_timer();
        let middle = sealed.ciphertext.len() / 2;
        sealed.ciphertext[middle] ^= 1;
        sealed
    })?;
    let (connector, friend) = fixture.friend(KeyOrder::Larger)?;
    friend.session = None;
    let (mut link, theirs) = connector.exchange_hello(friend, Relationship::Friend)?;
    if theirs.session_epoch != 0 {
        let actual = format!("session epoch {}", theirs.session_epoch);
        return Err(Failure::new("no session after one that was broken", actual));
    }
    link.send(Body::Ack(Ack {
        session_epoch: 0,
        received: 1000,
    }));
    link.expect_alive("an acknowledgement of session epoch 0")
}

fn too_much(fixture: &mut Fixture<'_>) -> Result<(), Failure> {
    for more in [1, u64::MAX / 2] {
        let (connector, friend) = fixture.friend(KeyOrder::Larger)?;
        let mut link = connector.session_link(friend)?;
        let (session_epoch, received) = friend
            .session
            .as_ref()
            .map_or((0, 0), |session| (session.session_epoch, session.received));
        link.send(Body::Ack(Ack {
            session_epoch,
            received: received + more,
        }));
        link.expect_end("an acknowledgement of a ciphertext that was never sent")?;
    }
    Ok(())
}

fn unknown_ack(fixture: &mut Fixture<'_>) -> Result<(), Failure> {
    let (connector, mut stranger) = fixture.stranger();
    let (mut link, _) = connector.exchange_hello(&mut stranger, Relationship::Stranger)?;
    link.send(Body::Ack(Ack {
        session_epoch: 1,
        received: 0,
    }));
    link.expect_end("an acknowledgement by an unknown peer")
}
