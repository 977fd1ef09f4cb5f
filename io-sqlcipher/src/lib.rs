//! Sotto's store: core's rows in one SQLCipher database for each profile.
//!
//! [`Store`] is the one connection that writes. A driver opens it, hands its [`image`](Store::image) to the node, and
//! from then on carries out what the node asks: [`commit`](Store::commit) makes a batch durable in one transaction,
//! [`fetch`](Store::fetch) answers with cold rows. Everything here blocks; keep it on a thread of its own.
//!
//! [`Reader`] is a connection that only reads: history, search, threads, the event log. Text of peers leaves it without
//! control, bidirectional and invisible characters: no surface has to take them out again.
//!
//! ```
//! use sotto_core::row::{Batch, Change, ConsumerRow, Row};
//! use sotto_core::EventSeq;
//! use sotto_io_sqlcipher::{Store, StoreKey};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! # let path = folder.path().join("sotto.db");
//! let key = StoreKey::new([7; 32], *b"a random salt...");
//! let mut store = Store::create(&path, &key)?;
//! let row = Row::Consumer(ConsumerRow { name: "agent".into(), acknowledged: EventSeq(3) });
//! store.commit(&Batch { changes: vec![Change::Put(row)] })?;
//! assert_eq!(store.image()?.consumers.len(), 1);
//!
//! let reader = store.reader()?;
//! assert_eq!(reader.consumer("agent")?, Some(EventSeq(3)));
//! # drop(reader);
//! store.close()?;
//! # Ok(())
//! # }
//! ```
//!
//! # What the files show
//!
//! Every byte of the database and its log is encrypted and authenticated by SQLCipher 4 with its defaults (AES-256-CBC,
//! HMAC-SHA-512, a page at a time). Lengths, the number of pages and when they change can be seen. What is deleted is wiped
//! from the files within five seconds of the commit that deletes it, unless a reader in the middle of a query or a full disk
//! is in the way; and when the store is closed. An attacker who has the key, or who can read this process's
//! memory while the store is open, can read everything that is not deleted.

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
mod number;
mod open;
mod quota;
mod read;
mod sanitise;
mod schema;
mod store;
mod tail;
mod words;

pub use error::StoreError;
pub use key::StoreKey;
pub use open::read_salt;
pub use quota::exceeds_quota;
pub use read::{
    ContactView, ContactsView, EventView, EventsView, HistoryPage, HistoryQuery, InboxQuery, MessageView, PagePlace,
    PeopleVersion, ReactionView, Reader, RequestView, ThreadView, Unread, Who,
};
pub use sanitise::{line as visible_line, text as visible_text, visible_name};
pub use store::Store;
