//! Rows that a node holds in memory while it runs.

use std::fmt;

use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::{
    Availability, ConversationId, EventSeq, InviteToken, MessageKey, OnionAddress, OnionSecret, Position, SessionEpoch,
    Wall,
};

/// This node's long-term secrets.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct IdentityRow {
    /// Seed of the ed25519 onion service key (RFC 8032 secret key); the address follows from it.
    pub onion_seed: [u8; 32],
    /// libsignal's serialised `IdentityKeyPair`.
    pub signal_identity: Vec<u8>,
    /// libsignal's registration id, 14 bits.
    pub registration_id: u32,
    /// The name that we claim towards others; may be empty.
    pub name: String,
    /// When it was made.
    #[zeroize(skip)]
    pub created_at: Wall,
    /// How this node shows itself to contacts.
    #[zeroize(skip)]
    pub availability: Availability,
    /// Our timer in conversations that begin, in seconds; 0 is off.
    pub default_timer: u32,
}

impl IdentityRow {
    /// The address of the onion service with this key.
    pub fn address(&self) -> OnionAddress {
        OnionSecret::from_seed(&self.onion_seed).address()
    }
}

impl fmt::Debug for IdentityRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IdentityRow").finish_non_exhaustive()
    }
}

/// Where two nodes stand with each other, as this one sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Relationship {
    /// Known but nothing agreed: removed, or blocked as a stranger.
    Stranger,
    /// We asked; the request has not reached them.
    Requested,
    /// We asked; they hold the request.
    RequestDelivered,
    /// We asked; they said no.
    RequestDeclined,
    /// They asked; the request waits for our consent.
    Asking,
    /// They asked; we said no.
    Declined,
    /// Both consented.
    Friend,
}

/// What the user knows of a contact's identity key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verification {
    /// Its safety number was not compared, and it has replaced no key that was verified.
    #[default]
    Unverified,
    /// The user has compared its safety number.
    Verified,
    /// It has replaced a verified key, and the user has not accepted it: nothing of the user's is sealed to it.
    Untrusted,
}

/// When the next try for a contact is due.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Retry {
    /// Tries in a row that failed.
    pub attempts: u32,
    /// Not before this; `None` means at once.
    pub next_attempt: Option<Wall>,
}

/// A contact. The name is by address, never by what the peer claims.
#[derive(Clone, PartialEq, Eq)]
pub struct ContactRow {
    /// Who.
    pub address: OnionAddress,
    /// Where we stand.
    pub relationship: Relationship,
    /// Our name for them; empty if none was given.
    pub petname: String,
    /// Their name for themselves; empty if none. Untrusted.
    pub claimed_name: String,
    /// The note that goes with our request.
    pub note: String,
    /// The invite that came with their friend code.
    pub invite: Option<InviteToken>,
    /// Their Signal identity key, serialised (33 bytes), once a session exists.
    pub identity_key: Option<Vec<u8>>,
    /// What the user knows of that identity key.
    pub verification: Verification,
    /// A friend whose node says that it has removed this one.
    pub removed_by_peer: bool,
    /// Blocked: what they send is acknowledged and thrown away.
    pub blocked: bool,
    /// The feature numbers of their last Hello, in ascending order; `None` if none was ever heard.
    pub features: Option<Vec<u32>>,
    /// When the row was made.
    pub created_at: Wall,
    /// When a link to them was last alive.
    pub last_seen: Option<Wall>,
    /// When to dial them next, while something waits for them.
    pub retry: Retry,
}

impl fmt::Debug for ContactRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ContactRow")
            .field("address", &self.address)
            .field("relationship", &self.relationship)
            .field("verification", &self.verification)
            .field("removed_by_peer", &self.removed_by_peer)
            .field("blocked", &self.blocked)
            .field("features", &self.features)
            .field("last_seen", &self.last_seen)
            .field("retry", &self.retry)
            .finish_non_exhaustive()
    }
}

/// The timer that one author has set for a conversation. Without a row, that author's timer is off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimerRow {
    /// The conversation.
    pub conversation: ConversationId,
    /// The node that set it.
    pub author: OnionAddress,
    /// Seconds that a message lives, at least 1.
    pub seconds: u32,
}

/// A contact's ratchet, as libsignal serialises it.
#[derive(Clone, PartialEq, Eq)]
pub struct SessionRow {
    /// Whose.
    pub contact: OnionAddress,
    /// libsignal's serialised `SessionRecord`.
    pub record: Vec<u8>,
}

impl Drop for SessionRow {
    fn drop(&mut self) {
        wipe(&mut self.record);
    }
}

impl ZeroizeOnDrop for SessionRow {}

/// Overwrites a secret of some length. `Zeroize` does so byte by byte, which takes a ratchet's row two microseconds, a
/// tenth of what a message takes in all.
pub(crate) fn wipe(secret: &mut [u8]) {
    secret.fill(0);
    zeroize::optimization_barrier(secret);
}

/// A contact's sequence numbers within one session epoch of the session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CursorsRow {
    /// Whose.
    pub contact: OnionAddress,
    /// Incarnation of the session that the numbers belong to.
    pub session_epoch: SessionEpoch,
    /// Highest number sealed by us.
    pub sent: u64,
    /// Highest number that they have acknowledged.
    pub acknowledged: u64,
    /// Highest number that we have received, in order, from them.
    pub received: u64,
    /// Bytes that the messages of the contact take up here, of every session epoch.
    pub stored: u64,
}

