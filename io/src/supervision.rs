//! [`open`] starts a node and supervises it: after a run that ends with a transient error (a full disk, say), the next run
//! begins on the durable rows, after a delay that doubles. A permanent error ends the node.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::StreamExt as _;
use sotto_core::row::RowStore;
use sotto_core::{Limits, Machine, Node};

use crate::driver::Driver;
use crate::environment::{Environment, NodeFactory, OpenedNode};
use crate::handle::HandleRequest;
use crate::runtime::first_of;
use crate::store_thread::StoreThread;
use crate::{DriverError, ListenError, NodeHandle, Runtime, Transport};

const FIRST_DELAY: Duration = Duration::from_secs(1);
const LONGEST_DELAY: Duration = Duration::from_mins(1);

/// What a node runs with.
pub struct NodeConfig<S> {
    /// An open store, new or not.
    pub store: S,
    /// Carries the node's links.
    pub transport: Arc<dyn Transport>,
    /// The node's limits.
    pub limits: Limits,
}

impl<S: RowStore> NodeConfig<S> {
    /// With the recommended limits.
    pub fn new(store: S, transport: impl Transport) -> Self {
        Self {
            store,
            transport: Arc::new(transport),
            limits: Limits::default(),
        }
    }
}

impl<S> fmt::Debug for NodeConfig<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NodeConfig")
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

/// Opens a node, which listens when this returns. Every error of the start is returned here.
///
/// Run the returned future on `runtime`, at once: it drives the node. It ends after [`NodeHandle::shutdown`], when the last
/// handle is dropped, or with a permanent error. Dropping it is a crash, as far as the node can tell; the store is closed by
/// the time that the future is gone.
pub async fn open<S: RowStore>(
    config: NodeConfig<S>,
    runtime: impl Runtime,
) -> Result<
    (
        NodeHandle,
        impl Future<Output = Result<(), DriverError<S::Error>>> + Send,
    ),
    DriverError<S::Error>,
> {
    let factory = |image, entropy, limits, now| {
        let node: Node = Node::open(image, entropy, limits, now)?;
        Ok(Box::new(node) as Box<dyn Machine>)
    };
    open_with(config, runtime, Arc::new(factory)).await
}

/// As [`open`], with `node_factory` in place of [`Node::open`], so that a test can observe the node or script it.
pub async fn open_with<S: RowStore>(
    config: NodeConfig<S>,
    runtime: impl Runtime,
    node_factory: Arc<NodeFactory>,
) -> Result<
    (
        NodeHandle,
        impl Future<Output = Result<(), DriverError<S::Error>>> + Send,
    ),
    DriverError<S::Error>,
> {
    let (handle, inbox) = NodeHandle::new();
    let mut environment = Environment {
        store: StoreThread::spawn(config.store).map_err(DriverError::Thread)?,
        transport: config.transport,
        limits: config.limits,
        node_factory,
        runtime: Arc::new(runtime),
        inbox,
    };
    let opened = environment.open().await?;
    Ok((handle, supervise(environment, opened)))
}

async fn supervise<S: RowStore>(
    mut environment: Environment<S>,
    opened: OpenedNode,
) -> Result<(), DriverError<S::Error>> {
    let mut opened = Ok(opened);
    let mut delay = FIRST_DELAY;
    loop {
        let started = Instant::now();
        let error = match run(&mut environment, opened).await {
            Ok(()) => break,
            Err(error) if !is_transient::<S>(&error) => return Err(error),
            Err(error) => error,
        };
        if started.elapsed() > LONGEST_DELAY {
            delay = FIRST_DELAY;
        }
        tracing::error!(%error, ?delay, "the node stopped and will be opened again");
        if shutdown_requested_within(&mut environment, delay).await {
            break;
        }
        delay = (delay * 2).min(LONGEST_DELAY);
        opened = environment.open().await;
    }
    environment.store.close().await.map_err(DriverError::Store)
}

async fn run<S: RowStore>(
    environment: &mut Environment<S>,
    opened: Result<OpenedNode, DriverError<S::Error>>,
) -> Result<(), DriverError<S::Error>> {
    let driver = Driver::new(environment, opened?);
    driver.run().await.map_err(DriverError::Store)
}

/// Whether to open the node again after this error.
fn is_transient<S: RowStore>(error: &DriverError<S::Error>) -> bool {
    match error {
        DriverError::Store(error) => S::is_transient(error),
        DriverError::Listen(error) => matches!(error, ListenError::Io { .. }),
        DriverError::DeadlineTimer(_) => true,
        DriverError::Open(_) | DriverError::Entropy(_) | DriverError::Thread(_) => false,
    }
}

/// Waits between two runs. Commands that arrive meanwhile fail with [`Stopped`](crate::Stopped), because their reply
/// channels are dropped.
async fn shutdown_requested_within<S: RowStore>(environment: &mut Environment<S>, delay: Duration) -> bool {
    let requests = &mut environment.inbox.requests;
    let shutdown = async {
        while let Some(HandleRequest::Command(..)) = requests.next().await {}
        true
    };
    let elapsed = async {
        environment.runtime.sleep(delay).await;
        false
    };
    first_of(shutdown, elapsed).await
}
