//! The read side: what people and programs ask of the store, on a connection that cannot write. One file for each question,
//! owned plain values for answers. Text of peers is sanitised in the files that read columns into these values, and so
//! before anybody sees it.

mod contacts;
mod events;
mod history;
mod inbox;
mod messages;
mod outbox;
mod search;
mod threads;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use rusqlite::Connection;
use sotto_core::{MessageId, Wall};

pub use contacts::{ContactView, RequestView, Who};
pub use events::{EventView, EventsView};
pub use messages::{MessageView, ReactionView};
pub use threads::ThreadView;

use crate::StoreError;
use crate::lock::Lock;
use crate::name::{Name, Names};
use crate::peer::Peers;

/// A read-only connection, made by [`Store::reader`](crate::Store::reader). Each answer is of one moment. Blocking.
pub struct Reader {
    // Before the lock, so that it closes first.
    db: Connection,
    peers: RefCell<Peers>,
    path: PathBuf,
    _lock: Arc<Lock>,
}

impl Reader {
    pub(crate) fn new(db: Connection, path: PathBuf, lock: Arc<Lock>) -> Self {
        Self {
            db,
            peers: RefCell::default(),
            path,
            _lock: lock,
        }
    }

    /// Runs queries on one snapshot.
    fn read<T>(&self, query: impl FnOnce(&mut Snapshot<'_>) -> rusqlite::Result<T>) -> Result<T, StoreError> {
        let of_snapshot = || {
            let transaction = self.db.unchecked_transaction()?;
            let answer = query(&mut Snapshot {
                db: &transaction,
                peers: &mut self.peers.borrow_mut(),
                names: None,
                unsealed: BTreeMap::new(),
            })?;
            transaction.commit()?;
            Ok(answer)
        };
        of_snapshot().map_err(|source| StoreError::sqlite(&self.path, source))
    }
}

/// The store at one moment.
struct Snapshot<'r> {
    db: &'r Connection,
    peers: &'r mut Peers,
    /// Read when the first message is looked for by its name.
    names: Option<Names>,
    /// By contact's number: which messages wait unsealed, and until when. Read once, when the first one is shown.
    unsealed: BTreeMap<i64, BTreeMap<MessageId, Wall>>,
}

impl Snapshot<'_> {
    fn names(&mut self) -> rusqlite::Result<&Names> {
        Names::loaded(&mut self.names, self.db).map(|names| &*names)
    }

    /// The number of the message with that name.
    fn number(&mut self, name: &Name) -> rusqlite::Result<Option<i64>> {
        let db = self.db;
        self.names()?.find(db, name)
    }
}

impl fmt::Debug for Reader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}
