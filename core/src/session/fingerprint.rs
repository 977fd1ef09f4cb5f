//! Safety numbers: what two people compare to know that no third party sits between them.

use libsignal_protocol::{Fingerprint, IdentityKey};

use crate::{OnionAddress, SafetyNumber};

/// Signal's own numbers: the version in the scannable form, and how often each half is hashed.
const VERSION: u32 = 2;
const ITERATIONS: u32 = 5200;

/// Each half stands for one side, an onion key with its Signal identity key. The digits put the smaller half first, so
/// both sides show the same; the scannable form puts the scanned side first.
pub(super) fn safety_number(
    (ours, our_key): (&OnionAddress, &IdentityKey),
    (peer, their_key): (&OnionAddress, &IdentityKey),
) -> SafetyNumber {
    let number = Fingerprint::new(
        VERSION,
        ITERATIONS,
        ours.public_key(),
        our_key,
        peer.public_key(),
        their_key,
    )
    .expect("the iterations are in libsignal's range");
    SafetyNumber {
        digits: number.display.to_string(),
        scannable: number.scannable.serialize().expect("encoding to memory"),
    }
}
