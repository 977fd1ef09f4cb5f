//! The handshake, `Noise_XK_25519_ChaChaPoly_BLAKE2s`, which ends in a [`Transport`]. The dialer knows the address that it calls
//! and proves first that it does; it names itself in the third message only, to the owner of that address alone.

use snow::{Builder, HandshakeState};

use super::LinkFault;
use super::framing::{TAG, Transport, append_record};
use super::primitives;
use crate::onion_key::verify;
use crate::{Entropy, OnionAddress, OnionSecret};

const PATTERN: &str = "Noise_XK_25519_ChaChaPoly_BLAKE2s";
/// The prologue, before the listener's public key.
const PROLOGUE: &[u8] = b"sotto link v1";
/// What the dialer signs, before the handshake hash.
const PROOF: &[u8] = b"sotto dialer v1";

const KEY: usize = 32;
const SIGNATURE: usize = 64;

/// Bytes of message 1: ephemeral key, tag.
pub(super) const CALL: usize = KEY + TAG;
/// Bytes of message 2: ephemeral key, tag.
pub(super) const REPLY: usize = KEY + TAG;
/// Bytes of message 3: sealed static key, sealed proof.
pub(super) const CONFIRMATION: usize = (KEY + TAG) + (KEY + SIGNATURE + TAG);

/// The dialer's side of a handshake.
pub(super) struct Dialer {
    state: HandshakeState,
    local: OnionSecret,
    remote: OnionAddress,
}

impl Dialer {
    pub(super) fn new(local: &OnionSecret, remote: OnionAddress, entropy: Entropy) -> Self {
        Self {
            state: handshake(local, &remote, true, entropy),
            local: local.clone(),
            remote,
        }
    }

    /// Writes message 1.
    pub(super) fn call(&mut self, stream: &mut Vec<u8>) {
        append_record(stream, CALL, |message| self.state.write_message(&[], message))
            .expect("an address's key is canonical and not of low order");
    }

    /// Reads message 2, which only the owner of the address can have written, and writes message 3.
    pub(super) fn confirm(
        mut self,
        message: &[u8],
        stream: &mut Vec<u8>,
    ) -> Result<(OnionAddress, Transport), LinkFault> {
        read(&mut self.state, message, &mut [])?;
        let proof = prove(&self.local, self.state.get_handshake_hash());
        append_record(stream, CONFIRMATION, |message| {
            self.state.write_message(&proof, message)
        })
        .map_err(fault)?;
        Ok((self.remote, Transport::new(self.state)))
    }
}

/// The listener's side of a handshake.
pub(super) struct Listener(HandshakeState);

impl Listener {
    pub(super) fn new(local: &OnionSecret, entropy: Entropy) -> Self {
        Self(handshake(local, &local.address(), false, entropy))
    }

    /// Reads message 1, which only a peer that knows our address can have written, and writes message 2.
    pub(super) fn reply(&mut self, message: &[u8], stream: &mut Vec<u8>) -> Result<(), LinkFault> {
        read(&mut self.0, message, &mut [])?;
        append_record(stream, REPLY, |message| self.0.write_message(&[], message)).map_err(fault)?;
        Ok(())
    }

    /// Reads message 3, and learns who the dialer is.
    pub(super) fn admit(mut self, message: &[u8]) -> Result<(OnionAddress, Transport), LinkFault> {
        let signed: [u8; 32] = self.0.get_handshake_hash().try_into().expect("BLAKE2s");
        let mut proof = [0; KEY + SIGNATURE];
        read(&mut self.0, message, &mut proof)?;
        let peer = self.0.get_remote_static().and_then(|key| proven(&proof, key, &signed));
        Ok((peer.ok_or(LinkFault::Identity)?, Transport::new(self.0)))
    }
}

