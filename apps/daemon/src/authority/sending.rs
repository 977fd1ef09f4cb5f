//! [`Permit`]: whether a client may send something by itself. If not, it waits for the owner's approval.

use std::sync::Arc;

use sotto_api::scope::Rate;
use sotto_api::{self as api, ApprovalReason, ApprovalState, Error, Kind, Time};
use sotto_core::row::MessageKey;
use sotto_core::{ConversationId, Direction, MessageId};

use super::approval::{ApprovalRecord, DecidedRecord, Proposal};
use super::audit::Records;
use super::budget::Budget;
use super::change::{Change, entry};
use super::decisions::conversation_id;
use super::rights::{Rights, no_owner, not_allowed};
use super::{AgentRecord, State, Taint, encoded};
use crate::call::Call;
use crate::view;

/// What all agents together may write into one conversation before the owner is asked: two bots that answer each other stop here.
const LOOP: Rate = Rate {
    count: 20,
    period: 10 * 60 * 1000,
};

/// Programs that may write in a row, each to answer the one before, before the owner is asked.
const CHAIN: u32 = 8;

/// Messages among which the latest of another author is looked for.
const LATEST: u32 = 50;

/// Bytes of a text. Core checks it when it is sent; what waits for approval is checked before.
const TEXT_BYTES: usize = 32 * 1024;

/// Bytes of a thread's name and of an idempotency key.
const NAME_BYTES: usize = 128;

/// What may happen with a message that a client wants to send.
pub(crate) enum Permit {
    /// It may be sent, as the last of so many programs' messages in a row.
    Send {
        /// 0 if a person sends it.
        hops: u32,
    },
    /// It was approved, and sent under the same key before.
    SentBefore(api::Sent),
}

/// What a request takes of an agent's rate and of a conversation's budget.
#[derive(Debug, Default)]
pub(crate) struct Spent {
    usage: Option<(String, Budget)>,
    budget: Option<(String, Budget)>,
}

impl Spent {
    /// As records.
    pub fn records(&self) -> Result<Records, Error> {
        let usage = self
            .usage
            .iter()
            .map(|(name, budget)| (format!("usage/{name}"), budget));
        let budget = self
            .budget
            .iter()
            .map(|(name, budget)| (format!("budget/{name}"), budget));
        usage
            .chain(budget)
            .map(|(key, budget)| Ok((key, encoded(budget)?)))
            .collect()
    }

    /// In force.
    pub fn apply(self, state: &mut State) {
        if let Some((name, usage)) = self.usage
            && let Some(agent) = state.agents.get_mut(&name)
        {
            agent.usage = usage;
        }
        state.budgets.extend(self.budget);
    }
}

impl State {
    /// What is in the way of an agent that writes into a conversation.
    fn obstacle(&self, record: &AgentRecord, conversation: &str) -> Option<ApprovalReason> {
        let tainted = |name: &str| {
            self.agents
                .get(name)
                .is_none_or(|agent| agent.taint.is_beyond(conversation))
        };
        if !record.send.includes(conversation) {
            Some(ApprovalReason::Scope)
        } else if tainted(&record.name) {
            Some(ApprovalReason::Taint)
        } else {
            None
        }
    }

    /// What one more request of an agent takes of its rate.
    fn charge(&self, record: &AgentRecord, now: u64) -> Result<Spent, Error> {
        let usage = self
            .agents
            .get(&record.name)
            .map(|agent| agent.usage)
            .unwrap_or_default();
        let usage = usage.take(record.rate, now).map_err(|wait| {
            let message = format!("{} has sent as often as its token allows", record.name);
            Error::new(Kind::RateLimited, message).retry_after_ms(wait)
        })?;
        Ok(Spent {
            usage: Some((record.name.clone(), usage)),
            budget: None,
        })
    }
}

impl Call {
    /// An error unless the client may change something in that conversation by itself. It counts as a send.
    pub async fn check_write(&self, conversation: ConversationId) -> Result<(), Error> {
        let turn = self.turn().await;
        let Some(record) = self.check_presence(conversation)? else {
            return Ok(());
        };
        let spent = self.authority.state().charge(&record, Time::now().millis())?;
        let change = Change {
            records: spent.records()?,
            ..Change::default()
        };
        self.change(&turn, change, |state| spent.apply(state)).await
    }

    /// The same for what is no message and is kept nowhere, as that someone is typing. The agent that asks, if it is one.
    pub fn check_presence(&self, conversation: ConversationId) -> Result<Option<Arc<AgentRecord>>, Error> {
        self.note(conversation);
        self.check_signal(conversation, "this")
    }

