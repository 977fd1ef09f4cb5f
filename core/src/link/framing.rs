//! [`Transport`], the two ciphers of an open link, and the records on its stream: a big-endian `u16` length, then one Noise message. Once a link is open the message's
//! plaintext is a big-endian `u16` length, an encoded `Frame`, and zeros up to one of fifteen sizes, so that an
//! acknowledgement, a receipt, a heartbeat and a short text look the same. With all its overhead a record is 512, 768,
//! 1024, 1536, 2048, 3072 … 49152 or 65536 bytes: a power of two, or half-way to the next.

use std::ops::{Range, RangeInclusive};

use prost::Message;
use snow::{HandshakeState, TransportState};

use super::LinkFault;
use crate::wire::link::Frame;

/// Bytes of a record's length.
pub(super) const PREFIX: usize = 2;
/// Bytes of a frame's length.
const LENGTH: usize = 2;
/// Bytes of a Noise message's authentication tag.
pub(super) const TAG: usize = 16;

const SMALLEST: usize = 512;
const LARGEST: usize = 65_536;

/// Bytes of the longest encoded frame.
pub(super) const MAX_FRAME: usize = LARGEST - PREFIX - TAG - LENGTH;
/// Bytes of an open link's Noise messages. A receiver insists on no sizes in between: how well they hide what they
/// carry is the sender's business.
pub(super) const MESSAGE: RangeInclusive<usize> = LENGTH + TAG..=LARGEST - PREFIX;

/// Buffers that have grown beyond this are given back when they are empty, so that fifty idle links hold little.
const KEPT: usize = 16 * 1024;

/// The two ciphers of an open link, and the frames in them.
pub(super) struct Transport {
    state: TransportState,
    plaintext: Vec<u8>,
}

impl Transport {
    pub(super) fn new(state: HandshakeState) -> Self {
        Self {
            state: state.into_transport_mode().expect("the handshake is finished"),
            plaintext: Vec::new(),
        }
    }

    /// Appends the record that carries the frame.
    pub(super) fn seal(&mut self, frame: &Frame, stream: &mut Vec<u8>) {
        let Self { state, plaintext } = self;
        plaintext.clear();
        plaintext.extend_from_slice(&[0; LENGTH]);
        frame.encode(plaintext).expect("a vector grows");
        let length = plaintext.len() - LENGTH;
        let record = record_size(length);
        let prefix = u16::try_from(length).expect("fits a record");
        plaintext[..LENGTH].copy_from_slice(&prefix.to_be_bytes());
        plaintext.resize(record - PREFIX - TAG, 0);
        append_record(stream, record - PREFIX, |message| {
            state.write_message(plaintext, message)
        })
        .expect("2^64 frames are never sent");
    }

    /// The frame that a record's message carries.
    pub(super) fn open(&mut self, message: &[u8]) -> Result<Frame, LinkFault> {
        let Self { state, plaintext } = self;
        plaintext.resize(message.len() - TAG, 0);
        let length = state.read_message(message, plaintext).map_err(|_| LinkFault::Cipher)?;
        let frame = frame_within(&plaintext[..length]).ok_or(LinkFault::Padding)?;
        Frame::decode(&plaintext[frame]).map_err(|_| LinkFault::Frame)
    }

    /// To be called when there is nothing to do: an idle link holds no large buffer.
    pub(super) fn rest(&mut self) {
        shrink(&mut self.plaintext);
    }
}

