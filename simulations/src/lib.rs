//! Sotto's deterministic simulator: real nodes in a simulated environment.
//!
//! A [`World`] holds any number of nodes and, for each, what its driver would hold: a disk of rows, two clocks and its
//! streams. Virtual time is one queue of events. [`Choices`] is the only source of nondeterminism, so a seed repeats a
//! run to the byte. A run that fails is simplified ([`shrink()`]) and kept as a [`Trace`].
//!
//! A [`Scenario`] says what the users of a world do, and reads like a specification. [`run`] plays one, with or without
//! faults, with or without a [`CrashPoint`]: the node named there stops instead of its k-th output, and is opened again
//! from its disk. During the run every [`invariant`] observes every input, output and commit. At its end faults stop,
//! and the world must become quiescent with nothing lost and nothing duplicated. Each of these depends only on those
//! before it: [`Choices`], [`World`], [`invariant`], [`Script`], [`scenario`], [`run()`], [`Trace`], [`shrink()`],
//! [`Campaign`].

mod campaign;
mod choice;
mod exhaustive;
mod fingerprint;
pub mod invariant;
mod node_index;
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
pub use choice::{Choice, Choices, ENVIRONMENT_FAULTS, EnvironmentFault, Faults, Plan};
pub use exhaustive::Enumeration;
pub use node_index::{ALICE, BOB, CAROL, NodeIndex};
pub use record::{record, recordings};
pub use run::{Failure, Outcome, Run, catch_panic, crash_points, play, run, timeline};
pub use scenario::Scenario;
pub use script::{Interpreter, ParseError, Script};
pub use shrink::shrink;
pub use timeline::{Timeline, clock};
pub use trace::{Trace, TraceError};
pub use world::{
    ByzantineFault, Cipher, CrashPoint, DiskFault, Fate, InFlight, Invariant, Observation, World, add_contact,
};
