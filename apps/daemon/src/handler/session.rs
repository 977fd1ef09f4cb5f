//! `session.*` and `owner.*`

use std::sync::Arc;

use sotto_api::{self as api, Error, Kind, Secret, Time, all};

use tokio::time::sleep;

use super::{Handle, Handled};
use crate::authority::{Backoff, Change, OwnerSecret, encoded};
use crate::call::Call;

/// Bytes of a passphrase.
const LONGEST: usize = 1024;

impl Handle<all::SessionOpen> for Call {
    async fn handle(self: &Arc<Self>, params: api::OpenSession) -> Result<Handled<api::Session>, Error> {
        self.open(params).await.map(Handled::Done)
    }
}

impl Handle<all::SessionUnlock> for Call {
    async fn handle(self: &Arc<Self>, params: api::Unlock) -> Result<Handled<api::Session>, Error> {
        let passphrase = checked(params.passphrase)?;
        let guard = self.authority.guards.enter(self.peer(), Time::now().millis())?;
        // In the order in which they came, so that no process keeps the owner out.
        let attempt = self.authority.guards.turn().await;
        let before = self.authority.state().backoff;
        sleep(before.pause(Time::now().millis())).await;
        let secret = self.authority.state().owner.clone().ok_or_else(|| {
            Error::new(Kind::WrongState, "the owner has no passphrase yet").hint("owner.passphrase sets one")
        })?;
        let right = blocking(move || secret.is(&passphrase.0)).await?;
        let next = if right {
            Backoff::default()
        } else {
            guard.failed(Time::now().millis());
            before.failed(Time::now().millis())
        };
        if next != before {
            let turn = self.turn().await;
            let change = Change {
                records: vec![("owner/backoff".to_owned(), encoded(&next)?)],
                ..Change::default()
            };
            self.change(&turn, change, |state| state.backoff = next).await?;
        }
        drop(attempt);
        if right {
            return Ok(Handled::Done(self.unlocked()));
        }
        Err(Error::new(Kind::WrongKey, "that is not the owner's passphrase").hint("try again"))
    }
}

impl Handle<all::OwnerPassphrase> for Call {
    async fn handle(self: &Arc<Self>, params: api::SetPassphrase) -> Result<Handled<api::Done>, Error> {
        let passphrase = checked(params.passphrase)?;
        if self
            .authority
            .state()
            .owner
            .as_ref()
            .is_some_and(|secret| secret.is_of_store)
        {
            let message = "the store opens with a passphrase, and that is the owner's";
            return Err(Error::new(Kind::WrongState, message).hint("agents can be added: sotto agents add"));
        }
        let secret = blocking(move || OwnerSecret::chosen(&passphrase.0)).await?;
        // Not while a try compares with the one before.
        let _comparing = self.authority.guards.turn().await;
        let turn = self.turn().await;
        let change = Change {
            records: vec![("owner/secret".to_owned(), encoded(&secret)?)],
            ..Change::default()
        };
        self.change(&turn, change, |state| state.owner = Some(secret)).await?;
        Ok(Handled::Done(api::Done {}))
    }
}

fn checked(passphrase: Secret) -> Result<Secret, Error> {
    if (1..=LONGEST).contains(&passphrase.0.len()) {
        return Ok(passphrase);
    }
    Err(Error::invalid(format!("passphrase must be 1 to {LONGEST} bytes")))
}

/// Argon2id takes a moment, in which the daemon serves others.
async fn blocking<T: Send + 'static>(derive: impl FnOnce() -> Result<T, Error> + Send + 'static) -> Result<T, Error> {
    tokio::task::spawn_blocking(derive)
        .await
        .unwrap_or_else(|_| Err(Error::internal("the thread for passphrases has ended")))
}

#[cfg(test)]
mod tests {
    use tokio::task::yield_now;

    use super::*;
    use crate::call::Session;
    use crate::tests::daemon;

    #[tokio::test]
    async fn a_passphrase_that_was_changed_while_a_try_waited_unlocks_nothing() {
        let (daemon, _profile, _folder) = daemon().await;
        let service = daemon.service.clone();
        let set = |passphrase| {
            let secret = OwnerSecret::chosen(passphrase).expect("chosen");
            service.authority.state().owner = Some(secret);
        };
        let call = Arc::new(Call::new(&service, &Arc::new(Session::new(Some(1)))));
        let unlock = |passphrase: &str| {
            let passphrase = Secret(passphrase.to_owned());
            Handle::<all::SessionUnlock>::handle(&call, api::Unlock { passphrase })
        };
        set("old");
        let turn = service.authority.guards.turn().await;
        let change = async {
            yield_now().await;
            set("new");
            drop(turn);
        };
        let (tried, ()) = tokio::join!(unlock("old"), change);
        assert_eq!(tried.map(drop).expect_err("it is the old one").kind(), Kind::WrongKey);
        unlock("new").await.map(drop).expect("the owner's");
        drop((call, service));
        daemon.stop();
        daemon.finished().await.expect("in order");
    }
}
