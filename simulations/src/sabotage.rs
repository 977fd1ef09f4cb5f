//! The simulator's own test: nodes that break one rule, in worlds that must notice.

use std::time::{Duration, Instant};

use sotto_core::sabotage::Rule;

use crate::rules::bits;
pub use crate::rules::{TABLE, TOLERATED, named, names};
use crate::run::{Run, play};
use crate::scenario::LIBRARY;

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
