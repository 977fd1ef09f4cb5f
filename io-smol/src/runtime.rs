//! The driver's [`Runtime`], implemented on smol.

use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixListener;
use std::path::PathBuf;
use std::time::Duration;

use futures::future::{BoxFuture, FutureExt as _};
use smol::Timer;
use sotto_io::{AsyncDescriptor, DialFuture, Incoming, Runtime};

use crate::{descriptor, local};

/// smol, whose timers and sockets work on any executor.
#[derive(Clone, Copy, Debug, Default)]
pub struct Smol;

impl Runtime for Smol {
    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        Timer::after(duration).map(drop).boxed()
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
