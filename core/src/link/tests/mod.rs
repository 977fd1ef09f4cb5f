//! Two links against each other.

mod hostile;

use std::collections::VecDeque;

use data_encoding::HEXLOWER;
use proptest::prelude::*;
use prost::Message;
use sha2::{Digest, Sha256};

use super::framing::MAX_FRAME;
use super::*;
use crate::property::cases;
use crate::wire::link::frame::Body;
use crate::wire::link::{Ciphertext, Heartbeat};

const DIALER: u8 = 1;
const LISTENER: u8 = 2;

fn secret(seed: u8) -> OnionSecret {
    OnionSecret::from_seed(&[seed; 32])
}

fn entropy(seed: u8) -> Entropy {
    Entropy::from_seed([seed; 32])
}

fn dialer() -> Link {
    let mut link = Link::dial(&secret(DIALER), secret(LISTENER).address(), entropy(3));
    link.connected();
    link
}

fn listener() -> Link {
    Link::accept(&secret(LISTENER), entropy(4))
}

/// Everything that the link has to say.
fn say(link: &mut Link) -> Vec<u8> {
    let bytes = link.transmit().unwrap_or_default();
    if !bytes.is_empty() {
        link.drained();
    }
    bytes
}

/// Whether it has nothing in hand: nothing to send, in flight, or half received.
fn idle(link: &Link) -> bool {
    link.backlog() == 0 && link.incoming.len() == 0
}

/// Everything that has come, which is without fault.
fn events(link: &mut Link) -> Vec<LinkEvent> {
    std::iter::from_fn(|| link.event().unwrap()).collect()
}

fn hear(link: &mut Link, bytes: &[u8]) -> Vec<LinkEvent> {
    link.receive(bytes);
    events(link)
}

/// A dialer and a listener that have shaken hands.
fn open() -> (Link, Link) {
    let (mut dialer, mut listener) = (dialer(), listener());
    hear(&mut listener, &say(&mut dialer));
    hear(&mut dialer, &say(&mut listener));
    assert_eq!(
        hear(&mut listener, &say(&mut dialer)),
        [LinkEvent::Authenticated(secret(DIALER).address())]
    );
    (dialer, listener)
}

fn sealed(sequence: u64, bytes: usize) -> Frame {
    let ciphertext = vec![u8::try_from(sequence % 256).unwrap(); bytes];
    Frame {
        body: Some(Body::Ciphertext(Ciphertext {
            session_epoch: 1,
            sequence,
            ciphertext,
        })),
    }
}

fn heartbeat() -> Frame {
    Frame {
        body: Some(Body::Heartbeat(Heartbeat { reply: true })),
    }
}

/// Bytes of the longest ciphertext with a small sequence number.
const LONGEST: usize = MAX_FRAME - 12;

/// A frame of the greatest length.
fn longest() -> Frame {
    let frame = sealed(1, LONGEST);
    assert_eq!(frame.encoded_len(), MAX_FRAME);
    frame
}

#[test]
fn the_handshake_is_three_records_of_known_length() {
    let mut dialer = Link::dial(&secret(DIALER), secret(LISTENER).address(), entropy(3));
    let mut listener = listener();
    assert_eq!((dialer.transmit(), dialer.event()), (None, Ok(None)));
    dialer.connected();
    let call = say(&mut dialer);
    assert_eq!((call.len(), &call[..2]), (50, &[0, 48][..]));

    assert_eq!(hear(&mut listener, &call), []);
    let reply = say(&mut listener);
    assert_eq!((reply.len(), &reply[..2]), (50, &[0, 48][..]));

    // The dialer knows its peer a message earlier, and may send at once.
    assert_eq!(
        hear(&mut dialer, &reply),
        [LinkEvent::Authenticated(secret(LISTENER).address())]
    );
    dialer.send(&heartbeat());
    let confirmation = say(&mut dialer);
    assert_eq!((confirmation.len(), &confirmation[..2]), (162 + 512, &[0, 160][..]));
    let heard = hear(&mut listener, &confirmation);
    assert_eq!(
        heard,
        [
            LinkEvent::Authenticated(secret(DIALER).address()),
            LinkEvent::Frame(heartbeat())
        ]
    );

    listener.send(&longest());
    let record = say(&mut listener);
    assert_eq!((record.len(), &record[..2]), (65_536, &[0xff, 0xfe][..]));
    assert_eq!(hear(&mut dialer, &record), [LinkEvent::Frame(longest())]);
    assert!(idle(&dialer) && idle(&listener));
}

#[test]
fn the_transcript_is_a_function_of_keys_and_entropy() {
    let transcript = |ephemeral: u8| {
        let mut dialer = Link::dial(&secret(DIALER), secret(LISTENER).address(), entropy(ephemeral));
        let mut listener = listener();
        dialer.connected();
        let call = say(&mut dialer);
        hear(&mut listener, &call);
        let reply = say(&mut listener);
        hear(&mut dialer, &reply);
        dialer.send(&sealed(1, 600));
        let rest = say(&mut dialer);
        hear(&mut listener, &rest);
        listener.send(&heartbeat());
        [call, reply, rest, say(&mut listener)].concat()
    };
    assert_eq!(transcript(3), transcript(3));
    assert_ne!(transcript(3), transcript(5));
    // An implementation that shares nothing with this one, on other libraries, made the same bytes.
    assert_eq!(transcript(3).len(), 50 + 50 + 162 + 768 + 512);
    let digest = HEXLOWER.encode(&Sha256::digest(transcript(3)));
    assert_eq!(
        digest,
        "7e6b7ddc445963a5d379232226faf5cd471f122467b783771aca1b5623ca6eed"
    );
}

