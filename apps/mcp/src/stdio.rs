//! [`Input`] and [`Output`]: standard input and output of this process, as lines.
//!
//! A call of a tool takes less time than to wake another thread for it and for its answer. So the runtime itself reads where the
//! reactor can say that there is something to read, and writes what the other end has room for. A file cannot be waited for, and a
//! client may not read: these have a thread each.
//!
//! Whether a descriptor blocks belongs to all processes that have it, so it stays as it is. Each read and write is one that does not
//! wait, or the system is asked before.

use std::io::{self, Read as _, Write as _};
#[cfg(target_os = "linux")]
use std::io::{IoSlice, IoSliceMut};
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use futures::future::{Either, ready};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{FileType, fstat};
use rustix::io::Errno;
#[cfg(target_os = "linux")]
use rustix::io::ReadWriteFlags;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::sync::mpsc;
use tokio_util::bytes::BytesMut;

/// The longest line. The longest argument is a text of 32 KiB.
pub(crate) const LINE: usize = 1024 * 1024;

/// Bytes that are read at once.
const CHUNK: usize = 16 * 1024;

/// Chunks that are read ahead.
const CHUNKS: usize = 64;

/// Lines that wait to be written. A client that does not read holds up its own calls only.
const QUEUE: usize = 64;

/// Bytes that a pipe takes at once if it takes any: `PIPE_BUF` (pipe(7), POSIX).
const AT_ONCE: usize = if cfg!(target_os = "linux") { 4096 } else { 512 };

/// How long the last answers may take to be written.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// Standard input.
pub(crate) struct Input {
    source: Source,
    lines: LineBuffer,
    chunk: Vec<u8>,
    ended: bool,
}

enum Source {
    Reactor {
        descriptor: AsyncFd<OwnedFd>,
        /// A read that gives less than was asked for has emptied it, as it does a pipe or a socket. A terminal gives one line.
        short_is_empty: bool,
    },
    Thread(mpsc::Receiver<Vec<u8>>),
}

impl Input {
    /// Standard input, in the context of the runtime that reads it.
    #[expect(
        deprecated,
        reason = "sound for a descriptor that is owned; the replacement is an unsafe fn"
    )]
    pub fn open() -> io::Result<Self> {
        let descriptor = io::stdin().as_fd().try_clone_to_owned()?;
        let kind = FileType::from_raw_mode(fstat(&descriptor)?.st_mode);
        let source = match AsyncFd::with_interest(descriptor, Interest::READABLE) {
            Ok(descriptor) => Source::Reactor {
                descriptor,
                short_is_empty: matches!(kind, FileType::Fifo | FileType::Socket),
            },
            Err(_) => Source::Thread(read_ahead()?),
        };
        Ok(Self {
            source,
            lines: LineBuffer::default(),
            chunk: vec![0; CHUNK],
            ended: false,
        })
    }

    /// The next line without its end; of one that is too long, more than [`LINE`] bytes. `None` at the end. Dropping this future
    /// loses nothing.
    pub async fn line(&mut self) -> Option<Vec<u8>> {
        loop {
            if let Some(line) = self.lines.take(self.ended) {
                return Some(line);
            }
            if self.ended {
                return None;
            }
            match &mut self.source {
                Source::Thread(chunks) => match chunks.recv().await {
                    Some(chunk) => self.lines.push(&chunk),
                    None => self.ended = true,
                },
                Source::Reactor {
                    descriptor,
                    short_is_empty,
                } => {
                    let Ok(mut readiness) = descriptor.readable().await else {
                        self.ended = true;
                        continue;
                    };
                    match read_at_once(descriptor.get_ref().as_fd(), &mut self.chunk) {
                        Ok(read) if read > 0 => {
                            self.lines.push(&self.chunk[..read]);
                            if *short_is_empty && read < self.chunk.len() {
                                readiness.clear_ready();
                            }
                        }
                        Err(Errno::INTR) => {}
                        Err(Errno::AGAIN) => readiness.clear_ready(),
                        Ok(_) | Err(_) => self.ended = true,
                    }
                }
            }
        }
    }
}

