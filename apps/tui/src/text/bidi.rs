//! The visual order of a line of right-to-left text, by UAX 9. Some terminals reorder by themselves; for them a line stays in
//! the order in which it is read.

use ratatui::text::{Line, Span};
use unicode_bidi::{BidiInfo, Level, ParagraphBidiInfo};
use unicode_segmentation::UnicodeSegmentation;

use super::{grapheme_width, width};

/// What puts right-to-left text into visual order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reorder {
    /// The terminal does, or the text is shown in reading order.
    #[default]
    Terminal,
    /// The program does.
    Here,
}

/// The direction of a paragraph.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Direction {
    /// As Latin: begins at the left edge.
    #[default]
    LeftToRight,
    /// As Hebrew and Arabic: begins at the right edge.
    RightToLeft,
}

impl Direction {
    /// Of a paragraph: its first letter with a direction decides.
    pub fn of(paragraph: &str) -> Self {
        match unicode_bidi::get_base_direction(paragraph) {
            unicode_bidi::Direction::Rtl => Self::RightToLeft,
            unicode_bidi::Direction::Ltr | unicode_bidi::Direction::Mixed => Self::LeftToRight,
        }
    }

    fn level(self) -> Level {
        match self {
            Self::LeftToRight => Level::ltr(),
            Self::RightToLeft => Level::rtl(),
        }
    }
}

/// A line, in the order in which its cells are drawn. `direction` is that of the paragraph that the line is of.
pub fn visual(line: Line<'static>, direction: Direction, reorder: Reorder) -> Line<'static> {
    let text = line.to_string();
    let Some(order) = order(&text, direction, reorder) else {
        return line;
    };
    let mut styles = Vec::new();
    for span in &line.spans {
        styles.extend(std::iter::repeat_n(span.style, span.content.len()));
    }
    let mut spans: Vec<Span<'static>> = Vec::new();
    for (at, grapheme, level) in order {
        let shown = if level.is_rtl() { mirrored(grapheme) } else { grapheme };
        let style = styles.get(at).copied().unwrap_or_default();
        match spans.last_mut() {
            Some(span) if span.style == style => span.content.to_mut().push_str(shown),
            _ => spans.push(Span::styled(shown.to_owned(), style)),
        }
    }
    Line { spans, ..line }
}

/// The column at which the cursor stands when it is before the byte `at` of a line.
pub fn column(text: &str, at: usize, direction: Direction, reorder: Reorder) -> usize {
    let Some(order) = order(text, direction, reorder) else {
        return width(&text[..at]);
    };
    let mut left = 0;
    let mut end = 0;
    for (begin, grapheme, level) in order {
        let cells = grapheme_width(grapheme);
        if begin == at {
            return left + if level.is_rtl() { cells.saturating_sub(1) } else { 0 };
        }
        left += cells;
        // Of the last grapheme in reading order: the text goes on to the right of it, or to the left.
        if begin + grapheme.len() == at {
            end = if level.is_rtl() {
                left.saturating_sub(cells + 1)
            } else {
                left
            };
        }
    }
    end
}

/// The graphemes of a line as they are drawn from the left, each with its place in the text. `None`: as they are read.
fn order(text: &str, direction: Direction, reorder: Reorder) -> Option<Vec<(usize, &str, Level)>> {
    if reorder == Reorder::Terminal || text.is_empty() || !text.chars().any(is_right_to_left) {
        return None;
    }
    let info = ParagraphBidiInfo::new(text, Some(direction.level()));
    let levels = info.reordered_levels(0..text.len());
    let graphemes: Vec<_> = text
        .grapheme_indices(true)
        .map(|(at, grapheme)| (at, grapheme, levels[at]))
        .collect();
    let of_each: Vec<Level> = graphemes.iter().map(|(_, _, level)| *level).collect();
    Some(
        BidiInfo::reorder_visual(&of_each)
            .into_iter()
            .map(|index| graphemes[index])
            .collect(),
    )
}

/// Whether a line with this character can have a visual order of its own. Cheap, so that other lines cost nothing.
fn is_right_to_left(c: char) -> bool {
    use unicode_bidi::BidiClass;
    c >= '\u{590}'
        && matches!(
            unicode_bidi::bidi_class(c),
            BidiClass::R | BidiClass::AL | BidiClass::RLE | BidiClass::RLO | BidiClass::RLI
        )
}

/// A bracket opens towards the text that it holds.
fn mirrored(grapheme: &str) -> &str {
    const PAIRS: [(&str, &str); 8] = [
        ("(", ")"),
        ("[", "]"),
        ("{", "}"),
        ("<", ">"),
        ("«", "»"),
        ("‹", "›"),
        ("≤", "≥"),
        ("⟨", "⟩"),
    ];
    PAIRS
        .iter()
        .find_map(|(open, close)| {
            if grapheme == *open {
                Some(*close)
            } else {
                (grapheme == *close).then_some(*open)
            }
        })
        .unwrap_or(grapheme)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use ratatui::style::Stylize;

    use super::super::line_width;
    use super::super::tests::any_text;
    use super::*;

    fn shown(text: &str) -> String {
        visual(Line::from(text.to_owned()), Direction::of(text), Reorder::Here).to_string()
    }

    #[test]
    fn right_to_left_text_is_drawn_from_the_right() {
        assert_eq!(shown("abc"), "abc");
        assert_eq!(shown("שלום"), "םולש");
        assert_eq!(shown("abc שלום def"), "abc םולש def");
        assert_eq!(shown("שלום (abc) 12"), "12 (abc) םולש");
        let terminal = visual(Line::from("שלום"), Direction::RightToLeft, Reorder::Terminal);
        assert_eq!(terminal.to_string(), "שלום");
    }

    #[test]
    fn styles_stay_with_their_letters() {
        let line = visual(
            Line::from(vec!["של".red(), "ום".blue()]),
            Direction::RightToLeft,
            Reorder::Here,
        );
        assert_eq!(line, Line::from(vec!["םו".blue(), "לש".red()]));
    }

    #[test]
    fn the_cursor_stands_where_the_next_letter_goes() {
        let text = "ab שלום";
        let here = |at| column(text, at, Direction::LeftToRight, Reorder::Here);
        assert_eq!((here(0), here(2)), (0, 2));
        // Before the first Hebrew letter, which is drawn rightmost; after the last, which is drawn leftmost.
        assert_eq!((here(3), here(text.len())), (6, 2));
    }

    proptest! {
        #[test]
        fn no_cell_is_lost_and_the_cursor_is_inside(text in any_text()) {
            let text = text.replace(['\n', '\t'], " ");
            let line = visual(Line::from(text.clone()), Direction::of(&text), Reorder::Here);
            let count = |text: &str| text.chars().filter(|c| !c.is_control()).count();
            prop_assert_eq!(count(&line.to_string()), count(&text));
            prop_assert!(line_width(&line) <= width(&text));
            for (at, _) in text.grapheme_indices(true) {
                prop_assert!(column(&text, at, Direction::of(&text), Reorder::Here) <= width(&text));
            }
        }
    }
}
