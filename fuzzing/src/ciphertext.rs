//! Bytes in place of a Signal ciphertext, at four moments of a session: the first ciphertext, the second, a reply, and one from the
//! middle of a conversation. Only ciphertexts of the other side decrypt, each once.

use sotto_core::{Entropy, OnionAddress, Opened, Ratchet, SessionError, Signal, SignalSession};

use crate::input::{Input, piece};
use crate::signal::{Friendship, Party};

const PLAINTEXT: &[u8] = b"what was sealed";

/// A moment: the receiver of a ciphertext, and the correct ciphertext.
struct Moment {
    waiting: Party,
    from: OnionAddress,
    identity_key: Vec<u8>,
    /// The secrets of an offer, or the session.
    holds: Holds,
    ciphertext: Vec<u8>,
}

enum Holds {
    Secrets(Vec<u8>),
    Session(Box<SignalSession>),
}

thread_local! {
    static MOMENTS: Vec<Moment> = moments();
}

fn moments() -> Vec<Moment> {
    let moment = |stage: usize| {
        let mut friends = Friendship::new();
        let [a, b] = [friends.opener.address, friends.offerer.address];
        let mut opener = friends.session.clone();
        let opening = friends.opener.seal(&b, &mut opener, PLAINTEXT);
        let mut holds = Holds::Secrets(friends.secrets.clone());
        let mut ciphertext = opening.clone();
        if stage > 0 {
            let mut offerer = friends.accept(&opening).session;
            ciphertext = friends.opener.seal(&b, &mut opener, PLAINTEXT);
            for _ in 1..stage {
                friends.offerer.open(&a, &mut offerer, &ciphertext);
                let answer = friends.offerer.seal(&a, &mut offerer, b"an answer");
                friends.opener.open(&b, &mut opener, &answer);
                ciphertext = friends.opener.seal(&b, &mut opener, PLAINTEXT);
            }
            holds = Holds::Session(Box::new(offerer));
        }
        Moment {
            identity_key: friends.opener.ratchet.identity_key().to_vec(),
            waiting: friends.offerer,
            from: a,
            holds,
            ciphertext,
        }
    };
    [0, 1, 2, 9].map(moment).into()
}

impl Moment {
    fn take(&self, ciphertext: &[u8]) -> Result<Opened<SignalSession>, SessionError> {
        let (ratchet, entropy) = (&self.waiting.ratchet, &mut Entropy::from_seed([3; 32]));
        match &self.holds {
            Holds::Secrets(secrets) => ratchet.accept(&self.from, secrets, ciphertext, entropy),
            Holds::Session(session) => ratchet.decrypt(&self.from, session, ciphertext, entropy),
        }
    }

    fn check(&self, ciphertext: &[u8]) {
        let Ok(opened) = self.take(ciphertext) else {
            assert!(ciphertext != self.ciphertext, "a correct ciphertext does not decrypt");
            return;
        };
        assert_eq!(*opened.plaintext, PLAINTEXT);
        assert_eq!(opened.identity_key, self.identity_key);
        let session = Signal::decode(&Signal::encode(&opened.session)).expect("a stored session is readable");
        let entropy = &mut Entropy::from_seed([4; 32]);
        let again = self.waiting.ratchet.decrypt(&self.from, &session, ciphertext, entropy);
        assert_eq!(again.err(), Some(SessionError::Duplicate), "it decrypts twice");
    }
}

pub(crate) fn run(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    MOMENTS.with(|moments| {
        let moment = &moments[input.number() % moments.len()];
        if input.even() {
            return moment.check(input.piece());
        }
        let mut ciphertext = moment.ciphertext.clone();
        while !input.is_empty() {
            alter(&mut ciphertext, &mut input);
        }
        moment.check(&ciphertext);
    });
}

fn alter(bytes: &mut Vec<u8>, input: &mut Input<'_>) {
    let (action, place) = (input.byte(), input.long() % (bytes.len() + 1));
    match action % 4 {
        0 => {
            if let Some(byte) = bytes.get_mut(place) {
                *byte ^= input.byte();
            }
        }
        1 => drop(bytes.drain(place..bytes.len().min(place + input.number()))),
        2 => drop(bytes.splice(place..place, input.piece().iter().copied())),
        _ => bytes.truncate(place),
    }
}

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let whole = |moment: usize| {
        let ciphertext = MOMENTS.with(|moments| moments[moment].ciphertext.clone());
        [&[u8::try_from(moment).expect("four"), 0][..], &piece(&ciphertext)].concat()
    };
    let altered = (0..4).flat_map(|moment| [vec![moment, 1], vec![moment, 1, 0, 0, 9, 1], vec![moment, 1, 3, 0, 40]]);
    (0..4).map(whole).chain(altered).collect()
}
