//! [`FakeDaemon`]: answers requests from memory, as the daemon does, and tells of it by events.

use std::collections::{BTreeMap, BTreeSet};

use sotto_api::{
    self as api, Body, Contact, Direction, Error, Event, FriendRequest, Identity, Kind, Message, MessageState,
    Relationship, Safety, Status, Time,
};

use super::fixtures::{self, NOW};
use crate::request::{Answer, Request};

/// What unlocks it.
pub const PASSPHRASE: &str = "viola correct marzipan";

/// A daemon in memory.
#[derive(Debug)]
pub struct FakeDaemon {
    /// What the desktop shows.
    pub notifications: api::Notifications,
    /// The profile has agents, and this connection has not proven to be the owner's.
    pub owner_needed: bool,
    /// The approval that is made of the text which it takes from the owner alone.
    pub asked: Option<api::Approval>,
    /// There is a passphrase.
    pub lockable: bool,
    /// What the user looks at.
    pub focus: api::SetFocus,
    pub me: Identity,
    pub status: Status,
    pub contacts: BTreeMap<String, Contact>,
    pub requests: Vec<FriendRequest>,
    pub approvals: Vec<api::Approval>,
    pub invites: Vec<api::UnusedInvite>,
    /// The messages of each conversation, the oldest first.
    pub history: BTreeMap<String, Vec<Message>>,
    /// What the interface keeps in the store.
    pub items: BTreeMap<String, String>,
    /// Every request, in order.
    pub calls: Vec<Request>,
    /// What `sotto doctor` finds.
    pub doctor: api::DoctorReport,
    /// Sends are refused with this.
    pub refuses: Option<Kind>,
    /// Idempotency keys, and the messages that were made for them.
    keys: BTreeMap<String, String>,
    /// What happened and was not told yet.
    pub events: Vec<Event>,
    /// The safety number with any contact.
    pub number: String,
    /// The number of the last event in the log.
    last_seq: u64,
    /// The owner's passphrase is needed for approvals.
    pub locked: bool,
    made: usize,
}

impl Default for FakeDaemon {
    fn default() -> Self {
        Self::new()
    }
}

impl FakeDaemon {
    /// With an identity, and no contacts.
    pub fn new() -> Self {
        Self {
            notifications: api::Notifications {
                mode: api::NotificationMode::Sender,
                muted: Vec::new(),
                desktop: api::Desktop::default(),
            },
            owner_needed: false,
            asked: None,
            lockable: true,
            focus: api::SetFocus::default(),
            me: fixtures::me(),
            status: fixtures::status(),
            contacts: BTreeMap::new(),
            requests: Vec::new(),
            approvals: Vec::new(),
            invites: Vec::new(),
            history: BTreeMap::new(),
            items: BTreeMap::new(),
            calls: Vec::new(),
            doctor: fixtures::doctor(),
            refuses: None,
            keys: BTreeMap::new(),
            events: Vec::new(),
            number: "01234567890123456789012345678901234567890123456789012345678901"[..60].to_owned(),
            last_seq: 0,
            locked: false,
            made: 0x100_000,
        }
    }

    /// With that contact, and messages of it.
    #[must_use]
    pub fn with(mut self, contact: Contact, messages: Vec<Message>) -> Self {
        self.history.insert(contact.who.contact.clone(), messages);
        self.contacts.insert(contact.who.contact.clone(), contact);
        self
    }

    /// A contact by its petname.
    pub fn contact(&self, petname: &str) -> Contact {
        let found = self
            .contacts
            .values()
            .find(|contact| contact.who.petname.as_deref() == Some(petname));
        found.cloned().expect("a contact of that name")
    }

    /// The messages of a contact.
    pub fn messages(&self, petname: &str) -> &[Message] {
        &self.history[&self.contact(petname).who.contact]
    }

