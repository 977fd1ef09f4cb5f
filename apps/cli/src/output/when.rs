//! Moments and lengths of time, as a person says them.

use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};
use sotto_api::Time;

/// A moment in local time: the hour alone if it is today, with the weekday if it is of this week, else the whole date.
pub fn moment(at: Time) -> String {
    let zone = TimeZone::system();
    shown(&timestamp(at).to_zoned(zone.clone()), &Timestamp::now().to_zoned(zone))
}

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

/// A length of time, in its largest unit or two.
pub fn span(milliseconds: u64) -> String {
    let seconds = milliseconds / 1000;
    match (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60, seconds % 60) {
        (0, 0, 0, 0) => format!("{milliseconds} ms"),
        (0, 0, 0, s) => format!("{s} s"),
        (0, 0, m, 0) => format!("{m} min"),
        (0, 0, m, s) => format!("{m} min {s} s"),
        (0, h, 0, _) => format!("{h} h"),
        (0, h, m, _) => format!("{h} h {m} min"),
        (1, 0, ..) => "1 day".to_owned(),
        (d, 0, ..) => format!("{d} days"),
        (1, h, ..) => format!("1 day {h} h"),
        (d, h, ..) => format!("{d} days {h} h"),
    }
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

    #[test]
    fn a_span_is_said_in_its_largest_units() {
        let said = [
            30,
            5_000,
            90_000,
            120_000,
            3_600_000,
            5_400_000,
            86_400_000,
            180_000_000,
        ]
        .map(span);
        assert_eq!(
            said,
            [
                "30 ms",
                "5 s",
                "1 min 30 s",
                "2 min",
                "1 h",
                "1 h 30 min",
                "1 day",
                "2 days 2 h"
            ]
        );
    }
}
