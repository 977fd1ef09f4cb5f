//! A handful of terminal attributes. None are written off a terminal, with `NO_COLOR`, or on a dumb terminal.

use std::env;

/// What a piece of text is, from which its look follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// A title or a name of ours for something.
    Strong,
    /// Ids, times, remarks.
    Faint,
    /// Proven, done, verified.
    Good,
    /// Waiting, unverified, claimed.
    Careful,
    /// Failed.
    Bad,
    /// Somebody who speaks.
    Voice,
}

/// Whether looks are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Paint(bool);

impl Paint {
    /// Writes looks if this is a terminal that has them, and nobody asked for plain text (<https://no-color.org>).
    pub fn new(terminal: bool) -> Self {
        let refused = env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let dumb = env::var_os("TERM").is_some_and(|term| term == "dumb");
        Self(terminal && !refused && !dumb)
    }

    /// Whether anything is written.
    pub const fn on(self) -> bool {
        self.0
    }

    /// The text in its tone.
    pub fn tone(self, tone: Tone, text: &str) -> String {
        if !self.0 || text.is_empty() {
            return text.to_owned();
        }
        let code = match tone {
            Tone::Strong => "1",
            Tone::Faint => "2",
            Tone::Good => "32",
            Tone::Careful => "33",
            Tone::Bad => "31",
            Tone::Voice => "36",
        };
        format!("\u{1b}[{code}m{text}\u{1b}[0m")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_paint_adds_nothing() {
        assert_eq!(Paint(false).tone(Tone::Bad, "no"), "no");
        assert_eq!(Paint(true).tone(Tone::Bad, "no"), "\u{1b}[31mno\u{1b}[0m");
    }
}
