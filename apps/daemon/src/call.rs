//! [`Session`]: on whose behalf a connection's requests are carried out. [`Call`]: one request, the service that carries it out
//! and the session that asks for it. The handlers are methods of the call, so each of them knows its client; names resolve and
//! answers show only what that client may know.

use std::collections::BTreeSet;
use std::ops::Deref;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use data_encoding::HEXLOWER;
use sha2::{Digest as _, Sha256};
use sotto_api::{self as api, Class, Error, Kind, Time};
use sotto_core::row::Relationship;
use sotto_core::{ConversationId, OnionAddress};

use super::authority::{
    AgentRecord, Change, Disclose, Disclosure, Principal, Rights, State, Trace, conversation_id, encoded, entry,
    event_is_shown, no_owner, not_allowed, token_hash,
};
use super::resolve::{self, Candidate};
use super::service::Service;
use super::view;

/// Bytes of a surface's name.
const SURFACE_BYTES: usize = 32;

/// Bytes that an agent's consumer may be called by: core's 64, but for the agent's own name in front.
const AGENT_CONSUMER_BYTES: usize = 31;

/// Who a connection is. It begins as a client without a token.
#[derive(Debug, Default)]
pub(crate) struct Session {
    /// The client's process, where the operating system tells it.
    peer: Option<u32>,
    opened: Mutex<Opened>,
}

/// What the client has said and proven of itself.
#[derive(Clone, Debug, Default)]
pub(crate) struct Opened {
    /// The surface that it says it is.
    pub surface: Option<String>,
    /// On whose behalf it asks.
    pub principal: Principal,
}

impl Session {
    /// Of a client that has said nothing yet.
    pub fn new(peer: Option<u32>) -> Self {
        Self {
            peer,
            opened: Mutex::default(),
        }
    }

