//! A timeline in plain ASCII, one column for each peer: `|` where the machine is on and `:` where it is off, arrows
//! between them, `!!` before faults of the scenario, and the choices in brackets at the end of a line.

use super::lines::{LineKind, TimelineEntry};
use super::{Timeline, clock};
use crate::node_index::NodeIndex;

/// The width of the time and the mark.
const MARGIN: usize = 15;
/// The longest line with few peers.
const WIDTH: usize = 116;
/// The least width of a column.
const COLUMN: usize = 26;

impl Timeline {
    /// Every line.
    pub fn columns(&self) -> Vec<String> {
        let people = self.people().max(1);
        let mut page = Page {
            column: ((WIDTH - MARGIN) / people).clamp(COLUMN, 44),
            on: vec![false; people],
            lines: Vec::new(),
        };
        page.head();
        for line in self.lines() {
            page.add(&line);
        }
        page.lines
    }
}

struct Page {
    column: usize,
    on: Vec<bool>,
    lines: Vec<String>,
}

impl Page {
    fn head(&mut self) {
        let names =
            (0..self.on.len()).map(|peer| format!("{:<width$}", NodeIndex(peer).to_string(), width = self.column));
        let head = format!("{:>width$}  {}", "time", names.collect::<String>(), width = MARGIN - 2);
        self.lines.push(head.trim_end().to_owned());
    }

    fn add(&mut self, line: &TimelineEntry) {
        let bad = matches!(line.what, LineKind::Fault(..));
        let mark = if bad { "!!" } else { "  " };
        let width = MARGIN - 4;
        let time = format!("{mark}{:>width$}  ", clock(line.at));
        let rows = match &line.what {
            LineKind::Power(peer, on) => {
                self.on[peer.0] = *on;
                self.own(*peer, if *on { "starts" } else { "is off" })
            }
            LineKind::Own(peer, text) => self.own(*peer, text),
            LineKind::Arrow(from, to, label) => vec![self.arrow(*from, *to, label)],
            LineKind::Fault(peers, text) => match peers[..] {
                [peer] => self.own(peer, text),
                [a, b] => vec![self.across(a.min(b), a.max(b), text)],
                _ => vec![self.across(NodeIndex(0), NodeIndex(self.on.len() - 1), text)],
            },
            LineKind::Note(text) => vec![self.note(text)],
        };
        let chance = if line.chance.is_empty() {
            String::new()
        } else {
            format!("  [{}]", line.chance.join(", "))
        };
        for (nth, row) in rows.iter().enumerate() {
            let (time, chance) = if nth == 0 {
                (time.clone(), chance.as_str())
            } else {
                (" ".repeat(MARGIN), "")
            };
            self.lines.push(format!("{time}{row}{chance}").trim_end().to_owned());
        }
    }

    /// Only the lifelines.
    fn empty(&self) -> Vec<char> {
        let mut row = vec![' '; self.column * self.on.len()];
        for (peer, on) in self.on.iter().enumerate() {
            row[peer * self.column] = if *on { '|' } else { ':' };
        }
        row
    }

    fn write(row: &mut Vec<char>, at: usize, text: &str) {
        for (place, letter) in text.chars().enumerate() {
            if at + place >= row.len() {
                row.push(' ');
            }
            row[at + place] = letter;
        }
    }

    fn own(&self, peer: NodeIndex, text: &str) -> Vec<String> {
        let last = peer.0 + 1 == self.on.len();
        // The last column may be wider.
        let width = if last {
            (self.column - 3).max(60)
        } else {
            self.column - 3
        };
        let rows = wrap(text, width).into_iter().enumerate().map(|(nth, part)| {
            let mut row = self.empty();
            Self::write(&mut row, peer.0 * self.column + if nth == 0 { 2 } else { 4 }, &part);
            row.into_iter().collect::<String>().trim_end().to_owned()
        });
        rows.collect()
    }

    fn arrow(&self, from: NodeIndex, to: NodeIndex, label: &str) -> String {
        let mut row = self.empty();
        let (left, right) = (from.0.min(to.0) * self.column, from.0.max(to.0) * self.column);
        row[left + 1..right].fill('-');
        if from < to {
            row[right - 1] = '>';
            Self::write(&mut row, left + 4, &format!(" {label} "));
        } else {
            row[left + 1] = '<';
            let label = format!(" {label} ");
            Self::write(&mut row, right.saturating_sub(4 + label.len()).max(left + 3), &label);
        }
        row.into_iter().collect::<String>().trim_end().to_owned()
    }

    /// From one lifeline to another.
    fn across(&self, left: NodeIndex, right: NodeIndex, text: &str) -> String {
        let mut row = self.empty();
        let (left, right) = (left.0 * self.column, right.0 * self.column);
        row[left + 1..right].fill('~');
        Self::write(&mut row, left + 4, &format!(" {text} "));
        row.into_iter().collect::<String>().trim_end().to_owned()
    }

    fn note(&self, text: &str) -> String {
        let mut row = vec!['.'; self.column * (self.on.len() - 1) + 1];
        Self::write(&mut row, 2, &format!(" {text} "));
        row.into_iter().collect::<String>().trim_end().to_owned()
    }
}

/// Breaks a text into parts of at most `width` characters, between words where that is possible.
fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut parts = vec![String::new()];
    for word in text.split_whitespace() {
        // All parts but the first are indented by two.
        let room = if parts.len() == 1 { width } else { width - 2 };
        let part = parts.last_mut().expect("there is one");
        let length = part.chars().count();
        if length > 0 && length + 1 + word.chars().count() > room {
            parts.push(word.to_owned());
        } else {
            if length > 0 {
                part.push(' ');
            }
            *part += word;
        }
    }
    parts
}
