//! The driver's contract as a suite. A driver is what stands between a node and a machine: it hands the node its inputs and
//! carries out its outputs, and what it owes the node is written at the top of `sotto_core`. Here that is held against a
//! real driver, whatever it is made of: the suite plays the store, the network, the clocks, the peers, and in half of the
//! cases the node itself; it scripts what they do, lets the driver run, and looks at every call.
//!
//! A driver takes part by implementing [`Driver`] and [`Running`], which takes a page of glue, and by naming itself in
//! [`driver_contract!`](crate::driver_contract), which makes a test of each case:
//!
//! ```text
//!             commands, shutdown, crash
//!   case ───────────────┬───────────────▶ driver under test ◀──▶ Shelf     (store: held, failing, without power)
//!    │                  │                       │          ◀──▶ Network   (dials, arrivals; Far is a peer's end)
//!    └── looks at Book ◀┴── Contract ◀── Watched ┴──▶ Puppet, or a real node with a Friend to talk to
//! ```
//!
//! What every case sees to, at every input ([`Contract`]): a completion answers something that is open, and answers it
//! once; `Stored` comes after the store has stored, `Fetched` says what the store said; no bytes come for a node that is
//! busy, none of a link that is not open; `Closed` is a link's last word; the monotonic clock does not go back; no `Tick` is
//! early. Besides:
//!
//! | group | case |
//! |---|---|
//! | completions | `every_commit_is_stored_once` |
//! | | `every_fetch_is_answered_once_and_sees_the_commits_before_it` |
//! | | `every_dial_connects_or_closes_once` |
//! | | `a_link_that_is_hung_up_while_it_is_dialled_is_closed` |
//! | | `every_transmit_is_drained_or_closed_once` |
//! | | `bytes_arrive_whole_and_in_order_both_ways` |
//! | | `a_hangup_closes_the_link_after_its_last_words` |
//! | | `closed_is_the_last_word_on_a_link` |
//! | | `everything_wanted_is_done_before_it_sleeps` |
//! | commits | `nothing_is_stored_before_it_is_durable` |
//! | | `nothing_is_shown_before_it_is_durable` |
//! | | `one_commit_is_in_flight_and_what_comes_meanwhile_shares_the_next` |
//! | | `after_a_failed_commit_the_node_is_opened_again_and_nothing_was_shown` |
//! | | `a_first_start_is_durable_before_anybody_can_come` |
//! | backpressure | `a_busy_node_is_fed_no_bytes` |
//! | | `a_peer_that_does_not_read_holds_up_only_itself` |
//! | | `a_flood_of_strangers_does_not_starve_commands` |
//! | | `a_flood_of_commands_does_not_starve_links` |
//! | time | `a_tick_comes_at_the_deadline_and_not_before` |
//! | | `a_deadline_that_moves_is_followed` |
//! | | `a_deadline_that_has_passed_ticks_until_it_moves` |
//! | | `inputs_do_not_put_a_deadline_off` |
//! | | `both_clocks_are_told_as_they_are` |
//! | | `a_wall_clock_that_jumps_keeps_nobody_waiting` |
//! | crashes | `it_dies_at_any_commit_and_comes_back_as_it_was_durable` |
//! | | `it_dies_at_any_moment_and_completes_nothing_twice` |
//! | | `nothing_of_it_is_left_after_a_crash` |
//! | shutdown | `commands_before_a_shutdown_are_answered` |
//! | | `a_shutdown_closes_links_and_store` |
//! | | `what_is_being_said_is_said_before_a_shutdown_ends` |
//! | | `a_peer_that_does_not_read_does_not_keep_it_alive` |
//!
//! For drivers that are futures there is [`it_dies_at_any_poll_and_completes_nothing_twice`] besides.
//!
//! Beside the cases, [`replay`] plays a run that was recorded in the simulator on a real driver, and compares what comes out;
//! and the simulator holds its own hosts to [`Contract`] in every world.
//!
//! No case hopes: what must happen is waited for, up to [`Driver::patience`]. Where nothing must happen, a case waits a
//! moment so that a wrong driver may show itself; a right one passes however long or short that is. That wrong drivers are
//! found out is shown in [`broken`].

mod book;
pub mod broken;
mod cases;
mod contract;
mod friend;
mod life;
mod network;
mod puppet;
mod recording;
mod shelf;
mod stage;

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use sotto_core::row::Image;
use sotto_core::{Command, Entropy, Limits, Machine, Notice, Now, OpenError, Refusal, Reply};

pub use book::Book;
pub use cases::{CASES, Case, it_dies_at_any_poll_and_completes_nothing_twice};
pub use contract::Contract;
pub use friend::Friend;
pub use life::Life;
pub use network::{Arrivals, Dial, Far, Network, Ring};
pub use puppet::{Alarm, Puppet};
pub use recording::{Recording, Step, replay};
pub use shelf::{Call, Failed, InFlight, Shelf};

/// A driver under test.
pub trait Driver: Send + Sync {
    /// Starts a node: as `start` of a real driver would, with these in the places of its store, its network and
    /// `Node::open`.
    fn start(&self, rig: Rig) -> Box<dyn Running>;

    /// How long a case waits for what must happen.
    fn patience(&self) -> Duration {
        Duration::from_secs(30)
    }
}

/// What a driver runs a node with.
#[derive(Clone)]
pub struct Rig {
    /// Its store.
    pub shelf: Shelf,
    /// Its network.
    pub network: Network,
    /// The node's bounds.
    pub limits: Limits,
    /// To be called wherever the driver would call `Node::open`.
    pub open: Arc<Open>,
    /// Its life, if it is a future: to be run within [`Life::of`]. A driver of another kind has no use for it.
    pub life: Life,
}

/// As `Node::open`.
pub type Open = dyn Fn(Image, Entropy, Limits, Now) -> Result<Box<dyn Machine>, OpenError> + Send + Sync;

/// A command under way. `None` if the node stopped before it answered. It is polled without a runtime around it; when it is
/// polled first, the command has to be on its way, behind those of earlier calls.
pub type Asked = Pin<Box<dyn Future<Output = Option<Result<Reply, Refusal>>> + Send>>;

/// A node that a driver runs.
pub trait Running: Send {
    /// Gives a command.
    fn command(&self, command: Command) -> Asked;
    /// The next notice, if there is one.
    fn notice(&mut self) -> Option<Notice>;
    /// Ends the node in order; returns when that is done.
    fn shut_down(self: Box<Self>);
    /// Ends it as `kill -9` would; returns when nothing of it runs any more.
    fn crash(self: Box<Self>);
}
