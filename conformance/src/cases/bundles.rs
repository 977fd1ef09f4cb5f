//! Section 5.3: bundles, the target's own and those that it must refuse.

use curve25519_dalek::edwards::EdwardsPoint;
use curve25519_dalek::{Scalar, constants};
use sotto_core::wire::link::{Bundle, Hello, Relationship, frame::Body};

use super::case;
use crate::Case;
use crate::fixture::{Fixture, KeyOrder};
use crate::malformed_keys::malleated_signature;
use crate::report::Failure;
use crate::test_peer::is_identity_signed;

pub const CASES: &[Case] = &[
    case!(
        "S-1.1",
        Larger,
        "offers a bundle with every field in range and a signed identity",
        own_bundle
    ),
    case!(
        "S-1.2",
        Larger,
        "refuses a bundle in which any field is missing",
        missing_field
    ),
    case!(
        "S-3.1",
        Larger,
        "steps from session epoch to session epoch by 1 plus a random number below 2^32",
        steps
    ),
    case!(
        "S-4.1",
        Larger,
        "refuses a bundle whose identity the onion key did not sign",
        unvouched
    ),
    case!(
        "S-4.2",
        Larger,
        "refuses registration ids of more than 14 bits",
        registration_id
    ),
    case!("S-4.3", Larger, "refuses prekey ids of more than 24 bits", prekey_ids),
    case!(
        "S-4.4",
        Larger,
        "refuses prekeys that are short, of small order, of mixed order, or not canonical",
        bad_keys
    ),
    case!(
        "S-4.5",
        Larger,
        "refuses prekeys that the identity key did not sign",
        unsigned
    ),
    case!(
        "I-5.1",
        Larger,
        "refuses a malleated signature of the onion key",
        loose_signature
    ),
];

const STEP: u64 = 1 << 32;

fn own_bundle(fixture: &mut Fixture<'_>) -> Result<(), Failure> {
    let (connector, friend) = fixture.friend(KeyOrder::Larger)?;
    friend.session = None;
    let (mut link, _) = connector.exchange_hello(friend, Relationship::Friend)?;
    let (session_epoch, bundle) = link.expect_offer("PreKeyOffer to a friend without a session")?;
    let ids = [
        bundle.signed_prekey_id,
        bundle.kyber_prekey_id,
        bundle.one_time_prekey_id,
    ];
    let right = [
        (
            "a session epoch of at most 2^62",
            (1..=1 << 62).contains(&session_epoch),
        ),
        (
            "a registration id of 14 bits",
            (1..1 << 14).contains(&bundle.registration_id),
        ),
        ("prekey ids of 24 bits", ids.iter().all(|id| (1..1 << 24).contains(id))),
        ("an identity key of 33 bytes", bundle.identity_key.len() == 33),
        (
            "the onion key's signature of the identity key",
            is_identity_signed(&connector.address, &bundle.identity_key, &bundle.identity_signature),
        ),
    ];
    for (what, right) in right {
        if !right {
            return Err(Failure::new(what, format!("session epoch {session_epoch}, {bundle:?}")));
        }
    }
    // libsignal verifies the rest.
    let opened = friend.initiate_session(session_epoch, &bundle);
    friend.session = None;
    opened
}

/// A description of a fault in a bundle and the change that makes it.
type Wrong<'w> = (&'w str, fn(&mut Bundle));

/// Sends bundles that the target must refuse. The session in use stays.
fn refused(fixture: &mut Fixture<'_>, wrong: &[Wrong<'_>]) -> Result<(), Failure> {
    let (connector, friend) = fixture.friend(KeyOrder::Larger)?;
    for (what, spoil) in wrong {
        let mut link = connector.session_link(friend)?;
        let mut request = friend.request(&[]);
        friend.offer = None;
        spoil(request.bundle.get_or_insert_default());
        let session_epoch = request.session_epoch;
        link.send(Body::Request(request));
        link.expect_end(&format!("a bundle with {what}"))?;
        let consent = |body: &Body| matches!(body, Body::Ciphertext(sealed) if sealed.session_epoch == session_epoch);
        link.expect_none("consent to it", consent)?;
    }
    let mut link = connector.session_link(friend)?;
    let timer = friend.encrypt_timer();
    link.deliver(friend, timer)
}

