//! Section 5.2: requests, answers, consent.

use sotto_core::wire::content::content::Kind;
use sotto_core::wire::link::{Ack, Bundle, Ciphertext, Relationship, Request, RequestStatus, frame::Body};

use super::case;
use crate::Case;
use crate::fixture::{Fixture, KeyOrder};
use crate::link::TestLink;
use crate::report::Failure;
use crate::test_peer::is_identity_signed;

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
        "ends a link on a request with a token that is not 16 bytes long",
        bad_token
    ),
    case!("C-2.5", "ends a link on a request without a bundle", no_bundle),
    case!(
        "C-2.6",
        "accepts a request with a name of 64 bytes and a note of 500",
        largest_request
    ),
    case!(
        "C-2.7",
        "ends a link on a request with a bundle of more than 2048 bytes",
        long_bundle
    ),
    case!(
        "C-4.1",
        "answers a stranger's request with PENDING and nothing else",
        pending
    ),
    case!("C-4.2", "keeps a request without processing its bundle", unread),
    case!(
        "C-4.3",
        "replaces a request with one of another session epoch",
        another_generation
    ),
    case!(
        "C-5.1",
        Larger,
        "consents with the session's first ciphertext: sequence 1, Accept, signed identity",
        consent
    ),
    case!("C-16.1", "answers a request with its number", numbered),
    case!(
        "C-7.1",
        Smaller,
        "ends a link on a bad bundle with a valid invite, and keeps the invite",
        bad_bundle_with_invite
    ),
    case!(
        "C-7.2",
        Larger,
        "treats a request with a used invite as an ordinary one",
        used_invite
    ),
    case!(
        "C-7.3",
        "treats a request with an unknown invite as an ordinary one",
        unknown_invite
    ),
    case!(
        "C-9.1",
        Larger,
        "consents again to a contact's request of another session epoch",
        consent_again
    ),
    case!(
        "C-9.2",
        Larger,
        "drops a contact's request of the session's epoch",
        request_of_the_session
    ),
    case!(
        "C-11.1",
        Larger,
        "drops a RequestStatus without a request",
        answer_to_nothing
    ),
    case!(
        "C-12.1",
        Larger,
        "sends no ciphertext to a contact whose Hello has STRANGER",
        not_to_a_stranger
    ),
    case!(
        "C-14.1",
        "drops ciphertexts and acknowledgements of a peer whose request waits",
        before_consent
    ),
];

/// Sends a request that must end the link.
fn refused(fixture: &mut Fixture<'_>, what: &str, spoil: impl Fn(&mut Request)) -> Result<(), Failure> {
    let (connector, requester) = fixture.requester()?;
    let (mut link, _) = connector.exchange_hello(requester, Relationship::Requested)?;
    let mut request = requester.request(&[]);
    spoil(&mut request);
    link.send(Body::Request(request));
    link.expect_end(what)?;
    link.expect_none("RequestStatus for it", |body| matches!(body, Body::RequestStatus(_)))
}

/// Sends a request that the target must keep.
fn held(fixture: &mut Fixture<'_>, change: impl Fn(&mut Request)) -> Result<TestLink, Failure> {
    let (connector, requester) = fixture.requester()?;
    let (mut link, _) = connector.exchange_hello(requester, Relationship::Requested)?;
    let mut request = requester.request(&[]);
    change(&mut request);
    link.send(Body::Request(request));
    link.expect_request_status(Relationship::Pending)?;
    link.expect_alive("a request")?;
    link.expect_none("consent to it", |body| {
        matches!(body, Body::Ciphertext(_) | Body::RequestStatus(_))
    })?;
    Ok(link)
}

fn long_name(fixture: &mut Fixture<'_>) -> Result<(), Failure> {
    refused(fixture, "a name of 65 bytes", |request| request.name = "n".repeat(65))
}

fn long_note(fixture: &mut Fixture<'_>) -> Result<(), Failure> {
    refused(fixture, "a note of 501 bytes", |request| request.note = "n".repeat(501))
}

fn bad_generation(fixture: &mut Fixture<'_>) -> Result<(), Failure> {
    refused(fixture, "session epoch 0", |request| request.session_epoch = 0)?;
    refused(fixture, "a session epoch above 2^62", |request| {
        request.session_epoch = (1 << 62) + 1;
    })
}

