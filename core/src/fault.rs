//! [`FaultKind`]: the kinds of what a peer does that the protocol forbids, or that finds no room here. [`Faults`] counts them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::{Notice, OnionAddress};

/// The kind of a fault. What a fault brings is refused: a frame is dropped or the link ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FaultKind {
    /// A handshake was not finished in time.
    HandshakeTimeout,
    /// A record or a frame does not decode or does not authenticate, or a handshake is wrong.
    Record,
    /// The peer authenticated with our own key.
    OwnKey,
    /// A frame before Hello, or a second Hello.
    FrameOrder,
    /// A Hello without a common version, or with numbers beyond their bounds.
    Hello,
    /// A frame that found the peer's token bucket empty.
    RateLimit,
    /// More frames of a stranger than its bucket has tokens for.
    Flood,
    /// A frame that only a contact may send.
    NotAContact,
    /// A request that is malformed, or whose bundle is not valid.
    Request,
    /// A request status without a request.
    RequestStatus,
    /// A request beyond the number that is held.
    TooManyRequests,
    /// A pre-key offer that must not be, or whose bundle is not valid.
    PreKeyOffer,
    /// An ack of what was never sent.
    Ack,
    /// A ciphertext of another session epoch, or of a peer that is no friend.
    SessionEpoch,
    /// A ciphertext out of sequence.
    Sequence,
    /// A ciphertext that does not decrypt.
    Decryption,
    /// The first ciphertext of a session is not what it must be.
    Opening,
    /// A content that does not decode, or that breaks a rule.
    Content,
    /// One of too many links that are not authenticated, or of strangers.
    TooManyLinks,
    /// A peer that makes us talk and does not listen.
    Backlog,
}

impl FaultKind {
    /// Its name: lower-case words with underscores.
    pub const fn name(self) -> &'static str {
        match self {
            Self::HandshakeTimeout => "handshake_timeout",
            Self::Record => "record",
            Self::OwnKey => "own_key",
            Self::FrameOrder => "frame_order",
            Self::Hello => "hello",
            Self::RateLimit => "rate_limit",
            Self::Flood => "flood",
            Self::NotAContact => "not_a_contact",
            Self::Request => "request",
            Self::RequestStatus => "request_status",
            Self::TooManyRequests => "too_many_requests",
            Self::PreKeyOffer => "pre_key_offer",
            Self::Ack => "ack",
            Self::SessionEpoch => "session_epoch",
            Self::Sequence => "sequence",
            Self::Decryption => "decryption",
            Self::Opening => "opening",
            Self::Content => "content",
            Self::TooManyLinks => "too_many_links",
            Self::Backlog => "backlog",
        }
    }
}

impl fmt::Display for FaultKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The faults since the start. A fault promises no row, so its notice passes the gate by: a peer that breaks rules during a
/// slow commit would fill the gate with notices.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    by_kind: BTreeMap<FaultKind, u64>,
    /// One notice for each peer and kind, however often it happened until the notice is taken.
    unnoticed: BTreeSet<(Option<OnionAddress>, FaultKind)>,
}

impl Faults {
    pub fn count(&mut self, peer: Option<OnionAddress>, kind: FaultKind) {
        *self.by_kind.entry(kind).or_default() += 1;
        self.unnoticed.insert((peer, kind));
    }

    pub fn next_notice(&mut self) -> Option<Notice> {
        let (peer, kind) = self.unnoticed.pop_first()?;
        Some(Notice::Fault { peer, kind })
    }

    pub const fn by_kind(&self) -> &BTreeMap<FaultKind, u64> {
        &self.by_kind
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::OnionSecret;

    #[test]
    fn every_fault_is_counted_and_its_kind_is_noticed_once_until_the_notice_is_taken() {
        let peer = Some(OnionSecret::from_seed(&[1; 32]).address());
        let mut faults = Faults::default();
        for _ in 0..1000 {
            faults.count(peer, FaultKind::RateLimit);
        }
        faults.count(None, FaultKind::Record);
        assert_eq!(faults.by_kind()[&FaultKind::RateLimit], 1000);

        let kind = FaultKind::Record;
        assert_eq!(faults.next_notice(), Some(Notice::Fault { peer: None, kind }));
        let kind = FaultKind::RateLimit;
        assert_eq!(faults.next_notice(), Some(Notice::Fault { peer, kind }));
        assert_eq!(faults.next_notice(), None);
        faults.count(peer, kind);
        assert_eq!(faults.next_notice(), Some(Notice::Fault { peer, kind }));
    }

    /// `status --json` and the log use the names as keys.
    #[test]
    fn each_kind_has_a_name_of_its_own_in_lower_case() {
        let kinds = [
            FaultKind::HandshakeTimeout,
            FaultKind::Record,
            FaultKind::OwnKey,
            FaultKind::FrameOrder,
            FaultKind::Hello,
            FaultKind::RateLimit,
            FaultKind::Flood,
            FaultKind::NotAContact,
            FaultKind::Request,
            FaultKind::RequestStatus,
            FaultKind::TooManyRequests,
            FaultKind::PreKeyOffer,
            FaultKind::Ack,
            FaultKind::SessionEpoch,
            FaultKind::Sequence,
            FaultKind::Decryption,
            FaultKind::Opening,
            FaultKind::Content,
            FaultKind::TooManyLinks,
            FaultKind::Backlog,
        ];
        let names: BTreeSet<String> = kinds.iter().map(ToString::to_string).collect();
        assert_eq!(names.len(), kinds.len());
        for name in names {
            assert!(
                name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'),
                "{name}"
            );
        }
    }
}
