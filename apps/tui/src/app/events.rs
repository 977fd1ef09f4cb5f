//! What [`App`] does with events: it keeps lists and messages true without asking the daemon.

use sotto_api::{Body, Direction, Event, Message, MessageState, NotificationMode};

use super::{App, Part, quoted};
use crate::app::name::Name;
use crate::when;

impl App {
    pub(super) fn event(&mut self, event: Event) {
        let at = event.at.millis();
        match event.body {
            Body::MessageReceived {
                conversation, message, ..
            } => {
                let Some(message) = message else { return };
                let used = when::of(&message).millis().max(at);
                let new = message.state != MessageState::Read;
                self.conversations.change(
                    &conversation,
                    || Name::from(&*message),
                    |entry| {
                        entry.last_at = entry.last_at.max(used);
                        entry.unread += u64::from(new);
                        entry.typing = false;
                    },
                );
                self.announce(&conversation, &message);
                if let Some(pane) = self.pane.as_mut().filter(|pane| pane.conversation == conversation) {
                    pane.arrived(*message);
                }
            }
            Body::MessageQueued {
                conversation, message, ..
            } => {
                let Some(message) = message else { return };
                self.conversations.change(
                    &conversation,
                    || Name::of(None, None, &conversation),
                    |entry| entry.last_at = entry.last_at.max(at),
                );
                if let Some(pane) = self.pane.as_mut().filter(|pane| pane.conversation == conversation) {
                    pane.arrived(*message);
                }
                self.outbox_changed();
            }
            Body::MessageState {
                id,
                conversation,
                direction,
                state,
                reason,
                ..
            } => {
                if direction == Direction::In && state == MessageState::Read {
                    self.conversations.change(
                        &conversation,
                        || Name::of(None, None, &conversation),
                        |entry| entry.unread = entry.unread.saturating_sub(1),
                    );
                }
                self.in_pane(&conversation, |pane| {
                    pane.change(&id, |message| {
                        message.state = state;
                        message.state_at = event.at;
                        message.reason = reason;
                        message.hold = None;
                        // A timer starts with the reading; the message says so when it is read again.
                        let lives = u64::from(message.ttl) * 1000;
                        let starts = matches!(state, MessageState::Read | MessageState::Delivered) && lives > 0;
                        if starts && direction == Direction::In && message.expires_at.is_none() {
                            message.expires_at = Some(sotto_api::Time::from_millis(at + lives));
                        }
                    });
                });
                self.outbox_changed();
            }
            Body::MessageEdited {
                conversation, message, ..
            }
            | Body::MessageReacted {
                conversation, message, ..
            } => {
                let Some(message) = message else { return };
                if let Some(quote) = self.quotes.get_mut(&message.id) {
                    *quote = Some(quoted(&message));
                    self.forget_layout();
                }
                self.in_pane(&conversation, |pane| pane.update(*message));
            }
            Body::MessageDeleted { id, conversation, .. } => {
                self.quotes.remove(&id);
                self.in_pane(&conversation, |pane| {
                    pane.change(&id, |message| {
                        message.text.clear();
                        message.reactions.clear();
                        message.deleted_at = Some(event.at);
                    });
                });
            }
            Body::MessageDisappeared { id, conversation, .. } => {
                self.quotes.remove(&id);
                self.in_pane(&conversation, |pane| pane.remove(&id));
                self.stale.insert(Part::Contacts);
            }
            Body::Presence {
                who,
                presence,
                as_of,
                typing,
            } => {
                self.conversations.set_presence(&who.contact, presence, as_of, typing);
            }
            Body::RequestReceived { who } => {
                self.stale.insert(Part::Requests);
                self.say(format!("{} asks to be your friend.", Name::from(&who).text()));
            }
            Body::ContactAdded { who } => {
                self.stale.insert(Part::Contacts);
                self.stale.insert(Part::Requests);
                self.say(format!("{} and you are friends now.", Name::from(&who).text()));
            }
            Body::ContactUntrusted { who, untrusted: true } => {
                self.stale.insert(Part::Contacts);
                self.complain(format!(
                    "The key of {} has changed. What waits is held until you compare the safety number.",
                    Name::from(&who).text()
                ));
            }
            Body::IdentityElsewhere { .. } => {
                self.complain("Another machine runs with your identity. Stop Sotto on one of the two.");
            }
            Body::ApprovalRequested { .. } => {
                self.stale.insert(Part::Approvals);
                self.say("An agent wants to send a message and waits for your approval.");
            }
            Body::ApprovalAllowed { .. } | Body::ApprovalDenied { .. } | Body::ApprovalExpired { .. } => {
                self.stale.insert(Part::Approvals);
            }
            Body::RequestDelivered { .. }
            | Body::RequestDeclined { .. }
            | Body::ContactRemoved { .. }
            | Body::ContactBlocked { .. }
            | Body::ContactVerified { .. }
            | Body::ContactRekeyed { .. }
            | Body::ContactRolledBack { .. }
            | Body::ContactUntrusted { .. }
            | Body::RemovedByPeer { .. }
            | Body::ContactPaused { .. }
            | Body::TimerChanged { .. } => {
                self.stale.insert(Part::Contacts);
                self.stale.insert(Part::Requests);
            }
            Body::Gap { .. } => self.read_everything(),
        }
    }

    fn in_pane(&mut self, conversation: &str, change: impl FnOnce(&mut super::pane::Pane)) {
        if let Some(pane) = self.pane.as_mut().filter(|pane| pane.conversation == conversation) {
            change(pane);
        }
    }

    fn outbox_changed(&mut self) {
        if self.dialogs.iter().any(|open| open.kind == super::dialog::Kind::Outbox) {
            self.stale.insert(Part::Outbox);
        }
    }

    /// Rings for a message, unless the user sees it or does not want it.
    fn announce(&mut self, conversation: &str, message: &Message) {
        let seen = self.sees_messages() && self.here() == Some(conversation);
        let muted = self.conversations.entry(conversation).is_some_and(|entry| entry.muted);
        if self.config.bell && !seen && !muted {
            self.effect(super::Effect::Bell);
        }
        if self.config.notify && !seen && !muted {
            self.effect(super::Effect::Notify(self.notification(message)));
        }
    }

    /// What a notification of the terminal says: no more than the user has chosen for the desktop, and nothing of content while the
    /// interface is locked.
    fn notification(&self, message: &Message) -> String {
        let mode = self.notifications.as_ref().map(|known| known.mode).unwrap_or_default();
        let name = Name::from(message).text();
        match mode {
            _ if self.locked => String::from("A message has arrived"),
            NotificationMode::Off | NotificationMode::Count => String::from("A message has arrived"),
            NotificationMode::Text if message.ttl == 0 => {
                let line: String = message
                    .text
                    .lines()
                    .next()
                    .unwrap_or_default()
                    .chars()
                    .take(120)
                    .collect();
                format!("{name}: {line}")
            }
            NotificationMode::Sender | NotificationMode::Text => format!("{name} has written"),
        }
    }
}
