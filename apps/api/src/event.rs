//! The event log as consumers see it: durable, numbered, read by named consumers that acknowledge.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{ContactName, Conversation, Direction, FailReason, Message, MessageState, Pause, Presence, Time};

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Event {
    /// Its place in the log; none for presence, which is not in the log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seq: Option<u64>,
    /// When.
    pub at: Time,
    /// What.
    #[serde(flatten)]
    pub body: Body,
}

/// What happened. `conversation`, `author` and `id` name a message; `message` is the message as it stands now, and `null`
/// once it has disappeared. `direction` is `out` if the author is this node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type")]
#[expect(missing_docs, reason = "the fields are the subject of the sentence")]
pub enum Body {
    /// A message that this node wrote is durable.
    #[serde(rename = "message.queued")]
    MessageQueued {
        id: String,
        conversation: String,
        author: String,
        message: Option<Box<Message>>,
    },
    /// A message arrived.
    #[serde(rename = "message.received")]
    MessageReceived {
        id: String,
        conversation: String,
        author: String,
        message: Option<Box<Message>>,
    },
    /// A message's state changed.
    #[serde(rename = "message.state")]
    MessageState {
        id: String,
        conversation: String,
        author: String,
        direction: Direction,
        state: MessageState,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<FailReason>,
    },
    /// Its author edited a message.
    #[serde(rename = "message.edited")]
    MessageEdited {
        id: String,
        conversation: String,
        author: String,
        message: Option<Box<Message>>,
    },
    /// Its author deleted a message for every member.
    #[serde(rename = "message.deleted")]
    MessageDeleted {
        id: String,
        conversation: String,
        author: String,
        direction: Direction,
    },
    /// The node `by` set or removed its reaction. `direction` is `out` if that is this node.
    #[serde(rename = "message.reacted")]
    MessageReacted {
        id: String,
        conversation: String,
        author: String,
        by: String,
        direction: Direction,
        message: Option<Box<Message>>,
    },
    /// A message is gone from this node: its timer ended, or the user deleted it here.
    #[serde(rename = "message.disappeared")]
    MessageDisappeared {
        id: String,
        conversation: String,
        author: String,
        direction: Direction,
    },
    /// The timer that `author` set for the conversation changed. `direction` is `out` if the author is this node.
    #[serde(rename = "timer.changed")]
    TimerChanged {
        #[serde(flatten)]
        conversation: Conversation,
        author: String,
        direction: Direction,
        seconds: u32,
    },
    /// A peer asks to be a contact.
    #[serde(rename = "request.received")]
    RequestReceived {
        #[serde(flatten)]
        who: ContactName,
    },
    /// This node's request was delivered.
    #[serde(rename = "request.delivered")]
    RequestDelivered {
        #[serde(flatten)]
        who: ContactName,
    },
    /// The peer declined this node's request.
    #[serde(rename = "request.declined")]
    RequestDeclined {
        #[serde(flatten)]
        who: ContactName,
    },
    /// Both sides have accepted.
    #[serde(rename = "contact.added")]
    ContactAdded {
        #[serde(flatten)]
        who: ContactName,
    },
    /// The user removed the contact.
    #[serde(rename = "contact.removed")]
    ContactRemoved {
        #[serde(flatten)]
        who: ContactName,
    },
    /// The user blocked or unblocked the contact.
    #[serde(rename = "contact.blocked")]
    ContactBlocked {
        #[serde(flatten)]
        who: ContactName,
        blocked: bool,
    },
    /// The verified mark was set (`marked`) or removed.
    #[serde(rename = "contact.verified")]
    ContactVerified {
        #[serde(flatten)]
        who: ContactName,
        marked: bool,
    },
    /// A new session replaced the old one. `identity_changed` is a warning: the contact's Signal key is another.
    #[serde(rename = "contact.rekeyed")]
    ContactRekeyed {
        #[serde(flatten)]
        who: ContactName,
        identity_changed: bool,
    },
    /// A new session replaced the old one because the contact's node forgot a part of it, as after it restored a backup.
    /// Messages that were delivered to the contact may be missing there.
    #[serde(rename = "contact.rolled_back")]
    ContactRolledBack {
        #[serde(flatten)]
        who: ContactName,
    },
    /// The contact's key has replaced a verified one (`untrusted`), and what waits for the contact is held; or the user has
    /// accepted the key.
    #[serde(rename = "contact.untrusted")]
    ContactUntrusted {
        #[serde(flatten)]
        who: ContactName,
        untrusted: bool,
    },
    /// The contact's node says that it has removed this one (`removed`); or, later, that it has not.
    #[serde(rename = "contact.removed_by_peer")]
    RemovedByPeer {
        #[serde(flatten)]
        who: ContactName,
        removed: bool,
    },
    /// Another machine runs with this profile's identity, as after its store was copied and both were started: only one of them
    /// gets what contacts send, and each makes the other's sessions invalid. `contact` is the contact whose node has heard from
    /// the other machine; absent if the other machine answers at this node's own address.
    #[serde(rename = "identity.elsewhere")]
    IdentityElsewhere {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        contact: Option<String>,
    },
    /// A client wants to send something that waits for the owner's approval.
    #[serde(rename = "approval.requested")]
    ApprovalRequested {
        #[serde(flatten)]
        conversation: Conversation,
        approval: String,
    },
    /// The owner has allowed it.
    #[serde(rename = "approval.allowed")]
    ApprovalAllowed {
        #[serde(flatten)]
        conversation: Conversation,
        approval: String,
    },
    /// The owner has denied it, or its agent has withdrawn it.
    #[serde(rename = "approval.denied")]
    ApprovalDenied {
        #[serde(flatten)]
        conversation: Conversation,
        approval: String,
    },
    /// Its time ended before it was decided.
    #[serde(rename = "approval.expired")]
    ApprovalExpired {
        #[serde(flatten)]
        conversation: Conversation,
        approval: String,
    },
    /// What the contact sends is not taken any more: its messages take up the whole quota, or the disk is nearly full
    /// (`pause`). Nothing is lost: it stays with the contact. Without `pause`, it is taken again.
    #[serde(rename = "contact.paused")]
    ContactPaused {
        #[serde(flatten)]
        who: ContactName,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pause: Option<Pause>,
    },
    /// The log has no events `from` to `to`. Retention dropped them before this consumer read them, and `seq` is `to`; or the log is
    /// that of a restored backup, which ends before this consumer's position, and `seq` is its end.
    #[serde(rename = "gap")]
    Gap { from: u64, to: u64 },
    /// A contact's presence may have changed. Not in the log.
    #[serde(rename = "presence")]
    Presence {
        #[serde(flatten)]
        who: ContactName,
        presence: Presence,
        as_of: Option<Time>,
        typing: bool,
    },
}

