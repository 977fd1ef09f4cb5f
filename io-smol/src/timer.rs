//! Reads of the driver's timer, when smol says that it is readable.

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;

use smol::Async;
use sotto_io::Watch;

pub(crate) fn watch(descriptor: OwnedFd) -> io::Result<Watch> {
    Ok(Box::new(Async::new_nonblocking(File::from(descriptor))?))
}
