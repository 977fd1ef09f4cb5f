//! [`Script`]: a scenario in TOML instead of Rust. It is played like those of the library: at every crash point, with
//! faults, shrunk and replayed. `ast` is the syntax; `README.md` has it in one table, and `scenarios/` has examples.

mod ast;
mod condition;
mod interpreter;
mod parser;
mod values;

use crate::choice::Faults;
use crate::node_index::NodeIndex;

pub use ast::Beginning;
use ast::File;
pub use interpreter::Interpreter;
pub use parser::ParseError;

/// A scenario file.
#[derive(Debug)]
pub struct Script {
    /// The file's name.
    name: String,
    text: String,
    file: File,
    faults: Faults,
}

impl Script {
    /// Parses this text of a file of that name. Returns the script, and who are friends in the end.
    pub fn parse(name: &str, text: &str) -> Result<(Self, Vec<(NodeIndex, NodeIndex)>), ParseError> {
        parser::parse(name, text)
    }

    /// How many peers there are.
    pub fn people(&self) -> usize {
        *self.file.people.as_ref()
    }

    /// Whether they are contacts at the beginning.
    pub fn begins(&self) -> Beginning {
        self.file.begin
    }

    /// Whether the scenario depends on durations.
    pub fn is_timing_sensitive(&self) -> bool {
        self.file.timing_sensitive
    }

    /// The faults in every run of it, if any.
    pub fn faults(&self) -> Option<&Faults> {
        (!self.faults.is_empty()).then_some(&self.faults)
    }

    /// What it shows.
    pub fn title(&self) -> &str {
        &self.file.title
    }

    /// The line of the file at that place, for timelines.
    fn source(&self, place: usize) -> String {
        let line = self.line(place);
        let source = self.text.lines().nth(line - 1).unwrap_or_default();
        format!("line {line}: {}", source.trim().trim_end_matches(','))
    }

    /// The number of the line at that place.
    fn line(&self, place: usize) -> usize {
        parser::line(&self.text, place)
    }
}
