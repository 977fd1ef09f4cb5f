//! The limit: libsignal alone, over its own stores in memory.

use std::time::{Duration, Instant, SystemTime};

use futures_executor::block_on;
use libsignal_protocol::{
    CiphertextMessage, DeviceId, GenericSignedPreKey, IdentityKeyPair, InMemSignalProtocolStore, KeyPair,
    KyberPreKeyRecord, KyberPreKeyStore as _, PreKeyBundle, PreKeyRecord, PreKeyStore as _, ProtocolAddress,
    SignedPreKeyRecord, SignedPreKeyStore as _, Timestamp, kem, message_decrypt, message_encrypt,
    process_prekey_bundle,
};
use rand::SeedableRng;
use rand_chacha::ChaCha20Rng;

/// Two parties with a session in which both have sent.
pub struct Parties {
    stores: [InMemSignalProtocolStore; 2],
    addresses: [ProtocolAddress; 2],
    rng: ChaCha20Rng,
}

impl Parties {
    pub fn new() -> Self {
        let mut rng = ChaCha20Rng::seed_from_u64(1);
        let device = DeviceId::new(1).expect("a device id");
        let addresses = ["alice", "bob"].map(|name| ProtocolAddress::new(name.to_owned(), device));
        let identities = [(); 2].map(|()| IdentityKeyPair::generate(&mut rng));
        let store = |identity, id| InMemSignalProtocolStore::new(identity, id).expect("a store in memory");
        let stores = [store(identities[0], 1), store(identities[1], 2)];
        let mut parties = Self { stores, addresses, rng };
        parties.introduce(&identities[1]);
        for _ in 0..4 {
            parties.message(0, b"hello");
            parties.message(1, b"hello");
        }
        parties
    }

    fn introduce(&mut self, identity: &IdentityKeyPair) {
        let Self {
            stores: [alice, bob],
            addresses: [_, address],
            rng,
        } = self;
        let (one_time, signed) = (KeyPair::generate(rng), KeyPair::generate(rng));
        let signature = identity
            .private_key()
            .calculate_signature(&signed.public_key.serialize(), rng)
            .expect("signs");
        let kyber = KyberPreKeyRecord::generate(kem::KeyType::Kyber1024, 1.into(), identity.private_key());
        let kyber = kyber.expect("a kyber prekey");
        let bundle = PreKeyBundle::new(
            2,
            DeviceId::new(1).expect("a device id"),
            Some((1.into(), one_time.public_key)),
            1.into(),
            signed.public_key,
            signature.to_vec(),
            1.into(),
            kyber.public_key().expect("public"),
            kyber.signature().expect("signed"),
            *identity.identity_key(),
        );
        let time = Timestamp::from_epoch_millis(0);
        block_on(async {
            bob.save_pre_key(1.into(), &PreKeyRecord::new(1.into(), &one_time))
                .await?;
            bob.save_signed_pre_key(1.into(), &SignedPreKeyRecord::new(1.into(), time, &signed, &signature))
                .await?;
            bob.save_kyber_pre_key(1.into(), &kyber).await?;
            let (sessions, identities) = (&mut alice.session_store, &mut alice.identity_store);
            process_prekey_bundle(address, sessions, identities, &bundle?, SystemTime::UNIX_EPOCH, rng).await
        })
        .expect("a session");
    }

    /// One message: encrypted by one, decrypted by the other.
    pub fn message(&mut self, from: usize, text: &[u8]) {
        let ciphertext = self.encrypt(from, text);
        self.decrypt(1 - from, &ciphertext);
    }

    fn encrypt(&mut self, from: usize, text: &[u8]) -> CiphertextMessage {
        let store = &mut self.stores[from];
        let (sessions, identities) = (&mut store.session_store, &mut store.identity_store);
        let to = &self.addresses[1 - from];
        block_on(message_encrypt(
            text,
            to,
            sessions,
            identities,
            SystemTime::UNIX_EPOCH,
            &mut self.rng,
        ))
        .expect("encrypts")
    }

    fn decrypt(&mut self, to: usize, ciphertext: &CiphertextMessage) {
        let store = &mut self.stores[to];
        let plaintext = block_on(message_decrypt(
            ciphertext,
            &self.addresses[1 - to],
            &mut store.session_store,
            &mut store.identity_store,
            &mut store.pre_key_store,
            &store.signed_pre_key_store,
            &mut store.kyber_pre_key_store,
            &mut self.rng,
        ));
        assert!(!plaintext.expect("decrypts").is_empty());
    }

    /// Time for `count` messages in one direction.
    pub fn one_way(&mut self, texts: &[Vec<u8>]) -> Duration {
        let start = Instant::now();
        for text in texts {
            self.message(0, text);
        }
        start.elapsed()
    }

    /// Time for `count` messages in alternating directions.
    pub fn ping_pong(&mut self, texts: &[Vec<u8>]) -> Duration {
        let start = Instant::now();
        for (at, text) in texts.iter().enumerate() {
            self.message(at % 2, text);
        }
        start.elapsed()
    }
}
