//! Text as cells: graphemes, their widths, truncation, wrapping, visual order, and names that look alike. A width is what
//! [`ratatui::buffer::Buffer`] gives the text, grapheme by grapheme. Any other counting would draw over a pane's border.

pub mod bidi;
pub mod names;
mod wrap;

use std::borrow::Cow;

use ratatui::buffer::CellWidth;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use unicode_segmentation::UnicodeSegmentation;

pub use wrap::{Breaks, wrap, wrap_by, wrap_traced};

/// Stands for what was cut off, and for a grapheme that is wider than the whole line.
pub const ELLIPSIS: &str = "…";

/// What a reader takes for one character: a letter with its marks, a flag, a family of emoji.
pub fn graphemes(text: &str) -> impl DoubleEndedIterator<Item = &str> {
    text.graphemes(true)
}

/// The cells that a text takes when a `Buffer` sets it.
pub fn width(text: &str) -> usize {
    if text.bytes().all(|byte| (0x20..0x7f).contains(&byte)) {
        return text.len();
    }
    graphemes(text).map(grapheme_width).sum()
}

/// The cells of one grapheme. A `Buffer` skips control characters.
pub fn grapheme_width(grapheme: &str) -> usize {
    if grapheme.contains(char::is_control) {
        0
    } else {
        usize::from(grapheme.cell_width())
    }
}

/// The cells that a line takes: spans are set one after the other, so a grapheme does not reach over two of them.
pub fn line_width(line: &Line<'_>) -> usize {
    line.spans.iter().map(|span| width(&span.content)).sum()
}

/// The text, cut to a width. What is cut ends with `…`.
pub fn truncate(text: &str, limit: usize) -> Cow<'_, str> {
    if width(text) <= limit {
        return Cow::Borrowed(text);
    }
    let kept = prefix(text, limit.saturating_sub(1)).len();
    Cow::Owned(if limit == 0 {
        String::new()
    } else {
        format!("{}{ELLIPSIS}", &text[..kept])
    })
}

/// A styled line, cut to a width. What is cut ends with `…` in the style of the first grapheme that is missing.
pub fn truncate_line(line: &Line<'_>, limit: usize) -> Line<'static> {
    let whole = line_width(line) <= limit;
    let mut left = if whole { limit } else { limit.saturating_sub(1) };
    let mut cut = Line::default().style(line.style);
    cut.alignment = line.alignment;
    for span in &line.spans {
        let kept = prefix(&span.content, left);
        left -= width(kept);
        push(&mut cut, kept, span.style);
        if kept.len() < span.content.len() {
            if limit > 0 {
                push(&mut cut, ELLIPSIS, span.style);
            }
            break;
        }
    }
    cut
}

/// The longest beginning of a text that fits.
pub fn prefix(text: &str, limit: usize) -> &str {
    let mut left = limit;
    for (at, grapheme) in text.grapheme_indices(true) {
        match left.checked_sub(grapheme_width(grapheme)) {
            Some(rest) => left = rest,
            None => return &text[..at],
        }
    }
    text
}

/// Whether a character cannot be seen, or orders others to be shown elsewhere: those that the daemon removes from what peers
/// write. A joiner or selector counts too, as a character by itself.
pub fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}')
}

fn push(line: &mut Line<'static>, text: &str, style: Style) {
    if !text.is_empty() {
        line.spans.push(Span::styled(text.to_owned(), style));
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use proptest::prelude::*;
    use ratatui::buffer::Buffer;
    use ratatui::layout::Rect;

    use super::*;

    /// Texts of the kinds that counters get wrong, and any text at all.
    pub fn any_text() -> impl Strategy<Value = String> {
        let piece = prop_oneof![
            "\\PC{0,6}",
            "[a-z ]{1,12}",
            Just("日本語".to_owned()),
            Just("👨‍👩‍👧".to_owned()),
            Just("🇩🇪🇫🇷🇩".to_owned()),
            Just("❤️".to_owned()),
            Just("e\u{301}\u{302}\u{327}".to_owned()),
            Just("ｶﾞ".to_owned()),
            Just("שלום".to_owned()),
            Just("مرحبا (x)".to_owned()),
            Just("\u{200b}\u{301}".to_owned()),
            Just("नमस्ते".to_owned()),
            Just("  \t".to_owned()),
            Just("\n".to_owned()),
        ];
        proptest::collection::vec(piece, 0..8).prop_map(|pieces| pieces.concat())
    }

    /// The columns that a `Buffer` fills with a text.
    fn drawn(text: &str) -> usize {
        let mut buffer = Buffer::empty(Rect::new(0, 0, 1000, 1));
        usize::from(buffer.set_string_end(text))
    }

    trait SetStringEnd {
        fn set_string_end(&mut self, text: &str) -> u16;
    }

    impl SetStringEnd for Buffer {
        fn set_string_end(&mut self, text: &str) -> u16 {
            self.set_stringn(0, 0, text, usize::MAX, Style::new()).0
        }
    }

    #[test]
    fn widths_of_what_is_often_counted_wrong() {
        let table = [
            ("", 0),
            ("abc", 3),
            ("日本", 4),
            ("e\u{301}", 1),
            ("❤️", 2),
            ("👨‍👩‍👧", 2),
            ("🇩🇪", 2),
            ("\u{200b}", 0),
            ("\u{1b}[2J", 3),
        ];
        for (text, expected) in table {
            assert_eq!(width(text), expected, "{text:?}");
            assert_eq!(drawn(text), expected, "{text:?} as it is drawn");
        }
    }

    #[test]
    fn a_cut_text_ends_with_an_ellipsis_and_fits() {
        let table = [
            ("hello", 5, "hello"),
            ("hello", 4, "hel…"),
            ("日本語", 4, "日…"),
            ("日本語", 1, "…"),
            ("x", 0, ""),
        ];
        for (text, limit, expected) in table {
            assert_eq!(truncate(text, limit), expected);
        }
    }

    proptest! {
        #[test]
        fn a_buffer_draws_as_many_cells_as_are_counted(text in any_text()) {
            prop_assert_eq!(drawn(&text), width(&text));
        }

        #[test]
        fn a_cut_text_is_never_wider(text in any_text(), limit in 0usize..20) {
            prop_assert!(width(&truncate(&text, limit)) <= limit);
            let line = Line::from(vec![Span::raw(text.clone()), Span::raw(text)]);
            prop_assert!(line_width(&truncate_line(&line, limit)) <= limit);
        }
    }
}
