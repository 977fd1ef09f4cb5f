//! [`Campaign`]: every scenario with every seed of a range, with faults, on some threads, until all are played, time is
//! up or enough runs have failed. It counts what was played, and shrinks what failed.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use sotto_core::Millis;

use crate::choice::{Choice, ENVIRONMENT_FAULTS};
use crate::run::{Run, play};
use crate::scenario::Scenario;
use crate::shrink::shrink;
use crate::trace::Trace;
use crate::world::{ByzantineFault, Cipher};

/// This scenario is about the only request slot, and a byzantine node would take it.
const NEEDS_THE_ONLY_SLOT: &str = "one_request_at_a_time";

/// What to play.
#[derive(Clone, Debug)]
pub struct Campaign {
    /// The scenarios.
    pub scenarios: Vec<&'static Scenario>,
    /// The seeds, each for every scenario.
    pub seeds: Range<u64>,
    /// One in so many runs uses libsignal; 0 is none.
    pub signal_every: u64,
    /// One in so many runs has a byzantine node; 0 is none.
    pub byzantine_every: u64,
    /// How many threads play.
    pub threads: usize,
    /// No run begins after this long.
    pub patience: Option<Duration>,
    /// No run begins after so many have failed.
    pub failures: usize,
    /// Rules that all nodes break, as bits.
    #[cfg(feature = "sabotage")]
    pub broken: u64,
}

/// How far a campaign is.
pub enum Progress<'a> {
    /// Another minute has passed.
    Minute(&'a Tally),
    /// This run failed.
    Failed(&'a Trace),
}

/// What has been played.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// Runs that have ended, failed ones included.
    pub runs: u64,
    /// How many of these used libsignal.
    pub over_signal: u64,
    /// Their virtual time, in total.
    pub virtual_time: Millis,
    /// How often each kind of fault was chosen.
    pub faults: BTreeMap<&'static str, u64>,
    /// What failed, shrunk, by the run's place in the campaign.
    pub failed: BTreeMap<u64, Trace>,
    /// How long it took.
    pub took: Duration,
}

impl Campaign {
    /// Plays the runs and reports progress.
    pub fn play(&self, watch: impl Fn(Progress<'_>) + Sync) -> Tally {
        let began = Instant::now();
        let (next, over) = (AtomicU64::new(0), AtomicBool::new(false));
        let tally = Mutex::new(Tally::default());
        let reported_minute = AtomicU64::new(0);
        let worker = || {
            while !over.load(Ordering::Relaxed) {
                let Some(run) = self.world(next.fetch_add(1, Ordering::Relaxed)) else {
                    return;
                };
                let (place, run) = run;
                let (verdict, made) = play(run, run.choices());
                let failed = verdict
                    .as_ref()
                    .err()
                    .map(|why| shrink(&Trace::made(run, &made, why.clone())));
                let mut tally = tally.lock().unwrap_or_else(PoisonError::into_inner);
                tally.count(run, &made);
                tally.virtual_time.0 += verdict.map_or(0, |outcome| outcome.virtual_time.0);
                if let Some(trace) = failed {
                    watch(Progress::Failed(&trace));
                    tally.failed.insert(place, trace);
                }
                tally.took = began.elapsed();
                if tally.failed.len() >= self.failures || self.patience.is_some_and(|patience| tally.took > patience) {
                    over.store(true, Ordering::Relaxed);
                }
                let minute = tally.took.as_secs() / 60;
                if reported_minute.fetch_max(minute, Ordering::Relaxed) < minute {
                    watch(Progress::Minute(&tally));
                }
            }
        };
        thread::scope(|scope| {
            for _ in 0..self.threads.max(1) {
                scope.spawn(worker);
            }
        });
        tally.into_inner().unwrap_or_else(PoisonError::into_inner)
    }

    /// The run at that place, unless it is beyond the last.
    fn world(&self, place: u64) -> Option<(u64, Run)> {
        let scenarios = self.scenarios.len() as u64;
        let seed = self.seeds.start.checked_add(place.checked_div(scenarios)?)?;
        let scenario = *self.scenarios.get(usize::try_from(place % scenarios).ok()?)?;
        let run = Run {
            #[cfg(feature = "sabotage")]
            broken: self.broken,
            ..Run::faulty(scenario, seed)
        };
        // The turn shifts by one with each seed, or some scenarios would never have a byzantine node.
        let turn = place + place / scenarios;
        let nth = turn.checked_div(self.byzantine_every).unwrap_or_default();
        let fault = ByzantineFault::ALL[usize::try_from(nth % ByzantineFault::ALL.len() as u64).ok()?];
        let is_byzantine = self.byzantine_every > 0
            && turn.is_multiple_of(self.byzantine_every)
            && scenario.name != NEEDS_THE_ONLY_SLOT;
        let run = if is_byzantine { run.with_byzantine(fault) } else { run };
        let signal = self.signal_every > 0 && place % self.signal_every == self.signal_every - 1;
        self.seeds
            .contains(&seed)
            .then(|| (place, if signal { run.over_signal() } else { run }))
    }
}

impl Tally {
    fn count(&mut self, run: Run, made: &[Choice]) {
        self.runs += 1;
        self.over_signal += u64::from(run.cipher == Cipher::Signal);
        for choice in made.iter().filter(|choice| choice.value > 0) {
            if let Some(fault) = ENVIRONMENT_FAULTS.iter().find(|fault| fault.label == choice.label) {
                *self.faults.entry(fault.label).or_default() += 1;
            }
        }
    }

    /// The virtual time of all runs, in years.
    #[expect(clippy::cast_precision_loss, reason = "a figure for people")]
    pub fn years(&self) -> f64 {
        self.virtual_time.0 as f64 / (365.25 * Millis::hours(24).0 as f64)
    }

    /// Runs per second.
    #[expect(clippy::cast_precision_loss, reason = "a figure for people")]
    pub fn rate(&self) -> f64 {
        self.runs as f64 / self.took.as_secs_f64().max(1e-9)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn campaign(threads: usize) -> Campaign {
        Campaign {
            scenarios: ["one_message", "both_ways"]
                .map(|name| Scenario::named(name).expect("in the library"))
                .to_vec(),
            seeds: 5..10,
            signal_every: 4,
            byzantine_every: 5,
            threads,
            patience: None,
            failures: 1,
            #[cfg(feature = "sabotage")]
            broken: 0,
        }
    }

    #[test]
    fn every_story_is_played_with_every_seed_however_many_threads_do_it() {
        let (alone, together) = (campaign(1).play(|_| {}), campaign(3).play(|_| {}));
        assert_eq!((alone.runs, alone.over_signal), (10, 2));
        assert!(alone.failed.is_empty() && alone.years() > 0.0 && !alone.faults.is_empty());
        assert_eq!(
            (alone.runs, alone.virtual_time, alone.faults),
            (together.runs, together.virtual_time, together.faults)
        );
        let places: Vec<_> = (0..11)
            .map_while(|place| campaign(1).world(place))
            .map(|(_, run)| run.to_string())
            .collect();
        assert_eq!(places.len(), 10);
        let last = "both_ways --seed 8 --faulty --signal --byzantine MisreportsCursors";
        assert_eq!(places[7], last);
        assert_eq!(places[3], "both_ways --seed 6 --faulty --signal");
    }
}
