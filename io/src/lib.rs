//! What it takes to drive a [`Node`](sotto_core::Node) on a real machine, whatever the runtime.

mod transport;
mod wiretap;

pub use transport::{Dialling, ListenError, Listener, Offline, Stream, Transport};
pub use wiretap::Wiretap;
