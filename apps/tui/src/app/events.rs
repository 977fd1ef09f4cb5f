//! What [`App`] does with events: it keeps lists and messages true without asking the daemon.

use sotto_api::{Body, Direction, Event, FailReason, Message, MessageState, NotificationMode, Time};

use super::{About, App, Part};
use crate::app::name::Name;
use crate::when;

impl App {
    pub(super) fn event(&mut self, event: Event) {
        let at = event.at;
        match event.body {
            Body::MessageReceived {
                conversation,
                message: Some(message),
                ..
            } => self.received(&conversation, *message, at),
            Body::MessageQueued {
                conversation,
                message: Some(message),
                ..
            } => self.queued(&conversation, *message, at),
            body @ Body::MessageState { .. } => self.state_changed(body, at),
            Body::MessageEdited {
                conversation,
                message: Some(message),
                ..
            }
            | Body::MessageReacted {
                conversation,
                message: Some(message),
                ..
            } => {
                // Another author may have chosen this id: which of the two is quoted is asked again.
                if self.quotes.remove(&message.id).is_some() {
                    self.forget_layout();
                }
                self.in_pane(&conversation, |pane| pane.update(*message));
            }
            Body::MessageDeleted {
                id,
                conversation,
                author,
                direction,
            } => {
                self.message_gone(&id, &conversation, direction);
                self.in_pane(&conversation, |pane| {
                    pane.change(&format!("{author}/{id}"), |message| {
                        message.text.clear();
                        message.reactions.clear();
                        message.deleted_at = Some(at);
                    });
                });
            }
            Body::MessageDisappeared {
                id,
                conversation,
                author,
                direction,
            } => {
                self.message_gone(&id, &conversation, direction);
                self.in_pane(&conversation, |pane| pane.remove(&format!("{author}/{id}")));
                self.stale.insert(Part::Contacts);
            }
            Body::Gap { .. } => self.read_everything(),
            // The message has gone meanwhile.
            Body::MessageReceived { .. }
            | Body::MessageQueued { .. }
            | Body::MessageEdited { .. }
            | Body::MessageReacted { .. } => {}
            other => self.event_of_contacts(other),
        }
    }

    fn state_changed(&mut self, body: Body, at: Time) {
        let Body::MessageState {
            id,
            conversation,
            author,
            direction,
            state,
            reason,
            ..
        } = body
        else {
            return;
        };
        if direction == Direction::In && state == MessageState::Read {
            self.conversations.change(
                &conversation,
                || Name::of(None, None, &conversation),
                |entry| entry.unread = entry.unread.saturating_sub(1),
            );
        }
        self.in_pane(&conversation, |pane| {
            let place = format!("{author}/{id}");
            pane.change(&place, |message| put_state(message, state, reason, at));
        });
        if direction == Direction::Out {
            self.outbox_changed();
        }
    }

    fn received(&mut self, conversation: &str, message: Message, at: Time) {
        let used = when::of(&message).millis().max(at.millis());
        let new = message.state != MessageState::Read;
        self.conversations.change(
            conversation,
            || Name::from(&message),
            |entry| {
                entry.last_at = entry.last_at.max(used);
                entry.unread += u64::from(new);
                entry.typing = false;
            },
        );
        self.announce(conversation, &message);
        self.in_pane(conversation, |pane| pane.arrived(message));
    }

    fn queued(&mut self, conversation: &str, message: Message, at: Time) {
        self.conversations.change(
            conversation,
            || Name::of(None, None, conversation),
            |entry| entry.last_at = entry.last_at.max(at.millis()),
        );
        self.in_pane(conversation, |pane| pane.arrived(message));
        self.outbox_changed();
    }

    /// What happens with contacts, their requests, and what agents ask for. What lists it is read again.
    fn event_of_contacts(&mut self, body: Body) {
        match body {
            Body::Presence {
                who,
                presence,
                as_of,
                typing,
            } => return self.conversations.set_presence(&who.contact, presence, as_of, typing),
            Body::IdentityElsewhere { .. } => {
                return self.complain("Another machine runs with your identity. Stop Sotto on one of the two.");
            }
            Body::ApprovalRequested { approval, .. } => {
                if self.outgoing.requested(&approval) {
                    self.say_requested(approval);
                }
                return self.changed(Part::Approvals);
            }
            Body::ApprovalAllowed { approval, .. }
            | Body::ApprovalDenied { approval, .. }
            | Body::ApprovalExpired { approval, .. } => {
                self.outgoing.decided(&approval);
                self.is_over(&About::Approval(approval));
                return self.changed(Part::Approvals);
            }
            Body::RequestReceived { who } => {
                let name = Name::from(&who).text();
                match self.conversations.imitated_by(&who) {
                    Some(imitated) => self.complain(format!("{name} asks to be your friend. ! This peer {imitated}.")),
                    None => self.say(format!("{name} asks to be your friend.")),
                }
                return self.changed(Part::Requests);
            }
            Body::ContactAdded { who } => {
                self.say(format!("{} and you are friends now.", Name::from(&who).text()));
            }
            Body::ContactUntrusted { who, untrusted: true } => {
                self.complain(format!(
                    "The key of {} has changed. What waits is held until you compare the safety number.",
                    Name::from(&who).text()
                ));
            }
            _ => {}
        }
        self.stale.extend([Part::Contacts, Part::Requests]);
    }

    /// Says that an agent wants to send something.
    pub(super) fn say_requested(&mut self, approval: String) {
        self.say_of(
            About::Approval(approval),
            "An agent wants to send a message and waits for your approval.",
        );
    }

    pub(super) fn in_pane(&mut self, conversation: &str, change: impl FnOnce(&mut super::pane::Pane)) {
        if let Some(pane) = self.pane.as_mut().filter(|pane| pane.conversation == conversation) {
            change(pane);
        }
    }

    /// A message has gone: so has its text from all that is kept of it here. What was sent is not known by its id, so all of the history
    /// of inputs goes that could hold it.
    fn message_gone(&mut self, id: &str, conversation: &str, direction: Direction) {
        self.quotes.remove(id);
        self.begun.retain(|_, begun| !begun.is_about(id));
        if direction == Direction::In {
            return;
        }
        self.forget_inputs(conversation);
        self.outbox_changed();
    }

    /// Forgets what was sent in a conversation.
    pub(super) fn forget_inputs(&mut self, conversation: &str) {
        self.histories.remove(conversation);
        if self.here() == Some(conversation) {
            self.composer.exchange_history(Vec::new());
        }
    }

    /// What waits is another number of messages.
    fn outbox_changed(&mut self) {
        self.stale.insert(Part::Status);
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

/// The state of a message from then on.
fn put_state(message: &mut Message, state: MessageState, reason: Option<FailReason>, at: Time) {
    message.state = state;
    message.state_at = at;
    message.reason = reason;
    message.hold = None;
    // A timer starts with the reading; the message says so when it is read again.
    let lives = u64::from(message.ttl) * 1000;
    let starts = matches!(state, MessageState::Read | MessageState::Delivered) && lives > 0;
    if starts && message.direction == Direction::In && message.expires_at.is_none() {
        message.expires_at = Some(Time::from_millis(at.millis() + lives));
    }
}
