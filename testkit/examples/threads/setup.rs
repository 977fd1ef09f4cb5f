//! [`Setup`]: the store, the network and the opening function of a node.

use std::io;
use std::os::unix::net::UnixStream;
use std::sync::Arc;

use sotto_core::row::{Batch, IdentityRow, Image, Query, Rows};
use sotto_core::{Entropy, Limits, Machine, Now, OnionAddress, OpenError};
use sotto_io_sqlcipher::StoreError;

/// A store. The example uses `sotto_io_sqlcipher::Store`.
pub trait Storage: Send {
    fn image(&mut self) -> Result<Image, StoreError>;
    fn commit(&mut self, batch: &Batch) -> Result<(), StoreError>;
    fn fetch(&mut self, query: &Query) -> Result<Rows, StoreError>;
    /// Drops what is not durable.
    fn reopen(&mut self) -> Result<(), StoreError>;
    fn close(self: Box<Self>) -> Result<(), StoreError>;
}

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
pub struct Setup {
    pub store: Box<dyn Storage>,
    pub network: Arc<dyn Network>,
    pub limits: Limits,
    /// As `Node::open`, with a boxed node.
    pub open: Box<Open>,
}

pub type Open = dyn Fn(Image, Entropy, Limits, Now) -> Result<Box<dyn Machine>, OpenError> + Send;