    /// A message of a contact arrives.
    pub fn receive(&mut self, petname: &str, text: &str) -> String {
        let contact = self.contact(petname);
        self.made += 1;
        let mut message = fixtures::message(&contact, self.made, Direction::In, text, 0);
        message.state = MessageState::Delivered;
        let id = message.id.clone();
        self.history
            .entry(contact.who.contact.clone())
            .or_default()
            .push(message.clone());
        if let Some(contact) = self.contacts.get_mut(&contact.who.contact) {
            contact.unread += 1;
        }
        self.tell(Body::MessageReceived {
            id: id.clone(),
            conversation: contact.who.contact.clone(),
            author: contact.who.contact,
            message: Some(Box::new(message)),
        });
        id
    }

    /// A message of a contact that quotes another one arrives.
    pub fn reply_of_peer(&mut self, petname: &str, to: &str, text: &str) {
        let id = self.receive(petname, text);
        self.find_message(&id).reply_to = Some(to.to_owned());
        let replies = self.find_message(&id).clone();
        if let Some(Body::MessageReceived { message, .. }) = self.events.last_mut().map(|event| &mut event.body) {
            *message = Some(Box::new(replies));
        }
    }

    /// The peer edits its message.
    pub fn edit_of_peer(&mut self, id: &str, text: &str) {
        let message = self.find_message(id);
        if message.deleted_at.is_some() {
            return;
        }
        text.clone_into(&mut message.text);
        let message = message.clone();
        self.tell(Body::MessageEdited {
            id: message.id.clone(),
            conversation: message.conversation.clone(),
            author: message.from.clone(),
            message: Some(Box::new(message)),
        });
    }

    /// The peer deletes its message.
    pub fn delete_of_peer(&mut self, id: &str) {
        let unread = self.find_message(id).deleted_at.is_none() && self.is_unread(id);
        let sent = self.delete(id).expect("it is there");
        self.count(&sent.conversation, unread);
    }

    /// A message is gone from this node.
    pub fn forget(&mut self, id: &str) {
        let unread = self.is_unread(id);
        let message = self.find_message(id).clone();
        self.count(&message.conversation, unread);
        for messages in self.history.values_mut() {
            messages.retain(|message| message.id != id);
        }
        self.tell(Body::MessageDisappeared {
            id: message.id,
            conversation: message.conversation,
            author: message.from,
            direction: message.direction,
        });
    }

    /// What the store counts.
    fn is_unread(&self, id: &str) -> bool {
        self.find(id).is_ok_and(|message| {
            message.direction == Direction::In && message.state != MessageState::Read && message.deleted_at.is_none()
        })
    }

    fn count(&mut self, conversation: &str, unread: bool) {
        if let Some(contact) = self.contacts.get_mut(conversation) {
            // A trial makes messages unread that were read, which no daemon does.
            contact.unread = contact.unread.saturating_sub(u64::from(unread));
        }
    }

    /// An event has the message as it stands when the event is read.
    pub fn look_at(&self, event: &mut Event) {
        if let Body::MessageReceived { id, message, .. }
        | Body::MessageQueued { id, message, .. }
        | Body::MessageEdited { id, message, .. }
        | Body::MessageReacted { id, message, .. } = &mut event.body
        {
            *message = self.find(id).ok().cloned().map(Box::new);
        }
    }

    pub fn tell(&mut self, body: Body) {
        let at = Time::from_millis(NOW);
        let logged = !matches!(body, Body::Presence { .. } | Body::Gap { .. });
        self.last_seq += u64::from(logged);
        let seq = logged.then_some(self.last_seq);
        self.events.push(Event { seq, at, body });
    }

    /// An approval goes without the user.
    pub fn expire_approval(&mut self, place: usize) {
        let approval = self.approvals.remove(place);
        self.tell(Body::ApprovalExpired {
            conversation: approval.conversation,
            approval: approval.id,
        });
    }

