//! Section 1: addresses, friend codes, the statement that binds an identity key to an onion key, safety numbers.

use bech32::{Bech32, Bech32m, Checksum, Hrp};
use curve25519_dalek::constants::EIGHT_TORSION;
use curve25519_dalek::edwards::CompressedEdwardsY;
use curve25519_dalek::montgomery::MontgomeryPoint;
use curve25519_dalek::scalar::clamp_integer;
use data_encoding::BASE32_NOPAD;
use ed25519_dalek::SigningKey;
use prost::Message;
use sha3::{Digest, Sha3_256};
use sotto_core::row::{Batch, Change, IdentityRow, Row};
use sotto_core::wire::link::Bundle;
use sotto_core::{Availability, Command, FriendCode, InviteToken, Limits, OnionAddress, Ratchet, Signal, Wall};

use super::json::{Json, hex, list, object};
use super::{ALICE, BOB, TestIdentity, reason};
use crate::memory_store::MemoryStore;
use crate::pair::{A, B, Pair};

/// The X25519 secret of an onion key, as [I-4] has it.
pub fn x25519_secret(onion_seed: &[u8; 32]) -> [u8; 32] {
    clamp_integer(SigningKey::from_bytes(onion_seed).to_scalar_bytes())
}

/// The X25519 public key of an onion key, as [I-4] has it.
pub fn x25519_public(address: &OnionAddress) -> [u8; 32] {
    let key = ed25519_dalek::VerifyingKey::from_bytes(address.public_key());
    key.expect("an address's key is a point").to_montgomery().to_bytes()
}

/// `addresses.json`.
pub fn addresses() -> Json {
    let known = [&ALICE, &BOB].map(|person| {
        let address = person.secret().address();
        object([
            ("onion_seed", hex(person.onion_seed)),
            ("onion_public_key", hex(address.public_key())),
            ("address", address.to_string().into()),
            ("x25519_secret", hex(x25519_secret(&person.onion_seed))),
            ("x25519_public_key", hex(x25519_public(&address))),
        ])
    });
    let also_read = |address: OnionAddress| {
        let text = address.to_string();
        [text.to_uppercase(), text.trim_end_matches(".onion").to_owned()]
            .map(|text| object([("text", text.into()), ("onion_public_key", hex(address.public_key()))]))
    };
    let key = *ALICE.secret().address().public_key();
    let text = ALICE.secret().address().to_string();
    let refused = [
        (String::new(), "empty"),
        ("duckduckgo.com".to_owned(), "no onion address"),
        ("expyuzz4wqqyqhjn.onion".to_owned(), "version 2"),
        (text[1..].to_owned(), "a letter is missing"),
        (format!("1{}", &text[1..]), "no base32 letter"),
        (typing_error(&text), "a letter is another"),
        (address_text(&key, 4), "version 4"),
        (address_text(&[0; 32], 3), "a key of low order"),
    ]
    .map(|(text, what)| refusal(text, what));
    object([
        (
            "about",
            "PROTOCOL.md 1. onion_seed is the ed25519 secret key (RFC 8032); the X25519 keys are those of [I-4]. \
             refused_keys are ed25519 public keys that [I-3] refuses. All bytes are hexadecimal."
                .into(),
        ),
        ("addresses", list(known)),
        ("also_read", list(also_read(ALICE.secret().address()))),
        ("refused", list(refused)),
        ("refused_keys", refused_keys(&key)),
    ])
}

/// `friend_codes.json`.
pub fn friend_codes() -> Json {
    let address = ALICE.secret().address();
    let invite = std::array::from_fn(|n| 0xf0 + u8::try_from(n).expect("16 bytes"));
    let code = |invite: Option<[u8; 16]>| {
        let code = FriendCode {
            address,
            invite: invite.map(InviteToken),
        };
        code.to_string()
    };
    let described = |text: String, invite: &[u8]| {
        object([
            ("text", text.into()),
            ("onion_public_key", hex(address.public_key())),
            ("invite", hex(invite)),
        ])
    };
    let codes = [described(code(None), &[]), described(code(Some(invite)), &invite)];
    let also_read = [
        described(code(None).to_uppercase(), &[]),
        described(address.to_string(), &[]),
    ];
    let key = address.public_key();
    let with = |version: u8, rest: &[u8]| encoded::<Bech32m>("sotto", &[&[version], rest].concat());
    let bare = code(None);
    let refused = [
        (String::new(), "empty"),
        ("bob".to_owned(), "a name"),
        ("sotto1".to_owned(), "nothing after the prefix"),
        (bare[..bare.len() - 1].to_owned(), "a letter is missing"),
        (typing_error(&bare), "a letter is another"),
        (bare.replace("sotto1", "Sotto1"), "two cases"),
        (
            encoded::<Bech32>("sotto", &[&[1], &key[..]].concat()),
            "Bech32, not Bech32m",
        ),
        (
            encoded::<Bech32m>("sotto1x", &[&[1], &key[..]].concat()),
            "prefix sotto1x",
        ),
        (encoded::<Bech32m>("sotto", &[]), "no version"),
        (with(2, key), "version 2"),
        (with(1, &key[1..]), "31 bytes of key"),
        (with(1, &[&key[..], &[0; 15]].concat()), "15 bytes of invite"),
        (with(1, &[&key[..], &[0; 17]].concat()), "17 bytes of invite"),
        (with(1, &[0; 32]), "a key of low order"),
        (typing_error(&address.to_string()), "a bare address with another letter"),
    ]
    .map(|(text, what)| refusal(text, what));
    object([
        (
            "about",
            "PROTOCOL.md [I-6]. invite is empty where the code has none. What is in also_read is accepted and never \
             written. The reasons: form (neither code nor address), checksum, version, length, key ([I-3])."
                .into(),
        ),
        ("codes", list(codes)),
        ("also_read", list(also_read)),
        ("refused", list(refused)),
    ])
}

