//! A session of the transparent ratchet: a root, a chain in each direction, and the receive counters.

use sotto_core::{Damaged, Entropy, Millis, SessionError, Wall};

use super::bundle::{Secrets, Theirs};
use super::bytes::{Key, Reader, agree, fresh_key, hash};
use super::message::{Inner, Opening};

/// libsignal encrypts no more for a peer that has not answered for this long.
const STALE: Millis = Millis::hours(30 * 24);
/// Chains of the peer that libsignal remembers, the current one included.
const CHAINS: usize = 5;
const MAGIC: u8 = 0x7a;

/// A session.
#[derive(Clone)]
pub struct Session {
    pub(super) peer: Key,
    pub(super) base_key: Key,
    root: [u8; 32],
    ours: Key,
    sending: Chain,
    /// The index of the last encrypted message.
    sealed: u32,
    /// Every ratchet key received from the peer, the current one last.
    theirs: Vec<Key>,
    /// The chain of the last of them.
    receiving: Chain,
    /// The index of the last decrypted message.
    opened: u32,
    /// Until the peer answers: the header that begins the session, and its time.
    pending: Option<(Opening, Wall)>,
}

#[derive(Clone, Copy, Default)]
struct Chain {
    key: [u8; 32],
    next: u32,
}

impl Chain {
    fn new(root: &[u8; 32], agreed: &[u8; 32]) -> ([u8; 32], Self) {
        let key = hash("chain", &[root, agreed]);
        (hash("root", &[root, agreed]), Self { key, next: 0 })
    }

    fn tag(&self, ratchet_key: &Key, counter: u32, index: u32, plaintext: &[u8]) -> [u8; 8] {
        let (counter, index) = (counter.to_be_bytes(), index.to_be_bytes());
        let tag = hash("tag", &[&self.key, ratchet_key, &counter, &index, plaintext]);
        *tag.first_chunk().expect("32 bytes")
    }
}

/// The index of the first message of a session.
pub(super) fn first(inner: &Inner<'_>) -> Result<(), SessionError> {
    if inner.counter > 0 || inner.index > 1 {
        return Err(SessionError::OutOfOrder);
    }
    Ok(())
}

/// The secret of a first contact, on both sides.
fn secret(initiator: &Opening, acceptor: &Key, prekeys: &Secrets) -> [u8; 32] {
    let registration = initiator.registration_id.to_be_bytes();
    let initiator = [&initiator.identity_key[..], &initiator.base_key].concat();
    let prekeys = [&prekeys.signed[..], &prekeys.one_time, &prekeys.kyber].concat();
    hash("first contact", &[&registration, &initiator, acceptor, &prekeys])
}

impl Session {
    pub(super) fn initiate(theirs: &Theirs, opening: Opening, now: Wall, entropy: &mut Entropy) -> Self {
        let ours = fresh_key(entropy);
        let secret = secret(&opening, &theirs.identity_key, &theirs.prekeys);
        let (root, sending) = Chain::new(&secret, &agree(&ours, &theirs.prekeys.signed));
        Self {
            peer: theirs.identity_key,
            base_key: opening.base_key,
            root,
            ours,
            sending,
            sealed: 0,
            // The peer's first ratchet key is its signed prekey, under which it sends nothing.
            theirs: vec![theirs.prekeys.signed],
            receiving: Chain::default(),
            opened: 0,
            pending: Some((opening, Wall(now.0 / 1000 * 1000))),
        }
    }

    /// The acceptor's side, before the first message.
    pub(super) fn accept(ours: &Key, secrets: &Secrets, opening: &Opening) -> Self {
        Self {
            peer: opening.identity_key,
            base_key: opening.base_key,
            root: secret(opening, ours, secrets),
            ours: secrets.signed,
            sending: Chain::default(),
            sealed: 0,
            theirs: Vec::new(),
            receiving: Chain::default(),
            opened: 0,
            pending: None,
        }
    }

    /// The header of the next message.
    pub(super) fn opening(&self) -> Option<&Opening> {
        self.pending.as_ref().map(|(opening, _)| opening)
    }

