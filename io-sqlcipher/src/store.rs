//! The store: the one connection that writes.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use rusqlite::{Connection, TransactionBehavior};
use sotto_core::Millis;
use sotto_core::row::{Batch, Change, Image, Key, Query, Row, RowStore, Rows};

use crate::erase::{Erased, Traces};
use crate::key::StoreKey;
use crate::lock::Lock;
use crate::number::Numbers;
use crate::open::Files;
use crate::read::{PeopleVersion, Reader};
use crate::tail::Tail;
use crate::{StoreError, commit, erase, fetch, image, open};

/// An open database of one profile. Blocking: keep it on a thread of its own.
pub struct Store {
    // Before the lock, so that it closes first.
    db: Connection,
    numbers: Numbers,
    /// Read when first needed.
    tail: Option<Tail>,
    traces: Traces,
    key: StoreKey,
    path: PathBuf,
    people: PeopleVersion,
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
        Self::open_locked(path, key, Files::Whole, lock)
    }

    /// Opens an existing store, and brings an older schema up to date. On an error the files are as they were.
    ///
    /// A copy of the database of an open store lacks what is in the log beside it. Such a copy is refused without its log:
    /// [`StoreError::Part`].
    pub fn open(path: &Path, key: &StoreKey) -> Result<Self, StoreError> {
        Self::open_files(path, key, Files::Whole)
    }

    /// As [`open`](Self::open), but of a store whose log is lost, and with it what was committed last.
    pub fn open_part(path: &Path, key: &StoreKey) -> Result<Self, StoreError> {
        Self::open_files(path, key, Files::Part)
    }

    fn open_files(path: &Path, key: &StoreKey, files: Files) -> Result<Self, StoreError> {
        if !path.try_exists().map_err(|source| StoreError::io(path, source))? {
            return Err(StoreError::NotFound { path: path.to_owned() });
        }
        let lock = Lock::exclusive(path)?;
        Self::open_locked(path, key, files, lock)
    }

    /// All hot rows, and nothing else: its time does not grow with the history.
    pub fn image(&mut self) -> Result<Image, StoreError> {
        image::load(&self.db, &mut self.numbers).map_err(|source| StoreError::sqlite(&self.path, source))
    }

    /// Makes a batch's changes in one transaction, which is on the disk when this returns. On an error nothing has
    /// changed; then the store should be dropped, and opened again.
    ///
    /// What the batch deletes is gone from the rows when this returns, and from the files at the next
    /// [`wipe`](Self::wipe).
    pub fn commit(&mut self, batch: &Batch) -> Result<(), StoreError> {
        let written = self.write(batch).map_err(|source| {
            // What the transaction gave out went with it.
            self.numbers.forget();
            self.tail = None;
            StoreError::sqlite(&self.path, source)
        });
        // A commit that failed may be on the disk.
        if written.as_ref().map_or(true, |erased| erased.rows) || batch.changes.iter().any(is_contact) {
            self.people.count();
        }
        let erased = written?;
        if erased.rows {
            self.traces.left(erased, Instant::now());
        }
        Ok(())
    }

    /// How long until [`wipe`](Self::wipe) is due, because of what was deleted: half a second after the last commit that
    /// deleted something, and at most five after the first. `None` if nothing is left in the files.
    pub fn wipe_due(&self) -> Option<Millis> {
        let due = self.traces.due(Instant::now())?;
        // Rounded up: a caller that waits for so long is not early.
        Some(Millis(
            u64::try_from(due.as_micros().div_ceil(1000)).unwrap_or(u64::MAX),
        ))
    }

    /// Wipes what was deleted from the files. A reader in the middle of a query or a full disk can be in the way; then it is
    /// due again.
    pub fn wipe(&mut self) {
        self.traces.wipe(&mut self.db, &self.path);
    }

    /// Cold rows, as of the last commit.
    pub fn fetch(&mut self, query: &Query) -> Result<Rows, StoreError> {
        let mut answer = || {
            let tail = Tail::loaded(&mut self.tail, &self.db)?;
            fetch::fetch(&self.db, &mut self.numbers, tail, query)
        };
        answer().map_err(|source| StoreError::sqlite(&self.path, source))
    }

    /// After an error: closes the database and opens it again, as a new process would, but without giving up the lock.
    pub fn reopen(&mut self) -> Result<(), StoreError> {
        // What closing says can only be the error that brought us here.
        self.db = Connection::open_in_memory().map_err(|source| StoreError::sqlite(&self.path, source))?;
        self.db = open::reopen(&self.path, &self.key)?;
        self.numbers = Numbers::default();
        self.tail = None;
        self.traces = Traces::of(&self.db, Instant::now()).map_err(|source| StoreError::sqlite(&self.path, source))?;
        Ok(())
    }

    /// A connection of its own to the same database, for what people and programs read. It sees every commit that ended
    /// before its query began, and never waits for one. The store counts as open for as long as a reader lives.
    pub fn reader(&self) -> Result<Reader, StoreError> {
        let db = open::open_reader(&self.path, &self.key)?;
        Ok(Reader::new(
            db,
            self.key.clone(),
            self.path.clone(),
            Arc::clone(&self.lock),
        ))
    }

    /// Reads every page of the database, and is an error if one is not as it was written. Opening reads only a few.
    pub fn check(&self) -> Result<(), StoreError> {
        open::check_pages(&self.db)
            .map_err(|source| StoreError::sqlite(&self.path, source))?
            .map_or(Ok(()), |found| Err(StoreError::damaged(&self.path, found)))
    }

    /// Whether what [`Reader::people`] answered is still so.
    pub fn people_version(&self) -> PeopleVersion {
        self.people.clone()
    }

    /// Closes the store in order: everything is in the one database file, what was deleted is wiped, and the other files are gone.
    pub fn close(self) -> Result<(), StoreError> {
        let Self {
            mut db,
            mut traces,
            path,
            ..
        } = self;
        // What is in the way of it stays noted for the next opening.
        traces.wipe(&mut db, &path);
        let sqlite = |source| StoreError::sqlite(&path, source);
        open::mark(&db, false).map_err(sqlite)?;
        erase::empty_log(&db).map_err(sqlite)?;
        open::keep_log(&db, false).map_err(sqlite)?;
        db.close().map_err(|(_, source)| sqlite(source))
    }

    fn open_locked(path: &Path, key: &StoreKey, files: Files, lock: Lock) -> Result<Self, StoreError> {
        let db = open::open(path, key, files)?;
        Ok(Self {
            traces: Traces::of(&db, Instant::now()).map_err(|source| StoreError::sqlite(path, source))?,
            db,
            numbers: Numbers::default(),
            tail: None,
            key: key.clone(),
            path: path.to_owned(),
            people: PeopleVersion::default(),
            lock: Arc::new(lock),
        })
    }

    fn write(&mut self, batch: &Batch) -> rusqlite::Result<Erased> {
        let transaction = self.db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let tail = Tail::loaded(&mut self.tail, &transaction)?;
        let erased = commit::apply(&transaction, &mut self.numbers, tail, batch)?;
        if erased.rows {
            erase::note(&transaction)?;
        }
        transaction.commit()?;
        Ok(erased)
    }
}

