//! [`Limits`]: the numbers that bound or pace a node. Sizes of records and ciphertexts are in `link` and `session`.

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
    pub stranger_links: usize,
    /// A link with nothing to do for so long is closed.
    pub idle: Millis,
    /// Dials under way at once.
    pub dials: usize,
    /// A handshake not finished by then ends the link.
    pub handshake: Millis,
    /// Silence after which a heartbeat goes out; three times that is a dead link.
    pub heartbeat: Millis,
    /// Tokens a second of each contact's bucket for frames that no window pays for.
    pub rate_per_second: u64,
    /// Size of that bucket.
    pub rate_burst: u64,
    /// Bytes of a text.
    pub text_bytes: usize,
    /// Rows waiting for one contact.
    pub outbox_rows: usize,
    /// Requests of strangers held.
    pub requests: usize,
    /// Contacts.
    pub contacts: usize,
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
    /// Changes staged before bulk input is unwelcome.
    pub staged_changes: usize,
}

/// Bounds that are the same for every node: the protocol's, and those of what is stored.
impl Limits {
    /// Bytes of a name, ours or a peer's.
    pub(crate) const NAME_BYTES: usize = 64;
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
    /// Session epochs above this are a fault; below, adding one never overflows.
    pub(crate) const SESSION_EPOCH: u64 = 1 << 62;
    /// Bytes of a consumer's name.
    pub(crate) const CONSUMER_BYTES: usize = 64;
    /// Bytes of an idempotency key.
    pub(crate) const IDEMPOTENCY_KEY_BYTES: usize = 128;
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
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            retry_first: Millis::seconds(30),
            retry_cap: Millis::minutes(15),
            outbox_expiry: Millis::hours(24),
            window: 32,
            pooled_links: 50,
            stranger_links: 16,
            idle: Millis::minutes(5),
            dials: 32,
            handshake: Millis::seconds(30),
            heartbeat: Millis::seconds(60),
            rate_per_second: 5,
            rate_burst: 20,
            text_bytes: 32 * 1024,
            outbox_rows: 10_000,
            requests: 64,
            contacts: 10_000,
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
