//! [`Tone`]: what a piece of text is, from which its look follows. Looks are written into the text; on its way out, anstream
//! takes them away where they are not wanted: off a terminal, with `NO_COLOR`, on a dumb terminal.

use anstyle::{AnsiColor, Style};

/// What a piece of text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// A title, or a name that the user chose.
    Strong,
    /// Ids, times, remarks.
    Faint,
    /// Proven, done, verified.
    Good,
    /// Waiting, unverified, claimed.
    Warning,
    /// Failed.
    Bad,
    /// The author of a message.
    Author,
}

impl Tone {
    /// The text in this tone.
    pub fn paint(self, text: &str) -> String {
        if text.is_empty() {
            return String::new();
        }
        let style = self.style();
        format!("{style}{text}{style:#}")
    }

    fn style(self) -> Style {
        let style = Style::new();
        match self {
            Self::Strong => style.bold(),
            Self::Faint => style.dimmed(),
            Self::Good => style.fg_color(Some(AnsiColor::Green.into())),
            Self::Warning => style.fg_color(Some(AnsiColor::Yellow.into())),
            Self::Bad => style.fg_color(Some(AnsiColor::Red.into())),
            Self::Author => style.fg_color(Some(AnsiColor::Cyan.into())),
        }
    }
}
