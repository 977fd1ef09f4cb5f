//! The simulator's own test: nodes that break one rule, in runs that must detect it.

use std::time::{Duration, Instant};

pub use crate::rules::{HARMLESS, Rule, named, names, table};
use crate::run::{Run, play};
use crate::scenario::LIBRARY;

/// How a broken rule was detected.
#[derive(Clone, Debug)]
pub struct Detection {
    /// The number of seeds that were needed. The first has no faults but the scenario's own.
    pub seeds: u64,
    /// The number of runs.
    pub runs: u64,
    /// The run that detected it.
    pub run: Run,
    /// What the run has violated.
    pub why: String,
    /// How long it took.
    pub took: Duration,
}

/// Breaks a rule in the runs of at most so many seeds, until one fails.
pub fn detect(rule: Rule, seeds: u64) -> Option<Detection> {
    let broken = rule.bits();
    let began = Instant::now();
    let mut runs = 0;
    for seed in 0..seeds {
        for scenario in LIBRARY {
            let run = if seed == 0 {
                Run::fault_free(scenario)
            } else {
                Run::faulty(scenario, seed)
            };
            let run = Run {
                broken,
                byzantine: rule.among(),
                ..run
            };
            runs += 1;
            if let Err(why) = twice(run) {
                return Some(Detection {
                    seeds: seed + 1,
                    runs,
                    run,
                    why,
                    took: began.elapsed(),
                });
            }
        }
    }
    None
}

/// Plays a run. With more than two nodes, where their order can matter, plays it again and compares.
fn twice(run: Run) -> Result<(), String> {
    let first = play(run, run.choices()).0?;
    if run.scenario.people > 2 && play(run, run.choices()).0.as_ref() != Ok(&first) {
        return Err("two runs of one seed differ".to_owned());
    }
    Ok(())
}

/// A row of the table.
pub fn row(rule: Rule, detection: Option<&Detection>) -> String {
    match detection {
        Some(detection) => format!(
            "{:<24} {:>5} {:>6} {:>7} ms  {:<28} {:.90}",
            format!("{rule:?}"),
            detection.seeds,
            detection.runs,
            detection.took.as_millis(),
            detection.run.scenario.name,
            detection
                .why
                .split_once(": ")
                .map_or(&*detection.why, |(_, what)| what)
                .lines()
                .next()
                .unwrap_or_default(),
        ),
        None => format!("{:<24} NOT DETECTED", format!("{rule:?}")),
    }
}
