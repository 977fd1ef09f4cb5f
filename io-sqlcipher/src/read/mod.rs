//! [`Reader`]: what people and programs ask of the store, on a connection that cannot write. One file for each question,
//! owned plain values for answers. Text of peers is sanitised in the files that read columns into these values, so that no
//! surface gets it as it came.

mod backup;
mod contacts;
mod events;
mod history;
mod inbox;
mod messages;
mod outbox;
mod records;
mod room;
mod search;
mod threads;
mod unsettled;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use rusqlite::Connection;

pub use contacts::{ContactView, ContactsView, PeopleVersion, RequestView, Who};
pub use events::{EventView, EventsView};
pub use history::{HistoryPage, HistoryQuery, PagePlace, Unread};
pub use inbox::InboxQuery;
use messages::WaitingMessages;
pub use messages::{MessageView, ReactionView};
pub use threads::ThreadView;
use unsettled::Unsettled;

use crate::StoreError;
use crate::key::StoreKey;
use crate::lock::Lock;
use crate::number::{self, Numbers};
use crate::tail::{Name, Tail};

/// A read-only connection, made by [`Store::reader`](crate::Store::reader). Each answer is of one moment. Blocking.
pub struct Reader {
    // Before the lock, so that it closes first.
    db: Connection,
    numbers: RefCell<Numbers>,
    unsettled: RefCell<Option<Unsettled>>,
    /// With which a backup is made.
    key: StoreKey,
    path: PathBuf,
    _lock: Arc<Lock>,
}

impl Reader {
    pub(crate) fn new(db: Connection, key: StoreKey, path: PathBuf, lock: Arc<Lock>) -> Self {
        Self {
            db,
            numbers: RefCell::default(),
            unsettled: RefCell::default(),
            key,
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
                numbers: &mut self.numbers.borrow_mut(),
                tail: None,
                unsettled: &mut self.unsettled.borrow_mut(),
                waiting: BTreeMap::new(),
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
    numbers: &'r mut Numbers,
    /// Read when the first message is looked for by its key or its words.
    tail: Option<Tail>,
    unsettled: &'r mut Option<Unsettled>,
    /// By contact's number. Read when the first message that waits is shown.
    waiting: BTreeMap<i64, WaitingMessages>,
}

impl Snapshot<'_> {
    fn tail(&mut self) -> rusqlite::Result<&Tail> {
        Tail::loaded(&mut self.tail, self.db).map(|tail| &*tail)
    }

    /// The number of the message with that key.
    fn number(&mut self, name: &Name) -> rusqlite::Result<Option<i64>> {
        let db = self.db;
        self.tail()?.find(db, name)
    }

    /// This node's own number, by which its messages are told from those of others.
    fn own(&self) -> rusqlite::Result<Option<i64>> {
        number::own(self.db)
    }
}

impl fmt::Debug for Reader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}