    /// What the client has said and proven of itself by now.
    pub fn opened(&self) -> Opened {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Opened> {
        // It is never left half changed, so a poisoned lock is harmless.
        self.opened.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One request.
#[derive(Debug)]
pub(crate) struct Call {
    service: Arc<Service>,
    session: Arc<Session>,
    trace: Mutex<Trace>,
}

impl Call {
    /// A request of that session.
    pub fn new(service: &Arc<Service>, session: &Arc<Session>) -> Self {
        Self {
            service: service.clone(),
            session: session.clone(),
            trace: Mutex::default(),
        }
    }

    /// Opens the session. An error if its token names a conversation that is there no more: a right without a contact may be meant
    /// for another one.
    pub async fn open(&self, params: api::OpenSession) -> Result<api::Session, Error> {
        let api::OpenSession { surface, token } = params;
        if let Some(surface) = &surface
            && !(1..=SURFACE_BYTES).contains(&surface.len())
        {
            return Err(Error::invalid(format!("surface must be 1 to {SURFACE_BYTES} bytes")));
        }
        let principal = match token {
            None => Principal::Unscoped,
            Some(token) => {
                let token = token_hash(token.0.trim());
                let record = {
                    let state = self.authority.state();
                    let agent = state.agents.values().find(|agent| agent.record.token == token);
                    agent.map(|agent| agent.record.clone())
                };
                let record = record.ok_or_else(|| {
                    Error::new(Kind::Forbidden, "no agent has this token")
                        .hint("it may have been revoked; sotto agents add makes a new one")
                })?;
                self.check_scope(&record).await?;
                Principal::Agent {
                    name: record.name.clone(),
                    token,
                }
            }
        };
        *self.session.lock() = Opened { surface, principal };
        Ok(self.shown_session())
    }

    /// An error if a scope names a contact that was removed since.
    async fn check_scope(&self, record: &AgentRecord) -> Result<(), Error> {
        let people = self.people.current(&self.reads).await?;
        let is_contact = |name: &str| {
            let found = people.iter().find(|one| one.onion() == name);
            found.is_some_and(|one| one.relationship != Relationship::Stranger)
        };
        let named = record.read.conversations.iter().chain(&record.send.conversations);
        match named.into_iter().find(|name| !is_contact(name)) {
            None => Ok(()),
            Some(gone) => {
                let name = &record.name;
                let message = format!("the token of {name} names {gone}, which is no contact any more");
                let hint = format!("sotto agents revoke {name}, then sotto agents add {name} with what it may do now");
                Err(Error::new(Kind::UnknownContact, message).hint(hint))
            }
        }
    }

    /// The session has the owner's rights from now on.
    pub fn unlocked(&self) -> api::Session {
        self.session.lock().principal = Principal::Owner;
        self.shown_session()
    }

    /// The session, as its client sees it. An agent is called what its owner calls it.
    fn shown_session(&self) -> api::Session {
        let opened = self.session.opened();
        let rights = Rights::of(&opened, &self.authority.state()).ok();
        let agent = rights.as_ref().and_then(Rights::agent);
        api::Session {
            principal: match opened.principal {
                Principal::Unscoped => api::Principal::Unscoped,
                Principal::Owner => api::Principal::Owner,
                Principal::Agent { .. } => api::Principal::Agent,
            },
            agent: agent.map(|record| record.name.clone()),
            allow: agent.map_or_else(Vec::new, |record| record.allow(&|name| name.to_owned())),
            ask_in_client: agent.is_some_and(|record| record.ask_in_client),
            sends_need_approval: match rights {
                Some(Rights::Full) | None => false,
                Some(Rights::Reader { .. }) => true,
                Some(Rights::Agent(record)) => record.send.is_empty(),
            },
            owner_passphrase: self.authority.state().owner.is_some(),
        }
    }

    /// What the session has said and proven of itself.
    pub fn opened(&self) -> Opened {
        self.session.opened()
    }

    /// The client's process.
    pub fn peer(&self) -> Option<u32> {
        self.session.peer
    }

    /// What the session may do at this moment.
    pub fn rights(&self) -> Result<Rights, Error> {
        Rights::of(&self.session.opened(), &self.authority.state())
    }

    /// An error if the session may not call that method.
    pub fn authorize(&self, method: &str, class: Class) -> Result<(), Error> {
        self.rights()?.check(method, class, Time::now().millis())
    }

    /// Writes down what a request came to, if that is of a kind that is audited: all that an agent does, and all that a client
    /// does that may not do everything, or decides about others.
    pub async fn audit_outcome(&self, method: &str, class: Class, outcome: &str) -> Result<(), Error> {
        let opened = self.session.opened();
        let trace = self.trace().clone();
        let (is_agent, has_agents) = {
            let state = self.authority.state();
            let is_agent = matches!(opened.principal, Principal::Agent { .. });
            (is_agent, !state.agents.is_empty())
        };
        let full = matches!(self.rights(), Ok(Rights::Full)) && !has_agents;
        let audited = match class {
            // The approval's own entry says it.
            _ if trace.approval.is_some() || trace.announced => false,
            Class::Open | Class::Own => false,
            Class::Read => is_agent,
            Class::Owner => true,
            Class::Send | Class::Files | Class::Admin | Class::Process => is_agent || !full,
        };
        if !audited {
            return Ok(());
        }
        let repeats = class == Class::Read || outcome != "done";
        let entry = entry(opened.principal.shown(), method, trace, outcome);
        self.service.audit(entry, repeats).await
    }

    /// What is known of the request's subject by now.
    pub fn trace(&self) -> MutexGuard<'_, Trace> {
        // It is never left half changed, so a poisoned lock is harmless.
        self.trace.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes what the request is about.
    pub fn note(&self, conversation: ConversationId) -> ConversationId {
        self.trace().conversation = Some(view::conversation(conversation));
        conversation
    }
}

impl Deref for Call {
    type Target = Service;

    fn deref(&self) -> &Service {
        &self.service
    }
}

/// What an answer tells.
impl Call {
    /// Leaves out of an answer what the client may not be told. Text of others taints an agent durably before this returns.
    pub async fn disclose(&self, answer: &mut impl Disclose) -> Result<(), Error> {
        self.told(false, |to| answer.disclose(to)).await.map(drop)
    }

    /// The same for an event; false if the client is not told of it.
    pub async fn discloses_event(&self, event: &mut api::Event) -> Result<bool, Error> {
        let shown = self.told(true, |to| event_is_shown(event, to)).await?;
        Ok(shown.unwrap_or(true))
    }

    /// Whether the client is told of an event at all.
    pub fn may_see(&self, rights: &Rights, event: &api::Event) -> bool {
        let Some(record) = rights.agent() else { return true };
        let state = self.authority.state();
        let mut to = Disclosure {
            record,
            owns: &|id| state.agent_of(id) == Some(record.name.as_str()),
            read: BTreeSet::new(),
        };
        event_is_shown(&mut event.clone(), &mut to)
    }

    /// `None` if the client is no agent, and is told everything.
    async fn told<T>(&self, is_read: bool, tell: impl FnOnce(&mut Disclosure<'_>) -> T) -> Result<Option<T>, Error> {
        let record = match self.rights()? {
            Rights::Agent(record) => record,
            // A subscription from before there were agents.
            Rights::Reader { mcp, reads: false } if is_read => return Err(no_owner("to read", mcp)),
            Rights::Full | Rights::Reader { .. } => return Ok(None),
        };
        record.check_hours(Time::now().millis())?;
        let (told, read) = {
            let state = self.authority.state();
            let owns = |id: &str| state.agent_of(id) == Some(record.name.as_str());
            let mut to = Disclosure {
                record: &record,
                owns: &owns,
                read: BTreeSet::new(),
            };
            let told = tell(&mut to);
            (told, to.read)
        };
        if !read.is_empty() {
            self.taint(&record.name, &read).await?;
        }
        Ok(Some(told))
    }

    async fn taint(&self, agent: &str, read: &BTreeSet<String>) -> Result<(), Error> {
        let with = |state: &State| state.agents.get(agent).and_then(|agent| agent.taint.with(read));
        if with(&self.authority.state()).is_none() {
            return Ok(());
        }
        let turn = self.turn().await;
        let Some(taint) = with(&self.authority.state()) else {
            return Ok(());
        };
        let change = Change {
            records: vec![(format!("taint/{agent}"), encoded(&taint)?)],
            ..Change::default()
        };
        self.change(&turn, change, |state| {
            if let Some(agent) = state.agents.get_mut(agent) {
                agent.taint = taint;
            }
        })
        .await
    }
}

/// Names, as far as the client may know them.
impl Call {
    /// The contact that a text names.
    pub async fn contact_named(&self, text: &str) -> Result<OnionAddress, Error> {
        let address = resolve::contact(text, &self.candidates().await?)?;
        self.note(ConversationId::Direct(address));
        Ok(address)
    }

    /// The conversation that a text names.
    pub async fn conversation_named(&self, text: &str) -> Result<ConversationId, Error> {
        resolve::conversation(text, &self.candidates().await?).map(|found| self.note(found))
    }

    /// The same, and an error unless the client may read it.
    pub async fn readable_conversation(&self, text: &str) -> Result<ConversationId, Error> {
        let conversation = self.conversation_named(text).await?;
        match self.rights()? {
            Rights::Agent(record) if !record.read.includes(&view::conversation(conversation)) => {
                Err(not_allowed(&record, "to read this conversation"))
            }
            _ => Ok(conversation),
        }
    }

    /// The same, where naming one is optional.
    pub async fn conversation_if_named(&self, text: Option<&str>) -> Result<Option<ConversationId>, Error> {
        match text {
            Some(text) => self.readable_conversation(text).await.map(Some),
            None => Ok(None),
        }
    }

    /// The conversation that a message is to go to. A client that does not know all names can give the whole address of any: it is
    /// not told whether that is a contact, the owner is.
    pub async fn recipient(&self, text: &str) -> Result<ConversationId, Error> {
        match self.conversation_named(text).await {
            Err(error) if error.kind() == Kind::UnknownContact && !self.rights()?.knows_all() => {
                match resolve::identifier(text) {
                    Ok(Some(address)) => Ok(self.note(ConversationId::Direct(address))),
                    Ok(None) | Err(_) => Err(error),
                }
            }
            found => found,
        }
    }

    /// The text as the petname of a peer, in the form in which it is stored.
    pub async fn petname(&self, text: &str, peer: OnionAddress) -> Result<String, Error> {
        resolve::petname(text, peer, self.us, &self.candidates().await?)
    }

    /// The conversations that the client may read; `None` for all of them.
    pub fn readable(&self) -> Result<Option<Vec<ConversationId>>, Error> {
        match self.rights()? {
            Rights::Agent(record) if !record.read.all => {
                let names = record.read.conversations.iter();
                names
                    .map(|name| conversation_id(name))
                    .collect::<Result<_, _>>()
                    .map(Some)
            }
            _ => Ok(None),
        }
    }

    async fn candidates(&self) -> Result<Arc<[Candidate]>, Error> {
        let rights = self.rights()?;
        let people = self.people.current(&self.reads).await?;
        if rights.knows_all() {
            return Ok(people);
        }
        let known = people.iter().filter(|one| rights.knows(one.onion()));
        Ok(known
            .cloned()
            .map(|mut one| {
                // What a peer claims is text of others, and a suggestion is no answer that taints.
                one.claimed_name.clear();
                one
            })
            .collect())
    }

    /// A consumer's name in the log. Agents have theirs to themselves: none can acknowledge what another reader waits for.
    pub fn consumer(&self, name: &str) -> Result<String, Error> {
        match self.rights()?.agent() {
            None => Ok(name.to_owned()),
            Some(record) if (1..=AGENT_CONSUMER_BYTES).contains(&name.len()) => Ok(format!("{}/{name}", record.name)),
            Some(_) => Err(Error::invalid(format!(
                "consumer must be 1 to {AGENT_CONSUMER_BYTES} bytes, not {}",
                name.len()
            ))),
        }
    }

    /// An idempotency key. Agents have theirs to themselves as well.
    pub fn idempotency_key(&self, key: Option<String>) -> Result<Option<String>, Error> {
        let rights = self.rights()?;
        Ok(match (rights.agent(), key) {
            (Some(record), Some(key)) => {
                let hash = Sha256::new()
                    .chain_update(&record.name)
                    .chain_update([0])
                    .chain_update(key);
                Some(format!("agent:{}", HEXLOWER.encode(&hash.finalize())))
            }
            (_, key) => key,
        })
    }
}
