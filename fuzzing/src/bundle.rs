//! Bytes in place of a peer's prekey bundle. A session begins only with keys that their owner has signed, and with no weak key. If
//! nothing was changed, the owner decrypts what is encrypted with it.

use prost::Message as _;
use sotto_core::wire::link::Bundle;
use sotto_core::{Entropy, Ratchet, Signal};

use crate::input::{Input, piece};
use crate::signal::{Friendship, NOW};

thread_local! {
    static FRIENDS: Friendship = Friendship::new();
}

pub(crate) fn run(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    FRIENDS.with(|friends| {
        if input.even() {
            if let Ok(bundle) = Bundle::decode(input.piece()) {
                check(&bundle, friends);
            }
            return;
        }
        let mut bundle = friends.bundle.clone();
        for _ in 0..4 {
            if !input.is_empty() {
                alter(&mut bundle, &mut input);
            }
        }
        check(&bundle, friends);
    });
}

fn check(bundle: &Bundle, friends: &Friendship) {
    let entropy = &mut Entropy::from_seed([3; 32]);
    let (opener, offerer) = (&friends.opener, &friends.offerer);
    let (a, b) = (&opener.address, &offerer.address);
    let session = match opener.ratchet.initiate(b, bundle, NOW, entropy) {
        Ok(session) => session,
        Err(fault) => {
            assert_ne!(bundle, &friends.bundle, "a valid bundle is refused: {fault}");
            return;
        }
    };
    let signed = |bundle: &Bundle| {
        let Bundle {
            identity_key,
            signed_prekey,
            kyber_prekey,
            ..
        } = bundle.clone();
        (identity_key, signed_prekey, kyber_prekey)
    };
    assert_eq!(signed(bundle), signed(&friends.bundle), "keys without a signature");
    assert_ne!(bundle.one_time_prekey[1..], [0; 32], "a weak key");

    let session = Signal::decode(&Signal::encode(&session)).expect("a stored session is readable");
    let sealed = opener
        .ratchet
        .encrypt(b, session, b"first", NOW, entropy)
        .expect("the session encrypts");
    let opened = offerer.ratchet.accept(a, &friends.secrets, &sealed.ciphertext, entropy);
    let same = Bundle {
        signed_prekey_signature: friends.bundle.signed_prekey_signature.clone(),
        kyber_prekey_signature: friends.bundle.kyber_prekey_signature.clone(),
        identity_signature: friends.bundle.identity_signature.clone(),
        // Not part of the first message of a session.
        registration_id: friends.bundle.registration_id,
        ..bundle.clone()
    };
    assert_eq!(opened.is_ok(), same == friends.bundle, "{:?}", opened.err());
}

fn alter(bundle: &mut Bundle, input: &mut Input<'_>) {
    let field = input.byte() % 12;
    let number = u32::from_be_bytes(input.array());
    let bytes = match field {
        0 => return bundle.registration_id = number,
        1 => return bundle.signed_prekey_id = number,
        2 => return bundle.kyber_prekey_id = number,
        3 => return bundle.one_time_prekey_id = number,
        4 => &mut bundle.identity_key,
        5 => &mut bundle.identity_signature,
        6 => &mut bundle.signed_prekey,
        7 => &mut bundle.signed_prekey_signature,
        8 => &mut bundle.kyber_prekey,
        9 => &mut bundle.kyber_prekey_signature,
        _ => &mut bundle.one_time_prekey,
    };
    let place = number as usize & 0x7fff;
    if number >> 31 == 1 {
        *bytes = input.piece().to_vec();
    } else if number >> 30 == 1 {
        bytes.truncate(place);
    } else {
        let length = bytes.len().max(1);
        if let Some(byte) = bytes.get_mut(place % length) {
            *byte ^= input.byte();
        }
    }
}

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let bundle = FRIENDS.with(|friends| friends.bundle.encode_to_vec());
    let mut seeds = vec![[&[0][..], &piece(&bundle)].concat(), vec![1]];
    // Each field: another number or bit, truncated, empty; a key of low order.
    for field in 0..11 {
        seeds.push(vec![1, field, 0, 0, 0, 7, 1]);
        seeds.push(vec![1, field, 0x40, 0, 0, 9]);
        seeds.push(vec![1, field, 0x80, 0, 0, 0, 0, 0]);
    }
    let weak = [&[5][..], &[0; 32]].concat();
    for field in [4, 6, 10] {
        seeds.push([&[1, field, 0x80, 0, 0, 0][..], &piece(&weak)].concat());
    }
    seeds
}
