//! `agents.*`

use std::collections::BTreeMap;
use std::sync::Arc;

use sotto_api::scope::{Right, Scope, nearest, parse_hours, parse_rate, shown_hours, shown_rate};
use sotto_api::{self as api, Error, Kind, Secret, Time, all};
use sotto_io_sqlcipher::Reader;

use super::{Handle, Handled};
use crate::authority::{AgentRecord, AgentState, Change, Reach, encoded, new_token, token_hash};
use crate::call::Call;
use crate::view;

/// Agents of a profile.
const AGENTS: usize = 64;

impl Handle<all::AgentsAdd> for Call {
    async fn handle(self: &Arc<Self>, params: api::AddAgent) -> Result<Handled<api::AddedAgent>, Error> {
        let rights = params.rights()?;
        let token = new_token()?;
        let mut record = AgentRecord {
            token: token_hash(&token),
            read: Reach::default(),
            send: Reach::default(),
            files: std::collections::BTreeSet::new(),
            admin: false,
            rate: parse_rate(params.rate.as_deref())?,
            hours: parse_hours(params.hours.as_deref())?,
            ask_in_client: params.ask_in_client,
            created_at: Time::now().millis(),
            name: params.name,
        };
        for right in rights {
            self.grant(&mut record, right).await?;
        }
        let turn = self.turn().await;
        {
            let state = self.authority.state();
            if state.owner.is_none() {
                let message = "the owner has no passphrase yet, so agents could do what only the owner may";
                return Err(Error::new(Kind::OwnerRequired, message).hint("owner.passphrase sets one"));
            }
            if state.agents.contains_key(&record.name) {
                let message = format!("there is an agent {} already", record.name);
                return Err(Error::new(Kind::WrongState, message).hint(format!(
                    "sotto agents revoke {} makes its token useless, and its name free",
                    record.name
                )));
            }
            if state.agents.len() >= AGENTS {
                return Err(
                    Error::new(Kind::RateLimited, format!("there are {AGENTS} agents already"))
                        .hint("sotto agents revoke NAME makes room"),
                );
            }
        }
        let agent = AgentState {
            record: Arc::new(record.clone()),
            taint: crate::authority::Taint::default(),
            usage: crate::authority::Budget::default(),
        };
        // A crash in the middle of a revocation may have left some.
        self.clear_items(&turn, &record.name).await?;
        let change = Change {
            records: vec![(format!("agent/{}", record.name), encoded(&record)?)],
            ..Change::default()
        };
        self.change(&turn, change, |state| {
            state.agents.insert(record.name.clone(), agent.clone());
        })
        .await?;
        drop(turn);
        let names = self.names().await?;
        Ok(Handled::Done(api::AddedAgent {
            agent: shown(&agent, &names),
            token: Secret(token),
        }))
    }
}

impl Handle<all::AgentsList> for Call {
    async fn handle(self: &Arc<Self>, _: api::Nothing) -> Result<Handled<api::Agents>, Error> {
        let names = self.names().await?;
        let state = self.authority.state();
        Ok(Handled::Done(api::Agents {
            agents: state.agents.values().map(|agent| shown(agent, &names)).collect(),
            owner_passphrase: state.owner.is_some(),
        }))
    }
}

impl Handle<all::AgentsRevoke> for Call {
    async fn handle(self: &Arc<Self>, params: api::AgentOnly) -> Result<Handled<api::Done>, Error> {
        let name = params.name;
        let turn = self.turn().await;
        if !self.authority.state().agents.contains_key(&name) {
            let known: Vec<String> = self.authority.state().agents.keys().cloned().collect();
            let error = Error::new(Kind::UnknownAgent, format!("there is no agent {name:?}"));
            return Err(match nearest(&name, known.iter().map(String::as_str)) {
                Some(near) => error.hint(format!("did you mean {near}?")),
                None => error,
            });
        }
        let principal = self.opened().principal.shown();
        self.deny_all_of(&turn, &name, &principal).await?;
        let records = ["agent", "taint", "usage"].map(|kind| (format!("{kind}/{name}"), None));
        let change = Change {
            records: records.into(),
            ..Change::default()
        };
        self.change(&turn, change, |state| drop(state.agents.remove(&name)))
            .await?;
        self.clear_items(&turn, &name).await?;
        Ok(Handled::Done(api::Done {}))
    }
}

impl Call {
    /// One right of `--allow`. A conversation is resolved here, once: what is called so later has no right by it.
    async fn grant(&self, record: &mut AgentRecord, right: Right) -> Result<(), Error> {
        let (reach, scope) = match &right {
            Right::Admin => {
                record.admin = true;
                return Ok(());
            }
            Right::Read(scope) => (&mut record.read, scope),
            Right::Send(scope) => (&mut record.send, scope),
        };
        match scope {
            Scope::All => reach.all = true,
            Scope::Named(name) => {
                let conversation = self.conversation_named(name).await.map_err(|mut error| {
                    error.message = format!("allow: {right}: {}", error.message);
                    error
                })?;
                reach.conversations.insert(view::conversation(conversation));
            }
        }
        Ok(())
    }

    /// Each contact's petname, by address.
    async fn names(&self) -> Result<BTreeMap<String, String>, Error> {
        let rights = self.rights()?;
        let people = self.reads.read(Reader::people).await?;
        let named = people
            .into_iter()
            .filter_map(|(who, _)| Some((who.address.to_string(), who.petname?)));
        Ok(named.filter(|(address, _)| rights.knows(address)).collect())
    }
}

fn shown(agent: &AgentState, names: &BTreeMap<String, String>) -> api::Agent {
    let name = |conversation: &str| {
        names
            .get(conversation)
            .cloned()
            .unwrap_or_else(|| conversation.to_owned())
    };
    let record = &agent.record;
    let tainted_by = if agent.taint.all {
        vec!["*".to_owned()]
    } else {
        agent.taint.conversations.iter().cloned().collect()
    };
    api::Agent {
        name: record.name.clone(),
        allow: record.allow(&name),
        rate: shown_rate(record.rate),
        hours: record.hours.map(shown_hours),
        ask_in_client: record.ask_in_client,
        tainted_by,
        created_at: Time::from_millis(record.created_at),
    }
}
