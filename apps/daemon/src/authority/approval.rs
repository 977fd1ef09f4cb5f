//! [`ApprovalRecord`]: a message that waits for the owner. Its digest is over all that the recipient would get, so what the owner
//! sees is what is sent. To allow it is durable before it is sent; the send has the approval's id as its key, so it happens once,
//! however often it is begun, also by the next daemon after a crash.

use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use sotto_api::{self as api, ApprovalReason, ApprovalState, ContentType, Error, Kind, Time};
use sotto_io_sqlcipher::{visible_line, visible_text};

/// How long it waits, in milliseconds.
const LIFETIME: u64 = 10 * 60 * 1000;

/// Of one agent, or of all clients without a token, at once.
pub(crate) const PENDING: usize = 16;

/// Decided ones that are kept, without their texts.
pub(crate) const DECIDED: usize = 256;

/// What a client wants to send.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Proposal {
    /// The conversation, by its name in the API.
    pub conversation: String,
    pub text: String,
    pub content_type: ContentType,
    pub thread: Option<String>,
    pub reply_to: Option<String>,
    pub ttl: Option<u32>,
}

/// A proposal that waits for the owner, or that the owner has allowed and that is being sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ApprovalRecord {
    /// 32 hexadecimal digits.
    pub id: String,
    /// The agent that asks; none for a client without a token.
    pub agent: Option<String>,
    pub surface: Option<String>,
    pub reason: ApprovalReason,
    /// `draft` in records that are stored already.
    #[serde(rename = "draft")]
    pub proposal: Proposal,
    /// The client's idempotency key.
    pub key: Option<String>,
    pub digest: String,
    pub requested_at: u64,
    pub expires_at: u64,
    pub allowed: bool,
}

/// A decided approval. The text is gone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct DecidedRecord {
    pub id: String,
    pub agent: Option<String>,
    pub surface: Option<String>,
    pub reason: ApprovalReason,
    pub conversation: String,
    pub content_type: ContentType,
    pub key: Option<String>,
    pub digest: String,
    pub requested_at: u64,
    pub expires_at: u64,
    pub state: ApprovalState,
    pub message: Option<String>,
    pub decided_at: u64,
}

impl Proposal {
    /// With as much of its texts as can be seen. The peer's store shows no more than that, so what the owner is asked, what the
    /// digest is over and what is sent are the same text, and none of it is hidden from the owner.
    pub fn visible(self) -> Self {
        Self {
            text: visible_text(self.text),
            thread: self.thread.map(visible_line),
            ..self
        }
    }

    /// SHA-256 over every field, each with its length, so that no two proposals have the same bytes.
    pub fn digest(&self) -> String {
        let content_type = match self.content_type {
            ContentType::Plain => "plain",
            ContentType::Markdown => "markdown",
            ContentType::Unsupported => "unsupported",
        };
        let ttl = self.ttl.map(|ttl| ttl.to_string());
        let mut hash = Sha256::new().chain_update("sotto approval 1");
        for field in [
            Some(self.conversation.as_str()),
            Some(&self.text),
            Some(content_type),
            self.thread.as_deref(),
            self.reply_to.as_deref(),
            ttl.as_deref(),
        ] {
            match field {
                None => hash.update([0]),
                Some(text) => {
                    hash.update([1]);
                    hash.update((text.len() as u64).to_be_bytes());
                    hash.update(text);
                }
            }
        }
        HEXLOWER.encode(&hash.finalize())
    }
}

impl ApprovalRecord {
    /// A proposal that begins to wait.
    pub fn new(
        agent: Option<String>,
        surface: Option<String>,
        reason: ApprovalReason,
        proposal: Proposal,
        key: Option<String>,
        now: u64,
    ) -> Result<Self, Error> {
        let mut id = [0; 16];
        getrandom::fill(&mut id)
            .map_err(|error| Error::new(Kind::Io, format!("the operating system has no random numbers: {error}")))?;
        Ok(Self {
            id: HEXLOWER.encode(&id),
            agent,
            surface,
            reason,
            digest: proposal.digest(),
            proposal,
            key,
            requested_at: now,
            expires_at: now.saturating_add(LIFETIME),
            allowed: false,
        })
    }

