//! The words of a scenario file. Each step is a table with one key, the verb; whoever does it is `by`, a message that was
//! given a name with `as` is spoken of by it. An unknown word is an error that names those there are.

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::Spanned;

use super::values::{Person, Span};
use crate::InFlight;

/// A person, and where the file says so.
pub type Who = Spanned<Person>;
/// The name of a message, an invite or a backup.
pub type Label = Spanned<String>;

/// A scenario file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    /// What it shows, in a sentence.
    pub title: String,
    /// How many people there are.
    pub people: Spanned<usize>,
    /// Whether they know each other.
    #[serde(default)]
    pub begin: Beginning,
    /// Who are friends in the end; if it does not say, all of those who were.
    pub friends: Option<Vec<[Who; 2]>>,
    /// The story is about when things happen: chance leaves clocks alone.
    #[serde(default)]
    pub punctual: bool,
    /// Faults that chance makes, and in how many times each happens once.
    #[serde(default)]
    pub faults: BTreeMap<Spanned<String>, Spanned<u32>>,
    /// What happens, in order.
    pub steps: Vec<Spanned<Step>>,
    /// What must be so when all has come to rest.
    #[serde(default)]
    pub end: Vec<Spanned<Condition>>,
}

/// How a story begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Beginning {
    /// Nobody knows anybody; disks are empty.
    Strangers,
    /// Everybody is everybody's contact.
    #[default]
    Friends,
}

/// Something that happens.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Step {
    // People.
    Add(Addition),
    Accept(Pair),
    Decline(Pair),
    Remove(Pair),
    Block(Pair),
    Unblock(Pair),
    Befriend([Who; 2]),
    Invite(Named),
    Timer(Timer),

    // Messages.
    Send(Send),
    Edit(Edit),
    Delete(Label),
    React(React),
    Read(Label),
    Cancel(Label),
    Retry(Label),

    // Wishes in other ways.
    Together(Vec<Spanned<Step>>),
    Refused(Box<Spanned<Step>>),

    // Machines.
    Off(Who),
    On(Who),
    Restart(Who),
    Crash(Crash),
    Suspend(Suspend),
    Clock(Clock),
    Backup(Named),
    Restore(Label),
    LoseSessions(Who),

    // The network.
    Part([Who; 2]),
    Cut([Who; 2]),
    Silence([Who; 2]),
    RefuseDials(RefuseDials),
    Split(Spanned<usize>),
    Heal,

    // Time.
    Wait(Span),
    Until(Spanned<Condition>),
    Expect(Spanned<Condition>),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pair {
    pub by: Who,
    pub whom: Who,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Addition {
    pub by: Who,
    pub whom: Who,
    /// The invite that comes along.
    pub invite: Option<Label>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Named {
    pub by: Who,
    #[serde(rename = "as")]
    pub name: Label,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Timer {
    pub by: Who,
    pub whom: Who,
    pub after: Spanned<Span>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Send {
    pub by: Who,
    pub to: Who,
    /// `{n}` in it counts from 1.
    pub text: Spanned<String>,
    #[serde(rename = "as")]
    pub name: Option<Label>,
    /// So many messages.
    pub times: Option<Spanned<usize>>,
    /// How long it lives.
    pub disappears: Option<Spanned<Span>>,
    /// The same key and text twice are one message.
    pub key: Option<String>,
    /// What must have become of it in the end.
    #[serde(default)]
    pub fate: FateWord,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FateWord {
    #[default]
    Delivered,
    Received,
    Swallowed,
    Expired,
    Removed,
    Cancelled,
    Vanished,
    Forgotten,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Edit {
    pub of: Label,
    pub text: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct React {
    pub of: Label,
    /// An empty one is taken back.
    pub with: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Crash {
    pub of: Who,
    pub commit: Commit,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Commit {
    Lost,
    Durable,
}

impl From<Commit> for InFlight {
    fn from(commit: Commit) -> Self {
        match commit {
            Commit::Lost => Self::Lost,
            Commit::Durable => Self::Durable,
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Suspend {
    pub of: Who,
    #[serde(rename = "for")]
    pub span: Spanned<Span>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Clock {
    pub of: Who,
    pub moves: Span,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RefuseDials {
    pub of: Who,
    pub times: u32,
}

/// What is so. All that is given must be.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Condition {
    pub friends: Option<[Who; 2]>,
    pub standing: Option<StandingIs>,
    pub heard: Option<Heard>,
    pub state: Option<StateIs>,
    pub reaction: Option<ReactionIs>,
    pub holds: Option<Holds>,
    pub gone: Option<String>,
    pub waiting: Option<Waiting>,
    pub links: Option<Links>,
    pub rest: Option<[Who; 2]>,
    /// In a world without other faults it must not take longer.
    pub within: Option<Spanned<Span>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StandingIs {
    pub of: Who,
    pub with: Who,
    pub is: StandingWord,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StandingWord {
    Stranger,
    Requested,
    RequestDelivered,
    RequestDeclined,
    Asking,
    Declined,
    Friend,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Heard {
    pub by: Who,
    pub from: Who,
    pub texts: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StateIs {
    pub of: Label,
    pub is: StateWord,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StateWord {
    Queued,
    Sent,
    Delivered,
    Read,
    Expired,
    Removed,
    Cancelled,
    Received,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReactionIs {
    pub of: Label,
    pub is: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Holds {
    pub by: Who,
    pub text: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Waiting {
    pub by: Who,
    #[serde(rename = "for")]
    pub to: Who,
    pub rows: usize,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Links {
    pub between: [Who; 2],
    pub are: usize,
}
