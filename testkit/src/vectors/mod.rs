//! Golden vectors: what the protocol's bytes are, for whoever writes another implementation, and so that no change of ours
//! changes them unnoticed. They are made here from fixed keys through core's public interface, and committed in
//! `testkit/vectors/`; `tests/vectors.rs` compares the two, and holds core against what the files say of it.
//!
//! Nothing in them is a libsignal ciphertext: those are libsignal's affair, and have its randomness in them.

mod contents;
mod frames;
pub mod handshake;
pub mod identity;
mod json;
mod records;

use sotto_core::{NotAFriendCode, NotAnAddress, OnionSecret};

pub use self::json::Json;

/// A person of the vectors.
pub struct Person {
    /// The ed25519 secret key.
    pub onion_seed: [u8; 32],
    /// The Signal identity's secret key.
    pub signal_secret: [u8; 32],
}

/// The dialer of the handshake.
pub const ALICE: Person = Person {
    onion_seed: [0xa1; 32],
    signal_secret: [0xa2; 32],
};

/// The listener of the handshake.
pub const BOB: Person = Person {
    onion_seed: [0xb1; 32],
    signal_secret: [0xb2; 32],
};

impl Person {
    /// The onion key.
    pub fn secret(&self) -> OnionSecret {
        OnionSecret::from_seed(&self.onion_seed)
    }
}

/// Every file: its name and what is in it.
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

/// The word that the files have for why a friend code is refused.
pub fn reason(why: NotAFriendCode) -> &'static str {
    match why {
        NotAFriendCode::Form | NotAFriendCode::Address(NotAnAddress::Form) => "form",
        NotAFriendCode::Checksum | NotAFriendCode::Address(NotAnAddress::Checksum) => "checksum",
        NotAFriendCode::Version(_) | NotAFriendCode::Address(NotAnAddress::Version(_)) => "version",
        NotAFriendCode::Length => "length",
        NotAFriendCode::Address(NotAnAddress::Key) => "key",
    }
}
