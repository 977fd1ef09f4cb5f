//! [`Lock`]: the operating system's lock on `sotto.pid`, which the daemon of a profile holds while it lives. The number in
//! the file only says which process that is; after a crash the number stays and the lock does not.

use std::fs::{File, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::path::Path;
use std::thread::sleep;
use std::time::Duration;

use rustix::fs::{Mode, OFlags, open};
use rustix::io::Errno;
use sotto_api::{Error, Kind};

/// [`Lock::holder`] takes a shared lock for a moment, so one refusal is not proof of a daemon.
const TRIES: u32 = 10;
const BETWEEN_TRIES: Duration = Duration::from_millis(10);

/// Held while it lives. The file is emptied when it is released in order.
#[derive(Debug)]
pub struct Lock {
    file: File,
}

impl Lock {
    /// Takes the lock for this process, or says who has it.
    pub fn acquire(path: &Path) -> Result<Self, Error> {
        let failed = |error: io::Error| Error::io(path.display(), &error);
        let mut file = open_regular(path, OFlags::RDWR | OFlags::CREATE).map_err(failed)?;
        for _ in 0..TRIES {
            match file.try_lock() {
                Ok(()) => {
                    file.set_len(0).map_err(failed)?;
                    writeln!(file, "{}", std::process::id()).map_err(failed)?;
                    return Ok(Self { file });
                }
                Err(TryLockError::WouldBlock) => sleep(BETWEEN_TRIES),
                Err(TryLockError::Error(error)) => return Err(failed(error)),
            }
        }
        let who = written(&mut file).map_or(String::from("another process"), |pid| format!("process {pid}"));
        let place = path.parent().unwrap_or(path).display();
        Err(Error::new(
            Kind::InUse,
            format!("the profile in {place} is in use by {who}"),
        ))
    }

    /// The process that holds the lock, if one does. `Ok(Some(0))` is one that has not said its number yet.
    pub fn holder(path: &Path) -> Result<Option<u32>, Error> {
        let failed = |error: io::Error| Error::io(path.display(), &error);
        let mut file = match open_regular(path, OFlags::RDONLY) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failed(error)),
        };
        match file.try_lock_shared() {
            Ok(()) => {
                let _ = file.unlock();
                Ok(None)
            }
            Err(TryLockError::WouldBlock) => Ok(Some(written(&mut file).unwrap_or(0))),
            Err(TryLockError::Error(error)) => Err(failed(error)),
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // A number that is left behind does no harm.
        let _ = self.file.set_len(0);
        // A child of this process has the file as well, from its fork to its exec. Without a word it would go on holding the lock.
        let _ = self.file.unlock();
    }
}

/// Follows no link, since the owner of the lock empties the file; and does not wait for the other end of a pipe.
fn open_regular(path: &Path, flags: OFlags) -> io::Result<File> {
    let strange = || io::Error::other("it is not a regular file");
    let flags = flags | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = match open(path, flags, Mode::RUSR | Mode::WUSR) {
        Ok(file) => File::from(file),
        Err(Errno::LOOP) => return Err(strange()),
        Err(error) => return Err(error.into()),
    };
    if file.metadata()?.is_file() {
        Ok(file)
    } else {
        Err(strange())
    }
}

fn written(file: &mut File) -> Option<u32> {
    let mut text = String::new();
    file.rewind().ok()?;
    file.take(32).read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::MetadataExt;

    use super::*;

    #[test]
    fn a_link_is_refused_and_its_target_left_alone() {
        let folder = tempfile::tempdir().expect("a folder");
        let (path, target) = (folder.path().join("sotto.pid"), folder.path().join("diary"));
        fs::write(&target, "dear diary").expect("room");
        std::os::unix::fs::symlink(&target, &path).expect("room");
        for refused in [Lock::acquire(&path).map(drop), Lock::holder(&path).map(drop)] {
            let error = refused.expect_err("a link");
            assert!(error.message.ends_with("it is not a regular file"), "{error}");
        }
        assert_eq!(fs::read_to_string(&target).expect("readable"), "dear diary");
    }

    #[test]
    fn the_lock_decides_not_the_number() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("sotto.pid");
        assert_eq!(Lock::holder(&path).expect("readable"), None, "no file");

        fs::write(&path, "1\n").expect("writable");
        assert_eq!(
            Lock::holder(&path).expect("readable"),
            None,
            "a number that a crash left behind"
        );

        let lock = Lock::acquire(&path).expect("free");
        assert_eq!(Lock::holder(&path).expect("readable"), Some(std::process::id()));
        let refused = Lock::acquire(&path).expect_err("taken");
        assert_eq!((refused.kind(), refused.exit_code()), (Kind::InUse, 9));
        assert!(
            refused.message.contains(&format!("process {}", std::process::id())),
            "{refused}"
        );

        drop(lock);
        assert_eq!(Lock::holder(&path).expect("readable"), None, "released");
        assert_eq!(fs::read_to_string(&path).expect("readable"), "");
        Lock::acquire(&path).expect("free again");
    }

    #[test]
    fn the_file_is_for_the_owner_alone() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("sotto.pid");
        let _lock = Lock::acquire(&path).expect("free");
        assert_eq!(fs::metadata(&path).expect("there").mode() & 0o777, 0o600);
    }
}
