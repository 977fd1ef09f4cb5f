//! [`Authority`]: who may do what. It knows the agents and their tokens, what each has read, what waits for the owner's approval,
//! and the audit log. Everything that it decides by is a record of the store, made durable before anything follows from it:
//! taint before the text that causes it leaves the daemon, an approval before its message is sent, an audit entry before the
//! action that it announces.

mod agent;
mod announcement;
mod approval;
mod audit;
mod budget;
mod change;
mod decisions;
mod disclosure;
mod owner;
mod rights;
mod sending;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::Serialize;
use serde::de::DeserializeOwned;
use sotto_api::{Error, Kind};
use sotto_io_sqlcipher::Reader;
use tokio::sync::Notify;

use super::read_pool::ReadPool;
use crate::config::Reads;

use approval::{ApprovalRecord, DecidedRecord};
use audit::AuditHead;

pub(crate) use agent::{AgentRecord, Reach, new_token, token_hash};
pub(crate) use announcement::{Announced, WAITING};
pub(crate) use approval::Proposal;
pub(crate) use audit::{ENTRIES, Trace, shown as audit_entry, verify as verify_audit};
pub(crate) use budget::Budget;
pub(crate) use change::{Change, Turn, entry};
pub(crate) use decisions::{conversation_id, named, unknown as unknown_approval};
pub(crate) use disclosure::{Disclose, Disclosure, event_is_shown};
pub(crate) use owner::{Backoff, Guards, OwnerSecret};
pub(crate) use rights::{Principal, Rights, no_owner, not_allowed};
pub(crate) use sending::Permit;

/// Conversations that a taint names; beyond, it is all of them.
const TAINTS: usize = 256;

/// Who may do what.
#[derive(Debug)]
pub(crate) struct Authority {
    /// As it is durable. It is locked for moments only.
    state: Mutex<State>,
    /// Held while records are changed: what is decided by a state is durable before the next decision.
    pub turn: tokio::sync::Mutex<()>,
    /// What waits for approval has changed.
    pub approvals_changed: Notify,
    /// The processes that try the owner's passphrase.
    pub guards: Guards,
}

/// The records, as they are in memory.
#[derive(Debug, Default)]
pub(crate) struct State {
    /// By name.
    pub agents: BTreeMap<String, AgentState>,
    /// By id: those that wait, and those that are being sent.
    pub approvals: BTreeMap<String, ApprovalRecord>,
    /// The oldest first.
    pub decided: VecDeque<DecidedRecord>,
    /// When agents may write again into a conversation.
    pub budgets: BTreeMap<String, Budget>,
    /// The end of the audit log.
    pub audit: AuditHead,
    /// What the owner proves to be the owner by.
    pub owner: Option<OwnerSecret>,
    /// After wrong passphrases, of all processes.
    pub backoff: Backoff,
    /// What clients without a token may read.
    pub unscoped: Reads,
    /// What the audit log has said a moment ago, and when.
    said: BTreeMap<Said, u64>,
}

/// Principal, method, conversation and outcome of an audit entry.
type Said = (String, String, Option<String>, String);

/// An agent.
#[derive(Clone, Debug)]
pub(crate) struct AgentState {
    /// What it may do.
    pub record: Arc<AgentRecord>,
    /// What it has read.
    pub taint: Taint,
    /// How often it has sent.
    pub usage: Budget,
}

/// The conversations of which an agent has read text of others.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, serde::Deserialize)]
pub(crate) struct Taint {
    /// Their names in the API.
    pub conversations: BTreeSet<String>,
    /// More than fit here.
    pub all: bool,
}

impl Taint {
    /// Whether text of another conversation than this one has been read.
    pub fn is_beyond(&self, conversation: &str) -> bool {
        self.all || self.conversations.iter().any(|one| one != conversation)
    }

    /// With these as well; `None` if that changes nothing.
    pub fn with(&self, read: &BTreeSet<String>) -> Option<Self> {
        if self.all || read.is_subset(&self.conversations) {
            return None;
        }
        let conversations: BTreeSet<String> = self.conversations.union(read).cloned().collect();
        if conversations.len() > TAINTS {
            return Some(Self {
                conversations: BTreeSet::new(),
                all: true,
            });
        }
        Some(Self {
            conversations,
            all: false,
        })
    }
}

