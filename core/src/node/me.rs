//! Who this node is.

use crate::onion_key::{self, OnionSecret};
use crate::row::IdentityRow;
use crate::session::{Ratchet, identity_statement};
use crate::{MessageId, OnionAddress};
use sha2::{Digest, Sha256};

/// Our keys, opened for use.
pub(super) struct Me<R> {
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

    /// The message id of an idempotency key: nobody else can guess it, and the same key gives it again.
    pub fn message_id(&self, contact: &OnionAddress, idempotency_key: &str) -> MessageId {
        let digest = Sha256::new()
            .chain_update(b"sotto message id v1")
            .chain_update(self.row.onion_seed)
            .chain_update(contact.public_key())
            .chain_update(idempotency_key)
            .finalize();
        MessageId(*digest.first_chunk().expect("32 bytes"))
    }
}

/// Whether a peer's onion key vouches for a Signal identity key.
pub(super) fn vouches(peer: &OnionAddress, identity_key: &[u8], signature: &[u8]) -> bool {
    onion_key::verify(peer, &identity_statement(identity_key), signature)
}
