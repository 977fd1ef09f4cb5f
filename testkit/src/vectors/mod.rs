//! Golden vectors: the protocol's bytes, for authors of other implementations and as a guard against unnoticed changes of ours. They
//! are made here from fixed keys through core's public interface and committed in `testkit/vectors/`. `tests/vectors.rs` compares the
//! two, and checks core against the statements of the files.
//!
//! They contain no libsignal ciphertext: those are specified by libsignal and contain its randomness.

mod contents;
mod frames;
pub mod handshake;
pub mod identity;
mod json;
mod records;

use sotto_core::{NotAFriendCode, NotAnAddress, OnionSecret};

pub use self::json::Json;

/// An identity of the vectors.
pub struct TestIdentity {
    /// The ed25519 secret key.
    pub onion_seed: [u8; 32],
    /// The Signal identity's secret key.
    pub signal_secret: [u8; 32],
}

/// The dialer of the handshake.
pub const ALICE: TestIdentity = TestIdentity {
    onion_seed: [0xa1; 32],
    signal_secret: [0xa2; 32],
};

/// The listener of the handshake.
pub const BOB: TestIdentity = TestIdentity {
    onion_seed: [0xb1; 32],
    signal_secret: [0xb2; 32],
};

impl TestIdentity {
    /// The onion key.
    pub fn secret(&self) -> OnionSecret {
        OnionSecret::from_seed(&self.onion_seed)
    }
}

/// Every file: its name and its content.
pub fn files() -> Vec<(&'static str, String)> {
    let files = [
        ("addresses.json", identity::addresses()),
        ("friend_codes.json", identity::friend_codes()),
        ("identity.json", identity::identity()),
        ("handshake.json", handshake::handshake()),
        ("records.json", records::records()),
        ("frames.json", frames::frames()),
        ("contents.json", contents::contents()),
    ];
    files.map(|(name, json)| (name, json.to_text())).into()
}

/// The word in the files for a reason to refuse a friend code.
pub fn reason(why: NotAFriendCode) -> &'static str {
    match why {
        NotAFriendCode::Form | NotAFriendCode::Address(NotAnAddress::Form) => "form",
        NotAFriendCode::Checksum | NotAFriendCode::Address(NotAnAddress::Checksum) => "checksum",
        NotAFriendCode::Version(_) | NotAFriendCode::Address(NotAnAddress::Version(_)) => "version",
        NotAFriendCode::Length => "length",
        NotAFriendCode::Address(NotAnAddress::Key) => "key",
    }
}
