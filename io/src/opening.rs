//! How a run begins: a node is opened on what is durable, and listens under its address.

use std::sync::Arc;

use sotto_core::row::Image;
use sotto_core::{Entropy, Limits, Machine, Notice, Now, OpenError, Output};

use crate::clock::Clock;
use crate::handle::Desk;
use crate::storage::StoreThread;
use crate::{DriverError, Listener, Runtime, Timer, Transport};

/// As [`Node::open`](sotto_core::Node::open), or what tests have in its place.
pub type Open = dyn Fn(Image, Entropy, Limits, Now) -> Result<Box<dyn Machine>, OpenError> + Send + Sync;

/// What a node is run with, one run after the other.
pub(crate) struct Means {
    pub storage: StoreThread,
    pub transport: Arc<dyn Transport>,
    pub limits: Limits,
    pub open: Arc<Open>,
    pub runtime: Arc<dyn Runtime>,
    // Last, so that a shutdown is over when the store is closed.
    pub desk: Desk,
}

/// A node about to run.
pub(crate) struct Opened {
    pub node: Box<dyn Machine>,
    pub clock: Clock,
    pub timer: Timer,
    pub listener: Box<dyn Listener>,
}

impl Means {
    /// Begins a run.
    pub async fn open(&mut self) -> Result<Opened, DriverError> {
        let mut clock = Clock::default();
        let mut image = self.storage.image().await?;
        if image.identity.is_none() {
            image = self.bear(image, &mut clock).await?;
        }
        let identity = image.identity.as_ref().ok_or(OpenError::Damaged("identity"))?;
        let listener = self.transport.listen(identity)?;
        // What an earlier run made durable without coming to tell.
        self.desk.notify(Notice::Logged(image.last_event));
        Ok(Opened {
            node: self.wake(image, &mut clock)?,
            clock,
            timer: Timer::new(&self.runtime).map_err(DriverError::Timer)?,
            listener,
        })
    }

    /// A first start is a node that crashes right after its first commit: the identity is durable before anything
    /// listens under its address, and every other start is the same.
    async fn bear(&mut self, image: Image, clock: &mut Clock) -> Result<Image, DriverError> {
        let mut newborn = self.wake(image, clock)?;
        while let Some(output) = newborn.poll() {
            if let Output::Commit(id, batch) = output {
                self.storage.commit(id, batch);
                self.storage.next().await?;
            }
        }
        Ok(self.storage.image().await?)
    }

    fn wake(&self, image: Image, clock: &mut Clock) -> Result<Box<dyn Machine>, DriverError> {
        Ok((self.open)(image, entropy()?, self.limits.clone(), clock.now())?)
    }
}

fn entropy() -> Result<Entropy, DriverError> {
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).map_err(DriverError::Entropy)?;
    Ok(Entropy::from_seed(seed))
}