    /// Answers a request.
    pub(crate) fn answer(&mut self, request: &Request) -> Result<Answer, Error> {
        self.calls.push(request.clone());
        Ok(match request {
            Request::Status(_) => Answer::Status(Status {
                owner_passphrase: self.lockable,
                ..self.status.clone()
            }),
            Request::Doctor(_) => Answer::Doctor(self.doctor.clone()),
            Request::Identity(_) => Answer::Identity(self.me.clone()),
            Request::Contacts(_) => Answer::Contacts(api::Contacts {
                friends: self.contacts.values().cloned().collect(),
                last_seq: self.last_seq,
            }),
            Request::Requests(_) => Answer::Requests(api::FriendRequests {
                requests: self.requests.clone(),
            }),
            Request::Threads(_) => Answer::Threads(self.threads()),
            Request::History(history) => Answer::History(self.page(history)?),
            Request::Message(which) => Answer::Message(self.find(&which.id)?.clone()),
            Request::Outbox(_) => Answer::Outbox(self.outbox()),
            Request::Approvals(_) => Answer::Approvals(api::Approvals {
                approvals: self.approvals.clone(),
            }),
            Request::Items(list) => Answer::Items(self.items(&list.prefix)),
            Request::Draft(list) => Answer::Draft(self.items(&list.prefix)),
            Request::Search(search) => Answer::Search(self.search(search)),
            Request::Send(send) => Answer::Send(self.send(send)?),
            Request::Edit(edit) => Answer::Edit(self.edit(edit)?),
            Request::Delete(which) => Answer::Delete(self.delete(&which.id)?),
            Request::React(react) => Answer::React(self.react(react)?),
            Request::Read(read) => Answer::Read(self.read(read)),
            Request::Typing(_) if !self.status.typing => {
                return Err(Error::new(Kind::WrongState, "typing notices are off"));
            }
            Request::Typing(_) => Answer::Typing(api::Done {}),
            Request::Cancel(which) => Answer::Cancel(self.put_state(&which.id, MessageState::Cancelled)?),
            Request::Retry(which) => Answer::Retry(self.put_state(&which.id, MessageState::Queued)?),
            Request::Store(set) => Answer::Store(self.store(set)?),
            Request::Unlock(unlock) => Answer::Unlock(self.unlock(&unlock.passphrase)?),
            _ => return self.administer(request),
        })
    }

    fn invite(&mut self) -> api::Invite {
        let friend_code = format!("{}-once-k3vz", self.me.friend_code);
        self.invites.push(api::UnusedInvite {
            friend_code: friend_code.clone(),
            created_at: Time::from_millis(NOW),
        });
        api::Invite {
            onion: self.me.onion.clone(),
            friend_code,
        }
    }

    fn administer(&mut self, request: &Request) -> Result<Answer, Error> {
        Ok(match request {
            Request::Timer(timer) => Answer::Timer(self.timer(timer)?),
            Request::Notifications(_) => Answer::Notifications(self.notifications.clone()),
            Request::Notify(set) => {
                self.notifications.mode = set.mode;
                Answer::Notify(self.notifications.clone())
            }
            Request::Mute(mute) => {
                self.change(&mute.conversation, |it| it.muted = true)?;
                Answer::Mute(self.notifications.clone())
            }
            Request::Unmute(which) => {
                self.change(&which.conversation, |it| it.muted = false)?;
                Answer::Unmute(self.notifications.clone())
            }
            Request::Focus(focus) => {
                self.focus = focus.clone();
                Answer::Focus(api::Done {})
            }
            Request::Clear(which) => Answer::Clear(self.clear(&which.conversation)),
            Request::Add(add) => Answer::Add(self.add(add)),
            Request::Accept(accept) => Answer::Accept(self.accept(&accept.contact)?),
            Request::Reject(who) => {
                Answer::Reject(self.change(&who.contact, |it| it.relationship = Relationship::Declined)?)
            }
            Request::Remove(who) => {
                Answer::Remove(self.change(&who.contact, |it| it.relationship = Relationship::Stranger)?)
            }
            Request::Rename(rename) => {
                let name = Some(rename.name.clone()).filter(|name| !name.is_empty());
                Answer::Rename(self.change(&rename.contact, |it| it.who.petname = name)?)
            }
            Request::Block(who) => Answer::Block(self.change(&who.contact, |it| it.blocked = true)?),
            Request::Unblock(who) => Answer::Unblock(self.change(&who.contact, |it| it.blocked = false)?),
            Request::Verify(mark) => Answer::Verify(self.verify(mark)?),
            Request::SetName(set) => {
                self.me.name.clone_from(&set.name);
                Answer::SetName(self.me.clone())
            }
            Request::Invite(_) => Answer::Invite(self.invite()),
            Request::Invites(_) => Answer::Invites(api::Invites {
                invites: self.invites.clone(),
            }),
            Request::Revoke(which) => {
                self.invites.retain(|invite| invite.friend_code != which.friend_code);
                Answer::Revoke(api::Done {})
            }
            Request::Availability(set) => {
                self.status.availability = set.show;
                Answer::Availability(api::Done {})
            }
            Request::Allow(decide) => Answer::Allow(self.decide(decide, true)?),
            Request::Deny(decide) => Answer::Deny(self.decide(decide, false)?),
            other => panic!("no answer to {other:?}"),
        })
    }

