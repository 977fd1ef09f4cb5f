//! Sotto's store: core's rows in one SQLCipher database for each profile.
//!
//! [`Store`] is the one connection that writes. A driver opens it, hands its [`image`](Store::image) to the node, and
//! from then on carries out what the node asks: [`commit`](Store::commit) makes a batch durable in one transaction,
//! [`fetch`](Store::fetch) answers with cold rows. Everything here blocks; keep it on a thread of its own.

mod code;
mod commit;
mod error;
mod event;
mod fetch;
mod image;
mod key;
mod lock;
mod open;
mod peer;
mod schema;
mod store;

pub use error::StoreError;
pub use key::StoreKey;
pub use open::read_salt;
pub use store::Store;
