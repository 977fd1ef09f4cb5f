//! What the Tor network shows about this machine's clock.
//!
//! arti estimates the skew once it has met eight relays, which a client that works well never does. It also goes on with a
//! clock that is hours off, as it should. But a wrong clock dates messages wrongly and expires them too early or too late,
//! so the status reports it. Every Tor directory states its validity, which shows a clock that is far off. A clock that was
//! ahead and has been set right is the matter of [`TorClock`].

use std::time::{Duration, SystemTime};

use arti_client::TorClient;
use futures::FutureExt as _;
use futures::stream::StreamExt as _;
use sotto_core::{Millis, Wall};
use tor_netdir::Timeliness;
use tor_rtcompat::Runtime;

use crate::status::{TorProblem, minutes};
use crate::tor_clock::{TorClock, TorRuntime};

/// arti calls the same skew significant.
const SIGNIFICANT: Duration = Duration::from_mins(15);

/// How old the client's directory may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DirectoryAge {
    /// It may come from the cache of an earlier run.
    MayBeCached,
    /// There has been time to fetch a new one.
    MustBeFresh,
}

/// What is wrong with the clock, as far as arti and the directory show it.
pub(crate) fn problem<R: Runtime>(
    client: &TorClient<TorRuntime<R>>,
    clock: &TorClock<R>,
    age: DirectoryAge,
) -> Option<TorProblem> {
    // arti judges the clock that it sees.
    let estimate = artis_estimate(client).filter(|_| clock.lead() == Millis(0));
    let detail = estimate.or_else(|| {
        let directory = client.dirmgr().ok()?.netdir(Timeliness::Unchecked).ok()?;
        let lifetime = directory.lifetime();
        let now = time(clock.machine_wall());
        compare_with_directory(now, lifetime.valid_after(), lifetime.valid_until(), age)
    });
    detail.map(TorProblem::Clock)
}

/// Whether the directory in use is valid by this machine's clock, which says `now`.
pub(crate) fn is_confirmed<R: Runtime>(client: &TorClient<R>, now: Wall) -> bool {
    let directory = client
        .dirmgr()
        .ok()
        .and_then(|dirmgr| dirmgr.netdir(Timeliness::Unchecked).ok());
    directory.is_some_and(|directory| {
        let lifetime = directory.lifetime();
        covers(time(now), lifetime.valid_after(), lifetime.valid_until())
    })
}

fn time(wall: Wall) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_millis(wall.0)
}

fn covers(now: SystemTime, valid_after: SystemTime, valid_until: SystemTime) -> bool {
    valid_after <= now + SIGNIFICANT && now <= valid_until + SIGNIFICANT
}

fn artis_estimate<R: Runtime>(client: &TorClient<R>) -> Option<String> {
    let estimate = client.circmgr().ok()?.skew_events().next().now_or_never()???;
    estimate.noteworthy().then(|| estimate.to_string())
}

fn compare_with_directory(
    now: SystemTime,
    valid_after: SystemTime,
    valid_until: SystemTime,
    age: DirectoryAge,
) -> Option<String> {
    let significant = |span: &Duration| *span > SIGNIFICANT;
    if let Some(behind) = valid_after.duration_since(now).ok().filter(significant) {
        return Some(format!("it is at least {} behind the Tor directory", minutes(behind)));
    }
    let expired = now.duration_since(valid_until).ok().filter(significant)?;
    match age {
        DirectoryAge::MayBeCached => None,
        DirectoryAge::MustBeFresh => Some(format!(
            "the newest Tor directory available expired {} ago",
            minutes(expired)
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_far_outside_the_directorys_validity_is_wrong() {
        use DirectoryAge::{MayBeCached, MustBeFresh};
        let hours = |count: u64| SystemTime::UNIX_EPOCH + Duration::from_hours(count);
        let compare = |now: SystemTime, age| compare_with_directory(now, hours(100), hours(103), age);
        for now in [
            hours(100),
            hours(103),
            hours(100) - SIGNIFICANT,
            hours(103) + SIGNIFICANT,
        ] {
            assert_eq!(compare(now, MustBeFresh), None);
        }
        let behind = "it is at least 5 h 0 min behind the Tor directory";
        assert_eq!(compare(hours(95), MayBeCached).as_deref(), Some(behind));
        // A client may start with the directory of yesterday.
        assert_eq!(compare(hours(127), MayBeCached), None);
        let expired = "the newest Tor directory available expired 24 h 0 min ago";
        assert_eq!(compare(hours(127), MustBeFresh).as_deref(), Some(expired));
        let slightly_behind = hours(100) - Duration::from_mins(16);
        assert_eq!(
            compare(slightly_behind, MayBeCached).as_deref(),
            Some("it is at least 16 min behind the Tor directory")
        );
    }

    #[test]
    fn a_directory_that_is_valid_by_the_clock_confirms_it() {
        let hours = |count: u64| SystemTime::UNIX_EPOCH + Duration::from_hours(count);
        let covers = |now| covers(now, hours(100), hours(103));
        assert!(covers(hours(100)) && covers(hours(103)) && covers(hours(100) - SIGNIFICANT));
        assert!(!covers(hours(99)) && !covers(hours(104)) && !covers(hours(1000)));
    }
}