/// Whether a contact's row is written or removed. A peer that is no contact any more is known by its messages, until they are
/// erased.
const fn is_contact(change: &Change) -> bool {
    matches!(
        change,
        Change::Put(Row::Contact(_)) | Change::Insert(Row::Contact(_)) | Change::Delete(Key::Contact(_))
    )
}

/// What a driver calls. The methods are those above, which a program can also call without the trait.
impl RowStore for Store {
    type Error = StoreError;

    fn image(&mut self) -> Result<Image, StoreError> {
        self.image()
    }

    fn commit(&mut self, batch: &Batch) -> Result<(), StoreError> {
        self.commit(batch)
    }

    fn fetch(&mut self, query: &Query) -> Result<Rows, StoreError> {
        self.fetch(query)
    }

    fn wipe_due(&self) -> Option<Millis> {
        self.wipe_due()
    }

    fn wipe(&mut self) {
        self.wipe();
    }

    fn reopen(&mut self) -> Result<(), StoreError> {
        self.reopen()
    }

    fn close(self) -> Result<(), StoreError> {
        self.close()
    }

    fn is_transient(error: &StoreError) -> bool {
        // The store holds the lock, so `InUse` is another process that read the file for longer than SQLite waits.
        matches!(
            error,
            StoreError::Full { .. }
                | StoreError::OverQuota { .. }
                | StoreError::Io { .. }
                | StoreError::Sqlite { .. }
                | StoreError::InUse { .. }
        )
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use sotto_core::row::{Change, ConsumerRow, ContentType, IdentityRow, MessageKey, MessageRow, Row};
    use sotto_core::{ConversationId, EventSeq, MessageId, Wall};

    use super::*;

    fn store(folder: &tempfile::TempDir) -> Store {
        Store::create(&folder.path().join("sotto.db"), &StoreKey::new([1; 32], [2; 16])).unwrap()
    }

    fn puts(rows: impl IntoIterator<Item = Row>) -> Batch {
        Batch {
            changes: rows.into_iter().map(Change::Put).collect(),
        }
    }

    fn identity() -> IdentityRow {
        IdentityRow {
            onion_seed: [3; 32],
            signal_identity: vec![4; 69],
            registration_id: 5,
            name: String::new(),
            created_at: Wall(6),
            availability: sotto_core::Availability::default(),
            default_timer: 0,
        }
    }

    fn message(id: u8, text: String) -> Row {
        Row::Message(MessageRow {
            key: MessageKey::direct(identity().address(), identity().address(), MessageId([id; 16])),
            order: EventSeq(id.into()),
            text,
            content_type: ContentType::Plain,
            thread: None,
            reply_to: None,
            ttl: 0,
            sent_at: Wall(0),
            at: Wall(0),
            edited_at: None,
            deleted_at: None,
            hops: 0,
        })
    }

    fn limit_pages(store: &Store, pages: i64) {
        store.db.pragma_update(None, "max_page_count", pages).unwrap();
    }

    /// SQLite says the same when the disk is full as when a limit of its own is.
    #[test]
    fn a_full_disk_undoes_the_whole_batch_and_the_next_one_is_fine() {
        let folder = tempfile::tempdir().unwrap();
        let mut store = store(&folder);
        store.commit(&puts([Row::Identity(identity())])).unwrap();
        let before = store.image().unwrap();

        limit_pages(&store, 1);
        let consumer = Row::Consumer(ConsumerRow {
            name: String::from("agent"),
            acknowledged: EventSeq(1),
        });
        // Small ones first: they are made, and then undone with the number that the contact got.
        let words = "many words ".repeat(20_000);
        let too_much = puts([consumer, message(1, String::from("small")), message(2, words)]);
        let error = store.commit(&too_much).unwrap_err();
        assert!(matches!(error, StoreError::Full { .. }), "{error}");
        assert_eq!(store.image().unwrap(), before);
        assert!(store.reader().unwrap().search("small", 1, None).unwrap().is_empty());

        limit_pages(&store, 1 << 20);
        store.commit(&too_much).unwrap();
        assert_eq!(store.image().unwrap().consumers.len(), 1);
        assert_eq!(
            store
                .reader()
                .unwrap()
                .history(&ConversationId::Direct(identity().address()), 9, None)
                .unwrap()
                .len(),
            2
        );
    }

    #[test]
    fn a_store_and_its_readers_can_move_to_threads() {
        fn moves<T: Send>() {}
        moves::<Store>();
        moves::<Reader>();
        moves::<StoreError>();
    }
}
