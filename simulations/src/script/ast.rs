//! [`File`]: the syntax tree of a scenario file. Each step is a table with one key, its verb. `by` is the peer that
//! acts, and `as` names a message for later steps. The error for an unknown word lists the known ones.

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::Spanned;

use super::values::{Person, Span};
use crate::world::InFlight;

/// A peer, and its place in the file.
pub type Who = Spanned<Person>;
/// The name of a message, an invite or a backup.
pub type Label = Spanned<String>;

/// A scenario file.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct File {
    /// What it shows, in a sentence.
    pub title: String,
    /// How many peers there are.
    pub people: Spanned<usize>,
    /// Whether they are contacts at the beginning.
    #[serde(default)]
    pub begin: Beginning,
    /// Who are friends in the end. By default, all who were at the beginning.
    pub friends: Option<Vec<[Who; 2]>>,
    /// The scenario depends on durations: clocks have no faults.
    #[serde(default)]
    pub timing_sensitive: bool,
    /// Faults in every run of this file, with their odds.
    #[serde(default)]
    pub faults: BTreeMap<Spanned<String>, Spanned<u32>>,
    /// What happens, in order.
    pub steps: Vec<Spanned<Step>>,
    /// What must hold when the world is quiescent.
    #[serde(default)]
    pub end: Vec<Spanned<Condition>>,
}

/// How a scenario begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Beginning {
    /// No peer knows another, and disks are empty.
    Strangers,
    /// Each peer is a contact of each other.
    #[default]
    Friends,
}

/// Something that happens.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Step {
    // Contacts.
    Add(Addition),
    Accept(Pair),
    Decline(Pair),
    Remove(Pair),
    Block(Pair),
    Unblock(Pair),
    Befriend([Who; 2]),
    Invite(Named),
    Timer(SetTimer),

    // Messages.
    Send(Send),
    Edit(Edit),
    Delete(Label),
    React(React),
    Read(Label),
    Cancel(Label),
    Retry(Label),

    // Commands in other ways.
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
    Partition([Who; 2]),
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
    pub contact: Who,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Addition {
    pub by: Who,
    pub contact: Who,
    /// The invite that is used.
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
pub struct SetTimer {
    pub by: Who,
    pub contact: Who,
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
    /// How many messages.
    pub times: Option<Spanned<usize>>,
    /// The time until it disappears.
    pub disappears: Option<Spanned<Span>>,
    /// The same key and text twice are one message.
    pub key: Option<String>,
    /// What must have happened to it in the end.
    #[serde(default)]
    pub fate: FateName,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FateName {
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
    /// An empty one removes the reaction.
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

/// A condition. Everything that is given must hold.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Condition {
    pub friends: Option<[Who; 2]>,
    pub relationship: Option<RelationshipIs>,
    pub received: Option<Received>,
    pub state: Option<StateIs>,
    pub reaction: Option<ReactionIs>,
    pub holds: Option<Holds>,
    pub gone: Option<String>,
    pub waiting: Option<Waiting>,
    pub links: Option<Links>,
    pub quiescent: Option<[Who; 2]>,
    /// Without other faults it must not take longer.
    pub within: Option<Spanned<Span>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RelationshipIs {
    pub of: Who,
    pub with: Who,
    pub is: StandingName,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StandingName {
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
pub struct Received {
    pub by: Who,
    pub from: Who,
    pub texts: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StateIs {
    pub of: Label,
    pub is: StateName,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StateName {
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
