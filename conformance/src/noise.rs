//! The link's handshake and records once more, straight over `snow` and with nothing of core's, as another implementation
//! would write them. It gives what core keeps to itself (the handshake hash), says what core never would (wrong proofs,
//! wrong padding), and shows that the vectors hold all that one needs.

use curve25519_dalek::MontgomeryPoint;
use ed25519_dalek::{Signer, SigningKey};
use snow::params::{CipherChoice, DHChoice, HashChoice, NoiseParams};
use snow::resolvers::{BoxedCryptoResolver, CryptoResolver, DefaultResolver, FallbackResolver};
use snow::types::{Cipher, Dh, Hash, Random};
use snow::{Builder, Error, HandshakeState, TransportState};

/// What one side starts with.
pub struct Keys {
    /// Its own X25519 secret.
    pub x25519_secret: [u8; 32],
    /// The secret of the ephemeral key that it makes.
    pub ephemeral_secret: [u8; 32],
    /// "sotto link v1" and the listener's onion public key.
    pub prologue: Vec<u8>,
}

/// A handshake from the dialer's side.
pub fn dialer(keys: &Keys, listener_x25519: &[u8; 32]) -> HandshakeState {
    let builder = builder(keys);
    let builder = builder.remote_public_key(listener_x25519).expect("set once");
    builder.build_initiator().expect("complete")
}

/// A handshake from the dialer's side with key pairs that are none, in place of those that are not `None`: it comes to the
/// same secrets as a listener that computes with such keys.
pub fn forger(
    keys: &Keys,
    listener_x25519: &[u8; 32],
    ephemeral: Option<Forged>,
    identity: Option<Forged>,
) -> HandshakeState {
    let forge = Forge {
        random: Fixed(keys.ephemeral_secret),
        ephemeral,
        identity,
    };
    let resolver: BoxedCryptoResolver = Box::new(FallbackResolver::new(Box::new(forge), Box::new(DefaultResolver)));
    let builder = complete(Builder::with_resolver(pattern(), resolver), keys);
    let builder = builder.remote_public_key(listener_x25519).expect("set once");
    builder.build_initiator().expect("complete")
}

/// A handshake from the listener's side.
pub fn listener(keys: &Keys) -> HandshakeState {
    builder(keys).build_responder().expect("complete")
}

fn builder(keys: &Keys) -> Builder<'_> {
    let random = Fixed(keys.ephemeral_secret);
    let resolver: BoxedCryptoResolver = Box::new(FallbackResolver::new(Box::new(random), Box::new(DefaultResolver)));
    complete(Builder::with_resolver(pattern(), resolver), keys)
}

fn pattern() -> NoiseParams {
    "Noise_XK_25519_ChaChaPoly_BLAKE2s".parse().expect("a pattern")
}

fn complete<'k>(builder: Builder<'k>, keys: &'k Keys) -> Builder<'k> {
    let builder = builder.prologue(&keys.prologue).expect("set once");
    builder.local_private_key(&keys.x25519_secret).expect("set once")
}

/// The next handshake message, as a record.
pub fn write(state: &mut HandshakeState, payload: &[u8]) -> Vec<u8> {
    let mut message = vec![0; 256];
    let length = state.write_message(payload, &mut message).expect("our turn");
    record(&message[..length])
}

/// Takes the other side's handshake record; gives its payload.
pub fn read(state: &mut HandshakeState, record: &[u8]) -> Vec<u8> {
    let mut payload = vec![0; 256];
    let length = state.read_message(&record[2..], &mut payload).expect("authentic");
    payload.truncate(length);
    payload
}

/// The payload of message 3.
pub fn proof(onion_seed: &[u8; 32], handshake_hash: &[u8]) -> Vec<u8> {
    let key = SigningKey::from_bytes(onion_seed);
    let signature = key.sign(&[b"sotto dialer v1", handshake_hash].concat());
    [&key.verifying_key().to_bytes()[..], &signature.to_bytes()].concat()
}

/// A plaintext as the next record of an open link.
pub fn seal(state: &mut TransportState, plaintext: &[u8]) -> Vec<u8> {
    let mut message = vec![0; plaintext.len() + 16];
    state.write_message(plaintext, &mut message).expect("short enough");
    record(&message)
}

