//! What the Tor network tells of this machine's clock.
//!
//! arti has an estimate once it has met eight relays, which a client that gets on well never does; and it goes on with a
//! clock that is hours off, as it should. But a person whose messages are dated wrongly, and expire too early or too late,
//! wants to know. Every directory says from when until when it holds, which shows a clock that is far out.

use std::time::{Duration, SystemTime};

use arti_client::TorClient;
use futures::FutureExt as _;
use futures::stream::StreamExt as _;
use tor_netdir::Timeliness;
use tor_rtcompat::Runtime;

use crate::status::Problem;

/// What arti too calls significant.
const SIGNIFICANT: Duration = Duration::from_mins(15);

/// What is wrong with the clock. `settled`: there has been time to fetch a newer directory than the one of yesterday, with
/// which a client may start.
pub(crate) fn trouble<R: Runtime>(client: &TorClient<R>, settled: bool) -> Option<Problem> {
    let detail = estimate(client).or_else(|| {
        let directory = client.dirmgr().ok()?.netdir(Timeliness::Unchecked).ok()?;
        let lifetime = directory.lifetime();
        let now = client.runtime().wallclock();
        against(now, lifetime.valid_after(), lifetime.valid_until(), settled)
    });
    detail.map(Problem::Clock)
}

fn estimate<R: Runtime>(client: &TorClient<R>) -> Option<String> {
    let estimate = client.circmgr().ok()?.skew_events().next().now_or_never()???;
    estimate.noteworthy().then(|| estimate.to_string())
}

fn against(now: SystemTime, valid_after: SystemTime, valid_until: SystemTime, settled: bool) -> Option<String> {
    let significant = |span: &Duration| *span > SIGNIFICANT;
    if let Some(behind) = valid_after.duration_since(now).ok().filter(significant) {
        return Some(format!("it is at least {} behind the Tor directory", minutes(behind)));
    }
    let past = now.duration_since(valid_until).ok().filter(significant);
    past.filter(|_| settled)
        .map(|past| format!("the newest Tor directory to be had has ended {} ago", minutes(past)))
}

fn minutes(span: Duration) -> String {
    let minutes = span.as_secs() / 60;
    match (minutes / 60, minutes % 60) {
        (0, minutes) => format!("{minutes} min"),
        (hours, minutes) => format!("{hours} h {minutes} min"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_is_wrong_when_it_is_far_outside_of_what_a_directory_says() {
        let hours = |count: u64| SystemTime::UNIX_EPOCH + Duration::from_hours(count);
        let said = |now: SystemTime, settled| against(now, hours(100), hours(103), settled);
        for now in [
            hours(100),
            hours(103),
            hours(100) - SIGNIFICANT,
            hours(103) + SIGNIFICANT,
        ] {
            assert_eq!(said(now, true), None);
        }
        let behind = "it is at least 5 h 0 min behind the Tor directory";
        assert_eq!(said(hours(95), false).as_deref(), Some(behind));
        // Yesterday's directory is what a client may start with.
        assert_eq!(said(hours(127), false), None);
        let past = "the newest Tor directory to be had has ended 24 h 0 min ago";
        assert_eq!(said(hours(127), true).as_deref(), Some(past));
        let little = hours(100) - Duration::from_mins(16);
        assert_eq!(
            said(little, false).as_deref(),
            Some("it is at least 16 min behind the Tor directory")
        );
    }
}
