//! Moments, as a person says them.

use std::io::Write as _;
use std::sync::LazyLock;

use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};
use sotto_api::Time;

use super::style::Tone;
use super::text::line;

/// A moment in local time: the hour alone if it is today, with the weekday if it is of this week, else the whole date.
pub fn moment(at: Time) -> String {
    let zone = ZONE.clone();
    shown(&timestamp(at).to_zoned(zone.clone()), &Timestamp::now().to_zoned(zone))
}

/// The user's time zone.
static ZONE: LazyLock<TimeZone> = LazyLock::new(|| {
    TimeZone::try_system().unwrap_or_else(|_| {
        // A machine without a zone is in UTC. A zone that was asked for and is not known is a typing error.
        if let Some(asked) = std::env::var_os("TZ") {
            let text = format!(
                "TZ={} is not a time zone that is known here, so times are in UTC",
                asked.display()
            );
            let _ = writeln!(
                anstream::stderr(),
                "{} {}",
                Tone::Warning.paint("warning:"),
                line(&text)
            );
        }
        TimeZone::UTC
    })
});

fn timestamp(at: Time) -> Timestamp {
    // The API shows no moment that a time zone could not.
    let millis = i64::try_from(at.millis()).unwrap_or(i64::MAX);
    Timestamp::from_millisecond(millis).unwrap_or(Timestamp::MAX)
}

fn shown(then: &Zoned, now: &Zoned) -> String {
    let days = (now.date() - then.date()).get_days();
    let form = match days {
        0 => "%H:%M",
        1..=6 => "%a %H:%M",
        _ => "%Y-%m-%d %H:%M",
    };
    then.strftime(form).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_as_long_as_it_has_to_be() {
        let at = |text: &str| text.parse::<Timestamp>().expect("a timestamp").to_zoned(TimeZone::UTC);
        let now = at("2026-03-05T12:00:00Z");
        assert_eq!(shown(&at("2026-03-05T00:01:00Z"), &now), "00:01");
        assert_eq!(shown(&at("2026-03-04T23:59:00Z"), &now), "Wed 23:59");
        assert_eq!(shown(&at("2026-02-26T12:00:00Z"), &now), "2026-02-26 12:00");
        assert_eq!(shown(&at("2026-03-06T12:00:00Z"), &now), "2026-03-06 12:00");
    }
}
