//! [`Daemon`]: the connections to a profile's daemon. One is made when a request needs it and kept for the next request, so
//! the server starts without a daemon, and goes on after the daemon was restarted.

use std::sync::{Mutex, PoisonError};

use sotto_api::{Error, Kind, Method};
use sotto_client::{Client, Profile};

/// Idle connections that are kept. Each call under way has one of its own, for a connection carries one request at a time.
const IDLE: usize = 4;

/// The daemon of one profile.
#[derive(Debug)]
pub(crate) struct Daemon {
    profile: Profile,
    idle: Mutex<Vec<Client>>,
}

impl Daemon {
    pub fn of(profile: Profile) -> Self {
        Self {
            profile,
            idle: Mutex::default(),
        }
    }

    /// Sends a request and waits for its answer. A connection that broke since its last use is replaced. A request that may
    /// have been carried out before the connection broke is sent again: every method that is called here either reads, has
    /// an idempotency key, or comes to the same state.
    pub async fn call<M>(&self, params: &M::Params) -> Result<M::Result, Error>
    where
        M: Method<Params: Sync, Result: Send>,
    {
        loop {
            let idle = self.idle().pop();
            let fresh = idle.is_none();
            let mut client = match idle {
                Some(client) => client,
                None => self.connect().await?,
            };
            match client.call::<M>(params).await {
                Err(error) if error.kind() == Kind::NoDaemon && !fresh => {}
                Err(error) if matches!(error.kind(), Kind::NoDaemon | Kind::Lagged) => return Err(error),
                outcome => {
                    self.keep(client);
                    return outcome;
                }
            }
        }
    }

    async fn connect(&self) -> Result<Client, Error> {
        Client::connect(&self.profile.socket())
            .await
            .map_err(|error| match error.kind() {
                Kind::NoDaemon if !self.profile.exists() => {
                    error.hint("sotto init makes an identity, sotto daemon start its daemon")
                }
                _ => error,
            })
    }

    fn keep(&self, client: Client) {
        let mut idle = self.idle();
        if idle.len() < IDLE {
            idle.push(client);
        }
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Client>> {
        // The lock is held for a push or a pop only, which leave the list whole.
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
