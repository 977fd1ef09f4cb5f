//! [`Output`] of the command line: data on stdout, remarks on stderr. `--json` and `--quiet` are obeyed here and nowhere
//! else, and so is the rule that no text reaches the terminal unfiltered.

mod message;
mod qr;
mod style;
mod table;
mod text;
mod when;

use std::io::{self, IsTerminal, Write};

use anstream::{AutoStream, ColorChoice};
use serde::Serialize;

use super::options::Global;

pub use message::{messages, state, state_word, who};
pub use qr::qr;
pub use sotto_api::span;
pub use style::Tone;
pub use table::Table;
pub use text::{block, line, short};
pub use when::moment;

/// The form of what is printed.
#[derive(Clone, Copy, Debug)]
pub struct Output {
    /// Data is JSON.
    pub json: bool,
    /// No remarks, only errors.
    pub quiet: bool,
    /// A person may be asked.
    pub interactive: bool,
}

impl Output {
    /// As the options and the terminal say.
    pub fn new(global: &Global) -> Self {
        Self {
            json: global.json,
            quiet: global.quiet,
            interactive: !global.no_input && io::stdin().is_terminal() && io::stderr().is_terminal(),
        }
    }

    /// The object with `--json`, else the text.
    pub fn emit<T: Serialize>(self, value: &T, text: impl FnOnce(&T) -> String) -> io::Result<()> {
        if self.json { object(value) } else { print(&text(value)) }
    }

    /// A remark that a person may want; never an error.
    pub fn remark(self, text: &str) {
        if !self.quiet && !self.json {
            // A closed standard error is no reason to fail.
            let _ = writeln!(anstream::stderr(), "{}", Tone::Faint.paint(text));
        }
    }
}

/// One JSON object, on a line of its own.
pub fn object(value: &impl Serialize) -> io::Result<()> {
    let mut line = serde_json::to_vec(value)?;
    line.push(b'\n');
    write(io::stdout().lock(), &line)
}

/// Text for a person, which ends with a line feed unless it is empty. Its looks are left out where they are not wanted.
pub fn print(text: &str) -> io::Result<()> {
    write(anstream::stdout(), text.as_bytes())
}

/// Whether looks are written to standard output.
pub fn has_looks() -> bool {
    AutoStream::choice(&io::stdout()) != ColorChoice::Never
}

fn write(mut stdout: impl Write, bytes: &[u8]) -> io::Result<()> {
    stdout.write_all(bytes)?;
    stdout.flush()
}
