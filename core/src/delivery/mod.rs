//! Delivery: what is sent to a contact, from the outbox to its acknowledgement, and the ciphertexts that come from it.

pub(crate) mod inbox;
pub(crate) mod outbox;
pub(crate) mod sending;
