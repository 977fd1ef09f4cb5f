//! Commands of users and programs, checked and carried out. Commands about messages are in `conversation::commands`.

use crate::contact::Contact;
use crate::conversation::commands::MessageCommand;
use crate::node::Node;
use crate::row::{ConsumerRow, ContentType, DeliveryState, Event, InviteRow, Key, RecordRow, Row};
use crate::session::Ratchet;
use crate::session::resume::presence_frame;
use crate::wire::link::{self, frame::Body};
use crate::{
    ApplicationEvent, Argument, Availability, Command, CommandId, ContactStorage, ConversationId, EventSeq, FriendCode,
    InviteToken, Limits, MessageId, MessageKey, MessageObstacle, NewMessage, OnionAddress, Refusal, Reply, Status,
    Storage, Table,
};

pub(crate) type Outcome = Result<Reply, Refusal>;

impl<R: Ratchet> Node<R> {
    pub(crate) fn command(&mut self, id: CommandId, command: Command) {
        if let Some(outcome) = self.carry_out(id, command).transpose() {
            self.ctx.gate.reply(id, outcome);
        }
    }

    /// Carries a command out, at once or (`None`) when cold rows are here.
    fn carry_out(&mut self, id: CommandId, command: Command) -> Result<Option<Reply>, Refusal> {
        match command {
            Command::AddContact { .. }
            | Command::AcceptContact { .. }
            | Command::RejectContact(_)
            | Command::RemoveContact(_)
            | Command::ForgetContact(_)
            | Command::RenameContact(..)
            | Command::BlockContact(..)
            | Command::SafetyNumber(_)
            | Command::VerifyContact(..)
            | Command::AcceptIdentityKey(..) => self.contact_command(command).map(Some),
            Command::Send(_)
            | Command::EditMessage { .. }
            | Command::DeleteMessage { .. }
            | Command::EraseMessages { .. }
            | Command::React { .. }
            | Command::MarkRead { .. }
            | Command::CancelMessage { .. }
            | Command::RetryMessage { .. } => self.message_command(id, command),
            Command::SetName(name) => self.set_name(name).map(Some),
            Command::CreateInvite => self.create_invite().map(Some),
            Command::Invites => Ok(Some(Reply::Invites(self.invites.values().copied().collect()))),
            Command::RevokeInvite(token) => self.revoke_invite(token).map(Some),
            Command::SetTimer(conversation, seconds) => self.set_timer(direct(conversation)?, seconds).map(Some),
            Command::DefaultTimer(seconds) => self.default_timer(seconds).map(Some),
            Command::SetTyping(peer, typing) => self.set_typing(peer, typing).map(Some),
            Command::SetAvailability(availability) => Ok(Some(self.set_availability(availability))),
            Command::AcknowledgeEvents { consumer, seq } => self.acknowledge_events(consumer, seq).map(Some),
            Command::PutRecords { records, event } => self.put_records(records, event).map(Some),
            Command::FreeSpace(bytes) => Ok(Some(self.free_space(bytes))),
            Command::ConfirmClock => Ok(Some(self.confirm_clock())),
            Command::IdentityElsewhere => {
                self.ctx.identity_elsewhere(self.me.address);
                Ok(Some(Reply::Done))
            }
            Command::NetworkChanged => Ok(Some(self.network_changed())),
            Command::Identity => Ok(Some(Reply::Identity {
                address: self.me.address,
                name: self.me.row.name.clone(),
                identity_key: self.me.ratchet.identity_key().to_vec(),
            })),
            Command::Peers => {
                let friends = self.contacts.values().filter(|contact| contact.is_friend());
                Ok(Some(Reply::Peers(friends.map(Contact::peer).collect())))
            }
            Command::Status => Ok(Some(Reply::Status(self.status()))),
        }
    }

    fn contact_command(&mut self, command: Command) -> Outcome {
        let (contacts, me, ctx) = (&mut self.contacts, &self.me, &mut self.ctx);
        match command {
            Command::AddContact { code, petname, note } => {
                let link = self.pool.greeted_link_of(&code.address);
                contacts.add(code, petname, note, link, me, ctx)
            }
            Command::AcceptContact { contact, petname } => {
                let link = self.pool.greeted_link_of(&contact);
                contacts.accept(contact, petname, link, me, ctx)
            }
            Command::RejectContact(peer) => contacts.reject(peer, self.pool.link_of(&peer), ctx),
            Command::RemoveContact(peer) => contacts.end(peer, self.pool.link_of(&peer), ctx),
            Command::ForgetContact(peer) => contacts.forget(peer, self.pool.link_of(&peer), ctx),
            Command::RenameContact(peer, petname) => contacts.rename(peer, petname, ctx),
            Command::BlockContact(peer, blocked) => contacts.block(peer, blocked, ctx),
            Command::SafetyNumber(peer) => contacts.safety_number(peer, me).map(Reply::SafetyNumber),
            Command::VerifyContact(peer, number) => contacts.verify(peer, number, me, ctx),
            Command::AcceptIdentityKey(peer, number) => contacts.accept_key(peer, &number, me, ctx),
            _ => unreachable!("a command about something else than a contact"),
        }
    }

