//! [`Identity`] of this node, and [`Invite`].

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// This node's identity.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Identity {
    /// This node's onion address.
    pub onion: String,
    /// The friend code, to be shared with friends.
    pub friend_code: String,
    /// The name that this node claims; may be empty.
    pub name: String,
    /// This node's Signal identity key, in hexadecimal.
    pub fingerprint: String,
}

/// A one-time invite: the first peer that presents it becomes a contact at once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Invite {
    /// This node's onion address.
    pub onion: String,
    /// A friend code with the invite in it.
    pub friend_code: String,
}

/// Parameters of `identity.rename`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SetName {
    /// The name that this node claims, at most 64 bytes; empty for none.
    pub name: String,
}
