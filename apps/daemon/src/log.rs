//! [`Log`]: lines of `tracing`, to standard error or to a file that is rotated. Only events of Sotto's own crates are in it.
//! libsignal logs details of sessions through the `log` crate, which is not bridged here.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use sotto_api::Error;
use tracing_subscriber::EnvFilter;

/// A log file is rotated at this size; one old file is kept.
const ROTATE_AT: u64 = 4 << 20;

/// Where the log goes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Log {
    /// Standard error.
    #[default]
    Stderr,
    /// A file, with the older part beside it in a file that ends with `.1`.
    File(PathBuf),
    /// Nowhere.
    Off,
}

/// Starts logging for this process. What runs in a process that logs already (tests, `demo`) uses what is there.
pub(crate) fn start(log: &Log, level: &str) -> Result<(), Error> {
    // Targets are matched by how they begin: this is all of our own crates.
    let filter = EnvFilter::new(format!("off,sotto={level}"));
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_target(false)
        .with_ansi(false);
    // An error says only that there is one already.
    let _ = match log {
        Log::Off => return Ok(()),
        Log::Stderr => builder.with_writer(io::stderr).try_init(),
        Log::File(path) => {
            let file = Rotating::open(path, ROTATE_AT).map_err(|error| Error::io(path.display(), &error))?;
            builder.with_writer(Mutex::new(file)).try_init()
        }
    };
    Ok(())
}

/// A file of bounded size. A write that would go over the bound goes to a fresh file.
struct Rotating {
    path: PathBuf,
    file: File,
    length: u64,
    bound: u64,
}

impl Rotating {
    fn open(path: &Path, bound: u64) -> io::Result<Self> {
        let file = append(path)?;
        let length = file.metadata()?.len();
        Ok(Self {
            path: path.to_owned(),
            file,
            length,
            bound,
        })
    }

    fn rotate(&mut self) -> io::Result<()> {
        let mut old = self.path.clone().into_os_string();
        old.push(".1");
        fs::rename(&self.path, old)?;
        self.file = append(&self.path)?;
        self.length = 0;
        Ok(())
    }
}

impl Write for Rotating {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let grown = self.length.saturating_add(line.len() as u64);
        if self.length > 0 && grown > self.bound {
            self.rotate()?;
        }
        self.file.write_all(line)?;
        self.length = self.length.saturating_add(line.len() as u64);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

fn append(path: &Path) -> io::Result<File> {
    OpenOptions::new().append(true).create(true).mode(0o600).open(path)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt;

    use super::*;

    #[test]
    fn a_grown_file_is_set_aside_and_both_are_private() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("daemon.log");
        let old = folder.path().join("daemon.log.1");
        let mut log = Rotating::open(&path, 12).expect("a new file");
        for line in ["one\n", "two\n", "three\n", "four\n"] {
            log.write_all(line.as_bytes()).expect("room");
        }
        drop(log);
        assert_eq!(fs::read_to_string(&old).expect("set aside"), "one\ntwo\n");
        let mut log = Rotating::open(&path, 12).expect("an old file");
        log.write_all(b"five\n").expect("room");
        assert_eq!(fs::read_to_string(&old).expect("set aside"), "three\nfour\n");
        assert_eq!(fs::read_to_string(&path).expect("there"), "five\n");
        for file in [path, old] {
            assert_eq!(fs::metadata(file).expect("there").mode() & 0o777, 0o600);
        }
    }
}
