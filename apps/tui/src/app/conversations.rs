//! [`Conversations`]: the list at the left. It is made of contacts and of conversations with messages, and follows events.

use std::cell::OnceCell;
use std::collections::HashMap;

use sotto_api::{self as api, Presence, Relationship};

use super::name::Name;
use super::recent::Recent;
use crate::text::names::{self, Looks};

/// One conversation.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub struct Entry {
    /// The contact's onion address, or the id of a group or channel.
    pub id: String,
    /// What to call it.
    pub name: Name,
    /// The contact, if it is a direct one.
    pub contact: Option<api::Contact>,
    /// When it was last used, in milliseconds since the Unix epoch; 0 if never.
    pub last_at: u64,
    /// Messages of others that were not read.
    pub unread: u64,
    /// The user marked it as unread.
    pub marked_unread: bool,
    /// No notification is shown for it.
    pub muted: bool,
    /// The peer is typing.
    pub typing: bool,
    /// A text was begun and not sent.
    pub draft: bool,
    /// What its petname looks like: made once, as all of them are compared with each name that a peer claims.
    looks: OnceCell<Looks>,
}

impl Entry {
    fn new(id: &str, name: Name) -> Self {
        Self {
            id: id.to_owned(),
            name,
            contact: None,
            last_at: 0,
            unread: 0,
            marked_unread: false,
            muted: false,
            typing: false,
            draft: false,
            looks: OnceCell::new(),
        }
    }

    /// Something in it waits for the user.
    pub const fn is_unread(&self) -> bool {
        self.unread > 0 || self.marked_unread
    }

    /// The contact's petname, and what it looks like.
    fn petname(&self) -> Option<(&str, &Looks)> {
        let petname = self.contact.as_ref()?.who.petname.as_deref()?;
        Some((petname, self.looks.get_or_init(|| Looks::of(petname))))
    }

    fn counted(&mut self, count: Count) {
        self.unread = match count {
            Count::Received => self.unread + 1,
            Count::Read => self.unread.saturating_sub(1),
        };
    }

    /// What the two nodes have agreed.
    pub fn relationship(&self) -> Option<Relationship> {
        self.contact.as_ref().map(|contact| contact.relationship)
    }

    /// Whether the list shows it: a friend, a peer that was asked, or a conversation that has messages.
    fn is_shown(&self) -> bool {
        let agreed = matches!(
            self.relationship(),
            Some(
                Relationship::Friend
                    | Relationship::RemovedByPeer
                    | Relationship::Requested
                    | Relationship::RequestDelivered
                    | Relationship::RequestDeclined
            )
        );
        agreed || self.last_at > 0
    }
}

/// What an event changes in the number of unread messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Count {
    /// One more was received.
    Received,
    /// One of them was read.
    Read,
}

/// Counts that are kept while a list of contacts is on its way.
const RECENT: usize = 4096;

/// How the list is sorted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// Unread ones first, then by recency.
    #[default]
    Unread,
    /// By recency.
    Recent,
}

/// The conversations, and the order in which they are shown.
#[derive(Debug)]
pub struct Conversations {
    /// None is ever removed.
    entries: Vec<Entry>,
    /// The index of each by its id.
    indexes: HashMap<String, usize>,
    /// Indexes as shown. Each frame reads it, so it has no ids to look up.
    order: Vec<usize>,
    by: Order,
    /// What was counted, by conversation.
    recent: Recent<(String, Count)>,
    /// The order is not that of the entries any more.
    stale: bool,
    /// A contact has come, gone or changed: so may have its names.
    names_changed: bool,
    /// The name that the user claims, and what it looks like.
    own: Option<(String, Looks)>,
}

impl Default for Conversations {
    fn default() -> Self {
        Self {
            entries: Vec::new(),
            indexes: HashMap::new(),
            order: Vec::new(),
            by: Order::default(),
            recent: Recent::new(RECENT),
            stale: false,
            names_changed: false,
            own: None,
        }
    }
}

impl Conversations {
    /// As shown.
    pub fn shown(&self) -> impl DoubleEndedIterator<Item = &Entry> + ExactSizeIterator {
        self.order.iter().map(|index| &self.entries[*index])
    }

    /// The index of one, which is made if it is not there.
    fn index(&mut self, id: &str, name: impl FnOnce() -> Name) -> usize {
        if let Some(index) = self.indexes.get(id) {
            return *index;
        }
        let index = self.entries.len();
        self.entries.push(Entry::new(id, name()));
        self.indexes.insert(id.to_owned(), index);
        index
    }

    /// How many are shown.
    pub fn len(&self) -> usize {
        self.order.len()
    }

    /// The one with that id.
    pub fn entry(&self, id: &str) -> Option<&Entry> {
        self.indexes.get(id).map(|index| &self.entries[*index])
    }

    /// Takes the name that the user claims.
    pub fn set_own_name(&mut self, name: &str) {
        self.own = Some(name)
            .filter(|name| !name.trim().is_empty())
            .map(|name| (name.to_owned(), Looks::of(name)));
        self.names_changed = true;
    }

    /// Says whose petname the name is that a contact claims, or looks like, or that it is the user's own. Any peer can claim the name of
    /// a friend.
    pub fn imitated_by(&self, who: &api::ContactName) -> Option<String> {
        let claimed = who.claimed_name.as_deref().filter(|name| !name.trim().is_empty())?;
        let others = self.entries.iter().filter(|entry| entry.id != who.contact);
        let petnames = others.filter_map(Entry::petname);
        let Some(like) = names::confusable(claimed, petnames) else {
            let own = self.own.iter().map(|(name, looks)| (name.as_str(), looks));
            return names::confusable(claimed, own).map(|own| {
                if own == claimed {
                    String::from("is called like you")
                } else {
                    format!("looks like your own name, {own}")
                }
            });
        };
        let likeness = if like == claimed {
            "is called like"
        } else {
            "looks like"
        };
        Some(format!("{likeness} {like}, who is another person"))
    }

