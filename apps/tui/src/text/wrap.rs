//! [`wrap`]: a styled text as lines of a width, broken by UAX 14. A word that is longer than a line is broken at graphemes.

use std::ops::Range;

use ratatui::style::Style;
use ratatui::text::{Line, Span};
use unicode_linebreak::{BreakOpportunity, linebreaks};
use unicode_segmentation::UnicodeSegmentation;

use super::{ELLIPSIS, grapheme_width};

/// Where a line may be broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Breaks {
    /// Between words, by UAX 14. Spaces at the break are dropped.
    Words,
    /// After any grapheme, and nothing is dropped: code.
    Anywhere,
}

/// A tab is four spaces: a `Buffer` skips control characters.
const TAB: &str = "    ";

/// Wraps a styled text between its words. A line feed begins a new line. Width 0 is taken as 1.
pub fn wrap(spans: &[Span<'_>], width: usize) -> Vec<Line<'static>> {
    wrap_by(spans, width, Breaks::Words)
}

/// Wraps a styled text. A line feed begins a new line. Width 0 is taken as 1.
pub fn wrap_by(spans: &[Span<'_>], width: usize, breaks: Breaks) -> Vec<Line<'static>> {
    let traced = wrap_traced(spans, width, breaks);
    traced.into_iter().map(|(line, _)| line).collect()
}

/// The same, where each line comes with the span of the text that each of its own spans is of.
pub fn wrap_traced(spans: &[Span<'_>], width: usize, breaks: Breaks) -> Vec<(Line<'static>, Vec<usize>)> {
    let mut text = String::new();
    let mut styles = Vec::new();
    for span in spans {
        let begin = text.len();
        text.push_str(&span.content);
        styles.push((begin..text.len(), span.style));
    }
    let cells = cells(&text, &styles);
    let rows = rows(&text, &cells, width.max(1), breaks);
    rows.into_iter().map(|row| line(&cells[row], width.max(1))).collect()
}

/// One grapheme of one span.
struct Cell<'t> {
    at: usize,
    text: &'t str,
    width: usize,
    /// Which span it is of: spans of one style stay apart, as their graphemes could join otherwise.
    span: usize,
    style: Style,
}

impl Cell<'_> {
    fn is_space(&self) -> bool {
        self.text.chars().all(|c| c == ' ' || c == '\t' || c == '\u{3000}')
    }

    fn is_line_feed(&self) -> bool {
        matches!(self.text, "\n" | "\r\n" | "\r")
    }
}

fn cells<'t>(text: &'t str, styles: &[(Range<usize>, Style)]) -> Vec<Cell<'t>> {
    let mut cells = Vec::new();
    for (span, (range, style)) in styles.iter().enumerate() {
        for (at, grapheme) in text[range.clone()].grapheme_indices(true) {
            let shown = if grapheme == "\t" { TAB } else { grapheme };
            cells.push(Cell {
                at: range.start + at,
                text: shown,
                width: if shown == TAB {
                    TAB.len()
                } else {
                    grapheme_width(grapheme)
                },
                span,
                style: *style,
            });
        }
    }
    cells
}

/// The cells of each line, without the spaces and line feeds that end it.
fn rows(text: &str, cells: &[Cell<'_>], width: usize, breaks: Breaks) -> Vec<Range<usize>> {
    let mut allowed = vec![false; text.len() + 1];
    if breaks == Breaks::Words {
        let mut addresses = Addresses::of(text);
        for (at, opportunity) in linebreaks(text) {
            allowed[at] = !addresses.has(at) && opportunity == BreakOpportunity::Allowed;
        }
    }
    let mut rows = Vec::new();
    let (mut start, mut column, mut chance, mut index) = (0, 0, None, 0);
    while index < cells.len() {
        let cell = &cells[index];
        if cell.is_line_feed() {
            rows.push(start..trimmed(cells, start, index, breaks));
            (start, column, chance) = (index + 1, 0, None);
            index += 1;
            continue;
        }
        if allowed[cell.at] && index > start {
            chance = Some(index);
        }
        let hangs = breaks == Breaks::Words && cell.is_space();
        if column + cell.width > width && index > start && !hangs {
            let next = chance.filter(|chance| *chance > start).unwrap_or(index);
            rows.push(start..trimmed(cells, start, next, breaks));
            (start, column, chance, index) = (next, 0, None, next);
            continue;
        }
        column += cell.width;
        index += 1;
    }
    rows.push(start..trimmed(cells, start, cells.len(), breaks));
    rows
}

/// The addresses of a text, in one pass: a hostile text is a single word with thousands of places where it could be broken.
struct Addresses<'t> {
    text: &'t str,
    read: usize,
    /// Where the word begins that is being read.
    word: usize,
    /// It is an address.
    inside: bool,
}

impl<'t> Addresses<'t> {
    const fn of(text: &'t str) -> Self {
        Self {
            text,
            read: 0,
            word: 0,
            inside: false,
        }
    }

    /// Whether a place, which is not before the last one, is within an address. UAX 14 would leave `https://` alone at the end of a line,
    /// and an address that was broken between its parts reads as two.
    fn has(&mut self, at: usize) -> bool {
        for (index, c) in self.text[self.read..at].char_indices() {
            let end = self.read + index + c.len_utf8();
            if c.is_whitespace() {
                (self.word, self.inside) = (end, false);
            } else if c == '/' {
                self.inside |= self.text[self.word..end].ends_with("://");
            }
        }
        self.read = at;
        self.inside
    }
}

/// Where a line ends when the spaces that hang over its end are left out. A line of spaces alone stays, as far as it fits.
fn trimmed(cells: &[Cell<'_>], start: usize, end: usize, breaks: Breaks) -> usize {
    if breaks == Breaks::Anywhere {
        return end;
    }
    let kept = cells[start..end].iter().rposition(|cell| !cell.is_space());
    kept.map_or(start, |last| start + last + 1)
}

/// A grapheme that is wider than the whole line is replaced.
fn line(cells: &[Cell<'_>], width: usize) -> (Line<'static>, Vec<usize>) {
    let mut spans: Vec<Span<'static>> = Vec::new();
    let mut origins: Vec<usize> = Vec::new();
    for cell in cells {
        let text = if cell.width <= width {
            cell.text
        } else if cell.text == TAB {
            " "
        } else {
            ELLIPSIS
        };
        match spans.last_mut() {
            Some(span) if origins.last() == Some(&cell.span) => span.content.to_mut().push_str(text),
            _ => {
                spans.push(Span::styled(text.to_owned(), cell.style));
                origins.push(cell.span);
            }
        }
    }
    (Line::from(spans), origins)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use ratatui::style::Stylize;

    use super::super::tests::any_text;
    use super::super::{line_width, width};
    use super::*;

    fn plain(text: &str, width: usize, breaks: Breaks) -> Vec<String> {
        wrap_by(&[Span::raw(text.to_owned())], width, breaks)
            .iter()
            .map(ToString::to_string)
            .collect()
    }

    #[test]
    fn lines_break_between_words_and_long_words_anywhere() {
        let table: [(&str, usize, &[&str]); 12] = [
            ("", 5, &[""]),
            ("one two three", 7, &["one two", "three"]),
            ("one  two", 4, &["one", "two"]),
            ("internationally yes", 6, &["intern", "ationa", "lly", "yes"]),
            ("日本語です", 4, &["日本", "語で", "す"]),
            ("a\n\nb", 5, &["a", "", "b"]),
            ("  if x:\n    y", 20, &["  if x:", "    y"]),
            ("日", 1, &["…"]),
            ("ab", 0, &["a", "b"]),
            (
                "see https://a.example/b/c now",
                23,
                &["see", "https://a.example/b/c", "now"],
            ),
            ("https://a.example/b", 12, &["https://a.ex", "ample/b"]),
            ("and/or so", 6, &["and/or", "so"]),
        ];
        for (text, width, expected) in table {
            assert_eq!(plain(text, width, Breaks::Words), expected, "{text:?} at {width}");
        }
        assert_eq!(plain("a  b c", 3, Breaks::Anywhere), ["a  ", "b c"]);
    }

    #[test]
    fn styles_go_on_over_a_break() {
        let lines = wrap(&["plain ".into(), "bold words here".bold()], 10);
        assert_eq!(lines[0], Line::from(vec!["plain ".into(), "bold".bold()]));
        assert_eq!(lines[1], Line::from(vec!["words here".bold()]));
    }

    proptest! {
        #[test]
        fn no_line_is_wider_and_no_word_is_lost(text in any_text(), other in any_text(), limit in 1usize..24) {
            let spans = [Span::raw(text.clone()), Span::raw(other.clone()).red()];
            for breaks in [Breaks::Words, Breaks::Anywhere] {
                let lines = wrap_by(&spans, limit, breaks);
                for line in &lines {
                    prop_assert!(line_width(line) <= limit, "{line:?} is wider than {limit}");
                }
                if limit >= 8 {
                    let words = |text: &str| text.chars().filter(|c| !c.is_whitespace()).collect::<String>();
                    let shown = lines.iter().map(ToString::to_string).collect::<String>();
                    let source = format!("{text}{other}");
                    if super::super::graphemes(&source).all(|grapheme| width(grapheme) <= 8) {
                        prop_assert_eq!(words(&shown), words(&source));
                    }
                }
            }
        }
    }
}
