//! Sotto's store: core's rows in one SQLCipher database for each profile.
//!
//! [`Store`] is the one connection that writes. A driver opens it, hands its [`image`](Store::image) to the node, and
//! from then on carries out what the node asks: [`commit`](Store::commit) makes a batch durable in one transaction,
//! [`fetch`](Store::fetch) answers with cold rows. Everything here blocks; keep it on a thread of its own.
//!
//! [`Reader`] is a connection that only reads: history, search, threads, the event log. What peers wrote leaves it without
//! control and bidirectional characters, whoever asks.

mod code;
mod commit;
mod erase;
mod error;
mod event;
mod fetch;
mod image;
mod key;
mod lock;
mod message;
mod open;
mod peer;
mod read;
mod sanitise;
mod schema;
mod store;

pub use error::StoreError;
pub use key::StoreKey;
pub use open::read_salt;
pub use read::{ContactView, EventView, EventsView, MessageView, ReactionView, Reader, RequestView, ThreadView, Who};
pub use store::Store;
