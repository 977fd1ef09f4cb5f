//! [`Party`]: one of two parties that write to each other over any ratchet, and the result of each operation.

use std::collections::VecDeque;

use proptest::prelude::*;
use sotto_core::wire::link::Bundle;
use sotto_core::{Entropy, Millis, OnionAddress, OnionSecret, Ratchet, SessionError, Wall};

use crate::{BEGINNING, Step, Tamper};

/// A change of a bundle in flight.
#[derive(Clone, Copy, Debug)]
pub enum Damage {
    Registration,
    PrekeyId,
    Identity,
    Signed,
    OneTime,
    Kyber,
    KyberType,
    SignedSignature,
    KyberSignature,
    AnotherKey,
    Reflected,
}

impl Damage {
    pub fn any() -> impl Strategy<Value = Self> {
        prop::sample::select(vec![
            Self::Registration,
            Self::PrekeyId,
            Self::Identity,
            Self::Signed,
            Self::OneTime,
            Self::Kyber,
            Self::KyberType,
            Self::SignedSignature,
            Self::KyberSignature,
            Self::AnotherKey,
            Self::Reflected,
        ])
    }

    fn done_to(self, mut bundle: Bundle, own: Bundle) -> Bundle {
        match self {
            Self::Registration => bundle.registration_id = 1 << 14,
            Self::PrekeyId => bundle.kyber_prekey_id = 0,
            Self::Identity => bundle.identity_key = vec![5; 32],
            Self::Signed => bundle.signed_prekey = [&[5][..], &[0; 32]].concat(),
            Self::OneTime => bundle.one_time_prekey[0] = 6,
            Self::Kyber => drop(bundle.kyber_prekey.pop()),
            Self::KyberType => bundle.kyber_prekey[0] ^= 1,
            Self::SignedSignature => bundle.signed_prekey_signature[7] ^= 1,
            Self::KyberSignature => bundle.kyber_prekey_signature.clear(),
            Self::AnotherKey => bundle.signed_prekey.clone_from(&bundle.one_time_prekey),
            Self::Reflected => return own,
        }
        bundle
    }
}

/// The result of an operation: not applicable, a plaintext, or a fault.
pub type Outcome = Option<Result<Vec<u8>, SessionError>>;

struct Party<R: Ratchet> {
    ratchet: R,
    address: OnionAddress,
    entropy: Entropy,
    /// Encoded as in a row, so that every operation also shows that the encoding is complete.
    session: Option<Vec<u8>>,
    kept: Option<Vec<u8>>,
    /// The secrets of the outstanding offer.
    secrets: Option<Vec<u8>>,
    inbox: VecDeque<Vec<u8>>,
    received: Vec<Vec<u8>>,
}

impl<R: Ratchet> Party<R> {
    fn new(seed: u8) -> Self {
        let mut entropy = Entropy::from_seed([seed; 32]);
        let (key_pair, registration_id) = R::generate(&mut entropy);
        Self {
            ratchet: R::open(&key_pair, registration_id).expect("just made"),
            address: OnionSecret::from_seed(&[seed; 32]).address(),
            entropy,
            session: None,
            kept: None,
            secrets: None,
            inbox: VecDeque::new(),
            received: Vec::new(),
        }
    }

    fn keep(&mut self, session: &R::Session) {
        self.session = Some(R::encode(session).to_vec());
    }

    fn take(&mut self, peer: &OnionAddress, ciphertext: &[u8], secrets: Option<&[u8]>) -> Outcome {
        let opened = match (secrets, &self.session) {
            (Some(secrets), _) => self.ratchet.accept(peer, secrets, ciphertext, &mut self.entropy),
            (None, Some(session)) => match R::decode(session) {
                Ok(session) => self.ratchet.decrypt(peer, &session, ciphertext, &mut self.entropy),
                Err(_) => return Some(Err(SessionError::Damaged)),
            },
            (None, None) => return None,
        };
        Some(opened.map(|opened| {
            self.keep(&opened.session);
            opened.plaintext.to_vec()
        }))
    }
}

/// Two parties and the messages in flight.
pub struct TwoParties<R: Ratchet> {
    parties: [Party<R>; 2],
    now: Wall,
    sealed: u32,
}

impl<R: Ratchet> TwoParties<R> {
    pub fn new() -> Self {
        Self {
            parties: [Party::new(1), Party::new(2)],
            now: BEGINNING,
            sealed: 0,
        }
    }

    pub fn play(&mut self, steps: &[Step]) -> Vec<Outcome> {
        steps.iter().map(|step| self.step(*step)).collect()
    }

    pub fn in_flight(&self, to: bool) -> Vec<Vec<u8>> {
        self.parties[usize::from(to)].inbox.iter().cloned().collect()
    }

