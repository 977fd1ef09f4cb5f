//! Ciphertexts of the transparent ratchet: a type byte and a version byte, as libsignal's have; in the first messages of a session the
//! data that begins it; then the message in plaintext, with its tag.

use sotto_core::SessionError;

use super::bytes::{Key, Reader};

/// The most bytes that fit a link's largest frame.
const MAX_LEN: usize = 63 * 1024;
const ORDINARY: u8 = 1;
const OPENING: u8 = 2;
const VERSION: u8 = 0x44;
/// The length of a Kyber ciphertext, so that the messages of both ratchets have the same size.
const BALLAST: usize = 1568;

/// The header of the first messages of a session.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Opening {
    pub registration_id: u32,
    /// The offer that it uses.
    pub offer: u32,
    pub base_key: Key,
    pub identity_key: Key,
}

/// A message.
pub(super) struct Inner<'a> {
    /// The sender's ratchet key, which names the chain.
    pub ratchet_key: Key,
    /// Its number in the chain.
    pub counter: u32,
    /// Its number in the session, in its direction, from 1.
    pub index: u32,
    pub tag: [u8; 8],
    pub plaintext: &'a [u8],
}

pub(super) enum Message<'a> {
    Opening(Opening, Inner<'a>),
    Ordinary(Inner<'a>),
}

pub(super) fn parse(bytes: &[u8]) -> Result<Message<'_>, SessionError> {
    if bytes.len() > MAX_LEN {
        return Err(SessionError::Oversized);
    }
    read(bytes).ok_or(SessionError::Malformed)
}

fn read(bytes: &[u8]) -> Option<Message<'_>> {
    let mut reader = Reader(bytes);
    let [kind, version] = reader.array()?;
    if version != VERSION {
        return None;
    }
    match kind {
        ORDINARY => Some(Message::Ordinary(inner(reader)?)),
        OPENING => {
            let opening = Opening {
                registration_id: reader.number()?,
                offer: reader.number()?,
                base_key: reader.key()?,
                identity_key: reader.key()?,
            };
            let ballast: [u8; BALLAST] = reader.array()?;
            (ballast == [0; BALLAST]).then_some(Message::Opening(opening, inner(reader)?))
        }
        _ => None,
    }
}

fn inner(mut reader: Reader<'_>) -> Option<Inner<'_>> {
    Some(Inner {
        ratchet_key: reader.key()?,
        counter: reader.number()?,
        index: reader.number()?,
        tag: reader.array()?,
        plaintext: reader.rest(),
    })
}

pub(super) fn serialise(opening: Option<&Opening>, inner: &Inner<'_>) -> Result<Vec<u8>, SessionError> {
    let mut bytes = Vec::with_capacity(64 + inner.plaintext.len() + opening.map_or(0, |_| 80 + BALLAST));
    match opening {
        None => bytes.extend([ORDINARY, VERSION]),
        Some(opening) => {
            bytes.extend([OPENING, VERSION]);
            bytes.extend(opening.registration_id.to_be_bytes());
            bytes.extend(opening.offer.to_be_bytes());
            bytes.extend(opening.base_key);
            bytes.extend(opening.identity_key);
            bytes.extend([0; BALLAST]);
        }
    }
    bytes.extend(inner.ratchet_key);
    bytes.extend(inner.counter.to_be_bytes());
    bytes.extend(inner.index.to_be_bytes());
    bytes.extend(inner.tag);
    bytes.extend_from_slice(inner.plaintext);
    if bytes.len() > MAX_LEN {
        return Err(SessionError::Oversized);
    }
    Ok(bytes)
}

/// The values from which the real ratchet would derive a message key, and what the key would encrypt.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Peek {
    /// The chain, by its sender's ratchet key.
    pub chain: [u8; 33],
    /// The number within the chain: with `chain`, it names the key.
    pub number: u32,
    /// The plaintext.
    pub plaintext: Vec<u8>,
}

/// Reads a transparent ciphertext. `None` for any other.
pub fn peek(ciphertext: &[u8]) -> Option<Peek> {
    let (Message::Opening(_, inner) | Message::Ordinary(inner)) = parse(ciphertext).ok()?;
    Some(Peek {
        chain: inner.ratchet_key,
        number: inner.counter,
        plaintext: inner.plaintext.to_vec(),
    })
}
