//! What becomes of an approval: it is asked for, allowed and sent, denied, or its time ends. Each step is durable, with its event
//! and its audit entry, before the next.

use std::sync::Arc;
use std::time::Duration;

use data_encoding::HEXLOWER;
use sotto_api::{self as api, ApprovalState, Error, Kind, Time};
use sotto_core::row::ContentType;
use sotto_core::{ApplicationEvent, Command, ConversationId, MessageId, NewMessage, OnionAddress, Reply};
use sotto_io_sqlcipher::{Reader, Who};

use super::approval::{ApprovalRecord, DECIDED, DecidedRecord, PENDING};
use super::change::{Change, Turn, entry};
use super::sending::Spent;
use super::{Trace, encoded};
use crate::service::{Service, unexpected};
use crate::view::{self, ApprovalChange};

/// What the daemon is called in the audit log, where it acts by itself.
const DAEMON: &str = "daemon";

impl Service {
    /// Has a proposal wait for the owner. The same proposal of the same client waits once.
    pub async fn request_approval(
        &self,
        turn: &Turn<'_>,
        record: ApprovalRecord,
        spent: Spent,
        principal: String,
    ) -> Result<api::Approval, Error> {
        let now = record.requested_at;
        self.end_overdue(turn, now).await?;
        {
            let state = self.authority.state();
            let of_client = state.approvals.values().filter(|one| one.agent == record.agent);
            if of_client.filter(|one| one.is_pending(now)).count() >= PENDING {
                let message = format!("{PENDING} messages wait for the owner's approval already");
                return Err(Error::new(Kind::RateLimited, message).hint("sotto approvals list shows them"));
            }
        }
        let trace = Trace {
            conversation: Some(record.proposal.conversation.clone()),
            message: None,
            approval: Some(record.id.clone()),
            announced: false,
        };
        let mut records = spent.records()?;
        records.push((key(&record.id), encoded(&record)?));
        let change = Change {
            records,
            event: event(&record.id, &record.proposal.conversation, ApprovalChange::Requested),
            entry: Some(entry(principal, "messages.send", trace, "approval_required")),
        };
        let shown = record.shown(self.conversation_shown(&record.proposal.conversation).await?);
        self.change(turn, change, |state| {
            spent.apply(state);
            state.approvals.insert(record.id.clone(), record);
        })
        .await?;
        self.authority.approvals_changed.notify_one();
        Ok(shown)
    }

    /// Allows an approval, and sends its message.
    pub async fn allow(&self, id: &str, method: &str, principal: String) -> Result<api::Approval, Error> {
        let turn = self.turn().await;
        let now = Time::now().millis();
        self.end_overdue(&turn, now).await?;
        let found = self.authority.state().approvals.get(id).cloned();
        let mut record = found.ok_or_else(|| unknown(id))?;
        if !record.allowed {
            record.allowed = true;
            let trace = Trace {
                conversation: Some(record.proposal.conversation.clone()),
                message: None,
                approval: Some(record.id.clone()),
                announced: false,
            };
            let change = Change {
                records: vec![(key(id), encoded(&record)?)],
                event: event(id, &record.proposal.conversation, ApprovalChange::Allowed),
                entry: Some(entry(principal, method, trace, "allowed")),
            };
            self.change(&turn, change, |state| {
                state.approvals.insert(record.id.clone(), record.clone());
            })
            .await?;
        }
        // Before the sending: should that fail, it is tried again.
        self.authority.approvals_changed.notify_one();
        let decided = self.send_allowed(&turn, record).await?;
        Ok(decided.shown(self.conversation_shown(&decided.conversation).await?))
    }

    /// Drops an approval.
    pub async fn deny(&self, id: &str, method: &str, principal: String) -> Result<api::Approval, Error> {
        let turn = self.turn().await;
        self.end_overdue(&turn, Time::now().millis()).await?;
        let found = self.authority.state().approvals.get(id).cloned();
        let record = found.ok_or_else(|| unknown(id))?;
        if record.allowed {
            return Err(Error::new(
                Kind::WrongState,
                "it was allowed already, and is being sent",
            ));
        }
        let decided = self
            .end(&turn, record, ApprovalState::Denied, None, principal, method)
            .await?;
        self.authority.approvals_changed.notify_one();
        Ok(decided.shown(self.conversation_shown(&decided.conversation).await?))
    }

