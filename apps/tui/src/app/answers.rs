//! What [`App`] does with the daemon's answers.

use sotto_api::{self as api, Error, Kind as ErrorKind};

use super::conversations::Entry;
use super::dialog::{Dialog, Kind};
use super::drafts::Drafts;
use super::edits::EDIT_KEY;
use super::name::Name;
use super::outgoing::Unsent;
use super::pane::{self, Hits, Page, Window};
use super::{
    About, App, Begun, Connection, Effect, Found, HostTask, Intent, Part, Purpose, REPLY_KEY, UNREAD_KEY, dialogs,
    excerpt, explained, from_item_key, quoted,
};
use crate::app::CHOICES_KEY;
use crate::daemon::Report;
use crate::query::Query;
use crate::request::{Answer, Request};
use crate::when;

/// The same is taken from the owner.
const fn needs_owner(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::ApprovalRequired | ErrorKind::OwnerRequired)
}

impl App {
    pub(super) fn report(&mut self, report: Report) {
        match report {
            Report::Connected { owner_needed, lockable } => {
                self.lockable = lockable;
                if owner_needed && !self.locked {
                    self.ask_owner(None);
                }
                self.connection = Connection::Up;
                self.reading = false;
                self.tells_typing = false;
                self.told_focus = None;
                self.read_everything();
                for (key, value) in std::mem::take(&mut self.unkept) {
                    self.store(key, value);
                }
                for (item, expected) in self.drafts.keep_again() {
                    self.store_expected(item, expected);
                }
                self.outgoing.retry();
                self.is_over(&About::Kept);
            }
            Report::Disconnected(why) => {
                let since = match &self.connection {
                    Connection::Down { since, .. } => *since,
                    _ => self.now,
                };
                // That daemon can still be about to end: it is asked at each attempt to connect.
                if self.hosting && !self.watching {
                    self.watching = true;
                    self.effect(Effect::Host(HostTask::Watch));
                }
                self.connection = Connection::Down { since, why };
            }
            Report::Event(event) => self.event(*event),
            Report::Answer(purpose, answer) => self.answered(purpose, answer),
        }
    }

    fn answered(&mut self, purpose: Purpose, answer: Result<Box<Answer>, Error>) {
        let list = purpose == Purpose::Part(Part::Contacts);
        let page = match &purpose {
            Purpose::Page { window, .. } => Some(*window),
            _ => None,
        };
        match answer {
            Ok(answer) => self.answer(purpose, *answer),
            Err(error) => self.failed(purpose, &error),
        }
        if list {
            self.conversations.answered();
        }
        if let (Some(window), Some(pane)) = (page, &mut self.pane) {
            pane.answered(window);
        }
    }

    fn answer(&mut self, purpose: Purpose, answer: Answer) {
        match &purpose {
            Purpose::Part(part) => {
                self.in_flight.remove(part);
            }
            Purpose::Sent(unsent) => {
                self.outgoing.settled(unsent);
                self.tell_requested(None);
            }
            _ => {}
        }
        if self.is_old_quote(&purpose) {
            return;
        }
        match (purpose, answer) {
            (Purpose::Draft { conversation, text }, Answer::Draft(items)) => {
                let key = Drafts::key(&conversation);
                let stored = items.items.into_iter().find(|item| item.key == key);
                if self.drafts.text(&conversation) == text {
                    self.take_draft(&conversation, &stored.and_then(|item| item.value).unwrap_or_default());
                }
            }
            (Purpose::Part(_), Answer::Notifications(notifications)) => {
                self.notifications = Some(notifications);
                self.refill();
            }
            (Purpose::Page { page, window }, Answer::History(history)) => self.take_page(&page, window, history),
            (Purpose::Page { page, window }, Answer::Message(message)) => {
                let history = api::HistoryPage {
                    messages: vec![message],
                    first_unread: None,
                    unread: None,
                    last_seq: 0,
                };
                self.take_page(&page, window, history);
            }
            (Purpose::Quote { id, .. }, Answer::Message(message)) => self.take_quote(id, &message),
            (Purpose::Begun(id), Answer::Message(message)) => {
                if message.deleted_at.is_some() {
                    self.end_begun(&id);
                }
            }
            (Purpose::Search(query), Answer::Search(found)) => self.take_found(&query, found.messages),
            (
                Purpose::Hits {
                    conversation,
                    query,
                    found,
                },
                Answer::Search(messages),
            ) => {
                let places = messages.messages.iter().map(api::Message::place).collect();
                if found {
                    self.take_other_hits(&conversation, &query, places);
                } else {
                    self.take_hits(&conversation, query, places);
                }
            }
            (Purpose::Unread { conversation, left }, Answer::History(page)) => {
                self.take_unread(conversation, left, &page);
            }
            (purpose, answer) => {
                if let Some(answer) = self.take_state(answer) {
                    self.done(purpose, answer);
                }
            }
        }
    }

