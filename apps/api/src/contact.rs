//! [`Contact`], [`FriendRequest`], and the parameters of `friends.*`.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Presence, Time};

/// A peer: its address, its names, and whether its key was verified.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ContactName {
    /// The peer's onion address: the identity.
    pub contact: String,
    /// The user's name for the peer.
    pub petname: Option<String>,
    /// The peer's name for itself. Untrusted: any peer can claim any name.
    pub claimed_name: Option<String>,
    /// The safety number was compared, and the peer's key has not changed since.
    pub verified: bool,
}

/// What to call a peer. The user's petname stands as it is. A claimed name is marked with `~`, since any peer can claim
/// any name, and the first letters of the address, which commands take, stand beside it.
pub fn shown_name(petname: Option<&str>, claimed: Option<&str>, onion: &str) -> String {
    let short = onion.get(..8).unwrap_or(onion);
    match (
        petname.filter(|name| !name.is_empty()),
        claimed.filter(|name| !name.is_empty()),
    ) {
        (Some(petname), _) => petname.to_owned(),
        (None, Some(claimed)) => format!("~{claimed} ({short})"),
        (None, None) => short.to_owned(),
    }
}

impl fmt::Display for ContactName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = shown_name(self.petname.as_deref(), self.claimed_name.as_deref(), &self.contact);
        f.write_str(&name)
    }
}

/// A contact, or a peer that asks or was asked to become one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Contact {
    /// The peer.
    #[serde(flatten)]
    pub who: ContactName,
    /// What the two sides have agreed.
    pub relationship: Relationship,
    /// What the contact sends is dropped, without telling the contact.
    pub blocked: bool,
    /// The contact's identity key has replaced a verified one. What waits for the contact is held until the user accepts the
    /// key with `friends.verify`.
    pub untrusted: bool,
    /// The timer in force in the direct conversation, in seconds: the shorter of both sides' timers; 0 is off.
    pub timer: u32,
    /// This node's timer, in seconds; 0 is off.
    pub timer_ours: u32,
    /// The contact's timer, in seconds; 0 is off.
    pub timer_theirs: u32,
    /// Messages of the contact that were not read here.
    pub unread: u64,
    /// Nothing of the direct conversation is shown as a notification.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub muted: bool,
    /// Whether the contact is online, as a link last proved it.
    pub presence: Presence,
    /// When that was; none if no link has proved it since the daemon's start.
    pub presence_as_of: Option<Time>,
    /// Bytes that the contact's messages take up here, roughly.
    #[serde(default)]
    pub stored_bytes: u64,
    /// Why nothing that the contact sends is taken now. It stays with the contact, and nothing is lost.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pause: Option<Pause>,
    /// When the contact was made.
    pub created_at: Time,
    /// When a link to the contact was last alive.
    pub last_seen: Option<Time>,
    /// Failed dials in a row, while something waits for the contact.
    pub attempts: u32,
    /// When the contact is dialled next.
    pub next_attempt_at: Option<Time>,
}

/// What two nodes have agreed with each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Relationship {
    /// Nothing is agreed.
    Stranger,
    /// This node asked; the request has not been delivered.
    Requested,
    /// This node asked; the request was delivered.
    RequestDelivered,
    /// This node asked; the peer declined.
    RequestDeclined,
    /// The peer asked; the request waits for the user's answer.
    Asking,
    /// The peer asked; the user declined.
    Declined,
    /// Both sides have accepted.
    Friend,
    /// Both sides had accepted; then the peer removed this node. What waits is kept; `friends.add` asks the peer again.
    RemovedByPeer,
}

/// Why nothing that a contact sends is taken for now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Pause {
    /// It has sent very much in a short time; it goes on by itself.
    Pace,
    /// Its messages take up the whole quota; it goes on once some of them are deleted.
    Quota,
    /// The disk is nearly full; it goes on once there is room.
    Reserve,
}

/// Parameters of `friends.add`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Add {
    /// A friend code, or an onion address.
    pub code: String,
    /// The petname: the user's name for the peer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// A note that is shown with the request, at most 500 bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// Parameters of `friends.list`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct List {
    /// Also peers that are not friends and were not asked by this node.
    #[serde(default)]
    pub all: bool,
}

/// Contacts, by name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Contacts {
    /// The contacts.
    pub friends: Vec<Contact>,
    /// The newest event when they were read; 0 if there is none. Of events that a client receives meanwhile, the list knows those up to
    /// this one.
    #[serde(default)]
    pub last_seq: u64,
}

/// A peer asks to be a contact.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FriendRequest {
    /// The peer.
    #[serde(flatten)]
    pub who: ContactName,
    /// The peer's note. Untrusted.
    pub note: String,
    /// When it arrived.
    pub received_at: Time,
}

/// Friend requests that wait for the user's answer, the oldest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FriendRequests {
    /// The requests.
    pub requests: Vec<FriendRequest>,
}

/// Names a contact.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ContactOnly {
    /// Petname, onion address, first 8 letters of one or more, or friend code.
    pub contact: String,
}

/// Parameters of `friends.accept`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Accept {
    /// The peer that asks: onion address, first 8 letters of one or more, friend code, or a petname given before.
    pub contact: String,
    /// The petname: the user's name for the peer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// Parameters of `friends.rename`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Rename {
    /// Petname, onion address, first 8 letters of one or more, or friend code.
    pub contact: String,
    /// The petname; an empty one removes it.
    pub name: String,
}

/// Parameters of `friends.verify`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Mark {
    /// Petname, onion address, first 8 letters of one or more, or friend code.
    pub contact: String,
    /// Set (`true`) or remove (`false`) the verified mark; without it, the number is only shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mark: Option<bool>,
    /// Accept the current key though it has replaced a verified one: what waits for the contact is sent. It does not set the
    /// verified mark, which accepts the key as well.
    #[serde(default)]
    pub accept_new_key: bool,
    /// The number that was compared (spaces do not matter). With `mark` or `accept_new_key`, it must still be the current one; left out, the
    /// caller vouches for the current one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<String>,
}

/// A safety number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Safety {
    /// The contact.
    #[serde(flatten)]
    pub who: ContactName,
    /// The key of this number has replaced a verified one, and was not accepted.
    pub untrusted: bool,
    /// 60 digits, the same on both sides.
    pub number: String,
    /// What a QR code of it carries, in hexadecimal.
    pub scannable: String,
}
