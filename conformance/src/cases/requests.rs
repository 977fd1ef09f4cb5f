//! Section 5.2: requests, answers, consent.

use sotto_core::wire::content::content::Kind;
use sotto_core::wire::link::{Ack, Bundle, Ciphertext, Relationship, Request, RequestStatus, frame::Body};

use super::case;
use crate::Case;
use crate::line::Line;
use crate::peer::vouches;
use crate::report::Failure;
use crate::world::{Side, World};

pub const CASES: &[Case] = &[
    case!("C-2.1", "ends a link on a request with a name of 65 bytes", long_name),
    case!("C-2.2", "ends a link on a request with a note of 501 bytes", long_note),
    case!(
        "C-2.3",
        "ends a link on a request of session epoch 0 or above 2^62",
        bad_generation
    ),
    case!(
        "C-2.4",
        "ends a link on a request with a token of another length than 16",
        bad_token
    ),
    case!("C-2.5", "ends a link on a request without a bundle", no_bundle),
    case!(
        "C-2.6",
        "takes a request with a name of 64 bytes and a note of 500",
        largest_request
    ),
    case!(
        "C-4.1",
        "answers a stranger's request with PENDING, and with nothing else",
        pending
    ),
    case!(
        "C-4.2",
        "holds a request unread: a worthless bundle in it is not looked at",
        unread
    ),
    case!(
        "C-4.3",
        "takes a request of another session epoch in place of an older one",
        another_generation
    ),
    case!(
        "C-5.1",
        Larger,
        "consents with the session's first ciphertext: sequence 1, Accept, and the onion key's word",
        consent
    ),
    case!(
        "C-7.1",
        Smaller,
        "ends a link on a bad bundle with a valid invite, which remains valid",
        bad_bundle_with_invite
    ),
    case!(
        "C-7.2",
        Larger,
        "takes a request with a used invite as an ordinary one",
        used_invite
    ),
    case!(
        "C-7.3",
        "takes a request with an unknown invite as an ordinary one",
        unknown_invite
    ),
    case!(
        "C-9.1",
        Larger,
        "consents again to a friend who asks with another session epoch",
        consent_again
    ),
    case!(
        "C-9.2",
        Larger,
        "drops a friend's request of the session's session epoch",
        answered_already
    ),
    case!("C-11.1", Larger, "drops an answer to no question", answer_to_nothing),
    case!(
        "C-12.1",
        Larger,
        "sends no ciphertext to a friend whose Hello says STRANGER",
        not_to_a_stranger
    ),
    case!(
        "C-14.1",
        "drops ciphertexts and acknowledgements of one who asks",
        only_asking
    ),
];

/// A request that ends the link.
fn refused(world: &mut World<'_>, what: &str, spoil: impl Fn(&mut Request)) -> Result<(), Failure> {
    let (net, asker) = world.asker()?;
    let (mut line, _) = net.greet(asker, Relationship::Requested)?;
    let mut request = asker.request(&[]);
    spoil(&mut request);
    line.send(Body::Request(request));
    line.expect_end(what)?;
    line.expect_none("RequestStatus to it", |body| matches!(body, Body::RequestStatus(_)))
}

/// A request that is held.
fn held(world: &mut World<'_>, change: impl Fn(&mut Request)) -> Result<Line, Failure> {
    let (net, asker) = world.asker()?;
    let (mut line, _) = net.greet(asker, Relationship::Requested)?;
    let mut request = asker.request(&[]);
    change(&mut request);
    line.send(Body::Request(request));
    line.expect_answer(Relationship::Pending)?;
    line.expect_life("a request")?;
    line.expect_none("consent to it", |body| {
        matches!(body, Body::Ciphertext(_) | Body::RequestStatus(_))
    })?;
    Ok(line)
}

fn long_name(world: &mut World<'_>) -> Result<(), Failure> {
    refused(world, "a name of 65 bytes", |request| request.name = "n".repeat(65))
}