    /// What is shown of the node, in lists and panels, whatever it was asked for. Gives back what is none of it.
    fn take_state(&mut self, answer: Answer) -> Option<Answer> {
        match answer {
            Answer::Status(status) => {
                self.take_status(status);
                return None;
            }
            Answer::Identity(identity) => {
                self.take_identity(identity);
                return None;
            }
            Answer::Items(items) => {
                self.take_items(items);
                return None;
            }
            Answer::Threads(threads) => {
                self.conversations.set_threads(&threads.threads);
                self.refill_threads(&threads.threads);
                return None;
            }
            Answer::Doctor(report) => self.doctor = Some(report),
            Answer::Contacts(contacts) => {
                if !self.conversations.set_contacts(contacts) {
                    self.stale.insert(Part::Contacts);
                }
            }
            Answer::Requests(requests) => self.requests = requests.requests,
            Answer::Approvals(approvals) => {
                // What the user sends is asked for by the passphrase.
                let of_agents = |approval: &api::Approval| !self.outgoing.is_own(&approval.id);
                self.approvals = approvals.approvals.into_iter().filter(of_agents).collect();
            }
            Answer::Invites(invites) => self.invites = invites.invites,
            Answer::Outbox(messages) => self.outbox = messages.messages,
            answer => return Some(answer),
        }
        self.refill();
        None
    }

    /// Whether the quoted message has changed since it was asked for. Then it is asked for again.
    fn is_old_quote(&mut self, purpose: &Purpose) -> bool {
        let Purpose::Quote { id, conversation } = purpose else {
            return false;
        };
        let is_old = self.quotes_asked.remove(id) == Some(true);
        if is_old {
            self.ask_quote(id.clone(), conversation.clone());
        }
        is_old
    }

    fn take_quote(&mut self, id: String, message: &api::Message) {
        let quoted = quoted(message);
        if let Intent::Reply { id: to, quote } = &mut self.intent
            && *to == id
        {
            quote.clone_from(&quoted);
        }
        self.quotes.insert(id, Some(quoted));
        self.forget_layout();
    }

    fn take_identity(&mut self, identity: api::Identity) {
        self.conversations.set_own_name(&identity.name);
        self.me = Some(identity);
    }

    fn take_status(&mut self, status: api::Status) {
        self.tells_typing = status.typing;
        let before = self.status.as_ref();
        let changed = before.is_none_or(|before| {
            (&before.network, before.queued, before.requests) != (&status.network, status.queued, status.requests)
        });
        if before.is_none_or(|before| before.network != status.network) {
            self.status_clock.changed(status.network.reachable, self.now);
        }
        // What is looked at is checked again.
        if changed && self.dialogs.iter().any(|open| open.kind == Kind::Status) {
            self.stale.insert(Part::Doctor);
        }
        self.lockable = status.owner_passphrase;
        self.status = Some(status);
        self.lock_if_asked();
        self.refill();
    }