    fn two(&mut self, side: bool) -> (&mut Party<R>, &mut Party<R>) {
        let [first, second] = &mut self.parties;
        if side { (second, first) } else { (first, second) }
    }

    fn step(&mut self, step: Step) -> Outcome {
        let now = self.now;
        match step {
            Step::Meet(side) => Some(self.meet(side, |bundle, _| bundle)),
            Step::MeetBadly(side, damage) => Some(self.meet(side, |bundle, own| damage.done_to(bundle, own))),
            Step::Seal(side) => {
                self.sealed += 1;
                let text = format!("number {}", self.sealed).repeat(1 + self.sealed as usize % 40);
                let (one, other) = self.two(side);
                let Ok(session) = R::decode(one.session.as_ref()?) else {
                    return Some(Err(SessionError::Damaged));
                };
                let sealing = one
                    .ratchet
                    .encrypt(&other.address, session, text.as_bytes(), now, &mut one.entropy);
                Some(sealing.map(|sealed| {
                    one.keep(&sealed.session);
                    other.inbox.push_back(sealed.ciphertext);
                    Vec::new()
                }))
            }
            Step::Deliver(side) => {
                let (one, other) = self.two(side);
                let ciphertext = one.inbox.pop_front()?;
                let secrets = one.secrets.clone();
                let outcome = one.take(&other.address, &ciphertext, secrets.as_deref());
                if matches!(outcome, Some(Ok(_))) {
                    one.secrets = None;
                }
                one.received.push(ciphertext);
                outcome
            }
            Step::Lose(side) => {
                self.two(side).0.inbox.pop_front();
                None
            }
            Step::Swap(side) => {
                let inbox = &mut self.two(side).0.inbox;
                if inbox.len() > 1 {
                    inbox.swap(0, 1);
                }
                None
            }
            Step::Repeat(side, which) => {
                let (one, other) = self.two(side);
                let ciphertext = one.received.get(which % one.received.len().max(1))?.clone();
                one.take(&other.address, &ciphertext, None)
            }
            Step::Tamper(side, tamper) => {
                let (one, other) = self.two(side);
                let mut ciphertext = one.inbox.front()?.clone();
                match tamper {
                    Tamper::Empty => ciphertext.clear(),
                    Tamper::Kind => ciphertext[0] = 7,
                    Tamper::Version => ciphertext[1] = 0x33,
                    Tamper::Long => ciphertext.resize(64 * 1024, 0),
                    // libsignal's tag is at the end, the transparent one's in the middle; both cover the text before it.
                    Tamper::Tag if ciphertext[0] == 1 => *ciphertext.last_mut()? ^= 1,
                    Tamper::Tag => return None,
                }
                one.take(&other.address, &ciphertext, None)
            }
            Step::Reflect(side) => {
                let (one, other) = self.two(side);
                let ciphertext = other.inbox.front()?.clone();
                one.take(&other.address, &ciphertext, None)
            }
            Step::Keep(side) => {
                let one = self.two(side).0;
                one.kept.clone_from(&one.session);
                None
            }
            Step::Restore(side) => {
                let one = self.two(side).0;
                if one.kept.is_some() {
                    one.session.clone_from(&one.kept);
                }
                None
            }
            Step::Truncate(side) => {
                let session = self.two(side).0.session.as_ref()?;
                let cut = R::decode(&session[..session.len() / 2]);
                Some(cut.map(|_| Vec::new()).map_err(|_| SessionError::Damaged))
            }
            Step::WrongOffer(side) => {
                let (one, other) = self.two(side);
                let ciphertext = one.inbox.front()?.clone();
                let another = one.ratchet.generate_prekeys(&mut one.entropy);
                one.take(&other.address, &ciphertext, Some(&another.secrets))
            }
            Step::Days(days) => {
                self.now.0 += Millis::hours(24 * days).0;
                None
            }
        }
    }

    /// `side` makes the offer.
    fn meet(&mut self, side: bool, way: impl FnOnce(Bundle, Bundle) -> Bundle) -> Result<Vec<u8>, SessionError> {
        let now = self.now;
        let (one, other) = self.two(side);
        let prekeys = one.ratchet.generate_prekeys(&mut one.entropy);
        let own = other.ratchet.generate_prekeys(&mut other.entropy).bundle;
        let bundle = way(prekeys.bundle, own);
        let session = other.ratchet.initiate(&one.address, &bundle, now, &mut other.entropy);
        session.map(|session| {
            other.keep(&session);
            // Messages in flight belong to the earlier session.
            one.inbox.clear();
            one.secrets = Some(prekeys.secrets.to_vec());
            Vec::new()
        })
    }
}