fn long_note(world: &mut World<'_>) -> Result<(), Failure> {
    refused(world, "a note of 501 bytes", |request| request.note = "n".repeat(501))
}

fn bad_generation(world: &mut World<'_>) -> Result<(), Failure> {
    refused(world, "session epoch 0", |request| request.session_epoch = 0)?;
    refused(world, "a session epoch above 2^62", |request| {
        request.session_epoch = (1 << 62) + 1;
    })
}

fn bad_token(world: &mut World<'_>) -> Result<(), Failure> {
    refused(world, "a token of 15 bytes", |request| request.invite = vec![1; 15])?;
    refused(world, "a token of 17 bytes", |request| request.invite = vec![1; 17])
}

fn no_bundle(world: &mut World<'_>) -> Result<(), Failure> {
    refused(world, "a request without a bundle", |request| request.bundle = None)
}

fn largest_request(world: &mut World<'_>) -> Result<(), Failure> {
    held(world, |request| {
        request.name = "n".repeat(64);
        request.note = "n".repeat(500);
    })
    .map(|_| ())
}

fn pending(world: &mut World<'_>) -> Result<(), Failure> {
    held(world, |_| ()).map(|_| ())
}

fn unread(world: &mut World<'_>) -> Result<(), Failure> {
    held(world, |request| request.bundle = Some(Bundle::default()))?;
    // A proper one again, for a person's eyes.
    held(world, |_| ()).map(|_| ())
}

fn another_generation(world: &mut World<'_>) -> Result<(), Failure> {
    held(world, |_| ())?;
    held(world, |_| ()).map(|_| ())
}

fn consent(world: &mut World<'_>) -> Result<(), Failure> {
    let (net, friend) = world.friend(Side::Larger)?;
    friend.session = None;
    let (mut line, _) = net.greet(friend, Relationship::Requested)?;
    let request = friend.request(&[]);
    let session_epoch = request.session_epoch;
    line.send(Body::Request(request));
    let sealed = line.expect_sealed("consent to a request")?;
    let came = (
        sealed.session_epoch,
        sealed.sequence,
        sealed.ciphertext.first().copied(),
    );
    let expected = (session_epoch, 1, Some(2));
    if came != expected {
        let what = format!("session epoch, sequence and type of the first ciphertext: {expected:?}");
        return Err(Failure::new(what, format!("{came:?}")));
    }
    let content = friend.opened(&sealed)?;
    let Some(Kind::Accept(accept)) = content.kind else {
        return Err(Failure::new("the content Accept", format!("{:?}", content.kind)));
    };
    let session = friend.session.take().expect("just opened");
    if !vouches(&net.address, &session.identity_key, &accept.identity_signature) {
        let expected = "the target's onion key to vouch for its identity key";
        return Err(Failure::new(expected, "another signature"));
    }
    if accept.name.len() > 64 || content.id.len() != 16 {
        let came = format!("{} and {}", accept.name.len(), content.id.len());
        return Err(Failure::new("a name of at most 64 bytes, an id of 16", came));
    }
    Ok(())
}

fn bad_bundle_with_invite(world: &mut World<'_>) -> Result<(), Failure> {
    let Some(invite) = world.next_invite() else {
        return Err(Failure::new("an unused invite", "none is left"));
    };
    let (net, mut stranger) = world.stranger();
    let (mut line, _) = net.greet(&mut stranger, Relationship::Requested)?;
    let mut request = stranger.request(&invite);
    if let Some(bundle) = &mut request.bundle {
        bundle.signed_prekey_signature[10] ^= 1;
    }
    line.send(Body::Request(request));
    line.expect_end("an invite with a bundle whose prekey is not signed")?;
    line.expect_none("consent", |body| matches!(body, Body::Ciphertext(_)))?;
    // The same token lets somebody else in.
    world.friend(Side::Smaller).map(|_| ())
}