macro_rules! type_names {
    ($($body:ident = $name:literal,)*) => {
        impl Body {
            /// The name of every type.
            pub const TYPES: &[&str] = &[$($name,)*];

            /// The name of its type, as in `type`.
            pub const fn type_name(&self) -> &'static str {
                match self { $(Self::$body { .. } => $name,)* }
            }
        }
    };
}

type_names! {
    MessageQueued = "message.queued",
    MessageReceived = "message.received",
    MessageState = "message.state",
    MessageEdited = "message.edited",
    MessageDeleted = "message.deleted",
    MessageReacted = "message.reacted",
    MessageDisappeared = "message.disappeared",
    TimerChanged = "timer.changed",
    RequestReceived = "request.received",
    RequestDelivered = "request.delivered",
    RequestDeclined = "request.declined",
    ContactAdded = "contact.added",
    ContactRemoved = "contact.removed",
    ContactBlocked = "contact.blocked",
    ContactVerified = "contact.verified",
    ContactRekeyed = "contact.rekeyed",
    ContactRolledBack = "contact.rolled_back",
    ContactUntrusted = "contact.untrusted",
    RemovedByPeer = "contact.removed_by_peer",
    IdentityElsewhere = "identity.elsewhere",
    ApprovalRequested = "approval.requested",
    ApprovalAllowed = "approval.allowed",
    ApprovalDenied = "approval.denied",
    ApprovalExpired = "approval.expired",
    ContactPaused = "contact.paused",
    Gap = "gap",
    Presence = "presence",
}

/// Parameters of `events.list`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListEvents {
    /// Start after what this consumer has acknowledged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub consumer: Option<String>,
    /// Only events after this one; 0 is from the beginning. Overrides the consumer's position.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<u64>,
    /// At most so many, 1 to 1000; 100 if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
}

/// Parameters of `events.wait`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WaitEvents {
    /// Start after what this consumer has acknowledged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub consumer: Option<String>,
    /// Only events after this one; 0 is from the beginning. Overrides the consumer's position. Without both: after now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<u64>,
    /// At most so many, 1 to 1000; 100 if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    /// Only events of these types; all if empty. `next` counts the others as seen.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub types: Vec<String>,
    /// Answer with no events after so many seconds, 0 to 3600; 30 if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<u32>,
}

/// Part of the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Events {
    /// The events, the oldest first.
    pub events: Vec<Event>,
    /// Where to go on: acknowledge this, or give it as `since`.
    pub next: u64,
    /// The log goes on after `next`. However few the events are: those that the client may not see are left out.
    pub more: bool,
}

/// Parameters of `events.ack`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Acknowledge {
    /// Its name, 1 to 64 bytes.
    pub consumer: String,
    /// Acknowledge up to and including this event.
    pub seq: u64,
}

/// The position of a consumer. It never moves back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Acknowledged {
    /// Its name.
    pub consumer: String,
    /// The log is acknowledged up to here.
    pub seq: u64,
}

/// Parameters of `events.subscribe`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Subscribe {
    /// Start after what this consumer has acknowledged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub consumer: Option<String>,
    /// Only events after this one; 0 is from the beginning. Overrides the consumer's position. Without both: after now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<u64>,
    /// Also presence, which is not in the log.
    #[serde(default)]
    pub presence: bool,
}

/// A subscription; its events follow as `events.event` notifications.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Subscribed {
    /// Names it on this connection; it ends with the connection.
    pub subscription: u64,
    /// The first event will be the one after this.
    pub since: u64,
}

/// Parameters of the notification `events.event`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EventNotification {
    /// Of which subscription.
    pub subscription: u64,
    /// What happened.
    pub event: Event,
}

#[cfg(test)]
mod tests {
    use schemars::schema_for;
    use serde_json::json;

    use super::*;

    #[test]
    fn type_names_are_those_on_the_wire() {
        let schema = schema_for!(Body);
        let variants = schema.as_value()["oneOf"].as_array().expect("one for each type");
        let on_the_wire: Vec<_> = variants
            .iter()
            .filter_map(|one| one["properties"]["type"]["const"].as_str())
            .collect();
        assert_eq!(on_the_wire, Body::TYPES);
    }

    #[test]
    fn an_event_is_one_flat_object() {
        let gap = Event {
            seq: Some(9),
            at: Time::from_millis(0),
            body: Body::Gap { from: 3, to: 9 },
        };
        let written = serde_json::to_value(&gap).expect("json");
        assert_eq!(
            written,
            json!({"seq": 9, "at": "1970-01-01T00:00:00.000Z", "type": "gap", "from": 3, "to": 9})
        );
        assert_eq!(serde_json::from_value::<Event>(written).expect("its own form"), gap);
    }
}
