//! Contacts and the requests to become one.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Time;

/// Who somebody is, and how sure that is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Who {
    /// Their onion address: the identity.
    pub contact: String,
    /// Our name for them.
    pub petname: Option<String>,
    /// Their name for themselves. Untrusted.
    pub claimed_name: Option<String>,
    /// The safety number was compared, and their key has not changed since.
    pub verified: bool,
}

/// Somebody we know, ask, or are asked by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Contact {
    /// Who.
    #[serde(flatten)]
    pub who: Who,
    /// Where the two sides stand.
    pub standing: Standing,
    /// What they send is silently thrown away.
    pub blocked: bool,
    /// The conversation's timer in seconds: the tightest of both sides' wishes; 0 is off.
    pub timer: u32,
    /// Our wish for the timer.
    pub timer_ours: u32,
    /// Their wish for the timer.
    pub timer_theirs: u32,
    /// Messages of theirs that were not read here.
    pub unread: u64,
    /// When we first knew of them.
    pub created_at: Time,
    /// When a link to them was last alive.
    pub last_seen: Option<Time>,
    /// Tries in a row that did not reach them, while something waits for them.
    pub attempts: u32,
    /// When they are tried next.
    pub next_attempt_at: Option<Time>,
}

/// Where two nodes stand with each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// Nothing is agreed.
    Stranger,
    /// We asked; it has not reached them.
    Requested,
    /// We asked; they hold the request.
    RequestDelivered,
    /// We asked; they said no.
    RequestDeclined,
    /// They asked; it waits for our consent.
    Asking,
    /// They asked; we said no.
    Declined,
    /// Both consented.
    Friend,
}

/// Parameters of `friends.add`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Add {
    /// A friend code, or an onion address.
    pub code: String,
    /// Our name for them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What they read with the request (at most 500 bytes).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// Parameters of `friends.list`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct List {
    /// Also those who are neither friends nor asked by us.
    #[serde(default)]
    pub all: bool,
}

/// Contacts, by name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Contacts {
    /// The contacts.
    pub friends: Vec<Contact>,
}

/// Somebody asks to be a contact.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FriendRequest {
    /// Who asks.
    #[serde(flatten)]
    pub who: Who,
    /// What they wrote. Untrusted.
    pub note: String,
    /// When it came.
    pub received_at: Time,
}

/// Requests that wait for consent here, the oldest first.
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
    /// Our name for them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// Parameters of `friends.rename`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Rename {
    /// Petname, onion address, first 8 letters of one or more, or friend code.
    pub contact: String,
    /// Our name for them; an empty one takes it away.
    pub name: String,
}

/// Parameters of `friends.verify`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Mark {
    /// Petname, onion address, first 8 letters of one or more, or friend code.
    pub contact: String,
    /// Set (`true`) or take away (`false`) the verified mark; without it, the number is only shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mark: Option<bool>,
    /// The number that was compared (spaces do not matter). With `mark`, it must still be the current one; left out, the
    /// caller vouches for the current one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<String>,
}

/// A safety number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Safety {
    /// With whom.
    #[serde(flatten)]
    pub who: Who,
    /// 60 digits, the same on both sides.
    pub number: String,
    /// What a QR code of it carries, in hexadecimal.
    pub scannable: String,
}