    /// Whether names have changed since the last time.
    pub const fn names_have_changed(&mut self) -> bool {
        std::mem::replace(&mut self.names_changed, false)
    }

    /// The place of one in the list.
    pub fn place(&self, id: &str) -> Option<usize> {
        let index = self.indexes.get(id)?;
        self.order.iter().position(|shown| shown == index)
    }

    /// The one at a place.
    pub fn at(&self, place: usize) -> Option<&Entry> {
        self.order.get(place).map(|index| &self.entries[*index])
    }

    /// How the list is sorted.
    pub const fn order(&self) -> Order {
        self.by
    }

    /// Sorts it in another way.
    pub fn sort_by(&mut self, by: Order) {
        self.by = by;
        self.stale = true;
    }

    /// Messages that were not read, in conversations that are not muted.
    pub fn unread(&self) -> u64 {
        self.shown()
            .filter(|entry| !entry.muted)
            .map(|entry| entry.unread)
            .sum()
    }

    /// Changes one, which is made if it is not there, and may move.
    pub fn change(&mut self, id: &str, name: impl FnOnce() -> Name, change: impl FnOnce(&mut Entry)) {
        let index = self.index(id, name);
        change(&mut self.entries[index]);
        self.stale = true;
    }

    /// Changes one if it is there, without a change of its place.
    pub fn touch(&mut self, id: &str, change: impl FnOnce(&mut Entry)) {
        if let Some(index) = self.indexes.get(id) {
            change(&mut self.entries[*index]);
        }
    }

    /// A list of contacts is asked for. Each one is [`answered`](Self::answered).
    pub const fn ask(&mut self) {
        self.recent.ask();
    }

    /// A list that was asked for was taken, or does not come.
    pub fn answered(&mut self) {
        self.recent.answered();
    }

    /// Events have other numbers from now on, and what was not told is not known: whether a peer is still typing.
    pub fn renumber(&mut self) {
        self.recent.renumber();
        for entry in &mut self.entries {
            entry.typing = false;
        }
    }

    /// Counts what an event has changed, unless the list of contacts has it.
    pub fn count(&mut self, event: Option<u64>, conversation: &str, count: Count) {
        if self.recent.is_new(event, &(conversation.to_owned(), count)) {
            let name = || Name::of(None, None, conversation);
            self.change(conversation, name, |entry| entry.counted(count));
        }
    }

    /// Takes the contacts as they were after their last event. A conversation stays when its contact goes. False if not all that followed
    /// is known: then they have to be read again.
    pub fn set_contacts(&mut self, contacts: api::Contacts) -> bool {
        for entry in &mut self.entries {
            entry.contact = None;
            entry.unread = 0;
        }
        self.names_changed = true;
        for contact in contacts.friends {
            let (id, unread) = (contact.who.contact.clone(), contact.unread);
            self.put_contact(contact);
            self.touch(&id, |entry| entry.unread = unread);
        }
        self.recent.begin(contacts.last_seq);
        for (id, count) in self.recent.after(contacts.last_seq) {
            self.touch(&id, |entry| entry.counted(count));
        }
        self.stale = true;
        self.recent.is_whole_after(contacts.last_seq)
    }

    /// Takes one contact as it is now, but for the number of unread messages: events and lists have it.
    pub fn set_contact(&mut self, contact: api::Contact) {
        self.put_contact(contact);
        self.stale = true;
    }

    fn put_contact(&mut self, contact: api::Contact) {
        self.names_changed = true;
        let name = Name::from(&contact);
        let index = self.index(&contact.who.contact, || name.clone());
        let entry = &mut self.entries[index];
        if entry.name != name {
            entry.looks = OnceCell::new();
        }
        entry.name = name;
        entry.muted = contact.muted;
        entry.contact = Some(contact);
    }

    /// Takes the threads as they are now: they say when each conversation was last used.
    pub fn set_threads(&mut self, threads: &[api::Thread]) {
        for thread in threads {
            let index = self.index(&thread.conversation.conversation, || Name::from(&thread.conversation));
            let entry = &mut self.entries[index];
            entry.last_at = entry.last_at.max(thread.last_at.millis());
            if entry.contact.is_none() {
                entry.name = Name::from(&thread.conversation);
                entry.looks = OnceCell::new();
            }
        }
        self.stale = true;
    }

    /// A contact's presence may have changed.
    pub fn set_presence(&mut self, onion: &str, presence: Presence, as_of: Option<api::Time>, typing: bool) {
        self.touch(onion, |entry| {
            entry.typing = typing;
            if let Some(contact) = &mut entry.contact {
                contact.presence = presence;
                contact.presence_as_of = as_of;
            }
        });
    }

    /// Sorts the list, if anything has changed: once for a burst of events.
    pub fn settle(&mut self) {
        if !std::mem::take(&mut self.stale) {
            return;
        }
        let by = self.by;
        let entries = &self.entries;
        self.order.clear();
        self.order
            .extend((0..entries.len()).filter(|index| entries[*index].is_shown()));
        self.order.sort_by(|a, b| {
            let (a, b) = (&entries[*a], &entries[*b]);
            let unread = |entry: &Entry| by == Order::Unread && entry.is_unread() && !entry.muted;
            unread(b)
                .cmp(&unread(a))
                .then(b.last_at.cmp(&a.last_at))
                .then_with(|| a.name.cmp(&b.name))
                .then_with(|| a.id.cmp(&b.id))
        });
    }
}
