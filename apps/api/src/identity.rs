//! [`Identity`] of this node, [`Invite`] and [`UnusedInvite`].

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Time;

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

/// An invite that was made, and neither used nor revoked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct UnusedInvite {
    /// The friend code with the invite in it.
    pub friend_code: String,
    /// When it was made.
    pub created_at: Time,
}

/// The unused invites, the oldest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Invites {
    /// The invites.
    pub invites: Vec<UnusedInvite>,
}

/// Parameters of `invites.revoke`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RevokeInvite {
    /// The friend code with the invite in it.
    pub friend_code: String,
}

/// Parameters of `identity.rename`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SetName {
    /// The name that this node claims, at most 64 bytes; empty for none.
    pub name: String,
}
