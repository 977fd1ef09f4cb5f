//! What a driver wants of an async runtime: three things that a future cannot do by itself. Everything else here is
//! plain futures, which run wherever they are polled.

use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixListener;
use std::path::PathBuf;
use std::pin::pin;
use std::time::Duration;

use futures::future::{BoxFuture, select};
use futures::io::AsyncRead;
use futures::stream::BoxStream;

use crate::{Dialling, Stream};

/// A runtime, or a handle to one.
pub trait Runtime: Send + Sync + 'static {
    /// Ends when `duration` has passed. Need not count the time that the machine was suspended.
    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()>;

    /// Reads of a descriptor that does not block: they wait until it is readable.
    fn watch(&self, descriptor: OwnedFd) -> io::Result<Watch>;

    /// Connects to a Unix socket.
    fn connect(&self, path: PathBuf) -> Dialling;

    /// Accepts from a Unix socket that does not block, without an end.
    fn accept(&self, socket: UnixListener) -> io::Result<Incoming>;
}

/// A descriptor that a runtime watches.
pub type Watch = Box<dyn AsyncRead + Send + Unpin>;

/// Streams as they arrive. An error does not end them.
pub type Incoming = BoxStream<'static, io::Result<Stream>>;

/// Runs both until one ends; if both have, the first counts.
pub(crate) async fn either<T>(first: impl Future<Output = T>, second: impl Future<Output = T>) -> T {
    select(pin!(first), pin!(second)).await.factor_first().0
}
