//! [`ByzantineRatchet`]: seals other plaintexts than it is given.

use prost::Message as _;
use sotto_core::wire::content::content::Kind;
use sotto_core::wire::content::{Accept, Content, Delete, Edit, Reaction, Read, Text};
use sotto_core::wire::link::Bundle;
use sotto_core::{
    Damaged, Encrypted, Entropy, OnionAddress, Opened, PreKeys, Ratchet, SafetyNumber, SessionError, Wall,
};
use zeroize::Zeroizing;

use super::ByzantineFault;

/// Keys that are skipped at once.
const JUMP: u64 = 25_000;
/// One in so many jumps is that far: each costs as many encryptions.
const FAR_ONE_IN: u64 = 16;
/// One in so many ciphertexts is altered.
const ALTERED_ONE_IN: u64 = 3;

/// A field that no version of `Content` has.
const UNKNOWN_FIELD: [u8; 3] = [0xC8, 0x30, 1];

/// Not a [`ByzantineFault`]: no content is marked as a repetition.
#[cfg(feature = "sabotage")]
pub(in crate::world) const UNMARKED: u8 = u8::MAX;
/// Nor this: every sealed content is ignorable.
#[cfg(feature = "sabotage")]
pub(in crate::world) const ALL_IGNORABLE: u8 = u8::MAX - 1;
/// Nor this: no received content is ignorable.
#[cfg(feature = "sabotage")]
pub(in crate::world) const NONE_IGNORABLE: u8 = u8::MAX - 2;

/// A ratchet with a [`ByzantineFault`], given by its number.
pub(in crate::world) struct ByzantineRatchet<R, const FAULT: u8>(R);

impl<R: Ratchet, const FAULT: u8> ByzantineRatchet<R, FAULT> {
    const REUSES_IDS: bool = FAULT == ByzantineFault::ReusesIds as u8;
    const JUMPS_AHEAD: bool = FAULT == ByzantineFault::JumpsAhead as u8;
    const SENDS_INVALID_CONTENTS: bool = FAULT == ByzantineFault::SendsInvalidContents as u8;
    const SENDS_NEWER_CONTENTS: bool = FAULT == ByzantineFault::SendsNewerContents as u8;

    fn altered(plaintext: &[u8], entropy: &mut Entropy) -> Option<Vec<u8>> {
        let mut content = Content::decode(plaintext).ok()?;
        if matches!(content.kind, Some(Kind::Accept(_) | Kind::Renewed(_))) {
            return None; // without these there would be no session
        }
        #[cfg(feature = "sabotage")]
        if FAULT == UNMARKED || FAULT == ALL_IGNORABLE {
            content.repeat &= FAULT != UNMARKED;
            content.ignorable |= FAULT == ALL_IGNORABLE;
            return Some(content.encode_to_vec());
        }
        if Self::REUSES_IDS {
            content.id = vec![7; 16];
            // Sometimes it is marked as a repetition.
            content.repeat = entropy.below(2) == 0;
            return Some(content.encode_to_vec());
        }
        if Self::SENDS_NEWER_CONTENTS && entropy.below(ALTERED_ONE_IN) == 0 {
            (content.kind, content.ignorable) = (None, true);
            return Some([content.encode_to_vec(), UNKNOWN_FIELD.to_vec()].concat());
        }
        (Self::SENDS_INVALID_CONTENTS && entropy.below(ALTERED_ONE_IN) == 0).then(|| invalid_content(content, entropy))
    }
}

