//! Runs a [`Node`](sotto_core::Node) on tokio.
//!
//! [`start`] takes an open store and a transport, and returns a [`NodeHandle`] for the application. One task owns the
//! node and is the only one that calls it; everything else brings it inputs, or carries out what it asks.
//!
//! ```text
//!   application                        driver task                     store's thread
//!   NodeHandle ── Command ──────────▶ ┌───────────┐ ── Commit, Fetch ──▶ ┌────────────┐
//!              ◀───────── Reply ───── │           │ ◀─ Stored, Fetched ─ │ SQLCipher  │
//!              ◀──────── Notice ───── │   Node    │                      └────────────┘
//!                                     │           │ ── Dial, Transmit, Hangup ──▶ ┌───────────────┐
//!   timerfd (CLOCK_BOOTTIME) ─ Tick ▶ └───────────┘ ◀ Connected, Received … ───── │ one task each │ ◀─▶ peer
//!                                                                                 │ link          │
//!                                                                                 └───────────────┘
//! ```
//!
//! What a driver owes a node, and where it is kept here:
//!
//! - A commit is atomic and durable before `Stored`; a store that fails ends this run of the node, and the next one
//!   starts from what is durable (`storage`, `supervise`).
//! - Each output that starts work is completed once (`link`, `storage`).
//! - `monotonic` never decreases (`clock`).
//! - `poll` is drained before the driver sleeps (`driver`).
//!
//! ```
//! use sotto_core::{Command, Reply};
//! use sotto_io_sqlcipher::{Store, StoreKey};
//! use sotto_io_tokio::{Config, Local, start};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! let key = StoreKey::new([1; 32], [2; 16]); // better: random, or derived from a passphrase
//! let store = Store::create(&folder.path().join("sotto.db"), &key)?;
//! let (node, task) = start(Config::new(store, Local::new(folder.path().join("network")))).await?;
//!
//! let Ok(Reply::Identity { address, .. }) = node.command(Command::Identity).await? else { unreachable!() };
//! assert!(folder.path().join("network").join(address.to_string()).exists(), "it listens under its address");
//!
//! node.shutdown().await;
//! task.await??;
//! # Ok(())
//! # }
//! ```
//!
//! There are no queues here that a peer could fill. A link holds one chunk and waits until the node takes it; while
//! the node is busy, nothing is read from any link, and the peers' own sockets push back.

mod clock;
mod driver;
mod handle;
mod link;
mod local;
mod storage;
mod supervise;
mod timer;

pub use handle::{NodeHandle, Stopped};
pub use local::Local;
pub use sotto_io::{Dialling, ListenError, Listener, Offline, Stream, Transport, Wiretap};
pub use storage::Storage;
pub use supervise::{Config, DriverError, start};