/// Bytes of the record, overhead included, that carries a frame of `frame` bytes.
fn record_size(frame: usize) -> usize {
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
fn frame_within(plaintext: &[u8]) -> Option<Range<usize>> {
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
fn shrink(buffer: &mut Vec<u8>) {
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::property::cases;

    #[test]
    fn a_record_is_of_one_of_fifteen_sizes() {
        let mut sizes: Vec<usize> = (0..=MAX_FRAME).map(record_size).collect();
        assert!(
            sizes
                .iter()
                .enumerate()
                .all(|(frame, size)| frame + PREFIX + LENGTH + TAG <= *size)
        );
        assert!(sizes.is_sorted());
        sizes.dedup();
        let table = [
            512, 768, 1024, 1536, 2048, 3072, 4096, 6144, 8192, 12_288, 16_384, 24_576, 32_768, 49_152, 65_536,
        ];
        assert_eq!(sizes, table);
        // None is larger than it has to be.
        for (smaller, size) in table.into_iter().zip(&table[1..]) {
            let longest = smaller - PREFIX - LENGTH - TAG;
            assert_eq!(record_size(longest), smaller);
            assert_eq!(record_size(longest + 1), *size);
        }
    }

    #[test]
    #[should_panic(expected = "does not fit")]
    fn a_frame_that_no_record_holds_is_our_mistake() {
        record_size(MAX_FRAME + 1);
    }

    #[test]
    fn a_plaintext_is_length_frame_and_zeros() {
        assert_eq!(frame_within(&[0, 0]), Some(2..2));
        assert_eq!(frame_within(&[0, 2, 8, 9]), Some(2..4));
        assert_eq!(frame_within(&[0, 2, 8, 9, 0, 0]), Some(2..4));
        for wrong in [
            &[][..],
            &[0],
            &[0, 1],
            &[0, 3, 8, 9],
            &[0xff, 0xff, 8, 9],
            &[0, 2, 8, 9, 1],
            &[0, 0, 0, 1],
        ] {
            assert_eq!(frame_within(wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn every_length_but_those_that_can_come_is_refused_after_two_bytes() {
        for (allowed, length) in [(48..=48, 0..=u16::MAX), (MESSAGE, 0..=u16::MAX)]
            .into_iter()
            .flat_map(|(allowed, all)| all.map(move |length| (allowed.clone(), length)))
        {
            let mut incoming = Incoming::default();
            incoming.push(&length.to_be_bytes());
            let expected = if allowed.contains(&usize::from(length)) {
                Ok(None)
            } else {
                Err(LinkFault::Length(length))
            };
            assert_eq!(incoming.take(&allowed), expected);
        }
    }

    #[test]
    fn a_large_buffer_is_given_back_when_it_is_empty() {
        let (mut incoming, mut stream) = (Incoming::default(), Vec::new());
        while stream.len() < 8 * KEPT {
            append_record(&mut stream, 1000, |_| ());
        }
        incoming.push(&stream);
        while incoming.take(&MESSAGE).unwrap().is_some() {}
        assert!(incoming.bytes.capacity() >= 8 * KEPT);
        incoming.rest();
        assert!(incoming.bytes.capacity() <= KEPT);
        // A small one is kept.
        incoming.push(&stream[..KEPT / 2]);
        while incoming.take(&MESSAGE).unwrap().is_some() {}
        let left = incoming.len();
        assert_ne!(left, 0);
        incoming.push(&stream[KEPT / 2..KEPT / 2 + 1002 - left]);
        assert_eq!(incoming.take(&MESSAGE).unwrap().map(<[u8]>::len), Some(1000));
        incoming.rest();
        assert_eq!(incoming.len(), 0);
        assert_ne!(incoming.bytes.capacity(), 0);
    }

    /// Part of a record always waits, so the buffer is never empty. It does not grow with what has passed through.
    #[test]
    fn what_has_been_taken_takes_no_room() {
        let mut stream = Vec::new();
        append_record(&mut stream, 1000, |_| ());
        let mut incoming = Incoming::default();
        incoming.push(&stream[..500]);
        for _ in 0..1000 {
            incoming.push(&stream[500..]);
            incoming.push(&stream[..500]);
            assert_eq!(incoming.take(&MESSAGE).unwrap().map(<[u8]>::len), Some(1000));
            incoming.rest();
            assert!(incoming.bytes.len() <= 4 * stream.len());
        }
    }

    proptest! {
        #![proptest_config(cases(128))]

        /// Whatever the cuts and however late they are taken, the messages that went in come out.
        #[test]
        fn records_are_found_in_any_pieces(
            lengths in prop::collection::vec(18..3000_usize, 0..40),
            cuts in prop::collection::vec((1..2500_usize, 0..4_usize), 1..200),
        ) {
            let mut stream = Vec::new();
            for (n, length) in lengths.iter().enumerate() {
                append_record(&mut stream, *length, |message| message.fill(u8::try_from(n).unwrap()));
            }
            let (mut incoming, mut taken, mut rest) = (Incoming::default(), Vec::new(), &stream[..]);
            for (piece, takes) in cuts.iter().cycle().take(1000) {
                let (now, later) = rest.split_at((*piece).min(rest.len()));
                incoming.push(now);
                rest = later;
                for _ in 0..*takes {
                    if let Some(message) = incoming.take(&MESSAGE).unwrap() {
                        taken.push(message.to_vec());
                    } else {
                        incoming.rest();
                    }
                }
            }
            incoming.push(rest);
            while let Some(message) = incoming.take(&MESSAGE).unwrap() {
                taken.push(message.to_vec());
            }
            let sent: Vec<_> = lengths.iter().enumerate().map(|(n, length)| vec![u8::try_from(n).unwrap(); *length]).collect();
            prop_assert_eq!(taken, sent);
            prop_assert_eq!(incoming.len(), 0);
        }
    }
}
