//! Bytes of strangers at a node's listener: any bytes in any pieces, over any number of streams, sometimes a correct message 1.
//! Strangers leave no row behind, receive at most fifty bytes, hold a bounded number of streams, and do not affect a contact.

use std::collections::{BTreeMap, BTreeSet};

use sotto_core::link::Link;
use sotto_core::{Cause, CircuitId, Entropy, Input as NodeInput, Limits, LinkId, Millis, OnionSecret};
use sotto_testkit::pair::A;

use crate::input::{Input, piece};
use crate::scene::{Scene, check_unaffected, friends, keys};

/// The length of the node's only answer, message 2.
const ANSWER: usize = 50;

pub(crate) fn run(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let mut pair = friends();
    let before = keys(&pair.sides[A].store);
    let mut streams = Streams::default();
    while !input.is_empty() {
        match input.byte() % 8 {
            0 => streams.open(&mut pair),
            1 => streams.turn_to(input.number()),
            2 => streams.close(&mut pair),
            3 => pair.pass(Millis::seconds(input.number() as u64)),
            4 => streams.message_1(input.array(), input.number(), &mut pair),
            5 => streams.write(input.piece().to_vec(), &mut pair),
            // Random bytes as a record of the length of message 1, or of message 3.
            6 => streams.write([&[0, 48], input.take(48)].concat(), &mut pair),
            _ => streams.write([&[0, 160], input.take(160)].concat(), &mut pair),
        }
        streams.check(&mut pair);
    }
    assert!(keys(&pair.sides[A].store) == before, "a stranger has left a row behind");
    check_unaffected(&mut pair, 0);
}

#[derive(Default)]
struct Streams {
    opened: u64,
    up: BTreeSet<LinkId>,
    current: Option<LinkId>,
    received: BTreeMap<LinkId, usize>,
}

impl Streams {
    fn open(&mut self, pair: &mut Scene) {
        self.opened += 1;
        let id = LinkId::Accepted(1_000_000 + self.opened);
        self.up.insert(id);
        self.current = Some(id);
        self.input(NodeInput::Accepted(id, CircuitId(self.opened)), pair);
    }

    fn turn_to(&mut self, nth: usize) {
        self.current = self.up.iter().nth(nth % self.up.len().max(1)).copied();
    }

    fn close(&mut self, pair: &mut Scene) {
        if let Some(id) = self.current.take() {
            self.up.remove(&id);
            self.input(NodeInput::Closed(id, Cause::Ended), pair);
        }
    }

    fn write(&mut self, bytes: Vec<u8>, pair: &mut Scene) {
        if self.current.is_none() {
            self.open(pair);
        }
        if let Some(id) = self.current {
            self.input(NodeInput::Received(id, bytes), pair);
        }
    }

    /// Message 1 of a handshake, or its beginning.
    fn message_1(&mut self, seed: [u8; 4], cut: usize, pair: &mut Scene) {
        let secret = OnionSecret::from_seed(&[9; 32]);
        let mut entropy = [0; 32];
        entropy[..4].copy_from_slice(&seed);
        let mut link = Link::dial(&secret, pair.sides[A].address, Entropy::from_seed(entropy));
        link.connected();
        let mut call = link.transmit().expect("message 1");
        call.truncate(call.len() - cut % call.len());
        self.write(call, pair);
    }

    fn input(&mut self, received: NodeInput, pair: &mut Scene) {
        pair.sides[A].node.handle(received, pair.now);
        pair.run();
        self.receive(pair);
    }

    fn receive(&mut self, pair: &mut Scene) {
        for (id, bytes) in pair.foreign.drain(..) {
            match bytes {
                Some(bytes) => *self.received.entry(id).or_default() += bytes.len(),
                None => drop(self.up.remove(&id)),
            }
        }
        self.current = self.current.filter(|id| self.up.contains(id));
    }

    fn check(&mut self, pair: &mut Scene) {
        self.receive(pair);
        assert!(
            self.up.len() <= Limits::default().unauthenticated_links,
            "{} streams are up",
            self.up.len()
        );
        assert!(
            self.received.values().all(|received| [0, ANSWER].contains(received)),
            "{:?}",
            self.received
        );
    }
}

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let call = [4, 1, 2, 3, 4, 0];
    vec![
        [&[5][..], &piece(b"GET / HTTP/1.1\r\n\r\n")].concat(),
        call.to_vec(),
        [&call[..], &[7]].concat(),
        [&call[..], &[7], &[0x55; 160], &[5], &piece(&[0; 8])].concat(),
        [&[6][..], &[0x33; 48]].concat(),
        // In pieces, and too slowly.
        vec![4, 1, 2, 3, 4, 20, 3, 20, 5, 0, 1, 7, 3, 20],
        // Many streams, half of them with message 1.
        [&[0][..], &call].concat().repeat(24),
        vec![0, 0, 0, 1, 0, 2, 3, 29, 2, 1, 1, 2],
    ]
}
