//! Values of scenario files: [`Person`] and [`Span`].

use serde::{Deserialize, Deserializer, de};
use sotto_core::Millis;

use crate::node_index::NodeIndex;

/// A peer, by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Person(pub NodeIndex);

impl<'de> Deserialize<'de> for Person {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        name.parse().map(Self).map_err(de::Error::custom)
    }
}

/// A span of time such as `300ms`, `90s`, `1h30m` or `-2d`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// In milliseconds; less than 0 is back in time.
    pub millis: i64,
}

impl Span {
    /// As a length; 0 if it is back in time.
    pub fn length(self) -> Millis {
        Millis(self.millis.try_into().unwrap_or_default())
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let wrong = || format!("`{text}` is no span of time, such as 300ms, 90s, 1h30m or -2d");
        let millis = millis(&text).ok_or_else(|| de::Error::custom(wrong()))?;
        Ok(Self { millis })
    }
}

fn millis(text: &str) -> Option<i64> {
    const YEAR: i64 = 366 * 24 * 3_600_000;
    let (sign, mut rest) = text.strip_prefix('-').map_or((1, text), |rest| (-1, rest));
    let mut total = 0_i64;
    loop {
        let unit_at = rest.find(|c: char| !c.is_ascii_digit())?;
        let (number, after) = rest.split_at(unit_at);
        let next = after.find(|c: char| c.is_ascii_digit()).unwrap_or(after.len());
        let (unit, later) = after.split_at(next);
        let factor = match unit {
            "ms" => 1,
            "s" => 1000,
            "m" => 60_000,
            "h" => 3_600_000,
            "d" => 24 * 3_600_000,
            _ => return None,
        };
        total = total.checked_add(number.parse::<i64>().ok()?.checked_mul(factor)?)?;
        if later.is_empty() {
            // More than a year is a typing error.
            return (total <= YEAR).then_some(sign * total);
        }
        rest = later;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_numbers_with_units() {
        for (text, expected) in [
            ("300ms", Some(300)),
            ("90s", Some(90_000)),
            ("1h30m", Some(5_400_000)),
            ("-2d", Some(-172_800_000)),
            ("0s", Some(0)),
            ("", None),
            ("2", None),
            ("h", None),
            ("2h3", None),
            ("2 h", None),
            ("2y", None),
            ("400d", None),
            ("99999999999999999d", None),
        ] {
            assert_eq!(millis(text), expected, "{text}");
        }
    }
}
