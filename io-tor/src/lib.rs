//! Links over Tor. Every node is an onion service whose key is the node's identity. arti dials peers and runs the service,
//! on any runtime that arti supports.
//!
//! ```text
//!                      ┌────────────────────────── supervisor: one task ──────────────────────────┐
//!  Tor::start ────────▶│  client ─▶ bootstrap ─▶ online ◀── the network changed, the machine resumed │
//!                      │     ▲                     │                                                 │
//!  TorStatus ◀────────────│     │ a fresh client      │ probe our own address ─▶ succeeds: reachable    │
//!                      │     │ as the last remedy  ▼                       └▶ fails: a remedy        │
//!                      │     └────────────── onion service ◀── Transport::listen, from the identity  │
//!                      └───────────────────────────┬─────────────────────────────────────────────────┘
//!  Listener ◀── streams ── circuits ◀── peers and unknown clients, at one virtual port
//!  Transport::dial ── waits for the client, then: descriptor, introduction, rendezvous, stream ──▶ peer
//! ```
//!
//! - **Starting is quick.** [`Tor::start`] checks the configuration and returns. A dial waits until Tor is usable, so the
//!   bootstrap costs no retry. [`TorStatus`] reports the progress, and the obstacle if there is one.
//! - **Reachability is proven.** A [probe](Reachability) opens a stream through the network to our own address, again and
//!   again. Failures are answered by [remedies](Remedy) of growing strength. After suspension or a change of network the
//!   next probe is immediate.
//! - **A clock that was ahead does no lasting harm.** Directories refuse a descriptor that is dated before the last one, so
//!   the clock that arti sees is never set back behind what was published.
//! - **No key in any file.** The identity's secret goes from the encrypted store into arti's keystore in memory. What arti
//!   keeps in the folder is the network's directory, its guards, and statistics; beside them is the time of the last publishing.
//! - **Peers cannot be linked.** Each peer has circuits of its own, and so have probes; guards and vanguards are arti's
//!   defaults.
//! - **Unknown clients cost little.** Rendezvous circuits are bounded, idle circuits are closed, and only one port is open
//!   ([`TorLimits`]).
//!
//! ```no_run
//! use sotto_io::Transport as _;
//! use sotto_io_tor::{TorLimits, Tor, runtime};
//!
//! # async fn run(peer: sotto_core::OnionAddress) -> Result<(), Box<dyn std::error::Error>> {
//! # #[cfg(feature = "tokio")] {
//! let configuration: toml::Table = "bridges.enabled = false".parse()?;
//! let folder = std::path::Path::new("/home/ada/.local/share/sotto/tor");
//! let tor = Tor::start(runtime::tokio()?, folder, configuration, TorLimits::DEFAULT)?;
//! let stream = tor.dial(peer).await?; // bootstraps first
//! println!("{}", tor.status());
//! tor.close().await;
//! # }
//! # Ok(())
//! # }
//! ```

mod bootstrap;
mod bridges;
mod circuit_isolation;
mod circuit_limiter;
mod client_teardown;
mod clock_skew;
pub mod config;
mod dial;
mod limits;
mod network_monitor;
mod onion_service;
mod onion_stream;
mod online_client;
mod reachability_state;
mod recovery;
pub mod runtime;
mod self_probe;
mod shared_state;
mod status;
mod supervisor;
mod tor_clock;
mod transport;
mod watch_cell;

pub use config::ConfigError;
pub use limits::TorLimits;
pub use status::{Reachability, Remedy, TorPhase, TorProblem, TorStatus, TorStatusChanges};
pub use transport::{StartError, Tor};

/// The onion service's virtual port for links: the letters of "sott" on a telephone keypad.
pub const PORT: u16 = 7688;
