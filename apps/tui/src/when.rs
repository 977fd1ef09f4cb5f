//! Moments and lengths of time, as the interface shows them.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};
use sotto_api::{Message, Time};

/// A moment in a zone.
pub fn zoned(at: Time, zone: &TimeZone) -> Zoned {
    // The API shows no moment that a time zone could not.
    let millis = i64::try_from(at.millis()).unwrap_or(i64::MAX);
    let moment = Timestamp::from_millisecond(millis).unwrap_or(Timestamp::MAX);
    moment.to_zoned(zone.clone())
}

/// When a message stands in its conversation: when it arrived here, or was written here.
pub fn of(message: &Message) -> Time {
    message.received_at.unwrap_or(message.sent_at)
}

/// The time of day.
pub fn clock(at: Time, zone: &TimeZone) -> String {
    zoned(at, zone).strftime("%H:%M").to_string()
}

/// The time of day, with the date unless that is today.
pub fn moment(at: Time, now: Time, zone: &TimeZone) -> String {
    let (then, now) = (zoned(at, zone), zoned(now, zone));
    let form = match (now.date() - then.date()).get_days() {
        0 => "%H:%M",
        1..=6 => "%a %H:%M",
        _ => "%Y-%m-%d %H:%M",
    };
    then.strftime(form).to_string()
}

/// A day, as the line above its first message has it.
pub fn day(date: Date, today: Date) -> String {
    match (today - date).get_days() {
        0 => String::from("Today"),
        1 => String::from("Yesterday"),
        2..=6 => date.strftime("%A").to_string(),
        _ => date.strftime("%A, %-d %B %Y").to_string(),
    }
}

/// A length of time in its largest unit: `45s`, `12m`, `3h`, `5d`.
pub fn brief(milliseconds: u64) -> String {
    let seconds = milliseconds.div_ceil(1000);
    match seconds {
        0..=99 => format!("{seconds}s"),
        100..=5_999 => format!("{}m", seconds / 60),
        6_000..=172_799 => format!("{}h", seconds / 3600),
        _ => format!("{}d", seconds / 86_400),
    }
}

/// A timer, in words.
pub fn timer(seconds: u32) -> String {
    let unit = |count: u32, unit: &str| format!("{count} {unit}{}", if count == 1 { "" } else { "s" });
    match seconds {
        0 => String::from("off"),
        seconds if seconds % 604_800 == 0 => unit(seconds / 604_800, "week"),
        seconds if seconds % 86_400 == 0 => unit(seconds / 86_400, "day"),
        seconds if seconds % 3600 == 0 => unit(seconds / 3600, "hour"),
        seconds if seconds % 60 == 0 => unit(seconds / 60, "minute"),
        seconds => unit(seconds, "second"),
    }
}

/// A timer as the user writes it: `30s`, `5m`, `2h`, `1d`, `1w`, `off`, or seconds alone.
pub fn parse_timer(text: &str) -> Option<u32> {
    let text = text.trim();
    if text.eq_ignore_ascii_case("off") {
        return Some(0);
    }
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic() || c == ' ');
    let number: u32 = digits.parse().ok()?;
    let unit = match text[digits.len()..].trim() {
        "" | "s" => 1,
        "m" | "min" => 60,
        "h" => 3600,
        "d" => 86_400,
        "w" => 604_800,
        _ => return None,
    };
    number.checked_mul(unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_is_told_in_its_largest_unit() {
        let told = [0, 1, 99_000, 100_000, 5_999_000, 6_000_000, 172_800_000].map(brief);
        assert_eq!(told, ["0s", "1s", "99s", "1m", "99m", "1h", "2d"]);
    }

    #[test]
    fn a_timer_is_read_as_it_is_written() {
        for (text, seconds) in [("off", 0), ("30", 30), ("5m", 300), ("2 h", 7200), ("1w", 604_800)] {
            assert_eq!(parse_timer(text), Some(seconds), "{text}");
        }
        for text in ["", "m", "5x", "99999999999", "-3"] {
            assert_eq!(parse_timer(text), None, "{text}");
        }
        assert_eq!(
            [0, 1, 300, 604_800].map(timer),
            ["off", "1 second", "5 minutes", "1 week"]
        );
    }
}
