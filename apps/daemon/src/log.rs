//! [`Log`]: lines of `tracing`, to standard error or to a file that is rotated. Only events of Sotto's own crates are in it.
//! libsignal logs details of sessions through the `log` crate, which is not bridged here.
//!
//! The log cannot fail the node. Lines go through a bounded queue to a thread that writes them. A line is dropped and
//! counted if it finds the queue full (a terminal that does not scroll, a disk that hangs) or cannot be written (a full
//! disk, a closed pipe).

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;
use std::time::Duration;

use rustix::stdio::{dup2_stderr, stderr};
use sotto_api::Error;
use tracing_subscriber::EnvFilter;

/// A log file is rotated at this size; one old file is kept.
const ROTATE_AT: u64 = 4 << 20;

/// Lines that may wait for the thread.
const QUEUE: usize = 1024;

/// How long the end of the process waits for the lines before it.
const LAST_LINES: Duration = Duration::from_secs(1);

/// Lines of this process's log that were dropped.
static DROPPED: AtomicU64 = AtomicU64::new(0);

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
pub(crate) fn start(log: &Log, level: &str) -> Result<LogHandle, Error> {
    let file = match log {
        Log::Off => return Ok(LogHandle(None)),
        Log::Stderr => stderr()
            .try_clone_to_owned()
            .map(|stderr| LogFile::unnamed(stderr.into())),
        // Absolute, because the daemon leaves its folder.
        Log::File(path) => std::path::absolute(path).and_then(|path| LogFile::open(&path, ROTATE_AT)),
    };
    let file = file.map_err(|error| match log {
        Log::File(path) => Error::io(path.display(), &error),
        Log::Stderr | Log::Off => Error::io("standard error", &error),
    })?;
    let (queue, entries) = LineQueue::new();
    let waiting = queue.waiting.clone();
    thread::Builder::new()
        .name("sotto-log".into())
        .spawn(move || write_entries(file, &entries, &waiting))
        .map_err(|error| Error::io("no thread for the log", &error))?;
    let handle = LogHandle(Some(queue.entries.clone()));
    // Targets are matched by how they begin: this is all of our own crates.
    let filter = EnvFilter::new(format!("off,sotto={level}"));
    // An error says only that there is one already.
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_target(false)
        .with_ansi(false)
        // It would print to standard error, and panic where that fails.
        .log_internal_errors(false)
        .with_writer(move || queue.clone())
        .try_init();
    Ok(handle)
}

/// Lines that were dropped since the process started.
pub(crate) fn dropped_lines() -> u64 {
    DROPPED.load(Ordering::Relaxed)
}

/// The log of a process. When it is dropped, the lines before are written, unless that takes too long.
#[derive(Debug)]
pub(crate) struct LogHandle(Option<Sender<Entry>>);

impl LogHandle {
    /// Opens the file anew under its name, after another program has moved it.
    pub fn reopen(&self) {
        let _ = self.0.as_ref().map(|entries| entries.send(Entry::Reopen));
    }

    /// Returns once the lines before are written, unless that takes too long.
    pub fn flush(&self) {
        let (written, wait) = mpsc::channel();
        if let Some(entries) = &self.0
            && entries.send(Entry::Written(written)).is_ok()
        {
            let _ = wait.recv_timeout(LAST_LINES);
        }
    }
}

impl Drop for LogHandle {
    fn drop(&mut self) {
        self.flush();
    }
}

/// What the thread gets.
#[derive(Debug)]
enum Entry {
    Line(Vec<u8>),
    Reopen,
    /// Asks for an answer once the lines before are written.
    Written(Sender<()>),
}

/// The writer of `tracing`, which hands over one line with each write.
#[derive(Clone)]
struct LineQueue {
    entries: Sender<Entry>,
    waiting: Arc<AtomicUsize>,
}

impl LineQueue {
    fn new() -> (Self, Receiver<Entry>) {
        let (entries, receiver) = mpsc::channel();
        let waiting = Arc::default();
        (Self { entries, waiting }, receiver)
    }
}

impl Write for LineQueue {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if self.waiting.fetch_add(1, Ordering::Relaxed) < QUEUE && self.entries.send(Entry::Line(line.to_vec())).is_ok()
        {
            return Ok(line.len());
        }
        self.waiting.fetch_sub(1, Ordering::Relaxed);
        DROPPED.fetch_add(1, Ordering::Relaxed);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The thread's loop. It ends with the process.
fn write_entries(mut file: LogFile, entries: &Receiver<Entry>, waiting: &AtomicUsize) {
    for entry in entries {
        match entry {
            Entry::Line(line) => {
                file.write_line(&line);
                waiting.fetch_sub(1, Ordering::Relaxed);
            }
            // Without a new file, the old one is still better than none.
            Entry::Reopen => drop(file.reopen()),
            Entry::Written(written) => drop(written.send(())),
        }
    }
}

/// A file of bounded size. A line that would go over the bound goes to a fresh file.
struct LogFile {
    /// None for standard error, which cannot be opened anew.
    path: Option<PathBuf>,
    file: File,
    length: u64,
    bound: u64,
    /// Standard error is this file, and moves on with it: `sotto daemon start` makes it so.
    has_stderr: bool,
    /// The last line may be there in part.
    torn: bool,
    /// Of the dropped lines, how many the log has reported.
    reported: u64,
}

impl LogFile {
    fn open(path: &Path, bound: u64) -> io::Result<Self> {
        let file = append(path)?;
        let length = file.metadata()?.len();
        let has_stderr = same_file(file.as_fd(), stderr())?;
        Ok(Self {
            path: Some(path.to_owned()),
            length,
            bound,
            has_stderr,
            ..Self::unnamed(file)
        })
    }

