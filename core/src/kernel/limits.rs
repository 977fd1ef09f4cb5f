//! [`Limits`]: the numbers that bound or pace a node. Sizes of records and ciphertexts are in `link` and `session`.

use crate::kernel::rate::Rate;
use crate::{Millis, feature};

/// The bounds and paces of a node. The defaults are the protocol's recommendations; tests and simulations shrink them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// First wait before a contact is dialled again; doubles from there.
    pub retry_first: Millis,
    /// Longest wait between two dials while something waits.
    pub retry_cap: Millis,
    /// An outbox row not sealed by then fails as expired.
    pub outbox_expiry: Millis,
    /// Sealed, unacknowledged messages per contact.
    pub window: u64,
    /// Links kept at once, strangers' not counted.
    pub pooled_links: usize,
    /// Links of peers that have not authenticated yet.
    pub unauthenticated_links: usize,
    /// Links of authenticated peers that are neither friends nor asked by us. A newcomer needs one for a round trip, until our
    /// Hello has brought its request. On Tor 16 circuits at most are built within a round trip, so not all of these are taken
    /// anew in that time.
    pub stranger_links: usize,
    /// A link with nothing to do for so long is closed.
    pub idle: Millis,
    /// Dials under way at once.
    pub dials: usize,
    /// A handshake not finished by then ends the link.
    pub handshake: Millis,
    /// Silence after which a heartbeat goes out; three times that is a dead link.
    pub heartbeat: Millis,
    /// Tokens a second of a peer's bucket, for frames that no window paces.
    pub rate_per_second: u64,
    /// Size of that bucket.
    pub rate_burst: u64,
    /// Tokens of it that only a Hello or a Request takes.
    pub rate_reserve: u64,
    /// Bytes of a text.
    pub text_bytes: usize,
    /// Rows waiting for one contact.
    pub outbox_rows: usize,
    /// Requests of strangers held.
    pub requests: usize,
    /// Requests without an invite that are taken in an hour, beyond the first `request_burst`.
    pub requests_per_hour: u64,
    /// Requests without an invite that are taken at once.
    pub request_burst: u64,
    /// How long a request keeps its place when others find none: time for the user to see it.
    pub request_hold: Millis,
    /// Least time between two replacements of a held request.
    pub request_replacement: Millis,
    /// A request that waits for so long is dropped; so is what is kept of a declined stranger that was not seen for so long.
    pub request_expiry: Millis,
    /// Declined strangers kept; the one that was not seen for the longest time gives way.
    pub declined: usize,
    /// How long the wall clock must have said the same before a request is dropped on its word.
    pub clock_grace: Millis,
    /// Contacts.
    pub contacts: usize,
    /// Bytes that the messages of one contact may take up here; beyond that its ciphertexts are not opened.
    pub contact_quota: u64,
    /// Bytes of contents that are taken from one contact at once, and so many again in each hour.
    pub contact_pace: u64,
    /// Sessions that one contact may replace at once, and an eighth of so many again in each hour.
    pub contact_sessions: u64,
    /// Free space of the store below which no ciphertext is opened: what the node itself writes needs room.
    pub reserve: u64,
    /// Events kept in the log.
    pub events: u64,
    /// How long to wait for the ack of a message that a link has taken, before its state becomes `sent`.
    pub sent_delay: Millis,
    /// The features that this node has: it says them in Hello and acts on them. See [`feature`].
    pub features: Vec<u32>,
    /// Feature numbers that a Hello may have.
    pub hello_features: usize,
    /// Unused invites.
    pub invites: usize,
    /// Named consumers of the event log.
    pub consumers: usize,
    /// Bytes that wait for one link; a whole window of the largest texts takes a good half of it.
    pub unsent_bytes: usize,
    /// Messages that disappear in one commit.
    pub disappearances: u32,
    /// Changes staged, and effects that wait for them, before bulk input is unwelcome.
    pub staged_changes: usize,
}

