//! What [`App`] does with events: it keeps lists and messages true without asking the daemon.

use sotto_api::{Body, Direction, Event, Message, MessageState, NotificationMode, Time};

use super::conversations::Count;
use super::pane::Change;
use super::{About, App, Begun, Intent, Part};
use crate::app::name::Name;
use crate::when;

impl App {
    pub(super) fn event(&mut self, Event { seq, at, body }: Event) {
        match body {
            Body::MessageReceived {
                conversation,
                message: Some(message),
                ..
            } => self.received(seq, &conversation, *message, at),
            Body::MessageQueued {
                conversation,
                message: Some(message),
                ..
            } => self.queued(seq, &conversation, *message, at),
            body @ Body::MessageState { .. } => self.state_changed(seq, body, at),
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
                self.forget_quote(&message.id);
                self.in_pane(&conversation, |pane| pane.apply(seq, Change::Updated(*message)));
            }
            Body::MessageDeleted {
                id,
                conversation,
                author,
                direction,
            } => {
                let place = format!("{author}/{id}");
                self.message_gone(&id, &place, &conversation, direction);
                self.in_pane(&conversation, |pane| pane.apply(seq, Change::Deleted { place, at }));
            }
            Body::MessageDisappeared {
                id,
                conversation,
                author,
                direction,
            } => {
                let place = format!("{author}/{id}");
                self.message_gone(&id, &place, &conversation, direction);
                self.in_pane(&conversation, |pane| pane.apply(seq, Change::Gone { place }));
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

    fn state_changed(&mut self, seq: Option<u64>, body: Body, at: Time) {
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
        let place = format!("{author}/{id}");
        if direction == Direction::In && state == MessageState::Read {
            // One that was deleted is not counted any more, but can be read.
            let here = self.pane.as_ref().and_then(|pane| pane.message(&place));
            if here.is_none_or(|message| message.deleted_at.is_none()) {
                self.conversations.count(seq, &conversation, Count::Read);
            }
        }
        let change = Change::State {
            place,
            state,
            reason,
            at,
        };
        self.in_pane(&conversation, |pane| pane.apply(seq, change));
        if direction == Direction::Out {
            self.outbox_changed();
        }
    }

    fn received(&mut self, seq: Option<u64>, conversation: &str, message: Message, at: Time) {
        let used = when::of(&message).millis().max(at.millis());
        self.conversations.change(
            conversation,
            || Name::from(&message),
            |entry| {
                entry.last_at = entry.last_at.max(used);
                entry.typing = false;
            },
        );
        self.conversations.count(seq, conversation, Count::Received);
        self.announce(conversation, &message);
        self.in_pane(conversation, |pane| pane.apply(seq, Change::Arrived(message)));
    }

    fn queued(&mut self, seq: Option<u64>, conversation: &str, message: Message, at: Time) {
        self.conversations.change(
            conversation,
            || Name::of(None, None, conversation),
            |entry| entry.last_at = entry.last_at.max(at.millis()),
        );
        self.in_pane(conversation, |pane| pane.apply(seq, Change::Arrived(message)));
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
            } => {
                // It is in no log, so it is not known whether a list that is on its way has it.
                if self.in_flight.contains(&Part::Contacts) {
                    self.stale.insert(Part::Contacts);
                }
                return self.conversations.set_presence(&who.contact, presence, as_of, typing);
            }
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

    /// A message has changed: what is quoted of it is asked for again.
    pub(super) fn forget_quote(&mut self, id: &str) {
        if self.quotes.remove(id).is_some() {
            self.forget_layout();
        }
        if let Some(has_changed) = self.quotes_asked.get_mut(id) {
            *has_changed = true;
        }
        // So is what the open reply shows.
        if let Intent::Reply { id: to, quote } = &mut self.intent
            && to == id
        {
            quote.clear();
            if let Some(here) = self.here().map(str::to_owned) {
                self.ask_quote(id.to_owned(), here);
            }
        }
    }

    /// A message has gone: so has its text from all that is kept of it here. What was sent is not known by its id, so all of the history
    /// of inputs goes that could hold it.
    fn message_gone(&mut self, id: &str, place: &str, conversation: &str, direction: Direction) {
        self.forget_quote(id);
        // Another author can have chosen the id of an own message, which goes on.
        if direction == Direction::Out {
            self.end_begun(id);
        } else {
            let replies = |begun: &Begun| begun.is_about(id) && matches!(begun.intent, Intent::Reply { .. });
            self.begun.retain(|_, begun| !replies(begun));
        }
        self.gone.push_back(place.to_owned());
        if self.gone.len() > super::GONE {
            self.gone.pop_front();
        }
        if self.found.iter().any(|found| found.message.place() == place) {
            self.found.retain(|found| found.message.place() != place);
            self.refill();
        }
        if direction == Direction::In {
            // It may have been unread.
            self.stale.insert(Part::Contacts);
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
        if seen || muted || message.state == MessageState::Read {
            return;
        }
        if self.config.bell {
            self.effect(super::Effect::Bell);
        }
        if self.config.notify {
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
