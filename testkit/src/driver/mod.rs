//! The driver's contract, which the documentation of [`sotto_core`] states, as a suite. A driver gives a node its inputs and
//! carries out its outputs. The suite runs a real driver of any kind with a fake store, a fake network and, in half of the
//! cases, a scripted node. It decides what these do and checks every call that the driver makes.
//!
//! A driver takes part with an implementation of [`Driver`] and [`RunningNode`], about a page of glue, and with
//! [`driver_contract!`](crate::driver_contract), which makes a test of each case:
//!
//! ```text
//!             commands, shutdown, crash
//!   case ───────────────┬────────────────▶ driver under test ◀──▶ FakeStore    (commits that wait or fail, power cuts)
//!    │                  │                        │           ◀──▶ FakeNetwork  (dials and streams; PeerStream: a peer's end)
//!    └── CallLog ◀──────┴── Contract ◀── CheckedNode ──▶ ScriptedNode, or a real node that talks with a PeerNode
//! ```
//!
//! [`Contract`] checks every input of every case: a completion belongs to an output that has none yet; `Stored` comes after
//! the store has stored and `Fetched` has the rows that the store returned; a busy node receives no bytes, and a link that is
//! not open brings none; `Closed` is a link's last input; the monotonic clock does not go back; no `Tick` is early. Besides:
//!
//! | group | case |
//! |---|---|
//! | completions | `every_commit_is_stored_once` |
//! | | `every_fetch_completes_once_and_sees_earlier_commits` |
//! | | `every_dial_connects_or_closes_once` |
//! | | `a_hangup_during_a_dial_closes_the_link` |
//! | | `every_transmit_is_drained_or_closed_once` |
//! | | `bytes_arrive_whole_and_in_order_both_ways` |
//! | | `a_hangup_closes_the_link_after_pending_bytes` |
//! | | `closed_is_the_last_input_of_a_link` |
//! | | `every_output_is_taken_before_the_driver_sleeps` |
//! | commits | `nothing_is_stored_before_it_is_durable` |
//! | | `nothing_is_shown_before_it_is_durable` |
//! | | `one_commit_is_in_flight_and_later_rows_share_the_next` |
//! | | `after_a_failed_commit_the_node_is_opened_again_and_nothing_was_shown` |
//! | | `a_first_start_is_durable_before_the_driver_listens` |
//! | backpressure | `a_busy_node_receives_no_bytes` |
//! | | `a_peer_that_does_not_read_blocks_only_its_own_link` |
//! | | `a_flood_of_strangers_does_not_starve_commands` |
//! | | `a_flood_of_commands_does_not_starve_links` |
//! | time | `a_tick_comes_at_the_deadline_and_not_before` |
//! | | `a_deadline_that_moves_is_followed` |
//! | | `a_deadline_that_has_passed_ticks_until_it_moves` |
//! | | `inputs_do_not_delay_a_deadline` |
//! | | `both_clocks_are_passed_on_unchanged` |
//! | | `a_wall_clock_jump_delays_no_retry` |
//! | | `fresh_entropy_comes_first_after_a_sleep` |
//! | crashes | `a_crash_at_any_commit_recovers_the_durable_state` |
//! | | `a_crash_at_any_input_completes_nothing_twice` |
//! | | `a_crash_ends_all_activity` |
//! | shutdown | `commands_before_a_shutdown_get_their_replies` |
//! | | `a_shutdown_closes_links_and_store` |
//! | | `pending_writes_are_finished_before_a_shutdown_ends` |
//! | | `a_peer_that_does_not_read_does_not_block_a_shutdown` |
//!
//! Drivers that are futures have one case more: [`a_crash_at_any_poll_completes_nothing_twice`].
//!
//! [`replay()`] plays a run that was recorded in the simulator on a real driver and compares the outputs. The simulator checks its
//! own hosts with [`Contract`] in every world.
//!
//! A case waits for what must happen, up to [`Driver::timeout`]. Where nothing must happen it waits for a moment, in which a
//! wrong driver may misbehave; a correct one passes whatever the length of that moment. [`mutants`] shows that the suite detects
//! wrong drivers.

mod call_log;
mod cases;
mod contract;
mod fake_store;
mod harness;
pub mod mutants;
mod network;
mod peer_node;
mod replay;
mod scripted_node;
mod task_lifetime;

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use sotto_core::row::Image;
use sotto_core::{Command, Entropy, Limits, Machine, Notice, Now, OpenError, Refusal, Reply};

pub use call_log::CallLog;
pub use cases::{CASES, Case, a_crash_at_any_poll_completes_nothing_twice};
pub use contract::Contract;
pub use fake_store::{FakeStore, InFlight, StoreCall, StoreFailed};
pub use network::{DialAttempt, FakeNetwork, IncomingStreams, PeerStream, PendingDial};
pub use peer_node::PeerNode;
pub use replay::{Recording, Step, replay};
pub use scripted_node::{DeadlineChange, ScriptedNode};
pub use task_lifetime::TaskLifetime;

/// A driver under test.
pub trait Driver: Send + Sync {
    /// Starts a node as the driver does in production, with the parts of `setup` in place of its store, its network and
    /// `Node::open`.
    fn start(&self, setup: Setup) -> Box<dyn RunningNode>;

    /// How long a case waits for what must happen.
    fn timeout(&self) -> Duration {
        Duration::from_secs(30)
    }
}

/// What a driver under test runs a node with.
#[derive(Clone)]
pub struct Setup {
    /// Its store.
    pub store: FakeStore,
    /// Its network.
    pub network: FakeNetwork,
    /// The node's limits.
    pub limits: Limits,
    /// To be called in place of `Node::open`.
    pub open: Arc<Open>,
    /// For a driver that is a future, which runs within [`TaskLifetime::of`]. Other drivers ignore it.
    pub lifetime: TaskLifetime,
}

/// As `Node::open`.
pub type Open = dyn Fn(Image, Entropy, Limits, Now) -> Result<Box<dyn Machine>, OpenError> + Send + Sync;

/// The reply to a command; `None` if the node stopped before it replied. It is polled without a runtime. At the first poll the
/// command must be queued, behind those of earlier calls.
pub type PendingReply = Pin<Box<dyn Future<Output = Option<Result<Reply, Refusal>>> + Send>>;

/// A node that a driver runs.
pub trait RunningNode: Send {
    /// Gives a command.
    fn command(&self, command: Command) -> PendingReply;
    /// The next notice, if there is one.
    fn notice(&mut self) -> Option<Notice>;
    /// Shuts the node down. Returns when this is done.
    fn shut_down(self: Box<Self>);
    /// Ends it as `kill -9` would. Returns when nothing of it runs any more.
    fn crash(self: Box<Self>);
}
