//! Sotto's deterministic world: real nodes, and everything around them made up.
//!
//! A [`World`] holds any number of nodes and, for each, what its driver would hold: a disk of rows, two clocks and the
//! streams to others. Time is one queue of happenings. Nothing in it is random that [`Choices`] has not decided, so a run
//! is repeated by its seed, to the byte; one that fails is made as simple as it can be ([`shrink()`]) and kept as a [`Trace`].
//!
//! A [`Scenario`] is a story told to a world by its users, and reads like a specification. [`run`] plays one, in a calm
//! world or in a bad one, with or without a [`CrashPoint`]: the node named there dies when it is asked for its k-th output,
//! and is opened again from what its disk holds. While a story runs, every [`invariant`] watches every input, output and
//! commit; when it ends, faults stop, and the world must come to rest with nothing lost and nothing doubled.
//!
//! Who knows whom is a line, and nobody looks back along it: [`Choices`], [`World`], [`invariant`], [`Script`], [`scenario`],
//! [`run()`], [`Trace`], [`shrink()`], [`Campaign`].

mod campaign;
mod choice;
mod fingerprint;
pub mod invariant;
mod odometer;
mod peer;
pub mod population;
mod record;
#[cfg(feature = "sabotage")]
mod rules;
mod run;
#[cfg(feature = "sabotage")]
pub mod sabotage;
pub mod scenario;
mod script;
mod shrink;
mod timeline;
mod trace;
mod world;

pub use campaign::{Campaign, Progress, Tally};
pub use choice::{Choice, Choices, FAULTS, Fault, Faults, Plan};
pub use odometer::Odometer;
pub use peer::{ALICE, BOB, CAROL, Peer};
pub use record::{record, recordings};
pub use run::{Failure, Outcome, Run, crash_points, play, run, timeline};
pub use scenario::Scenario;
pub use script::{Script, Telling, Unreadable};
pub use shrink::shrink;
pub use timeline::{Timeline, clock};
pub use trace::{NotATrace, Trace};
pub use world::{Cipher, CrashPoint, Fate, InFlight, Malice, Trouble, World};