    pub(super) fn seal<'a>(&self, plaintext: &'a [u8], now: Wall) -> Result<(Inner<'a>, Self), SessionError> {
        if self
            .pending
            .as_ref()
            .is_some_and(|(_, since)| since.0 + STALE.0 < now.0)
        {
            return Err(SessionError::Stale);
        }
        let mut session = self.clone();
        session.sealed += 1;
        session.sending.next += 1;
        let (counter, index) = (self.sending.next, session.sealed);
        let inner = Inner {
            ratchet_key: self.ours,
            counter,
            index,
            tag: self.sending.tag(&self.ours, counter, index, plaintext),
            plaintext,
        };
        Ok((inner, session))
    }

    pub(super) fn open(&self, inner: &Inner<'_>, entropy: &mut Entropy) -> Result<Self, SessionError> {
        let current = self.theirs.last() == Some(&inner.ratchet_key);
        let expected = if current {
            self.receiving.next
        } else if self.theirs.contains(&inner.ratchet_key) {
            return Err(SessionError::Duplicate);
        } else {
            0
        };
        if inner.counter < expected {
            return Err(SessionError::Duplicate);
        }
        if inner.counter > expected || inner.index > self.opened + 1 {
            return Err(SessionError::OutOfOrder);
        }
        let (root, mut chain) = if current {
            (self.root, self.receiving)
        } else {
            Chain::new(&self.root, &agree(&self.ours, &inner.ratchet_key))
        };
        if chain.tag(&inner.ratchet_key, inner.counter, inner.index, inner.plaintext) != inner.tag {
            return Err(SessionError::Undecipherable);
        }
        chain.next += 1;
        let mut session = self.clone();
        (session.receiving, session.opened, session.pending) = (chain, inner.index, None);
        if !current {
            session.ours = fresh_key(entropy);
            (session.root, session.sending) = Chain::new(&root, &agree(&session.ours, &inner.ratchet_key));
            session.theirs.push(inner.ratchet_key);
            let forgotten = session.theirs.len().saturating_sub(CHAINS);
            session.theirs.drain(..forgotten);
        }
        Ok(session)
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(600);
        bytes.push(MAGIC);
        bytes.extend(self.peer);
        bytes.extend(self.base_key);
        bytes.extend(self.root);
        bytes.extend(self.ours);
        for chain in [self.sending, self.receiving] {
            bytes.extend(chain.key);
            bytes.extend(chain.next.to_be_bytes());
        }
        bytes.extend(self.sealed.to_be_bytes());
        bytes.extend(self.opened.to_be_bytes());
        bytes.push(u8::try_from(self.theirs.len()).expect("few chains"));
        for key in &self.theirs {
            bytes.extend(key);
        }
        if let Some((opening, since)) = &self.pending {
            bytes.extend(opening.registration_id.to_be_bytes());
            bytes.extend(opening.offer.to_be_bytes());
            bytes.extend(opening.identity_key);
            bytes.extend(since.0.to_be_bytes());
        }
        bytes
    }

    pub(super) fn decode(bytes: &[u8]) -> Result<Self, Damaged> {
        let mut reader = Reader(bytes);
        let session = Self::read(&mut reader).ok_or(Damaged)?;
        reader.rest().is_empty().then_some(session).ok_or(Damaged)
    }

    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let [MAGIC] = reader.array()? else { return None };
        let (peer, base_key, root, ours) = (reader.key()?, reader.key()?, reader.array()?, reader.key()?);
        let mut chain = || {
            Some(Chain {
                key: reader.array()?,
                next: reader.number()?,
            })
        };
        let (sending, receiving) = (chain()?, chain()?);
        let (sealed, opened) = (reader.number()?, reader.number()?);
        let [chains] = reader.array()?;
        let theirs = (0..chains).map(|_| reader.key()).collect::<Option<Vec<Key>>>()?;
        let pending = if reader.0.is_empty() {
            None
        } else {
            let opening = Opening {
                registration_id: reader.number()?,
                offer: reader.number()?,
                base_key,
                identity_key: reader.key()?,
            };
            Some((opening, Wall(u64::from_be_bytes(reader.array()?))))
        };
        Some(Self {
            peer,
            base_key,
            root,
            ours,
            sending,
            sealed,
            theirs,
            receiving,
            opened,
            pending,
        })
    }
}
