//! The same tests on every runtime: each is an `async fn` of a [`Host`], listed in [`on_each_runtime`].

use std::future::Future;
use std::panic::resume_unwind;
use std::time::Duration;

use futures::future::{Either, select};
use sotto_io::{Config, DriverError, Local, NodeHandle, Runtime};

/// Longer than anything takes here.
const PATIENCE: Duration = Duration::from_mins(2);

/// A runtime, as tests use it.
pub trait Host: 'static {
    /// As a driver uses it.
    type Runtime: Runtime + Default;
    /// A node that runs.
    type Task: Send;

    fn block_on<T>(test: impl Future<Output = T>) -> T;

    fn start(config: Config) -> impl Future<Output = Result<(NodeHandle, Self::Task), DriverError>>;

    /// How a node ended. Its panic goes on here.
    fn join(task: Self::Task) -> impl Future<Output = Result<(), DriverError>>;

    /// Returns when a node is no more, wherever it was.
    fn kill(task: Self::Task) -> impl Future<Output = ()>;

    /// Runs something on a thread of its own, at once.
    fn unblock<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> impl Future<Output = T>;

    fn local(directory: impl Into<std::path::PathBuf>) -> Local<Self::Runtime> {
        Local::new(directory)
    }

    fn sleep(duration: Duration) -> impl Future<Output = ()> {
        Self::Runtime::default().sleep(duration)
    }

    /// `None` if it takes longer than `limit`.
    fn within<T>(limit: Duration, wait: impl Future<Output = T>) -> impl Future<Output = Option<T>> {
        async move {
            match select(std::pin::pin!(wait), std::pin::pin!(Self::sleep(limit))).await {
                Either::Left((done, _)) => Some(done),
                Either::Right(_) => None,
            }
        }
    }

    fn run(test: impl Future<Output = ()>) {
        Self::block_on(async { Self::within(PATIENCE, test).await.expect("ends in time") });
    }
}

pub struct Tokio;

impl Host for Tokio {
    type Runtime = sotto_io_tokio::Tokio;
    type Task = tokio::task::JoinHandle<Result<(), DriverError>>;

    fn block_on<T>(test: impl Future<Output = T>) -> T {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.expect("a runtime").block_on(test)
    }

    async fn start(config: Config) -> Result<(NodeHandle, Self::Task), DriverError> {
        sotto_io_tokio::start(config).await
    }

    async fn join(task: Self::Task) -> Result<(), DriverError> {
        task.await.unwrap_or_else(|error| resume_unwind(error.into_panic()))
    }

    async fn kill(task: Self::Task) {
        task.abort();
        assert!(task.await.expect_err("aborted").is_cancelled());
    }

    async fn unblock<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
        tokio::task::spawn_blocking(work).await.expect("no panic")
    }
}

pub struct Smol;

impl Host for Smol {
    type Runtime = sotto_io_smol::Smol;
    type Task = smol::Task<Result<(), DriverError>>;

    fn block_on<T>(test: impl Future<Output = T>) -> T {
        smol::block_on(test)
    }

    async fn start(config: Config) -> Result<(NodeHandle, Self::Task), DriverError> {
        sotto_io_smol::start(config).await
    }

    async fn join(task: Self::Task) -> Result<(), DriverError> {
        task.await
    }

    async fn kill(task: Self::Task) {
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
            use crate::support::{Host as _, Tokio};
            $(#[test] fn $test() { Tokio::run(super::$test::<Tokio>()); })*
        }
        mod on_smol {
            use crate::support::{Host as _, Smol};
            $(#[test] fn $test() { Smol::run(super::$test::<Smol>()); })*
        }
    };
}
pub(crate) use on_each_runtime;