    fn threads(&self) -> api::Threads {
        let threads = |(conversation, messages): (&String, &Vec<Message>)| -> Vec<api::Thread> {
            let Some(contact) = self.contacts.get(conversation) else {
                return Vec::new();
            };
            let named: BTreeSet<_> = messages.iter().map(|message| message.thread.clone()).collect();
            let thread = |name: Option<String>| {
                let mut within = messages
                    .iter()
                    .filter(|message| name.is_none() || message.thread == name);
                Some(api::Thread {
                    conversation: api::Conversation {
                        conversation: conversation.clone(),
                        petname: contact.who.petname.clone(),
                        claimed_name: contact.who.claimed_name.clone(),
                        verified: contact.who.verified,
                    },
                    thread: name.clone(),
                    title: None,
                    participants: Vec::new(),
                    messages: within.clone().count() as u64,
                    unread: 0,
                    muted: false,
                    last_at: within.next_back()?.sent_at,
                })
            };
            named.into_iter().filter_map(thread).collect()
        };
        api::Threads {
            threads: self.history.iter().flat_map(threads).collect(),
        }
    }

    fn page(&self, history: &api::History) -> Result<api::HistoryPage, Error> {
        let all = self.history.get(&history.conversation).map_or(&[][..], Vec::as_slice);
        let all: Vec<&Message> = all
            .iter()
            .filter(|message| history.thread.is_none() || message.thread == history.thread)
            .collect();
        let limit = history.limit.unwrap_or(50) as usize;
        let place = |named: &String| {
            all.iter()
                .position(|message| message.id == *named || message.place() == *named)
                .ok_or_else(|| Error::new(Kind::UnknownMessage, "There is no such message."))
        };
        let range = match (&history.before, &history.after) {
            (Some(before), _) => {
                let end = place(before)?;
                end.saturating_sub(limit)..end
            }
            (_, Some(after)) => {
                let start = place(after)? + 1;
                start..(start + limit).min(all.len())
            }
            _ => all.len().saturating_sub(limit)..all.len(),
        };
        let unread = |message: &&&Message| message.direction == Direction::In && message.state != MessageState::Read;
        let newest = history.before.is_none() && history.after.is_none();
        Ok(api::HistoryPage {
            messages: all[range].iter().map(|message| (*message).clone()).collect(),
            first_unread: all
                .iter()
                .find(unread)
                .filter(|_| newest)
                .map(|message| message.place()),
            unread: newest.then(|| all.iter().filter(unread).count() as u64),
            last_seq: self.last_seq,
        })
    }

    fn find(&self, id: &str) -> Result<&Message, Error> {
        let found = self.history.values().flatten().find(|message| message.id == id);
        found.ok_or_else(|| Error::new(Kind::UnknownMessage, "There is no such message."))
    }

