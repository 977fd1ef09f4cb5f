//! [L-9], which no stranger can play: a node at both ends of a link.

use std::io::{Read as _, Write as _};

use sotto_core::link::{Link, LinkEvent};
use sotto_core::{Entropy, OnionSecret};

use super::node::Own;

/// Dials the node, shakes hands under this key, and gives the bytes that come after that.
fn welcome(own: &Own, secret: &OnionSecret) -> usize {
    let mut stream = own.door().stream().expect("the node runs");
    let mut link = Link::dial(secret, own.address(), Entropy::from_seed([3; 32]));
    link.connected();
    let mut reply = [0; 50];
    stream
        .write_all(&link.transmit().expect("message 1"))
        .expect("it listens");
    link.drained();
    stream.read_exact(&mut reply).expect("message 2");
    link.receive(&reply);
    assert_eq!(link.event(), Ok(Some(LinkEvent::Authenticated(own.address()))));
    stream
        .write_all(&link.transmit().expect("message 3"))
        .expect("it listens");
    let mut hello = [0; 512];
    stream.read(&mut hello).expect("its Hello, or the end")
}

#[test]
fn a_node_does_not_talk_to_itself() {
    let own = Own::start(4);
    assert_ne!(
        welcome(&own, &OnionSecret::from_seed(&[9; 32])),
        0,
        "to others it says Hello"
    );
    assert_eq!(welcome(&own, &OnionSecret::from_seed(&own.onion_seed)), 0);
}