/// The plaintext of the other side's next record.
pub fn open(state: &mut TransportState, record: &[u8]) -> Vec<u8> {
    let mut plaintext = vec![0; record.len()];
    let length = state.read_message(&record[2..], &mut plaintext).expect("authentic");
    plaintext.truncate(length);
    plaintext
}

fn record(message: &[u8]) -> Vec<u8> {
    let length = u16::try_from(message.len()).expect("a message is shorter than 64 KiB");
    [&length.to_be_bytes()[..], message].concat()
}

/// A generator whose every 32 bytes are those of the ephemeral secret.
#[derive(Clone)]
struct Fixed([u8; 32]);

impl CryptoResolver for Fixed {
    fn resolve_rng(&self) -> Option<Box<dyn Random>> {
        Some(Box::new(Self(self.0)))
    }

    fn resolve_dh(&self, _: &DHChoice) -> Option<Box<dyn Dh>> {
        None
    }

    fn resolve_hash(&self, _: &HashChoice) -> Option<Box<dyn Hash>> {
        None
    }

    fn resolve_cipher(&self, _: &CipherChoice) -> Option<Box<dyn Cipher>> {
        None
    }
}

impl Random for Fixed {
    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Error> {
        bytes.copy_from_slice(&self.0);
        Ok(())
    }
}

/// A public key, and what it gives with another one.
#[derive(Clone)]
pub struct Forged {
    /// The key that is shown.
    pub public: [u8; 32],
    /// The shared secret.
    pub shared: Shared,
}

/// What a forged key gives with another one.
#[derive(Clone)]
pub enum Shared {
    /// What this secret gives.
    Of([u8; 32]),
    /// Nothing but zeros, as a point of low order does.
    Zero,
    /// That other key, as the base point does.
    Theirs,
}

/// Key pairs for a [`forger`].
#[derive(Clone)]
struct Forge {
    random: Fixed,
    ephemeral: Option<Forged>,
    identity: Option<Forged>,
}

impl CryptoResolver for Forge {
    fn resolve_rng(&self) -> Option<Box<dyn Random>> {
        Some(Box::new(self.random.clone()))
    }

    fn resolve_dh(&self, _: &DHChoice) -> Option<Box<dyn Dh>> {
        Some(Box::new(Pair {
            forge: self.clone(),
            secret: [0; 32],
            shown: Forged {
                public: [0; 32],
                shared: Shared::Zero,
            },
        }))
    }

    fn resolve_hash(&self, _: &HashChoice) -> Option<Box<dyn Hash>> {
        None
    }

    fn resolve_cipher(&self, _: &CipherChoice) -> Option<Box<dyn Cipher>> {
        None
    }
}

/// One of a forger's key pairs: the ephemeral one is generated, the other one is set.
struct Pair {
    forge: Forge,
    secret: [u8; 32],
    shown: Forged,
}

impl Pair {
    fn honest(secret: [u8; 32]) -> Forged {
        Forged {
            public: MontgomeryPoint::mul_base_clamped(secret).to_bytes(),
            shared: Shared::Of(secret),
        }
    }
}

impl Dh for Pair {
    fn name(&self) -> &'static str {
        "25519"
    }

    fn pub_len(&self) -> usize {
        32
    }

    fn priv_len(&self) -> usize {
        32
    }

    fn set(&mut self, secret: &[u8]) {
        self.secret.copy_from_slice(secret);
        self.shown = self.forge.identity.clone().unwrap_or_else(|| Self::honest(self.secret));
    }

    fn generate(&mut self, random: &mut dyn Random) -> Result<(), Error> {
        random.try_fill_bytes(&mut self.secret)?;
        self.shown = self
            .forge
            .ephemeral
            .clone()
            .unwrap_or_else(|| Self::honest(self.secret));
        Ok(())
    }

    fn pubkey(&self) -> &[u8] {
        &self.shown.public
    }

    fn privkey(&self) -> &[u8] {
        &self.secret
    }

    fn dh(&self, public: &[u8], shared: &mut [u8]) -> Result<(), Error> {
        let public: [u8; 32] = public.first_chunk().copied().ok_or(Error::Dh)?;
        shared[..32].copy_from_slice(&match self.shown.shared {
            Shared::Of(secret) => MontgomeryPoint(public).mul_clamped(secret).to_bytes(),
            Shared::Zero => [0; 32],
            Shared::Theirs => public,
        });
        Ok(())
    }
}
