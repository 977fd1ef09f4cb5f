//! The link's handshake and records over `snow` alone, without core, as another implementation would write them. It gives access
//! to what core hides (the handshake hash), can send what core never sends (wrong proofs, wrong padding), and shows that the
//! golden vectors are complete.

use curve25519_dalek::MontgomeryPoint;
use ed25519_dalek::{Signer, SigningKey};
use snow::params::{CipherChoice, DHChoice, HashChoice, NoiseParams};
use snow::resolvers::{BoxedCryptoResolver, CryptoResolver, DefaultResolver, FallbackResolver};
use snow::types::{Cipher, Dh, Hash, Random};
use snow::{Builder, Error, HandshakeState, TransportState};

/// What is signed to prove the dialer's onion key, before the handshake hash [L-4].
pub const PROOF_STATEMENT: &[u8] = b"sotto dialer v1";

/// The keys of one side.
pub struct Keys {
    /// Its own X25519 secret.
    pub x25519_secret: [u8; 32],
    /// The secret of its ephemeral key.
    pub ephemeral_secret: [u8; 32],
    /// "sotto link v1" and the listener's onion public key.
    pub prologue: Vec<u8>,
}

/// The dialer's side of a handshake.
pub fn initiator(keys: &Keys, listener_x25519: &[u8; 32]) -> HandshakeState {
    let builder = builder(keys);
    let builder = builder.remote_public_key(listener_x25519).expect("set once");
    builder.build_initiator().expect("complete")
}

/// The dialer's side of a handshake in which forged key pairs replace the real ones. It derives the same secrets as a listener
/// that computes with the forged keys.
pub fn forged_initiator(
    keys: &Keys,
    listener_x25519: &[u8; 32],
    ephemeral: Option<ForgedKeyPair>,
    identity: Option<ForgedKeyPair>,
) -> HandshakeState {
    let forging = ForgingResolver {
        random: FixedRng(keys.ephemeral_secret),
        ephemeral,
        identity,
    };
    let resolver: BoxedCryptoResolver = Box::new(FallbackResolver::new(Box::new(forging), Box::new(DefaultResolver)));
    let builder = complete(Builder::with_resolver(pattern(), resolver), keys);
    let builder = builder.remote_public_key(listener_x25519).expect("set once");
    builder.build_initiator().expect("complete")
}

/// The listener's side of a handshake.
pub fn responder(keys: &Keys) -> HandshakeState {
    builder(keys).build_responder().expect("complete")
}

fn builder(keys: &Keys) -> Builder<'_> {
    let random = FixedRng(keys.ephemeral_secret);
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

/// Reads the other side's handshake record. Returns its payload.
pub fn read(state: &mut HandshakeState, record: &[u8]) -> Vec<u8> {
    let mut payload = vec![0; 256];
    let length = state.read_message(&record[2..], &mut payload).expect("authentic");
    payload.truncate(length);
    payload
}

/// The payload of message 3 [L-4]: the dialer's onion key, and its signature of the handshake hash.
pub fn dialer_proof(onion_seed: &[u8; 32], handshake_hash: &[u8]) -> Vec<u8> {
    let key = SigningKey::from_bytes(onion_seed);
    let signature = key.sign(&[PROOF_STATEMENT, handshake_hash].concat());
    [&key.verifying_key().to_bytes()[..], &signature.to_bytes()].concat()
}

/// A plaintext as the next record of an open link.
pub fn seal(state: &mut TransportState, plaintext: &[u8]) -> Vec<u8> {
    let mut message = vec![0; plaintext.len() + 16];
    state.write_message(plaintext, &mut message).expect("short enough");
    record(&message)
}

/// Opens the other side's next record. Returns its plaintext.
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

/// A generator that returns the ephemeral secret.
#[derive(Clone)]
struct FixedRng([u8; 32]);

impl CryptoResolver for FixedRng {
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

impl Random for FixedRng {
    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Error> {
        bytes.copy_from_slice(&self.0);
        Ok(())
    }
}

/// A public key with a chosen shared secret.
#[derive(Clone)]
pub struct ForgedKeyPair {
    /// The public key that is sent.
    pub public: [u8; 32],
    /// The shared secret.
    pub shared: SharedSecret,
}

/// The shared secret of a forged key and another key.
#[derive(Clone)]
pub enum SharedSecret {
    /// The result of this secret.
    Of([u8; 32]),
    /// Zero, as for a point of low order.
    Zero,
    /// The other key itself, as for the base point.
    Theirs,
}

/// Supplies the key pairs of a [`forged_initiator`].
#[derive(Clone)]
struct ForgingResolver {
    random: FixedRng,
    ephemeral: Option<ForgedKeyPair>,
    identity: Option<ForgedKeyPair>,
}

impl CryptoResolver for ForgingResolver {
    fn resolve_rng(&self) -> Option<Box<dyn Random>> {
        Some(Box::new(self.random.clone()))
    }

    fn resolve_dh(&self, _: &DHChoice) -> Option<Box<dyn Dh>> {
        Some(Box::new(KeyPair {
            resolver: self.clone(),
            secret: [0; 32],
            used: ForgedKeyPair {
                public: [0; 32],
                shared: SharedSecret::Zero,
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

/// A key pair that may be forged. The ephemeral one is generated, the static one is set.
struct KeyPair {
    resolver: ForgingResolver,
    secret: [u8; 32],
    used: ForgedKeyPair,
}

impl KeyPair {
    fn honest(secret: [u8; 32]) -> ForgedKeyPair {
        ForgedKeyPair {
            public: MontgomeryPoint::mul_base_clamped(secret).to_bytes(),
            shared: SharedSecret::Of(secret),
        }
    }
}

impl Dh for KeyPair {
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
        self.used = self
            .resolver
            .identity
            .clone()
            .unwrap_or_else(|| Self::honest(self.secret));
    }

    fn generate(&mut self, random: &mut dyn Random) -> Result<(), Error> {
        random.try_fill_bytes(&mut self.secret)?;
        self.used = self
            .resolver
            .ephemeral
            .clone()
            .unwrap_or_else(|| Self::honest(self.secret));
        Ok(())
    }

    fn pubkey(&self) -> &[u8] {
        &self.used.public
    }

    fn privkey(&self) -> &[u8] {
        &self.secret
    }

    fn dh(&self, public: &[u8], shared: &mut [u8]) -> Result<(), Error> {
        let public: [u8; 32] = public.first_chunk().copied().ok_or(Error::Dh)?;
        shared[..32].copy_from_slice(&match self.used.shared {
            SharedSecret::Of(secret) => MontgomeryPoint(public).mul_clamped(secret).to_bytes(),
            SharedSecret::Zero => [0; 32],
            SharedSecret::Theirs => public,
        });
        Ok(())
    }
}
