//! [`AgentRecord`]: what an agent may do. Conversations are held by their names in the API, which are addresses: a petname that
//! changes its bearer moves no right.

use std::collections::BTreeSet;

use data_encoding::{BASE32_NOPAD, HEXLOWER};
use jiff::tz::TimeZone;
use jiff::{Timestamp, civil};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use sotto_api::{Error, Kind};

use super::budget::Rate;

/// Of every token, so that it is recognised where it should not be.
const PREFIX: &str = "sotto_agent_";

/// If none is given.
const DEFAULT_RATE: Rate = Rate {
    count: 60,
    period: HOUR,
};

const MINUTE: u64 = 60 * 1000;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// What an agent may do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct AgentRecord {
    /// Its name.
    pub name: String,
    /// SHA-256 of its token, in hexadecimal digits.
    pub token: String,
    /// The conversations that it may read.
    pub read: Reach,
    /// The conversations that it may write into.
    pub send: Reach,
    /// The folders whose files it may send, and receive into.
    pub files: BTreeSet<String>,
    /// It may change contacts and timers.
    pub admin: bool,
    /// How often it may send.
    pub rate: Rate,
    /// From and to which minute of the day its token works.
    pub hours: Option<(u16, u16)>,
    /// Its client's question to the person counts as the owner's approval.
    pub ask_in_client: bool,
    /// Unix milliseconds.
    pub created_at: u64,
}

/// Some conversations, or all of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Reach {
    /// Those that are here and those to come.
    pub all: bool,
    /// By their names in the API.
    pub conversations: BTreeSet<String>,
}

impl Reach {
    /// Whether it includes that conversation.
    pub fn includes(&self, conversation: &str) -> bool {
        self.all || self.conversations.contains(conversation)
    }

    /// Whether it includes none.
    pub fn is_empty(&self) -> bool {
        !self.all && self.conversations.is_empty()
    }

    /// As in `--allow`, each conversation called as `name` says.
    fn shown<'a>(&'a self, right: &'a str, name: &'a impl Fn(&str) -> String) -> impl Iterator<Item = String> + 'a {
        let all = self.all.then(|| format!("{right}:*"));
        let some = self.conversations.iter();
        all.into_iter()
            .chain(some.map(move |one| format!("{right}:{}", name(one))))
    }
}

impl AgentRecord {
    /// Whether the names of that conversation are shown to the agent.
    pub fn knows(&self, conversation: &str) -> bool {
        self.admin || self.read.includes(conversation) || self.send.includes(conversation)
    }

    /// What it may do, as in `--allow`.
    pub fn allow(&self, name: &impl Fn(&str) -> String) -> Vec<String> {
        self.read
            .shown("read", name)
            .chain(self.send.shown("send", name))
            .chain(self.files.iter().map(|folder| format!("files:{folder}")))
            .chain(self.admin.then(|| "admin".to_owned()))
            .collect()
    }

    /// An error outside of its hours.
    pub fn check_hours(&self, now: u64) -> Result<(), Error> {
        let Some((from, to)) = self.hours else { return Ok(()) };
        let minute = minute_of_day(now);
        let within = if from <= to {
            (from..to).contains(&minute)
        } else {
            // Over midnight.
            minute >= from || minute < to
        };
        if within {
            return Ok(());
        }
        let shown = shown_hours((from, to));
        Err(Error::new(
            Kind::Forbidden,
            format!("the token of {} works only at {shown}", self.name),
        ))
    }
}

/// The minute of the local day.
fn minute_of_day(now: u64) -> u16 {
    let at = i64::try_from(now)
        .ok()
        .and_then(|now| Timestamp::from_millisecond(now).ok());
    let time: civil::Time = at.unwrap_or_default().to_zoned(TimeZone::system()).time();
    u16::try_from(i32::from(time.hour()) * 60 + i32::from(time.minute())).unwrap_or(0)
}

/// A fresh token.
pub(crate) fn new_token() -> Result<String, Error> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes)
        .map_err(|error| Error::new(Kind::Io, format!("the operating system has no random numbers: {error}")))?;
    Ok(format!("{PREFIX}{}", BASE32_NOPAD.encode(&bytes).to_ascii_lowercase()))
}

/// What is kept of a token. It has 256 random bits, so no salt and no slow hash is needed.
pub(crate) fn token_hash(token: &str) -> String {
    HEXLOWER.encode(&Sha256::digest(token.as_bytes()))
}

/// The name of an agent, checked: it becomes a part of file names and of consumers.
pub(crate) fn parse_name(name: &str) -> Result<(), Error> {
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

    fn record(hours: Option<(u16, u16)>) -> AgentRecord {
        AgentRecord {
            name: "helper".to_owned(),
            token: String::new(),
            read: Reach::default(),
            send: Reach::default(),
            files: BTreeSet::new(),
            admin: false,
            rate: DEFAULT_RATE,
            hours,
            ask_in_client: false,
            created_at: 0,
        }
    }

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
    fn a_token_works_within_its_hours_also_over_midnight() {
        let now = 1_700_000_000_000;
        let minute = minute_of_day(now);
        let next = (minute + 1) % (24 * 60);
        let other = (minute + 12 * 60) % (24 * 60);
        record(None).check_hours(now).expect("all day");
        record(Some((minute, next))).check_hours(now).expect("this minute");
        record(Some((next, minute)))
            .check_hours(now)
            .expect_err("all but this minute");
        record(Some((minute, other))).check_hours(now).expect("half of the day");
        record(Some((other, minute)))
            .check_hours(now)
            .expect_err("the other half");
    }

    #[test]
    fn a_token_is_recognised_and_only_its_hash_is_kept() {
        let (one, other) = (new_token().expect("random"), new_token().expect("random"));
        assert!(one.starts_with(PREFIX) && one != other);
        assert_eq!(token_hash(&one).len(), 64);
        assert_ne!(token_hash(&one), token_hash(&other));
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
