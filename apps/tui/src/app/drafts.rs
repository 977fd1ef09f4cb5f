//! [`Drafts`]: the texts that were begun, as the store has them as well. Two windows of one profile can write to the same contact: what
//! the other one has written is never written over. Its draft is taken where none was begun here; else both are kept, the second one
//! beside the first, and joined when the interface starts the next time.

use std::collections::{BTreeMap, BTreeSet};

use sotto_api::{Item, SetItems};

/// Where drafts are kept in the store.
const KEY: &str = "draft/";

/// What the key of a draft ends with that is kept beside that of another window.
const BESIDE: char = '+';

/// The drafts of all conversations.
#[derive(Debug, Default)]
pub struct Drafts {
    /// By conversation; an empty one has been sent or deleted.
    texts: BTreeMap<String, String>,
    /// What the store holds, as far as is known, by key.
    stored: BTreeMap<String, String>,
    /// Conversations in which another window writes as well.
    beside: BTreeSet<String>,
}

impl Drafts {
    /// The draft of a conversation; empty if there is none.
    pub fn text(&self, conversation: &str) -> &str {
        self.texts.get(conversation).map_or("", String::as_str)
    }

    /// The draft is this from now on.
    pub fn set(&mut self, conversation: &str, text: &str) {
        self.texts.insert(conversation.to_owned(), text.to_owned());
    }

    /// Whether an item is a draft, and of which conversation.
    pub fn conversation(key: &str) -> Option<String> {
        let name = key.strip_prefix(KEY)?;
        Some(super::from_item_key(name.strip_suffix(BESIDE).unwrap_or(name)))
    }

    /// Where the draft of a conversation is kept.
    pub fn key(conversation: &str) -> String {
        format!("{KEY}{}", super::item_key(conversation))
    }

    /// Keeps the draft of a conversation, unless the store has one that is not known here.
    pub fn keep(&mut self, conversation: &str) -> (Item, Vec<Item>) {
        let text = self.text(conversation).to_owned();
        let mut key = Self::key(conversation);
        if self.beside.contains(conversation) {
            key.push(BESIDE);
            if text.is_empty() {
                self.beside.remove(conversation);
            }
            return (Item { key, value: some(text) }, Vec::new());
        }
        let known = self.stored.insert(key.clone(), text.clone()).unwrap_or_default();
        let expected = Item {
            key: key.clone(),
            value: some(known),
        };
        (Item { key, value: some(text) }, vec![expected])
    }

    /// Whether an item is a draft that was kept beside another one.
    pub fn is_beside(key: &str) -> bool {
        key.ends_with(BESIDE)
    }

    /// The store has a draft of that conversation that is not known here: from now on this one is kept beside it, until it is sent.
    pub fn keep_beside(&mut self, conversation: &str) {
        self.beside.insert(conversation.to_owned());
        self.stored.remove(&Self::key(conversation));
    }

    /// A draft of that conversation is kept beside that of another window.
    pub fn has_two(&self, conversation: &str) -> bool {
        self.beside.contains(conversation) && !self.text(conversation).is_empty()
    }

    /// What the store holds of a conversation is the draft, as far as is known.
    fn is_known(&self, conversation: &str) -> bool {
        let stored = self.stored.get(&Self::key(conversation));
        !self.beside.contains(conversation) && self.text(conversation) == stored.map_or("", String::as_str)
    }

    /// Takes the draft of a conversation as the store has it now. False if one was begun here since.
    pub fn take(&mut self, conversation: &str, text: &str) -> bool {
        let known = self.is_known(conversation);
        if known {
            self.stored.insert(Self::key(conversation), text.to_owned());
            self.set(conversation, text);
        }
        known
    }

    /// Takes a draft that was kept beside another one, and joins them. The change that does so in the store.
    pub fn join(&mut self, key: &str, text: &str) -> Option<SetItems> {
        let conversation = Self::conversation(key).filter(|conversation| self.is_known(conversation))?;
        let first = Self::key(&conversation);
        let before = self.text(&conversation).to_owned();
        let whole = match before.as_str() {
            "" => text.to_owned(),
            before => format!("{before}\n\n{text}"),
        };
        self.stored.insert(first.clone(), whole.clone());
        self.set(&conversation, &whole);
        let item = |key: &str, value| Item {
            key: key.to_owned(),
            value: some(value),
        };
        Some(SetItems {
            items: vec![item(&first, whole), item(key, String::new())],
            expected: vec![item(&first, before), item(key, text.to_owned())],
        })
    }
}

/// An empty draft is none.
fn some(text: String) -> Option<String> {
    Some(text).filter(|text| !text.is_empty())
}
