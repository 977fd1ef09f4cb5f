//! [L-9], which no other peer can test: a node at both ends of a link.

use std::io::{Read as _, Write as _};

use sotto_core::link::{Link, LinkEvent};
use sotto_core::{Entropy, OnionSecret};

use super::test_node::TestNode;

/// Dials the node and runs the handshake with this key. Returns how many bytes come after it.
fn bytes_after_handshake(node: &TestNode, secret: &OnionSecret) -> usize {
    let mut stream = node.connector().stream().expect("the node runs");
    let mut link = Link::dial(secret, node.address(), Entropy::from_seed([3; 32]));
    link.connected();
    let mut reply = [0; 50];
    stream
        .write_all(&link.transmit().expect("message 1"))
        .expect("the node listens");
    link.drained();
    stream.read_exact(&mut reply).expect("message 2");
    link.receive(&reply);
    assert_eq!(link.event(), Ok(Some(LinkEvent::Authenticated(node.address()))));
    stream
        .write_all(&link.transmit().expect("message 3"))
        .expect("the node listens");
    let mut hello = [0; 512];
    stream.read(&mut hello).expect("Hello, or the end")
}

#[test]
fn a_node_ends_a_link_to_itself() {
    let node = TestNode::start(4);
    assert_ne!(
        bytes_after_handshake(&node, &OnionSecret::from_seed(&[9; 32])),
        0,
        "another peer gets Hello"
    );
    assert_eq!(
        bytes_after_handshake(&node, &OnionSecret::from_seed(&node.onion_seed)),
        0
    );
}