    /// The answers to what the user has done.
    fn done(&mut self, purpose: Purpose, answer: Answer) {
        match (purpose, answer) {
            (Purpose::Accepted(onion), Answer::Accept(contact)) => {
                self.conversations.set_contact(contact);
                self.conversations.settle();
                self.stale.insert(Part::Requests);
                self.close_all();
                self.open_conversation(&onion);
                if let Some(dialog) = self.rename_dialog(&onion) {
                    self.open(dialog);
                }
            }
            (Purpose::Added, Answer::Add(contact)) => {
                let onion = contact.who.contact.clone();
                let friend = contact.relationship == api::Relationship::Friend;
                self.conversations.set_contact(contact);
                self.conversations.settle();
                self.close_all();
                self.open_conversation(&onion);
                self.say(if friend {
                    "You are friends now."
                } else {
                    "Your request is on its way. You can write already."
                });
            }
            (Purpose::Safety(_), Answer::Verify(safety)) => {
                self.close_if(|kind| matches!(kind, Kind::Safety(_)));
                self.open(dialogs::safety(&safety));
            }
            (Purpose::Invite, Answer::Invite(invite)) => {
                self.close_if(|kind| *kind == Kind::Invite);
                self.open(dialogs::invite(&invite));
            }
            (Purpose::Renamed, Answer::SetName(identity)) => {
                self.take_identity(identity);
                self.close_if(|kind| *kind == Kind::ClaimedName);
                self.say("Contacts see the new name when they are next connected.");
            }
            (Purpose::Unlock, Answer::Unlock(_)) => self.unlocked(),
            (Purpose::Dialog(kind), answer) => {
                self.close_if(|open| *open == kind);
                self.follow_up(answer);
            }
            (Purpose::Allow(_), answer) => {
                self.say("Allowed: it is sent.");
                self.follow_up(answer);
            }
            (Purpose::Said(what), answer) => {
                self.say(what);
                self.follow_up(answer);
            }
            (Purpose::Read(ids), _) => self.have_read(&ids),
            (Purpose::Kept(item), _) => {
                if self.last_put.get(&item.key) == Some(&item.value) {
                    self.last_put.remove(&item.key);
                }
                self.drafts.kept(&item);
            }
            (Purpose::Sent(Unsent::Edit(_)), _) => self.say("Edited."),
            (_, answer) => self.follow_up(answer),
        }
    }

    /// What an answer changes, whatever it was for.
    fn follow_up(&mut self, answer: Answer) {
        match answer {
            Answer::Rename(contact)
            | Answer::Block(contact)
            | Answer::Unblock(contact)
            | Answer::Remove(contact)
            | Answer::Reject(contact) => {
                self.conversations.set_contact(contact);
                self.stale.insert(Part::Contacts);
                self.stale.insert(Part::Requests);
                self.forget_layout();
            }
            Answer::Notify(notifications) | Answer::Mute(notifications) | Answer::Unmute(notifications) => {
                self.notifications = Some(notifications);
                self.refill();
            }
            Answer::Timer(timers) => {
                self.say_whose_timer(&timers);
                self.changed(Part::Contacts);
            }
            Answer::Verify(_) => self.changed(Part::Contacts),
            Answer::Allow(_) | Answer::Deny(_) => self.changed(Part::Approvals),
            Answer::Revoke(_) => self.changed(Part::Invites),
            Answer::Cancel(_) | Answer::Retry(_) => self.changed(Part::Outbox),
            Answer::Clear(deleted) => {
                let messages = dialogs::messages(deleted.messages);
                self.say(format!("Deleted on this computer: {messages}."));
                self.forget_inputs(&deleted.conversation);
                self.begun.remove(&deleted.conversation);
                self.end_edit(&deleted.conversation);
                self.reopen(&deleted.conversation);
                self.stale.insert(Part::Contacts);
            }
            _ => {}
        }
    }

