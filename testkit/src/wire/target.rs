//! How the suite reaches what it tests: a way to open byte streams, and nothing else.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::time::Duration;

/// The way to an implementation. Each call opens a stream of its own to the place where peers reach it.
pub trait Target {
    /// Opens a stream.
    fn open(&self) -> io::Result<Box<dyn Stream>>;
}

impl<F> Target for F
where
    F: Fn() -> io::Result<Box<dyn Stream>>,
{
    fn open(&self) -> io::Result<Box<dyn Stream>> {
        self()
    }
}

/// An ordered byte stream. Dropping it ends it.
pub trait Stream: Read + Write + Send {
    /// From now on a read or a write that cannot go on for so long fails, as `WouldBlock` or `TimedOut`.
    fn set_patience(&mut self, patience: Duration) -> io::Result<()>;
}

impl Stream for UnixStream {
    fn set_patience(&mut self, patience: Duration) -> io::Result<()> {
        self.set_read_timeout(Some(patience))?;
        self.set_write_timeout(Some(patience))
    }
}

impl Stream for TcpStream {
    fn set_patience(&mut self, patience: Duration) -> io::Result<()> {
        self.set_read_timeout(Some(patience))?;
        self.set_write_timeout(Some(patience))
    }
}
