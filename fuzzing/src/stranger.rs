//! Bytes of strangers at a node's listener: any bytes, in any pieces, over any number of streams, and now and then the first
//! step of a true handshake. Strangers leave nothing behind, are told fifty bytes at most, hold so many streams and no
//! more, and the node's friend notices nothing.

use std::collections::{BTreeMap, BTreeSet};

use sotto_core::link::Link;
use sotto_core::{Cause, Entropy, Input as Told, Limits, LinkId, Millis, OnionSecret};
use sotto_testkit::pair::A;

use crate::input::{Input, piece};
use crate::scene::{Scene, friends, keys, unharmed};

/// The node's one answer.
const ANSWER: usize = 50;

pub(crate) fn run(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let mut pair = friends();
    let before = keys(&pair.sides[A].disk);
    let mut streams = Streams::default();
    while !input.is_empty() {
        match input.byte() % 8 {
            0 => streams.open(&mut pair),
            1 => streams.turn_to(input.number()),
            2 => streams.close(&mut pair),
            3 => pair.pass(Millis::seconds(input.number() as u64)),
            4 => streams.call(input.array(), input.number(), &mut pair),
            5 => streams.write(input.piece().to_vec(), &mut pair),
            // Made-up bytes as a record of the length that comes first, or third.
            6 => streams.write([&[0, 48], input.take(48)].concat(), &mut pair),
            _ => streams.write([&[0, 160], input.take(160)].concat(), &mut pair),
        }
        streams.check(&mut pair);
    }
    assert!(
        keys(&pair.sides[A].disk) == before,
        "a stranger has left something behind"
    );
    unharmed(&mut pair, 0);
}

#[derive(Default)]
struct Streams {
    opened: u64,
    up: BTreeSet<LinkId>,
    current: Option<LinkId>,
    told: BTreeMap<LinkId, usize>,
}

impl Streams {
    fn open(&mut self, pair: &mut Scene) {
        self.opened += 1;
        let id = LinkId::Accepted(1_000_000 + self.opened);
        self.up.insert(id);
        self.current = Some(id);
        self.tell(Told::Accepted(id), pair);
    }

    fn turn_to(&mut self, nth: usize) {
        self.current = self.up.iter().nth(nth % self.up.len().max(1)).copied();
    }

    fn close(&mut self, pair: &mut Scene) {
        if let Some(id) = self.current.take() {
            self.up.remove(&id);
            self.tell(Told::Closed(id, Cause::Ended), pair);
        }
    }

    fn write(&mut self, bytes: Vec<u8>, pair: &mut Scene) {
        if self.current.is_none() {
            self.open(pair);
        }
        if let Some(id) = self.current {
            self.tell(Told::Received(id, bytes), pair);
        }
    }

    /// The first message of a handshake, or its beginning.
    fn call(&mut self, seed: [u8; 4], cut: usize, pair: &mut Scene) {
        let secret = OnionSecret::from_seed(&[9; 32]);
        let mut entropy = [0; 32];
        entropy[..4].copy_from_slice(&seed);
        let mut link = Link::dial(&secret, pair.sides[A].address, Entropy::from_seed(entropy));
        link.connected();
        let mut call = link.transmit().expect("message 1");
        call.truncate(call.len() - cut % call.len());
        self.write(call, pair);
    }

    fn tell(&mut self, told: Told, pair: &mut Scene) {
        pair.sides[A].node.handle(told, pair.now);
        pair.run();
        self.listen(pair);
    }

    fn listen(&mut self, pair: &mut Scene) {
        for (id, said) in pair.astray.drain(..) {
            match said {
                Some(bytes) => *self.told.entry(id).or_default() += bytes.len(),
                None => drop(self.up.remove(&id)),
            }
        }
        self.current = self.current.filter(|id| self.up.contains(id));
    }

    fn check(&mut self, pair: &mut Scene) {
        self.listen(pair);
        assert!(
            self.up.len() <= Limits::default().stranger_links,
            "{} streams are up",
            self.up.len()
        );
        assert!(
            self.told.values().all(|told| [0, ANSWER].contains(told)),
            "{:?}",
            self.told
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
        // Little by little, and too slowly.
        vec![4, 1, 2, 3, 4, 20, 3, 20, 5, 0, 1, 7, 3, 20],
        // One stream after the other, half of them with a call.
        [&[0][..], &call].concat().repeat(24),
        vec![0, 0, 0, 1, 0, 2, 3, 29, 2, 1, 1, 2],
    ]
}