    fn find_mut(&mut self, id: &str) -> Result<&mut Message, Error> {
        let found = self.history.values_mut().flatten().find(|message| message.id == id);
        found.ok_or_else(|| Error::new(Kind::UnknownMessage, "There is no such message."))
    }

    /// A message that is there.
    pub fn find_message(&mut self, id: &str) -> &mut Message {
        self.find_mut(id).expect("it is there")
    }

    fn outbox(&self) -> api::Messages {
        let waits = |message: &&Message| {
            message.direction == Direction::Out && matches!(message.state, MessageState::Queued | MessageState::Failed)
        };
        api::Messages {
            messages: self.history.values().flatten().filter(waits).cloned().collect(),
        }
    }

    fn items(&self, prefix: &str) -> api::Items {
        let item = |(key, value): (&String, &String)| api::Item {
            key: key.clone(),
            value: Some(value.clone()),
        };
        api::Items {
            items: self
                .items
                .iter()
                .filter(|(key, _)| key.starts_with(prefix))
                .map(item)
                .collect(),
            more: false,
        }
    }

    fn search(&self, search: &api::Search) -> api::Messages {
        let query = terms(&search.query);
        let all = self
            .history
            .iter()
            .filter(|(id, _)| search.with.as_ref().is_none_or(|with| with == *id));
        let mut found: Vec<Message> = all
            .flat_map(|(_, messages)| messages)
            .filter(|message| !query.is_empty() && query.iter().all(|term| has(&message.text, term)))
            .cloned()
            .collect();
        found.sort_by_key(|message| std::cmp::Reverse(message.sent_at.millis()));
        found.truncate(search.limit.unwrap_or(50) as usize);
        api::Messages { messages: found }
    }

    fn send(&mut self, send: &api::Send) -> Result<api::Sent, Error> {
        if let Some(kind) = self.refuses {
            return Err(Error::new(kind, "The message was refused."));
        }
        if self.owner_needed {
            let mut error = Error::new(Kind::ApprovalRequired, "The message waits for approval.");
            if let Some(approval) = self.asked.take() {
                if self.approvals.iter().all(|one| one.id != approval.id) {
                    self.tell(Body::ApprovalRequested {
                        conversation: approval.conversation.clone(),
                        approval: approval.id.clone(),
                    });
                    self.approvals.push(approval.clone());
                }
                error = error.approval(approval);
            }
            return Err(error);
        }
        let key = send.id.clone().expect("an idempotency key");
        if let Some(id) = self.keys.get(&key) {
            return Ok(sent(self.find(id)?));
        }
        let contact = self.contacts[&send.conversation].clone();
        self.made += 1;
        let mut message = fixtures::message(&contact, self.made, Direction::Out, &send.text, 0);
        message.state = MessageState::Queued;
        message.reply_to.clone_from(&send.reply_to);
        message.thread.clone_from(&send.thread);
        message.content_type = send.content_type;
        self.keys.insert(key, message.id.clone());
        self.history
            .entry(send.conversation.clone())
            .or_default()
            .push(message.clone());
        self.tell(Body::MessageQueued {
            id: message.id.clone(),
            conversation: message.conversation.clone(),
            author: message.from.clone(),
            message: Some(Box::new(message.clone())),
        });
        Ok(sent(&message))
    }

    fn edit(&mut self, edit: &api::Edit) -> Result<api::Sent, Error> {
        let message = self.find_mut(&edit.id)?;
        message.text.clone_from(&edit.text);
        message.edited_at = Some(Time::from_millis(NOW));
        let message = message.clone();
        self.tell(Body::MessageEdited {
            id: message.id.clone(),
            conversation: message.conversation.clone(),
            author: message.from.clone(),
            message: Some(Box::new(message.clone())),
        });
        Ok(sent(&message))
    }

