//! [`Client`] for programs without a runtime: each call blocks the thread until it is answered.

use std::fmt;
use std::path::Path;
use std::time::Duration;

use sotto_api::{Error, Event, Kind, Method, Secret, Session, Unlock, all};
use tokio::runtime::{Builder, Runtime};

/// How often the owner is asked for the passphrase.
const TRIES: u32 = 3;

/// Asks the owner for the passphrase.
type AskOwner = Box<dyn Fn() -> Result<Secret, Error>>;

/// A connection to a daemon. Must not be used inside an async task: use [`crate::Client`] there.
pub struct Client {
    connection: crate::Client,
    runtime: Runtime,
    ask_owner: Option<AskOwner>,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("connection", &self.connection)
            .finish_non_exhaustive()
    }
}

impl Client {
    /// Connects to the daemon that listens at `socket`.
    pub fn connect(socket: &Path) -> Result<Self, Error> {
        let runtime = Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| Error::io("no runtime", &error))?;
        let connection = runtime.block_on(crate::Client::connect(socket))?;
        Ok(Self {
            connection,
            runtime,
            ask_owner: None,
        })
    }

    /// From now on, a request that needs the owner's rights asks for the passphrase, unlocks the session and is repeated.
    pub fn ask_owner(&mut self, ask: impl Fn() -> Result<Secret, Error> + 'static) {
        self.ask_owner = Some(Box::new(ask));
    }

    /// Says which surface this connection is, and with whose token.
    pub fn open_session(&mut self, surface: &str, token: Option<Secret>) -> Result<Session, Error> {
        self.runtime.block_on(self.connection.open_session(surface, token))
    }

    /// Sends a request and waits for its answer.
    pub fn call<M: Method>(&mut self, params: &M::Params) -> Result<M::Result, Error> {
        match self.runtime.block_on(self.connection.call::<M>(params)) {
            Err(error) if error.kind() == Kind::OwnerRequired && self.ask_owner.is_some() => {
                self.unlock()?;
                self.runtime.block_on(self.connection.call::<M>(params))
            }
            outcome => outcome,
        }
    }

    fn unlock(&mut self) -> Result<(), Error> {
        let mut tries = 0;
        loop {
            let Some(ask) = &self.ask_owner else { return Ok(()) };
            let params = Unlock { passphrase: ask()? };
            tries += 1;
            match self
                .runtime
                .block_on(self.connection.call::<all::SessionUnlock>(&params))
            {
                Ok(_) => return Ok(()),
                Err(error) if error.kind() == Kind::WrongKey && tries < TRIES => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// As [`call`](Self::call), but waits no longer than `patience`.
    pub fn call_within<M: Method>(&mut self, params: &M::Params, patience: Duration) -> Result<M::Result, Error> {
        self.runtime
            .block_on(self.connection.call_within::<M>(params, patience))
    }

    /// The process of the daemon, where the operating system tells it.
    pub const fn process(&self) -> Option<u32> {
        self.connection.process()
    }

    /// The next event of a subscription; waits for it.
    pub fn event(&mut self) -> Result<Event, Error> {
        self.runtime.block_on(self.connection.event())
    }

    /// Whether the next event is here already.
    pub fn has_event(&self) -> bool {
        self.connection.has_event()
    }
}
