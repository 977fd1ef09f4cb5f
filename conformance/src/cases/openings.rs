//! [C-10]: what opens a session with a bundle of the target's, and what does not.

use prost::Message as _;
use sotto_core::wire::content::content::Kind;
use sotto_core::wire::content::{Accept, Content, Renewed, Text};
use sotto_core::wire::link::{Hello, Relationship, frame::Body};

use super::case;
use crate::Case;
use crate::line::Line;
use crate::peer::Peer;
use crate::report::Failure;
use crate::world::{Net, Side, World};

pub const CASES: &[Case] = &[
    case!(
        "C-10.1",
        Larger,
        "takes a first ciphertext for its offer, and acknowledges it",
        taken
    ),
    case!(
        "C-10.2",
        Larger,
        "ends a link on another sequence than 1 for its offer, which stays",
        other_sequence
    ),
    case!(
        "C-10.3",
        Larger,
        "destroys an offer for which another content comes",
        other_content
    ),
    case!(
        "C-10.4",
        Larger,
        "destroys an offer for which an identity comes that the onion key does not vouch for",
        unvouched
    ),
    case!(
        "C-10.5",
        Larger,
        "destroys an offer for which a name of 65 bytes comes",
        long_name
    ),
    case!(
        "C-10.6",
        Larger,
        "destroys an offer for which no true ciphertext comes",
        garbage
    ),
];

/// A link of a friend's who has no session, and who has opened one with the target's bundle.
pub fn opened(net: &Net<'_>, friend: &mut Peer) -> Result<Line, Failure> {
    friend.session = None;
    friend.offer = None;
    let (mut line, _) = net.greet(friend, Relationship::Friend)?;
    let (session_epoch, bundle) = line.expect_offer("Offer to a larger friend without a session")?;
    friend.open(session_epoch, &bundle)?;
    Ok(line)
}

/// What a session begins with, if its session is replaced.
pub fn renewed(friend: &Peer) -> Kind {
    Kind::Renewed(Renewed {
        name: "sotto conformance".to_owned(),
        identity_signature: friend.vouch(friend.identity_key()),
    })
}

fn taken(world: &mut World<'_>) -> Result<(), Failure> {
    for accept in [false, true] {
        let (net, friend) = world.friend(Side::Larger)?;
        let mut line = opened(net, friend)?;
        let kind = match renewed(friend) {
            Kind::Renewed(Renewed {
                name,
                identity_signature,
            }) if accept => Kind::Accept(Accept {
                name,
                identity_signature,
            }),
            kind => kind,
        };
        let first = friend.say(kind);
        friend.deliver(&mut line, first)?;
        friend.session = None;
    }
    Ok(())
}

/// What their Hello says of an outstanding offer.
fn offered(net: &Net<'_>, friend: &mut Peer) -> Result<u64, Failure> {
    // As somebody to whom nothing is said, so that no new offer is made.
    let hello = Hello {
        session_epoch: 0,
        ..friend.hello(Relationship::Stranger)
    };
    net.greet_with(friend, hello).map(|(_, theirs)| theirs.offered)
}

fn other_sequence(world: &mut World<'_>) -> Result<(), Failure> {
    let (net, friend) = world.friend(Side::Larger)?;
    let mut line = opened(net, friend)?;
    let mut first = friend.say(renewed(friend));
    let session_epoch = first.session_epoch;
    first.sequence = 2;
    line.send(Body::Ciphertext(first));
    friend.session = None;
    line.expect_end("sequence 2 for an offer")?;
    match offered(net, friend)? {
        stays if stays == session_epoch => Ok(()),
        other => Err(Failure::new(
            format!("offer {session_epoch} as before"),
            format!("offer {other}"),
        )),
    }
}

/// A first ciphertext of these contents, after which the offer is gone.
fn destroyed(world: &mut World<'_>, what: &str, content: impl FnOnce(&mut Peer) -> Content) -> Result<(), Failure> {
    let (net, friend) = world.friend(Side::Larger)?;
    let mut line = opened(net, friend)?;
    let content = content(friend);
    let first = friend.seal(&content.encode_to_vec());
    let session_epoch = first.session_epoch;
    line.send(Body::Ciphertext(first));
    gone(net, friend, &mut line, session_epoch, what)
}

fn gone(net: &Net<'_>, friend: &mut Peer, line: &mut Line, session_epoch: u64, what: &str) -> Result<(), Failure> {
    friend.session = None;
    line.expect_end(what)?;
    line.expect_none("Ack of it", |body| matches!(body, Body::Ack(_)))?;
    if offered(net, friend)? == session_epoch {
        let expected = format!("offer {session_epoch} to be destroyed after {what}");
        return Err(Failure::new(expected, "it stays"));
    }
    Ok(())
}

fn other_content(world: &mut World<'_>) -> Result<(), Failure> {
    destroyed(world, "a text in place of Renewed", |friend| {
        friend.content(Kind::Text(Text {
            text: "hello".to_owned(),
            ..Text::default()
        }))
    })?;
    destroyed(world, "a content of no kind in place of Renewed", |_| {
        Content::default()
    })
}

fn unvouched(world: &mut World<'_>) -> Result<(), Failure> {
    destroyed(world, "a changed identity signature in Renewed", |friend| {
        let mut identity_signature = friend.vouch(friend.identity_key());
        identity_signature[0] ^= 1;
        friend.content(Kind::Renewed(Renewed {
            name: String::new(),
            identity_signature,
        }))
    })
}

fn long_name(world: &mut World<'_>) -> Result<(), Failure> {
    destroyed(world, "a name of 65 bytes in Renewed", |friend| {
        let identity_signature = friend.vouch(friend.identity_key());
        friend.content(Kind::Renewed(Renewed {
            name: "n".repeat(65),
            identity_signature,
        }))
    })
}

/// What is changed in a ciphertext, and how.
type Change<'c> = (&'c str, fn(&mut Vec<u8>));

fn garbage(world: &mut World<'_>) -> Result<(), Failure> {
    // The last byte is the Kyber ciphertext's; some before it are of numbers that nothing authenticates.
    let changes: [Change<'_>; 2] = [
        ("another type byte", |ciphertext| ciphertext[0] ^= 1),
        ("a changed byte", |ciphertext| {
            let _ = ciphertext.last_mut().map(|byte| *byte ^= 1);
        }),
    ];
    for (what, change) in changes {
        let (net, friend) = world.friend(Side::Larger)?;
        let mut line = opened(net, friend)?;
        let mut first = friend.say(renewed(friend));
        change(&mut first.ciphertext);
        let session_epoch = first.session_epoch;
        line.send(Body::Ciphertext(first));
        gone(
            net,
            friend,
            &mut line,
            session_epoch,
            &format!("a first ciphertext with {what}"),
        )?;
    }
    Ok(())
}
