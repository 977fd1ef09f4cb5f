//! Drives a [`Node`](sotto_core::Node) on a real machine, on any async runtime.
//!
//! [`open`] takes an open store, a transport and a [`Runtime`], and returns a [`NodeHandle`] for the application and the
//! node's life, one future. `sotto-io-tokio` and `sotto-io-smol` are two runtimes; whoever has another one needs the
//! four methods of [`Runtime`] and no more.
//!
//! ```text
//!   application                        the node's task                 store's thread
//!   NodeHandle ── Command ──────────▶ ┌───────────┐ ── Commit, Fetch ──▶ ┌────────────┐
//!              ◀───────── Reply ───── │           │ ◀─ Stored, Fetched ─ │ SQLCipher  │
//!              ◀──────── Notice ───── │   Node    │                      └────────────┘
//!                                     │           │ ── Dial, Transmit, Hangup ──▶ ┌────────────┐
//!   timerfd (CLOCK_BOOTTIME) ─ Tick ▶ └───────────┘ ◀ Connected, Received … ───── │ its links  │ ◀─▶ peers
//!                                                                                 └────────────┘
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
//! There are no queues here that a peer could fill. A link holds one chunk and waits until the node takes it; while
//! the node is busy, nothing is read from any link, and the peers' own sockets push back.

mod clock;
mod driver;
mod handle;
mod link;
mod local;
mod opening;
mod runtime;
mod storage;
mod supervise;
mod timer;
mod transport;
mod wiretap;

pub use clock::Clock;
pub use handle::{NodeHandle, Notices, Stopped};
pub use local::Local;
pub use opening::Open;
pub use runtime::{Incoming, Runtime, Watch};
pub use storage::Storage;
pub use supervise::{Config, DriverError, open, open_with};
pub use timer::Timer;
pub use transport::{Dialling, ListenError, Listener, Offline, Stream, Transport};
pub use wiretap::Wiretap;
