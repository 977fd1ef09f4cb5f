//! From rows to a node: the first start and recovery from a crash are the same.

use std::collections::{BTreeMap, VecDeque};

use crate::contact::{Contact, Contacts};
use crate::fault::Faults;
use crate::kernel::alarms::Alarms;
use crate::kernel::context::Context;
use crate::kernel::gate::Gate;
use crate::kernel::rate::Bucket;
use crate::kernel::sure_time::SureTime;
use crate::link::dial_queue::DialQueue;
use crate::link::pool::Pool;
use crate::node::Node;
use crate::node::me::Me;
use crate::onion_key::OnionSecret;
use crate::row::{ContactRow, IdentityRow, Image, OutboxContent, Row};
use crate::sabotage::{Rule, breaks};
use crate::session::Ratchet;
use crate::{Availability, ConversationId, Entropy, Limits, Now, OnionAddress, Wall};

/// The image cannot be a node's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// A row does not hold what its type says.
    #[error("the store is damaged: its {0} does not decode")]
    Damaged(&'static str),
    /// A row belongs to a contact or a conversation that is not there.
    #[error("the store is damaged: a row of type {0} has no contact or conversation")]
    Orphan(&'static str),
    /// A row has a number that counting does not reach.
    #[error("the store is damaged: a row of type {0} has a number that no node has counted to")]
    Uncounted(&'static str),
    /// A row has more in it than a node puts there, and than a frame may hold.
    #[error("the store is damaged: a row of type {0} is longer than any that a node writes")]
    TooLong(&'static str),
}

impl<R: Ratchet> Node<R> {
    /// Starts from what is durable. An empty image becomes a new identity, with the first commit.
    pub fn open(mut image: Image, mut entropy: Entropy, limits: Limits, now: Now) -> Result<Self, OpenError> {
        check_counts(&image)?;
        check_lengths(&image)?;
        let mut gate = Gate::default();
        let identity = image.identity.take().unwrap_or_else(|| {
            let row = new_identity::<R>(&mut entropy, now);
            gate.put(Row::Identity(row.clone()));
            row
        });
        let me: Me<R> = open_identity(identity)?;
        let IdentityRow {
            availability,
            default_timer,
            ..
        } = me.row;
        let mut sure_time = SureTime::new(latest_moment(&me.row, &image.contacts), now);
        sure_time.observe(now, limits.clock_grace);
        let requests = Bucket::full(limits.request_rate(), now.monotonic);
        let ctx = Context {
            own: me.address,
            now,
            gate,
            alarms: Alarms::default(),
            entropy,
            limits,
            faults: Faults::default(),
            first_event: image.first_event,
            last_event: image.last_event,
            next_disappearance: None,
            sure_time,
            availability,
            default_timer,
            free_space: None,
            elsewhere: None,
        };
        let mut node = Self {
            me,
            ctx,
            contacts: Contacts::new(),
            pool: Pool::default(),
            invites: image.invites.drain(..).map(|row| (row.token, row)).collect(),
            consumers: image
                .consumers
                .drain(..)
                .map(|row| (row.name, row.acknowledged))
                .collect(),
            pending: BTreeMap::new(),
            fetches: 0,
            dial_queue: DialQueue::default(),
            requests,
            handed_over: Vec::new(),
            outputs: VecDeque::new(),
        };
        node.restore(image)?;
        if !breaks(Rule::RetryNotRestored) {
            node.resume();
        }
        Ok(node)
    }

    /// Takes the rows of contacts, and what hangs on them.
    fn restore(&mut self, image: Image) -> Result<(), OpenError> {
        for row in image.contacts {
            self.contacts.insert(Contact::restore(row, &self.ctx));
        }
        for row in image.timers {
            match row.conversation {
                ConversationId::Direct(peer) => self.known(peer, "timer")?.conversation.restore(row),
                ConversationId::Group(_) | ConversationId::Channel(_) => return Err(OpenError::Orphan("timer")),
            }
        }
        for row in image.sessions {
            let session = R::decode(&row.record).map_err(|_| OpenError::Damaged("session"))?;
            self.known(row.contact, "session")?.delivery.session = Some(session);
        }
        for row in image.cursors {
            self.known(row.contact, "cursors")?.delivery.cursors = row;
        }
        for row in image.prekey_offers {
            let contact = row.contact;
            self.known(contact, "prekey offer")?.delivery.offer = Some(row);
        }
        for row in image.requests {
            let contact = row.contact;
            self.known(contact, "request")?.consent.request = Some(row);
        }
        for row in image.outbox {
            self.known(row.contact, "outbox")?.delivery.outbox.restore(row);
        }
        if let Some(at) = image.next_disappearance {
            self.ctx.disappears(at);
        }
        Ok(())
    }

    fn known(&mut self, address: OnionAddress, row: &'static str) -> Result<&mut Contact<R::Session>, OpenError> {
        self.contacts.restore(&address).ok_or(OpenError::Orphan(row))
    }

    /// Takes up what waited, at once and with short pauses again, and looks every contact up.
    fn resume(&mut self) {
        for contact in self.contacts.values_mut() {
            contact.delivery.watch_expiry(&mut self.ctx);
            contact.reach.restarted(&mut self.ctx);
        }
        self.look_up_contacts();
        self.contacts.expire_strangers(&mut self.ctx);
        self.follow_up();
    }
}

/// The latest moment that the rows surely tell of: when this node last ran, roughly. Other moments in rows may have been written
/// under a clock that was doubted.
fn latest_moment(identity: &IdentityRow, contacts: &[ContactRow]) -> Wall {
    let seen = contacts.iter().filter_map(|row| row.last_seen);
    seen.fold(identity.created_at, Wall::max)
}

fn check_counts(image: &Image) -> Result<(), OpenError> {
    let check = |row, sound| if sound { Ok(()) } else { Err(OpenError::Uncounted(row)) };
    let counted = |number: u64| number < Limits::COUNT;
    let Image {
        first_event,
        last_event,
        ..
    } = image;
    check("event", first_event <= last_event && counted(last_event.0))?;
    for row in &image.cursors {
        let numbers = [row.session_epoch.0, row.sent, row.acknowledged, row.received];
        check("cursors", numbers.into_iter().all(counted))?;
    }
    check(
        "prekey offer",
        image.prekey_offers.iter().all(|row| counted(row.session_epoch.0)),
    )?;
    check("request", image.requests.iter().all(|row| counted(row.session_epoch.0)))?;
    check("outbox", image.outbox.iter().all(|row| counted(row.position.0)))
}

/// Of what is sent on: a frame that does not fit a record is a broken contract.
fn check_lengths(image: &Image) -> Result<(), OpenError> {
    let check = |row, short| if short { Ok(()) } else { Err(OpenError::TooLong(row)) };
    check(
        "identity",
        image.identity.iter().all(|row| row.name.len() <= Limits::NAME_BYTES),
    )?;
    check(
        "contact",
        image.contacts.iter().all(|row| row.note.len() <= Limits::NOTE_BYTES),
    )?;
    check(
        "prekey offer",
        image
            .prekey_offers
            .iter()
            .all(|row| row.bundle.len() <= Limits::PART_BYTES),
    )?;
    for row in &image.outbox {
        let sealed = row.sealed.as_ref().map_or(0, |sealed| sealed.ciphertext.len());
        let content = match &row.content {
            OutboxContent::Serialised(content) => content.len(),
            OutboxContent::Text(_) | OutboxContent::Edit(_) | OutboxContent::Obsolete => 0,
        };
        check("outbox", content.max(sealed) <= Limits::PART_BYTES)?;
    }
    Ok(())
}

fn new_identity<R: Ratchet>(entropy: &mut Entropy, now: Now) -> IdentityRow {
    let (signal_identity, registration_id) = R::generate(entropy);
    IdentityRow {
        onion_seed: entropy.bytes(),
        signal_identity: signal_identity.to_vec(),
        registration_id,
        name: String::new(),
        created_at: now.wall,
        availability: Availability::default(),
        default_timer: 0,
    }
}

fn open_identity<R: Ratchet>(row: IdentityRow) -> Result<Me<R>, OpenError> {
    let ratchet = R::open(&row.signal_identity, row.registration_id).map_err(|_| OpenError::Damaged("identity"))?;
    let secret = OnionSecret::from_seed(&row.onion_seed);
    Ok(Me {
        address: secret.address(),
        secret,
        ratchet,
        row,
    })
}
