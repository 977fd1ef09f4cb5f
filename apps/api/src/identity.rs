//! Who we are.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// This node's identity.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Identity {
    /// Our onion address.
    pub onion: String,
    /// What to give to friends.
    pub friend_code: String,
    /// The name that we claim; may be empty.
    pub name: String,
    /// Our Signal identity key, in hexadecimal.
    pub fingerprint: String,
}

/// A one-time invite: whoever brings it first is a contact at once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Invite {
    /// Our onion address.
    pub onion: String,
    /// A friend code with the invite in it.
    pub friend_code: String,
}

/// Parameters of `identity.rename`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SetName {
    /// The name that we claim towards others (at most 64 bytes); empty for none.
    pub name: String,
}
