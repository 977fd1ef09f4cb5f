//! libsignal's five stores over values: what an operation reads is borrowed or used up, what it writes is kept aside.
//!
//! libsignal asks its stores for a session of its own and hands the changed one back. The draft keeps that one; its owner
//! takes it when the operation has succeeded and drops it otherwise, so no operation is ever half done.

use std::cell::Cell;

use async_trait::async_trait;
use libsignal_protocol::{
    Direction, IdentityChange, IdentityKey, IdentityKeyPair, IdentityKeyStore, KyberPreKeyId, KyberPreKeyRecord,
    KyberPreKeyStore, PreKeyId, PreKeyRecord, PreKeyStore, ProtocolAddress, PublicKey, SessionRecord, SessionStore,
    SignalProtocolError, SignedPreKeyId, SignedPreKeyRecord, SignedPreKeyStore,
};

use super::bundle::Secrets;

type Result<T> = std::result::Result<T, SignalProtocolError>;

/// The session store of one operation.
#[derive(Default)]
pub(super) struct SessionDraft<'a> {
    /// The session that the operation starts from, and that stays as it is.
    kept: Option<&'a SessionRecord>,
    /// The session that the operation uses up: it is handed over when libsignal loads it, which it does once. A copy would cost a
    /// good part of what libsignal does with it.
    used_up: Cell<Option<SessionRecord>>,
    changed: Option<SessionRecord>,
}

impl<'a> SessionDraft<'a> {
    pub(super) fn of(session: &'a SessionRecord) -> Self {
        Self {
            kept: Some(session),
            ..Self::default()
        }
    }

    pub(super) fn used_up(session: SessionRecord) -> Self {
        Self {
            used_up: Cell::new(Some(session)),
            ..Self::default()
        }
    }

    pub(super) fn fresh() -> Self {
        Self::default()
    }

    /// What the operation has stored.
    pub(super) fn take(self) -> Option<SessionRecord> {
        self.changed
    }
}

#[async_trait(?Send)]
impl SessionStore for SessionDraft<'_> {
    async fn load_session(&self, _: &ProtocolAddress) -> Result<Option<SessionRecord>> {
        let used_up = self.used_up.take();
        Ok(used_up.or_else(|| self.changed.as_ref().or(self.kept).cloned()))
    }

    async fn store_session(&mut self, _: &ProtocolAddress, record: &SessionRecord) -> Result<()> {
        self.changed = Some(record.clone());
        Ok(())
    }
}

/// Our identity. Which peer to trust was decided before libsignal was asked: a session holds one identity key, and a contact
/// has one session.
pub(super) struct IdentityDraft<'a> {
    pub(super) key_pair: &'a IdentityKeyPair,
    pub(super) registration_id: u32,
}

#[async_trait(?Send)]
impl IdentityKeyStore for IdentityDraft<'_> {
    async fn get_identity_key_pair(&self) -> Result<IdentityKeyPair> {
        Ok(*self.key_pair)
    }

    async fn get_local_registration_id(&self) -> Result<u32> {
        Ok(self.registration_id)
    }

    async fn save_identity(&mut self, _: &ProtocolAddress, _: &IdentityKey) -> Result<IdentityChange> {
        Ok(IdentityChange::NewOrUnchanged)
    }

    async fn is_trusted_identity(&self, _: &ProtocolAddress, _: &IdentityKey, _: Direction) -> Result<bool> {
        Ok(true)
    }

    async fn get_identity(&self, _: &ProtocolAddress) -> Result<Option<IdentityKey>> {
        Ok(None)
    }
}

/// The prekeys of one offer, if the operation may use one. That a used offer is gone is a row's deletion, in the commit
/// that stores the session; so there is nothing to write here.
#[derive(Clone, Copy)]
pub(super) struct PreKeyDraft<'a>(pub(super) Option<&'a Secrets>);

#[async_trait(?Send)]
impl PreKeyStore for PreKeyDraft<'_> {
    async fn get_pre_key(&self, id: PreKeyId) -> Result<PreKeyRecord> {
        let record = self.0.map(|secrets| &secrets.one_time);
        let record = record.filter(|record| record.id().is_ok_and(|ours| ours == id));
        record.cloned().ok_or(SignalProtocolError::InvalidPreKeyId)
    }

    async fn save_pre_key(&mut self, _: PreKeyId, _: &PreKeyRecord) -> Result<()> {
        Ok(())
    }

    async fn remove_pre_key(&mut self, _: PreKeyId) -> Result<()> {
        Ok(())
    }
}

#[async_trait(?Send)]
impl SignedPreKeyStore for PreKeyDraft<'_> {
    async fn get_signed_pre_key(&self, id: SignedPreKeyId) -> Result<SignedPreKeyRecord> {
        use libsignal_protocol::GenericSignedPreKey;
        let record = self.0.map(|secrets| &secrets.signed);
        let record = record.filter(|record| record.id().is_ok_and(|ours| ours == id));
        record.cloned().ok_or(SignalProtocolError::InvalidSignedPreKeyId)
    }

    async fn save_signed_pre_key(&mut self, _: SignedPreKeyId, _: &SignedPreKeyRecord) -> Result<()> {
        Ok(())
    }
}

#[async_trait(?Send)]
impl KyberPreKeyStore for PreKeyDraft<'_> {
    async fn get_kyber_pre_key(&self, id: KyberPreKeyId) -> Result<KyberPreKeyRecord> {
        use libsignal_protocol::GenericSignedPreKey;
        let record = self.0.map(|secrets| &secrets.kyber);
        let record = record.filter(|record| record.id().is_ok_and(|ours| ours == id));
        record.cloned().ok_or(SignalProtocolError::InvalidKyberPreKeyId)
    }

    async fn save_kyber_pre_key(&mut self, _: KyberPreKeyId, _: &KyberPreKeyRecord) -> Result<()> {
        Ok(())
    }

    async fn mark_kyber_pre_key_used(&mut self, _: KyberPreKeyId, _: SignedPreKeyId, _: &PublicKey) -> Result<()> {
        Ok(())
    }
}
