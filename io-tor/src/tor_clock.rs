//! [`TorClock`]: the wall clock that arti sees.
//!
//! arti computes a descriptor's revision counter from the wall clock, and a directory keeps the descriptor with the higher
//! counter (Tor rendezvous specification, "Hidden service descriptors: outer wrapper", `revision-counter`). A machine whose
//! clock was hours ahead while it published, and was then set right, would be refused by every directory for hours, and no
//! client could reach it. So arti's clock is not set back with the machine's: it goes on from the latest moment at which a
//! descriptor may have been published, and runs at half speed until the machine's clock has caught up. Tor works with such a
//! clock, or nothing would have been published under it. The moment is kept in a file, for the next start.
//!
//! A clock that was ahead before anything was published is set back like the machine's.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use sotto_core::{Millis, Wall};
use tor_rtcompat::{CompoundRuntime, Runtime, RuntimeSubstExt as _, SleepProvider};

/// The runtime that arti runs on: the given one, with this clock.
pub(crate) type TorRuntime<R> = CompoundRuntime<R, TorClock<R>, R, R, R, R, R>;

/// A smaller step back is what time synchronisation does.
const TOLERANCE: Millis = Millis::minutes(1);

/// A descriptor may have been published so long after the latest moment that was noted.
const UNNOTED: Millis = Millis::minutes(2);

/// How often the moment is written.
const WRITTEN: Millis = Millis::minutes(1);

/// Further ahead Tor does not work: the directories of a day have no place for such a counter.
const FURTHEST: Millis = Millis::hours(24);

/// The file in Tor's folder that keeps the latest moment of publishing, in milliseconds since 1970.
const FILE: &str = "published";

/// Clones are the same clock.
#[derive(Clone)]
pub(crate) struct TorClock<R> {
    machine: R,
    state: Arc<Mutex<ClockState>>,
}

struct ClockState {
    file: PathBuf,
    /// The latest moment, by this clock, at which a descriptor may have been published.
    published: Option<Wall>,
    written: Option<Wall>,
    /// The machine's clock was set back: this clock said so much then, and runs at half speed.
    slewed: Option<(Wall, Instant)>,
}

impl<R: SleepProvider> TorClock<R> {
    /// Goes on where the last process in the folder has ended.
    pub fn open(machine: R, folder: &Path) -> Self {
        let file = folder.join(FILE);
        let published = fs::read_to_string(&file).ok().and_then(|text| text.trim().parse().ok());
        let published = published.map(Wall);
        let state = ClockState {
            file,
            published,
            written: published,
            slewed: None,
        };
        Self {
            machine,
            state: Arc::new(Mutex::new(state)),
        }
    }

    /// The machine's own clock.
    pub fn machine_wall(&self) -> Wall {
        wall(self.machine.wallclock())
    }

    /// How far this clock is ahead of the machine's.
    pub fn lead(&self) -> Millis {
        let machine = self.machine_wall();
        self.lock().wall(machine, self.machine.now()).since(machine)
    }

    /// A descriptor may be published now.
    pub fn published(&self) {
        let machine = self.machine_wall();
        self.lock().note(machine, self.machine.now());
    }

    fn lock(&self) -> MutexGuard<'_, ClockState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<R: Runtime> TorClock<R> {
    /// The runtime that has this clock.
    pub fn runtime(&self) -> TorRuntime<R> {
        self.machine.with_sleep_provider(self.clone())
    }
}

impl ClockState {
    /// What this clock says when the machine's says `machine`.
    fn wall(&mut self, machine: Wall, now: Instant) -> Wall {
        if self.slewed.is_none()
            && let Some(published) = self.published
            && machine.after(TOLERANCE) < published
            && published.since(machine) <= FURTHEST
        {
            self.slewed = Some((published.after(UNNOTED), now));
            tracing::warn!("this machine's clock was set back; for Tor it runs at half speed until it has caught up");
        }
        let slewed = self.slewed.map(|(begun, since)| {
            let half = now.saturating_duration_since(since) / 2;
            begun.after(Millis(u64::try_from(half.as_millis()).unwrap_or(u64::MAX)))
        });
        match slewed {
            Some(slewed) if machine < slewed && slewed.since(machine) <= FURTHEST => slewed,
            _ => {
                self.slewed = None;
                machine
            }
        }
    }