impl State {
    /// The agent that asked for an approval.
    pub fn agent_of(&self, approval: &str) -> Option<&str> {
        let pending = self.approvals.get(approval).map(|one| &one.agent);
        let decided = || self.decided.iter().find(|one| one.id == approval).map(|one| &one.agent);
        pending.or_else(decided)?.as_deref()
    }
}

impl Authority {
    /// Reads the records. `owner` is the secret of a store that opens with a passphrase; `unscoped` is what clients without a token
    /// may read.
    pub async fn load(reads: &ReadPool, owner: Option<OwnerSecret>, unscoped: Reads) -> Result<Self, Error> {
        let records = reads.read(|reader: &Reader| reader.records("")).await?;
        let mut state = State {
            owner,
            unscoped,
            ..State::default()
        };
        let mut taints = BTreeMap::new();
        let mut usages = BTreeMap::new();
        for (key, value) in records {
            match key.split_once('/') {
                Some(("agent", name)) => {
                    let record = Arc::new(decoded::<AgentRecord>(&key, &value)?);
                    let fresh = AgentState {
                        record,
                        taint: Taint::default(),
                        usage: Budget::default(),
                    };
                    state.agents.insert(name.to_owned(), fresh);
                }
                Some(("taint", name)) => drop(taints.insert(name.to_owned(), decoded(&key, &value)?)),
                Some(("usage", name)) => drop(usages.insert(name.to_owned(), decoded(&key, &value)?)),
                Some(("budget", name)) => drop(state.budgets.insert(name.to_owned(), decoded(&key, &value)?)),
                Some(("approval", id)) => drop(state.approvals.insert(id.to_owned(), decoded(&key, &value)?)),
                Some(("decided", _)) => state.decided.push_back(decoded(&key, &value)?),
                Some(("audit", "head")) => state.audit = decoded(&key, &value)?,
                Some(("owner", "secret")) => {
                    let set = decoded(&key, &value)?;
                    state.owner.get_or_insert(set);
                }
                Some(("owner", "backoff")) => state.backoff = decoded(&key, &value)?,
                _ => {}
            }
        }
        for (name, agent) in &mut state.agents {
            agent.taint = taints.remove(name).unwrap_or_default();
            agent.usage = usages.remove(name).unwrap_or_default();
        }
        state
            .decided
            .make_contiguous()
            .sort_by_key(|decided| decided.decided_at);
        Ok(Self {
            state: Mutex::new(state),
            turn: tokio::sync::Mutex::default(),
            approvals_changed: Notify::new(),
            guards: Guards::default(),
        })
    }

    /// The state, for a moment.
    pub fn state(&self) -> MutexGuard<'_, State> {
        // It is never left half changed, so a poisoned lock is harmless.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A record as it is stored.
pub(crate) fn encoded(record: &impl Serialize) -> Result<Option<Vec<u8>>, Error> {
    serde_json::to_vec(record)
        .map(Some)
        .map_err(|error| Error::internal(error.to_string()))
}

/// A record that was stored.
pub(crate) fn decoded<T: DeserializeOwned>(key: &str, value: &[u8]) -> Result<T, Error> {
    serde_json::from_slice(value)
        .map_err(|error| Error::new(Kind::Store, format!("the record {key} cannot be read: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn a_taint_grows_and_then_is_of_everything() {
        let none = Taint::default();
        assert!(!none.is_beyond("bob"));
        let one = none.with(&set(&["bob"])).expect("new");
        assert!(!one.is_beyond("bob") && one.is_beyond("carol"));
        assert_eq!(one.with(&set(&["bob"])), None);
        let two = one.with(&set(&["carol"])).expect("new");
        assert!(two.is_beyond("bob") && two.is_beyond("carol"));
        let many: BTreeSet<String> = (0..TAINTS).map(|n| n.to_string()).collect();
        let all = two.with(&many).expect("new");
        assert!(all.all && all.is_beyond("bob"));
        assert_eq!(all.with(&set(&["dave"])), None);
    }
}
