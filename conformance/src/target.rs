//! [`Target`]: how the suite opens byte streams to the implementation under test.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use sotto_core::OnionAddress;

/// Virtual port of a Tor onion service at which it takes links [L-1].
const PORT: u16 = 7688;
/// Streams on one circuit.
const STREAMS_PER_CIRCUIT: u32 = 4;
/// How long a SOCKS proxy may take to connect to an onion service.
const CONNECT: Duration = Duration::from_mins(2);

/// The way to an implementation. Each call opens a new stream to the place where peers connect.
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
    /// Makes a read or write that cannot proceed for this long fail, with `WouldBlock` or `TimedOut`.
    fn set_timeout(&mut self, timeout: Duration) -> io::Result<()>;
}

impl Stream for UnixStream {
    fn set_timeout(&mut self, timeout: Duration) -> io::Result<()> {
        self.set_read_timeout(Some(timeout))?;
        self.set_write_timeout(Some(timeout))
    }
}

impl Stream for TcpStream {
    fn set_timeout(&mut self, timeout: Duration) -> io::Result<()> {
        self.set_read_timeout(Some(timeout))?;
        self.set_write_timeout(Some(timeout))
    }
}

/// An implementation that listens on a Unix socket.
pub struct UnixTarget(pub PathBuf);

impl Target for UnixTarget {
    fn open(&self) -> io::Result<Box<dyn Stream>> {
        Ok(Box::new(UnixStream::connect(&self.0)?))
    }
}

/// A Tor onion service, reached through a SOCKS 5 proxy (RFC 1928) of a Tor client.
pub struct SocksTarget {
    proxy: SocketAddr,
    address: OnionAddress,
    opened: AtomicU32,
}

impl SocksTarget {
    /// The service at `address`, through the proxy at `proxy`.
    pub const fn new(proxy: SocketAddr, address: OnionAddress) -> Self {
        Self {
            proxy,
            address,
            opened: AtomicU32::new(0),
        }
    }

    /// User name and password (RFC 1929). In Tor, streams with one user name share a circuit, and a service may close a circuit
    /// with many streams: a peer needs only one.
    fn login(&self) -> Vec<u8> {
        let circuit = self.opened.fetch_add(1, Ordering::Relaxed) / STREAMS_PER_CIRCUIT;
        let name = circuit.to_be_bytes();
        [&[1, 4], &name[..], &[1, b'-']].concat()
    }

    /// Opens a stream.
    pub fn connect(&self) -> io::Result<TcpStream> {
        let mut stream = TcpStream::connect_timeout(&self.proxy, CONNECT)?;
        stream.set_nodelay(true)?;
        stream.set_timeout(CONNECT)?;
        // Version 5, with user name authentication only.
        let mut answers = [0; 2];
        exchange(&mut stream, &[5, 1, 2], &mut answers)?;
        if answers == [5, 2] {
            exchange(&mut stream, &self.login(), &mut answers)?;
        }
        if answers != [1, 0] {
            return Err(io::Error::other(
                "the SOCKS proxy does not support user names, or is no SOCKS proxy",
            ));
        }
        // CONNECT to a host name; the reply has an IPv4 address.
        let name = self.address.to_string();
        let length = u8::try_from(name.len()).map_err(io::Error::other)?;
        let request = [&[5, 1, 0, 3, length], name.as_bytes(), &PORT.to_be_bytes()].concat();
        let mut answer = [0; 10];
        exchange(&mut stream, &request, &mut answer)?;
        match answer[1] {
            0 => Ok(stream),
            code => Err(io::Error::other(format!("Tor cannot connect: SOCKS reply {code:#04x}"))),
        }
    }
}

impl Target for SocksTarget {
    fn open(&self) -> io::Result<Box<dyn Stream>> {
        Ok(Box::new(self.connect()?))
    }
}

fn exchange(stream: &mut TcpStream, request: &[u8], reply: &mut [u8]) -> io::Result<()> {
    stream.write_all(request)?;
    stream.read_exact(reply)
}
