//! What the driver wants of tokio.

use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixListener;
use std::path::PathBuf;
use std::time::Duration;

use futures::future::BoxFuture;
use sotto_io::{Dialling, Incoming, Runtime, Watch};

use crate::{local, timer};

/// The tokio runtime that polls.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tokio;

impl Runtime for Tokio {
    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        Box::pin(tokio::time::sleep(duration))
    }

    fn watch(&self, descriptor: OwnedFd) -> io::Result<Watch> {
        timer::watch(descriptor)
    }

    fn connect(&self, path: PathBuf) -> Dialling {
        Box::pin(local::connect(path))
    }

    fn accept(&self, socket: UnixListener) -> io::Result<Incoming> {
        local::accept(socket)
    }
}
