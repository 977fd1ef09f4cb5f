//! [`Drafts`]: the texts that were begun, as the store has them as well. Several windows of one profile can write to the same contact:
//! what another one has written is never written over. Its draft is taken where none was begun here; else all are kept, each in a place
//! of its own beside the first, and joined when the interface starts the next time.

use std::collections::BTreeMap;

use sotto_api::{Item, SetItems};

/// Where drafts are kept in the store.
const KEY: &str = "draft/";

/// What the key of a draft ends with that is kept beside that of another window: once for each draft before it.
const BESIDE: char = '+';

/// The drafts of all conversations.
#[derive(Debug, Default)]
pub struct Drafts {
    /// By conversation; an empty one has been sent or deleted.
    texts: BTreeMap<String, String>,
    /// What the store holds, or is about to, as far as is known, by key.
    stored: BTreeMap<String, String>,
    /// What the store held before changes that it has not confirmed, by key.
    confirmed: BTreeMap<String, String>,
    /// The first of the changes that no daemon has confirmed: it may have been made nevertheless. By key.
    unkept: BTreeMap<String, String>,
    /// Conversations in which other windows write as well, with the number of drafts that the one of this window is beside.
    beside: BTreeMap<String, usize>,
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
        Some(super::from_item_key(name.trim_end_matches(BESIDE)))
    }

    /// Where the draft of a conversation is kept.
    pub fn key(conversation: &str) -> String {
        format!("{KEY}{}", super::item_key(conversation))
    }

    /// Where the one of this window is kept.
    fn own_key(&self, conversation: &str) -> String {
        let mut key = Self::key(conversation);
        let before = self.beside.get(conversation).copied().unwrap_or(0);
        key.extend(std::iter::repeat_n(BESIDE, before));
        key
    }

    /// Keeps the draft of a conversation, unless the store has one in its place that is not known here.
    pub fn keep(&mut self, conversation: &str) -> (Item, Vec<Item>) {
        let text = self.text(conversation).to_owned();
        let key = self.own_key(conversation);
        if text.is_empty() {
            // What is written next is the only one again, as far as is known.
            self.beside.remove(conversation);
        }
        self.change(&key, text)
    }

    /// Sets an item that has the value that is known here.
    fn change(&mut self, key: &str, text: String) -> (Item, Vec<Item>) {
        let known = self.stored.insert(key.to_owned(), text.clone()).unwrap_or_default();
        self.confirmed.entry(key.to_owned()).or_insert_with(|| known.clone());
        (item(key, text), vec![item(key, known)])
    }

    /// The store has that item.
    pub fn kept(&mut self, item: &Item) {
        let value = item.value.clone().unwrap_or_default();
        if self.stored.get(&item.key) == Some(&value) {
            self.confirmed.remove(&item.key);
        } else if let Some(confirmed) = self.confirmed.get_mut(&item.key) {
            *confirmed = value;
        }
    }

    /// No daemon has taken that item: it is kept again when one is back.
    pub fn not_kept(&mut self, item: &Item) {
        if let Some(before) = self.confirmed.remove(&item.key) {
            self.stored.insert(item.key.clone(), before);
        }
        let value = item.value.clone().unwrap_or_default();
        self.unkept.entry(item.key.clone()).or_insert(value);
    }

    /// Keeps what no daemon has taken: first what one may have taken without a word, as otherwise that would pass for another window's.
    pub fn keep_again(&mut self) -> Vec<(Item, Vec<Item>)> {
        let mut changes = Vec::new();
        for (key, value) in std::mem::take(&mut self.unkept) {
            changes.push(self.change(&key, value));
            changes.extend(Self::conversation(&key).map(|conversation| self.keep(&conversation)));
        }
        changes
    }

    /// Whether an item is a draft that was kept beside another one.
    pub fn is_beside(key: &str) -> bool {
        key.ends_with(BESIDE)
    }

    /// The store has a draft in that place that is not known here: from now on the one of this window is kept beside it, until it is sent.
    pub fn keep_beside(&mut self, key: &str, conversation: &str) {
        self.stored.remove(key);
        self.confirmed.remove(key);
        // An earlier change may have been refused as well.
        if self.own_key(conversation) == key {
            *self.beside.entry(conversation.to_owned()).or_default() += 1;
        }
    }

    /// A draft of that conversation is kept beside that of another window.
    pub fn has_two(&self, conversation: &str) -> bool {
        self.beside.contains_key(conversation) && !self.text(conversation).is_empty()
    }

    /// What the store holds of a conversation is the draft, as far as is known.
    fn is_known(&self, conversation: &str) -> bool {
        let stored = self.stored.get(&Self::key(conversation));
        !self.beside.contains_key(conversation) && self.text(conversation) == stored.map_or("", String::as_str)
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
        Some(SetItems {
            items: vec![item(&first, whole), item(key, String::new())],
            expected: vec![item(&first, before), item(key, text.to_owned())],
        })
    }
}

/// An item with a draft; an empty one is none.
fn item(key: &str, text: String) -> Item {
    Item {
        key: key.to_owned(),
        value: Some(text).filter(|text| !text.is_empty()),
    }
}
