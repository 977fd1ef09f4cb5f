//! One owner for each store. SQLite's own locks let several processes take turns, which would be wrong here: a node holds
//! in memory what it last wrote. So an empty file beside the database carries an operating system lock for as long as
//! anything of ours has the database open; it ends with the process, however that ends.
//!
//! The lock is not on the database itself: closing any descriptor of that file would drop SQLite's own (POSIX) locks.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};

use crate::StoreError;

/// Held while it lives.
#[derive(Debug)]
pub(crate) struct Lock {
    file: File,
}

impl Lock {
    /// For the one owner.
    pub fn exclusive(database: &Path) -> Result<Self, StoreError> {
        Self::hold(database, File::try_lock)
    }

    /// For a glance at the file while no process owns it.
    pub fn shared(database: &Path) -> Result<Self, StoreError> {
        Self::hold(database, File::try_lock_shared)
    }

    fn hold(database: &Path, lock: impl Fn(&File) -> Result<(), TryLockError>) -> Result<Self, StoreError> {
        let path = beside(database, "-lock");
        let file = private(OpenOptions::new().create(true).truncate(false))
            .open(&path)
            .map_err(|source| match StoreError::io(&path, source) {
                // Without its folder there is no database either.
                StoreError::NotFound { .. } => StoreError::NotFound {
                    path: database.to_owned(),
                },
                error => error,
            })?;
        match lock(&file) {
            Ok(()) => Ok(Self { file }),
            Err(TryLockError::WouldBlock) => Err(StoreError::InUse {
                path: database.to_owned(),
            }),
            Err(TryLockError::Error(source)) => Err(StoreError::io(&path, source)),
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // A child of this process has the file as well, from its fork to its exec. Without a word it would go on holding the lock.
        let _ = self.file.unlock();
    }
}

/// The name of a file that belongs to the database.
pub(crate) fn beside(database: &Path, suffix: &str) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// Files that only their owner may read. SQLite gives its `-wal` and `-shm` files the permissions of the database.
pub(crate) fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    options.read(true).write(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_ends_with_its_owner_though_a_child_has_its_file() {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("sotto.db");
        let lock = Lock::exclusive(&database).unwrap();
        let of_child = lock.file.try_clone().unwrap();
        assert!(matches!(Lock::shared(&database), Err(StoreError::InUse { .. })));
        drop(lock);
        Lock::exclusive(&database).unwrap();
        drop(of_child);
    }
}
