//! The node and its network, and who is there right now.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Time, Who};

/// How the node is doing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Status {
    /// The program's version.
    pub version: String,
    /// Our onion address.
    pub onion: String,
    /// The network.
    pub network: Network,
    /// What waits in the outbox.
    pub queued: u64,
    /// Links up with contacts.
    pub links: u64,
    /// Dials under way.
    pub dials: u64,
    /// Requests that wait for our consent.
    pub requests: u64,
    /// Frames and links of peers refused since the start.
    pub peer_faults: u64,
    /// The newest event in the log; 0 if there is none.
    pub last_seq: u64,
    /// The daemon's process.
    pub pid: u32,
    /// When it started.
    pub started_at: Time,
    /// The data folder.
    pub data_dir: String,
}

/// How the network is doing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Network {
    /// `local:DIR` or `tor`.
    pub kind: String,
    /// How far it has come up.
    pub phase: Phase,
    /// Of the way to Tor, 0 to 100; 100 once others can be dialled.
    pub percent: u8,
    /// What the network is at while it comes up, for a person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub doing: Option<String>,
    /// The latest proof holds: others can reach us.
    pub reachable: bool,
    /// The same in full.
    pub reachability: Reachability,
    /// When it was last proven; not yet if absent.
    pub proven_at: Option<Time>,
    /// What is in the way, and what can be done about it, for a person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

/// How far the network has come up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Nothing of it runs yet.
    Starting,
    /// The machine has no network.
    Offline,
    /// The Tor network is being reached.
    Bootstrapping,
    /// Others can be dialled; our own address is being published.
    Publishing,
    /// Up.
    Ready,
    /// Going down.
    Stopping,
}

/// Whether others can reach us. Known by trying: over Tor, the node dials its own address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Reachability {
    /// Not tried yet, or not since something changed.
    Unknown,
    /// The latest try came home.
    Reachable,
    /// It was reachable before; the latest try failed.
    Degraded,
    /// Tries fail.
    Unreachable,
}

/// Parameters of `node.presence`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PresenceQuery {
    /// Only this contact.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contact: Option<String>,
}

/// Who is there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Peers {
    /// Contacts with their presence.
    pub peers: Vec<Peer>,
}

/// A contact's presence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Peer {
    /// Whose.
    #[serde(flatten)]
    pub who: Who,
    /// What is known.
    pub presence: Presence,
    /// When it was last proven; none in this run if absent.
    pub as_of: Option<Time>,
    /// They are writing to us right now.
    pub typing: bool,
}

/// What is known of somebody's presence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Presence {
    /// A live link says so.
    Online,
    /// A live link says so.
    Away,
    /// They ended the link themselves, or say nothing about presence.
    Offline,
    /// Never reached, or lost without a word.
    Unknown,
}

/// Parameters of `node.availability`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SetAvailability {
    /// How contacts see us from now on.
    pub show: Availability,
}

/// How we show ourselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Availability {
    /// Here.
    Online,
    /// Running, but nobody is looking.
    Away,
    /// Looks like offline.
    Invisible,
}
