//! The link's handshake and records once more, straight over `snow` and with nothing of core's, as another implementation
//! would write them. It gives what core keeps to itself (the handshake hash), says what core never would (wrong proofs,
//! wrong padding), and shows that the vectors hold all that one needs.

use ed25519_dalek::{Signer, SigningKey};
use snow::params::{CipherChoice, DHChoice, HashChoice};
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

/// A handshake from the listener's side.
pub fn listener(keys: &Keys) -> HandshakeState {
    builder(keys).build_responder().expect("complete")
}

fn builder(keys: &Keys) -> Builder<'_> {
    let random = Fixed(keys.ephemeral_secret);
    let resolver: BoxedCryptoResolver = Box::new(FallbackResolver::new(Box::new(random), Box::new(DefaultResolver)));
    let pattern = "Noise_XK_25519_ChaChaPoly_BLAKE2s".parse().expect("a pattern");
    let builder = Builder::with_resolver(pattern, resolver);
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