    /// A timer that was set has no effect beside a shorter one of the peer.
    fn say_whose_timer(&mut self, timers: &api::ConversationTimers) {
        if timers.seconds == timers.ours {
            return;
        }
        let whose = self.conversations.entry(&timers.conversation);
        let whose = whose.map_or_else(|| String::from("Your contact"), |entry| entry.name.brief());
        let theirs = when::timer(timers.theirs);
        self.say(format!("{whose} has set {theirs}. The shorter timer counts."));
    }

    pub(super) fn changed(&mut self, part: Part) {
        self.stale.insert(part);
    }

    fn reopen(&mut self, conversation: &str) {
        if self.here() == Some(conversation) {
            let conversation = conversation.to_owned();
            self.pane = None;
            self.open_conversation(&conversation);
        }
    }

    /// The daemon has answered for what the user sends, and `own` is the approval that it made of it: what else was requested meanwhile is
    /// of agents.
    fn tell_requested(&mut self, own: Option<&str>) {
        if let Some(approval) = self.outgoing.answered(own) {
            self.say_requested(approval);
        }
        self.approvals.retain(|approval| !self.outgoing.is_own(&approval.id));
    }

    fn failed(&mut self, purpose: Purpose, error: &Error) {
        if matches!(purpose, Purpose::Sent(_)) && error.kind() != ErrorKind::NoDaemon {
            self.tell_requested(error.data.approval.as_ref().map(|approval| approval.id.as_str()));
        }
        if self.withdraw(&purpose, error) {
            self.tell_failed(purpose, error);
        }
    }

    /// Takes back what was expected of a request that failed. False if it is no news: the same was refused before.
    fn withdraw(&mut self, purpose: &Purpose, error: &Error) -> bool {
        match purpose {
            Purpose::Sent(unsent) if error.kind() == ErrorKind::NoDaemon => self.outgoing.failed(unsent, self.now),
            Purpose::Sent(unsent) if needs_owner(error) => self.outgoing.hold(unsent),
            // It was refused before.
            Purpose::Sent(unsent) if !self.outgoing.settled(unsent) => return false,
            Purpose::Part(part) => {
                self.in_flight.remove(part);
                if *part == Part::Status {
                    self.lock_if_asked();
                }
            }
            Purpose::Read(ids) => self.have_read(ids),
            Purpose::Begun(id) if error.kind() == ErrorKind::UnknownMessage => self.end_begun(id),
            Purpose::Quote { id, .. } => {
                self.quotes_asked.remove(id);
                if error.kind() == ErrorKind::UnknownMessage {
                    self.quoted_has_gone(id);
                }
            }
            Purpose::Page { page, window } => self.page_failed(page, *window, error),
            _ => {}
        }
        true
    }

    /// What was quoted, or was to be replied to, has gone.
    fn quoted_has_gone(&mut self, gone: &str) {
        if self.quotes.insert(gone.to_owned(), None).flatten().is_some() {
            self.forget_layout();
        }
        if matches!(&self.intent, Intent::Reply { id, .. } if id == gone) {
            self.intent = Intent::Send;
        }
    }

    fn page_failed(&mut self, page: &Page, window: Window, error: &Error) {
        let Some(pane) = self.pane.as_mut().filter(|pane| pane.takes(page, window)) else {
            return;
        };
        pane.failed(page);
        // The message beside which it was to be has gone unseen: so may others of the window.
        let beside = matches!(page, Page::Older | Page::Newer | Page::Again);
        if beside && error.kind() == ErrorKind::UnknownMessage {
            self.ask_page(Page::Newest);
        }
    }

