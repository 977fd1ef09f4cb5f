//! [`Layout`]: the rows of a [`Composer`] at a width, with the cursor in one of them. The last column is left to the cursor, so
//! that it never stands outside.

use std::ops::Range;

use unicode_linebreak::{BreakOpportunity, linebreaks};
use unicode_segmentation::UnicodeSegmentation;

use super::{Composer, Kind};
use crate::text::{ELLIPSIS, grapheme_width, graphemes, width};

/// A row as it is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// What is shown.
    pub text: String,
    /// Which bytes of the text that is.
    pub range: Range<usize>,
}

/// A text at a width.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    /// The rows, at least one.
    pub rows: Vec<Row>,
    /// The cursor's row and column.
    pub cursor: (usize, usize),
    /// The cursor's place in the shown text of its row, in bytes; for text that is drawn in another order.
    pub cursor_at: usize,
}

/// What stands for a grapheme of a secret.
const MASK: &str = "•";

impl Composer {
    /// The rows at a width, and the cursor. Width 0 is taken as 1.
    pub fn layout(&self, width: usize) -> Layout {
        if self.kind == Kind::Message {
            self.wrapped(width.max(1))
        } else {
            self.scrolled(width.max(1))
        }
    }

    /// How many rows it takes, at most `max` and at least one.
    pub fn height(&self, width: usize, max: usize) -> usize {
        self.layout(width).rows.len().min(max).max(1)
    }

    fn wrapped(&self, width: usize) -> Layout {
        let ranges = break_rows(&self.text, width.saturating_sub(1).max(1));
        let after = ranges.iter().position(|range| range.start > self.cursor);
        let row = after.unwrap_or(ranges.len()).saturating_sub(1);
        let shown = |range: &Range<usize>| Row {
            text: fitting(self.text[range.clone()].trim_end_matches('\n'), width),
            range: range.clone(),
        };
        let rows: Vec<Row> = ranges.iter().map(shown).collect();
        let before = &self.text[ranges[row].start..self.cursor];
        let column = graphemes(before)
            .map(|grapheme| grapheme_width(grapheme).min(width))
            .sum::<usize>()
            .min(width - 1);
        let cursor_at = before.len().min(rows[row].text.len());
        Layout {
            cursor: (row, column),
            cursor_at,
            rows,
        }
    }

    /// One row that scrolls so far that the cursor is in it.
    fn scrolled(&self, limit: usize) -> Layout {
        let mut start = self.cursor;
        let mut column = 0;
        for (at, grapheme) in self.text[..self.cursor].grapheme_indices(true).rev() {
            let cells = width(self.shown(grapheme, limit));
            if column + cells > limit - 1 {
                break;
            }
            column += cells;
            start = at;
        }
        let mut row = Row {
            text: String::new(),
            range: start..start,
        };
        let (mut used, mut cursor_at) = (0, 0);
        for grapheme in graphemes(&self.text[start..]) {
            let shown = self.shown(grapheme, limit);
            used += width(shown);
            if used > limit {
                break;
            }
            row.text.push_str(shown);
            row.range.end += grapheme.len();
            if row.range.end <= self.cursor {
                cursor_at = row.text.len();
            }
        }
        Layout {
            rows: vec![row],
            cursor: (0, column),
            cursor_at,
        }
    }

    /// What a grapheme of a field looks like.
    fn shown<'t>(&self, grapheme: &'t str, limit: usize) -> &'t str {
        match self.kind {
            Kind::Secret => MASK,
            _ if grapheme_width(grapheme) > limit => ELLIPSIS,
            _ => grapheme,
        }
    }
}

impl Layout {
    /// The place in the text that is nearest to a column of a row.
    pub(super) fn offset(&self, text: &str, row: usize, column: usize) -> usize {
        let range = &self.rows[row].range;
        let last = row + 1 == self.rows.len();
        let mut at = range.start;
        let mut left = 0;
        for grapheme in graphemes(&text[range.clone()]) {
            let cells = grapheme_width(grapheme);
            let ends = at + grapheme.len() == range.end && !last;
            if left + cells > column || ends || grapheme == "\n" {
                break;
            }
            left += cells;
            at += grapheme.len();
        }
        at
    }

    /// The rows that are visible in so many, and the cursor among them: the last rows up to that of the cursor.
    pub fn visible(&self, height: usize) -> (&[Row], (usize, usize)) {
        let height = height.max(1);
        let (row, column) = self.cursor;
        let top = (row + 1)
            .saturating_sub(height)
            .min(self.rows.len().saturating_sub(height));
        let end = (top + height).min(self.rows.len());
        (&self.rows[top..end], (row - top, column))
    }
}

/// The bytes of each row, with the spaces and the line feed that end it: each byte is of one row.
fn break_rows(text: &str, limit: usize) -> Vec<Range<usize>> {
    let mut breaks = linebreaks(text)
        .filter(|(_, kind)| *kind == BreakOpportunity::Allowed)
        .map(|(at, _)| at)
        .peekable();
    let mut rows = Vec::new();
    // Of a row: its first byte, its cells, and where it may end with the cells up to there.
    let (mut start, mut column) = (0, 0);
    let mut chance: Option<(usize, usize)> = None;
    for (at, grapheme) in text.grapheme_indices(true) {
        while breaks.peek().is_some_and(|next| *next < at) {
            breaks.next();
        }
        if breaks.peek() == Some(&at) && at > start {
            chance = Some((at, column));
        }
        if grapheme == "\n" {
            rows.push(start..at + 1);
            (start, column, chance) = (at + 1, 0, None);
            continue;
        }
        let cells = grapheme_width(grapheme);
        if grapheme != " " && column + cells > limit && at > start {
            let (end, before) = chance.filter(|(end, _)| *end > start).unwrap_or((at, column));
            rows.push(start..end);
            (start, column, chance) = (end, column - before, None);
            if column + cells > limit && at > start {
                rows.push(start..at);
                (start, column) = (at, 0);
            }
        }
        column += cells;
    }
    rows.push(start..text.len());
    rows
}

/// A row without what does not fit: spaces that hang over its end, and graphemes that are wider than it.
fn fitting(row: &str, limit: usize) -> String {
    if width(row) <= limit {
        return row.to_owned();
    }
    let mut shown = String::new();
    let mut used = 0;
    for grapheme in graphemes(row) {
        let (grapheme, cells) = match grapheme_width(grapheme) {
            cells if cells > limit => (ELLIPSIS, 1),
            cells => (grapheme, cells),
        };
        if used + cells > limit {
            break;
        }
        used += cells;
        shown.push_str(grapheme);
    }
    shown
}
