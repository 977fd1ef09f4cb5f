//! The HTTP surface of a daemon: its API ([`serve_api`]) with the event log as server-sent events, and signal-cli's shape of
//! both, so that programs made for signal-cli work unchanged.
//!
//! It is a client of the daemon's socket like every other surface: each request opens a session with the token that it
//! carries, and what that token may do is decided by the daemon. Listeners are on loopback alone. Requests that a web page
//! made are refused: a page of another origin can reach a loopback address, and its host name can be bound to it.

mod api;
mod event_stream;
mod request;
mod server;
mod signal_cli;

pub use api::serve_api;
pub use signal_cli::SignalCli;
