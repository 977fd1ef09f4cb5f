//! Reads from a descriptor when smol's reactor reports that it is readable.

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;

use smol::Async;
use sotto_io::AsyncDescriptor;

pub(crate) fn register(descriptor: OwnedFd) -> io::Result<AsyncDescriptor> {
    Ok(Box::new(Async::new_nonblocking(File::from(descriptor))?))
}
