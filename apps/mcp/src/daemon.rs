//! [`Daemon`]: the connections to a profile's daemon. One is made when a request needs it and kept for the next request, so
//! the server starts without a daemon, and goes on after the daemon was restarted.

use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use sotto_api::{Error, Kind, Method, Session};
use sotto_client::{Client, Profile, read_token};

/// Idle connections that are kept. Each call under way has one of its own, for a connection carries one request at a time.
const IDLE: usize = 4;

/// What this client says it is: without a token, it only reads.
const SURFACE: &str = "mcp";

/// The daemon of one profile.
#[derive(Debug)]
pub(crate) struct Daemon {
    profile: Profile,
    /// The file of the agent's token.
    token_file: Option<PathBuf>,
    idle: Mutex<Vec<Client>>,
    /// On whose behalf the latest connection speaks.
    session: Mutex<Option<Session>>,
}

impl Daemon {
    pub fn of(profile: Profile, token_file: Option<PathBuf>) -> Self {
        Self {
            profile,
            token_file,
            idle: Mutex::default(),
            session: Mutex::default(),
        }
    }

    /// Whether the question that the client asks the person counts.
    pub fn asks_in_client(&self) -> bool {
        let session = self.session.lock().unwrap_or_else(PoisonError::into_inner);
        session.as_ref().is_some_and(|session| session.ask_in_client)
    }

    /// Sends a request and waits for its answer. A connection that broke since its last use is replaced. A request that may
    /// have been carried out before the connection broke is sent again only if it comes to the same when it is carried out twice.
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
                Err(error) if error.kind() == Kind::NoDaemon && error.data.retryable && !fresh => {}
                Err(error) if matches!(error.kind(), Kind::NoDaemon | Kind::Lagged) => return Err(error),
                outcome => {
                    self.keep(client);
                    return outcome;
                }
            }
        }
    }

    /// A connection for requests that belong together.
    pub async fn connect(&self) -> Result<Client, Error> {
        let connected = Client::connect(&self.profile.socket()).await;
        let mut client = connected.map_err(|error| match error.kind() {
            Kind::NoDaemon if !self.profile.exists() => {
                error.hint("sotto init makes an identity, sotto daemon start its daemon")
            }
            _ => error,
        })?;
        let token = self.token_file.as_deref().map(read_token).transpose()?;
        let session = client.open_session(SURFACE, token).await?;
        *self.session.lock().unwrap_or_else(PoisonError::into_inner) = Some(session);
        Ok(client)
    }

    fn keep(&self, client: Client) {
        let mut idle = self.idle();
        if idle.len() < IDLE {
            idle.push(client);
        }
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Client>> {
        // The lock is held for a push or a pop only, which leave the list whole.
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
