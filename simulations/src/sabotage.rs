//! The simulator's own test: nodes that break one rule, in worlds that must notice.

use std::time::{Duration, Instant};

use sotto_core::sabotage::Rule;

use crate::scenario::LIBRARY;
use crate::{Run, play};

/// Every rule that can be broken, and what else has to be wrong for that to matter.
pub const TABLE: &[(Rule, &[Rule])] = &[
    (Rule::SendBeforeStore, &[]),
    (Rule::AckBeforeStore, &[]),
    (Rule::ReplyBeforeStore, &[]),
    (Rule::AnnounceBeforeStore, &[]),
    (Rule::TwoCommitsAtOnce, &[]),
    (Rule::SessionNotStored, &[]),
    (Rule::CursorsNotStored, &[]),
    (Rule::EncryptAgainOnRetry, &[]),
    (Rule::SequenceUnchecked, &[Rule::EverythingSaidTwice]),
    (Rule::RepeatTakenAgain, &[]),
    (Rule::RepeatUnmarked, &[]),
    (Rule::NewestFirst, &[]),
    (Rule::WindowUnbounded, &[]),
    (Rule::OutboxUnbounded, &[]),
    (Rule::RequestsUnbounded, &[]),
    (Rule::RetryNotRestored, &[]),
    (Rule::WakeLost, &[]),
    (Rule::NoBackoff, &[]),
    (Rule::MonotonicStored, &[]),
    (Rule::EntropyReplayed, &[]),
    (Rule::HashOrder, &[]),
    (Rule::RollbackUnseen, &[]),
    (Rule::OfferKept, &[]),
    (Rule::StrangerAdmitted, &[]),
    (Rule::InviteReused, &[]),
    (Rule::BlockedHeard, &[]),
    (Rule::ExpiryForgotten, &[]),
    (Rule::ErasureForgotten, &[]),
    (Rule::DisappearanceForgotten, &[]),
    (Rule::EventNumberSkipped, &[]),
    (Rule::CrossedLinksBothGo, &[]),
    (Rule::DeadLinkKept, &[]),
    (Rule::IdleLinkKept, &[]),
    (Rule::HeartbeatUnsaid, &[]),
    (Rule::LieOfCursorBelieved, &[Rule::AckOfTheUnseen]),
    (Rule::AckUnpaid, &[]),
    (Rule::AckOfTheUnseen, &[]),
    (Rule::SequenceEquivocated, &[]),
];

/// What a node does that it need not do, and that others must put up with.
pub const TOLERATED: &[Rule] = &[Rule::EverythingSaidTwice];

/// The rule of that name, and what else has to be wrong for it to matter.
pub fn named(name: &str) -> Result<u64, String> {
    let row = TABLE.iter().find(|(rule, _)| format!("{rule:?}") == name);
    let (rule, with) = row.ok_or_else(|| format!("no rule is called {name}"))?;
    Ok(bits(*rule, with))
}

/// Which rules of the table these bits break.
pub fn names(broken: u64) -> impl Iterator<Item = Rule> {
    TABLE
        .iter()
        .map(|(rule, _)| *rule)
        .filter(move |rule| broken & rule.bit() != 0)
}

fn bits(rule: Rule, with: &[Rule]) -> u64 {
    with.iter().fold(rule.bit(), |bits, rule| bits | rule.bit())
}

/// How a broken rule was noticed.
#[derive(Clone, Debug)]
pub struct Caught {
    /// In the worlds of how many seeds; the first has no faults but the story's.
    pub seeds: u64,
    /// In how many worlds.
    pub worlds: u64,
    /// By which run.
    pub run: Run,
    /// What it said.
    pub why: String,
    /// How long that took.
    pub took: Duration,
}

/// Breaks a rule in the worlds of at most so many seeds, until one notices.
pub fn hunt(rule: Rule, with: &[Rule], seeds: u64) -> Option<Caught> {
    let broken = bits(rule, with);
    let began = Instant::now();
    let mut worlds = 0;
    for seed in 0..seeds {
        for scenario in LIBRARY {
            let run = if seed == 0 {
                Run::calm(scenario)
            } else {
                Run::bad(scenario, seed)
            };
            let run = Run { broken, ..run };
            worlds += 1;
            if let Err(why) = twice(run) {
                return Some(Caught {
                    seeds: seed + 1,
                    worlds,
                    run,
                    why,
                    took: began.elapsed(),
                });
            }
        }
    }
    None
}

/// Plays a run and, where there are enough nodes for their order to matter, plays it again.
fn twice(run: Run) -> Result<(), String> {
    let first = play(run, run.choices()).0?;
    if run.scenario.people > 2 && play(run, run.choices()).0.as_ref() != Ok(&first) {
        return Err("two runs of one seed differ".to_owned());
    }
    Ok(())
}

/// A row of the table, for people.
pub fn row(rule: Rule, caught: Option<&Caught>) -> String {
    match caught {
        Some(caught) => format!(
            "{:<24} {:>5} {:>6} {:>7} ms  {:<28} {:.90}",
            format!("{rule:?}"),
            caught.seeds,
            caught.worlds,
            caught.took.as_millis(),
            caught.run.scenario.name,
            caught
                .why
                .split_once(": ")
                .map_or(&*caught.why, |(_, what)| what)
                .lines()
                .next()
                .unwrap_or_default(),
        ),
        None => format!("{:<24} NOT CAUGHT", format!("{rule:?}")),
    }
}