/// A thread that reads until the end of standard input.
fn read_ahead() -> io::Result<mpsc::Receiver<Vec<u8>>> {
    let (chunks, receiver) = mpsc::channel(CHUNKS);
    thread::Builder::new().name(String::from("stdin")).spawn(move || {
        let mut input = io::stdin().lock();
        let mut chunk = vec![0; CHUNK];
        loop {
            match input.read(&mut chunk) {
                Ok(read) if read > 0 => {
                    if chunks.blocking_send(chunk[..read].to_vec()).is_err() {
                        return;
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Ok(_) | Err(_) => return,
            }
        }
    })?;
    Ok(receiver)
}

/// Bytes as they are read, cut into lines.
#[derive(Default)]
struct LineBuffer {
    bytes: BytesMut,
    /// So many of them hold no end of a line.
    searched: usize,
    /// The line was too long, and what is left of it is passed over.
    passing_over: bool,
}

impl LineBuffer {
    fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// The next line that is whole or too long. The last one needs no end.
    fn take(&mut self, ended: bool) -> Option<Vec<u8>> {
        loop {
            let end = self.bytes[self.searched..].iter().position(|byte| *byte == b'\n');
            let Some(end) = end.map(|end| self.searched + end) else {
                self.searched = self.bytes.len();
                if self.passing_over {
                    self.bytes.clear();
                    self.searched = 0;
                    return None;
                }
                if self.searched > LINE || (ended && self.searched > 0) {
                    self.passing_over = true;
                    self.searched = 0;
                    return Some(self.bytes.split().into());
                }
                return None;
            };
            let mut line = self.bytes.split_to(end + 1);
            self.searched = 0;
            if !std::mem::take(&mut self.passing_over) {
                line.truncate(end);
                return Some(line.into());
            }
        }
    }
}

/// Standard output.
pub(crate) struct Output {
    queue: mpsc::Sender<Vec<u8>>,
    /// Lines that the thread has not written yet.
    queued: Arc<AtomicUsize>,
}

/// The thread that writes what waits for the client.
pub(crate) struct Writer {
    finished: std::sync::mpsc::Receiver<()>,
}

impl Output {
    /// Standard output.
    pub fn open() -> io::Result<(Self, Writer)> {
        let (queue, lines) = mpsc::channel(QUEUE);
        let queued = Arc::new(AtomicUsize::new(0));
        let (done, finished) = std::sync::mpsc::channel();
        thread::Builder::new().name(String::from("stdout")).spawn({
            let queued = queued.clone();
            move || {
                write_queued(lines, &queued);
                drop(done);
            }
        })?;
        Ok((Self { queue, queued }, Writer { finished }))
    }

    /// Writes a line with its end, after those before. What the client has no room for waits.
    pub fn send(&self, mut line: Vec<u8>) -> impl Future<Output = io::Result<()>> + Send + use<> {
        if line.len() <= AT_ONCE && self.queued.load(Ordering::Acquire) == 0 {
            match write_at_once(&line) {
                Ok(written) if written == line.len() => return Either::Left(ready(Ok(()))),
                Ok(written) => drop(line.drain(..written)),
                Err(error) => return Either::Left(ready(Err(error))),
            }
        }
        self.queued.fetch_add(1, Ordering::AcqRel);
        let queue = self.queue.clone();
        Either::Right(async move {
            queue
                .send(line)
                .await
                .map_err(|_| io::Error::new(io::ErrorKind::BrokenPipe, "the client reads no more"))
        })
    }
}

impl Writer {
    /// Waits until the last answers are written, but not for a client that does not read them.
    pub fn finish(self) {
        let _ = self.finished.recv_timeout(LAST_WORDS);
    }
}

/// Writes until the server drops its end, or the client closes its end.
fn write_queued(mut lines: mpsc::Receiver<Vec<u8>>, queued: &AtomicUsize) {
    let mut output = io::stdout().lock();
    while let Some(line) = lines.blocking_recv() {
        if output.write_all(&line).and_then(|()| output.flush()).is_err() {
            return;
        }
        queued.fetch_sub(1, Ordering::AcqRel);
    }
}

/// There is no such call for this descriptor, or on this system: an old kernel has none, and a sandbox may forbid it.
const fn is_missing(error: Errno) -> bool {
    matches!(error, Errno::OPNOTSUPP | Errno::NOSYS | Errno::PERM | Errno::INVAL)
}

/// As many bytes as can be written without waiting.
fn write_at_once(line: &[u8]) -> io::Result<usize> {
    let output = rustix::stdio::stdout();
    let written = match write_without_wait(output, line) {
        Err(error) if is_missing(error) && is_ready(output, PollFlags::OUT) => rustix::io::write(output, line),
        Err(error) if is_missing(error) => Err(Errno::AGAIN),
        written => written,
    };
    match written {
        Ok(written) => Ok(written),
        Err(Errno::AGAIN | Errno::INTR) => Ok(0),
        Err(error) => Err(error.into()),
    }
}

/// What is there to be read; an error if nothing is.
fn read_at_once(input: BorrowedFd<'_>, chunk: &mut [u8]) -> Result<usize, Errno> {
    match read_without_wait(input, chunk) {
        Err(error) if is_missing(error) && is_ready(input, PollFlags::IN) => rustix::io::read(input, chunk),
        Err(error) if is_missing(error) => Err(Errno::AGAIN),
        read => read,
    }
}

/// A read that does not wait, for a descriptor that may (`RWF_NOWAIT`, preadv2(2)); `OPNOTSUPP` where the system has none for it.
#[cfg(target_os = "linux")]
fn read_without_wait(input: BorrowedFd<'_>, chunk: &mut [u8]) -> Result<usize, Errno> {
    rustix::io::preadv2(input, &mut [IoSliceMut::new(chunk)], u64::MAX, ReadWriteFlags::NOWAIT)
}

/// The same, to write.
#[cfg(target_os = "linux")]
fn write_without_wait(output: BorrowedFd<'_>, line: &[u8]) -> Result<usize, Errno> {
    rustix::io::pwritev2(output, &[IoSlice::new(line)], u64::MAX, ReadWriteFlags::NOWAIT)
}

#[cfg(not(target_os = "linux"))]
fn read_without_wait(_: BorrowedFd<'_>, _: &mut [u8]) -> Result<usize, Errno> {
    Err(Errno::OPNOTSUPP)
}

#[cfg(not(target_os = "linux"))]
fn write_without_wait(_: BorrowedFd<'_>, _: &[u8]) -> Result<usize, Errno> {
    Err(Errno::OPNOTSUPP)
}

/// Whether a descriptor can be read or written without waiting; also at its end, which a read then tells.
fn is_ready(descriptor: BorrowedFd<'_>, wanted: PollFlags) -> bool {
    let now = Timespec { tv_sec: 0, tv_nsec: 0 };
    let mut descriptors = [PollFd::from_borrowed_fd(descriptor, wanted)];
    poll(&mut descriptors, Some(&now)).is_ok_and(|ready| ready > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(chunks: &[&[u8]]) -> Vec<Vec<u8>> {
        let mut buffer = LineBuffer::default();
        let mut lines = Vec::new();
        for chunk in chunks {
            buffer.push(chunk);
            while let Some(line) = buffer.take(false) {
                lines.push(line);
            }
        }
        while let Some(line) = buffer.take(true) {
            lines.push(line);
        }
        lines
    }

    #[test]
    fn lines_are_the_same_however_they_are_cut_into_chunks() {
        let expected: Vec<Vec<u8>> = [b"one".to_vec(), Vec::new(), b"two\r".to_vec(), b"last".to_vec()].into();
        let text = b"one\n\ntwo\r\nlast";
        assert_eq!(lines(&[text]), expected);
        let bytes: Vec<&[u8]> = text.chunks(1).collect();
        assert_eq!(lines(&bytes), expected);
        assert_eq!(lines(&[b"one\n"]), [b"one"]);
        assert!(lines(&[]).is_empty());
    }

    #[test]
    fn a_line_that_is_too_long_is_cut_and_the_next_one_is_whole() {
        let long = vec![b'x'; 3 * LINE];
        for size in [CHUNK, LINE, 4 * LINE] {
            let text = [&long[..LINE], b"\n", &long, b"\nnext\n", &long].concat();
            let chunks: Vec<&[u8]> = text.chunks(size).collect();
            let found = lines(&chunks);
            let lengths: Vec<usize> = found.iter().map(|line| line.len().min(LINE + 1)).collect();
            assert_eq!(lengths, [LINE, LINE + 1, 4, LINE + 1], "chunks of {size}");
            assert_eq!(found[2], b"next");
        }
    }
}