fn used_invite(world: &mut World<'_>) -> Result<(), Failure> {
    world.friend(Side::Larger)?;
    let invite = world.used_invite().expect("the friend's");
    held(world, |request| request.invite = invite.to_vec()).map(|_| ())
}

fn unknown_invite(world: &mut World<'_>) -> Result<(), Failure> {
    held(world, |request| request.invite = vec![0x5a; 16]).map(|_| ())
}

fn consent_again(world: &mut World<'_>) -> Result<(), Failure> {
    let (net, friend) = world.friend(Side::Larger)?;
    let before = net.flowing(friend).map(|_| friend.session.clone())?;
    let (mut line, _) = net.greet(friend, Relationship::Requested)?;
    friend.enter(&mut line, &[])?;
    let session_epochs =
        [before.as_ref(), friend.session.as_ref()].map(|session| session.map(|session| session.session_epoch));
    if session_epochs[0] == session_epochs[1] {
        return Err(Failure::new("a new session", "the old one"));
    }
    line.expect_life("a new session")
}

fn answered_already(world: &mut World<'_>) -> Result<(), Failure> {
    let (net, friend) = world.friend(Side::Larger)?;
    let mut line = net.flowing(friend)?;
    let session = friend.session.clone();
    let mut request = friend.request(&[]);
    friend.offer = None;
    request.session_epoch = session.map_or(0, |session| session.session_epoch);
    line.send(Body::Request(request));
    line.expect_life("a request of the session's session epoch")?;
    line.expect_none("answer to it", |body| matches!(body, Body::RequestStatus(_)))?;
    let timer = friend.say_timer();
    friend.deliver(&mut line, timer)
}

fn answer_to_nothing(world: &mut World<'_>) -> Result<(), Failure> {
    let (net, friend) = world.friend(Side::Larger)?;
    let mut line = net.flowing(friend)?;
    for relationship in [
        Relationship::Declined,
        Relationship::Pending,
        Relationship::Friend,
        Relationship::Stranger,
    ] {
        line.send(Body::RequestStatus(RequestStatus {
            relationship: relationship.into(),
        }));
    }
    line.expect_life("answers to no question")?;
    let (_, hello) = net.greet(friend, Relationship::Friend)?;
    if hello.relationship() != Relationship::Friend {
        return Err(Failure::new(
            "a friend as before",
            format!("{:?}", hello.relationship()),
        ));
    }
    Ok(())
}

fn not_to_a_stranger(world: &mut World<'_>) -> Result<(), Failure> {
    let (net, friend) = world.friend(Side::Larger)?;
    friend.session = None;
    let (mut line, _) = net.greet(friend, Relationship::Requested)?;
    // Not acknowledged: it would be sent again to a friend.
    friend.ask(&mut line, &[])?;
    friend.session = None;
    let (mut line, _) = net.greet(friend, Relationship::Stranger)?;
    line.expect_life("a Hello that says STRANGER")?;
    line.expect_none("ciphertext", |body| matches!(body, Body::Ciphertext(_)))
}

fn only_asking(world: &mut World<'_>) -> Result<(), Failure> {
    let (net, asker) = world.asker()?;
    let (mut line, _) = net.greet(asker, Relationship::Requested)?;
    for session_epoch in [0, 1, 7] {
        line.send(Body::Ciphertext(Ciphertext {
            session_epoch,
            sequence: 1,
            ciphertext: vec![2; 300],
        }));
        line.send(Body::Ack(Ack {
            session_epoch,
            received: 0,
        }));
    }
    line.expect_life("ciphertexts and acknowledgements of nothing")?;
    line.expect_none("answer to them", |body| {
        matches!(body, Body::Ack(_) | Body::Ciphertext(_))
    })?;
    let (_, hello) = net.greet(asker, Relationship::Requested)?;
    if hello.relationship() != Relationship::Pending {
        return Err(Failure::new("still PENDING", format!("{:?}", hello.relationship())));
    }
    Ok(())
}
