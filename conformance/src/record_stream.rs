//! [`RecordStream`]: the bytes of one stream as records, each waited for up to a timeout.

use std::io::ErrorKind;
use std::time::{Duration, Instant};

use super::report::Failure;
use super::target::{Stream, Target};

/// Longest wait of a single read, so that a deadline is kept.
const READ_TIMEOUT: Duration = Duration::from_millis(50);
/// How long the target may leave our bytes unread.
const WRITE_TIMEOUT: Duration = Duration::from_secs(30);

/// The result of waiting for a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NextRecord {
    /// A record, without its length.
    Record(Vec<u8>),
    /// The target ended the stream, after this many bytes of an unfinished record.
    End(usize),
    /// No whole record within the timeout, but this many bytes of one.
    Timeout(usize),
}

/// A stream to the target.
pub struct RecordStream {
    stream: Box<dyn Stream>,
    unread: Vec<u8>,
    over: bool,
    /// How long to wait for what the target must do.
    pub timeout: Duration,
}

impl RecordStream {
    /// Opens a stream.
    pub fn open(target: &dyn Target, timeout: Duration) -> Result<Self, Failure> {
        let opened = target.open().and_then(|mut stream| {
            stream.set_timeout(WRITE_TIMEOUT)?;
            Ok(stream)
        });
        let stream = opened.map_err(|error| Failure::new("a stream to the target", error.to_string()))?;
        Ok(Self {
            stream,
            unread: Vec::new(),
            over: false,
            timeout,
        })
    }

    /// Writes raw bytes. An end of the stream shows in a later read.
    pub fn write(&mut self, bytes: &[u8]) {
        let _ = self.stream.write_all(bytes).and_then(|()| self.stream.flush());
    }

    /// Waits for the next record.
    pub fn next(&mut self, timeout: Duration) -> NextRecord {
        let deadline = Instant::now() + timeout;
        loop {
            if let Some((length, rest)) = self.unread.split_first_chunk::<2>() {
                let length = usize::from(u16::from_be_bytes(*length));
                if rest.len() >= length {
                    let record = rest[..length].to_vec();
                    self.unread.drain(..2 + length);
                    return NextRecord::Record(record);
                }
            }
            if self.over {
                return NextRecord::End(self.unread.len());
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return NextRecord::Timeout(self.unread.len());
            }
            self.read(left);
        }
    }

    /// Reads for this long and keeps the bytes.
    pub fn wait(&mut self, time: Duration) {
        let deadline = Instant::now() + time;
        while !self.over && Instant::now() < deadline {
            self.read(deadline.saturating_duration_since(Instant::now()));
        }
    }

    /// Checks that the next event is the end of the stream, within the timeout.
    pub fn expect_end(&mut self, after: &str) -> Result<(), Failure> {
        let expected = || format!("the stream ends after {after}, without a byte");
        match self.next(self.timeout) {
            NextRecord::End(0) => Ok(()),
            NextRecord::End(bytes) => Err(Failure::new(expected(), format!("{bytes} bytes before the end"))),
            NextRecord::Timeout(bytes) => {
                let actual = format!("{bytes} bytes within {:?}, and no end", self.timeout);
                Err(Failure::new(expected(), actual))
            }
            NextRecord::Record(record) => {
                let actual = format!("a record of {} bytes", record.len());
                Err(Failure::new(expected(), actual))
            }
        }
    }

    /// Waits for a record of this length.
    pub fn expect_record(&mut self, length: usize, what: &str) -> Result<Vec<u8>, Failure> {
        let actual = match self.next(self.timeout) {
            NextRecord::Record(record) if record.len() == length => return Ok(record),
            NextRecord::Record(record) => format!("a record of {} bytes", record.len()),
            NextRecord::End(bytes) => format!("the end of the stream, after {bytes} bytes"),
            NextRecord::Timeout(bytes) => format!("{bytes} bytes within {:?}", self.timeout),
        };
        Err(Failure::new(format!("{what}, a record of {length} bytes"), actual))
    }

    fn read(&mut self, within: Duration) {
        let mut chunk = [0; 16 * 1024];
        // A timeout of zero would mean none.
        let within = within.clamp(Duration::from_millis(1), READ_TIMEOUT);
        match self
            .stream
            .set_timeout(within)
            .and_then(|()| self.stream.read(&mut chunk))
        {
            Ok(0) => self.over = true,
            Ok(length) => self.unread.extend_from_slice(&chunk[..length]),
            Err(error) => {
                let later = [ErrorKind::WouldBlock, ErrorKind::TimedOut, ErrorKind::Interrupted];
                self.over = !later.contains(&error.kind());
            }
        }
        let _ = self.stream.set_timeout(WRITE_TIMEOUT);
    }
}
