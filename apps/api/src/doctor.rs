//! [`DoctorReport`]: what a look at the profile, the daemon and the network has found, with what to do about it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{ContactName, Error, Kind, Network, Pause, Phase, Reachability};

/// What `doctor.run` found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DoctorReport {
    /// Nothing is wrong.
    pub healthy: bool,
    /// One for each check, in an order in which the later ones often follow from the earlier.
    pub findings: Vec<Finding>,
    /// The version of the daemon; absent if none has answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
}

/// The result of one check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Finding {
    /// What was looked at, in a word.
    pub subject: String,
    /// Whether it is as it should be.
    pub verdict: Verdict,
    /// What was found, for a person.
    pub said: String,
    /// What to do; absent if nothing is wrong.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub hint: String,
    /// What kind of error it is; absent if nothing is wrong.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<Kind>,
    /// The contact that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contact: Option<ContactName>,
}

/// Whether what was looked at is as it should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It is.
    Good,
    /// It works, but the user should know.
    Careful,
    /// It is not.
    Bad,
}

impl Finding {
    /// Nothing is wrong.
    pub fn good(subject: &str, said: impl Into<String>) -> Self {
        Self {
            subject: subject.to_owned(),
            verdict: Verdict::Good,
            said: said.into(),
            hint: String::new(),
            kind: None,
            contact: None,
        }
    }

    /// It works, but the user should know.
    pub fn careful(subject: &str, said: impl Into<String>, hint: impl Into<String>, kind: Kind) -> Self {
        Self {
            verdict: Verdict::Careful,
            hint: hint.into(),
            kind: Some(kind),
            ..Self::good(subject, said)
        }
    }

    /// Something is wrong.
    pub fn bad(subject: &str, said: impl Into<String>, hint: impl Into<String>, kind: Kind) -> Self {
        Self {
            verdict: Verdict::Bad,
            ..Self::careful(subject, said, hint, kind)
        }
    }

    /// What an error says is wrong.
    pub fn error(subject: &str, error: &Error) -> Self {
        Self::bad(subject, &error.message, &error.data.hint, error.kind())
    }
}

impl DoctorReport {
    /// Of these findings; `version` is that of the daemon, if one has answered.
    pub fn new(findings: Vec<Finding>, version: Option<String>) -> Self {
        Self {
            healthy: findings.iter().all(|finding| finding.verdict != Verdict::Bad),
            findings,
            version,
        }
    }

    /// The first finding that says that something is wrong; the others often follow from it.
    pub fn cause(&self) -> Option<&Finding> {
        self.findings.iter().find(|finding| finding.verdict == Verdict::Bad)
    }
}

impl Network {
    /// How good this state is, and what to do about it.
    pub fn verdict(&self) -> (Verdict, String) {
        let verdict = match (&self.problem, self.phase, self.reachability) {
            (Some(_), Phase::Ready, Reachability::Reachable | Reachability::Degraded) => Verdict::Careful,
            (Some(_), ..) | (None, _, Reachability::Unreachable) => Verdict::Bad,
            (None, Phase::Ready, Reachability::Reachable) => Verdict::Good,
            (None, ..) => Verdict::Careful,
        };
        let hint = match (&self.problem, verdict) {
            (Some(problem), _) => problem.clone(),
            (None, Verdict::Good) => String::new(),
            (None, _) if self.phase != Phase::Ready => {
                String::from("it is still starting; messages wait in the outbox")
            }
            (None, _) => String::from("whether peers can reach you is being checked; this takes a minute"),
        };
        (verdict, hint)
    }

    /// The state in one line.
    pub fn words(&self) -> String {
        let phase = match self.phase {
            Phase::Starting => "starting".to_owned(),
            Phase::Offline => "offline".to_owned(),
            Phase::Bootstrapping => format!("bootstrapping, {} %", self.percent),
            Phase::Publishing => "publishing your address".to_owned(),
            Phase::Ready => match self.reachability {
                Reachability::Reachable => "reachable".to_owned(),
                Reachability::Degraded => "was reachable, but the last probe failed".to_owned(),
                Reachability::Unreachable => "not reachable".to_owned(),
                Reachability::Unknown => "up, not yet known to be reachable".to_owned(),
            },
            Phase::Stopping => "stopping".to_owned(),
        };
        let doing = self.doing.as_ref().map(|doing| format!(" ({doing})"));
        format!("{}: {phase}{}", self.kind, doing.unwrap_or_default())
    }
}

impl Pause {
    /// Why nothing that the contact sends is taken.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Pace => "it has sent very much in a short time",
            Self::Quota => "its messages take up the whole quota",
            Self::Reserve => "the disk is nearly full",
        }
    }

    /// What to do about it.
    pub const fn hint(self) -> &'static str {
        match self {
            Self::Pace => "it goes on by itself; what is not taken stays with them",
            Self::Quota => {
                "sotto delete CONTACT --all deletes their messages here; or set contact_quota_mib in config.toml. What is not taken stays with them"
            }
            Self::Reserve => {
                "free some space, delete messages, or set reserve_mib in config.toml; what is not taken stays with them"
            }
        }
    }
}
