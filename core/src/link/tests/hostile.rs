//! Links against peers that are not what they should be, and against bytes that no peer would send.

use std::ops::RangeInclusive;

use proptest::prelude::*;

use super::{DIALER, LISTENER, dialer, entropy, hear, heartbeat, idle, listener, open, say, sealed, secret};
use crate::OnionAddress;
use crate::kernel::limits::Limits;
use crate::link::primitives::tests::weak_keys;
use crate::link::{Link, LinkEvent, LinkFault, LinkState};
use crate::property::cases;

#[test]
fn a_listener_that_is_not_the_one_meant_refuses_and_says_nothing() {
    let mut other = Link::accept(&secret(9), entropy(4));
    other.receive(&say(&mut dialer()));
    assert_eq!(other.event(), Err(LinkFault::Handshake));
    assert_eq!(other.event(), Err(LinkFault::Handshake));
    assert_eq!(other.transmit(), None);
    // Nor does the owner of the other key with the same X25519 key.
    let mut key = *secret(LISTENER).address().public_key();
    key[31] ^= 0x80;
    let twin = OnionAddress::from_public_key(key).unwrap();
    assert_eq!(twin.montgomery(), secret(LISTENER).address().montgomery());
    let mut dialer = Link::dial(&secret(DIALER), twin, entropy(3));
    dialer.connected();
    let mut listener = listener();
    listener.receive(&say(&mut dialer));
    assert_eq!(listener.event(), Err(LinkFault::Handshake));
}

#[test]
fn weak_ephemeral_keys_are_refused() {
    for key in weak_keys() {
        let message = [&[0, 48], &key[..], &[0; 16]].concat();
        for mut link in [dialer(), listener()] {
            link.receive(&message);
            assert_eq!(link.event(), Err(LinkFault::WeakKey));
        }
    }
}

/// A link at each state at which it waits for a message, and the lengths that can come there.
fn stages() -> [(Link, RangeInclusive<u16>); 5] {
    let mut replied = listener();
    hear(&mut replied, &say(&mut dialer()));
    let (one, other) = open();
    [
        (dialer(), 48..=48),
        (listener(), 48..=48),
        (replied, 160..=160),
        (one, 18..=65_534),
        (other, 18..=65_534),
    ]
}

#[test]
fn a_wrong_length_is_a_fault_before_its_message_comes() {
    for length in [
        0, 1, 17, 18, 19, 47, 48, 49, 50, 159, 160, 161, 1024, 65_533, 65_534, 65_535,
    ] {
        for (mut link, lengths) in stages() {
            link.receive(&u16::to_be_bytes(length)[..1]);
            assert_eq!(link.event(), Ok(None));
            link.receive(&u16::to_be_bytes(length)[1..]);
            let expected = if lengths.contains(&length) {
                Ok(None)
            } else {
                Err(LinkFault::Length(length))
            };
            assert_eq!(link.event(), expected);
        }
    }
}

#[test]
fn another_protocol_is_recognised() {
    for mut link in [dialer(), listener()] {
        link.receive(b"GET / HTTP/1.1\r\nHost: duckduckgogg42xjoc72x3sjasowoarfbgcmvfimaftt6twagswzczad.onion\r\n\r\n");
        assert_eq!(link.event(), Err(LinkFault::Length(u16::from_be_bytes(*b"GE"))));
    }
}

#[test]
fn bytes_beyond_a_message_that_needs_an_answer_are_early() {
    let call = say(&mut dialer());
    let mut link = listener();
    link.receive(&[&call[..], &[0]].concat());
    assert_eq!(link.event(), Err(LinkFault::Early));

    let mut link = listener();
    link.receive(&call);
    link.receive(&[0]);
    assert_eq!(link.event(), Err(LinkFault::Early));

    let mut replying = listener();
    hear(&mut replying, &call);
    let mut link = dialer();
    link.receive(&[say(&mut replying), vec![0]].concat());
    assert_eq!(link.event(), Err(LinkFault::Early));

    let mut link = Link::dial(&secret(DIALER), secret(LISTENER).address(), entropy(3));
    link.receive(&[0]);
    link.connected();
    assert_eq!((link.transmit(), link.event()), (None, Err(LinkFault::Early)));
}

