//! [`Reader::backup`]: a whole copy of the store at one moment, as one file, encrypted with the same key. A copy of the
//! database file alone is not one: what was committed last is still in the `-wal` file beside it.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::Path;

use super::Reader;
use crate::StoreError;
use crate::lock::{beside, private};
use crate::open::{put_in_place, remove_if_there, unmark};

impl Reader {
    /// Writes the copy to `to`, durable when this returns. A file that is there already is left alone:
    /// [`StoreError::Exists`]. Commits go on meanwhile; their number while it lasts lengthens the `-wal` file.
    pub fn backup(&self, to: &Path) -> Result<(), StoreError> {
        let failed = |source| StoreError::Io {
            path: to.to_owned(),
            source,
        };
        // The name is taken before the copy is made, so that nothing that appears under it meanwhile is overwritten.
        let taken = private(OpenOptions::new().create_new(true)).open(to);
        if let Err(source) = taken {
            return Err(match source.kind() {
                io::ErrorKind::AlreadyExists => StoreError::Exists { path: to.to_owned() },
                _ => failed(source),
            });
        }
        let unfinished = beside(to, "-new");
        let made = self.copy_to(&unfinished).and_then(|()| {
            unmark(&unfinished, &self.key)?;
            File::open(&unfinished)
                .and_then(|file| file.sync_all())
                .map_err(failed)?;
            put_in_place(&unfinished, to)
        });
        if made.is_err() {
            for path in [beside(&unfinished, "-journal"), unfinished, to.to_owned()] {
                // What counts is the first error.
                let _ = fs::remove_file(path);
            }
        }
        made
    }

    fn copy_to(&self, path: &Path) -> Result<(), StoreError> {
        let failed = |source| StoreError::Io {
            path: path.to_owned(),
            source,
        };
        let name = path
            .to_str()
            .ok_or_else(|| failed(io::Error::new(io::ErrorKind::InvalidInput, "the path is not UTF-8")))?;
        remove_if_there(path)?;
        // SQLite writes into an empty file, and leaves its permissions.
        private(OpenOptions::new().create_new(true))
            .open(path)
            .map_err(failed)?;
        let sqlite = |source| StoreError::sqlite(path, source);
        // The database itself was opened for reading only; the other file is to be written.
        self.db.pragma_update(None, "query_only", false).map_err(sqlite)?;
        let written = self.db.execute("VACUUM INTO ?", [name]).map(drop).map_err(sqlite);
        self.db.pragma_update(None, "query_only", true).map_err(sqlite)?;
        written
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::os::unix::fs::PermissionsExt as _;

    use sotto_core::EventSeq;
    use sotto_core::row::{Batch, Change, ConsumerRow, Row};

    use super::*;
    use crate::{Store, StoreKey, read_salt};

    fn consumer(name: &str) -> Batch {
        let row = Row::Consumer(ConsumerRow {
            name: name.to_owned(),
            acknowledged: EventSeq(1),
        });
        Batch {
            changes: vec![Change::Put(row)],
        }
    }

    fn names(store: &mut Store) -> Vec<String> {
        let consumers = store.image().unwrap().consumers;
        consumers.into_iter().map(|row| row.name).collect()
    }

    fn files(folder: &Path) -> BTreeMap<String, u32> {
        let entries = fs::read_dir(folder).unwrap().map(Result::unwrap);
        entries
            .map(|entry| {
                let mode = entry.metadata().unwrap().permissions().mode() & 0o777;
                (entry.file_name().into_string().unwrap(), mode)
            })
            .collect()
    }

    #[test]
    fn a_backup_holds_what_was_committed_before_it_and_opens_with_the_same_key() {
        let folder = tempfile::tempdir().unwrap();
        let (database, copies) = (folder.path().join("sotto.db"), folder.path().join("copies"));
        fs::create_dir(&copies).unwrap();
        let key = StoreKey::new([1; 32], [2; 16]);
        let mut store = Store::create(&database, &key).unwrap();
        let reader = store.reader().unwrap();
        store.commit(&consumer("before")).unwrap();
        let copy = copies.join("copy.db");
        reader.backup(&copy).unwrap();
        store.commit(&consumer("after")).unwrap();
        assert_eq!(files(&copies), BTreeMap::from([(String::from("copy.db"), 0o600)]));

        assert_eq!(read_salt(&copy).unwrap(), Some([2; 16]));
        let mut restored = Store::open(&copy, &key).unwrap();
        assert_eq!(names(&mut restored), ["before"]);
        restored.commit(&consumer("there")).unwrap();
        restored.close().unwrap();
        assert!(Store::open(&copy, &StoreKey::new([3; 32], [2; 16])).is_err());
        assert_eq!(names(&mut store), ["after", "before"]);
        // The reader still only reads, and backs up once more.
        reader.backup(&copies.join("second.db")).unwrap();
        assert!(reader.db.execute_batch("CREATE TABLE more (x)").is_err());
    }

    #[test]
    fn a_byte_that_was_changed_in_any_page_of_a_backup_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let (database, copy) = (folder.path().join("sotto.db"), folder.path().join("copy.db"));
        let key = StoreKey::new([1; 32], [2; 16]);
        let mut store = Store::create(&database, &key).unwrap();
        for number in 0..100 {
            store.commit(&consumer(&format!("{number:0>90}"))).unwrap();
        }
        store.reader().unwrap().backup(&copy).unwrap();
        let whole = fs::read(&copy).unwrap();
        let opened = |bytes: &[u8]| {
            fs::write(&copy, bytes).unwrap();
            let opened = Store::open(&copy, &key);
            let checked = opened.and_then(|store| {
                let checked = store.check();
                drop(store);
                checked
            });
            for suffix in ["-wal", "-shm", "-lock"] {
                let _ = fs::remove_file(beside(&copy, suffix));
            }
            checked
        };
        opened(&whole).unwrap();
        for page in (0..whole.len()).step_by(4096) {
            let mut changed = whole.clone();
            changed[page + 2000] ^= 1;
            assert!(opened(&changed).is_err(), "page {}", page / 4096);
        }
        assert!(opened(&whole[..whole.len() - 4096]).is_err(), "a page is missing");
        assert!(
            opened(&whole[..whole.len() - 100]).is_err(),
            "a part of a page is missing"
        );
    }

