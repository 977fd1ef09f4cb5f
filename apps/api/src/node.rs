//! [`Status`] of the node and its network, and the [`Presence`] of contacts.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{ContactName, Time};

/// The state of the node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Status {
    /// The program's version.
    pub version: String,
    /// This node's onion address.
    pub onion: String,
    /// The network.
    pub network: Network,
    /// How contacts see this node.
    pub availability: Availability,
    /// Contacts are told when the user types (`typing`); while they are not, `messages.typing` is refused.
    pub typing: bool,
    /// The owner has a passphrase: an interface can be locked with it.
    pub owner_passphrase: bool,
    /// Messages that wait in the outbox.
    pub queued: u64,
    /// Links up with authenticated peers.
    pub links: u64,
    /// Those of them with peers that are neither friends nor asked: at most 32, and many of them are a flood.
    pub stranger_links: u64,
    /// Links of peers that have not proven an address yet: at most 256, and many of them are a flood.
    pub handshakes: u64,
    /// Dials under way.
    pub dials: u64,
    /// Friend requests that wait for the user's answer.
    pub requests: u64,
    /// Frames and links of peers refused since the start.
    pub peer_faults: u64,
    /// The same, by the kind of what the peers did.
    pub peer_faults_by_kind: BTreeMap<String, u64>,
    /// How much room the store has.
    pub storage: Storage,
    /// This machine's clock is far ahead of the time at which the node last ran. Messages whose time is up by it alone stay until
    /// it is confirmed (by Tor), or has said the same for an hour.
    pub clock_doubted: bool,
    /// Another machine runs with this profile's identity, as shown within the last day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub elsewhere: Option<Elsewhere>,
    /// The newest event in the log; 0 if there is none.
    pub last_seq: u64,
    /// Lines of the daemon's log that could not be written since the start (a full disk, a closed pipe).
    pub log_lines_dropped: u64,
    /// The daemon's process.
    pub pid: u32,
    /// When it started.
    pub started_at: Time,
    /// What the daemon serves beside its socket.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub endpoints: Vec<Endpoint>,
    /// The data folder.
    pub data_dir: String,
    /// The socket that it answers on.
    pub socket: String,
    /// The file that it holds the lock of.
    pub lock_file: String,
    /// The file that its log goes to; none if that is standard error.
    pub log_file: Option<String>,
}

/// What shows that another machine runs with this profile's identity.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Elsewhere {
    /// The contact whose node has heard from the other machine; absent if the other machine answers at this node's own address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contact: Option<String>,
    /// When it was last shown.
    pub at: Time,
}

impl Elsewhere {
    /// What to do about it.
    pub const HINT: &str = "run sotto daemon stop on one of the two machines, and never run that copy again: contacts reach only \
                            one of them at a time, and each breaks the other's sessions";

    /// What shows it.
    pub fn words(&self) -> String {
        match &self.contact {
            None => String::from("another machine answers at your address"),
            Some(contact) => format!("another machine runs with your identity: {contact} has heard from it"),
        }
    }
}

/// How much room the store has, and how much of it contacts take up. `friends.list` has each contact's share.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Storage {
    /// Bytes that are free on the disk of the data folder; absent until they were measured.
    pub free_bytes: Option<u64>,
    /// With less than that, nothing that contacts send is taken (`reserve_mib`).
    pub reserve_bytes: u64,
    /// Bytes that the messages of one contact may take up (`contact_quota_mib`).
    pub contact_quota_bytes: u64,
    /// Bytes that the messages of all contacts take up, roughly.
    pub stored_bytes: u64,
    /// Contacts of which nothing is taken now.
    pub paused_contacts: u64,
}

/// A place at which the daemon serves a surface.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Endpoint {
    /// `http` or `signal-cli`.
    pub surface: String,
    /// `http://ADDRESS` or `unix:PATH`.
    pub at: String,
}

/// Parameters of `daemon.backup`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BackupTo {
    /// Where the copy goes: an absolute path, at which there is nothing yet.
    pub file: String,
}

/// A copy of the store as it was at one moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Backup {
    /// The file. It opens with the store's passphrase or key file, which is not in it.
    pub file: String,
    /// Its length.
    pub bytes: u64,
}

/// The state of the network.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Network {
    /// `local:DIR` or `tor`.
    pub kind: String,
    /// The phase of its start.
    pub phase: Phase,
    /// Progress of bootstrapping Tor in percent; 100 once peers can be dialled.
    pub percent: u8,
    /// What the network does while it starts, for a person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub doing: Option<String>,
    /// Peers can reach this node: the latest probe succeeded.
    pub reachable: bool,
    /// The same in detail.
    pub reachability: Reachability,
    /// When a probe last succeeded; absent if none has.
    pub proven_at: Option<Time>,
    /// What is wrong and what to do about it, for a person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

/// The phase of the network's start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// It has not started.
    Starting,
    /// The machine has no network.
    Offline,
    /// Connecting to the Tor network.
    Bootstrapping,
    /// Peers can be dialled; the onion service is being published.
    Publishing,
    /// Up.
    Ready,
    /// It is shutting down.
    Stopping,
}

/// Whether peers can reach this node. Over Tor, the node dials its own address to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Reachability {
    /// Not probed yet, or not since something changed.
    Unknown,
    /// The latest probe succeeded.
    Reachable,
    /// It was reachable before; the latest probe failed.
    Degraded,
    /// Probes fail.
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

/// The presence of contacts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PresenceList {
    /// The contacts.
    pub peers: Vec<ContactPresence>,
}

/// A contact's presence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ContactPresence {
    /// The contact.
    #[serde(flatten)]
    pub who: ContactName,
    /// Its presence.
    pub presence: Presence,
    /// When a link last proved it; absent if none did since the daemon's start.
    pub as_of: Option<Time>,
    /// The contact is typing right now.
    pub typing: bool,
}

/// The presence of a contact.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Presence {
    /// A live link says that the contact is online.
    Online,
    /// A live link says that the contact is away.
    Away,
    /// The contact closed the link, or does not show presence.
    Offline,
    /// Never reached, or the link broke.
    Unknown,
}

/// Parameters of `node.availability`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SetAvailability {
    /// How contacts see this node from now on.
    pub show: Availability,
}

/// How contacts see this node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Availability {
    /// Online.
    Online,
    /// Running, but the user is away.
    Away,
    /// Presence is not shown.
    Invisible,
}
