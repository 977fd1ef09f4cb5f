//! [`TestRuntime`]: what a test needs of an async runtime. Each test is an `async fn` that is generic over it, and
//! [`on_each_runtime`] makes one `#[test]` of it for tokio and one for smol.

use std::future::Future;
use std::panic::resume_unwind;
use std::path::PathBuf;
use std::time::Duration;

use futures::future::{Either, select};
use sotto_core::row::RowStore;
use sotto_io::{DriverError, Local, NodeConfig, NodeHandle, Runtime};

/// Longer than any test here takes.
const PATIENCE: Duration = Duration::from_mins(2);

/// What [`TestRuntime::start`] returns.
pub type Started<R, E> = Result<(NodeHandle, <R as TestRuntime>::Task<E>), DriverError<E>>;

pub trait TestRuntime: Sized + 'static {
    /// The runtime as the driver uses it.
    type Runtime: Runtime + Default;
    /// A running node on a store whose error is `E`.
    type Task<E: Send + 'static>: Send;

    fn block_on<T>(test: impl Future<Output = T>) -> T;

    fn start<S: RowStore>(config: NodeConfig<S>) -> impl Future<Output = Started<Self, S::Error>>;

    /// How a node ended. A panic of the node is a panic here.
    fn join<E: Send + 'static>(task: Self::Task<E>) -> impl Future<Output = Result<(), DriverError<E>>>;

    /// Cancels a node at whatever it awaits, and returns when it is gone.
    fn kill<E: Send + 'static>(task: Self::Task<E>) -> impl Future<Output = ()>;

    /// Runs a blocking function on a thread of its own.
    fn unblock<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> impl Future<Output = T>;

    fn local(directory: impl Into<PathBuf>) -> Local<Self::Runtime> {
        Local::new(directory)
    }

    fn sleep(duration: Duration) -> impl Future<Output = ()> {
        Self::Runtime::default().sleep(duration)
    }

    /// `None` if the future takes longer than `limit`.
    fn within<T>(limit: Duration, future: impl Future<Output = T>) -> impl Future<Output = Option<T>> {
        async move {
            match select(std::pin::pin!(future), std::pin::pin!(Self::sleep(limit))).await {
                Either::Left((value, _)) => Some(value),
                Either::Right(_) => None,
            }
        }
    }

    fn run(test: impl Future<Output = ()>) {
        Self::block_on(async { Self::within(PATIENCE, test).await.expect("the test ends in time") });
    }
}

pub struct Tokio;

impl TestRuntime for Tokio {
    type Runtime = sotto_io_tokio::Tokio;
    type Task<E: Send + 'static> = tokio::task::JoinHandle<Result<(), DriverError<E>>>;

    fn block_on<T>(test: impl Future<Output = T>) -> T {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.expect("a runtime").block_on(test)
    }

    async fn start<S: RowStore>(config: NodeConfig<S>) -> Started<Self, S::Error> {
        sotto_io_tokio::start(config).await
    }

    async fn join<E: Send + 'static>(task: Self::Task<E>) -> Result<(), DriverError<E>> {
        task.await.unwrap_or_else(|error| resume_unwind(error.into_panic()))
    }

    async fn kill<E: Send + 'static>(task: Self::Task<E>) {
        task.abort();
        assert!(task.await.is_err_and(|error| error.is_cancelled()), "cancelled");
    }

    async fn unblock<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
        tokio::task::spawn_blocking(work).await.expect("no panic")
    }
}

pub struct Smol;

impl TestRuntime for Smol {
    type Runtime = sotto_io_smol::Smol;
    type Task<E: Send + 'static> = smol::Task<Result<(), DriverError<E>>>;

    fn block_on<T>(test: impl Future<Output = T>) -> T {
        smol::block_on(test)
    }

    async fn start<S: RowStore>(config: NodeConfig<S>) -> Started<Self, S::Error> {
        sotto_io_smol::start(config).await
    }

    async fn join<E: Send + 'static>(task: Self::Task<E>) -> Result<(), DriverError<E>> {
        task.await
    }

    async fn kill<E: Send + 'static>(task: Self::Task<E>) {
        assert!(task.cancel().await.is_none(), "cancelled");
    }

    async fn unblock<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
        smol::unblock(work).await
    }
}

/// One test of each name on each runtime.
macro_rules! on_each_runtime {
    ($($test:ident),* $(,)?) => {
        mod on_tokio {
            use crate::test_runtime::{TestRuntime as _, Tokio};
            $(#[test] fn $test() { Tokio::run(super::$test::<Tokio>()); })*
        }
        mod on_smol {
            use crate::test_runtime::{Smol, TestRuntime as _};
            $(#[test] fn $test() { Smol::run(super::$test::<Smol>()); })*
        }
    };
}
pub(crate) use on_each_runtime;
