//! [C-10]: first ciphertexts for a bundle of the target, valid and invalid.

use prost::Message as _;
use sotto_core::wire::content::content::Kind;
use sotto_core::wire::content::{Accept, Content, Renewed, Text};
use sotto_core::wire::link::{Hello, Relationship, frame::Body};

use super::case;
use crate::Case;
use crate::fixture::{Connector, Fixture, KeyOrder};
use crate::link::TestLink;
use crate::report::Failure;
use crate::test_peer::TestPeer;

pub const CASES: &[Case] = &[
    case!(
        "C-10.1",
        Larger,
        "accepts a first ciphertext for its offer and acknowledges it",
        taken
    ),
    case!(
        "C-10.2",
        Larger,
        "destroys an offer after a sequence other than 1",
        other_sequence
    ),
    case!(
        "C-10.3",
        Larger,
        "destroys an offer after a first ciphertext with another content",
        other_content
    ),
    case!(
        "C-10.4",
        Larger,
        "destroys an offer after an identity that the onion key did not sign",
        unvouched
    ),
    case!(
        "C-10.5",
        Larger,
        "destroys an offer after a name of 65 bytes",
        long_name
    ),
    case!(
        "C-10.6",
        Larger,
        "destroys an offer after a first ciphertext that does not decrypt",
        garbage
    ),
];

/// A link of a contact without a session, which begins one with the target's bundle.
pub fn opened(connector: &Connector<'_>, friend: &mut TestPeer) -> Result<TestLink, Failure> {
    friend.session = None;
    friend.offer = None;
    let (mut link, _) = connector.exchange_hello(friend, Relationship::Friend)?;
    let (session_epoch, bundle) = link.expect_offer("PreKeyOffer to a larger friend without a session")?;
    friend.initiate_session(session_epoch, &bundle)?;
    Ok(link)
}

fn taken(fixture: &mut Fixture<'_>) -> Result<(), Failure> {
    for accept in [false, true] {
        let (connector, friend) = fixture.friend(KeyOrder::Larger)?;
        let mut link = opened(connector, friend)?;
        let kind = match friend.renewed() {
            Kind::Renewed(Renewed {
                name,
                identity_signature,
            }) if accept => Kind::Accept(Accept {
                name,
                identity_signature,
            }),
            kind => kind,
        };
        let first = friend.encrypt_content(kind);
        link.deliver(friend, first)?;
        friend.session = None;
    }
    Ok(())
}

/// `offered` of the target's Hello.
fn offered(connector: &Connector<'_>, friend: &mut TestPeer) -> Result<u64, Failure> {
    // As a stranger, to which the target makes no new offer.
    let hello = Hello {
        session_epoch: 0,
        ..friend.hello(Relationship::Stranger)
    };
    connector
        .exchange_hello_with(friend, hello)
        .map(|(_, theirs)| theirs.offered)
}

fn other_sequence(fixture: &mut Fixture<'_>) -> Result<(), Failure> {
    let (connector, friend) = fixture.friend(KeyOrder::Larger)?;
    let mut link = opened(connector, friend)?;
    let mut first = friend.encrypt_content(friend.renewed());
    let session_epoch = first.session_epoch;
    first.sequence = 2;
    link.send(Body::Ciphertext(first));
    gone(connector, friend, &mut link, session_epoch, "sequence 2 for it")
}

/// Sends a first ciphertext with this content, which must destroy the offer.
fn destroyed(
    fixture: &mut Fixture<'_>,
    what: &str,
    content: impl FnOnce(&mut TestPeer) -> Content,
) -> Result<(), Failure> {
    let (connector, friend) = fixture.friend(KeyOrder::Larger)?;
    let mut link = opened(connector, friend)?;
    let content = content(friend);
    let first = friend.encrypt(&content.encode_to_vec());
    let session_epoch = first.session_epoch;
    link.send(Body::Ciphertext(first));
    gone(connector, friend, &mut link, session_epoch, what)
}

fn gone(
    connector: &Connector<'_>,
    friend: &mut TestPeer,
    link: &mut TestLink,
    session_epoch: u64,
    what: &str,
) -> Result<(), Failure> {
    friend.session = None;
    link.expect_end(what)?;
    link.expect_none("Ack of it", |body| matches!(body, Body::Ack(_)))?;
    if offered(connector, friend)? == session_epoch {
        let expected = format!("offer {session_epoch} to be destroyed after {what}");
        return Err(Failure::new(expected, "it stays"));
    }
    Ok(())
}

fn other_content(fixture: &mut Fixture<'_>) -> Result<(), Failure> {
    destroyed(fixture, "a text in place of Renewed", |friend| {
        friend.content(Kind::Text(Text {
            text: "hello".to_owned(),
            ..Text::default()
        }))
    })?;
    destroyed(fixture, "a content of no kind in place of Renewed", |_| {
        Content::default()
    })
}

fn unvouched(fixture: &mut Fixture<'_>) -> Result<(), Failure> {
    destroyed(fixture, "a changed identity signature in Renewed", |friend| {
        let mut identity_signature = friend.sign_identity(friend.identity_key());
        identity_signature[0] ^= 1;
        friend.content(Kind::Renewed(Renewed {
            name: String::new(),
            identity_signature,
        }))
    })
}

fn long_name(fixture: &mut Fixture<'_>) -> Result<(), Failure> {
    destroyed(fixture, "a name of 65 bytes in Renewed", |friend| {
        let identity_signature = friend.sign_identity(friend.identity_key());
        friend.content(Kind::Renewed(Renewed {
            name: "n".repeat(65),
            identity_signature,
        }))
    })
}

/// A description of a change and the change.
type Change<'c> = (&'c str, fn(&mut Vec<u8>));

fn garbage(fixture: &mut Fixture<'_>) -> Result<(), Failure> {
    // The last byte belongs to the Kyber ciphertext; some bytes before it are not authenticated.
    let changes: [Change<'_>; 2] = [
        ("another type byte", |ciphertext| ciphertext[0] ^= 1),
        ("a changed byte", |ciphertext| {
            let _ = ciphertext.last_mut().map(|byte| *byte ^= 1);
        }),
    ];
    for (what, change) in changes {
        let (connector, friend) = fixture.friend(KeyOrder::Larger)?;
        let mut link = opened(connector, friend)?;
        let mut first = friend.encrypt_content(friend.renewed());
        change(&mut first.ciphertext);
        let session_epoch = first.session_epoch;
        link.send(Body::Ciphertext(first));
        gone(
            connector,
            friend,
            &mut link,
            session_epoch,
            &format!("a first ciphertext with {what}"),
        )?;
    }
    Ok(())
}