    /// Sends what was allowed. Its key makes a second time harmless, after a crash between the two.
    async fn send_allowed(&self, turn: &Turn<'_>, record: ApprovalRecord) -> Result<DecidedRecord, Error> {
        let proposal = &record.proposal;
        let send = NewMessage {
            conversation: conversation_id(&proposal.conversation)?,
            text: proposal.text.clone(),
            content_type: match proposal.content_type {
                api::ContentType::Markdown => ContentType::Markdown,
                api::ContentType::Plain | api::ContentType::Unsupported => ContentType::Plain,
            },
            thread: proposal.thread.clone(),
            reply_to: proposal.reply_to.as_deref().and_then(|id| id.parse().ok()),
            ttl: proposal.ttl,
            // The owner stands behind it, so a chain of programs begins anew.
            hops: 1,
            idempotency_key: Some(format!("approval:{}", record.id)),
            id: None,
        };
        let sent = self.command(Command::Send(send)).await;
        let (state, message) = match sent {
            Ok(Reply::Message { id, .. }) => (ApprovalState::Sent, Some(id)),
            Ok(reply) => return Err(unexpected(&reply)),
            // The node has stopped, or the outbox is full. It is tried again, and by the next start.
            Err(error) if error.data.retryable => return Err(error),
            Err(error) => {
                tracing::warn!(kind = ?error.kind(), "what was allowed cannot be sent");
                (ApprovalState::Failed, None)
            }
        };
        let message = message.map(|id: MessageId| id.to_string());
        self.end(turn, record, state, message, DAEMON.to_owned(), "messages.send")
            .await
    }

    /// The text goes, what became of it stays.
    async fn end(
        &self,
        turn: &Turn<'_>,
        record: ApprovalRecord,
        state: ApprovalState,
        message: Option<String>,
        principal: String,
        method: &str,
    ) -> Result<DecidedRecord, Error> {
        let trace = Trace {
            conversation: Some(record.proposal.conversation.clone()),
            message: message.clone(),
            approval: Some(record.id.clone()),
            announced: false,
        };
        let (outcome, told) = match state {
            ApprovalState::Denied => ("denied", Some(ApprovalChange::Denied)),
            ApprovalState::Expired => ("expired", Some(ApprovalChange::Expired)),
            ApprovalState::Failed => ("failed", None),
            ApprovalState::Pending | ApprovalState::Allowed | ApprovalState::Sent => ("done", None),
        };
        let decided = record.decided(state, message, Time::now().millis());
        let mut records = vec![
            (key(&decided.id), None),
            (format!("decided/{}", decided.id), encoded(&decided)?),
        ];
        let oldest = {
            let state = self.authority.state();
            let full = state.decided.len() >= DECIDED;
            state.decided.front().filter(|_| full).map(|one| one.id.clone())
        };
        records.extend(oldest.map(|id| (format!("decided/{id}"), None)));
        let change = Change {
            records,
            event: told.and_then(|told| event(&decided.id, &decided.conversation, told)),
            entry: Some(entry(principal, method, trace, outcome)),
        };
        self.change(turn, change, |state| {
            state.approvals.remove(&decided.id);
            state.decided.push_back(decided.clone());
            if state.decided.len() > DECIDED {
                state.decided.pop_front();
            }
        })
        .await?;
        Ok(decided)
    }

    /// Ends what has waited for too long.
    async fn end_overdue(&self, turn: &Turn<'_>, now: u64) -> Result<(), Error> {
        let overdue: Vec<ApprovalRecord> = {
            let state = self.authority.state();
            state
                .approvals
                .values()
                .filter(|one| one.is_over(now))
                .cloned()
                .collect()
        };
        for record in overdue {
            self.end(
                turn,
                record,
                ApprovalState::Expired,
                None,
                DAEMON.to_owned(),
                "messages.send",
            )
            .await?;
        }
        Ok(())
    }

    /// Denies everything that an agent waits for.
    pub async fn deny_all_of(&self, turn: &Turn<'_>, agent: &str, principal: &str) -> Result<(), Error> {
        let waiting: Vec<ApprovalRecord> = {
            let state = self.authority.state();
            let of_agent = |one: &&ApprovalRecord| one.agent.as_deref() == Some(agent) && !one.allowed;
            state.approvals.values().filter(of_agent).cloned().collect()
        };
        for record in waiting {
            self.end(
                turn,
                record,
                ApprovalState::Denied,
                None,
                principal.to_owned(),
                "agents.revoke",
            )
            .await?;
        }
        Ok(())
    }

    /// Sends what was allowed and could not be sent: the daemon or the node's run has ended before, or the outbox was full. One that cannot
    /// be sent now keeps no other one back; the first error is returned.
    pub async fn send_what_was_allowed(&self) -> Result<(), Error> {
        let turn = self.turn().await;
        let allowed: Vec<ApprovalRecord> = {
            let state = self.authority.state();
            state.approvals.values().filter(|one| one.allowed).cloned().collect()
        };
        let mut outcome = Ok(());
        for record in allowed {
            outcome = outcome.and(self.send_allowed(&turn, record).await.map(drop));
        }
        outcome
    }

