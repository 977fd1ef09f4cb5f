//! [`Initiator`]: a handshake from the dialer's side, step by step [L-3], with the deviations that a target must refuse.

use sotto_core::OnionAddress;

use super::link::TestLink;
use super::noise::{self, ForgedKeyPair, Keys};
use super::record_stream::RecordStream;
use super::report::Failure;
use super::test_peer::TestPeer;
use super::token_bucket::TokenBucket;

/// Bytes of handshake message 1, without the record's length.
pub const MESSAGE_1: usize = 48;
/// Bytes of message 2.
pub const MESSAGE_2: usize = 48;
/// Bytes of message 3.
pub const MESSAGE_3: usize = 160;

/// Where a handshake deviates from the protocol.
#[derive(Default)]
pub struct Deviations {
    /// In place of "sotto link v1" and the listener's key.
    pub prologue: Option<Vec<u8>>,
    /// In place of the listener's X25519 key.
    pub listener: Option<[u8; 32]>,
    /// In place of an ephemeral key.
    pub ephemeral: Option<ForgedKeyPair>,
    /// In place of the static key.
    pub identity: Option<ForgedKeyPair>,
}

/// A handshake in progress.
pub struct Initiator {
    state: snow::HandshakeState,
    bucket: TokenBucket,
    /// The stream.
    pub records: RecordStream,
}

impl Initiator {
    /// A handshake on a stream on which nothing was sent.
    pub fn new(peer: &mut TestPeer, records: RecordStream, bucket: TokenBucket, deviations: Deviations) -> Self {
        let target: OnionAddress = peer.target();
        let keys = Keys {
            x25519_secret: peer.x25519(),
            ephemeral_secret: peer.random(),
            prologue: deviations
                .prologue
                .unwrap_or_else(|| [b"sotto link v1", &target.public_key()[..]].concat()),
        };
        let listener = deviations.listener.unwrap_or_else(|| target.montgomery());
        let state = noise::forged_initiator(&keys, &listener, deviations.ephemeral, deviations.identity);
        Self { state, bucket, records }
    }

    /// Message 1, as a record.
    pub fn message_1(&mut self) -> Vec<u8> {
        noise::write(&mut self.state, &[])
    }

    /// Sends message 1 and reads message 2. Returns its bytes.
    pub fn exchange_1_2(&mut self) -> Result<Vec<u8>, Failure> {
        let message = self.message_1();
        self.records.write(&message);
        self.read_message_2()
    }

    /// Reads message 2.
    pub fn read_message_2(&mut self) -> Result<Vec<u8>, Failure> {
        let message = self.records.expect_record(MESSAGE_2, "message 2")?;
        let read = self.state.read_message(&message, &mut [0; MESSAGE_2]);
        read.map_err(|error| Failure::new("message 2, which authenticates the target", error.to_string()))?;
        Ok(message)
    }

    /// The handshake hash after message 2.
    pub fn hash(&self) -> Vec<u8> {
        self.state.get_handshake_hash().to_vec()
    }

    /// Message 3 with any payload, as a record.
    pub fn message_3(&mut self, payload: &[u8]) -> Vec<u8> {
        noise::write(&mut self.state, payload)
    }

    /// Sends message 3 with any payload. Returns the stream, on which the target's answer comes.
    pub fn send_message_3(mut self, payload: &[u8]) -> RecordStream {
        let message = self.message_3(payload);
        self.records.write(&message);
        self.records
    }

    /// Sends a correct message 3, and the records of these plaintexts in the same write.
    pub fn finish(mut self, peer: &TestPeer, plaintexts: &[Vec<u8>]) -> TestLink {
        let proof = peer.dialer_proof(&self.hash());
        let mut bytes = self.message_3(&proof);
        let mut state = self.state.into_transport_mode().expect("the handshake is finished");
        for plaintext in plaintexts {
            bytes.extend(noise::seal(&mut state, plaintext));
        }
        self.records.write(&bytes);
        TestLink::new(self.records, state, self.bucket)
    }
}
