//! The audit log: who did what, without texts. Each entry holds the hash of the one before.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Time;

/// Parameters of `audit.show`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ShowAudit {
    /// At most so many, 1 to 1000; 50 if left out. The newest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    /// Only what this agent did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
}

/// Part of the log, the oldest first. To an agent, only what it did itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Audit {
    /// The entries.
    pub entries: Vec<AuditEntry>,
}

/// What one request came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AuditEntry {
    /// Its number; there are no gaps.
    pub number: u64,
    /// When.
    pub at: Time,
    /// `owner`, `agent:NAME`, or `unscoped`.
    pub principal: String,
    /// The method.
    pub method: String,
    /// The conversation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conversation: Option<String>,
    /// The message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// The approval.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval: Option<String>,
    /// `done`, or the kind of the error.
    pub outcome: String,
    /// SHA-256 over the entry and the hash of the one before.
    pub hash: String,
}

/// Whether the log is whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AuditVerdict {
    /// It is whole.
    pub intact: bool,
    /// How many entries it has. The oldest are dropped at 10 000.
    pub entries: u64,
    /// The number of the oldest entry.
    pub first: u64,
    /// The number of the newest entry.
    pub last: u64,
    /// The first thing that is wrong.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub damage: Option<AuditDamage>,
}

/// What is wrong with the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AuditDamage {
    /// At which number.
    pub number: u64,
    /// What.
    pub what: String,
}
