//! [`Edits`]: the edits that were begun and typed at, as the store has them: one of each conversation, so that it goes on after a crash.
//! Those of messages with a timer are not there; of two windows that edit in one conversation, the store has the text that was typed last.

use std::collections::{BTreeMap, BTreeSet};

use sotto_api::{self as api, Item};

use super::conversations::Entry;
use super::{App, Begun, DRAFT, Intent, Purpose, item_key};
use crate::app::name::Name;
use crate::request::Request;

/// Where edits are kept in the store.
pub const EDIT_KEY: &str = "edit/";

/// Another text for a message.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Edit {
    /// The message.
    id: String,
    text: String,
}

impl Edit {
    /// As the store has it.
    fn value(&self) -> String {
        format!("{}\n{}", self.id, self.text)
    }

    fn of(value: &str) -> Option<Self> {
        let (id, text) = value.split_once('\n')?;
        Some(Self {
            id: id.to_owned(),
            text: text.to_owned(),
        })
    }
}

/// The edits of all conversations.
#[derive(Debug, Default)]
pub struct Edits {
    /// What the store has, by conversation.
    stored: BTreeMap<String, Edit>,
    /// Messages with a timer: the text of an edit would outlive them in the store, so none is kept there.
    disappearing: BTreeSet<String>,
    /// When the one of the open conversation is kept.
    due: Option<u64>,
}

impl Edits {
    /// An edit of that message begins.
    pub fn begin(&mut self, message: &api::Message) {
        if message.ttl > 0 || message.expires_at.is_some() {
            self.disappearing.insert(message.id.clone());
        }
    }

    /// It is typed at.
    pub const fn typed(&mut self, now: u64) {
        self.due = Some(now + DRAFT);
    }

    /// When one is kept.
    pub const fn due(&self) -> Option<u64> {
        self.due
    }

    /// Keeps one. The change in the store, if there is one.
    fn keep(&mut self, conversation: &str, edit: Edit) -> Option<Item> {
        if self.disappearing.contains(&edit.id) || self.stored.get(conversation) == Some(&edit) {
            return None;
        }
        let item = item(conversation, Some(edit.value()));
        self.stored.insert(conversation.to_owned(), edit);
        Some(item)
    }

    /// The one of a conversation is over.
    fn end(&mut self, conversation: &str) -> Option<Item> {
        self.stored.remove(conversation).map(|_| item(conversation, None))
    }
}

fn item(conversation: &str, value: Option<String>) -> Item {
    let key = format!("{EDIT_KEY}{}", item_key(conversation));
    Item { key, value }
}

impl App {
    /// Keeps the edit of the open conversation: once its text rests, or now.
    pub(super) fn keep_edit(&mut self, now: bool) {
        let is_due = |due: &mut u64| now || *due <= self.now;
        if self.edits.due.take_if(is_due).is_none() {
            return;
        }
        let (Some(here), Intent::Edit { id }) = (self.here().map(str::to_owned), self.intent.clone()) else {
            return;
        };
        let text = self.composer.text().to_owned();
        self.put(|edits| edits.keep(&here, Edit { id, text }));
    }

    /// An edit that was sent or given up is kept no longer.
    pub(super) fn end_left_edit(&mut self) {
        let Some(here) = self.here().map(str::to_owned) else {
            return;
        };
        let goes_on = |edit: &Edit| matches!(&self.intent, Intent::Edit { id } if *id == edit.id);
        if !self.edits.stored.get(&here).is_some_and(goes_on) {
            self.end_edit(&here);
        }
    }

    /// What was edited in a conversation has gone together with it.
    pub(super) fn end_edit(&mut self, conversation: &str) {
        self.put(|edits| edits.end(conversation));
    }

    fn put(&mut self, change: impl FnOnce(&mut Edits) -> Option<Item>) {
        if let Some(Item { key, value }) = change(&mut self.edits) {
            self.store(key, value);
        }
    }

    /// Takes an edit up that the store has, unless something else was begun there since: then its text is a draft.
    pub(super) fn take_edit(&mut self, conversation: String, value: &str) {
        let Some(edit) = Edit::of(value) else { return };
        let Edit { id, text } = edit.clone();
        self.edits.stored.insert(conversation.clone(), edit);
        let which = api::MessageOnly {
            id: id.clone(),
            conversation: Some(conversation.clone()),
        };
        self.call(Request::Message(which), Purpose::Begun(id.clone()));
        let intent = Intent::Edit { id: id.clone() };
        if self.here() != Some(conversation.as_str()) && !self.begun.contains_key(&conversation) {
            self.begun.insert(conversation, Begun { intent, text });
        } else if self.here() == Some(conversation.as_str()) && self.intent == Intent::Send {
            self.intent = intent;
            self.composer.set_text(&text);
        } else {
            self.edit_is_draft(&conversation, &id, &text);
        }
    }

    /// An own message has gone that something was begun with. What was typed for its text is a draft.
    pub(super) fn end_begun(&mut self, id: &str) {
        self.keep_edit(true);
        self.begun.retain(|_, begun| !begun.is_about(id));
        let open = matches!(&self.intent, Intent::Edit { id: of } if of == id);
        if open {
            self.intent = Intent::Send;
        }
        let edit = self.edits.stored.iter().find(|(_, edit)| edit.id == id);
        if let Some((conversation, text)) = edit.map(|(conversation, edit)| (conversation.clone(), edit.text.clone())) {
            self.edit_is_draft(&conversation, id, &text);
            let to = self.conversations.entry(&conversation);
            let to = to.map_or_else(String::new, |entry| format!(" to {}", entry.name.text()));
            self.say(format!("The message{to} is gone: your edit of it is a draft now."));
        } else if open {
            if let Some(here) = self.here().map(str::to_owned) {
                self.show_draft(&here);
            }
            self.say("The message that you edit is gone.");
        }
    }

    /// The text of an edit that cannot go on comes after the draft. That of a message with a timer would outlive it.
    pub(super) fn edit_is_draft(&mut self, conversation: &str, id: &str, text: &str) {
        self.end_edit(conversation);
        if self.edits.disappearing.contains(id) {
            return;
        }
        let whole = match self.drafts.text(conversation) {
            "" => text.to_owned(),
            draft => format!("{draft}\n\n{text}"),
        };
        self.drafts.set(conversation, &whole);
        if self.here() == Some(conversation) && !matches!(self.intent, Intent::Edit { .. }) {
            self.composer.set_text(&whole);
        }
        let begun = |entry: &mut Entry| entry.draft = true;
        self.conversations
            .change(conversation, || Name::of(None, None, conversation), begun);
        self.keep_draft_of(conversation);
    }
}