    /// What was committed last is in the log beside the database, until the store is closed in order.
    #[test]
    fn a_copy_of_an_open_store_without_its_log_is_recognised() {
        let folder = tempfile::tempdir().unwrap();
        let (database, copy) = (folder.path().join("sotto.db"), folder.path().join("copy.db"));
        let key = StoreKey::new([1; 32], [2; 16]);
        let mut store = Store::create(&database, &key).unwrap();
        store.commit(&consumer("last")).unwrap();
        fs::copy(&database, &copy).unwrap();
        let before = files(folder.path());
        for _ in 0..2 {
            let error = Store::open(&copy, &key).unwrap_err();
            assert!(matches!(error, StoreError::Part { .. }), "{error}");
        }
        fs::remove_file(beside(&copy, "-lock")).unwrap();
        assert_eq!(files(folder.path()), before, "it leaves no trace");
        let mut part = Store::open_part(&copy, &key).unwrap();
        assert!(names(&mut part).is_empty());
        part.check().unwrap();
        part.close().unwrap();
        Store::open(&copy, &key).unwrap().close().unwrap();

        // With its log it is whole: as a crash leaves it, or a copy of both files.
        drop(store);
        fs::copy(&database, &copy).unwrap();
        fs::copy(beside(&database, "-wal"), beside(&copy, "-wal")).unwrap();
        for path in [&database, &copy] {
            let mut store = Store::open(path, &key).unwrap();
            assert_eq!(names(&mut store), ["last"]);
            store.close().unwrap();
            assert!(!beside(path, "-wal").exists());
        }
        fs::copy(&database, &copy).unwrap();
        assert_eq!(
            names(&mut Store::open(&copy, &key).unwrap()),
            ["last"],
            "closed in order"
        );
    }

    #[test]
    fn a_backup_overwrites_nothing_and_leaves_nothing_half_made() {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("sotto.db");
        let store = Store::create(&database, &StoreKey::new([1; 32], [2; 16])).unwrap();
        let reader = store.reader().unwrap();
        let before = files(folder.path());
        for path in [&database, folder.path()] {
            let error = reader.backup(path).unwrap_err();
            assert!(matches!(error, StoreError::Exists { .. }), "{error}");
        }
        let error = reader.backup(&folder.path().join("none/copy.db")).unwrap_err();
        assert!(matches!(error, StoreError::Io { .. }), "{error}");
        assert_eq!(files(folder.path()), before);
    }
}