/// An invalid content, or a valid one where it is not allowed.
fn invalid_content(mut content: Content, entropy: &mut Entropy) -> Vec<u8> {
    let target = entropy.bytes::<16>().to_vec();
    content.kind = Some(match entropy.below(9) {
        0 => return entropy.bytes::<32>().to_vec(),
        1 => return Vec::new(),
        2 => Kind::Accept(Accept {
            name: "your bank".to_owned(),
            identity_signature: vec![0; 64],
        }),
        3 => Kind::Text(Text {
            text: "x".repeat(40_000),
            ..Text::default()
        }),
        4 => Kind::Text(Text {
            text: "an answer to nothing".to_owned(),
            reply_to: vec![1; 15],
            ..Text::default()
        }),
        5 => Kind::Edit(Edit {
            target,
            text: "never said".to_owned(),
        }),
        6 => Kind::Delete(Delete { target: vec![1; 3] }),
        7 => Kind::Reaction(Reaction {
            target,
            own: true,
            emoji: "!".repeat(65),
        }),
        _ => Kind::Read(Read {
            targets: vec![target; 300],
        }),
    });
    content.encode_to_vec()
}

impl<R: Ratchet, const FAULT: u8> Ratchet for ByzantineRatchet<R, FAULT> {
    type Session = R::Session;

    fn generate(entropy: &mut Entropy) -> (Zeroizing<Vec<u8>>, u32) {
        R::generate(entropy)
    }

    fn open(key_pair: &[u8], registration_id: u32) -> Result<Self, Damaged> {
        R::open(key_pair, registration_id).map(Self)
    }

    fn identity_key(&self) -> &[u8] {
        self.0.identity_key()
    }

    fn generate_prekeys(&self, entropy: &mut Entropy) -> PreKeys {
        self.0.generate_prekeys(entropy)
    }

    fn initiate(
        &self,
        peer: &OnionAddress,
        bundle: &Bundle,
        now: Wall,
        entropy: &mut Entropy,
    ) -> Result<Self::Session, SessionError> {
        self.0.initiate(peer, bundle, now, entropy)
    }

    fn accept(
        &self,
        peer: &OnionAddress,
        secrets: &[u8],
        ciphertext: &[u8],
        entropy: &mut Entropy,
    ) -> Result<Opened<Self::Session>, SessionError> {
        self.0.accept(peer, secrets, ciphertext, entropy)
    }

    fn encrypt(
        &self,
        peer: &OnionAddress,
        mut session: Self::Session,
        plaintext: &[u8],
        now: Wall,
        entropy: &mut Entropy,
    ) -> Result<Encrypted<Self::Session>, SessionError> {
        if Self::JUMPS_AHEAD && entropy.below(ALTERED_ONE_IN) == 0 {
            let far = entropy.below(FAR_ONE_IN) == 0;
            for _ in 0..[1, JUMP][usize::from(far)] {
                session = self.0.encrypt(peer, session, b"", now, entropy)?.session;
            }
        }
        let altered = Self::altered(plaintext, entropy);
        let plaintext = altered.as_deref().unwrap_or(plaintext);
        self.0.encrypt(peer, session, plaintext, now, entropy)
    }

    fn decrypt(
        &self,
        peer: &OnionAddress,
        session: &Self::Session,
        ciphertext: &[u8],
        entropy: &mut Entropy,
    ) -> Result<Opened<Self::Session>, SessionError> {
        #[cfg(feature = "sabotage")]
        if FAULT == NONE_IGNORABLE {
            let mut opened = self.0.decrypt(peer, session, ciphertext, entropy)?;
            if let Ok(mut content) = Content::decode(opened.plaintext.as_slice()) {
                content.ignorable = false;
                opened.plaintext = Zeroizing::new(content.encode_to_vec());
            }
            return Ok(opened);
        }
        self.0.decrypt(peer, session, ciphertext, entropy)
    }

    fn encode(session: &Self::Session) -> Zeroizing<Vec<u8>> {
        R::encode(session)
    }

    fn decode(bytes: &[u8]) -> Result<Self::Session, Damaged> {
        R::decode(bytes)
    }

    fn safety_number(
        &self,
        ours: &OnionAddress,
        peer: &OnionAddress,
        their_identity_key: &[u8],
    ) -> Result<SafetyNumber, SessionError> {
        self.0.safety_number(ours, peer, their_identity_key)
    }
}
