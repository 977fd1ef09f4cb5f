//! Drives a [`Node`](sotto_core::Node) on a real machine, on any async runtime and any store.
//!
//! [`open`] takes an open [store](sotto_core::row::RowStore), a [`Transport`] and a [`Runtime`]. It returns a [`NodeHandle`]
//! for the application, and one future that drives the node. `sotto-io-tokio` and `sotto-io-smol` bring two runtimes;
//! another runtime needs the four methods of [`Runtime`] and no more.
//!
//! ```text
//!   application                        the node's task                 store's thread
//!   NodeHandle ── Command ──────────▶ ┌───────────┐ ── Commit, Fetch ──▶ ┌────────────┐
//!              ◀───────── Reply ───── │           │ ◀─ Stored, Fetched ─ │ RowStore   │
//!              ◀──────── Notice ───── │   Node    │                      └────────────┘
//!                                     │           │ ── Dial, Transmit, Hangup ──▶ ┌────────────┐
//!   timerfd (CLOCK_BOOTTIME) ─ Tick ▶ └───────────┘ ◀ Connected, Received … ───── │ its links  │ ◀─▶ peers
//!                                                                                 └────────────┘
//! ```
//!
//! Where the driver's contract ([`sotto_core`]) is kept:
//!
//! - A commit is atomic and durable before `Stored`. A store that fails ends this run of the node, and the next run starts
//!   from what is durable (`store_thread`, `supervision`).
//! - Each output that starts work is completed once (`link`, `store_thread`).
//! - `monotonic` never decreases (`clock`).
//! - `poll` is drained before the driver sleeps, and fresh entropy is the first input after it has slept (`driver`).
//!
//! No queue here can be filled by a peer. A link holds one chunk and waits until the node takes it; while the node is busy,
//! nothing is read from any link, and the peers' own sockets push back.

mod clock;
mod deadline_timer;
mod driver;
mod environment;
mod error;
mod handle;
mod link;
mod local;
mod runtime;
mod store_thread;
mod supervision;
mod transport;
mod wiretap;

pub use clock::Clock;
pub use deadline_timer::DeadlineTimer;
pub use environment::NodeFactory;
pub use error::DriverError;
pub use handle::{Missed, NodeHandle, Notices, Stopped};
pub use local::Local;
pub use runtime::{AsyncDescriptor, Incoming, Runtime};
pub use supervision::{NodeConfig, open, open_with};
pub use transport::{DialFuture, ListenError, Listener, Offline, Stream, Transport};
pub use wiretap::Wiretap;
