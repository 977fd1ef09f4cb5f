//! How the suite reaches what it tests: a way to open byte streams, and nothing else.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use sotto_core::OnionAddress;

/// Virtual port of a Tor onion service at which it takes links [L-1].
const PORT: u16 = 7688;
/// Streams that share a circuit.
const SHARE: u32 = 4;
/// How long a SOCKS proxy may take to get through to an onion service.
const CONNECT: Duration = Duration::from_mins(2);

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

/// An implementation that listens on a Unix socket.
pub struct Socket(pub PathBuf);

impl Target for Socket {
    fn open(&self) -> io::Result<Box<dyn Stream>> {
        Ok(Box::new(UnixStream::connect(&self.0)?))
    }
}

/// A Tor onion service, by way of whoever speaks SOCKS 5 (RFC 1928) to Tor.
pub struct Socks {
    proxy: SocketAddr,
    address: OnionAddress,
    opened: AtomicU32,
}

impl Socks {
    /// The service at `address`, by the proxy that listens at `proxy`.
    pub const fn new(proxy: SocketAddr, address: OnionAddress) -> Self {
        Self {
            proxy,
            address,
            opened: AtomicU32::new(0),
        }
    }

    /// A user's name and password (RFC 1929). Streams of one name share a circuit in Tor, and a service may close one that
    /// carries many: whoever links to a node needs but one stream.
    fn login(&self) -> Vec<u8> {
        let circuit = self.opened.fetch_add(1, Ordering::Relaxed) / SHARE;
        let name = circuit.to_be_bytes();
        [&[1, 4], &name[..], &[1, b'-']].concat()
    }

    /// Opens a stream.
    pub fn connect(&self) -> io::Result<TcpStream> {
        let mut stream = TcpStream::connect_timeout(&self.proxy, CONNECT)?;
        stream.set_nodelay(true)?;
        stream.set_patience(CONNECT)?;
        // Version 5, one way to authenticate: by name.
        let mut answers = [0; 2];
        exchange(&mut stream, &[5, 1, 2], &mut answers)?;
        if answers == [5, 2] {
            exchange(&mut stream, &self.login(), &mut answers)?;
        }
        if answers != [1, 0] {
            return Err(io::Error::other("the SOCKS proxy takes no names, or is none"));
        }
        // CONNECT to a name; the answer holds an IPv4 address.
        let name = self.address.to_string();
        let length = u8::try_from(name.len()).map_err(io::Error::other)?;
        let request = [&[5, 1, 0, 3, length], name.as_bytes(), &PORT.to_be_bytes()].concat();
        let mut answer = [0; 10];
        exchange(&mut stream, &request, &mut answer)?;
        match answer[1] {
            0 => Ok(stream),
            code => Err(io::Error::other(format!(
                "Tor does not get through: SOCKS reply {code:#04x}"
            ))),
        }
    }
}

impl Target for Socks {
    fn open(&self) -> io::Result<Box<dyn Stream>> {
        Ok(Box::new(self.connect()?))
    }
}

fn exchange(stream: &mut TcpStream, said: &[u8], answer: &mut [u8]) -> io::Result<()> {
    stream.write_all(said)?;
    stream.read_exact(answer)
}
