//! Frames of a contact that violates the protocol: any frames, ciphertexts that are altered, repeated, left out or renumbered, links
//! that come and go. The node's other contact is not affected, texts sent in order are accepted once, and after the removal of the
//! contact none of its rows is left.

use prost::Message as _;
use sotto_core::row::Key;
use sotto_core::wire::content::{Content, Text, content::Kind};
use sotto_core::wire::link::{self, Ack, Ciphertext, Frame, frame::Body};
use sotto_core::{Command, ContactObstacle, Millis, OnionAddress, Refusal};
use sotto_testkit::pair::A;

use crate::input::{Input, piece};
use crate::scene::{Scene, TransparentPeer, check_unaffected, friends, new_message};

/// The number of the texts that are altered.
const ALTERED: u8 = 200;

pub(crate) fn run(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let mut pair = friends();
    let mut peer = TransparentPeer::new(&pair, 9);
    peer.befriend(&mut pair, 0);
    let mut friend = Friend {
        peer,
        sent: Vec::new(),
        texts: 0,
    };
    while !input.is_empty() {
        let action = input.byte() % 12;
        if !friend.peer.is_connected() {
            friend.peer.dial(&mut pair, 0);
            let greeting = friend.peer.hello(link::Relationship::Friend);
            if action != 0 {
                friend.peer.send(&mut pair, greeting);
            }
        }
        friend.act(action, &mut pair, &mut input);
        friend.peer.exchange(&mut pair);
    }
    check_texts(&pair, friend.peer.address());
    friend.peer.hang_up(&mut pair);
    check_removed(&mut pair, friend.peer.address());
    check_unaffected(&mut pair, 0);
}

/// The friend, and what it has sent.
struct Friend {
    peer: TransparentPeer,
    sent: Vec<Ciphertext>,
    texts: u8,
}

impl Friend {
    fn act(&mut self, action: u8, pair: &mut Scene, input: &mut Input<'_>) {
        let Self { peer, sent, texts } = self;
        match action {
            0 => {
                let relationship = link::Relationship::try_from(i32::from(input.byte()) % 5).unwrap_or_default();
                let greeting = peer.hello(relationship);
                peer.send(pair, greeting);
            }
            1 if *texts < ALTERED - 1 => {
                *texts += 1;
                let sealed = text(peer, pair, *texts);
                sent.push(sealed.clone());
                peer.send(pair, Body::Ciphertext(sealed));
            }
            2 => {
                let sealed = text(peer, pair, ALTERED);
                let altered = altered(&sealed, input);
                peer.send(pair, Body::Ciphertext(altered));
            }
            // A repeated ciphertext.
            3 => {
                if let Some(sealed) = sent.get(input.number() % sent.len().max(1)) {
                    peer.send(pair, Body::Ciphertext(sealed.clone()));
                }
            }
            // A ciphertext that is not sent.
            4 => drop(text(peer, pair, ALTERED)),
            5 => {
                let sealed = peer.encrypt(pair, input.piece());
                sent.push(sealed.clone());
                peer.send(pair, Body::Ciphertext(sealed));
            }
            6 => peer.hang_up(pair),
            7 => pair.pass(Millis::seconds(input.long() as u64)),
            8 => write_to(peer.address(), pair),
            9 => {
                let ack = Ack {
                    session_epoch: peer.session_epoch().wrapping_add(u64::from(input.byte() % 2)),
                    received: u64::from(input.byte()),
                };
                peer.send(pair, Body::Ack(ack));
            }
            10 => peer.write(pair, input.piece().to_vec()),
            _ => {
                if let Ok(Frame { body: Some(body) }) = Frame::decode(input.piece()) {
                    peer.send(pair, body);
                }
            }
        }
    }
}

/// The node under test writes to the friend.
fn write_to(friend: OnionAddress, pair: &mut Scene) {
    match pair.command(A, Command::Send(new_message(friend, "for the hostile peer"))) {
        // Refused if the peer's Hello has said so.
        Ok(_)
        | Err(Refusal::WrongRelationship {
            obstacle: ContactObstacle::RemovedByPeer,
            ..
        }) => {}
        Err(refusal) => panic!("not queued: {refusal:?}"),
    }
}

