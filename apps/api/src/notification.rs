//! [`Notifications`] of the desktop, and the parameters of `notifications.*`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Conversation, Time};

/// What the desktop shows of what arrives.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Notifications {
    /// What a notification says.
    pub mode: NotificationMode,
    /// The conversations of which nothing is shown.
    pub muted: Vec<MutedConversation>,
    /// Whether the desktop shows them.
    pub desktop: Desktop,
}

/// What a notification says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum NotificationMode {
    /// There are none.
    #[default]
    Off,
    /// How much has arrived.
    Count,
    /// Who has written, too.
    Sender,
    /// The first line of the text, too; not of a message that disappears.
    Text,
}

/// A conversation of which nothing is shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MutedConversation {
    /// The conversation, and what to call it.
    #[serde(flatten)]
    pub conversation: Conversation,
    /// Until when; for good if there is none.
    pub until: Option<Time>,
}

/// The desktop's notification server.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Desktop {
    /// Whether it answers.
    pub state: DesktopState,
    /// What it calls itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server: Option<String>,
    /// Why it does not show notifications, for a person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

/// Whether the desktop's notification server answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DesktopState {
    /// It was not asked yet.
    #[default]
    Unknown,
    /// It did when it was last asked.
    Ready,
    /// It did not. It is asked again with the next notification.
    Unavailable,
}

/// Parameters of `notifications.set`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SetNotifications {
    /// What a notification says from now on: `off`, `count`, `sender` or `text`.
    pub mode: NotificationMode,
}

/// Parameters of `notifications.mute`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MuteConversation {
    /// A contact's petname, onion address, first 8 letters of one or more, or friend code; or `group:ID`, `channel:ID`.
    pub conversation: String,
    /// For so many seconds; for good if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seconds: Option<u32>,
}

/// Parameters of `notifications.focus`: what the user looks at through this connection, until it says another or ends.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SetFocus {
    /// The conversation, of which nothing is shown meanwhile; none if the user looks elsewhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conversation: Option<String>,
    /// The interface is locked: notifications say no more than how much has arrived.
    #[serde(default)]
    pub locked: bool,
}
