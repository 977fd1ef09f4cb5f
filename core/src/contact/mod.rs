//! [`Contact`]: one peer that this node knows, as the parts that own its state: what both sides have agreed to, which identity
//! key is theirs, when to dial, what is known of their presence, the conversation, and the delivery of what is sent.

mod admission;
mod ciphertexts;
mod commands;
mod consent;
mod contacts;
mod expiry;
mod identity_key;
mod presence;
mod reach;
mod requests;
mod resumption;

pub use admission::Pause;
pub(crate) use ciphertexts::Reception;
pub(crate) use contacts::Contacts;
pub(crate) use requests::CheckedRequest;
pub(crate) use resumption::{features_of, hello_to_stranger};

use crate::conversation::Conversation;
use crate::delivery::Delivery;
use crate::kernel::alarms::Alarm;
use crate::kernel::context::Context;
use crate::kernel::rate::Bucket;
use crate::row::{ContactRow, Key, Relationship, Row};
use crate::{ContactPresence, ConversationId, LinkId, Notice, OnionAddress, Presence, SessionEpoch, Wall};
use admission::Admission;
use consent::Consent;
use expiry::Expiry;
use identity_key::IdentityKey;
pub(crate) use identity_key::Sealing;
use presence::ObservedPresence;
use reach::Reach;

pub(crate) struct Contact<S> {
    pub address: OnionAddress,
    /// Our name for them; empty if none was given.
    pub petname: String,
    /// Their name for themselves.
    pub claimed_name: String,
    pub blocked: bool,
    /// The features of their last Hello.
    features: Option<Vec<u32>>,
    /// Their store is older than what it has said. The user is told when the session is replaced.
    rolled_back: bool,
    /// The highest session epoch that both sides agreed on in this run.
    agreed: Option<SessionEpoch>,
    created_at: Wall,
    pub consent: Consent,
    pub identity_key: IdentityKey,
    pub reach: Reach,
    pub presence: ObservedPresence,
    pub conversation: Conversation,
    pub delivery: Delivery<S>,
    /// For frames that no window paces.
    pub bucket: Bucket,
    pub admission: Admission,
    expiry: Expiry,
}

impl<S> Contact<S> {
    /// A peer that was not known so far.
    pub fn new(address: OnionAddress, ctx: &Context) -> Self {
        Self {
            address,
            petname: String::new(),
            claimed_name: String::new(),
            blocked: false,
            features: None,
            rolled_back: false,
            agreed: None,
            created_at: ctx.now.wall,
            consent: Consent::new(address),
            identity_key: IdentityKey::default(),
            reach: Reach::new(address),
            presence: ObservedPresence::default(),
            conversation: Conversation::new(ConversationId::Direct(address)),
            delivery: Delivery::new(address),
            bucket: Bucket::full(ctx.limits.frame_rate(), ctx.now.monotonic),
            admission: Admission::new(address, ctx),
            expiry: Expiry::default(),
        }
    }

    /// A peer that was not known so far, and asks on a link on which its Hello has said these features.
    pub fn asking(address: OnionAddress, features: Option<Vec<u32>>, ctx: &Context) -> Self {
        Self {
            features,
            ..Self::new(address, ctx)
        }
    }

    pub fn restore(row: ContactRow, ctx: &Context) -> Self {
        let mut contact = Self::new(row.address, ctx);
        contact.petname = row.petname;
        contact.claimed_name = row.claimed_name;
        contact.blocked = row.blocked;
        contact.features = row.features;
        contact.created_at = row.created_at;
        contact.consent.relationship = row.relationship;
        contact.consent.note = row.note;
        contact.consent.invite = row.invite;
        contact.identity_key.key = row.identity_key;
        contact.identity_key.verification = row.verification;
        contact.consent.removed_by_peer = row.removed_by_peer;
        contact.reach.last_seen = row.last_seen;
        contact.reach.retry = row.retry;
        contact
    }

    /// The row of the parts as they are now.
    pub fn row(&self) -> ContactRow {
        ContactRow {
            address: self.address,
            relationship: self.consent.relationship,
            petname: self.petname.clone(),
            claimed_name: self.claimed_name.clone(),
            note: self.consent.note.clone(),
            invite: self.consent.invite,
            identity_key: self.identity_key.key.clone(),
            verification: self.identity_key.verification,
            removed_by_peer: self.consent.removed_by_peer,
            blocked: self.blocked,
            features: self.features.clone(),
            created_at: self.created_at,
            last_seen: self.reach.last_seen,
            retry: self.reach.retry,
        }
    }

    /// Has the row written with the next commit.
    pub fn save(&self, ctx: &mut Context) {
        ctx.gate.put_by_key(Key::Contact(self.address));
    }

    pub fn is_friend(&self) -> bool {
        self.consent.relationship == Relationship::Friend
    }

    /// Whether all that there is of the peer came from the peer: the user has neither named nor blocked it, and it was never
    /// a friend.
    fn is_mere_stranger(&self) -> bool {
        self.petname.is_empty() && !self.blocked && self.identity_key.key.is_none()
    }

    /// A stranger that the user has declined.
    fn is_declined_stranger(&self) -> bool {
        self.consent.relationship == Relationship::Declined && self.is_mere_stranger()
    }

    /// When a declined stranger was last there. The user's decision is forgotten a month later, in which the peer did not come
    /// to hear it.
    fn last_there(&self) -> Wall {
        self.reach.last_seen.unwrap_or(self.created_at)
    }

    /// From when the time counts after which nothing is kept of a stranger.
    fn stranger_since(&self) -> Option<Wall> {
        match &self.consent.request {
            Some(request) => Some(request.received_at),
            None => self.is_declined_stranger().then(|| self.last_there()),
        }
    }

    /// The time counts from now.
    fn restart_expiry(&mut self, ctx: &mut Context) {
        if let Some(request) = &mut self.consent.request {
            request.received_at = ctx.now.wall;
            ctx.gate.put(Row::Request(request.clone()));
        } else {
            self.reach.last_seen = Some(ctx.known_wall());
            self.save(ctx);
        }
    }

    /// Whether something here can only go on when they are reached.
    pub fn has_mail(&self) -> bool {
        match self.consent.relationship {
            Relationship::Friend => {
                self.delivery.outbox.has_mail(self.identity_key.sealing()) && !self.consent.removed_by_peer
            }
            Relationship::Requested => true,
            _ => false,
        }
    }

    /// Looks whether a pause is over, and when to look again. A link on which something was dropped ends then.
    pub fn resume_admission(&mut self, link: Option<LinkId>, ctx: &mut Context) {
        let broken = self.admission.resume(self.delivery.cursors.stored, ctx);
        if let Some(link) = link.filter(|_| broken) {
            ctx.gate.hang_up(link);
        }
        let alarm = Alarm::Pace(self.address);
        match self.admission.next_look(ctx) {
            Some(at) => ctx.wake(alarm, at),
            None => ctx.alarms.clear(alarm),
        }
    }

    /// Notes what is known of the contact's presence, and says so if it is a friend.
    pub fn observe(&mut self, presence: Presence, typing: bool, ctx: &mut Context) {
        let changed = self.presence.observe(presence, typing, ctx.now.wall);
        if changed && self.is_friend() && !self.blocked {
            ctx.gate.notify(Notice::Presence(self.peer()));
        }
    }

    pub fn peer(&self) -> ContactPresence {
        ContactPresence {
            contact: self.address,
            presence: self.presence.presence,
            as_of: self.presence.as_of,
            typing: self.presence.typing,
        }
    }
}