fn missing_field(fixture: &mut Fixture<'_>) -> Result<(), Failure> {
    refused(
        fixture,
        &[
            ("no registration id", |bundle| bundle.registration_id = 0),
            ("no identity key", |bundle| bundle.identity_key.clear()),
            ("no identity signature", |bundle| bundle.identity_signature.clear()),
            ("no signed prekey id", |bundle| bundle.signed_prekey_id = 0),
            ("no signed prekey", |bundle| bundle.signed_prekey.clear()),
            ("no signature of the signed prekey", |bundle| {
                bundle.signed_prekey_signature.clear();
            }),
            ("no Kyber prekey id", |bundle| bundle.kyber_prekey_id = 0),
            ("no Kyber prekey", |bundle| bundle.kyber_prekey.clear()),
            ("no signature of the Kyber prekey", |bundle| {
                bundle.kyber_prekey_signature.clear();
            }),
            ("no one-time prekey id", |bundle| bundle.one_time_prekey_id = 0),
            ("no one-time prekey", |bundle| bundle.one_time_prekey.clear()),
        ],
    )
}

fn steps(fixture: &mut Fixture<'_>) -> Result<(), Failure> {
    let (connector, friend) = fixture.friend(KeyOrder::Larger)?;
    friend.session = None;
    let mut taken = Vec::new();
    let mut known = 1 << 61;
    for _ in 0..3 {
        // Above every session epoch that the target knows of us, so that each offer is new.
        known += 4 * STEP;
        let hello = Hello {
            offered: known,
            ..friend.hello(Relationship::Friend)
        };
        let (mut link, _) = connector.exchange_hello_with(friend, hello)?;
        let (session_epoch, _) = link.expect_offer("PreKeyOffer above a Hello's `offered`")?;
        if session_epoch <= known || session_epoch > known + STEP {
            let expected = format!("a session epoch of {known} and up to 2^32 more");
            return Err(Failure::new(expected, session_epoch.to_string()));
        }
        taken.push(session_epoch - known);
    }
    taken.sort_unstable();
    taken.dedup();
    if taken.len() == 3 {
        Ok(())
    } else {
        Err(Failure::new("three random steps", format!("{taken:?}")))
    }
}

fn unvouched(fixture: &mut Fixture<'_>) -> Result<(), Failure> {
    refused(
        fixture,
        &[("a changed identity signature", |bundle| {
            bundle.identity_signature[0] ^= 1;
        })],
    )
}

fn registration_id(fixture: &mut Fixture<'_>) -> Result<(), Failure> {
    refused(
        fixture,
        &[("registration id 16384", |bundle| bundle.registration_id = 1 << 14)],
    )
}

fn prekey_ids(fixture: &mut Fixture<'_>) -> Result<(), Failure> {
    refused(
        fixture,
        &[
            ("signed prekey id 2^24", |bundle| bundle.signed_prekey_id = 1 << 24),
            ("Kyber prekey id 2^24", |bundle| bundle.kyber_prekey_id = 1 << 24),
            ("one-time prekey id 2^24", |bundle| bundle.one_time_prekey_id = 1 << 24),
        ],
    )
}

/// The one-time prekey has no signature, so that nothing else is wrong.
fn bad_keys(fixture: &mut Fixture<'_>) -> Result<(), Failure> {
    refused(
        fixture,
        &[
            ("a one-time prekey of 32 bytes", |bundle| {
                _ = bundle.one_time_prekey.pop();
            }),
            ("a one-time prekey of another type", |bundle| {
                bundle.one_time_prekey[0] = 6;
            }),
            ("a one-time prekey of small order", |bundle| {
                bundle.one_time_prekey[1..].fill(0);
            }),
            ("a one-time prekey with its highest bit set", |bundle| {
                bundle.one_time_prekey[32] |= 0x80;
            }),
            ("a one-time prekey of mixed order", |bundle| {
                let mixed = EdwardsPoint::mul_base(&Scalar::from(8_u8)) + constants::EIGHT_TORSION[1];
                bundle.one_time_prekey[1..].copy_from_slice(&mixed.to_montgomery().to_bytes());
            }),
        ],
    )
}

fn unsigned(fixture: &mut Fixture<'_>) -> Result<(), Failure> {
    refused(
        fixture,
        &[
            ("another signed prekey", |bundle| {
                bundle.signed_prekey = bundle.one_time_prekey.clone();
            }),
            ("a changed signature of the signed prekey", |bundle| {
                bundle.signed_prekey_signature[20] ^= 1;
            }),
            ("a changed signature of the Kyber prekey", |bundle| {
                bundle.kyber_prekey_signature[20] ^= 1;
            }),
        ],
    )
}

fn loose_signature(fixture: &mut Fixture<'_>) -> Result<(), Failure> {
    refused(
        fixture,
        &[("an identity signature whose S is not below the order", |bundle| {
            bundle.identity_signature = malleated_signature(&bundle.identity_signature);
        })],
    )
}
