//! Frames of an authenticated peer that is no contact: any frames in any order, over one link after the other, with correct Hellos
//! and requests among them. The peer can send a request and nothing else.

use prost::Message;
use sotto_core::row::{Key, Relationship, Row};
use sotto_core::wire::link::{self, Frame, Hello, frame::Body};
use sotto_core::{Command, Millis};
use sotto_testkit::pair::A;

use crate::input::{Input, piece};
use crate::scene::{TransparentPeer, check_unaffected, friends, keys};

pub(crate) fn run(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let mut pair = friends();
    let before = keys(&pair.sides[A].store);
    let mut peer = TransparentPeer::new(&pair, 9);
    while !input.is_empty() {
        if !peer.is_connected() {
            peer.dial(&mut pair, 0);
        }
        match input.byte() % 8 {
            0 => {
                let relationship = link::Relationship::try_from(i32::from(input.byte()) % 5).unwrap_or_default();
                let hello = peer.hello(relationship);
                peer.send(&mut pair, hello);
            }
            1 => {
                let mut request = peer.request();
                meddle(&mut request, &mut input);
                peer.send(&mut pair, Body::Request(request));
            }
            2 => peer.hang_up(&mut pair),
            3 => pair.pass(Millis::seconds(input.number() as u64)),
            4 => peer.write(&mut pair, input.piece().to_vec()),
            _ => {
                if let Ok(Frame { body: Some(body) }) = Frame::decode(input.piece()) {
                    peer.send(&mut pair, body);
                }
            }
        }
    }
    let contact = peer.address();
    let added: Vec<Key> = keys(&pair.sides[A].store).difference(&before).cloned().collect();
    for key in &added {
        let allowed = matches!(key, Key::Contact(who) | Key::Request(who) if *who == contact);
        assert!(allowed || matches!(key, Key::Event(_)), "a stranger has left {key:?}");
    }
    if let Some(Row::Contact(row)) = pair.sides[A].store.row(&Key::Contact(contact)) {
        assert_eq!(row.relationship, Relationship::Asking);
        assert!(row.claimed_name.len() <= 64 && row.note.is_empty() && row.identity_key.is_none());
    }
    if let Some(Row::Request(row)) = pair.sides[A].store.row(&Key::Request(contact)) {
        assert!(row.note.len() <= 500);
    }
    // A reject needs a request.
    let reject = pair.command(A, Command::RejectContact(contact));
    assert_eq!(reject.is_ok(), added.contains(&Key::Request(contact)));
    peer.hang_up(&mut pair);
    check_unaffected(&mut pair, 0);
}

/// A correct request with one change.
fn meddle(request: &mut link::Request, input: &mut Input<'_>) {
    let Some(bundle) = &mut request.bundle else { return };
    let (place, bits) = (input.long(), input.byte());
    let flip = |bytes: &mut Vec<u8>| {
        let length = bytes.len().max(1);
        if let Some(byte) = bytes.get_mut(place % length) {
            *byte ^= bits;
        }
    };
    match input.byte() % 16 {
        0 => flip(&mut bundle.identity_key),
        1 => flip(&mut bundle.identity_signature),
        2 => flip(&mut bundle.signed_prekey),
        3 => flip(&mut bundle.signed_prekey_signature),
        4 => flip(&mut bundle.kyber_prekey),
        5 => flip(&mut bundle.one_time_prekey),
        6 => bundle.registration_id = u32::from(bits) << 8,
        7 => bundle.signed_prekey_id = u32::from(bits) << 20,
        8 => request.session_epoch = u64::from(bits) << 56 | place as u64,
        9 => request.bundle = None,
        10 => request.name = "n".repeat(place % 200),
        11 => request.note = "n".repeat(place % 2000),
        12 => request.invite = vec![bits; place % 32],
        _ => {}
    }
}

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let frame = |body: Body| {
        let frame = Frame { body: Some(body) }.encode_to_vec();
        [&[5][..], &piece(&frame)].concat()
    };
    let (greeting, request) = ([0, 1], [1, 0, 0, 0, 15]);
    let sealed = link::Ciphertext {
        session_epoch: 7,
        sequence: 1,
        ciphertext: vec![2; 40],
    };
    let mut seeds = vec![
        greeting.to_vec(),
        [&greeting[..], &request].concat(),
        [&greeting[..], &request, &[2], &greeting, &request].concat(),
        [&greeting[..], &frame(Body::Ciphertext(sealed))].concat(),
        [
            &greeting[..],
            &frame(Body::RequestStatus(link::RequestStatus {
                relationship: 4,
                request: 0,
            })),
        ]
        .concat(),
        [&greeting[..], &frame(Body::PreKeyOffer(link::PreKeyOffer::default()))].concat(),
        [
            &greeting[..],
            &frame(Body::Heartbeat(link::Heartbeat { reply: true })).repeat(30),
        ]
        .concat(),
        frame(Body::Hello(Hello {
            version_min: 2,
            version_max: 3,
            ..Hello::default()
        })),
        [&greeting[..], &[4], &piece(&[2, 0, 1, 2, 3])].concat(),
    ];
    seeds.extend((0..13).map(|field| [&greeting[..], &[1, 0, 9, 0x81, field]].concat()));
    seeds
}