    /// Ends each approval when its time is over, and sends what was allowed until it is sent, for as long as the daemon runs.
    pub async fn watch_approvals(self: Arc<Self>) {
        loop {
            let now = Time::now().millis();
            let next = {
                let state = self.authority.state();
                let due = |one: &ApprovalRecord| if one.allowed { 0 } else { one.expires_at };
                state.approvals.values().map(due).min()
            };
            let changed = self.authority.approvals_changed.notified();
            match next {
                None => changed.await,
                Some(at) if at > now => {
                    let wait = Duration::from_millis(at - now);
                    // A change may bring an earlier one.
                    let _ = tokio::time::timeout(wait, changed).await;
                }
                Some(_) => {
                    if let Err(error) = self.settle_due(now).await {
                        tracing::warn!(kind = ?error.kind(), "an approval whose time is over, or that was allowed, cannot be ended");
                        tokio::time::sleep(Duration::from_secs(1)).await;
                    }
                }
            }
        }
    }

    async fn settle_due(&self, now: u64) -> Result<(), Error> {
        // What is allowed at this moment is sent by its own request, which has the turn until then.
        let sent = self.send_what_was_allowed().await;
        let turn = self.turn().await;
        let ended = self.end_overdue(&turn, now).await;
        sent.and(ended)
    }

    /// A conversation as the API shows it, with its present names.
    pub async fn conversation_shown(&self, conversation: &str) -> Result<api::Conversation, Error> {
        let people = self.reads.read(Reader::people).await?;
        let peers = people.into_iter().map(|(who, _)| who);
        Ok(named(conversation, peers))
    }
}

/// A conversation as the API shows it, by the names of its peer.
pub(crate) fn named(conversation: &str, mut peers: impl Iterator<Item = Who>) -> api::Conversation {
    let peer = peers.find(|who| who.address.to_string() == conversation);
    match conversation_id(conversation) {
        Ok(id) => view::conversation_name(id, peer),
        Err(_) => api::Conversation {
            conversation: conversation.to_owned(),
            petname: None,
            claimed_name: None,
            verified: false,
        },
    }
}

/// The conversation of that name in the API.
pub(crate) fn conversation_id(name: &str) -> Result<ConversationId, Error> {
    name.parse::<OnionAddress>()
        .map(ConversationId::Direct)
        .map_err(|error| Error::internal(format!("{name:?} names no conversation: {error}")))
}

/// There is no such approval, or the client may not know of it.
pub(crate) fn unknown(id: &str) -> Error {
    Error::new(Kind::UnknownApproval, format!("nothing waits for approval as {id:?}"))
}

fn key(id: &str) -> String {
    format!("approval/{id}")
}

fn event(id: &str, conversation: &str, change: ApprovalChange) -> Option<ApplicationEvent> {
    let subject = HEXLOWER.decode(id.as_bytes()).ok()?.try_into().ok()?;
    Some(ApplicationEvent {
        conversation: conversation_id(conversation).ok()?,
        subject,
        code: change as u32,
    })
}

#[cfg(test)]
mod tests {
    use sotto_api::ApprovalReason;
    use sotto_core::{FriendCode, OnionSecret};
    use tokio::time::{sleep, timeout};

    use super::super::approval::Proposal;
    use super::*;
    use crate::tests::daemon;

    #[tokio::test]
    async fn what_was_allowed_is_sent_though_its_request_has_failed() {
        let (daemon, _profile, _folder) = daemon().await;
        let service = daemon.service.clone();
        let address = OnionSecret::from_seed(&[7; 32]).address();
        let add = Command::AddContact {
            code: FriendCode { address, invite: None },
            petname: None,
            note: String::new(),
        };
        service.command(add).await.expect("a contact");
        let proposal = Proposal {
            conversation: address.to_string(),
            text: String::from("hello"),
            content_type: api::ContentType::Plain,
            thread: None,
            reply_to: None,
            ttl: None,
        };
        let now = Time::now().millis();
        let mut record =
            ApprovalRecord::new(None, None, ApprovalReason::Scope, proposal, None, now).expect("an approval");
        // As it is left when the node stops between the decision and the message.
        record.allowed = true;
        let id = record.id.clone();
        service.authority.state().approvals.insert(id.clone(), record);
        service.authority.approvals_changed.notify_one();
        let sent = async {
            loop {
                let found = service
                    .authority
                    .state()
                    .decided
                    .iter()
                    .find(|one| one.id == id)
                    .cloned();
                match found {
                    Some(decided) => return decided.state,
                    None => sleep(Duration::from_millis(10)).await,
                }
            }
        };
        let state = timeout(Duration::from_mins(1), sent).await.expect("it is sent");
        assert_eq!(state, ApprovalState::Sent);
        drop(service);
        daemon.stop();
        daemon.finished().await.expect("in order");
    }
}
