//! [`Admission`]: whether the ciphertexts of a contact are opened.
//!
//! What a contact sends is stored here, so three bounds hold for it: its pace (bytes and events an hour), its quota (bytes that
//! its messages take up), and the reserve of free space, which is one for all contacts. Beyond a bound the contact is *paused*:
//! its ciphertexts are dropped unopened. They stay in its outbox, as they are not acknowledged, and it sends them again on the
//! next link. That an `Ack` is withheld would not be enough: the cursor in the next Hello acknowledges, and buys a window.
//!
//! A ciphertext that was dropped makes every later one on that link out of turn, so the link ends when the pause does.

use crate::kernel::context::Context;
use crate::kernel::rate::Bucket;
use crate::row::Event;
use crate::{Monotonic, OnionAddress};

/// Why the ciphertexts of a contact are not opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Pause {
    /// The contact has sent more in a short time than its pace allows. It goes on by itself.
    Pace,
    /// The contact's messages take up as much as its quota. It goes on when some are deleted.
    Quota,
    /// The store has less free space than the reserve. It goes on when there is room.
    Reserve,
}

/// Whether the store is still to count what the contact's messages take up.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Count {
    /// In the next pause by the quota.
    Due,
    /// It was asked in the present one.
    Asked,
}

pub(crate) struct Admission {
    contact: OnionAddress,
    bytes: Bucket,
    events: Bucket,
    sessions: Bucket,
    pause: Option<Pause>,
    count: Count,
    /// The pause that the log has told.
    told: Option<Pause>,
    /// A ciphertext was dropped on the present link.
    dropped_on_link: bool,
    /// A ciphertext was dropped since the pause began: the contact has more.
    dropped: bool,
    /// The pause is over: the contact is to be dialed for what it has.
    reopened: bool,
}

impl Admission {
    pub fn new(contact: OnionAddress, ctx: &Context) -> Self {
        let (limits, now) = (&ctx.limits, ctx.now.monotonic);
        Self {
            contact,
            bytes: Bucket::full(limits.byte_rate(), now),
            events: Bucket::full(limits.event_rate(), now),
            sessions: Bucket::full(limits.session_rate(), now),
            pause: None,
            count: Count::Due,
            told: None,
            dropped_on_link: false,
            dropped: false,
            reopened: false,
        }
    }

    /// Why nothing of the contact is opened now.
    pub fn pause(&self) -> Option<Pause> {
        self.pause
    }

    /// Whether a ciphertext that is next is dropped. `stored` is what the contact's messages take up.
    pub fn drops(&mut self, stored: u64, ctx: &mut Context) -> bool {
        self.judge(stored, ctx);
        if let Some(pause) = self.pause {
            self.dropped_on_link = true;
            self.dropped = true;
            self.tell(pause, ctx);
        }
        self.dropped_on_link
    }

    /// A content of so many bytes was taken, which has caused so many events.
    pub fn spend(&mut self, bytes: u64, events: u64, ctx: &Context) {
        let (limits, now) = (&ctx.limits, ctx.now.monotonic);
        self.bytes.spend(limits.byte_rate(), bytes, now);
        self.events.spend(limits.event_rate(), events, now);
    }

    /// Whether the contact may replace its session once more.
    pub fn admits_session(&mut self, ctx: &Context) -> bool {
        self.sessions.take(ctx.limits.session_rate(), 0, ctx.now.monotonic)
    }

    /// Looks whether the pause is over. True if the link has to end, because ciphertexts were dropped on it.
    pub fn resume(&mut self, stored: u64, ctx: &mut Context) -> bool {
        if self.pause.is_none() {
            return false;
        }
        self.judge(stored, ctx);
        if self.pause.is_some() {
            return false;
        }
        if self.told.take().is_some() {
            ctx.record(Event::ContactPaused {
                contact: self.contact,
                pause: None,
            });
        }
        self.reopened = std::mem::take(&mut self.dropped);
        // Until the link is gone, what comes on it is out of turn.
        self.dropped_on_link
    }

    /// Whether the contact is to be dialed for what was not opened, and may be now. True once.
    pub fn reopens(&mut self) -> bool {
        std::mem::take(&mut self.reopened)
    }

    /// Whether what the contact's messages take up is to be counted: once in each pause by the quota. A contact that uses an id twice
    /// sends a message that counts and is not kept; what is kept decides.
    pub fn wants_count(&mut self) -> bool {
        self.pause == Some(Pause::Quota) && std::mem::replace(&mut self.count, Count::Asked) == Count::Due
    }

    /// When the pause may end without that anything else changes.
    pub fn next_look(&mut self, ctx: &Context) -> Option<Monotonic> {
        let (limits, now) = (&ctx.limits, ctx.now.monotonic);
        let refill = |bucket: &mut Bucket, rate: crate::kernel::rate::Rate| bucket.until(rate, rate.burst / 8, now);
        let wait = refill(&mut self.bytes, limits.byte_rate()).max(refill(&mut self.events, limits.event_rate()));
        (self.pause == Some(Pause::Pace)).then(|| now.after(wait))
    }

    /// The link is gone.
    pub fn forget_link(&mut self) {
        self.dropped_on_link = false;
    }

    /// A pause ends somewhat below the bound that began it, so that a contact at the bound is not paused with each message.
    fn judge(&mut self, stored: u64, ctx: &Context) {
        let (limits, now) = (&ctx.limits, ctx.now.monotonic);
        let part = |whole: u64, pause| if self.pause == Some(pause) { whole / 8 } else { 0 };
        let quota = limits.contact_quota - part(limits.contact_quota, Pause::Quota);
        let reserve = limits.reserve + part(limits.reserve, Pause::Reserve);
        let [bytes, events] = [limits.byte_rate(), limits.event_rate()];
        let [least_bytes, least_events] = [bytes, events].map(|rate| part(rate.burst, Pause::Pace).max(1));
        let paced = self
            .bytes
            .until(bytes, least_bytes, now)
            .max(self.events.until(events, least_events, now))
            .0
            > 0;
        self.pause = if ctx.free_space.is_some_and(|free| free < reserve) {
            Some(Pause::Reserve)
        } else if stored >= quota {
            Some(Pause::Quota)
        } else {
            paced.then_some(Pause::Pace)
        };
        if self.pause != Some(Pause::Quota) {
            self.count = Count::Due;
        }
    }

    /// What the user has to know of is in the log, once. The pace is not: it ends by itself, and a contact can cause it.
    fn tell(&mut self, pause: Pause, ctx: &mut Context) {
        if pause != Pause::Pace && self.told != Some(pause) {
            self.told = Some(pause);
            ctx.record(Event::ContactPaused {
                contact: self.contact,
                pause: Some(pause),
            });
        }
    }
}
