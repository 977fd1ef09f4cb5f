//! What a person or program wants, checked and carried out. Commands about messages that may be cold are in `messages`.

use super::Node;
use super::apply::{EMOJI_MAX, READ_MAX, THREAD_MAX, TIMER_MAX};
use super::contact::{self, Contact};
use super::introduce::{NAME_MAX, NOTE_MAX};
use super::messages::Cold;
use super::outbox::Queued;
use crate::row::{ConsumerRow, ContentType, DeliveryState, Event, InviteRow, Row, Standing};
use crate::session::Ratchet;
use crate::wire::content::Timer;
use crate::wire::content::content::Kind;
use crate::wire::link::{self, frame::Body};
use crate::{
    Availability, Command, CommandId, Direction, Draft, EventSeq, FriendCode, InviteToken, OnionAddress, Refusal,
    Reply, Status,
};

/// Bytes of a consumer's name, and of an idempotency key.
const CONSUMER_MAX: usize = 64;
const IDEMPOTENCY_KEY_MAX: usize = 128;
/// Named consumers, and unused invites.
const CONSUMERS_MAX: usize = 1024;
const INVITES_MAX: usize = 1024;

type Outcome = Result<Reply, Refusal>;

impl<R: Ratchet> Node<R> {
    pub(super) fn command(&mut self, id: CommandId, command: Command) {
        let peer = contact_of(&command);
        if let Some(outcome) = self.carry_out(id, command).transpose() {
            self.ctx.reply(id, outcome);
        }
        if let Some(peer) = peer {
            if let Some(contact) = self.contacts.get_mut(&peer) {
                contact.pump(&self.me, &mut self.ctx);
            }
            self.tend(peer);
        }
    }

    /// Carries a command out, at once or (`None`) when cold rows are here.
    fn carry_out(&mut self, id: CommandId, command: Command) -> Result<Option<Reply>, Refusal> {
        match command {
            Command::SetName(name) => self.set_name(name),
            Command::CreateInvite => self.create_invite(),
            Command::AddContact { code, petname, note } => self.add_contact(code, petname, note),
            Command::AcceptContact { contact, petname } => self.accept_contact(contact, petname),
            Command::RejectContact(peer) => self.reject_contact(peer),
            Command::RemoveContact(peer) => self.remove_contact(peer),
            Command::RenameContact(peer, petname) => self.rename_contact(peer, petname),
            Command::BlockContact(peer, blocked) => self.block_contact(peer, blocked),
            Command::SafetyNumber(peer) => self.safety_number(peer).map(Reply::SafetyNumber),
            Command::VerifyContact(peer, number) => self.verify_contact(peer, number),
            Command::Send(draft) => return self.send(id, draft),
            Command::EditMessage {
                contact,
                id: message,
                text,
            } => {
                in_range(
                    "text",
                    "1 to 32768 bytes",
                    (1..=self.ctx.limits.text_bytes).contains(&text.len()),
                )?;
                self.correspondent(contact)?;
                self.ask(id, contact, Direction::Out, vec![message], Cold::Edit { text });
                return Ok(None);
            }
            Command::DeleteMessage { contact, id: message } => {
                self.contact(contact)?;
                self.ask(id, contact, Direction::Out, vec![message], Cold::Delete);
                return Ok(None);
            }
            Command::React {
                contact,
                author,
                id: message,
                emoji,
            } => {
                let fits = emoji
                    .as_ref()
                    .is_none_or(|emoji| (1..=EMOJI_MAX).contains(&emoji.len()));
                in_range("reaction", "1 to 64 bytes", fits)?;
                self.correspondent(contact)?;
                self.ask(id, contact, author, vec![message], Cold::React { emoji });
                return Ok(None);
            }
            Command::MarkRead { contact, ids, receipt } => {
                in_range("number of messages", "at most 256", ids.len() <= READ_MAX)?;
                self.contact(contact)?;
                self.ask(id, contact, Direction::In, ids, Cold::MarkRead { receipt });
                return Ok(None);
            }
            Command::CancelMessage { contact, id: message } => self.cancel(contact, message),
            Command::RetryMessage { contact, id: message } => return self.retry(id, contact, message),
            Command::SetTimer(peer, seconds) => self.set_timer(peer, seconds),
            Command::SetTyping(peer, typing) => self.set_typing(peer, typing),
            Command::SetAvailability(availability) => Ok(self.set_availability(availability)),
            Command::AcknowledgeEvents { consumer, seq } => self.acknowledge_events(consumer, seq),
            Command::Identity => Ok(Reply::Identity {
                address: self.me.address,
                name: self.me.row.name.clone(),
                identity_key: self.me.ratchet.identity_key().to_vec(),
            }),
            Command::Peers => Ok(Reply::Peers(
                self.contacts
                    .values()
                    .filter(|c| c.is_friend())
                    .map(Contact::peer)
                    .collect(),
            )),
            Command::Status => Ok(Reply::Status(Status {
                links: self.pool.up(),
                dials: self.pool.dials(),
                queued: self.contacts.values().map(|contact| contact.outbox.len()).sum(),
                peer_faults: self.ctx.peer_faults,
            })),
        }
        .map(Some)
    }

