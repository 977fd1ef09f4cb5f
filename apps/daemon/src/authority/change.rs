//! [`Change`] of the records: made durable in one step, with its event and its audit entry, and only then in force.

use sotto_api::{Error, Time};
use sotto_core::{ApplicationEvent, Command, Reply};
use tokio::sync::MutexGuard;

use super::audit::{AuditHead, AuditRecord, Records, hash_of};
use super::{State, Trace};
use crate::service::{Service, unexpected};

/// Held by the one that changes records.
pub(crate) type Turn<'a> = MutexGuard<'a, ()>;

/// Equal reads and refusals within so many milliseconds are one audit entry, so that none can push the others out of the log.
const SAME: u64 = 60 * 1000;

/// Entries that are compared with.
const COMPARED: usize = 1024;

/// Records to be changed in one step.
#[derive(Debug, Default)]
pub(crate) struct Change {
    /// Put, or deleted.
    pub records: Records,
    /// What is logged with them.
    pub event: Option<ApplicationEvent>,
    /// What the audit log says of it.
    pub entry: Option<AuditRecord>,
}

/// An audit entry of this moment. Its number is given when it is appended.
pub(crate) fn entry(principal: String, method: &str, trace: Trace, outcome: &str) -> AuditRecord {
    AuditRecord {
        number: 0,
        at: Time::now().millis(),
        principal,
        method: method.to_owned(),
        conversation: trace.conversation,
        message: trace.message,
        approval: trace.approval,
        outcome: outcome.to_owned(),
    }
}

impl Service {
    /// Waits until no other change is under way.
    pub async fn turn(&self) -> Turn<'_> {
        self.authority.turn.lock().await
    }

    /// Makes a change durable, then has it in force.
    pub async fn change(&self, _: &Turn<'_>, change: Change, apply: impl FnOnce(&mut State)) -> Result<(), Error> {
        let Change {
            mut records,
            event,
            entry,
        } = change;
        let mut head = None;
        if let Some(entry) = entry {
            let (appended, next) = self.appended(vec![entry]).await?;
            records.extend(appended);
            head = Some(next);
        }
        if !records.is_empty() || event.is_some() {
            match self.command(Command::PutRecords { records, event }).await? {
                Reply::Done => {}
                reply => return Err(unexpected(&reply)),
            }
        }
        let mut state = self.authority.state();
        if let Some(head) = head {
            state.audit = head;
        }
        apply(&mut state);
        Ok(())
    }

    /// The records that append audit entries, and the head of the log with them.
    pub async fn appended(&self, entries: Vec<AuditRecord>) -> Result<(Records, AuditHead), Error> {
        let now = self.authority.state().audit.clone();
        let anchor = match now.drops_up_to() {
            Some(key) => {
                let found = self.reads.read(move |reader| reader.records(&key)).await?;
                let last_dropped = found.first().map(|(key, value)| hash_of(key, value));
                last_dropped.transpose()?
            }
            None => None,
        };
        now.append(entries, anchor)
    }

    /// Appends an audit entry. With `unless_same`, only if there was none that says the same a moment ago.
    pub async fn audit(&self, entry: AuditRecord, unless_same: bool) -> Result<(), Error> {
        let turn = self.turn().await;
        if unless_same && self.authority.state().was_said(&entry) {
            return Ok(());
        }
        let change = Change {
            entry: Some(entry),
            ..Change::default()
        };
        self.change(&turn, change, |_| {}).await
    }
}

impl State {
    /// Whether an entry says what another one has said a moment ago.
    fn was_said(&mut self, entry: &AuditRecord) -> bool {
        let said = (
            entry.principal.clone(),
            entry.method.clone(),
            entry.conversation.clone(),
            entry.outcome.clone(),
        );
        let at = entry.at;
        if self.said.len() >= COMPARED {
            self.said.retain(|_, before| at.abs_diff(*before) < SAME);
        }
        if self.said.len() >= COMPARED {
            self.said.clear();
        }
        match self.said.get(&said) {
            Some(before) if at.abs_diff(*before) < SAME => true,
            _ => {
                self.said.insert(said, at);
                false
            }
        }
    }
}