    fn tell_failed(&mut self, purpose: Purpose, error: &Error) {
        let quiet = matches!(
            purpose,
            Purpose::Silent
                | Purpose::Quote { .. }
                | Purpose::Begun(_)
                | Purpose::Draft { .. }
                | Purpose::Part(_)
                | Purpose::Read(_)
                | Purpose::Kept(_)
        );
        match (error.kind(), purpose) {
            // It goes out when the daemon is back: it has an idempotency key, so it is one message however often it is tried.
            (ErrorKind::NoDaemon, Purpose::Sent(_)) => self.say_kept(),
            (ErrorKind::NoDaemon, Purpose::Kept(item)) if Drafts::conversation(&item.key).is_some() => {
                self.drafts.not_kept(&item);
            }
            (ErrorKind::NoDaemon, Purpose::Kept(item)) => {
                if self.last_put.get(&item.key) == Some(&item.value) {
                    self.unkept.insert(item.key, item.value);
                }
            }
            (ErrorKind::WrongState, Purpose::Kept(item)) => {
                if let Some(conversation) = Drafts::conversation(&item.key) {
                    self.draft_is_anothers(&item.key, &conversation);
                }
            }
            (ErrorKind::NoDaemon, Purpose::Unread { .. }) => {
                self.complain("The daemon does not answer: not everything is marked as read.");
            }
            (ErrorKind::NoDaemon, _) => {
                if let Some(open) = self.dialogs.last_mut().filter(|open| open.busy) {
                    open.fail(explained(error));
                }
            }
            // Agents were added meanwhile. It is sent once the user has proven to be the owner.
            (_, Purpose::Sent(_)) if needs_owner(error) => {
                if let Some(approval) = &error.data.approval {
                    let id = approval.id.clone();
                    self.call(Request::Deny(api::Decide { id, digest: None }), Purpose::Silent);
                }
                self.ask_owner(None);
            }
            // Its message cannot be edited any more.
            (ErrorKind::UnknownMessage | ErrorKind::WrongState, Purpose::Sent(Unsent::Edit(edit))) => {
                self.edit_is_draft(&edit.conversation.unwrap_or_default(), &edit.id, &edit.text);
                self.complain_of(error);
            }
            (_, Purpose::Sent(unsent)) => {
                self.take_back(unsent);
                self.complain_of(error);
            }
            _ if quiet => {}
            // The window is read anew.
            (ErrorKind::UnknownMessage, Purpose::Page { page, .. }) if !matches!(page, Page::Around(_)) => {}
            // The dialog shows the number that was compared, which is another one now.
            (ErrorKind::UntrustedKey, Purpose::Safety(contact)) => {
                self.complain("Their safety number has changed meanwhile. Compare the new one.");
                self.close_if(|kind| matches!(kind, Kind::Safety(_)));
                self.ask_safety(contact);
            }
            (_, Purpose::Unlock) => {
                let why = explained(error);
                let open = self.dialogs.last_mut();
                if let Some(open) = open.filter(|open| matches!(open.kind, Kind::Locked | Kind::Owner(_))) {
                    open.fail(why);
                }
            }
            (ErrorKind::OwnerRequired, Purpose::Allow(decide)) => self.ask_owner(Some(decide)),
            (ErrorKind::OwnerRequired, _) => self.ask_owner(None),
            _ => match self.dialogs.last_mut().filter(|open| open.busy) {
                Some(open) => open.fail(explained(error)),
                None => self.complain_of(error),
            },
        }
    }

    /// What waits for the owner's passphrase comes back once that is not asked for any more.
    pub(super) fn give_up_sending(&mut self) {
        let asked = |open: &Dialog| matches!(open.kind, Kind::Owner(_) | Kind::Locked);
        if self.dialogs.iter().any(asked) {
            return;
        }
        for unsent in self.outgoing.give_up().into_iter().rev() {
            self.take_back(unsent);
        }
    }

    fn take_back(&mut self, unsent: Unsent) {
        match unsent {
            Unsent::Message(send) => self.take_message_back(*send),
            Unsent::Edit(edit) => self.take_edit_back(*edit),
        }
    }

    /// An edit that was refused is there again; if something else is being written, after the draft.
    fn take_edit_back(&mut self, edit: api::Edit) {
        let conversation = edit.conversation.unwrap_or_default();
        if self.here() == Some(conversation.as_str()) && self.intent == Intent::Send {
            self.intent = Intent::Edit { id: edit.id };
            self.composer.set_text(&edit.text);
            self.edits.typed(self.now);
        } else {
            self.edit_is_draft(&conversation, &edit.id, &edit.text);
        }
    }

