//! [`FaultKind`]: the kinds of what a peer does that the protocol forbids, or that finds no room here.

use std::fmt;

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
    /// The oldest of too many links of strangers.
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

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
