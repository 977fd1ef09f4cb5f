//! Columns that line up.

use unicode_width::UnicodeWidthStr;

use super::Tone;
use super::text::line;

/// Rows of cells. Each column is as wide as its widest cell, two spaces part them, the last one is never padded.
#[derive(Debug)]
pub struct Table {
    rows: Vec<Vec<Cell>>,
}

/// What stands in one row and column.
#[derive(Clone, Debug)]
pub struct Cell {
    tone: Option<Tone>,
    text: String,
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Self {
            tone: None,
            text: line(text),
        }
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Self::from(text.as_str())
    }
}

impl From<(Tone, &str)> for Cell {
    fn from((tone, text): (Tone, &str)) -> Self {
        Self {
            tone: Some(tone),
            text: line(text),
        }
    }
}

impl From<(Tone, String)> for Cell {
    fn from((tone, text): (Tone, String)) -> Self {
        Self::from((tone, text.as_str()))
    }
}

impl Table {
    /// A table under a heading.
    pub fn new(heading: &[&str]) -> Self {
        let heading = heading.iter().map(|title| Cell::from((Tone::Faint, *title))).collect();
        Self { rows: vec![heading] }
    }

    /// A table without a heading: names and their values.
    pub const fn bare() -> Self {
        Self { rows: Vec::new() }
    }

    /// One more row.
    pub fn row<const N: usize>(&mut self, cells: [Cell; N]) -> &mut Self {
        self.rows.push(cells.into());
        self
    }

    /// A name in faint letters, and its value.
    pub fn pair(&mut self, name: &str, value: impl Into<Cell>) -> &mut Self {
        self.row([(Tone::Faint, name).into(), value.into()])
    }

    /// The lines.
    pub fn render(&self) -> String {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let widths: Vec<usize> = (0..columns)
            .map(|column| {
                self.rows
                    .iter()
                    .filter_map(|row| row.get(column))
                    .map(|cell| cell.text.width())
                    .max()
                    .unwrap_or(0)
            })
            .collect();
        let mut text = String::new();
        for row in &self.rows {
            let last = row.iter().rposition(|cell| !cell.text.is_empty()).unwrap_or(0);
            for (column, cell) in row.iter().take(last + 1).enumerate() {
                match cell.tone {
                    Some(tone) => text.push_str(&tone.paint(&cell.text)),
                    None => text.push_str(&cell.text),
                }
                if column < last {
                    text.push_str(&" ".repeat(widths[column] - cell.text.width() + 2));
                }
            }
            text.push('\n');
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_whatever_the_letters() {
        let mut table = Table::new(&["name", "state"]);
        table
            .row(["漢字".into(), "ok".into()])
            .row(["a\u{1b}b".into(), (Tone::Good, "fine").into()]);
        table.row(["alone".into(), "".into()]);
        assert_eq!(
            anstream::adapter::strip_str(&table.render()).to_string(),
            "name   state\n漢字   ok\nab     fine\nalone\n"
        );
    }
}