fn handshake(local: &OnionSecret, listener: &OnionAddress, dials: bool, entropy: Entropy) -> HandshakeState {
    let build = || -> Result<HandshakeState, snow::Error> {
        let (secret, remote) = (local.x25519(), listener.montgomery());
        let prologue = [PROLOGUE, listener.public_key()].concat();
        let builder = Builder::with_resolver(PATTERN.parse()?, Box::new(primitives::resolver(entropy)))
            .prologue(&prologue)?
            .local_private_key(&*secret)?;
        if dials {
            builder.remote_public_key(&remote)?.build_initiator()
        } else {
            builder.build_responder()
        }
    };
    build().expect("the pattern is known and all that it asks for is there")
}

/// The dialer's public key and its signature over the handshake so far. Noise has authenticated an X25519 key, which
/// two ed25519 keys share (the map drops the sign); this says which of the two is meant.
fn prove(dialer: &OnionSecret, handshake_hash: &[u8]) -> [u8; KEY + SIGNATURE] {
    let mut proof = [0; KEY + SIGNATURE];
    proof[..KEY].copy_from_slice(dialer.address().public_key());
    proof[KEY..].copy_from_slice(&dialer.sign(&[PROOF, handshake_hash].concat()));
    proof
}

/// The dialer, if what it says of itself agrees with the X25519 key that Noise has authenticated.
fn proven(proof: &[u8; KEY + SIGNATURE], authenticated: &[u8], handshake_hash: &[u8]) -> Option<OnionAddress> {
    let (key, signature) = proof.split_first_chunk::<KEY>()?;
    let peer = OnionAddress::from_public_key(*key).ok()?;
    let agrees = peer.montgomery() == authenticated;
    (agrees && verify(&peer, &[PROOF, handshake_hash].concat(), signature)).then_some(peer)
}

fn read(state: &mut HandshakeState, message: &[u8], payload: &mut [u8]) -> Result<(), LinkFault> {
    let length = state.read_message(message, payload).map_err(fault)?;
    assert_eq!(length, payload.len(), "each handshake message has one length");
    Ok(())
}

#[expect(clippy::needless_pass_by_value, reason = "`map_err` hands it over")]
fn fault(error: snow::Error) -> LinkFault {
    match error {
        snow::Error::Dh => LinkFault::WeakKey,
        _ => LinkFault::Handshake,
    }
}

#[cfg(test)]
mod tests {
    use prost::Message;
    use snow::TransportState;

    use super::*;
    use crate::link::framing::PREFIX;
    use crate::wire::link::frame::Body;
    use crate::wire::link::{Frame, Heartbeat};

    fn secret(seed: u8) -> OnionSecret {
        OnionSecret::from_seed(&[seed; 32])
    }

    fn entropy(seed: u8) -> Entropy {
        Entropy::from_seed([seed; 32])
    }

    /// The dialer and listener of a handshake that waits for message 3.
    fn before_confirmation() -> (HandshakeState, Listener) {
        let (ours, theirs) = (secret(1), secret(2));
        let mut dialer = handshake(&ours, &theirs.address(), true, entropy(3));
        let mut listener = Listener::new(&theirs, entropy(4));
        let mut message = [0; CALL];
        dialer.write_message(&[], &mut message).unwrap();
        let mut stream = Vec::new();
        listener.reply(&message, &mut stream).unwrap();
        dialer.read_message(&stream[PREFIX..], &mut []).unwrap();
        (dialer, listener)
    }

    fn admitted(proof: &[u8], mut dialer: HandshakeState, listener: Listener) -> Result<OnionAddress, LinkFault> {
        let mut message = [0; CONFIRMATION];
        let length = dialer.write_message(proof, &mut message).unwrap();
        assert_eq!(length, CONFIRMATION);
        listener.admit(&message).map(|(peer, _)| peer)
    }

    /// The dialer's ciphers as they are, so that it can write what it likes, and the listener's end.
    fn transports() -> (TransportState, Transport) {
        let (mut dialer, listener) = before_confirmation();
        let proof = prove(&secret(1), dialer.get_handshake_hash());
        let mut message = [0; CONFIRMATION];
        dialer.write_message(&proof, &mut message).unwrap();
        let (_, transport) = listener.admit(&message).unwrap();
        (dialer.into_transport_mode().unwrap(), transport)
    }

