//! The driver on each runtime: the same tests, once on tokio and once on smol.

mod contract;
mod local;
mod supervise;
mod support;
mod timer;
mod two_nodes;
