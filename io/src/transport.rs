//! [`Transport`] carries links: it opens byte streams to an address, and accepts them through a [`Listener`].

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures::io::{AsyncRead, AsyncWrite};
use sotto_core::row::IdentityRow;
use sotto_core::{CircuitId, OnionAddress};

/// Dials peers and listens for them.
pub trait Transport: Send + Sync + 'static {
    /// Begins to listen under the identity's address. Returns at once; where it takes long to become reachable, that happens
    /// while the listener is polled. At most one listener of a transport exists at a time.
    fn listen(&self, identity: &IdentityRow) -> Result<Box<dyn Listener>, ListenError>;

    /// Opens a stream to a peer. The future has its own timeout, and may be dropped before it ends. The errors `NetworkDown`
    /// and `NetworkUnreachable` mean that this machine has no network; they say nothing about the peer. The node's task
    /// polls the future, so a long computation belongs in a task of the transport.
    fn dial(&self, peer: OnionAddress) -> DialFuture;
}

/// Resolves to a stream when it is open.
pub type DialFuture = Pin<Box<dyn Future<Output = io::Result<Stream>> + Send>>;

/// Accepts peers' streams. Dropping it stops listening.
pub trait Listener: Send {
    /// The next stream. The listener logs its own errors and backs off after them; it never fails and never spins.
    fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<Stream>;

    /// Ready once after each event by which links may have died or peers may have become reachable: the machine was
    /// suspended, or its network changed.
    fn poll_network_changed(&mut self, _cx: &mut Context<'_>) -> Poll<()> {
        Poll::Pending
    }
}

/// An ordered, reliable stream of bytes in both directions. Dropping both halves closes it.
pub struct Stream {
    /// Bytes from the peer.
    pub reader: Box<dyn AsyncRead + Send + Unpin>,
    /// Bytes to the peer.
    pub writer: Box<dyn AsyncWrite + Send + Unpin>,
    /// What carries an accepted stream, where the transport can tell.
    pub circuit: Option<CircuitId>,
}

impl Stream {
    /// Joins two halves.
    pub fn new(
        reader: impl AsyncRead + Send + Unpin + 'static,
        writer: impl AsyncWrite + Send + Unpin + 'static,
    ) -> Self {
        Self {
            reader: Box::new(reader),
            writer: Box::new(writer),
            circuit: None,
        }
    }

    /// The same stream, carried by this circuit.
    #[must_use]
    pub fn on(self, circuit: CircuitId) -> Self {
        Self {
            circuit: Some(circuit),
            ..self
        }
    }
}

impl fmt::Debug for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stream").finish_non_exhaustive()
    }
}

/// Why a transport cannot listen.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// Another node listens under this address.
    #[error("another node with the address {0} is running")]
    AddressInUse(OnionAddress),
    /// The path of a Unix socket is limited to about 100 bytes.
    #[error("the path {} is too long for a Unix socket; choose a shorter one", directory.display())]
    PathTooLong {
        /// The directory for the sockets.
        directory: PathBuf,
    },
    /// The operating system reported an error.
    #[error("cannot listen in {}: {source}", directory.display())]
    Io {
        /// The directory for the sockets.
        directory: PathBuf,
        /// The error.
        source: io::Error,
    },
}

/// The transport without a network: no dial succeeds and no stream arrives. For creating an identity, and for reading a store.
#[derive(Clone, Copy, Debug, Default)]
pub struct Offline;

impl Transport for Offline {
    fn listen(&self, _: &IdentityRow) -> Result<Box<dyn Listener>, ListenError> {
        Ok(Box::new(Self))
    }

    fn dial(&self, _: OnionAddress) -> DialFuture {
        Box::pin(std::future::ready(Err(io::ErrorKind::NetworkUnreachable.into())))
    }
}

impl Listener for Offline {
    fn poll_accept(&mut self, _: &mut Context<'_>) -> Poll<Stream> {
        Poll::Pending
    }
}