    #[test]
    fn the_dialer_is_who_its_proof_says() {
        let (dialer, listener) = before_confirmation();
        let proof = prove(&secret(1), dialer.get_handshake_hash());
        assert_eq!(admitted(&proof, dialer, listener).ok(), Some(secret(1).address()));
    }

    #[test]
    fn a_proof_with_another_key_is_refused() {
        // Signed well, but by another key than the static key's owner.
        let (dialer, listener) = before_confirmation();
        let proof = prove(&secret(9), dialer.get_handshake_hash());
        assert_eq!(admitted(&proof, dialer, listener), Err(LinkFault::Identity));
    }

    #[test]
    fn the_other_key_with_the_same_x25519_key_is_refused() {
        let (dialer, listener) = before_confirmation();
        let mut proof = prove(&secret(1), dialer.get_handshake_hash());
        proof[KEY - 1] ^= 0x80;
        let claimed = OnionAddress::from_public_key(*proof.first_chunk().unwrap()).unwrap();
        assert_ne!(claimed, secret(1).address());
        assert_eq!(claimed.montgomery(), secret(1).address().montgomery());
        assert_eq!(admitted(&proof, dialer, listener), Err(LinkFault::Identity));
    }

    #[test]
    fn an_invalid_key_is_refused() {
        for key in [[0; KEY], [0xff; KEY]] {
            let (dialer, listener) = before_confirmation();
            let mut proof = prove(&secret(1), dialer.get_handshake_hash());
            proof[..KEY].copy_from_slice(&key);
            assert_eq!(admitted(&proof, dialer, listener), Err(LinkFault::Identity));
        }
    }

    #[test]
    fn a_signature_of_another_handshake_or_another_domain_is_refused() {
        let (dialer, listener) = before_confirmation();
        assert_eq!(
            admitted(&prove(&secret(1), &[0; 32]), dialer, listener),
            Err(LinkFault::Identity)
        );

        let (dialer, listener) = before_confirmation();
        let mut proof = prove(&secret(1), dialer.get_handshake_hash());
        proof[KEY..].copy_from_slice(&secret(1).sign(dialer.get_handshake_hash()));
        assert_eq!(admitted(&proof, dialer, listener), Err(LinkFault::Identity));
    }

    #[test]
    fn what_a_peer_with_the_right_key_pads_wrongly_is_refused() {
        let heartbeat = Frame {
            body: Some(Body::Heartbeat(Heartbeat { reply: true })),
        };
        let encoded = heartbeat.encode_to_vec();
        let framed = |frame: &[u8]| [&u16::try_from(frame.len()).unwrap().to_be_bytes()[..], frame].concat();
        let cases = [
            // Unpadded, and padded to no size in particular.
            (framed(&encoded), Ok(heartbeat.clone())),
            ([framed(&encoded), vec![0; 300]].concat(), Ok(heartbeat)),
            (framed(&[]), Ok(Frame { body: None })),
            // A frame with nothing but a field that we do not know.
            (framed(&[0xf8, 0x07, 1]), Ok(Frame { body: None })),
            (
                [framed(&encoded), vec![0; 300], vec![1]].concat(),
                Err(LinkFault::Padding),
            ),
            (
                [framed(&encoded), vec![1], vec![0; 300]].concat(),
                Err(LinkFault::Padding),
            ),
            (vec![0xff; 400], Err(LinkFault::Padding)),
            (vec![0, 3, 1, 1], Err(LinkFault::Padding)),
            (framed(&[0xff; 30]), Err(LinkFault::Frame)),
            (framed(&encoded[..encoded.len() - 1]), Err(LinkFault::Frame)),
        ];
        for (plaintext, expected) in cases {
            let (mut dialer, mut listener) = transports();
            let mut message = vec![0; plaintext.len() + TAG];
            dialer.write_message(&plaintext, &mut message).unwrap();
            assert_eq!(listener.open(&message), expected, "{plaintext:?}");
        }
    }
}
