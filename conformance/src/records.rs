//! Bytes of one stream as records, with patience: what the target says is waited for only so long.

use std::io::ErrorKind;
use std::time::{Duration, Instant};

use super::report::Failure;
use super::target::{Stream, Target};

/// Longest single wait of a read, so that a deadline is kept to.
const LOOK: Duration = Duration::from_millis(50);
/// How long a target may leave what we write unread.
const LINGER: Duration = Duration::from_secs(30);

/// What came next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Came {
    /// A record, without its length.
    Record(Vec<u8>),
    /// The target ended the stream, after so many bytes of an unfinished record.
    End(usize),
    /// Nothing within the patience, or so many bytes that are not a whole record.
    Silence(usize),
}

/// A stream to the target.
pub struct Records {
    stream: Box<dyn Stream>,
    unread: Vec<u8>,
    over: bool,
    /// How long to wait for what the target owes.
    pub patience: Duration,
}

impl Records {
    /// Opens a stream.
    pub fn open(target: &dyn Target, patience: Duration) -> Result<Self, Failure> {
        let opened = target.open().and_then(|mut stream| {
            stream.set_patience(LINGER)?;
            Ok(stream)
        });
        let stream = opened.map_err(|error| Failure::new("a stream to the target", error.to_string()))?;
        Ok(Self {
            stream,
            unread: Vec::new(),
            over: false,
            patience,
        })
    }

    /// Writes bytes as they are. That the target has ended the stream is found when it is read.
    pub fn write(&mut self, bytes: &[u8]) {
        let _ = self.stream.write_all(bytes).and_then(|()| self.stream.flush());
    }

    /// The next record, or what came in its place.
    pub fn next(&mut self, patience: Duration) -> Came {
        let deadline = Instant::now() + patience;
        loop {
            if let Some((length, rest)) = self.unread.split_first_chunk::<2>() {
                let length = usize::from(u16::from_be_bytes(*length));
                if rest.len() >= length {
                    let record = rest[..length].to_vec();
                    self.unread.drain(..2 + length);
                    return Came::Record(record);
                }
            }
            if self.over {
                return Came::End(self.unread.len());
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Came::Silence(self.unread.len());
            }
            self.read(left);
        }
    }

    /// Reads on for so long, without looking at what comes.
    pub fn wait(&mut self, time: Duration) {
        let deadline = Instant::now() + time;
        while !self.over && Instant::now() < deadline {
            self.read(deadline.saturating_duration_since(Instant::now()));
        }
    }

    /// That nothing comes but the stream's end, and that within the patience.
    pub fn expect_end(&mut self, after: &str) -> Result<(), Failure> {
        let expected = || format!("the stream ends after {after}, without a word");
        match self.next(self.patience) {
            Came::End(0) => Ok(()),
            Came::End(bytes) => Err(Failure::new(expected(), format!("{bytes} bytes before the end"))),
            Came::Silence(bytes) => {
                let came = format!("{bytes} bytes within {:?}, and no end", self.patience);
                Err(Failure::new(expected(), came))
            }
            Came::Record(record) => {
                let came = format!("a record of {} bytes", record.len());
                Err(Failure::new(expected(), came))
            }
        }
    }

    /// That a record of this length comes.
    pub fn expect_record(&mut self, length: usize, what: &str) -> Result<Vec<u8>, Failure> {
        let came = match self.next(self.patience) {
            Came::Record(record) if record.len() == length => return Ok(record),
            Came::Record(record) => format!("a record of {} bytes", record.len()),
            Came::End(bytes) => format!("the end of the stream, after {bytes} bytes"),
            Came::Silence(bytes) => format!("{bytes} bytes within {:?}", self.patience),
        };
        Err(Failure::new(format!("{what}, a record of {length} bytes"), came))
    }

    fn read(&mut self, within: Duration) {
        let mut chunk = [0; 16 * 1024];
        // A timeout of zero would be for ever.
        let within = within.clamp(Duration::from_millis(1), LOOK);
        match self
            .stream
            .set_patience(within)
            .and_then(|()| self.stream.read(&mut chunk))
        {
            Ok(0) => self.over = true,
            Ok(length) => self.unread.extend_from_slice(&chunk[..length]),
            Err(error) => {
                let later = [ErrorKind::WouldBlock, ErrorKind::TimedOut, ErrorKind::Interrupted];
                self.over = !later.contains(&error.kind());
            }
        }
        let _ = self.stream.set_patience(LINGER);
    }
}