    fn delete(&mut self, id: &str) -> Result<api::Sent, Error> {
        let message = self.find_mut(id)?;
        message.text.clear();
        message.reactions.clear();
        message.deleted_at = Some(Time::from_millis(NOW));
        let message = message.clone();
        self.tell(Body::MessageDeleted {
            id: message.id.clone(),
            conversation: message.conversation.clone(),
            author: message.from.clone(),
            direction: message.direction,
        });
        Ok(sent(&message))
    }

    fn react(&mut self, react: &api::React) -> Result<Message, Error> {
        let by = self.me.onion.clone();
        let message = self.find_mut(&react.id)?;
        if message.deleted_at.is_some() {
            return Err(Error::new(Kind::WrongState, "The message was deleted."));
        }
        message.reactions.retain(|reaction| reaction.by != by);
        message.reactions.extend(react.emoji.clone().map(|emoji| api::Reaction {
            by,
            direction: Direction::Out,
            emoji,
            at: Time::from_millis(NOW),
        }));
        let message = message.clone();
        self.tell(Body::MessageReacted {
            id: message.id.clone(),
            conversation: message.conversation.clone(),
            author: message.from.clone(),
            by: self.me.onion.clone(),
            direction: Direction::Out,
            message: Some(Box::new(message.clone())),
        });
        Ok(message)
    }

    fn read(&mut self, read: &api::MarkRead) -> api::Done {
        for id in &read.ids {
            let known = self.find(id).is_ok_and(|message| message.state != MessageState::Read);
            if known {
                let unread = self.is_unread(id);
                let _ = self.put_state(id, MessageState::Read);
                self.count(&read.conversation, unread);
            }
        }
        api::Done {}
    }

    /// A message comes into another state.
    pub fn put_state(&mut self, id: &str, state: MessageState) -> Result<api::Sent, Error> {
        let message = self.find_mut(id)?;
        message.state = state;
        let message = message.clone();
        self.tell(Body::MessageState {
            id: message.id.clone(),
            conversation: message.conversation.clone(),
            author: message.from.clone(),
            direction: message.direction,
            state,
            reason: None,
        });
        Ok(sent(&message))
    }

    fn store(&mut self, set: &api::SetItems) -> Result<api::Done, Error> {
        let stored = |item: &api::Item| self.items.get(&item.key) == item.value.as_ref();
        let set_before = |key: &str| set.items.iter().any(|item| item.key == key && stored(item));
        let other = |item: &&api::Item| !stored(item) && !set_before(&item.key);
        if let Some(item) = set.expected.iter().find(other) {
            return Err(Error::new(Kind::WrongState, format!("{} was changed", item.key)));
        }
        for item in &set.items {
            match &item.value {
                Some(value) => self.items.insert(item.key.clone(), value.clone()),
                None => self.items.remove(&item.key),
            };
        }
        Ok(api::Done {})
    }

    fn unlock(&mut self, passphrase: &api::Secret) -> Result<api::Session, Error> {
        if passphrase.0 != PASSPHRASE {
            return Err(Error::new(Kind::WrongKey, "The passphrase is wrong."));
        }
        self.locked = false;
        self.owner_needed = false;
        Ok(api::Session {
            principal: api::Principal::Owner,
            agent: None,
            allow: Vec::new(),
            ask_in_client: false,
            sends_need_approval: false,
            owner_passphrase: true,
        })
    }

    fn timer(&mut self, timer: &api::SetTimer) -> Result<api::ConversationTimers, Error> {
        let seconds = timer.seconds.unwrap_or(0);
        let contact = self.change(&timer.conversation, |it| {
            it.timer_ours = seconds;
            let set = [seconds, it.timer_theirs].into_iter().filter(|timer| *timer > 0);
            it.timer = set.min().unwrap_or(0);
        })?;
        Ok(api::ConversationTimers {
            conversation: contact.who.contact,
            seconds: contact.timer,
            ours: seconds,
            theirs: contact.timer_theirs,
        })
    }

