//! Moments as people and programs read them: RFC 3339 in UTC with milliseconds, so that text order is time order.

use std::fmt;
use std::str::FromStr;
use std::time::SystemTime;

use jiff::fmt::friendly::{Designator, Spacing, SpanPrinter};
use jiff::{RoundMode, Span, SpanRound, Timestamp, Unit};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Milliseconds since the Unix epoch; written like `2026-01-31T09:05:07.250Z`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(u64);

/// 9999-12-30T22:00:00Z, the last second that every time zone can show. A peer's clock can claim any number; later
/// moments are shown as this one.
const LATEST: u64 = 253_402_207_200_000;

impl Time {
    /// The moment so many milliseconds after the Unix epoch; the latest one that can be shown if that is later.
    pub const fn from_millis(millis: u64) -> Self {
        Self(if millis < LATEST { millis } else { LATEST })
    }

    /// Milliseconds since the Unix epoch.
    pub const fn millis(self) -> u64 {
        self.0
    }

    /// This moment, as the machine believes.
    pub fn now() -> Self {
        let since_epoch = SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default();
        Self::from_millis(u64::try_from(since_epoch.as_millis()).unwrap_or(LATEST))
    }

    fn timestamp(self) -> Timestamp {
        let millis = i64::try_from(self.0).unwrap_or(i64::MAX);
        Timestamp::from_millisecond(millis).unwrap_or(Timestamp::MAX)
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.3}", self.timestamp())
    }
}

impl FromStr for Time {
    type Err = jiff::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let millis = text.parse::<Timestamp>()?.as_millisecond();
        Ok(Self::from_millis(u64::try_from(millis).unwrap_or(0)))
    }
}

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for Time {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Time".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "format": "date-time", "description": "RFC 3339, UTC, with milliseconds." })
    }
}

/// A length of time, in its largest unit or two.
pub fn span(milliseconds: u64) -> String {
    const PRINTER: SpanPrinter = SpanPrinter::new()
        .designator(Designator::Verbose)
        .spacing(Spacing::BetweenUnitsAndDesignators);
    let smallest = match milliseconds {
        0..1_000 => Unit::Millisecond,
        1_000..3_600_000 => Unit::Second,
        3_600_000..86_400_000 => Unit::Minute,
        _ => Unit::Hour,
    };
    let round = SpanRound::new()
        .largest(Unit::Day)
        .smallest(smallest)
        .mode(RoundMode::Trunc)
        .days_are_24_hours();
    // What is longer than a span can be has no name that anyone uses.
    let span = i64::try_from(milliseconds)
        .ok()
        .and_then(|milliseconds| Span::new().try_milliseconds(milliseconds).ok())
        .and_then(|span| span.round(round).ok());
    span.map_or_else(|| "for ages".to_owned(), |span| PRINTER.span_to_string(&span))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_written_in_utc_with_milliseconds_and_read_back() {
        let time = Time::from_millis(1_769_850_307_250);
        assert_eq!(time.to_string(), "2026-01-31T09:05:07.250Z");
        assert_eq!(time.to_string().parse::<Time>().expect("own text"), time);
        assert_eq!(Time::from_millis(0).to_string(), "1970-01-01T00:00:00.000Z");
    }

    #[test]
    fn a_clock_that_claims_the_impossible_is_shown_as_the_latest_moment() {
        let time = Time::from_millis(u64::MAX);
        assert_eq!(time.to_string(), "9999-12-30T22:00:00.000Z");
        assert_eq!(time.to_string().parse::<Time>().expect("own text"), time);
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
                "30 milliseconds",
                "5 seconds",
                "1 minute 30 seconds",
                "2 minutes",
                "1 hour",
                "1 hour 30 minutes",
                "1 day",
                "2 days 2 hours"
            ]
        );
    }
}
