//! Scenario files: stories that are told in TOML instead of Rust, by people who only want to know what happens. They are
//! played like those of the library: calm, at every crash point, in bad worlds, shrunk and replayed. The words are in
//! `words`; `README.md` has them in one table, and `scenarios/` has examples.

mod condition;
mod read;
mod tell;
mod values;
mod words;

use crate::choice::Faults;
use crate::peer::Peer;

pub use read::Unreadable;
pub use tell::Telling;
pub use words::Beginning;
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
    /// The story in this text, which is a file of that name, and who are friends in the end.
    pub fn read(name: &str, text: &str) -> Result<(Self, Vec<(Peer, Peer)>), Unreadable> {
        read::read(name, text)
    }

    /// How many people there are.
    pub fn people(&self) -> usize {
        *self.file.people.as_ref()
    }

    /// Whether they know each other.
    pub fn begins(&self) -> Beginning {
        self.file.begin
    }

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
