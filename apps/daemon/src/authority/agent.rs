//! [`AgentRecord`]: what an agent may do. Conversations are held by their names in the API, which are addresses: a petname that
//! changes its bearer moves no right.

use std::collections::BTreeSet;

use data_encoding::{BASE32_NOPAD, HEXLOWER};
use jiff::tz::TimeZone;
use jiff::{Timestamp, civil};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use sotto_api::scope::{Rate, shown_hours};
use sotto_api::{Error, Kind};

/// Of every token, so that it is recognised where it should not be.
const PREFIX: &str = "sotto_agent_";

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

#[cfg(test)]
mod tests {
    use sotto_api::scope::parse_rate;

    use super::*;

    fn record(hours: Option<(u16, u16)>) -> AgentRecord {
        AgentRecord {
            name: "helper".to_owned(),
            token: String::new(),
            read: Reach::default(),
            send: Reach::default(),
            files: BTreeSet::new(),
            admin: false,
            rate: parse_rate(None).expect("the default"),
            hours,
            ask_in_client: false,
            created_at: 0,
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
}