    /// A text that was refused comes back, before what was written since: nothing of what the user wrote is lost.
    fn take_message_back(&mut self, send: api::Send) {
        let text = match self.drafts.text(&send.conversation) {
            "" => send.text,
            draft => format!("{}\n\n{draft}", send.text),
        };
        let editing = matches!(self.intent, Intent::Edit { .. });
        self.drafts.set(&send.conversation, &text);
        if self.here() == Some(send.conversation.as_str()) && !editing {
            // Too much for one message: the draft has all of it.
            self.composer.set_text(&text);
            let quote = send.reply_to.as_ref().and_then(|id| self.quotes.get(id)?.clone());
            if let (Intent::Send, Some(id)) = (&self.intent, send.reply_to) {
                let quote = quote.unwrap_or_default();
                self.intent = Intent::Reply { id, quote };
            }
        }
        self.keep_draft(true);
        self.unsaved = Some((send.conversation, self.now));
    }

    /// These are read, whether or not the daemon tells so by an event: what it does not know is not asked for again.
    fn have_read(&mut self, ids: &[String]) {
        self.reading = false;
        if let Some(pane) = &mut self.pane {
            for id in ids {
                pane.read(id);
            }
        }
    }

    /// Asks for the owner's passphrase, unless that is asked already.
    fn ask_owner(&mut self, then: Option<api::Decide>) {
        if !self.dialogs.iter().any(|open| matches!(open.kind, Kind::Owner(_))) {
            self.open(dialogs::owner(then));
        }
    }

    /// Closes the uppermost dialog, if it is that one.
    pub(super) fn close_if(&mut self, which: impl Fn(&Kind) -> bool) {
        if self.dialogs.last().is_some_and(|open| which(&open.kind)) {
            self.close();
        }
    }

    pub fn forget_layout(&mut self) {
        if let Some(pane) = &mut self.pane {
            pane.forget_layout();
        }
    }

    fn take_items(&mut self, items: api::Items) {
        for api::Item { key, value } in items.items {
            let value = value.unwrap_or_default();
            if let Some(conversation) = Drafts::conversation(&key) {
                if !Drafts::is_beside(&key) {
                    self.take_draft(&conversation, &value);
                } else if let Some(join) = self.drafts.join(&key, &value) {
                    self.show_draft(&conversation);
                    self.call(Request::Store(join), Purpose::Silent);
                }
            } else if let Some(conversation) = key.strip_prefix(UNREAD_KEY).map(from_item_key) {
                self.mark(&conversation, |entry| entry.marked_unread = true);
            } else if let Some(conversation) = key.strip_prefix(REPLY_KEY).map(from_item_key) {
                self.take_reply(conversation, value);
            } else if let Some(conversation) = key.strip_prefix(EDIT_KEY).map(from_item_key) {
                self.take_edit(conversation, &value);
            } else if key == CHOICES_KEY {
                let chosen = self.config.choose(&value);
                self.apply(&chosen);
            }
        }
    }

    /// Takes the message that a draft replies to, unless something else was begun there since.
    fn take_reply(&mut self, conversation: String, id: String) {
        self.replies.insert(conversation.clone(), id.clone());
        let quote = String::new();
        let intent = Intent::Reply { id, quote };
        if self.here() != Some(conversation.as_str()) {
            let text = String::new();
            self.begun.entry(conversation).or_insert(Begun { intent, text });
        } else if self.intent == Intent::Send {
            self.take_intent(&conversation, intent);
        }
    }

    /// Takes the draft of a conversation as the store has it, unless one was begun here.
    fn take_draft(&mut self, conversation: &str, text: &str) {
        if text != self.drafts.text(conversation) && self.drafts.take(conversation, text) {
            self.show_draft(conversation);
        }
    }