    /// Whether the author is told that a message was read. The client chooses which messages it marks and when, so a receipt tells
    /// the peer whatever the client wants: it takes the right of a send. What the client asks for without that right is an error;
    /// what the configuration alone asks for is not sent.
    pub fn receipt(&self, conversation: ConversationId, asked: Option<bool>) -> Result<bool, Error> {
        if !asked.unwrap_or(self.config.read_receipts) {
            return Ok(false);
        }
        match self.check_signal(conversation, "a read receipt") {
            Ok(_) => Ok(true),
            Err(_) if asked.is_none() => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// An error unless the client may change something that peers are shown: the contact of that conversation, or every contact if it
    /// is `None`. The right to do so is `admin`, so the token may not name the conversation; but whatever the agent chooses here, a
    /// note, a name, a number, could carry what it has read elsewhere. It counts as a send.
    pub async fn check_shown(&self, conversation: Option<ConversationId>, what: &str) -> Result<(), Error> {
        let Rights::Agent(record) = self.rights()? else {
            return Ok(());
        };
        let turn = self.turn().await;
        let spent = {
            let state = self.authority.state();
            let taint = state.agents.get(&record.name).map(|agent| agent.taint.clone());
            let is_tainted = taint.is_none_or(|taint| match conversation {
                Some(conversation) => taint.is_beyond(&view::conversation(conversation)),
                None => taint != Taint::default(),
            });
            if is_tainted {
                let message = format!(
                    "{} has read what others wrote, so it may not {what}: the choice could tell what was read",
                    record.name
                );
                return Err(Error::new(Kind::Forbidden, message).hint(
                    "leave it to the owner; revoking the agent and adding it again makes it one that has read nothing",
                ));
            }
            state.charge(&record, Time::now().millis())?
        };
        let change = Change {
            records: spent.records()?,
            ..Change::default()
        };
        self.change(&turn, change, |state| spent.apply(state)).await
    }

    fn check_signal(&self, conversation: ConversationId, what: &str) -> Result<Option<Arc<AgentRecord>>, Error> {
        let record = match self.rights()? {
            Rights::Full => return Ok(None),
            Rights::Reader { mcp, .. } => return Err(no_owner(what, mcp)),
            Rights::Agent(record) => record,
        };
        let obstacle = self
            .authority
            .state()
            .obstacle(&record, &view::conversation(conversation));
        match obstacle {
            None => Ok(Some(record)),
            Some(ApprovalReason::Taint) => {
                let message = format!("{} has read what others wrote in another conversation", record.name);
                Err(Error::new(Kind::Forbidden, message).hint("only messages.send can ask for the owner's approval"))
            }
            Some(_) => Err(not_allowed(&record, "to write into this conversation")),
        }
    }

    /// Whether the client may send that by itself. If not, it waits for the owner's approval, which is the error.
    pub async fn permit(&self, proposal: Proposal, key: Option<&str>) -> Result<Permit, Error> {
        let rights = self.rights()?;
        if matches!(rights, Rights::Full) {
            return Ok(Permit::Send { hops: 0 });
        }
        let proposal = proposal.visible();
        check_proposal(&proposal, key)?;
        let hops = self.next_hops(&proposal.conversation).await?;
        let turn = self.turn().await;
        let now = Time::now().millis();
        let agent = rights.agent().map(|record| record.name.clone());
        let before = self
            .authority
            .state()
            .asked_before(agent.as_deref(), &proposal.digest(), key, now);
        match before {
            Some(AskedBefore::Waits(record)) => return Err(self.still_waits(&record).await?),
            Some(AskedBefore::Decided(decided)) => return self.decided_before(&decided).await,
            None => {}
        }
        let opened = self.opened();
        let principal = opened.principal.shown();
        let (mut spent, mut reason) = (Spent::default(), Some(ApprovalReason::NoToken));
        if let Some(record) = rights.agent() {
            let state = self.authority.state();
            spent = state.charge(record, now)?;
            reason = state.obstacle(record, &proposal.conversation);
            if reason.is_none() {
                let budget = state.budgets.get(&proposal.conversation).copied().unwrap_or_default();
                match budget.take(LOOP, now) {
                    _ if hops > CHAIN => reason = Some(ApprovalReason::Loop),
                    Ok(budget) => spent.budget = Some((proposal.conversation.clone(), budget)),
                    Err(_) => reason = Some(ApprovalReason::Loop),
                }
            }
        }
        if let Some(reason) = reason {
            let record = ApprovalRecord::new(agent, opened.surface, reason, proposal, key.map(str::to_owned), now)?;
            self.trace().approval = Some(record.id.clone());
            let approval = self.request_approval(&turn, record, spent, principal).await?;
            return Err(self.required(approval).await?);
        }
        let change = Change {
            records: spent.records()?,
            entry: Some(entry(principal, "messages.send", self.trace().clone(), "permitted")),
            ..Change::default()
        };
        self.change(&turn, change, |state| spent.apply(state)).await?;
        Ok(Permit::Send { hops })
    }

    /// What a program that writes now answers: one more than what the other author has said of the latest message.
    async fn next_hops(&self, conversation: &str) -> Result<u32, Error> {
        let conversation = conversation_id(conversation)?;
        let latest = self
            .reads
            .read(move |reader| reader.history(&conversation, LATEST, None))
            .await?;
        let answered = latest.iter().rev().find(|message| message.direction == Direction::In);
        Ok(answered.map_or(0, |message| message.hops).saturating_add(1))
    }

    /// The same request again: it waits still, and waits once.
    async fn still_waits(&self, record: &ApprovalRecord) -> Result<Error, Error> {
        self.trace().approval = Some(record.id.clone());
        let conversation = self.conversation_shown(&record.proposal.conversation).await?;
        self.required(record.shown(conversation)).await
    }

    /// The error that says what waits, as far as the client may know it.
    async fn required(&self, mut approval: api::Approval) -> Result<Error, Error> {
        self.disclose(&mut approval).await?;
        if !self.rights()?.knows(&approval.conversation.conversation) {
            let conversation = &mut approval.conversation;
            (conversation.petname, conversation.claimed_name, conversation.verified) = (None, None, false);
        }
        let why = match approval.reason {
            ApprovalReason::NoToken => "the client has no token",
            ApprovalReason::Scope => "its token does not allow to send there",
            ApprovalReason::Taint => "it has read what others wrote in another conversation",
            ApprovalReason::Loop => "agents have written much there in a short time",
        };
        let short = &approval.id[..8];
        let message = format!("nothing was sent: {short} waits for the owner's approval, because {why}");
        Ok(Error::new(Kind::ApprovalRequired, message)
            .hint(format!(
                "sotto approvals allow {short} sends it, sotto approvals deny {short} drops it"
            ))
            .approval(approval))
    }

    /// What became of the same request under the same key.
    async fn decided_before(&self, decided: &DecidedRecord) -> Result<Permit, Error> {
        self.trace().approval = Some(decided.id.clone());
        let Some(message) = decided
            .message
            .as_ref()
            .filter(|_| decided.state == ApprovalState::Sent)
        else {
            return Err(Error::new(
                Kind::Forbidden,
                "the owner has decided that this is not sent",
            ));
        };
        let id: MessageId = message
            .parse()
            .map_err(|_| Error::internal("an approval names a message that is none"))?;
        let conversation = conversation_id(&decided.conversation)?;
        let key = MessageKey {
            conversation,
            author: self.us,
            id,
        };
        let found = self.reads.read(move |reader| reader.message_by_key(&key)).await?;
        let state = found.and_then(|message| message.state);
        let state = state.ok_or_else(|| Error::new(Kind::UnknownMessage, format!("{id} has disappeared")))?;
        let (state, reason) = view::state(state);
        Ok(Permit::SentBefore(api::Sent {
            id: id.to_string(),
            conversation: decided.conversation.clone(),
            state,
            reason,
        }))
    }
}

/// A request that is the same as one before.
enum AskedBefore {
    /// That waits.
    Waits(ApprovalRecord),
    /// That is decided.
    Decided(DecidedRecord),
}

impl State {
    fn asked_before(&self, agent: Option<&str>, digest: &str, key: Option<&str>, now: u64) -> Option<AskedBefore> {
        let waits = self.approvals.values().find(|one| {
            let current = one.allowed || one.is_pending(now);
            current && one.agent.as_deref() == agent && one.digest == digest && one.key.as_deref() == key
        });
        if let Some(record) = waits {
            return Some(AskedBefore::Waits(record.clone()));
        }
        // Without a key, it is another message with the same text.
        let key = key?;
        let decided = self.decided.iter().rev().find(|one| {
            let told = matches!(one.state, ApprovalState::Sent | ApprovalState::Denied);
            told && one.agent.as_deref() == agent && one.digest == digest && one.key.as_deref() == Some(key)
        });
        decided.cloned().map(AskedBefore::Decided)
    }
}

/// What core would refuse is not shown to the owner.
fn check_proposal(proposal: &Proposal, key: Option<&str>) -> Result<(), Error> {
    let names = [("thread", proposal.thread.as_deref()), ("id", key)];
    for (what, name) in names {
        if name.is_some_and(|name| !(1..=NAME_BYTES).contains(&name.len())) {
            return Err(Error::invalid(format!("{what} must be 1 to {NAME_BYTES} bytes")));
        }
    }
    if !(1..=TEXT_BYTES).contains(&proposal.text.len()) {
        return Err(Error::invalid(format!("text must be 1 to {TEXT_BYTES} bytes")));
    }
    Ok(())
}
