//! The conformance suite: a test peer that connects to any implementation over any ordered byte stream, checks the clauses of
//! `core/PROTOCOL.md`, and reports the result of each. It needs the target's address, a way to open new byte streams to it
//! ([`Target`]) and two invites (with fewer, some cases are skipped). It observes nothing but bytes.
//!
//! ```text
//!  cases ──▶ Fixture ── stranger, requester, friend ──▶ TestPeer (keys, session)
//!    │          └────── Connector ──▶ Initiator ──▶ TestLink ──▶ RecordStream ──▶ Stream ══▶ the target
//!    └──▶ Report                     (handshake)   (frames)      (bytes, timeouts)
//! ```
//!
//! | file | what it has |
//! |---|---|
//! | [`target`] | the way to the target |
//! | `record_stream`, `initiator`, `link` | a stream's bytes, its handshake, its frames, correct or not |
//! | [`test_peer`] | an identity of the suite and its session; testkit's hostile peer uses it too |
//! | [`noise`], `malformed_keys` | the handshake over `snow` alone, forged keys, loose signatures |
//! | `token_bucket` | how fast the suite may send |
//! | `fixture` | the peers of a run |
//! | `cases/` | the cases, a file for each part of the document |
//! | [`report`] | the results |
//!
//! A case is named after its clause: `L-2.1` is the first of `[L-2]`. The document's section 10 lists all cases, and names the
//! tests of the clauses that no peer can observe. A run leaves one request and up to two contacts at the target, which it then
//! dials in vain: use a target that was made for the test.

mod cases;
mod fixture;
mod initiator;
mod link;
mod malformed_keys;
pub mod noise;
mod record_stream;
pub mod report;
pub mod target;
pub mod test_peer;
mod token_bucket;

use std::time::Duration;

use sotto_core::{InviteToken, OnionAddress};

pub use self::fixture::onion_seed;
use self::fixture::{Fixture, KeyOrder};
pub use self::report::{CaseResult, Failure, Outcome, Report};
pub use self::target::{SocksTarget, Stream, Target, UnixTarget};

/// A case of the suite.
pub struct Case {
    /// The number of its clause and its own.
    pub id: &'static str,
    /// What it checks, as the end of "the target …".
    pub claim: &'static str,
    requires: Requirement,
    run: fn(&mut Fixture<'_>) -> Result<(), Failure>,
}

/// What a case requires.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Requirement {
    None,
    Friend(KeyOrder),
    /// A run that waits for minutes.
    Minutes,
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

/// The options of a run.
pub struct Options {
    /// The target's onion address.
    pub address: OnionAddress,
    /// Unused invites of the target.
    pub invites: Vec<InviteToken>,
    /// 32 random bytes, from which the suite's keys are derived.
    pub seed: [u8; 32],
    /// How long the target may take for what it must do. More on slow networks, but below the 30 s of a handshake.
    pub timeout: Duration,
    /// How many times as fast as ours the target's clock runs: 1, except for a target with a fast clock for tests.
    pub clock_rate: u32,
    /// Whether to run the cases that take minutes.
    pub slow: bool,
}

impl Options {
    /// The default options.
    pub fn new(address: OnionAddress, invites: Vec<InviteToken>, seed: [u8; 32]) -> Self {
        Self {
            address,
            invites,
            seed,
            timeout: Duration::from_secs(5),
            clock_rate: 1,
            slow: false,
        }
    }
}

/// Runs the whole suite. `on_result` gets each result at once.
pub fn run(target: &dyn Target, options: &Options, on_result: impl FnMut(&CaseResult)) -> Report {
    run_some(target, options, |_| true, on_result)
}

/// Runs the cases whose id satisfies `wanted`.
pub fn run_some(
    target: &dyn Target,
    options: &Options,
    wanted: impl Fn(&str) -> bool,
    mut on_result: impl FnMut(&CaseResult),
) -> Report {
    let mut fixture = Fixture::new(target, options);
    let mut report = Report::default();
    for section in SECTIONS {
        for case in section.cases.iter().filter(|case| wanted(case.id)) {
            let result = CaseResult {
                section: section.title,
                id: case.id,
                claim: case.claim,
                outcome: outcome(case, &mut fixture, options.slow),
            };
            on_result(&result);
            report.results.push(result);
        }
    }
    report
}

fn outcome(case: &Case, fixture: &mut Fixture<'_>, slow: bool) -> Outcome {
    match case.requires {
        Requirement::Minutes if !slow => return Outcome::Slow,
        Requirement::Friend(order) if !fixture.can_befriend(order) => return Outcome::NoInvite,
        _ => {}
    }
    match (case.run)(fixture) {
        Ok(()) => Outcome::Passed,
        Err(failure) => {
            // The sessions may be out of step with the target.
            fixture.forget_sessions();
            Outcome::Failed(failure)
        }
    }
}
