//! What carries links: anything that yields byte streams to an address and from a listener.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures::io::{AsyncRead, AsyncWrite};
use sotto_core::OnionAddress;
use sotto_core::row::IdentityRow;

/// A way to reach peers and to be reached.
pub trait Transport: Send + Sync + 'static {
    /// Begins to listen under the identity's address. Quick: where being reachable takes long, it comes about while the
    /// listener is polled. At most one listener of a transport lives at a time.
    fn listen(&self, identity: &IdentityRow) -> Result<Box<dyn Listener>, ListenError>;

    /// Opens a stream to a peer. Ends by itself in reasonable time, with an error if need be; may be dropped before.
    /// `NetworkDown` and `NetworkUnreachable` say that there is no network, and so nothing of the peer.
    /// The node's own task polls it, so what computes for long belongs into a task of the transport's.
    fn dial(&self, peer: OnionAddress) -> Dialling;
}

/// A stream that is being opened.
pub type Dialling = Pin<Box<dyn Future<Output = io::Result<Stream>> + Send>>;

/// Where peers' streams arrive. Dropping it ends the listening.
pub trait Listener: Send {
    /// The next stream. Troubles are the listener's own to log and to wait out; it never fails, and never spins.
    fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<Stream>;

    /// Ready once each time that links may have died and peers may have come into reach, as after sleep or in another
    /// network.
    fn poll_disturbed(&mut self, _cx: &mut Context<'_>) -> Poll<()> {
        Poll::Pending
    }
}

/// An ordered, reliable stream of bytes in both directions. Dropping both halves closes it.
pub struct Stream {
    /// What the peer sends.
    pub reader: Box<dyn AsyncRead + Send + Unpin>,
    /// What it is sent.
    pub writer: Box<dyn AsyncWrite + Send + Unpin>,
}

impl Stream {
    /// From two halves.
    pub fn new(
        reader: impl AsyncRead + Send + Unpin + 'static,
        writer: impl AsyncWrite + Send + Unpin + 'static,
    ) -> Self {
        Self {
            reader: Box::new(reader),
            writer: Box::new(writer),
        }
    }
}

impl fmt::Debug for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stream").finish_non_exhaustive()
    }
}

/// A transport cannot listen.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// Somebody listens there already.
    #[error("another node with the address {0} is running")]
    AddressInUse(OnionAddress),
    /// A Unix socket's path has little room.
    #[error("{} is too long a path for sockets; choose a shorter one", directory.display())]
    PathTooLong {
        /// The directory that the sockets are to be in.
        directory: PathBuf,
    },
    /// The operating system said no.
    #[error("cannot listen in {}: {source}", directory.display())]
    Io {
        /// The directory that the socket is to be in.
        directory: PathBuf,
        /// What it said.
        source: io::Error,
    },
}

/// No network at all: nobody is reachable, and nobody comes. For making an identity, and for looking into a store.
#[derive(Clone, Copy, Debug, Default)]
pub struct Offline;

impl Transport for Offline {
    fn listen(&self, _: &IdentityRow) -> Result<Box<dyn Listener>, ListenError> {
        Ok(Box::new(Self))
    }

    fn dial(&self, _: OnionAddress) -> Dialling {
        Box::pin(std::future::ready(Err(io::ErrorKind::NetworkUnreachable.into())))
    }
}

impl Listener for Offline {
    fn poll_accept(&mut self, _: &mut Context<'_>) -> Poll<Stream> {
        Poll::Pending
    }
}