#[test]
fn nothing_comes_of_part_of_a_message() {
    let (mut sender, _) = open();
    sender.send(&heartbeat());
    let record = say(&mut sender);
    for length in [1, 2, 17, 18, 100, 511] {
        let (_, mut link) = open();
        assert_eq!(hear(&mut link, &record[..length]), []);
        assert!(!idle(&link));
        assert_eq!(hear(&mut link, &record[length..]), [LinkEvent::Frame(heartbeat())]);
    }
}

#[test]
fn records_reflected_repeated_reordered_or_lost_are_refused() {
    let call = say(&mut dialer());
    let mut link = dialer();
    link.receive(&call);
    assert_eq!(link.event(), Err(LinkFault::Handshake));

    let records = |link: &mut Link| {
        [1, 2].map(|sequence| {
            link.send(&sealed(sequence, 10));
            say(link)
        })
    };
    let (mut one, mut other) = open();
    let [first, second] = records(&mut one);
    assert_eq!(hear(&mut other, &first), [LinkEvent::Frame(sealed(1, 10))]);
    other.receive(&first);
    assert_eq!(other.event(), Err(LinkFault::Cipher));
    one.receive(&first);
    assert_eq!(one.event(), Err(LinkFault::Cipher));
    let (_, mut other) = open();
    other.receive(&second);
    assert_eq!(other.event(), Err(LinkFault::Cipher));
    other.receive(&first);
    assert_eq!(other.event(), Err(LinkFault::Cipher));
}

#[test]
fn a_flood_that_nobody_reads_is_cut() {
    let (_, mut link) = open();
    let piece = vec![0x40; 1000];
    let mut sent = 0;
    while sent + piece.len() <= Limits::UNREAD_BYTES {
        link.receive(&piece);
        sent += piece.len();
    }
    assert!(!matches!(link.state, LinkState::Failed(_)));
    assert_eq!(link.incoming.len(), sent);
    link.receive(&piece);
    assert_eq!(link.incoming.len(), 0);
    link.receive(&piece);
    assert_eq!(link.incoming.len(), 0);
    assert_eq!(link.event(), Err(LinkFault::Flood));
}

#[test]
fn a_failed_link_takes_frames_to_nowhere() {
    let (mut link, _) = open();
    link.receive(&[0xff; 2]);
    assert_eq!(link.event(), Err(LinkFault::Length(u16::MAX)));
    link.send(&heartbeat());
    assert!(idle(&link));
}

proptest! {
    #![proptest_config(cases(96))]

    /// A changed bit in any message is found, or its record is never whole; nothing comes of it.
    #[test]
    fn a_changed_bit_is_found(message in 0..4_usize, bit: prop::sample::Index) {
        let spoil = |bytes: Vec<u8>, this: usize| {
            let mut bytes = bytes;
            if this == message {
                let bit = bit.index(bytes.len() * 8);
                bytes[bit / 8] ^= 1 << (bit % 8);
            }
            bytes
        };
        let (mut one, mut other) = (dialer(), listener());
        let mut heard = Vec::new();
        for this in 0..4 {
            let (from, to) = if this % 2 == 0 { (&mut one, &mut other) } else { (&mut other, &mut one) };
            if this == 3 {
                from.send(&heartbeat());
            }
            to.receive(&spoil(say(from), this));
            match to.event() {
                Ok(Some(event)) => heard.push(event),
                Ok(None) if this == 0 && message != 0 => {}
                Ok(None) | Err(_) => {
                    prop_assert_eq!(this, message);
                    break;
                }
            }
        }
        prop_assert_eq!(heard.len(), [0, 0, 1, 2][message]);
    }

    /// At every state a link survives any bytes, in any pieces, and holds few of them.
    #[test]
    fn any_bytes_are_survived(
        pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..400), 0..12),
        prefix in prop::option::of(prop_oneof![Just(48_u16), Just(160), 18..600_u16]),
    ) {
        for (mut link, _) in stages() {
            link.receive(&prefix.map(u16::to_be_bytes).into_iter().flatten().collect::<Vec<_>>());
            let (mut total, backlog) = (0, link.backlog());
            for piece in &pieces {
                link.receive(piece);
                total += piece.len() + 2;
                while let Ok(Some(event)) = link.event() {
                    prop_assert!(false, "an event out of noise: {event:?}");
                }
                prop_assert!(link.incoming.len() <= total.min(65_536));
                prop_assert_eq!(link.backlog(), backlog);
            }
        }
    }
}