    fn message_command(&mut self, id: CommandId, command: Command) -> Result<Option<Reply>, Refusal> {
        match command {
            Command::Send(new_message) => self.send(id, new_message),
            Command::CancelMessage {
                conversation,
                id: message,
            } => self.cancel(direct(conversation)?, message).map(Some),
            Command::RetryMessage {
                conversation,
                id: message,
            } => self.retry(id, direct(conversation)?, message),
            command => {
                let (peer, keys, about) = self.cold_targets(command)?;
                self.fetch_for_command(id, peer, keys, about);
                Ok(None)
            }
        }
    }

    /// Whose messages a command is about, which, and what it is to do once they are fetched.
    fn cold_targets(&mut self, command: Command) -> Result<(OnionAddress, Vec<MessageKey>, MessageCommand), Refusal> {
        Ok(match command {
            Command::EditMessage {
                conversation,
                id: message,
                text,
            } => {
                let peer = direct(conversation)?;
                in_range(Argument::Text, (1..=self.ctx.limits.text_bytes).contains(&text.len()))?;
                self.contacts.correspondent(peer, &self.ctx.limits)?;
                (peer, vec![self.ours(peer, message)], MessageCommand::Edit { text })
            }
            Command::DeleteMessage {
                conversation,
                id: message,
            } => {
                let peer = direct(conversation)?;
                self.contacts.known(peer)?;
                (peer, vec![self.ours(peer, message)], MessageCommand::Delete)
            }
            Command::EraseMessages { conversation, messages } => {
                let peer = direct(conversation)?;
                in_range(Argument::MessageCount, messages.len() <= Limits::READ_TARGETS)?;
                self.contacts.known(peer)?;
                let key = |(author, id)| MessageKey {
                    conversation,
                    author,
                    id,
                };
                let keys = messages.into_iter().map(key).collect();
                (peer, keys, MessageCommand::Erase)
            }
            Command::React { message, emoji } => {
                let peer = direct(message.conversation)?;
                let fits = emoji
                    .as_ref()
                    .is_none_or(|emoji| (1..=Limits::REACTION_BYTES).contains(&emoji.len()));
                in_range(Argument::Reaction, fits)?;
                self.contacts.correspondent(peer, &self.ctx.limits)?;
                (peer, vec![message], MessageCommand::React { emoji })
            }
            Command::MarkRead {
                conversation,
                author,
                ids,
                receipt,
            } => {
                let peer = direct(conversation)?;
                in_range(Argument::MessageCount, ids.len() <= Limits::READ_TARGETS)?;
                self.contacts.known(peer)?;
                let key = |id| MessageKey {
                    conversation,
                    author,
                    id,
                };
                let keys = ids.into_iter().map(key).collect();
                (peer, keys, MessageCommand::MarkRead { receipt })
            }
            _ => unreachable!("a command about something else than a message"),
        })
    }

    fn cancel(&mut self, peer: OnionAddress, id: MessageId) -> Outcome {
        let key = self.ours(peer, id);
        let contact = self.contacts.known_mut(peer)?;
        if contact.delivery.withdraw(key, &mut self.ctx) {
            return Ok(Reply::Message {
                id,
                state: DeliveryState::Cancelled,
            });
        }
        let obstacle = match contact.delivery.outbox.find(&key) {
            Some(_) => MessageObstacle::OnItsWay,
            None => MessageObstacle::NotWaiting,
        };
        Err(Refusal::WrongState { id, obstacle })
    }

    /// Tries at once. A message that is not in the outbox any more is queued again.
    fn retry(&mut self, command: CommandId, peer: OnionAddress, id: MessageId) -> Result<Option<Reply>, Refusal> {
        let key = self.ours(peer, id);
        let contact = self.contacts.correspondent(peer, &self.ctx.limits)?;
        contact.reach.progressed(&mut self.ctx);
        let Some(row) = contact.delivery.outbox.find(&key) else {
            self.fetch_for_command(command, peer, vec![key], MessageCommand::Retry);
            return Ok(None);
        };
        let state = match row.sealed {
            Some(_) => DeliveryState::Sent,
            None => DeliveryState::Queued,
        };
        Ok(Some(Reply::Message { id, state }))
    }

