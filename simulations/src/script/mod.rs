//! Scenario files: stories that are told in TOML instead of Rust, by people who only want to know what happens. They are
//! played like those of the library: calm, at every crash point, in bad worlds, shrunk and replayed. The words are in
//! `words`; `README.md` has them in one table, and `scenarios/` has examples.

mod condition;
mod read;
mod tell;
mod values;
mod words;

use std::fs;
use std::path::Path;

use crate::Scenario;
use crate::choice::Faults;
use crate::scenario::{LIBRARY, Story};

pub use read::Unreadable;
pub use tell::Telling;
use words::File;

/// A story as a file has it.
#[derive(Debug)]
pub struct Script {
    /// The file's own name.
    name: String,
    text: String,
    file: File,
    faults: Faults,
}

impl Script {
    /// Whether the story is about when things happen.
    pub fn is_punctual(&self) -> bool {
        self.file.punctual
    }

    /// The faults that chance makes in its world, if any.
    pub fn faults(&self) -> Option<&Faults> {
        (!self.faults.is_empty()).then_some(&self.faults)
    }

    /// What it shows.
    pub fn title(&self) -> &str {
        &self.file.title
    }

    /// The line of the file at that place, for people.
    fn source(&self, place: usize) -> String {
        let line = self.line(place);
        let source = self.text.lines().nth(line - 1).unwrap_or_default();
        format!("line {line}: {}", source.trim().trim_end_matches(','))
    }

    /// On which line of the file that place is.
    fn line(&self, place: usize) -> usize {
        read::line(&self.text, place)
    }
}

impl Scenario {
    /// The story of the library with that name, or the one in the file with that path, if it ends in `.toml`.
    pub fn find(name: &str) -> Result<&'static Self, String> {
        if Path::new(name).extension().is_none_or(|extension| extension != "toml") {
            return Self::named(name).ok_or_else(|| format!("no scenario: {name}{}", similar(name)));
        }
        let text = fs::read_to_string(name).map_err(|error| format!("{name}: {error}"))?;
        Self::written(name, &text).map_err(|wrong| wrong.to_string())
    }

    /// The story in this text, which is a file of that name. It is kept as long as the program runs, as runs are.
    pub fn written(name: &str, text: &str) -> Result<&'static Self, Unreadable> {
        let (script, friends) = read::read(name, text)?;
        Ok(Box::leak(Box::new(Self {
            name: name.to_owned().leak(),
            people: *script.file.people.as_ref(),
            begins: script.file.begin.into(),
            friends: friends.leak(),
            story: Story::Written(Box::leak(Box::new(script))),
        })))
    }
}

/// What of the library shares a word with a name that is not there.
fn similar(name: &str) -> String {
    let shares = |other: &str| name.split('_').any(|word| word.len() > 2 && other.contains(word));
    let names: Vec<_> = LIBRARY
        .iter()
        .map(|scenario| scenario.name)
        .filter(|known| shares(known))
        .collect();
    if names.is_empty() {
        String::new()
    } else {
        format!("; is it {}?", names.join(" or "))
    }
}