    fn clear(&mut self, conversation: &str) -> api::DeletedMessages {
        let gone = self.history.insert(conversation.to_owned(), Vec::new());
        api::DeletedMessages {
            conversation: conversation.to_owned(),
            messages: gone.map_or(0, |gone| gone.len() as u64),
        }
    }

    fn add(&mut self, add: &api::Add) -> Contact {
        let mut contact = fixtures::friend(add.name.as_deref().unwrap_or("peer"));
        contact.who.petname.clone_from(&add.name);
        contact.who.claimed_name = None;
        contact.relationship = Relationship::Requested;
        contact.presence = api::Presence::Unknown;
        contact.presence_as_of = None;
        contact.last_seen = None;
        self.contacts.insert(contact.who.contact.clone(), contact.clone());
        contact
    }

    fn accept(&mut self, onion: &str) -> Result<Contact, Error> {
        self.requests.retain(|request| request.who.contact != onion);
        self.change(onion, |it| it.relationship = Relationship::Friend)
    }

    fn change(&mut self, contact: &str, change: impl FnOnce(&mut Contact)) -> Result<Contact, Error> {
        self.requests.retain(|request| request.who.contact != contact);
        let contact = self.contacts.get_mut(contact);
        let contact = contact.ok_or_else(|| Error::new(Kind::UnknownContact, "There is no such contact."))?;
        change(contact);
        Ok(contact.clone())
    }

    fn verify(&mut self, mark: &api::Mark) -> Result<Safety, Error> {
        let number = self.number.clone();
        if mark.number.as_ref().is_some_and(|compared| *compared != number) {
            return Err(Error::new(Kind::UntrustedKey, "This is not the current safety number."));
        }
        let contact = self.change(&mark.contact, |it| {
            if let Some(verified) = mark.mark {
                it.who.verified = verified;
                it.untrusted = false;
            }
            it.untrusted &= !mark.accept_new_key;
        })?;
        Ok(Safety {
            who: contact.who,
            untrusted: contact.untrusted,
            number,
            scannable: String::from("0a1b2c3d4e5f60718293a4b5c6d7e8f90a1b2c3d4e5f60718293a4b5c6d7e8f9"),
        })
    }

    fn decide(&mut self, decide: &api::Decide, allow: bool) -> Result<api::Approval, Error> {
        if allow && self.locked {
            return Err(Error::new(Kind::OwnerRequired, "The owner's passphrase is needed."));
        }
        let place = self.approvals.iter().position(|one| one.id == decide.id);
        let place = place.ok_or_else(|| Error::new(Kind::UnknownApproval, "There is no such approval."))?;
        assert!(
            !allow || decide.digest.as_ref() == Some(&self.approvals[place].digest),
            "what was shown is allowed"
        );
        Ok(self.approvals.remove(place))
    }
}

fn sent(message: &Message) -> api::Sent {
    api::Sent {
        id: message.id.clone(),
        conversation: message.conversation.clone(),
        state: message.state,
        reason: None,
    }
}

/// The words of a text as the store has them: whole, without case.
fn words(text: &str) -> Vec<String> {
    let words = text
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty());
    words.map(str::to_lowercase).collect()
}

/// Words that follow each other, and whether the last one is the beginning of a word: a star says so.
type Term = (Vec<String>, bool);

/// A query as the store reads it.
fn terms(query: &str) -> Vec<Term> {
    let quoted = query.split('"').enumerate();
    let terms = quoted.flat_map(|(number, part)| match number % 2 {
        1 => vec![(words(part), false)],
        _ => part
            .split_whitespace()
            .map(|word| (words(word), word.ends_with('*')))
            .collect(),
    });
    terms.filter(|(words, _)| !words.is_empty()).collect()
}

fn has(text: &str, (term, begins): &Term) -> bool {
    let last = term.len() - 1;
    words(text).windows(term.len()).any(|words| {
        let mut pairs = words.iter().zip(term).enumerate();
        pairs.all(|(place, (word, wanted))| word == wanted || *begins && place == last && word.starts_with(wanted))
    })
}
