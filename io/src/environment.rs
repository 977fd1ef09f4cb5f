//! [`Environment`]: everything that a node runs with. It outlives the runs of a node; each run begins with
//! [`Environment::open`], which opens a node on the durable rows and listens under its address.

use std::sync::Arc;

use sotto_core::row::{Image, RowStore};
use sotto_core::{Entropy, Limits, Machine, Notice, Now, OpenError, Output};

use crate::clock::Clock;
use crate::handle::HandleInbox;
use crate::store_thread::StoreThread;
use crate::{DeadlineTimer, DriverError, Listener, Runtime, Transport};

/// Opens a node: [`Node::open`](sotto_core::Node::open), or a test's substitute for it.
pub type NodeFactory = dyn Fn(Image, Entropy, Limits, Now) -> Result<Box<dyn Machine>, OpenError> + Send + Sync;

pub(crate) struct Environment<S: RowStore> {
    pub store: StoreThread<S>,
    pub transport: Arc<dyn Transport>,
    pub limits: Limits,
    pub node_factory: Arc<NodeFactory>,
    pub runtime: Arc<dyn Runtime>,
    // The last field, so that `NodeHandle::shutdown` returns after the store is closed.
    pub inbox: HandleInbox,
}

/// A node that is about to run, with what belongs to this run alone.
pub(crate) struct OpenedNode {
    pub node: Box<dyn Machine>,
    pub clock: Clock,
    pub timer: DeadlineTimer,
    pub listener: Box<dyn Listener>,
}

impl<S: RowStore> Environment<S> {
    /// Begins a run.
    pub async fn open(&mut self) -> Result<OpenedNode, DriverError<S::Error>> {
        let mut clock = Clock::default();
        let mut image = self.store.image().await.map_err(DriverError::Store)?;
        if image.identity.is_none() {
            image = self.create_identity(image, &mut clock).await?;
        }
        let identity = image.identity.as_ref().ok_or(OpenError::Damaged("identity"))?;
        let listener = self.transport.listen(identity)?;
        // An earlier run may have made events durable and ended before it sent their notice.
        self.inbox.notify(Notice::Logged(image.last_event));
        let opened = OpenedNode {
            node: self.open_node(image, &mut clock)?,
            clock,
            timer: DeadlineTimer::new(&self.runtime).map_err(DriverError::DeadlineTimer)?,
            listener,
        };
        self.inbox.notify_opened();
        Ok(opened)
    }

    /// Runs a new node up to its first commit, as if it crashed right after it. The identity is durable before the node
    /// listens under its address, and the first start needs no path of its own.
    async fn create_identity(&mut self, image: Image, clock: &mut Clock) -> Result<Image, DriverError<S::Error>> {
        let mut node = self.open_node(image, clock)?;
        while let Some(output) = node.poll() {
            if let Output::Commit(id, batch) = output {
                self.store.commit(id, batch);
                self.store.next().await.map_err(DriverError::Store)?;
            }
        }
        self.store.image().await.map_err(DriverError::Store)
    }

    fn open_node(&self, image: Image, clock: &mut Clock) -> Result<Box<dyn Machine>, DriverError<S::Error>> {
        let mut seed = [0; 32];
        getrandom::fill(&mut seed).map_err(DriverError::Entropy)?;
        let entropy = Entropy::from_seed(seed);
        Ok((self.node_factory)(image, entropy, self.limits.clone(), clock.now())?)
    }
}
