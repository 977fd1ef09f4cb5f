//! The wire suite: a test peer that connects to any implementation over any ordered byte stream, plays the clauses of
//! `core/PROTOCOL.md`, and reports which of them are kept. It needs to know of the target its address, a way to open a
//! fresh byte stream to it ([`Target`]), and two invites (with one or none, some cases are left out); what it looks at is
//! nothing but bytes.
//!
//! ```text
//!  cases ──▶ World ── stranger, asker, friend ─┐
//!    │         └───── Net ──▶ Call ──▶ Line ───┴──▶ Records ──▶ Stream ══▶ the target
//!    └──▶ Report              (handshake) (frames)   (bytes, patience)
//! ```
//!
//! | file | what it is |
//! |---|---|
//! | [`target`] | the way to the target |
//! | `records`, `call`, `line` | a stream's bytes, its handshake, its frames, right or wrong |
//! | `peer`, `consent` | one of the suite's identities, and its session |
//! | `pace` | how fast it may talk |
//! | `world` | who there is |
//! | `cases/` | the cases, a file for a part of the document |
//! | [`report`] | what came of it |
//!
//! A case is named after its clause: `L-2.1` is the first of `[L-2]`. The document's section 10 lists them all, and says
//! where the clauses are shown that no peer can observe. The target is left with one request and up to two friends, whom
//! it will try to reach in vain: let it be one that is made for the test.

mod call;
mod cases;
mod consent;
mod line;
pub mod noise;
mod pace;
mod peer;
mod records;
pub mod report;
pub mod target;
mod world;

use std::time::Duration;

use sotto_core::{InviteToken, OnionAddress};

pub use self::report::{Failure, Line, Outcome, Report};
pub use self::target::{Socket, Socks, Stream, Target};
pub use self::world::onion_seed;
use self::world::{Side, World};

/// A case of the suite.
pub struct Case {
    /// Its clause's number, and its own.
    pub id: &'static str,
    /// What it says of the target, as the end of "the target …".
    pub says: &'static str,
    needs: Needs,
    run: fn(&mut World<'_>) -> Result<(), Failure>,
}

/// What a case cannot do without.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Needs {
    Nothing,
    Friend(Side),
    /// Minutes.
    Time,
}

/// The cases of a section of PROTOCOL.md.
pub struct Section {
    /// Its number and title.
    pub title: &'static str,
    /// Its cases.
    pub cases: &'static [Case],
}

/// Every section, in the document's order.
pub const SECTIONS: &[Section] = cases::SECTIONS;

/// What a run needs to know.
pub struct Options {
    /// Who the target is.
    pub address: OnionAddress,
    /// Invites of its making, each unused.
    pub invites: Vec<InviteToken>,
    /// 32 bytes of the operating system's generator: the suite's keys come from them.
    pub seed: [u8; 32],
    /// How long the target may take for what it owes. More on slow networks, but below the 30 s of a handshake.
    pub patience: Duration,
    /// How many times as fast as ours the target's clock runs: 1, but for a target that is made to run fast.
    pub haste: u32,
    /// Whether to wait for what takes minutes.
    pub slow: bool,
}

impl Options {
    /// The usual ones.
    pub fn new(address: OnionAddress, invites: Vec<InviteToken>, seed: [u8; 32]) -> Self {
        Self {
            address,
            invites,
            seed,
            patience: Duration::from_secs(5),
            haste: 1,
            slow: false,
        }
    }
}

/// Runs the whole suite, and hands over each case's line as it comes.
pub fn run(target: &dyn Target, options: &Options, seen: impl FnMut(&Line)) -> Report {
    run_some(target, options, |_| true, seen)
}

/// Runs the cases that `wanted` names by id.
pub fn run_some(
    target: &dyn Target,
    options: &Options,
    wanted: impl Fn(&str) -> bool,
    mut seen: impl FnMut(&Line),
) -> Report {
    let invites = options.invites.iter().map(|invite| invite.0).collect();
    let mut world = World::new(target, options.address, invites, options.seed);
    world.net.patience = options.patience;
    world.hasten(options.haste);
    let mut report = Report::default();
    for section in SECTIONS {
        for case in section.cases.iter().filter(|case| wanted(case.id)) {
            let line = Line {
                section: section.title,
                id: case.id,
                says: case.says,
                outcome: outcome(case, &mut world, options.slow),
            };
            seen(&line);
            report.lines.push(line);
        }
    }
    report
}

fn outcome(case: &Case, world: &mut World<'_>, slow: bool) -> Outcome {
    match case.needs {
        Needs::Time if !slow => return Outcome::Slow,
        Needs::Friend(side) if !world.can_befriend(side) => return Outcome::Uninvited,
        _ => {}
    }
    match (case.run)(world) {
        Ok(()) => Outcome::Passed,
        Err(failure) => {
            // Nobody knows how far it has come.
            world.forget_sessions();
            Outcome::Failed(failure)
        }
    }
}