/// Bounds that are the same for every node: the protocol's, and those of what is stored.
impl Limits {
    /// Bytes of a name, ours or a peer's.
    pub(crate) const NAME_BYTES: usize = 64;
    /// Bytes of a bundle in a request: a correct one has about 1 900.
    pub(crate) const BUNDLE_BYTES: usize = 2048;
    /// Bytes of a request's note.
    pub(crate) const NOTE_BYTES: usize = 500;
    /// Bytes of a thread's name.
    pub(crate) const THREAD_BYTES: usize = 128;
    /// Bytes of a reaction.
    pub(crate) const REACTION_BYTES: usize = 64;
    /// Messages that one receipt names.
    pub(crate) const READ_TARGETS: usize = 256;
    /// The longest timer, in seconds: a year.
    pub(crate) const TIMER_SECONDS: u32 = 366 * 24 * 3600;
    /// Programs in a row that are counted.
    pub(crate) const HOPS: u32 = 255;
    /// Session epochs above this are a fault; below, adding one never overflows.
    pub(crate) const SESSION_EPOCH: u64 = 1 << 62;
    /// Bytes of a consumer's name.
    pub(crate) const CONSUMER_BYTES: usize = 64;
    /// Bytes of an idempotency key.
    pub(crate) const IDEMPOTENCY_KEY_BYTES: usize = 128;
    /// Bytes of a record's key.
    pub(crate) const RECORD_KEY_BYTES: usize = 128;
    /// Bytes of a record.
    pub(crate) const RECORD_BYTES: usize = 256 * 1024;
    /// Records of one command.
    pub(crate) const RECORDS: usize = 64;
    /// Bytes of contents that are kept for one contact until they are sealed, so that they need not be fetched.
    pub(crate) const READY_BYTES: usize = 128 * 1024;
    /// Received bytes that a link holds while they are not pulled.
    pub const UNREAD_BYTES: usize = 4 * 1024 * 1024;
    /// Bytes that a message takes up beside its text: its row, its place in the indexes and its event.
    pub const MESSAGE_BYTES: u64 = 512;
    /// Bytes of free space that a byte of a content may take: the row, the words of the index, and the log of the store.
    pub(crate) const STORE_FACTOR: u64 = 4;
    /// Events that a contact may cause at once, and in an hour, however few the log keeps.
    const LEAST_EVENTS: u64 = 1024;
    /// How long it is shown that another running node has this identity, since that was last found.
    pub(crate) const ELSEWHERE: Millis = Millis::hours(24);
    /// Where numbers end that a node counts up, one event, position or ciphertext at a time, and session epochs, which begin
    /// below half of it. None gets there; below it nothing overflows, and a signed column keeps the order.
    pub(crate) const COUNT: u64 = 1 << 63;
    /// Bytes of a bundle, a content or a ciphertext: far more than any has, and far fewer than a frame, sealed or not.
    pub(crate) const PART_BYTES: usize = 56 * 1024;
}

impl Limits {
    /// The window as a number of rows.
    pub(crate) fn window_rows(&self) -> usize {
        usize::try_from(self.window).unwrap_or(usize::MAX)
    }

    /// The rate of a peer's bucket for frames that no window paces.
    pub(crate) const fn frame_rate(&self) -> Rate {
        Rate {
            burst: self.rate_burst,
            per_hour: self.rate_per_second * 3600,
        }
    }

    /// The rate of the bytes of one contact's contents.
    pub(crate) const fn byte_rate(&self) -> Rate {
        Rate {
            burst: self.contact_pace,
            per_hour: self.contact_pace,
        }
    }

    /// The rate of the events that one contact causes. A contact that writes as many as it can takes days to drop from the
    /// log what an absent consumer has not read.
    pub(crate) fn event_rate(&self) -> Rate {
        Rate {
            burst: (self.events / 16).max(Self::LEAST_EVENTS),
            per_hour: (self.events / 128).max(Self::LEAST_EVENTS),
        }
    }

    /// The rate of the sessions that one contact replaces.
    pub(crate) const fn session_rate(&self) -> Rate {
        Rate {
            burst: self.contact_sessions,
            per_hour: self.contact_sessions.div_ceil(8),
        }
    }

    /// The rate at which requests without an invite are taken, of all strangers together.
    pub(crate) const fn request_rate(&self) -> Rate {
        Rate {
            burst: self.request_burst,
            per_hour: self.requests_per_hour,
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            retry_first: Millis::seconds(30),
            retry_cap: Millis::minutes(15),
            outbox_expiry: Millis::hours(24),
            window: 32,
            pooled_links: 50,
            unauthenticated_links: 256,
            stranger_links: 32,
            idle: Millis::minutes(5),
            dials: 32,
            handshake: Millis::seconds(30),
            heartbeat: Millis::seconds(60),
            rate_per_second: 5,
            rate_burst: 20,
            rate_reserve: 2,
            text_bytes: 32 * 1024,
            outbox_rows: 10_000,
            requests: 64,
            requests_per_hour: 60,
            request_burst: 64,
            request_hold: Millis::hours(24),
            request_replacement: Millis::minutes(1),
            request_expiry: Millis::hours(30 * 24),
            declined: 1024,
            clock_grace: Millis::hours(1),
            contacts: 10_000,
            contact_quota: 1024 * 1024 * 1024,
            contact_pace: 64 * 1024 * 1024,
            contact_sessions: 512,
            reserve: 64 * 1024 * 1024,
            events: 1_000_000,
            sent_delay: Millis(100),
            features: vec![feature::IGNORABLE_CONTENTS],
            hello_features: 256,
            invites: 1024,
            consumers: 1024,
            unsent_bytes: 4 * 1024 * 1024,
            disappearances: 256,
            staged_changes: 4096,
        }
    }
}