    /// A file without a name and without a bound.
    const fn unnamed(file: File) -> Self {
        Self {
            path: None,
            file,
            length: 0,
            bound: u64::MAX,
            has_stderr: false,
            torn: false,
            reported: 0,
        }
    }

    /// Writes a line, or counts it as dropped.
    fn write_line(&mut self, line: &[u8]) {
        if self.length > 0 && self.length.saturating_add(line.len() as u64) > self.bound {
            // Without a fresh file, the old one grows.
            let _ = self.rotate();
        }
        let dropped = dropped_lines();
        let mut text = Vec::with_capacity(line.len());
        if self.torn {
            text.push(b'\n');
        }
        if dropped > self.reported {
            text.extend_from_slice(format!("{} lines of this log were dropped\n", dropped - self.reported).as_bytes());
        }
        text.extend_from_slice(line);
        self.torn = self.file.write_all(&text).is_err();
        if self.torn {
            DROPPED.fetch_add(1, Ordering::Relaxed);
        } else {
            self.reported = self.reported.max(dropped);
            self.length = self.length.saturating_add(text.len() as u64);
        }
    }

    fn rotate(&mut self) -> io::Result<()> {
        if let Some(path) = &self.path {
            let mut old = path.clone().into_os_string();
            old.push(".1");
            match fs::rename(path, old) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                // Another program may have moved the file already.
                Ok(()) | Err(_) => {}
            }
        }
        self.reopen()
    }

    fn reopen(&mut self) -> io::Result<()> {
        let Some(path) = &self.path else { return Ok(()) };
        let file = append(path)?;
        self.length = file.metadata()?.len();
        if self.has_stderr {
            dup2_stderr(&file)?;
        }
        self.file = file;
        self.torn = false;
        Ok(())
    }
}

fn append(path: &Path) -> io::Result<File> {
    OpenOptions::new().append(true).create(true).mode(0o600).open(path)
}

fn same_file(one: BorrowedFd<'_>, other: BorrowedFd<'_>) -> io::Result<bool> {
    let (one, other) = (rustix::fs::fstat(one)?, rustix::fs::fstat(other)?);
    Ok((one.st_dev, one.st_ino) == (other.st_dev, other.st_ino))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt;

    use super::*;

    fn text(path: &Path) -> String {
        fs::read_to_string(path).expect("there")
    }

    #[test]
    fn a_grown_file_is_set_aside_and_both_are_private() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("daemon.log");
        let old = folder.path().join("daemon.log.1");
        let mut log = LogFile::open(&path, 12).expect("a new file");
        log.reported = u64::MAX;
        for line in ["one\n", "two\n", "three\n", "four\n"] {
            log.write_line(line.as_bytes());
        }
        drop(log);
        assert_eq!(text(&old), "one\ntwo\n");
        let mut log = LogFile::open(&path, 12).expect("an old file");
        log.reported = u64::MAX;
        log.write_line(b"five\n");
        assert_eq!(text(&old), "three\nfour\n");
        assert_eq!(text(&path), "five\n");
        for file in [path, old] {
            assert_eq!(fs::metadata(file).expect("there").mode() & 0o777, 0o600);
        }
    }

    #[test]
    fn a_dropped_line_is_counted_and_reported_once_there_is_room() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("daemon.log");
        let full = File::options().write(true).open("/dev/full").expect("a device");
        let mut log = LogFile::unnamed(full);
        let before = dropped_lines();
        log.write_line(b"lost\n");
        assert!(dropped_lines() > before);
        log.file = append(&path).expect("a new file");
        log.write_line(b"one\n");
        log.reported = u64::MAX;
        log.write_line(b"two\n");
        let text = text(&path);
        let (report, lines) = text.trim_start().split_once('\n').expect("three lines");
        assert!(report.ends_with(" lines of this log were dropped"), "{text}");
        assert_eq!(lines, "one\ntwo\n");
    }

    #[test]
    fn a_file_that_was_moved_is_left_and_one_that_is_moved_by_two_is_no_error() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("daemon.log");
        let moved = folder.path().join("daemon.log.moved");
        let mut log = LogFile::open(&path, 12).expect("a new file");
        log.reported = u64::MAX;
        log.write_line(b"one\n");
        fs::rename(&path, &moved).expect("ours");
        log.write_line(b"two\n");
        log.reopen().expect("a new file");
        log.write_line(b"three\n");
        assert_eq!((text(&moved), text(&path)), ("one\ntwo\n".into(), "three\n".into()));
        fs::rename(&path, &moved).expect("ours");
        log.write_line(b"a long line\n");
        assert_eq!(text(&path), "a long line\n");
    }
}