/// `identity.json`.
pub fn identity() -> Json {
    let people = [("alice", &ALICE, &BOB), ("bob", &BOB, &ALICE)].map(|(name, person, other)| {
        let bundle = requested_by(person, other);
        let statement = [b"sotto identity v1", &bundle.identity_key[..]].concat();
        object([
            ("name", name.into()),
            ("onion_seed", hex(person.onion_seed)),
            ("onion_public_key", hex(person.secret().address().public_key())),
            ("identity_secret", hex(person.signal_secret)),
            ("identity_key", hex(&bundle.identity_key)),
            ("statement", hex(statement)),
            ("identity_signature", hex(&bundle.identity_signature)),
        ])
    });
    let number = |ours: &TestIdentity, theirs: &TestIdentity| {
        let [our_address, their_address] = [ours, theirs].map(|person| person.secret().address());
        let number = signal(ours).safety_number(&our_address, &their_address, signal(theirs).identity_key());
        number.expect("sound keys")
    };
    let (alices, bobs) = (number(&ALICE, &BOB), number(&BOB, &ALICE));
    assert_eq!(alices.digits, bobs.digits);
    let smaller = if ALICE.secret().address() < BOB.secret().address() {
        "alice"
    } else {
        "bob"
    };
    object([
        (
            "about",
            "PROTOCOL.md [I-5], [I-8], [I-9]. identity_key has libsignal's type byte 5 before the X25519 public key of \
             identity_secret. identity_signature is the ed25519 signature of the onion key over statement. The \
             scannable forms are libsignal's protobuf, as each of the two shows it."
                .into(),
        ),
        ("people", list(people)),
        ("smaller", smaller.into()),
        (
            "safety_number",
            object([
                ("digits", alices.digits.into()),
                ("scannable_alice", hex(alices.scannable)),
                ("scannable_bob", hex(bobs.scannable)),
            ]),
        ),
    ])
}

/// The bundle in the request of a node with these keys to another.
fn requested_by(person: &TestIdentity, other: &TestIdentity) -> Bundle {
    let limits = Limits::default();
    let mut pair = Pair::new([person, other].map(disk_of), 1, &limits);
    let code = FriendCode {
        address: other.secret().address(),
        invite: None,
    };
    let ask = Command::AddContact {
        code,
        petname: None,
        note: String::new(),
    };
    pair.command(A, ask).expect("a stranger can be asked");
    let request = pair.sides[B].store.rows().find_map(|row| match row {
        Row::Request(row) => Some(row.bundle.clone()),
        _ => None,
    });
    Bundle::decode(&request.expect("the other is reached")[..]).expect("core's own")
}

fn disk_of(person: &TestIdentity) -> MemoryStore {
    let row = IdentityRow {
        onion_seed: person.onion_seed,
        signal_identity: key_pair(person),
        registration_id: 1,
        name: String::new(),
        created_at: Wall(0),
        availability: Availability::default(),
        default_timer: 0,
    };
    let mut disk = MemoryStore::default();
    disk.apply(Batch {
        changes: vec![Change::Put(Row::Identity(row))],
    });
    disk
}

fn signal(person: &TestIdentity) -> Signal {
    Signal::open(&key_pair(person), 1).expect("a sound key pair")
}

/// libsignal's serialisation of an identity key pair: a protobuf of public (1) and private key (2).
fn key_pair(person: &TestIdentity) -> Vec<u8> {
    let secret = clamp_integer(person.signal_secret);
    let public = MontgomeryPoint::mul_base_clamped(secret).to_bytes();
    [&[0x0a, 33, 5], &public[..], &[0x12, 32], &secret[..]].concat()
}

fn refusal(text: String, what: &'static str) -> Json {
    let why = text.parse::<FriendCode>().expect_err(what);
    object([
        ("text", text.into()),
        ("what", what.into()),
        ("reason", reason(why).into()),
    ])
}

fn refused_keys(key: &[u8; 32]) -> Json {
    let point = CompressedEdwardsY(*key).decompress().expect("a point");
    let mut keys = vec![([0xff; 32], "not below 2^255 - 19")];
    let mut off_curve = [0; 32];
    off_curve[0] = 2;
    keys.push((off_curve, "no point of the curve"));
    let mut second_form = [0xff; 32];
    (second_form[0], second_form[31]) = (0xee, 0x7f);
    keys.push((second_form, "the neutral element, not below 2^255 - 19"));
    for (n, torsion) in EIGHT_TORSION.iter().enumerate() {
        let low = if n == 0 { "the neutral element" } else { "low order" };
        keys.push((torsion.compress().0, low));
        if n > 0 {
            keys.push(((point + torsion).compress().0, "outside the prime-order subgroup"));
        }
    }
    list(
        keys.into_iter()
            .map(|(key, what)| object([("onion_public_key", hex(key)), ("what", what.into())])),
    )
}

/// The text with its tenth letter replaced.
fn typing_error(text: &str) -> String {
    let other = if &text[9..10] == "q" { "p" } else { "q" };
    format!("{}{other}{}", &text[..9], &text[10..])
}

fn encoded<C: Checksum>(prefix: &str, bytes: &[u8]) -> String {
    bech32::encode::<C>(Hrp::parse(prefix).expect("a prefix"), bytes).expect("short enough")
}

fn address_text(key: &[u8; 32], version: u8) -> String {
    let digest = Sha3_256::digest([b".onion checksum", &key[..], &[version]].concat());
    let bytes = [&key[..], &digest[..2], &[version]].concat();
    format!("{}.onion", BASE32_NOPAD.encode(&bytes).to_lowercase())
}
