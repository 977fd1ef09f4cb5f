//! [`Agent`]: a program that acts for the user, with a token that says what it may do.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::scope::{Right, parse_hours, parse_name, parse_rate};
use super::{Error, Secret, Time};

/// Parameters of `agents.add`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AddAgent {
    /// Its name: 1 to 32 letters, digits, `-` or `_`.
    pub name: String,
    /// What it may do: `read:CONVERSATION`, `send:CONVERSATION`, `read:*`, `send:*`, `admin`.
    #[serde(default)]
    pub allow: Vec<String>,
    /// How often it may send: `10/m`, `10/h`, `10/d`. 60/h if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate: Option<String>,
    /// At which hours of the day, in local time, its token works: `08:00-18:00`. All day if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hours: Option<String>,
    /// The question that its client asks the person counts as the owner's approval.
    #[serde(default)]
    pub ask_in_client: bool,
}

impl AddAgent {
    /// The rights that it names. An error if one of its values is not written as it must be. Which conversations there are, only the
    /// daemon can say.
    pub fn rights(&self) -> Result<Vec<Right>, Error> {
        parse_name(&self.name)?;
        parse_rate(self.rate.as_deref())?;
        parse_hours(self.hours.as_deref())?;
        self.allow.iter().map(|right| right.parse()).collect()
    }
}

/// An agent that was just added.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AddedAgent {
    /// The agent.
    pub agent: Agent,
    /// Its token. The daemon keeps a hash of it, so it is shown this once.
    pub token: Secret,
}

/// Names an agent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AgentOnly {
    /// Its name.
    pub name: String,
}

/// The agents. To an agent, only itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Agents {
    /// The agents, by name.
    pub agents: Vec<Agent>,
    /// There is a passphrase that `session.unlock` takes. Without one, no agent can be added: `owner.passphrase` sets it.
    pub owner_passphrase: bool,
}

/// An agent and what it may do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Agent {
    /// Its name.
    pub name: String,
    /// What it may do, with the conversations' present names.
    pub allow: Vec<String>,
    /// How often it may send.
    pub rate: String,
    /// At which hours its token works; none if at all.
    pub hours: Option<String>,
    /// The question that its client asks the person counts as the owner's approval.
    pub ask_in_client: bool,
    /// The conversations in which it has read text of others: it needs approval to send to any other.
    pub tainted_by: Vec<String>,
    /// When it was added.
    pub created_at: Time,
}
