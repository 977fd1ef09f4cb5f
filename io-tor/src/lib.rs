//! Links over Tor: every node is an onion service, reached and proven reachable through arti.

pub mod config;
mod heal;
mod limits;
mod status;

pub use config::ConfigError;
pub use limits::Limits;
pub use status::{Phase, Problem, Reachability, Remedy, Status, StatusChanges};
