//! Records on the byte stream: a big-endian `u16` length, then one Noise message. Once a link is open the message's
//! plaintext is a big-endian `u16` length, an encoded `Frame`, and zeros up to one of fifteen sizes, so that an
//! acknowledgement, a receipt, a heartbeat and a short text look the same. With all its overhead a record is 512, 768,
//! 1024, 1536, 2048, 3072 … 49152 or 65536 bytes: a power of two, or half-way to the next.

use std::ops::{Range, RangeInclusive};

use super::LinkFault;

/// Bytes of a record's length.
pub(super) const PREFIX: usize = 2;
/// Bytes of a frame's length.
pub(super) const LENGTH: usize = 2;
/// Bytes of a Noise message's authentication tag.
pub(super) const TAG: usize = 16;

const SMALLEST: usize = 512;
const LARGEST: usize = 65_536;

/// Bytes of the longest encoded frame.
pub(crate) const MAX_FRAME: usize = LARGEST - PREFIX - TAG - LENGTH;
/// Bytes of an open link's Noise messages. A receiver insists on no sizes in between: how well they hide what they
/// carry is the sender's business.
pub(super) const MESSAGE: RangeInclusive<usize> = LENGTH + TAG..=LARGEST - PREFIX;

/// Buffers that have grown beyond this are given back when they are empty, so that fifty idle links hold little.
const KEPT: usize = 16 * 1024;

/// Bytes of the record, overhead included, that carries a frame of `frame` bytes.
pub(super) fn record_size(frame: usize) -> usize {
    assert!(frame <= MAX_FRAME, "a frame of {frame} bytes does not fit a record");
    let needed = PREFIX + LENGTH + frame + TAG;
    let power = needed.next_power_of_two().max(SMALLEST);
    let halfway = power / 4 * 3;
    if halfway >= needed.max(SMALLEST) {
        halfway
    } else {
        power
    }
}

/// Where the frame is in a transport message's plaintext, if its length and its padding are right.
pub(super) fn frame_within(plaintext: &[u8]) -> Option<Range<usize>> {
    const ZEROS: [u8; 256] = [0; 256];
    let (length, rest) = plaintext.split_first_chunk::<LENGTH>()?;
    let length = usize::from(u16::from_be_bytes(*length));
    let padding = rest.get(length..)?;
    let clean = padding.chunks(ZEROS.len()).all(|chunk| chunk == &ZEROS[..chunk.len()]);
    clean.then_some(LENGTH..LENGTH + length)
}

/// Appends a record whose message, of `length` bytes, is what `write` makes of the zeros that it is given.
pub(super) fn append_record<R>(stream: &mut Vec<u8>, length: usize, write: impl FnOnce(&mut [u8]) -> R) -> R {
    let prefix = u16::try_from(length).expect("a record is at most 64 KiB");
    stream.extend_from_slice(&prefix.to_be_bytes());
    let start = stream.len();
    stream.resize(start + length, 0);
    write(&mut stream[start..])
}

/// Gives an empty buffer's memory back if there is much of it.
pub(super) fn shrink(buffer: &mut Vec<u8>) {
    buffer.clear();
    if buffer.capacity() > KEPT {
        *buffer = Vec::new();
    }
}

/// Bytes that have come and have not been taken.
#[derive(Default)]
pub(super) struct Incoming {
    bytes: Vec<u8>,
    taken: usize,
}

impl Incoming {
    /// Bytes not taken.
    pub(super) fn len(&self) -> usize {
        self.bytes.len() - self.taken
    }

    pub(super) fn push(&mut self, bytes: &[u8]) {
        // Moves what is left to the front once that is the smaller half: each byte moves at most once on average.
        if self.taken > self.len() {
            self.bytes.drain(..self.taken);
            self.taken = 0;
        }
        self.bytes.extend_from_slice(bytes);
    }

    /// The length that the next record announces, which must be one of `lengths`.
    pub(super) fn announced(&self, lengths: &RangeInclusive<usize>) -> Result<Option<usize>, LinkFault> {
        let Some(prefix) = self.bytes[self.taken..].first_chunk::<PREFIX>() else {
            return Ok(None);
        };
        let announced = u16::from_be_bytes(*prefix);
        let length = usize::from(announced);
        if lengths.contains(&length) {
            Ok(Some(length))
        } else {
            Err(LinkFault::Length(announced))
        }
    }

    /// The next record's message, once it is whole. A wrong length is found before the message has come.
    pub(super) fn take(&mut self, lengths: &RangeInclusive<usize>) -> Result<Option<&[u8]>, LinkFault> {
        let Some(length) = self.announced(lengths)?.filter(|length| self.len() >= PREFIX + length) else {
            return Ok(None);
        };
        let start = self.taken + PREFIX;
        self.taken = start + length;
        Ok(Some(&self.bytes[start..self.taken]))
    }

    /// To be called when there is no whole record: an idle link holds no large buffer.
    pub(super) fn rest(&mut self) {
        if self.len() == 0 {
            self.taken = 0;
            shrink(&mut self.bytes);
        }
    }

    pub(super) fn discard(&mut self) {
        *self = Self::default();
    }
}

/// Bytes to go out: one transmit at a time, which takes all there is.
#[derive(Default)]
pub(super) struct Outgoing {
    pub(super) stream: Vec<u8>,
    in_flight: Option<usize>,
}

impl Outgoing {
    pub(super) fn transmit(&mut self) -> Option<Vec<u8>> {
        if self.in_flight.is_some() || self.stream.is_empty() {
            return None;
        }
        self.in_flight = Some(self.stream.len());
        Some(std::mem::take(&mut self.stream))
    }

    pub(super) fn drained(&mut self) {
        assert!(self.in_flight.take().is_some(), "no transmit is in flight");
    }

    pub(super) fn backlog(&self) -> usize {
        self.in_flight.unwrap_or(0) + self.stream.len()
    }
}
