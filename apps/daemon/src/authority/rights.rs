//! [`Rights`]: what a session may do at this moment. One table says which right each class of methods takes.

use std::sync::Arc;

use sotto_api::{Class, Error, Kind};

use super::{AgentRecord, State};
use crate::call::Opened;
use crate::config::Reads;

/// The surface of which a client without a token never has the owner's rights.
const MCP: &str = "mcp";

/// The method of which an agent's or a reader's request can become a pending approval.
const SEND: &str = "messages.send";

/// On whose behalf a request is carried out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Principal {
    /// A client without a token.
    #[default]
    Unscoped,
    /// The owner's passphrase was given.
    Owner,
    /// The agent of that name, as long as it has this token.
    Agent {
        /// Its name.
        name: String,
        /// The hash of its token.
        token: String,
    },
}

impl Principal {
    /// As in the audit log.
    pub fn shown(&self) -> String {
        match self {
            Self::Unscoped => "unscoped".to_owned(),
            Self::Owner => "owner".to_owned(),
            Self::Agent { name, .. } => format!("agent:{name}"),
        }
    }
}

/// What a session may do.
#[derive(Clone, Debug)]
pub(crate) enum Rights {
    /// Everything.
    Full,
    /// What it sends waits for approval.
    Reader {
        /// It says that it is an MCP server.
        mcp: bool,
        /// It may read everything; else it reads nothing, and knows no names.
        reads: bool,
    },
    /// What the token says.
    Agent(Arc<AgentRecord>),
}

impl Rights {
    /// Of a session.
    pub fn of(opened: &Opened, state: &State) -> Result<Self, Error> {
        let mcp = opened.surface.as_deref() == Some(MCP);
        match &opened.principal {
            Principal::Unscoped if mcp || !state.agents.is_empty() => Ok(Self::Reader {
                mcp,
                reads: state.unscoped == Reads::Open,
            }),
            Principal::Owner | Principal::Unscoped => Ok(Self::Full),
            Principal::Agent { name, token } => match state.agents.get(name) {
                Some(agent) if agent.record.token == *token => Ok(Self::Agent(agent.record.clone())),
                _ => Err(Error::new(Kind::Forbidden, format!("the agent {name} was revoked"))),
            },
        }
    }

    /// Whether it may call a method of that class at all. What it may reach with it is checked where that is known.
    pub fn check(&self, method: &str, class: Class, now: u64) -> Result<(), Error> {
        if class == Class::Open {
            return Ok(());
        }
        match self {
            Self::Full => Ok(()),
            Self::Reader { mcp, reads } => {
                let holds = match class {
                    Class::Open => true,
                    Class::Read => *reads,
                    Class::Send => method == SEND,
                    Class::Process => !mcp,
                    Class::Own | Class::Files | Class::Admin | Class::Owner => false,
                };
                if holds { Ok(()) } else { Err(no_owner(method, *mcp)) }
            }
            Self::Agent(record) => {
                record.check_hours(now)?;
                let holds = match class {
                    Class::Open | Class::Own => true,
                    Class::Read => record.admin || !record.read.is_empty(),
                    Class::Send => method == SEND || !record.send.is_empty(),
                    Class::Files => !record.files.is_empty(),
                    Class::Admin | Class::Process => record.admin,
                    Class::Owner => false,
                };
                if holds {
                    Ok(())
                } else {
                    Err(not_allowed(record, method))
                }
            }
        }
    }

    /// Whether it may read that conversation.
    pub fn reads(&self, conversation: &str) -> bool {
        match self {
            Self::Full => true,
            Self::Reader { reads, .. } => *reads,
            Self::Agent(record) => record.read.includes(conversation),
        }
    }

    /// Whether it is told the names of that conversation.
    pub fn knows(&self, conversation: &str) -> bool {
        match self {
            Self::Full => true,
            Self::Reader { reads, .. } => *reads,
            Self::Agent(record) => record.knows(conversation),
        }
    }

    /// Whether it is told the names of all peers, and what they claim.
    pub const fn knows_all(&self) -> bool {
        match self {
            Self::Full => true,
            Self::Reader { reads, .. } => *reads,
            Self::Agent(_) => false,
        }
    }

    /// The agent that it is.
    pub fn agent(&self) -> Option<&Arc<AgentRecord>> {
        match self {
            Self::Full | Self::Reader { .. } => None,
            Self::Agent(record) => Some(record),
        }
    }
}

/// Only the owner may.
pub(crate) fn no_owner(method: &str, mcp: bool) -> Error {
    let error = Error::new(Kind::OwnerRequired, format!("{method} needs the owner's rights"));
    if mcp {
        error.hint("give this MCP server a token: sotto agents add NAME --allow RIGHTS")
    } else {
        error
    }
}

/// The token does not say so.
pub(crate) fn not_allowed(record: &AgentRecord, what: &str) -> Error {
    Error::new(
        Kind::Forbidden,
        format!("the token of {} does not allow {what}", record.name),
    )
}
