//! Many bad worlds: every story with every seed of a range, on some threads, until all are played, time is up or enough
//! has failed. What was played is counted, and what failed is made as simple as it can be.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use sotto_core::Millis;

use crate::{Choice, FAULTS, Malice, Run, Scenario, Trace, play, shrink};

/// The one place among those who ask is what this story is about, and whoever means ill would take it.
const TAKES_ALL_ROOM: &str = "one_request_at_a_time";

/// What to play.
#[derive(Clone, Debug)]
pub struct Campaign {
    /// The stories.
    pub stories: Vec<&'static Scenario>,
    /// The seeds, each for every story.
    pub seeds: Range<u64>,
    /// One in so many worlds is played over libsignal; 0 is none.
    pub signal_every: u64,
    /// In one of so many there is one more person, who means ill; 0 is none.
    pub malice_every: u64,
    /// How many threads play.
    pub threads: usize,
    /// No more worlds are begun after this long.
    pub patience: Option<Duration>,
    /// Nor after so many have failed.
    pub failures: usize,
    /// Rules that all nodes break, by their bits.
    #[cfg(feature = "sabotage")]
    pub broken: u64,
}

/// How a campaign goes.
pub enum Progress<'a> {
    /// Another minute has passed.
    Minute(&'a Tally),
    /// This failed.
    Failed(&'a Trace),
}

/// What has been played.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// Worlds that have come to their end, whether well or not.
    pub worlds: u64,
    /// How many of these ran over libsignal.
    pub over_signal: u64,
    /// How long they lived, all together.
    pub lived: Millis,
    /// How often each kind of fault happened.
    pub faults: BTreeMap<&'static str, u64>,
    /// What failed, simplified, by the place of the world in the campaign.
    pub failed: BTreeMap<u64, Trace>,
    /// How long it took.
    pub took: Duration,
}

impl Campaign {
    /// Plays it, and tells how it goes.
    pub fn play(&self, watch: impl Fn(Progress<'_>) + Sync) -> Tally {
        let began = Instant::now();
        let (next, over) = (AtomicU64::new(0), AtomicBool::new(false));
        let tally = Mutex::new(Tally::default());
        let told = AtomicU64::new(0);
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
                tally.lived.0 += verdict.map_or(0, |outcome| outcome.lived.0);
                if let Some(trace) = failed {
                    watch(Progress::Failed(&trace));
                    tally.failed.insert(place, trace);
                }
                tally.took = began.elapsed();
                if tally.failed.len() >= self.failures || self.patience.is_some_and(|patience| tally.took > patience) {
                    over.store(true, Ordering::Relaxed);
                }
                let minute = tally.took.as_secs() / 60;
                if told.fetch_max(minute, Ordering::Relaxed) < minute {
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

    /// The world at that place, unless that is beyond the last.
    fn world(&self, place: u64) -> Option<(u64, Run)> {
        let stories = self.stories.len() as u64;
        let seed = self.seeds.start.checked_add(place.checked_div(stories)?)?;
        let story = *self.stories.get(usize::try_from(place % stories).ok()?)?;
        let run = Run {
            #[cfg(feature = "sabotage")]
            broken: self.broken,
            ..Run::bad(story, seed)
        };
        // One further with each seed, or some stories would never meet anybody who means ill.
        let turn = place + place / stories;
        let nth = turn.checked_div(self.malice_every).unwrap_or_default();
        let malice = Malice::ALL[usize::try_from(nth % Malice::ALL.len() as u64).ok()?];
        let mean = self.malice_every > 0 && turn.is_multiple_of(self.malice_every) && story.name != TAKES_ALL_ROOM;
        let run = if mean { run.among(malice) } else { run };
        let signal = self.signal_every > 0 && place % self.signal_every == self.signal_every - 1;
        self.seeds
            .contains(&seed)
            .then(|| (place, if signal { run.over_signal() } else { run }))
    }
}

impl Tally {
    fn count(&mut self, run: Run, made: &[Choice]) {
        self.worlds += 1;
        self.over_signal += u64::from(run.cipher == crate::Cipher::Signal);
        for choice in made.iter().filter(|choice| choice.value > 0) {
            if let Some(fault) = FAULTS.iter().find(|fault| fault.label == choice.label) {
                *self.faults.entry(fault.label).or_default() += 1;
            }
        }
    }

    /// How long the worlds lived, in years.
    #[expect(clippy::cast_precision_loss, reason = "a figure for people")]
    pub fn years(&self) -> f64 {
        self.lived.0 as f64 / (365.25 * Millis::hours(24).0 as f64)
    }

    /// Worlds a second.
    #[expect(clippy::cast_precision_loss, reason = "a figure for people")]
    pub fn rate(&self) -> f64 {
        self.worlds as f64 / self.took.as_secs_f64().max(1e-9)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn campaign(threads: usize) -> Campaign {
        Campaign {
            stories: ["one_message", "both_ways"]
                .map(|name| Scenario::named(name).expect("in the library"))
                .to_vec(),
            seeds: 5..10,
            signal_every: 4,
            malice_every: 5,
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
        assert_eq!((alone.worlds, alone.over_signal), (10, 2));
        assert!(alone.failed.is_empty() && alone.years() > 0.0 && !alone.faults.is_empty());
        assert_eq!(
            (alone.worlds, alone.lived, alone.faults),
            (together.worlds, together.lived, together.faults)
        );
        let places: Vec<_> = (0..11)
            .map_while(|place| campaign(1).world(place))
            .map(|(_, run)| run.to_string())
            .collect();
        assert_eq!(places.len(), 10);
        let last = "both_ways --seed 8 --bad-world --signal --malice LiesAboutCursors";
        assert_eq!(places[7], last);
        assert_eq!(places[3], "both_ways --seed 6 --bad-world --signal");
    }
}
