//! [`Setup`]: the store, the network and the opening function of a node.

use std::io;
use std::os::unix::net::UnixStream;
use std::sync::Arc;

use sotto_core::row::{IdentityRow, Image};
use sotto_core::{Entropy, Limits, Machine, Now, OnionAddress, OpenError};

/// A network. The example uses Unix sockets in a folder.
pub trait Network: Send + Sync {
    fn listen(&self, identity: &IdentityRow) -> io::Result<Arc<dyn Listener>>;
    /// Blocks, up to a timeout of its own.
    fn dial(&self, peer: OnionAddress) -> io::Result<UnixStream>;
}

/// Accepts streams of peers.
pub trait Listener: Send + Sync {
    /// Blocks. `None` after `close`.
    fn accept(&self) -> Option<UnixStream>;
    fn close(&self);
}

/// The parts of a node.
pub struct Setup<S> {
    /// A `sotto_core::row::RowStore`. The example uses `sotto_io_sqlcipher::Store`.
    pub store: S,
    pub network: Arc<dyn Network>,
    pub limits: Limits,
    /// As `Node::open`, with a boxed node.
    pub open: Box<Open>,
}

pub type Open = dyn Fn(Image, Entropy, Limits, Now) -> Result<Box<dyn Machine>, OpenError> + Send;
