//! The one API that the command line, the daemon, the MCP server, the terminal interface and every library speak.
//!
//! [`METHODS`] lists every method once, with the types of its parameters and its result; from that list come the
//! dispatch in the daemon, the typed client, the OpenRPC document and the tests against drift. Every object that
//! crosses the socket is a type here, with its JSON Schema. Parameters are named like the long flags of the command
//! line. Texts that peers wrote have been cleaned on their way out of the store, so no surface cleans again.

mod agent;
mod approval;
mod audit;
mod contact;
mod conversation;
mod doctor;
mod error;
mod event;
mod identity;
mod message;
mod method;
mod node;
mod notification;
mod openrpc;
pub mod rpc;
pub mod scope;
mod secret;
mod session;
mod storage;
mod time;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use agent::{AddAgent, AddedAgent, Agent, AgentOnly, Agents};
pub use approval::{Approval, ApprovalReason, ApprovalState, Approvals, Decide, ListApprovals};
pub use audit::{Audit, AuditDamage, AuditEntry, AuditVerdict, ShowAudit};
pub use contact::{
    Accept, Add, Contact, ContactName, ContactOnly, Contacts, FriendRequest, FriendRequests, List, Mark, Pause,
    Relationship, Rename, Safety, shown_name,
};
pub use conversation::{
    AckMessages, Conversation, ConversationOnly, ConversationTimers, DefaultTimer, DeletedMessages, Edit, History,
    HistoryPage, Inbox, ListOutbox, LockConsumer, MarkRead, MessageOnly, Messages, React, Receive, Received, Search,
    Send, Sent, SetDefaultTimer, SetTimer, Thread, Threads, ThreadsQuery, Typing, WaitFor,
};
pub use doctor::{DoctorReport, Finding, Verdict};
pub use error::{Error, ErrorData, Kind};
pub use event::{
    Acknowledge, Acknowledged, Body, Event, EventNotification, Events, ListEvents, Subscribe, Subscribed, WaitEvents,
};
pub use identity::{Identity, Invite, Invites, RevokeInvite, SetName, UnusedInvite};
pub use message::{ContentType, Direction, FailReason, Hold, Message, MessageState, Reaction};
pub use method::{Class, METHODS, Method, MethodInfo, all};
pub use node::{
    Availability, Backup, BackupTo, ContactPresence, Elsewhere, Endpoint, Network, Phase, Presence, PresenceList,
    PresenceQuery, Reachability, SetAvailability, Status, Storage,
};
pub use notification::{
    Desktop, DesktopState, MuteConversation, MutedConversation, NotificationMode, Notifications, SetFocus,
    SetNotifications,
};
pub use openrpc::{Document, document};
pub use secret::Secret;
pub use session::{OpenSession, Principal, Session, SetPassphrase, Unlock};
pub use storage::{Item, Items, ListItems, SetItems};
pub use time::{Time, span};

/// No parameters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Nothing {}

/// It is done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Done {}
