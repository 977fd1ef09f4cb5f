//! What `agents.add` is told, as it is written: [`Right`], [`Rate`], the hours of the day, the name. The daemon reads it, and surfaces
//! that check it before they ask the owner for a passphrase.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::Error;

/// The words that a right begins with.
const WORDS: [&str; 3] = ["read", "send", "admin"];

/// If none is given.
const DEFAULT_RATE: Rate = Rate {
    count: 60,
    period: HOUR,
};

const MINUTE: u64 = 60 * 1000;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// One right that a token gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Right {
    /// To read conversations.
    Read(Scope),
    /// To write into conversations.
    Send(Scope),
    /// To change contacts and timers.
    Admin,
}

/// Which conversations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Those that are here, and those to come.
    All,
    /// The one that is called so.
    Named(String),
}

/// So many within a period.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rate {
    /// At least 1.
    pub count: u64,
    /// In milliseconds.
    pub period: u64,
}

impl FromStr for Right {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        match text.split_once(':') {
            None if text == "admin" => Ok(Self::Admin),
            Some(("read", name)) => Scope::parse(text, name).map(Self::Read),
            Some(("send", name)) => Scope::parse(text, name).map(Self::Send),
            Some(("files", _)) => Err(
                Error::invalid(format!("allow: {text}: files cannot be sent or received yet"))
                    .hint("leave it out; no token needs a right that nothing asks for"),
            ),
            split => Err(unknown(text, split.map_or(text, |(word, _)| word))),
        }
    }
}

impl Scope {
    fn parse(right: &str, name: &str) -> Result<Self, Error> {
        match name.trim() {
            "" => Err(Error::invalid(format!("allow: {right:?} names no conversation"))),
            "*" => Ok(Self::All),
            name => Ok(Self::Named(name.to_owned())),
        }
    }
}

impl fmt::Display for Right {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read(scope) => write!(f, "read:{scope}"),
            Self::Send(scope) => write!(f, "send:{scope}"),
            Self::Admin => f.write_str("admin"),
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("*"),
            Self::Named(name) => f.write_str(name),
        }
    }
}

fn unknown(text: &str, word: &str) -> Error {
    let error = Error::invalid(format!("allow: {text:?} is no right"));
    let forms = "read:CONVERSATION, send:CONVERSATION or admin";
    match nearest(word, WORDS.into_iter()) {
        Some(near) if near != word => error.hint(format!("did you mean {near}? The rights are {forms}")),
        _ => error.hint(format!("the rights are {forms}")),
    }
}

/// What is meant, perhaps.
pub fn nearest<'a>(text: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    // The distance takes memory for every pair of letters, and a text may be a line long.
    let near = known.filter(|one| one.len().abs_diff(text.len()) <= 3);
    let near = near.map(|one| (strsim::damerau_levenshtein(one, text), one));
    near.filter(|(distance, _)| *distance <= 2).min().map(|(_, one)| one)
}

/// The name of an agent, checked: it becomes a part of file names and of consumers.
pub fn parse_name(name: &str) -> Result<(), Error> {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if (1..=32).contains(&name.len()) && name.chars().all(plain) {
        return Ok(());
    }
    let message = format!("name {name:?} must be 1 to 32 letters, digits, '-' or '_'");
    Err(Error::invalid(message))
}

/// `10/m`, `10/h` or `10/d`.
pub fn parse_rate(text: Option<&str>) -> Result<Rate, Error> {
    let Some(text) = text else { return Ok(DEFAULT_RATE) };
    let parsed = text.split_once('/').and_then(|(count, unit)| {
        let period = match unit {
            "m" => MINUTE,
            "h" => HOUR,
            "d" => DAY,
            _ => return None,
        };
        let count = count.parse().ok().filter(|count| (1..=10_000).contains(count))?;
        Some(Rate { count, period })
    });
    parsed.ok_or_else(|| {
        Error::invalid(format!(
            "rate must be a number from 1 to 10000 and /m, /h or /d, as 10/h, not {text:?}"
        ))
    })
}

/// As [`parse_rate`] reads it.
pub fn shown_rate(rate: Rate) -> String {
    let unit = match rate.period {
        MINUTE => "m",
        HOUR => "h",
        _ => "d",
    };
    format!("{}/{unit}", rate.count)
}

/// `08:00-18:00`, as minutes of the day.
pub fn parse_hours(text: Option<&str>) -> Result<Option<(u16, u16)>, Error> {
    let Some(text) = text else { return Ok(None) };
    let minute = |text: &str| {
        let (hour, minute) = text.split_once(':')?;
        let hour: u16 = hour.parse().ok().filter(|hour| *hour <= 24)?;
        let minute: u16 = minute.parse().ok().filter(|minute| *minute < 60)?;
        Some(hour * 60 + minute).filter(|minute| *minute <= 24 * 60)
    };
    let parsed = text
        .split_once('-')
        .and_then(|(from, to)| Some((minute(from)?, minute(to)?)))
        .filter(|(from, to)| from != to);
    match parsed {
        Some(hours) => Ok(Some(hours)),
        None => Err(Error::invalid(format!(
            "hours must be two times of the day, as 08:00-18:00, not {text:?}"
        ))),
    }
}

/// As [`parse_hours`] reads it.
pub fn shown_hours((from, to): (u16, u16)) -> String {
    let time = |minute: u16| format!("{:02}:{:02}", minute / 60, minute % 60);
    format!("{}-{}", time(from), time(to))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Kind;

    #[test]
    fn rates_and_hours_are_read_as_they_are_shown() {
        for text in ["1/m", "10/h", "10000/d"] {
            assert_eq!(shown_rate(parse_rate(Some(text)).expect("a rate")), text);
        }
        for text in ["0/h", "10", "10/y", "/h", "-1/h", "10001/d", "1e3/h"] {
            assert_eq!(parse_rate(Some(text)).expect_err(text).kind(), Kind::InvalidParams);
        }
        for text in ["08:00-18:00", "22:30-06:00", "00:00-24:00"] {
            let hours = parse_hours(Some(text)).expect("hours").expect("given");
            assert_eq!(shown_hours(hours), text);
        }
        for text in ["8-18", "08:00", "08:60-09:00", "25:00-26:00", "08:00-08:00", ""] {
            assert_eq!(parse_hours(Some(text)).expect_err(text).kind(), Kind::InvalidParams);
        }
    }

    #[test]
    fn names_of_agents_are_plain() {
        for name in ["a", "claude-code", "x_1"] {
            parse_name(name).expect(name);
        }
        for name in ["", "..", "a/b", "é", "a b", &"x".repeat(33)] {
            assert_eq!(parse_name(name).expect_err(name).kind(), Kind::InvalidParams);
        }
    }
}
