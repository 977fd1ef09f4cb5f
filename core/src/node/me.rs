//! Who this node is.

use crate::onion_key::{self, OnionSecret};
use crate::row::IdentityRow;
use crate::session::{Ratchet, identity_statement};
use crate::{ConversationId, MessageId, OnionAddress};
use sha2::{Digest, Sha256};

/// Our keys, opened for use.
pub(crate) struct Me<R> {
    pub row: IdentityRow,
    pub secret: OnionSecret,
    pub address: OnionAddress,
    pub ratchet: R,
}

impl<R: Ratchet> Me<R> {
    /// The onion key's word for our Signal identity key.
    pub fn identity_signature(&self) -> Vec<u8> {
        self.secret
            .sign(&identity_statement(self.ratchet.identity_key()))
            .to_vec()
    }

    /// The message id of an idempotency key: only this node can compute it, and the same key gives it again.
    pub fn message_id(&self, conversation: &ConversationId, idempotency_key: &str) -> MessageId {
        let (domain, conversation) = match conversation {
            ConversationId::Direct(peer) => ("sotto message id v1", peer.public_key()),
            ConversationId::Group(id) => ("sotto group message id v1", &id.0),
            ConversationId::Channel(id) => ("sotto channel message id v1", &id.0),
        };
        let digest = Sha256::new()
            .chain_update(domain)
            .chain_update(self.row.onion_seed)
            .chain_update(conversation)
            .chain_update(idempotency_key)
            .finalize();
        MessageId(*digest.first_chunk().expect("32 bytes"))
    }
}

/// Whether a peer's onion key vouches for a Signal identity key.
pub(crate) fn vouches(peer: &OnionAddress, identity_key: &[u8], signature: &[u8]) -> bool {
    onion_key::verify(peer, &identity_statement(identity_key), signature)
}