/// A prekey bundle made for one contact alone, and its secrets.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct PreKeyOfferRow {
    /// The contact that it is for.
    #[zeroize(skip)]
    pub contact: OnionAddress,
    /// The session it would open.
    #[zeroize(skip)]
    pub session_epoch: SessionEpoch,
    /// Serialised `Bundle` message, sent again verbatim.
    pub bundle: Vec<u8>,
    /// The private halves.
    pub secrets: Vec<u8>,
}

/// A stranger's request, its bundle unread until there is consent.
#[derive(Clone, PartialEq, Eq)]
pub struct RequestRow {
    /// The peer that asks; proven by the link.
    pub contact: OnionAddress,
    /// The session their offer would open.
    pub session_epoch: SessionEpoch,
    /// Serialised `Bundle` message. Untrusted.
    pub bundle: Vec<u8>,
    /// What they wrote. Untrusted.
    pub note: String,
    /// When it came.
    pub received_at: Wall,
}

/// A one-time invite that we gave away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InviteRow {
    /// The secret in the friend code.
    pub token: InviteToken,
    /// When it was made.
    pub created_at: Wall,
}

/// A ciphertext with the number it was sealed under.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedBody {
    /// Its sequence number in the contact's current session epoch.
    pub sequence: u64,
    /// libsignal's ciphertext, with its type in front; sent again verbatim.
    pub ciphertext: Vec<u8>,
}

/// What an outbox row carries.
///
/// What is about the text of a message is made from the message when the row is sealed: the text is in no second place, the
/// outbox stays small in memory, and an edit or a deletion of the message holds for what waits.
#[derive(Clone, PartialEq, Eq)]
pub enum OutboxContent {
    /// A message, whose delivery the user follows.
    Text(MessageKey),
    /// The present text of a message that was sealed before it was edited.
    Edit(MessageKey),
    /// A serialised `Content`: what is about no text (deletions, reactions, receipts, timers, the opening of a session).
    Serialised(Vec<u8>),
    /// Nothing that is still worth sending. The ciphertext stays until it is acknowledged, as a sequence has no holes; a new
    /// session does without it.
    Obsolete,
}

impl fmt::Debug for OutboxContent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(key) => f.debug_tuple("Text").field(key).finish(),
            Self::Edit(key) => f.debug_tuple("Edit").field(key).finish(),
            Self::Serialised(content) => write!(f, "Serialised({} bytes)", content.len()),
            Self::Obsolete => f.write_str("Obsolete"),
        }
    }
}

impl OutboxContent {
    /// The message that is sent or edited by this.
    pub const fn message(&self) -> Option<&MessageKey> {
        match self {
            Self::Text(key) | Self::Edit(key) => Some(key),
            Self::Serialised(_) | Self::Obsolete => None,
        }
    }
}

/// Something that waits for a contact.
#[derive(Clone, PartialEq, Eq)]
pub struct OutboxRow {
    /// The contact that it is for.
    pub contact: OnionAddress,
    /// Its place in the queue.
    pub position: Position,
    /// What it carries.
    pub content: OutboxContent,
    /// Present from sealing on.
    pub sealed: Option<SealedBody>,
    /// It may have reached the peer under an earlier session epoch; the peer must look for its id first.
    pub repeat: bool,
    /// When it was queued.
    pub queued_at: Wall,
    /// After this, if still unsealed, it fails as expired; [`OutboxRow::NEVER`] for what the user does not follow.
    pub expires_at: Wall,
    /// Seconds that the message lives once it is sent; 0 is for ever.
    pub ttl: u32,
    /// When it disappears; set when it is first sent.
    pub disappears_at: Option<Wall>,
}

impl OutboxRow {
    /// The moment that does not come; fits SQL's signed integers.
    pub const NEVER: Wall = Wall(i64::MAX as u64);
}

/// A named reader of the event log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsumerRow {
    /// Its name.
    pub name: String,
    /// Everything up to here is dealt with.
    pub acknowledged: EventSeq,
}

macro_rules! redacted {
    ($($row:ident),*) => {$(
        impl fmt::Debug for $row {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($row)).field("contact", &self.contact).finish_non_exhaustive()
            }
        }
    )*};
}
redacted!(SessionRow, PreKeyOfferRow, RequestRow, OutboxRow);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_secret_and_no_text_is_shown_by_debug() {
        let contact = OnionSecret::from_seed(&[1; 32]).address();
        let secret = vec![0xa5; 4];
        let outbox = |content| OutboxRow {
            contact,
            position: Position(1),
            content,
            sealed: None,
            repeat: false,
            queued_at: Wall(1),
            expires_at: OutboxRow::NEVER,
            ttl: 0,
            disappears_at: None,
        };
        let offer = PreKeyOfferRow {
            contact,
            session_epoch: SessionEpoch(1),
            bundle: secret.clone(),
            secrets: secret.clone(),
        };
        let session = SessionRow {
            contact,
            record: secret.clone(),
        };
        let key = MessageKey::direct(contact, contact, crate::MessageId([2; 16]));
        let shown = [
            format!("{offer:?}"),
            format!("{session:?}"),
            format!("{:?}", outbox(OutboxContent::Serialised(secret.clone()))),
            format!("{:?}", OutboxContent::Serialised(secret)),
            format!("{:?}", OutboxContent::Text(key)),
            format!("{:?}", OutboxContent::Edit(key)),
            format!("{:?}", OutboxContent::Obsolete),
        ];
        for shown in &shown {
            assert!(!shown.contains("165") && !shown.contains("a5"), "{shown}");
        }
        assert_eq!(shown[3], "Serialised(4 bytes)");
        assert_eq!(OutboxContent::Obsolete.message(), None);
    }
}
