//! [`Client`] for programs without a runtime: each call blocks the thread until it is answered.

use std::path::Path;
use std::time::Duration;

use sotto_api::{Error, Event, Method};
use tokio::runtime::{Builder, Runtime};

/// A connection to a daemon. Must not be used inside an async task: use [`crate::Client`] there.
#[derive(Debug)]
pub struct Client {
    client: crate::Client,
    runtime: Runtime,
}

impl Client {
    /// Connects to the daemon that listens at `socket`.
    pub fn connect(socket: &Path) -> Result<Self, Error> {
        let runtime = Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| Error::io("no runtime", &error))?;
        let client = runtime.block_on(crate::Client::connect(socket))?;
        Ok(Self { client, runtime })
    }

    /// Sends a request and waits for its answer.
    pub fn call<M: Method>(&mut self, params: &M::Params) -> Result<M::Result, Error> {
        self.runtime.block_on(self.client.call::<M>(params))
    }

    /// As [`call`](Self::call), but waits no longer than `patience`.
    pub fn call_within<M: Method>(&mut self, params: &M::Params, patience: Duration) -> Result<M::Result, Error> {
        self.runtime.block_on(self.client.call_within::<M>(params, patience))
    }

    /// The process of the daemon, where the operating system tells it.
    pub const fn process(&self) -> Option<u32> {
        self.client.process()
    }

    /// The next event of a subscription; waits for it.
    pub fn event(&mut self) -> Result<Event, Error> {
        self.runtime.block_on(self.client.event())
    }

    /// Whether the next event is here already.
    pub fn has_event(&self) -> bool {
        self.client.has_event()
    }
}
