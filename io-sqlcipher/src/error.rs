//! What can go wrong with a store, said so that a person knows which file it is and what to do.

use std::io;
use std::path::{Path, PathBuf};

use rusqlite::ErrorCode;
use rusqlite::ffi::SQLITE_IOERR_SHMSIZE;

use crate::quota::exceeds_quota;

/// A store cannot be opened, written or read. The files are as they were before the call.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The first page cannot be decrypted.
    #[error("{} does not open with this key: wrong passphrase or key file, or the file is not a Sotto database", path.display())]
    WrongKey {
        /// The database.
        path: PathBuf,
    },
    /// Another process, or another store in this one, has it open.
    #[error("{} is already open in another process; stop it, or talk to it instead", path.display())]
    InUse {
        /// The database.
        path: PathBuf,
    },
    /// A later program has written it.
    #[error(
        "{} has schema version {found}, this program knows up to {supported}; use a newer sotto",
        path.display()
    )]
    NewerSchema {
        /// The database.
        path: PathBuf,
        /// Its version.
        found: i64,
        /// The newest version that is known here.
        supported: i64,
    },
    /// Its content contradicts itself.
    #[error("{} is damaged ({detail}); restore it from a backup", path.display())]
    Damaged {
        /// The database.
        path: PathBuf,
        /// What was found.
        detail: String,
    },
    /// It was copied from a store that was open, without the log beside it.
    #[error(
        "{0} is a part of a store: what was committed last is in {0}-wal, which is not there; put that file back, or restore a backup",
        path.display()
    )]
    Part {
        /// The database.
        path: PathBuf,
    },
    /// It is a plain SQLite database.
    #[error("{} is not encrypted, so it is not a Sotto database; move it away", path.display())]
    NotEncrypted {
        /// The file.
        path: PathBuf,
    },
    /// No room for it.
    #[error("no room left on the disk that holds {}; free some space and try again", path.display())]
    Full {
        /// The database.
        path: PathBuf,
    },
    /// The user may write no more, though the disk has room.
    #[error("your disk quota is exceeded on the disk that holds {}; free some space and try again", path.display())]
    OverQuota {
        /// The database.
        path: PathBuf,
    },
    /// There is none.
    #[error("{} does not exist; create a store first", path.display())]
    NotFound {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// There is one already, and it is not overwritten.
    #[error("{} exists already; open it, or choose another place", path.display())]
    Exists {
        /// The file in the way.
        path: PathBuf,
    },
    /// A setting that safety or durability rests on did not take effect.
    #[error("{}: {name} is {got} where {want} is needed; this build of SQLCipher cannot be used", path.display())]
    Setting {
        /// The database.
        path: PathBuf,
        /// The setting.
        name: &'static str,
        /// What it must be.
        want: String,
        /// What it is.
        got: String,
    },
    /// The operating system said no.
    #[error("cannot use {}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What it said.
        source: io::Error,
    },
    /// SQLite said no, in a way that none of the others describes.
    #[error("cannot use {}: {source}", path.display())]
    Sqlite {
        /// The database.
        path: PathBuf,
        /// What it said.
        source: rusqlite::Error,
    },
}

impl StoreError {
    pub(crate) fn io(path: &Path, source: io::Error) -> Self {
        let path = path.to_owned();
        match source.kind() {
            io::ErrorKind::NotFound => Self::NotFound { path },
            io::ErrorKind::AlreadyExists => Self::Exists { path },
            io::ErrorKind::StorageFull => Self::Full { path },
            io::ErrorKind::QuotaExceeded => Self::OverQuota { path },
            _ => Self::Io { path, source },
        }
    }

    pub(crate) fn damaged(path: &Path, detail: impl Into<String>) -> Self {
        Self::Damaged {
            path: path.to_owned(),
            detail: detail.into(),
        }
    }

    /// An error of a database that has been opened already.
    pub(crate) fn sqlite(path: &Path, source: rusqlite::Error) -> Self {
        use rusqlite::Error;
        match &source {
            // What it carries says which column it is.
            Error::FromSqlConversionFailure(_, _, found) => Self::damaged(path, found.to_string()),
            Error::IntegralValueOutOfRange(..)
            | Error::InvalidColumnType(..)
            | Error::Utf8Error(..)
            | Error::QueryReturnedNoRows => Self::damaged(path, source.to_string()),
            Error::SqliteFailure(failure, _) => match failure.code {
                // A constraint is one that core's rows keep.
                ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase | ErrorCode::ConstraintViolation => {
                    Self::damaged(path, source.to_string())
                }
                ErrorCode::DiskFull => Self::Full { path: path.to_owned() },
                ErrorCode::SystemIoFailure if exceeds_quota(path) => Self::OverQuota { path: path.to_owned() },
                // The -shm file could not grow.
                ErrorCode::SystemIoFailure if failure.extended_code == SQLITE_IOERR_SHMSIZE => {
                    Self::Full { path: path.to_owned() }
                }
                ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => Self::InUse { path: path.to_owned() },
                _ => Self::Sqlite {
                    path: path.to_owned(),
                    source,
                },
            },
            _ => Self::Sqlite {
                path: path.to_owned(),
                source,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_and_a_quota_are_told_apart() {
        let error = |kind: io::ErrorKind| StoreError::io(Path::new("sotto.db"), kind.into());
        assert!(matches!(error(io::ErrorKind::StorageFull), StoreError::Full { .. }));
        assert!(matches!(
            error(io::ErrorKind::QuotaExceeded),
            StoreError::OverQuota { .. }
        ));
        assert!(matches!(
            error(io::ErrorKind::ReadOnlyFilesystem),
            StoreError::Io { .. }
        ));
    }
}
