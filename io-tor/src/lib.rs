//! Links over Tor. Every node is an onion service, whose key is the node's identity; arti reaches others, and lets us be
//! reached, on any runtime that arti runs on.
//!
//! ```text
//!                      ┌───────────────────────────── keeper: one task ─────────────────────────────┐
//!  Tor::start ────────▶│  client ─▶ bootstrap ─▶ online ◀──── the network changed, the machine slept │
//!                      │     ▲                     │                                                 │
//!  Status ◀────────────│     │ a fresh client      │ probe our own address ─▶ come home: reachable   │
//!                      │     │   as the last step  ▼                       └▶ failed: heal, in steps │
//!                      │     └────────────────── service ◀── Transport::listen, from the identity    │
//!                      └───────────────────────────┬─────────────────────────────────────────────────┘
//!  Listener ◀── streams ── circuits ◀── strangers and friends, at one virtual port
//!  Transport::dial ── waits for the client, then: descriptor, introduction, rendezvous, stream ──▶ peer
//! ```
//!
//! - **Starting is quick.** [`Tor::start`] checks the configuration and returns; a dial waits until Tor is usable, so
//!   that no retry is spent on the bootstrap. [`Status`] says how far it is, and what is in the way.
//! - **Reachable is what has been tried.** A [probe](Reachability) goes through the network to our own address, again
//!   and again; failures are healed [in steps](Remedy), and a laptop that was closed or carried elsewhere is looked
//!   after at once.
//! - **No key in any file.** The identity's secret goes from the encrypted store into arti's keystore in memory. What
//!   arti keeps in the folder is the network's directory, its guards, and statistics.
//! - **Nobody is linked to anybody.** Each contact has circuits of its own, and so have probes; guards and vanguards are
//!   as arti sets them.
//! - **Strangers cost little.** Only so many rendezvous are made at once, circuits that carry nothing are closed, and
//!   there is nothing but one port ([`Limits`]).
//!
//! ```no_run
//! use sotto_io::Transport as _;
//! use sotto_io_tor::{Limits, Tor, runtime};
//!
//! # async fn run(peer: sotto_core::OnionAddress) -> Result<(), Box<dyn std::error::Error>> {
//! # #[cfg(feature = "tokio")] {
//! let configuration: toml::Table = "bridges.enabled = false".parse()?;
//! let folder = std::path::Path::new("/home/ada/.local/share/sotto/tor");
//! let tor = Tor::start(runtime::tokio()?, folder, configuration, Limits::DEFAULT)?;
//! let stream = tor.dial(peer).await?; // bootstraps first
//! println!("{}", tor.status());
//! tor.close().await;
//! # }
//! # Ok(())
//! # }
//! ```

mod bootstrap;
mod bridges;
mod client;
mod clock;
pub mod config;
mod contacts;
mod dial;
mod guests;
mod heal;
mod keeper;
mod limits;
mod network;
mod online;
mod probe;
mod remains;
pub mod runtime;
mod service;
mod shared;
mod status;
mod stream;
mod ward;
mod watched;

pub use client::{StartError, Tor};
pub use config::ConfigError;
pub use limits::Limits;
pub use status::{Phase, Problem, Reachability, Remedy, Status, StatusChanges};

/// The virtual port of the onion service at which links arrive: the letters of "sott" on a telephone.
pub const PORT: u16 = 7688;
