//! The store: the one connection that writes.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rusqlite::{Connection, TransactionBehavior};
use sotto_core::row::{Batch, Image, Query, Rows};

use crate::erase::Traces;
use crate::key::StoreKey;
use crate::lock::Lock;
use crate::peer::Peers;
use crate::read::Reader;
use crate::{StoreError, commit, erase, fetch, image, open};

/// An open database of one profile. Blocking: keep it on a thread of its own.
pub struct Store {
    // Before the lock, so that it closes first.
    db: Connection,
    peers: Peers,
    traces: Traces,
    key: StoreKey,
    path: PathBuf,
    lock: Arc<Lock>,
}

impl Store {
    /// Makes a new, empty store and opens it. A file that is there already is left alone: [`StoreError::Exists`].
    ///
    /// The salt in `key` becomes the file's; take sixteen random bytes.
    pub fn create(path: &Path, key: &StoreKey) -> Result<Self, StoreError> {
        let lock = Lock::exclusive(path)?;
        if path.try_exists().map_err(|source| StoreError::io(path, source))? {
            return Err(StoreError::Exists { path: path.to_owned() });
        }
        open::create(path, key)?;
        Self::open_locked(path, key, lock)
    }

    /// Opens an existing store, and brings an older schema up to date. On an error the files are as they were.
    pub fn open(path: &Path, key: &StoreKey) -> Result<Self, StoreError> {
        if !path.try_exists().map_err(|source| StoreError::io(path, source))? {
            return Err(StoreError::NotFound { path: path.to_owned() });
        }
        let lock = Lock::exclusive(path)?;
        Self::open_locked(path, key, lock)
    }

    /// All hot rows, and nothing else: its time does not grow with the history.
    pub fn image(&mut self) -> Result<Image, StoreError> {
        image::load(&self.db, &mut self.peers).map_err(|source| StoreError::sqlite(&self.path, source))
    }

    /// Makes a batch's changes in one transaction, which is on the disk when this returns. On an error nothing has
    /// changed; then the store should be dropped, and opened again.
    pub fn commit(&mut self, batch: &Batch) -> Result<(), StoreError> {
        let erases = erase::erases(batch);
        self.write(batch, erases).map_err(|source| {
            // Numbers that the transaction gave out went with it.
            self.peers.forget();
            StoreError::sqlite(&self.path, source)
        })?;
        if erases {
            self.traces.left();
        }
        self.traces.wipe(&mut self.db, &self.path);
        Ok(())
    }

    /// Cold rows, as of the last commit.
    pub fn fetch(&mut self, query: &Query) -> Result<Rows, StoreError> {
        fetch::fetch(&self.db, &mut self.peers, query).map_err(|source| StoreError::sqlite(&self.path, source))
    }

    /// After an error: closes the database and opens it again, as a new process would, but without giving up the lock.
    pub fn reopen(&mut self) -> Result<(), StoreError> {
        // What closing says can only be the error that brought us here.
        self.db = Connection::open_in_memory().map_err(|source| StoreError::sqlite(&self.path, source))?;
        self.db = open::reopen(&self.path, &self.key)?;
        self.peers = Peers::default();
        self.traces = Traces::of(&self.db).map_err(|source| StoreError::sqlite(&self.path, source))?;
        Ok(())
    }

    /// A connection of its own to the same database, for what people and programs read. It sees every commit that ended
    /// before its query began, and never waits for one. The store counts as open for as long as a reader lives.
    pub fn reader(&self) -> Result<Reader, StoreError> {
        let db = open::open_reader(&self.path, &self.key)?;
        Ok(Reader::new(db, self.path.clone(), Arc::clone(&self.lock)))
    }

    /// Closes the store in order: everything is in the one database file, and the others are gone.
    pub fn close(self) -> Result<(), StoreError> {
        let Self { db, path, .. } = self;
        let sqlite = |source| StoreError::sqlite(&path, source);
        erase::empty_log(&db).map_err(sqlite)?;
        db.close().map_err(|(_, source)| sqlite(source))
    }

    fn open_locked(path: &Path, key: &StoreKey, lock: Lock) -> Result<Self, StoreError> {
        let db = open::open(path, key)?;
        Ok(Self {
            traces: Traces::of(&db).map_err(|source| StoreError::sqlite(path, source))?,
            db,
            peers: Peers::default(),
            key: key.clone(),
            path: path.to_owned(),
            lock: Arc::new(lock),
        })
    }

    fn write(&mut self, batch: &Batch, erases: bool) -> rusqlite::Result<()> {
        let transaction = self.db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        commit::apply(&transaction, &mut self.peers, batch)?;
        if erases {
            erase::note(&transaction)?;
        }
        transaction.commit()
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}