    /// A draft has changed elsewhere than in the composer, which shows it.
    pub(super) fn show_draft(&mut self, conversation: &str) {
        let text = self.drafts.text(conversation).to_owned();
        let begun = !text.is_empty();
        self.mark(conversation, |entry| entry.draft = begun);
        if self.here() == Some(conversation) && !matches!(self.intent, Intent::Edit { .. }) {
            self.composer.set_text(&text);
        }
    }

    /// Another window has written in the same conversation meanwhile.
    fn draft_is_anothers(&mut self, key: &str, conversation: &str) {
        self.drafts.keep_beside(key, conversation);
        if self.drafts.text(conversation).is_empty() {
            return;
        }
        self.keep_draft_of(conversation);
        self.say_of(
            About::DraftBeside(conversation.to_owned()),
            "Another window of Sotto has a draft here as well. Both are kept.",
        );
    }

    /// Marks a conversation, which may not have been read yet.
    fn mark(&mut self, conversation: &str, mark: impl FnOnce(&mut Entry)) {
        self.conversations
            .change(conversation, || Name::of(None, None, conversation), mark);
    }

    fn take_page(&mut self, page: &Page, window: Window, history: api::HistoryPage) {
        let Some(pane) = self.pane.as_mut().filter(|pane| pane.takes(page, window)) else {
            return;
        };
        let first = !pane.loaded;
        let full = history.messages.len() >= pane::PAGE as usize;
        let empty = history.messages.is_empty();
        let whole = pane.take(page, history.messages, full, history.last_seq);
        let newest = pane.is_at_bottom();
        if first {
            let unread = history
                .first_unread
                .or_else(|| pane.unread().next().map(api::Message::place));
            if let Some(place) = unread {
                pane.first_unread = Some(place);
            }
            let conversation = pane.conversation.clone();
            let marked = self
                .conversations
                .entry(&conversation)
                .is_some_and(|entry| entry.marked_unread);
            if marked {
                self.conversations
                    .touch(&conversation, |entry| entry.marked_unread = false);
                self.store(format!("{UNREAD_KEY}{}", super::item_key(&conversation)), None);
            }
        }
        if !whole {
            self.ask_page(if newest { Page::Newest } else { Page::Again });
        }
        let (Page::Around(id) | Page::First(id)) = page else {
            return;
        };
        // The message itself and those after it.
        if let Some(pane) = &mut self.pane {
            pane.want(id);
        }
        self.ask_page(match page {
            Page::Around(id) if empty => Page::First(id.clone()),
            _ => Page::Newer,
        });
    }

    fn take_found(&mut self, query: &str, messages: Vec<api::Message>) {
        let asked = self
            .dialogs
            .last()
            .is_some_and(|open| open.kind == Kind::Search && open.value(0) == query);
        if asked {
            let query = Query::of(query);
            let found = |message| Found {
                excerpt: excerpt(&message, &query),
                message,
            };
            let there = |message: &api::Message| !self.gone.contains(&message.place());
            self.found = messages.into_iter().filter(there).map(found).collect();
            self.refill();
        }
    }

    /// The other hits of a search by which the conversation was opened.
    fn take_other_hits(&mut self, conversation: &str, query: &str, places: Vec<String>) {
        self.in_pane(conversation, |pane| {
            let hits = pane.hits.as_mut().filter(|hits| hits.query == query);
            if let Some(hits) = hits
                && let Some(now) = hits.places.get(hits.at)
                && let Some(at) = places.iter().position(|place| place == now)
            {
                hits.places = places;
                hits.at = at;
            }
        });
    }

    fn take_hits(&mut self, conversation: &str, query: String, places: Vec<String>) {
        if self.here() != Some(conversation) {
            return;
        }
        self.close_if(|kind| *kind == Kind::Find);
        if places.is_empty() {
            self.complain(format!("Nothing here has {query:?}."));
            return;
        }
        if let Some(pane) = &mut self.pane {
            pane.remember();
            pane.hits = Some(Hits { query, places, at: 0 });
        }
        self.show_hit();
    }
}
