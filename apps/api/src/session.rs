//! [`Session`] of a connection: on whose behalf its requests are carried out.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Secret;

/// Parameters of `session.open`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OpenSession {
    /// The surface that speaks: `mcp`, `http`, `signal-cli`, `python` …, 1 to 32 bytes. A client of the surface `mcp` without a
    /// token only reads, and what it sends waits for approval.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub surface: Option<String>,
    /// An agent's token: the content of its file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<Secret>,
}

/// Parameters of `session.unlock`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Unlock {
    /// The store's passphrase; where the store has a key file, the owner's.
    pub passphrase: Secret,
}

/// Parameters of `owner.passphrase`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SetPassphrase {
    /// The owner's passphrase from now on, 1 to 1024 bytes.
    pub passphrase: Secret,
}

/// On whose behalf a connection's requests are carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Principal {
    /// The owner: all rights.
    Owner,
    /// An agent: what its token allows.
    Agent,
    /// A client without a token. As long as the profile has no agents, it has the owner's rights, unless its surface is `mcp`;
    /// else it reads, and what it sends waits for approval.
    Unscoped,
}

/// A connection's session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Session {
    /// On whose behalf.
    pub principal: Principal,
    /// The agent's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
    /// What the agent's token allows, with the conversations' present names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allow: Vec<String>,
    /// The client's own question to the person counts: it may call `approvals.confirm`.
    pub ask_in_client: bool,
    /// What it sends waits for approval, whatever the conversation.
    pub sends_need_approval: bool,
    /// The owner has a passphrase, which `session.unlock` takes.
    pub owner_passphrase: bool,
}