    fn note(&mut self, machine: Wall, now: Instant) {
        let at = self.wall(machine, now);
        // A moment that is too far ahead to go on from counts no more.
        let ahead = self.published.filter(|known| known.since(machine) <= FURTHEST);
        self.published = ahead.max(Some(at));
        let is_written = (self.written).is_some_and(|written| written <= at && at.since(written) < WRITTEN);
        // It helps after a restart alone: a folder that cannot be written is told of elsewhere.
        if !is_written && fs::write(&self.file, at.0.to_string()).is_ok() {
            self.written = Some(at);
        }
    }
}

impl<R: SleepProvider> SleepProvider for TorClock<R> {
    type SleepFuture = R::SleepFuture;

    fn sleep(&self, duration: Duration) -> Self::SleepFuture {
        self.machine.sleep(duration)
    }

    fn now(&self) -> Instant {
        self.machine.now()
    }

    fn wallclock(&self) -> SystemTime {
        let machine = self.machine.wallclock();
        let ahead = self.lock().wall(wall(machine), self.machine.now()).since(wall(machine));
        machine + Duration::from_millis(ahead.0)
    }
}

fn wall(time: SystemTime) -> Wall {
    let since_epoch = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Wall(u64::try_from(since_epoch.as_millis()).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Wall = Wall(1_000 * Millis::hours(24).0);

    fn opened(folder: &Path) -> ClockState {
        let file = folder.join(FILE);
        let published = fs::read_to_string(&file)
            .ok()
            .and_then(|text| text.parse().ok())
            .map(Wall);
        ClockState {
            file,
            published,
            written: published,
            slewed: None,
        }
    }

    fn back(wall: Wall, span: Millis) -> Wall {
        Wall(wall.0 - span.0)
    }

    #[test]
    fn after_a_descriptor_was_published_it_is_never_set_back_and_is_caught_up() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut clock = opened(folder.path());
        let begun = Instant::now();
        let after = |minutes: u64| begun + Duration::from_mins(minutes);
        let mut machine = START.after(Millis::hours(5));
        assert_eq!(clock.wall(machine, begun), machine);
        // Set right before anything is published, it is followed.
        machine = START;
        assert_eq!(clock.wall(machine, begun), machine);
        machine = START.after(Millis::hours(5));
        clock.note(machine, begun);
        let mut latest = machine;
        machine = START;
        for minutes in (0..).step_by(10) {
            let machine = machine.after(Millis::minutes(minutes));
            let said = clock.wall(machine, after(minutes));
            assert!(said > latest, "after {minutes} min");
            clock.note(machine, after(minutes));
            latest = said;
            if said == machine {
                assert!(minutes > 9 * 60 && minutes < 11 * 60, "{minutes} min");
                break;
            }
        }
    }

    #[test]
    fn a_new_process_goes_on_from_what_the_last_one_has_published() {
        let folder = tempfile::tempdir().expect("a folder");
        let ahead = START.after(Millis::hours(3));
        opened(folder.path()).note(ahead, Instant::now());
        let mut next = opened(folder.path());
        assert!(next.wall(START, Instant::now()) > ahead);
        // So far ahead that nothing of it is left in the directories.
        let mut next = opened(folder.path());
        let days_ago = back(START, Millis::hours(48));
        assert_eq!(next.wall(days_ago, Instant::now()), days_ago);
        next.note(days_ago, Instant::now());
        assert_eq!(opened(folder.path()).published, Some(days_ago));
    }

    #[test]
    fn a_step_of_time_synchronisation_and_a_damaged_file_change_nothing() {
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(folder.path().join(FILE), "no number").expect("written");
        let mut clock = opened(folder.path());
        let now = Instant::now();
        assert_eq!(clock.wall(START, now), START);
        clock.note(START, now);
        let earlier = back(START, Millis::seconds(30));
        assert_eq!(clock.wall(earlier, now), earlier);
    }
}
