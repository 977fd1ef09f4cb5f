//! [`Right`]: one right of `--allow`, as it is written.

use std::fmt;
use std::str::FromStr;

use sotto_api::Error;

/// The words that a right begins with.
const WORDS: [&str; 3] = ["read", "send", "admin"];

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
pub(crate) fn nearest<'a>(text: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    // The distance takes memory for every pair of letters, and a text may be a line long.
    let near = known.filter(|one| one.len().abs_diff(text.len()) <= 3);
    let near = near.map(|one| (strsim::damerau_levenshtein(one, text), one));
    near.filter(|(distance, _)| *distance <= 2).min().map(|(_, one)| one)
}