    fn set_name(&mut self, name: String) -> Outcome {
        in_range("name", "at most 64 bytes", name.len() <= NAME_MAX)?;
        self.me.row.name = name;
        self.ctx.gate.put(Row::Identity(self.me.row.clone()));
        Ok(Reply::Done)
    }

    fn create_invite(&mut self) -> Outcome {
        if self.invites.len() >= INVITES_MAX {
            return Err(Refusal::Full("unused invites"));
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

    fn add_contact(&mut self, code: FriendCode, petname: Option<String>, note: String) -> Outcome {
        let peer = code.address;
        if peer == self.me.address {
            return Err(Refusal::Ourselves);
        }
        in_range("note", "at most 500 bytes", note.len() <= NOTE_MAX)?;
        check_petname(petname.as_deref())?;
        match self
            .contacts
            .get(&peer)
            .map(|contact| (contact.row.standing, contact.row.blocked))
        {
            Some((_, true)) => return wrong(peer, "is blocked; unblock them first"),
            Some((Standing::Friend, _)) => return wrong(peer, "is a contact already"),
            Some((Standing::Asking, _)) => return self.accept_contact(peer, petname),
            Some(_) => {}
            None if self.contacts.len() >= self.ctx.limits.contacts => return Err(Refusal::Full("contacts")),
            None => {
                let row = contact::unknown(peer, Standing::Stranger, self.ctx.now.wall);
                self.contacts.insert(peer, Contact::new(row, &self.ctx));
            }
        }
        let contact = self.contacts.get_mut(&peer).expect("there, or just added");
        contact.row.standing = Standing::Requested;
        contact.row.note = note;
        contact.row.invite = code.invite;
        contact.row.petname = petname.unwrap_or_else(|| std::mem::take(&mut contact.row.petname));
        contact.row.retry.next_attempt = None;
        contact.save(&mut self.ctx);
        // Should they be on a link already, the request goes at once.
        if let Some(link) = self.pool.link_of(&peer)
            && self.pool.get(link).is_some_and(|entry| entry.heard.is_some())
        {
            contact.send_request(link, &self.me, &mut self.ctx);
        }
        Ok(Reply::Contact(peer))
    }

    fn accept_contact(&mut self, peer: OnionAddress, petname: Option<String>) -> Outcome {
        check_petname(petname.as_deref())?;
        let link = self
            .pool
            .link_of(&peer)
            .filter(|link| self.pool.get(*link).is_some_and(|entry| entry.heard.is_some()));
        let contact = self.contacts.get_mut(&peer).ok_or(Refusal::UnknownContact(peer))?;
        if contact.is_friend() {
            return Ok(Reply::Contact(peer)); // once more, after an answer that was lost
        }
        let Some(request) = contact.request.clone() else {
            return wrong(peer, "has not asked to be a contact");
        };
        if contact.row.blocked {
            return wrong(peer, "is blocked; unblock them first");
        }
        if contact.consent(link, &request, &self.me, &mut self.ctx).is_err() {
            contact.reject(link, &mut self.ctx);
            return wrong(peer, "sent a request that is not valid; it is dropped");
        }
        if let Some(petname) = petname {
            contact.row.petname = petname;
        }
        contact.save(&mut self.ctx);
        Ok(Reply::Contact(peer))
    }

    fn reject_contact(&mut self, peer: OnionAddress) -> Outcome {
        let link = self.pool.link_of(&peer);
        let contact = self.contacts.get_mut(&peer).ok_or(Refusal::UnknownContact(peer))?;
        match contact.row.standing {
            Standing::Asking => contact.reject(link, &mut self.ctx),
            Standing::Declined => {}
            _ => return wrong(peer, "has not asked to be a contact"),
        }
        Ok(Reply::Contact(peer))
    }

    fn remove_contact(&mut self, peer: OnionAddress) -> Outcome {
        let link = self.pool.link_of(&peer);
        let contact = self.contacts.get_mut(&peer).ok_or(Refusal::UnknownContact(peer))?;
        if contact.row.standing != Standing::Stranger {
            contact.remove(&mut self.ctx);
            if let Some(link) = link {
                self.ctx.hang_up(link);
            }
        }
        Ok(Reply::Contact(peer))
    }

    fn rename_contact(&mut self, peer: OnionAddress, petname: String) -> Outcome {
        check_petname(Some(&petname))?;
        let contact = self.contacts.get_mut(&peer).ok_or(Refusal::UnknownContact(peer))?;
        contact.row.petname = petname;
        contact.save(&mut self.ctx);
        Ok(Reply::Contact(peer))
    }

    fn block_contact(&mut self, peer: OnionAddress, blocked: bool) -> Outcome {
        let contact = self.contacts.get_mut(&peer).ok_or(Refusal::UnknownContact(peer))?;
        if contact.row.blocked != blocked {
            contact.row.blocked = blocked;
            contact.save(&mut self.ctx);
            self.ctx.record(Event::ContactBlocked { contact: peer, blocked });
        }
        Ok(Reply::Contact(peer))
    }

    fn safety_number(&self, peer: OnionAddress) -> Result<crate::SafetyNumber, Refusal> {
        let contact = self.contact(peer)?;
        let key = contact.row.identity_key.as_deref().ok_or(Refusal::NoSession(peer))?;
        self.me
            .ratchet
            .safety_number(&self.me.address, &peer, key)
            .map_err(|_| Refusal::NoSession(peer))
    }

    fn verify_contact(&mut self, peer: OnionAddress, number: Option<String>) -> Outcome {
        let verified = match number {
            Some(number) => {
                let digits: String = number.chars().filter(|c| !c.is_whitespace()).collect();
                if digits != self.safety_number(peer)?.digits {
                    return Err(Refusal::SafetyNumberMismatch(peer));
                }
                true
            }
            None => false,
        };
        let contact = self.contacts.get_mut(&peer).ok_or(Refusal::UnknownContact(peer))?;
        if contact.row.verified != verified {
            contact.row.verified = verified;
            contact.save(&mut self.ctx);
            self.ctx.record(Event::ContactVerified {
                contact: peer,
                verified,
            });
        }
        Ok(Reply::Contact(peer))
    }

    fn send(&mut self, id: CommandId, draft: Draft) -> Result<Option<Reply>, Refusal> {
        in_range(
            "text",
            "1 to 32768 bytes",
            (1..=self.ctx.limits.text_bytes).contains(&draft.text.len()),
        )?;
        let fits = |text: &Option<String>, max| text.as_ref().is_none_or(|text| (1..=max).contains(&text.len()));
        in_range("thread", "1 to 128 bytes", fits(&draft.thread, THREAD_MAX))?;
        in_range(
            "idempotency key",
            "1 to 128 bytes",
            fits(&draft.idempotency_key, IDEMPOTENCY_KEY_MAX),
        )?;
        in_range(
            "ttl",
            "1 second to 366 days",
            draft.ttl.is_none_or(|ttl| (1..=TIMER_MAX).contains(&ttl)),
        )?;
        let known = draft.content_type != ContentType::Unsupported;
        in_range("content type", "plain or markdown", known)?;
        let contact = draft.contact;
        self.correspondent(contact)?;
        match &draft.idempotency_key {
            None => {
                let message = crate::MessageId(self.ctx.entropy.bytes());
                self.post(message, draft);
                Ok(Some(Reply::Message {
                    id: message,
                    state: DeliveryState::Queued,
                }))
            }
            Some(key) => {
                let message = self.me.message_id(&contact, key);
                self.ask(id, contact, Direction::Out, vec![message], Cold::Send { draft });
                Ok(None)
            }
        }
    }

    fn set_timer(&mut self, peer: OnionAddress, seconds: u32) -> Outcome {
        in_range("timer", "0 (off) to 366 days, in seconds", seconds <= TIMER_MAX)?;
        let contact = self.correspondent(peer)?;
        if contact.row.timer_ours != seconds {
            let theirs = contact.row.timer_theirs;
            contact.row.timer_ours = seconds;
            let ctx = &mut self.ctx;
            let Some(contact) = self.contacts.get_mut(&peer) else {
                return Err(Refusal::UnknownContact(peer));
            };
            contact.save(ctx);
            let timer = Queued::unfollowed(Kind::Timer(Timer { seconds }), ctx);
            contact.queue(timer, ctx);
            ctx.record(Event::TimerChanged {
                contact: peer,
                author: Direction::Out,
                seconds,
            });
            return Ok(Reply::Timer { ours: seconds, theirs });
        }
        Ok(Reply::Timer {
            ours: seconds,
            theirs: contact.row.timer_theirs,
        })
    }

    fn set_typing(&mut self, peer: OnionAddress, typing: bool) -> Outcome {
        let contact = self.contact(peer)?;
        if let Some(link) = contact.flow.filter(|_| !contact.row.blocked) {
            self.ctx.frame(link, Body::Typing(link::Typing { typing }));
        }
        Ok(Reply::Done)
    }

    fn set_availability(&mut self, availability: Availability) -> Reply {
        if self.ctx.availability != availability {
            self.ctx.availability = availability;
            let word = super::settle::wire_availability(availability).into();
            for link in self.contacts.values().filter_map(|contact| contact.flow) {
                self.ctx
                    .frame(link, Body::Presence(link::Presence { availability: word }));
            }
        }
        Reply::Done
    }

    fn acknowledge_events(&mut self, consumer: String, seq: EventSeq) -> Outcome {
        in_range(
            "consumer",
            "1 to 64 bytes",
            (1..=CONSUMER_MAX).contains(&consumer.len()),
        )?;
        in_range("event", "one that has happened", seq <= self.ctx.last_event)?;
        if !self.consumers.contains_key(&consumer) && self.consumers.len() >= CONSUMERS_MAX {
            return Err(Refusal::Full("consumers"));
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

    pub(super) fn contact(&self, peer: OnionAddress) -> Result<&Contact<R::Session>, Refusal> {
        self.contacts.get(&peer).ok_or(Refusal::UnknownContact(peer))
    }

    /// A contact to whom something may be queued.
    pub(super) fn correspondent(&mut self, peer: OnionAddress) -> Result<&mut Contact<R::Session>, Refusal> {
        let full = self.ctx.limits.outbox_rows;
        let contact = self.contacts.get_mut(&peer).ok_or(Refusal::UnknownContact(peer))?;
        let why = match contact.row.standing {
            _ if contact.row.blocked => "is blocked; unblock them first",
            Standing::Friend | Standing::Requested | Standing::RequestDelivered => {
                return if contact.outbox.len() < full {
                    Ok(contact)
                } else {
                    Err(Refusal::Full("messages waiting for this contact"))
                };
            }
            Standing::Asking => "has asked to be a contact; accept the request first",
            Standing::RequestDeclined => "has declined your request",
            Standing::Declined | Standing::Stranger => "is not a contact; add them first",
        };
        Err(Refusal::WrongStanding { contact: peer, why })
    }
}

fn wrong(contact: OnionAddress, why: &'static str) -> Outcome {
    Err(Refusal::WrongStanding { contact, why })
}

pub(super) fn in_range(what: &'static str, range: &'static str, holds: bool) -> Result<(), Refusal> {
    if holds {
        Ok(())
    } else {
        Err(Refusal::OutOfRange { what, range })
    }
}

fn check_petname(petname: Option<&str>) -> Result<(), Refusal> {
    in_range(
        "petname",
        "at most 64 bytes",
        petname.is_none_or(|petname| petname.len() <= NAME_MAX),
    )
}

/// The contact that a command is about, if it is about one.
fn contact_of(command: &Command) -> Option<OnionAddress> {
    match command {
        Command::AddContact { code, .. } => Some(code.address),
        Command::Send(draft) => Some(draft.contact),
        Command::AcceptContact { contact, .. }
        | Command::RejectContact(contact)
        | Command::RemoveContact(contact)
        | Command::RenameContact(contact, _)
        | Command::BlockContact(contact, _)
        | Command::SafetyNumber(contact)
        | Command::VerifyContact(contact, _)
        | Command::EditMessage { contact, .. }
        | Command::DeleteMessage { contact, .. }
        | Command::React { contact, .. }
        | Command::MarkRead { contact, .. }
        | Command::CancelMessage { contact, .. }
        | Command::RetryMessage { contact, .. }
        | Command::SetTimer(contact, _)
        | Command::SetTyping(contact, _) => Some(*contact),
        Command::SetName(_)
        | Command::CreateInvite
        | Command::SetAvailability(_)
        | Command::AcknowledgeEvents { .. }
        | Command::Identity
        | Command::Peers
        | Command::Status => None,
    }
}