fn bad_token(fixture: &mut Fixture<'_>) -> Result<(), Failure> {
    refused(fixture, "a token of 15 bytes", |request| request.invite = vec![1; 15])?;
    refused(fixture, "a token of 17 bytes", |request| request.invite = vec![1; 17])
}

fn no_bundle(fixture: &mut Fixture<'_>) -> Result<(), Failure> {
    refused(fixture, "a request without a bundle", |request| request.bundle = None)
}

fn long_bundle(fixture: &mut Fixture<'_>) -> Result<(), Failure> {
    refused(fixture, "a bundle of more than 2048 bytes", |request| {
        if let Some(bundle) = &mut request.bundle {
            bundle.kyber_prekey = vec![8; 2048];
        }
    })
}

fn largest_request(fixture: &mut Fixture<'_>) -> Result<(), Failure> {
    held(fixture, |request| {
        request.name = "n".repeat(64);
        request.note = "n".repeat(500);
    })
    .map(|_| ())
}

fn pending(fixture: &mut Fixture<'_>) -> Result<(), Failure> {
    held(fixture, |_| ()).map(|_| ())
}

fn unread(fixture: &mut Fixture<'_>) -> Result<(), Failure> {
    held(fixture, |request| request.bundle = Some(Bundle::default()))?;
    // A correct one again, for the user.
    held(fixture, |_| ()).map(|_| ())
}

fn another_generation(fixture: &mut Fixture<'_>) -> Result<(), Failure> {
    held(fixture, |_| ())?;
    held(fixture, |_| ()).map(|_| ())
}

fn consent(fixture: &mut Fixture<'_>) -> Result<(), Failure> {
    let (connector, friend) = fixture.friend(KeyOrder::Larger)?;
    friend.session = None;
    let (mut link, _) = connector.exchange_hello(friend, Relationship::Requested)?;
    let request = friend.request(&[]);
    let session_epoch = request.session_epoch;
    link.send(Body::Request(request));
    let sealed = link.expect_ciphertext("consent to a request")?;
    let actual = (
        sealed.session_epoch,
        sealed.sequence,
        sealed.ciphertext.first().copied(),
    );
    let expected = (session_epoch, 1, Some(2));
    if actual != expected {
        let what = format!("session epoch, sequence and type of the first ciphertext: {expected:?}");
        return Err(Failure::new(what, format!("{actual:?}")));
    }
    let content = friend.accept_session(&sealed)?;
    let Some(Kind::Accept(accept)) = content.kind else {
        return Err(Failure::new("the content Accept", format!("{:?}", content.kind)));
    };
    let session = friend.session.take().expect("just opened");
    if !is_identity_signed(&connector.address, &session.identity_key, &accept.identity_signature) {
        let expected = "an identity key that the target's onion key has signed";
        return Err(Failure::new(expected, "another signature"));
    }
    if accept.name.len() > 64 || content.id.len() != 16 {
        let actual = format!("{} and {}", accept.name.len(), content.id.len());
        return Err(Failure::new("a name of at most 64 bytes, an id of 16", actual));
    }
    Ok(())
}

fn numbered(fixture: &mut Fixture<'_>) -> Result<(), Failure> {
    let (connector, requester) = fixture.requester()?;
    let (mut link, _) = connector.exchange_hello(requester, Relationship::Requested)?;
    for number in [7, 3, 0] {
        let request = Request {
            number,
            ..requester.request(&[])
        };
        link.send(Body::Request(request));
        let what = format!("RequestStatus for request {number}");
        link.expect(&what, |body| match body {
            Body::RequestStatus(status) => (status.request == number).then_some(()),
            _ => None,
        })?;
    }
    Ok(())
}

fn bad_bundle_with_invite(fixture: &mut Fixture<'_>) -> Result<(), Failure> {
    let Some(invite) = fixture.next_invite() else {
        return Err(Failure::new("an unused invite", "none is left"));
    };
    let (connector, mut stranger) = fixture.stranger();
    let (mut link, _) = connector.exchange_hello(&mut stranger, Relationship::Requested)?;
    let mut request = stranger.request(&invite);
    if let Some(bundle) = &mut request.bundle {
        bundle.signed_prekey_signature[10] ^= 1;
    }
    link.send(Body::Request(request));
    link.expect_end("an invite with a bundle whose prekey is not signed")?;
    link.expect_none("consent", |body| matches!(body, Body::Ciphertext(_)))?;
    // The token is still valid for another peer.
    fixture.friend(KeyOrder::Smaller).map(|_| ())
}