/// The texts are in order, each once.
fn check_texts(pair: &Scene, friend: OnionAddress) {
    let conversation = pair.sides[A].store.conversation(friend).into_iter();
    let mut numbers: Vec<u8> = conversation
        .filter(|row| row.key.is_from_peer() && row.text.starts_with("text ") && row.key.id.0[0] < ALTERED)
        .map(|row| row.key.id.0[0])
        .collect();
    assert!(numbers.is_sorted(), "out of order: {numbers:?}");
    let taken = numbers.len();
    numbers.dedup();
    assert_eq!(numbers.len(), taken, "accepted twice");
}

/// Nothing is left of a friend that is removed.
fn check_removed(pair: &mut Scene, friend: OnionAddress) {
    pair.command(A, Command::RemoveContact(friend)).expect("removed");
    let disk = &pair.sides[A].store;
    for key in [Key::Session(friend), Key::PreKeyOffer(friend), Key::Request(friend)] {
        assert!(disk.row(&key).is_none(), "{key:?} is left");
    }
    assert_eq!(disk.waiting(friend), 0);
}

fn text(peer: &mut TransparentPeer, pair: &Scene, number: u8) -> Ciphertext {
    let content = Content {
        id: vec![number; 16],
        sent_at: 1,
        kind: Some(Kind::Text(Text {
            text: format!("text {number}"),
            ..Text::default()
        })),
        ..Content::default()
    };
    peer.encrypt(pair, &content.encode_to_vec())
}

fn altered(sealed: &Ciphertext, input: &mut Input<'_>) -> Ciphertext {
    let mut altered = sealed.clone();
    let (place, bits) = (input.long(), input.byte());
    match input.byte() % 5 {
        0 => {
            let place = place % altered.ciphertext.len();
            altered.ciphertext[place] ^= bits;
        }
        1 => altered.ciphertext.truncate(place),
        2 => altered.sequence = altered.sequence.wrapping_add(u64::from(bits) << (place % 64)),
        3 => altered.session_epoch = altered.session_epoch.wrapping_sub(u64::from(bits)),
        _ => altered.ciphertext.extend_from_slice(input.piece()),
    }
    altered
}

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let frame = |body: Body| {
        let frame = Frame { body: Some(body) }.encode_to_vec();
        [&[11][..], &piece(&frame)].concat()
    };
    vec![
        vec![1],
        vec![1, 1, 3, 0, 1],
        // A changed bit, a shorter ciphertext, another number, another session epoch, more bytes; and the next ciphertext.
        vec![1, 2, 0, 9, 1, 0, 1],
        vec![1, 2, 0, 9, 1, 1, 1],
        vec![1, 2, 0, 0, 1, 2, 1],
        vec![2, 0, 9, 1, 3, 1],
        vec![1, 2, 0, 0, 0, 4, 0, 2, 1, 2, 7, 0, 60, 1],
        vec![1, 4, 1, 1],
        vec![8, 9, 0, 1, 8, 9, 0, 9, 8, 7, 14, 16],
        vec![6, 0, 2, 1, 6, 0, 4, 1, 0, 4],
        [&[5][..], &piece(b"no content"), &[1]].concat(),
        [&[10][..], &piece(&[2, 0, 7, 7, 7]), &[1]].concat(),
        [&frame(Body::PreKeyOffer(link::PreKeyOffer::default()))[..], &[1]].concat(),
        [&frame(Body::Request(link::Request::default()))[..], &[1]].concat(),
        frame(Body::Typing(link::Typing { typing: true })).repeat(30),
        frame(Body::Presence(link::Presence { availability: 2 })),
        frame(Body::Heartbeat(link::Heartbeat { reply: true })),
        frame(Body::RequestStatus(link::RequestStatus {
            relationship: 3,
            request: 0,
        })),
    ]
}
