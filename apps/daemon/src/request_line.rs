//! [`RequestLines`]: a client's bytes as lines of bounded length. A line that is too long is reported and passed over
//! without being held.

use std::io;

use tokio_util::bytes::BytesMut;
use tokio_util::codec::{Decoder, LinesCodec, LinesCodecError};

/// Longest request line, without its end.
pub const LINE_LIMIT: usize = 1 << 20;

/// A line that a client sent.
#[derive(Debug, PartialEq, Eq)]
pub enum RequestLine {
    /// Its text, without the end. The last one may have had none.
    Whole(String),
    /// It is not UTF-8.
    NotText,
    /// Longer than [`LINE_LIMIT`].
    TooLong,
}

/// Decodes lines. What is wrong with one is an item and not an error: after an error the stream counts as ended, and a
/// line that has come already would stay unread.
#[derive(Debug)]
pub struct RequestLines(LinesCodec);

impl Default for RequestLines {
    fn default() -> Self {
        Self(LinesCodec::new_with_max_length(LINE_LIMIT))
    }
}

impl Decoder for RequestLines {
    type Item = RequestLine;
    type Error = io::Error;

    fn decode(&mut self, bytes: &mut BytesMut) -> io::Result<Option<RequestLine>> {
        item(self.0.decode(bytes))
    }

    fn decode_eof(&mut self, bytes: &mut BytesMut) -> io::Result<Option<RequestLine>> {
        item(self.0.decode_eof(bytes))
    }
}

fn item(decoded: Result<Option<String>, LinesCodecError>) -> io::Result<Option<RequestLine>> {
    match decoded {
        Ok(line) => Ok(line.map(RequestLine::Whole)),
        Err(LinesCodecError::MaxLineLengthExceeded) => Ok(Some(RequestLine::TooLong)),
        Err(LinesCodecError::Io(error)) if error.kind() == io::ErrorKind::InvalidData => Ok(Some(RequestLine::NotText)),
        Err(LinesCodecError::Io(error)) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use futures::StreamExt as _;
    use tokio_util::codec::FramedRead;

    use super::*;

    async fn lines(bytes: &[u8]) -> Vec<RequestLine> {
        FramedRead::new(bytes, RequestLines::default())
            .map(|line| line.expect("memory cannot fail"))
            .collect()
            .await
    }

    fn whole(text: &str) -> RequestLine {
        RequestLine::Whole(text.to_owned())
    }

    #[tokio::test]
    async fn lines_end_with_either_end_and_the_last_needs_none() {
        let found = lines(b"a\nbc\r\n\nd").await;
        assert_eq!(found, ["a", "bc", "", "d"].map(whole));
        assert!(lines(b"").await.is_empty());
    }

    #[tokio::test]
    async fn a_line_over_the_limit_is_passed_over_and_the_next_one_read() {
        let mut bytes = vec![b'x'; LINE_LIMIT];
        bytes.extend_from_slice(b"\n");
        bytes.extend(vec![b'y'; LINE_LIMIT + 1]);
        bytes.extend_from_slice(b"\nz\n");
        bytes.extend(vec![b'w'; 3 * LINE_LIMIT]);
        let longest = whole(&"x".repeat(LINE_LIMIT));
        assert_eq!(
            lines(&bytes).await,
            [longest, RequestLine::TooLong, whole("z"), RequestLine::TooLong]
        );
    }

    #[tokio::test]
    async fn a_line_that_is_not_text_is_reported_and_the_next_one_read() {
        assert_eq!(lines(b"\xff\xfe\nz\n").await, [RequestLine::NotText, whole("z")]);
    }
}