fn used_invite(fixture: &mut Fixture<'_>) -> Result<(), Failure> {
    fixture.friend(KeyOrder::Larger)?;
    let invite = fixture.used_invite().expect("the friend's");
    held(fixture, |request| request.invite = invite.to_vec()).map(|_| ())
}

fn unknown_invite(fixture: &mut Fixture<'_>) -> Result<(), Failure> {
    held(fixture, |request| request.invite = vec![0x5a; 16]).map(|_| ())
}

fn consent_again(fixture: &mut Fixture<'_>) -> Result<(), Failure> {
    let (connector, friend) = fixture.friend(KeyOrder::Larger)?;
    let before = connector.session_link(friend).map(|_| friend.session.clone())?;
    let (mut link, _) = connector.exchange_hello(friend, Relationship::Requested)?;
    link.become_contact(friend, &[])?;
    let session_epochs =
        [before.as_ref(), friend.session.as_ref()].map(|session| session.map(|session| session.session_epoch));
    if session_epochs[0] == session_epochs[1] {
        return Err(Failure::new("a new session", "the old one"));
    }
    link.expect_alive("a new session")
}

fn request_of_the_session(fixture: &mut Fixture<'_>) -> Result<(), Failure> {
    let (connector, friend) = fixture.friend(KeyOrder::Larger)?;
    let mut link = connector.session_link(friend)?;
    let session = friend.session.clone();
    let mut request = friend.request(&[]);
    friend.offer = None;
    request.session_epoch = session.map_or(0, |session| session.session_epoch);
    link.send(Body::Request(request));
    link.expect_alive("a request of the session's epoch")?;
    link.expect_none("answer to it", |body| matches!(body, Body::RequestStatus(_)))?;
    let timer = friend.encrypt_timer();
    link.deliver(friend, timer)
}

fn answer_to_nothing(fixture: &mut Fixture<'_>) -> Result<(), Failure> {
    let (connector, friend) = fixture.friend(KeyOrder::Larger)?;
    let mut link = connector.session_link(friend)?;
    for relationship in [
        Relationship::Declined,
        Relationship::Pending,
        Relationship::Friend,
        Relationship::Stranger,
    ] {
        link.send(Body::RequestStatus(RequestStatus {
            relationship: relationship.into(),
            request: 0,
        }));
    }
    link.expect_alive("a RequestStatus without a request")?;
    let (_, hello) = connector.exchange_hello(friend, Relationship::Friend)?;
    if hello.relationship() != Relationship::Friend {
        return Err(Failure::new(
            "a friend as before",
            format!("{:?}", hello.relationship()),
        ));
    }
    Ok(())
}

fn not_to_a_stranger(fixture: &mut Fixture<'_>) -> Result<(), Failure> {
    let (connector, friend) = fixture.friend(KeyOrder::Larger)?;
    friend.session = None;
    let (mut link, _) = connector.exchange_hello(friend, Relationship::Requested)?;
    // It is not acknowledged: to a FRIEND it would be sent again.
    link.request_session(friend, &[])?;
    friend.session = None;
    let (mut link, _) = connector.exchange_hello(friend, Relationship::Stranger)?;
    link.expect_alive("a Hello with STRANGER")?;
    link.expect_none("ciphertext", |body| matches!(body, Body::Ciphertext(_)))
}

fn before_consent(fixture: &mut Fixture<'_>) -> Result<(), Failure> {
    let (connector, requester) = fixture.requester()?;
    let (mut link, _) = connector.exchange_hello(requester, Relationship::Requested)?;
    for session_epoch in [0, 1, 7] {
        // Of a peer that is no contact, these cost a token each.
        connector.bucket(requester).take(2);
        link.send(Body::Ciphertext(Ciphertext {
            session_epoch,
            sequence: 1,
            ciphertext: vec![2; 300],
        }));
        link.send(Body::Ack(Ack {
            session_epoch,
            received: 0,
        }));
    }
    link.expect_alive("ciphertexts and acknowledgements of nothing")?;
    link.expect_none("answer to them", |body| {
        matches!(body, Body::Ack(_) | Body::Ciphertext(_))
    })?;
    let (_, hello) = connector.exchange_hello(requester, Relationship::Requested)?;
    if hello.relationship() != Relationship::Pending {
        return Err(Failure::new("still PENDING", format!("{:?}", hello.relationship())));
    }
    Ok(())
}
