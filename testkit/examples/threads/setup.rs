//! What a node is run with: where its rows are, how peers are reached, and how it is opened.

use std::io;
use std::os::unix::net::UnixStream;
use std::sync::Arc;

use sotto_core::row::{Batch, IdentityRow, Image, Query, Rows};
use sotto_core::{Entropy, Limits, Machine, Now, OnionAddress, OpenError};
use sotto_io_sqlcipher::StoreError;

/// Where rows are kept. The example has `sotto_io_sqlcipher::Store`.
pub trait Storage: Send {
    fn image(&mut self) -> Result<Image, StoreError>;
    fn commit(&mut self, batch: &Batch) -> Result<(), StoreError>;
    fn fetch(&mut self, query: &Query) -> Result<Rows, StoreError>;
    /// Forgets whatever is not durable.
    fn reopen(&mut self) -> Result<(), StoreError>;
    fn close(self: Box<Self>) -> Result<(), StoreError>;
}

/// How peers are reached. The example has Unix sockets in a folder.
pub trait Network: Send + Sync {
    fn listen(&self, identity: &IdentityRow) -> io::Result<Arc<dyn Listener>>;
    /// Blocks; ends by itself in reasonable time.
    fn dial(&self, peer: OnionAddress) -> io::Result<UnixStream>;
}

/// Where peers come.
pub trait Listener: Send + Sync {
    /// Blocks. `None` once it is closed.
    fn accept(&self) -> Option<UnixStream>;
    fn close(&self);
}

/// What a node is run with.
pub struct Setup {
    pub store: Box<dyn Storage>,
    pub network: Arc<dyn Network>,
    pub limits: Limits,
    /// `Node::open`, in a box.
    pub open: Box<Open>,
}

pub type Open = dyn Fn(Image, Entropy, Limits, Now) -> Result<Box<dyn Machine>, OpenError> + Send;
