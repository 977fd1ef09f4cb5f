//! Lines of bounded length out of a byte stream. One that is too long is reported and passed over without being held.

use std::io;

use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};

/// Longest request line, without its end.
pub const LINE_LIMIT: usize = 1 << 20;

/// Memory kept between lines; what a longer one took is given back.
const KEPT: usize = 16 * 1024;

/// A line of a client's.
#[derive(Debug, PartialEq, Eq)]
pub enum Line<'a> {
    /// Its bytes, without the end. The last one may have had none.
    Whole(&'a [u8]),
    /// Longer than [`LINE_LIMIT`].
    TooLong,
}

/// Reads lines.
#[derive(Debug)]
pub struct Lines<R> {
    reader: BufReader<R>,
    line: Vec<u8>,
}

impl<R: AsyncRead + Unpin> Lines<R> {
    /// From the beginning of a stream.
    pub fn new(stream: R) -> Self {
        Self {
            reader: BufReader::with_capacity(KEPT, stream),
            line: Vec::new(),
        }
    }

    /// The next line; `None` at the end of the stream. Must not be dropped before it has answered: half a line would be
    /// lost.
    pub async fn next(&mut self) -> io::Result<Option<Line<'_>>> {
        self.line.clear();
        self.line.shrink_to(KEPT);
        let mut too_long = false;
        loop {
            let bytes = self.reader.fill_buf().await?;
            if bytes.is_empty() {
                let nothing = self.line.is_empty() && !too_long;
                return Ok(if nothing { None } else { Some(self.ended(too_long)) });
            }
            let end = bytes.iter().position(|byte| *byte == b'\n');
            let part = &bytes[..end.unwrap_or(bytes.len())];
            too_long |= self.line.len() + part.len() > LINE_LIMIT;
            if too_long {
                self.line = Vec::new();
            } else {
                self.line.extend_from_slice(part);
            }
            let used = part.len() + usize::from(end.is_some());
            self.reader.consume(used);
            if end.is_some() {
                return Ok(Some(self.ended(too_long)));
            }
        }
    }

    fn ended(&self, too_long: bool) -> Line<'_> {
        if too_long {
            return Line::TooLong;
        }
        Line::Whole(self.line.strip_suffix(b"\r").unwrap_or(&self.line))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn lines(bytes: &[u8]) -> Vec<Option<Vec<u8>>> {
        let mut lines = Lines::new(bytes);
        let mut found = Vec::new();
        while let Some(line) = lines.next().await.expect("memory cannot fail") {
            found.push(match line {
                Line::Whole(bytes) => Some(bytes.to_vec()),
                Line::TooLong => None,
            });
        }
        found
    }

    #[tokio::test]
    async fn lines_end_with_either_end_and_the_last_needs_none() {
        let found = lines(b"a\nbc\r\n\nd").await;
        let expected: Vec<_> = [&b"a"[..], b"bc", b"", b"d"].map(|line| Some(line.to_vec())).into();
        assert_eq!(found, expected);
        assert!(lines(b"").await.is_empty());
    }

    #[tokio::test]
    async fn a_line_over_the_limit_is_passed_over_and_the_next_one_read() {
        let mut bytes = vec![b'x'; LINE_LIMIT];
        bytes.extend_from_slice(b"\n");
        bytes.extend(vec![b'y'; LINE_LIMIT + 1]);
        bytes.extend_from_slice(b"\nz\n");
        bytes.extend(vec![b'w'; 3 * LINE_LIMIT]);
        assert_eq!(
            lines(&bytes).await,
            [Some(vec![b'x'; LINE_LIMIT]), None, Some(b"z".to_vec()), None]
        );
    }
}