    /// It waited too long.
    pub const fn is_over(&self, now: u64) -> bool {
        !self.allowed && self.expires_at <= now
    }

    /// It waits.
    pub const fn is_pending(&self, now: u64) -> bool {
        !self.allowed && !self.is_over(now)
    }

    /// As it is kept once it is decided.
    pub fn decided(self, state: ApprovalState, message: Option<String>, now: u64) -> DecidedRecord {
        DecidedRecord {
            id: self.id,
            agent: self.agent,
            surface: self.surface,
            reason: self.reason,
            conversation: self.proposal.conversation,
            content_type: self.proposal.content_type,
            key: self.key,
            digest: self.digest,
            requested_at: self.requested_at,
            expires_at: self.expires_at,
            state,
            message,
            decided_at: now,
        }
    }

    /// As the API shows it.
    pub fn shown(&self, conversation: api::Conversation) -> api::Approval {
        api::Approval {
            id: self.id.clone(),
            agent: self.agent.clone(),
            surface: self.surface.clone(),
            reason: self.reason,
            state: if self.allowed {
                ApprovalState::Allowed
            } else {
                ApprovalState::Pending
            },
            conversation,
            text: self.proposal.text.clone(),
            content_type: self.proposal.content_type,
            thread: self.proposal.thread.clone(),
            reply_to: self.proposal.reply_to.clone(),
            ttl: self.proposal.ttl,
            digest: self.digest.clone(),
            requested_at: Time::from_millis(self.requested_at),
            expires_at: Time::from_millis(self.expires_at),
            message: None,
        }
    }
}

impl DecidedRecord {
    /// As the API shows it.
    pub fn shown(&self, conversation: api::Conversation) -> api::Approval {
        api::Approval {
            id: self.id.clone(),
            agent: self.agent.clone(),
            surface: self.surface.clone(),
            reason: self.reason,
            state: self.state,
            conversation,
            text: String::new(),
            content_type: self.content_type,
            thread: None,
            reply_to: None,
            ttl: None,
            digest: self.digest.clone(),
            requested_at: Time::from_millis(self.requested_at),
            expires_at: Time::from_millis(self.expires_at),
            message: self.message.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digest_is_over_all_that_the_recipient_gets() {
        let proposal = Proposal {
            conversation: "bob".to_owned(),
            text: "hello".to_owned(),
            content_type: ContentType::Plain,
            thread: None,
            reply_to: None,
            ttl: None,
        };
        let change = |change: fn(&mut Proposal)| {
            let mut changed = proposal.clone();
            change(&mut changed);
            changed.digest()
        };
        let mut digests = vec![
            proposal.digest(),
            change(|proposal| proposal.conversation = "carol".to_owned()),
            change(|proposal| proposal.text.push(' ')),
            change(|proposal| proposal.content_type = ContentType::Markdown),
            change(|proposal| proposal.thread = Some(String::new())),
            change(|proposal| proposal.reply_to = Some(String::new())),
            change(|proposal| proposal.ttl = Some(0)),
            change(|proposal| {
                proposal.conversation = "bobhello".to_owned();
                proposal.text.clear();
            }),
        ];
        assert_eq!(digests[0], proposal.clone().digest());
        digests.sort();
        digests.dedup();
        assert_eq!(digests.len(), 8);
    }

    #[test]
    fn an_approval_waits_for_ten_minutes() {
        let proposal = Proposal {
            conversation: "bob".to_owned(),
            text: "hello".to_owned(),
            content_type: ContentType::Plain,
            thread: None,
            reply_to: None,
            ttl: None,
        };
        let mut record =
            ApprovalRecord::new(None, None, ApprovalReason::NoToken, proposal, None, 1000).expect("random");
        assert!(record.is_pending(1000 + LIFETIME - 1) && record.is_over(1000 + LIFETIME));
        record.allowed = true;
        assert!(!record.is_over(u64::MAX), "what is allowed is sent");
    }
}
