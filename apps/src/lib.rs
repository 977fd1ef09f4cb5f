//! Sotto's programs: the typed API, the daemon that serves it, and what speaks it.

pub mod api;
pub mod cli;
pub mod daemon;
pub mod profile;
pub mod resolve;
pub mod rpc;
