//! [`Runtime`]: the four things that the driver needs from an async runtime, because a future cannot do them by itself. The
//! rest of the driver is plain futures, which run wherever they are polled.

use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixListener;
use std::path::PathBuf;
use std::pin::pin;
use std::time::Duration;

use futures::future::{BoxFuture, select};
use futures::io::AsyncRead;
use futures::stream::BoxStream;

use crate::{DialFuture, Stream};

/// A runtime, or a handle to one.
pub trait Runtime: Send + Sync + 'static {
    /// Ends after `duration`. It need not count the time in which the machine was suspended.
    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()>;

    /// Registers a nonblocking descriptor with the runtime; a read then waits until the descriptor is readable.
    fn register(&self, descriptor: OwnedFd) -> io::Result<AsyncDescriptor>;

    /// Connects to a Unix socket.
    fn connect(&self, path: PathBuf) -> DialFuture;

    /// Accepts connections of a nonblocking Unix socket. The stream of connections has no end.
    fn accept(&self, socket: UnixListener) -> io::Result<Incoming>;
}

/// A descriptor that is registered with a runtime.
pub type AsyncDescriptor = Box<dyn AsyncRead + Send + Unpin>;

/// Accepted connections. An error does not end them.
pub type Incoming = BoxStream<'static, io::Result<Stream>>;

/// Runs both futures until one ends. If both have ended, the result is that of `first`.
pub(crate) async fn first_of<T>(first: impl Future<Output = T>, second: impl Future<Output = T>) -> T {
    select(pin!(first), pin!(second)).await.factor_first().0
}