    fn status(&self) -> Status {
        let faults = self.ctx.faults.by_kind();
        Status {
            links: self.pool.up(),
            dials: self.pool.dials(),
            handshakes: self.pool.handshakes(),
            stranger_links: self.pool.peers().filter(|peer| self.is_stranger(peer)).count(),
            queued: self
                .contacts
                .values()
                .map(|contact| contact.delivery.outbox.len())
                .sum(),
            availability: self.ctx.availability,
            peer_faults: faults.values().sum(),
            faults_by_kind: faults.clone(),
            storage: self.storage(),
            clock_doubted: self.ctx.sure_time.doubted_until(self.ctx.limits.clock_grace).is_some(),
            elsewhere: self.ctx.elsewhere(),
        }
    }

    fn storage(&self) -> Storage {
        let limits = &self.ctx.limits;
        let stored = |contact: &Contact<R::Session>| ContactStorage {
            contact: contact.address,
            stored: contact.delivery.cursors.stored,
            pause: contact.admission.pause(),
        };
        let contacts = self.contacts.values().map(stored);
        Storage {
            free: self.ctx.free_space,
            reserve: limits.reserve,
            quota: limits.contact_quota,
            contacts: contacts.filter(|one| one.stored > 0 || one.pause.is_some()).collect(),
        }
    }

    /// The driver knows that the wall clock is right: what has waited for that disappears.
    fn confirm_clock(&mut self) -> Reply {
        let now = self.ctx.now;
        self.ctx.sure_time.confirm(now);
        if let Some(at) = self.ctx.next_disappearance {
            self.ctx.disappears(at);
        }
        Reply::Done
    }

    /// The driver has measured how much room the store has.
    fn free_space(&mut self, bytes: u64) -> Reply {
        self.ctx.free_space = Some(bytes);
        let paused = self
            .contacts
            .values()
            .filter(|contact| contact.admission.pause().is_some());
        for peer in paused.map(|contact| contact.address).collect::<Vec<_>>() {
            self.contacts.touch(peer);
        }
        Reply::Done
    }

    fn set_name(&mut self, name: String) -> Outcome {
        in_range(Argument::Name, name.len() <= Limits::NAME_BYTES)?;
        self.me.row.name = name;
        self.ctx.gate.put(Row::Identity(self.me.row.clone()));
        Ok(Reply::Done)
    }

    fn create_invite(&mut self) -> Outcome {
        if self.invites.len() >= self.ctx.limits.invites {
            return Err(Refusal::Full(Table::Invites));
        }
        let row = InviteRow {
            token: InviteToken(self.ctx.entropy.bytes()),
            created_at: self.ctx.now.wall,
        };
        self.ctx.gate.put(Row::Invite(row));
        self.invites.insert(row.token, row);
        Ok(Reply::Invite(FriendCode {
            address: self.me.address,
            invite: Some(row.token),
        }))
    }

    fn revoke_invite(&mut self, token: InviteToken) -> Outcome {
        self.invites.remove(&token).ok_or(Refusal::UnknownInvite)?;
        self.ctx.gate.delete(Key::Invite(token));
        Ok(Reply::Done)
    }

    fn send(&mut self, id: CommandId, new_message: NewMessage) -> Result<Option<Reply>, Refusal> {
        in_range(
            Argument::Text,
            (1..=self.ctx.limits.text_bytes).contains(&new_message.text.len()),
        )?;
        let fits = |text: &Option<String>, max| text.as_ref().is_none_or(|text| (1..=max).contains(&text.len()));
        in_range(Argument::Thread, fits(&new_message.thread, Limits::THREAD_BYTES))?;
        in_range(
            Argument::IdempotencyKey,
            fits(&new_message.idempotency_key, Limits::IDEMPOTENCY_KEY_BYTES),
        )?;
        in_range(
            Argument::Ttl,
            new_message
                .ttl
                .is_none_or(|ttl| (1..=Limits::TIMER_SECONDS).contains(&ttl)),
        )?;
        let known = new_message.content_type != ContentType::Unsupported;
        in_range(Argument::ContentType, known)?;
        let peer = direct(new_message.conversation)?;
        match &new_message.idempotency_key {
            None => {
                let contact = self.contacts.correspondent(peer, &self.ctx.limits)?;
                let id = new_message.id.unwrap_or_else(|| MessageId(self.ctx.entropy.bytes()));
                let key = MessageKey::direct(peer, self.me.address, id);
                Ok(Some(contact.conversation.post(
                    key,
                    new_message,
                    &mut contact.delivery,
                    &mut self.ctx,
                )))
            }
            // Whether there is room is asked when it is known that this is no repetition.
            Some(key) => {
                self.contacts.known(peer)?;
                let message = self.me.message_id(&new_message.conversation, key);
                self.fetch_for_command(
                    id,
                    peer,
                    vec![self.ours(peer, message)],
                    MessageCommand::Send { new_message },
                );
                Ok(None)
            }
        }
    }