#[test]
fn one_transmit_is_in_flight_and_takes_all_that_waits() {
    let (mut link, mut peer) = open();
    assert!(idle(&link));
    assert_eq!((link.transmit(), link.backlog()), (None, 0));
    link.send(&sealed(1, 10));
    link.send(&sealed(2, 10));
    assert_eq!((link.backlog(), idle(&link)), (1024, false));
    let first = link.transmit().unwrap();
    assert_eq!((first.len(), link.backlog()), (1024, 1024));
    link.send(&sealed(3, 600));
    assert_eq!((link.transmit(), link.backlog()), (None, 1024 + 768));
    link.drained();
    assert_eq!((link.backlog(), idle(&link)), (768, false));
    let second = link.transmit().unwrap();
    link.drained();
    assert_eq!((link.transmit(), link.backlog(), idle(&link)), (None, 0, true));

    peer.receive(&first);
    assert!(!idle(&peer));
    peer.receive(&second);
    let frames = [sealed(1, 10), sealed(2, 10), sealed(3, 600)].map(LinkEvent::Frame);
    assert_eq!(events(&mut peer), frames);
    assert!(idle(&peer));
}

#[test]
#[should_panic(expected = "no transmit is in flight")]
fn a_completion_without_a_transmit_is_our_mistake() {
    open().0.drained();
}

#[test]
#[should_panic(expected = "frames follow the handshake")]
fn a_frame_before_the_handshake_is_our_mistake() {
    dialer().send(&heartbeat());
}

/// One end, with the bytes that are under way to it and what it has yet to hear.
struct End {
    link: Link,
    transit: VecDeque<u8>,
    due: VecDeque<LinkEvent>,
    authenticated: bool,
}

#[derive(Clone, Debug)]
enum Act {
    Send(usize),
    Transmit,
    Drain,
    Receive(usize),
    Next,
}

fn act() -> impl Strategy<Value = (bool, Act)> {
    let act = prop_oneof![
        3 => prop_oneof![8 => 0..700_usize, 2 => 0..9000_usize, 1 => Just(LONGEST)].prop_map(Act::Send),
        3 => Just(Act::Transmit),
        3 => Just(Act::Drain),
        4 => prop_oneof![1..60_usize, 1..3000_usize].prop_map(Act::Receive),
        4 => Just(Act::Next),
    ];
    (any::<bool>(), act)
}

/// Performs the act at one end; the other is its peer.
fn perform(act: &Act, one: &mut End, other: &mut End, in_flight: &mut bool, sequence: &mut u64) {
    match act {
        Act::Send(bytes) if one.authenticated => {
            *sequence += 1;
            let frame = sealed(*sequence % 100 + 1, *bytes);
            one.link.send(&frame);
            other.due.push_back(LinkEvent::Frame(frame));
        }
        Act::Transmit => {
            let bytes = one.link.transmit();
            assert!(bytes.is_none() || !*in_flight);
            assert!(bytes.as_ref().is_none_or(|bytes| !bytes.is_empty()));
            *in_flight |= bytes.is_some();
            other.transit.extend(bytes.into_iter().flatten());
        }
        Act::Drain if *in_flight => {
            one.link.drained();
            *in_flight = false;
        }
        Act::Receive(bytes) => {
            let bytes: Vec<u8> = one.transit.drain(..(*bytes).min(one.transit.len())).collect();
            one.link.receive(&bytes);
        }
        Act::Next => {
            if let Some(event) = one.link.event().unwrap() {
                one.authenticated = true;
                assert_eq!(Some(event), one.due.pop_front());
            }
        }
        Act::Send(_) | Act::Drain => {}
    }
}

proptest! {
    #![proptest_config(cases(96))]

    /// However the bytes are cut and whichever end waits for what, each end hears who the other is and then its frames, in
    /// order and once.
    #[test]
    fn everything_arrives_in_order(acts in prop::collection::vec(act(), 0..300)) {
        let end = |link, peer: u8| End {
            link,
            transit: VecDeque::new(),
            due: [LinkEvent::Authenticated(secret(peer).address())].into(),
            authenticated: false,
        };
        let (mut one, mut other) = (end(dialer(), LISTENER), end(listener(), DIALER));
        let mut in_flight = [false; 2];
        let mut sequence = 0;
        let finish = [Act::Drain, Act::Transmit, Act::Receive(usize::MAX), Act::Next];
        let finish = finish.iter().cycle().take(4 * 310).flat_map(|act| [(false, act.clone()), (true, act.clone())]);
        for (second, act) in acts.into_iter().chain(finish) {
            if second {
                perform(&act, &mut other, &mut one, &mut in_flight[1], &mut sequence);
            } else {
                perform(&act, &mut one, &mut other, &mut in_flight[0], &mut sequence);
            }
        }
        prop_assert!(one.due.is_empty() && other.due.is_empty());
        prop_assert!(idle(&one.link) && idle(&other.link));
    }
}
