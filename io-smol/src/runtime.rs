//! What the driver wants of smol.

use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixListener;
use std::path::PathBuf;
use std::time::Duration;

use futures::future::{BoxFuture, FutureExt as _};
use smol::Timer;
use sotto_io::{Dialling, Incoming, Runtime, Watch};

use crate::{local, timer};

/// smol, whose timers and sockets work on any executor.
#[derive(Clone, Copy, Debug, Default)]
pub struct Smol;

impl Runtime for Smol {
    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        Timer::after(duration).map(drop).boxed()
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
