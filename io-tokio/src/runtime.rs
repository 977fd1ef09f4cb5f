//! The driver's [`Runtime`], implemented on tokio.

use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixListener;
use std::path::PathBuf;
use std::time::Duration;

use futures::future::BoxFuture;
use sotto_io::{AsyncDescriptor, DialFuture, Incoming, Runtime};

use crate::{descriptor, local};

/// The tokio runtime in whose context the driver is polled.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tokio;

impl Runtime for Tokio {
    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        Box::pin(tokio::time::sleep(duration))
    }

    fn register(&self, descriptor: OwnedFd) -> io::Result<AsyncDescriptor> {
        descriptor::register(descriptor)
    }

    fn connect(&self, path: PathBuf) -> DialFuture {
        Box::pin(local::connect(path))
    }

    fn accept(&self, socket: UnixListener) -> io::Result<Incoming> {
        local::accept(socket)
    }
}