    fn set_timer(&mut self, peer: OnionAddress, seconds: u32) -> Outcome {
        in_range(Argument::Timer, seconds <= Limits::TIMER_SECONDS)?;
        let contact = self.contacts.correspondent(peer, &self.ctx.limits)?;
        contact.set_timer(seconds, &mut self.ctx);
        Ok(Reply::Timers(contact.conversation.timers()))
    }

    /// Conversations with another timer of ours than the old default keep it, and so do those that we may not write into.
    fn default_timer(&mut self, seconds: Option<u32>) -> Outcome {
        let seconds = seconds.unwrap_or(self.ctx.default_timer);
        in_range(Argument::Timer, seconds <= Limits::TIMER_SECONDS)?;
        let before = std::mem::replace(&mut self.ctx.default_timer, seconds);
        if before != seconds {
            self.me.row.default_timer = seconds;
            self.ctx.gate.put(Row::Identity(self.me.row.clone()));
            let peers: Vec<_> = self.contacts.values().map(|contact| contact.address).collect();
            for peer in peers {
                if let Ok(contact) = self.contacts.correspondent(peer, &self.ctx.limits)
                    && contact.conversation.timer(&self.ctx.own) == before
                {
                    contact.set_timer(seconds, &mut self.ctx);
                }
            }
        }
        Ok(Reply::DefaultTimer(seconds))
    }

    fn set_typing(&mut self, peer: OnionAddress, typing: bool) -> Outcome {
        let contact = self.contacts.known(peer)?;
        let visible = self.ctx.availability != Availability::Invisible;
        if let Some(link) = contact.delivery.established.filter(|_| visible && !contact.blocked) {
            self.ctx.gate.frame(link, Body::Typing(link::Typing { typing }));
        }
        Ok(Reply::Done)
    }

    fn set_availability(&mut self, availability: Availability) -> Reply {
        let before = std::mem::replace(&mut self.ctx.availability, availability);
        if before != availability {
            self.me.row.availability = availability;
            self.ctx.gate.put(Row::Identity(self.me.row.clone()));
            if Availability::Invisible == before || Availability::Invisible == availability {
                self.look_up_contacts();
            }
            for link in self
                .contacts
                .values()
                .filter_map(|contact| contact.delivery.established)
            {
                self.ctx.gate.frame(link, presence_frame(availability));
            }
        }
        Reply::Done
    }

    fn acknowledge_events(&mut self, consumer: String, seq: EventSeq) -> Outcome {
        in_range(
            Argument::Consumer,
            (1..=Limits::CONSUMER_BYTES).contains(&consumer.len()),
        )?;
        in_range(Argument::Event, seq <= self.ctx.last_event)?;
        if !self.consumers.contains_key(&consumer) && self.consumers.len() >= self.ctx.limits.consumers {
            return Err(Refusal::Full(Table::Consumers));
        }
        let known = self.consumers.get(&consumer).copied();
        let acknowledged = known.unwrap_or_default().max(seq);
        if known != Some(acknowledged) {
            self.consumers.insert(consumer.clone(), acknowledged);
            self.ctx.gate.put(Row::Consumer(ConsumerRow {
                name: consumer,
                acknowledged,
            }));
        }
        Ok(Reply::Acknowledged(acknowledged))
    }

    fn put_records(&mut self, records: Vec<(String, Option<Vec<u8>>)>, event: Option<ApplicationEvent>) -> Outcome {
        let fits = |(key, value): &(String, Option<Vec<u8>>)| {
            (1..=Limits::RECORD_KEY_BYTES).contains(&key.len())
                && value.as_ref().is_none_or(|value| value.len() <= Limits::RECORD_BYTES)
        };
        let holds = records.len() <= Limits::RECORDS && records.iter().all(fits);
        in_range(Argument::Record, holds)?;
        for (key, value) in records {
            match value {
                Some(value) => self.ctx.gate.put(Row::Record(RecordRow { key, value })),
                None => self.ctx.gate.delete(Key::Record(key)),
            }
        }
        if let Some(event) = event {
            self.ctx.record(Event::Application(event));
        }
        Ok(Reply::Done)
    }

    /// A message of ours in the direct conversation with a contact.
    fn ours(&self, peer: OnionAddress, id: MessageId) -> MessageKey {
        MessageKey::direct(peer, self.me.address, id)
    }
}

/// The contact of a direct conversation. No group and no channel can be made yet, so none is known.
fn direct(conversation: ConversationId) -> Result<OnionAddress, Refusal> {
    match conversation {
        ConversationId::Direct(peer) => Ok(peer),
        ConversationId::Group(_) | ConversationId::Channel(_) => Err(Refusal::UnknownConversation(conversation)),
    }
}

pub(crate) fn in_range(argument: Argument, holds: bool) -> Result<(), Refusal> {
    if holds {
        Ok(())
    } else {
        Err(Refusal::OutOfRange(argument))
    }
}
