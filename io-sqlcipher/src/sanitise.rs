//! Peer text made safe to show, once, on its way out of the store. A terminal obeys control characters, and bidirectional
//! formatting characters make a reader see another order of words than the bytes have (CVE-2021-42574); both go. Nothing
//! else is touched: the text stays whole, in whatever script it is.

/// A text of several lines: newline and tab stay.
pub(crate) fn text(raw: String) -> String {
    if raw.chars().any(|c| !is_shown(c)) {
        raw.chars().filter(|c| is_shown(*c)).collect()
    } else {
        raw
    }
}

/// A text of one line, such as a name: what would break the line becomes a space.
pub(crate) fn line(raw: String) -> String {
    if !raw.chars().any(|c| !is_shown(c) || breaks_line(c)) {
        return raw;
    }
    raw.chars()
        .filter(|c| is_shown(*c))
        .map(|c| if breaks_line(c) { ' ' } else { c })
        .collect()
}

/// A name; an empty one is none.
pub(crate) fn name(raw: Option<String>) -> Option<String> {
    raw.map(line).filter(|name| !name.is_empty())
}

fn is_shown(c: char) -> bool {
    match c {
        '\n' | '\t' => true,
        // Marks, embeddings, overrides, isolates; Unicode Standard Annex 9, table 4 and section 2.
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => false,
        // C0, DEL and C1.
        c => !c.is_control(),
    }
}

fn breaks_line(c: char) -> bool {
    matches!(c, '\n' | '\t' | '\u{2028}' | '\u{2029}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terminal_escapes_lose_their_escape() {
        assert_eq!(
            text("\x1b[2J\x1b]0;pwned\x07hi\u{9b}31m\x7f\r\0".into()),
            "[2J]0;pwnedhi31m"
        );
    }

    #[test]
    fn bidirectional_tricks_are_taken_out() {
        let tricky = "safe\u{202e}gpj.exe\u{202c} \u{2066}a\u{2069}\u{200e}b\u{200f}c\u{61c}";
        assert_eq!(text(tricky.into()), "safegpj.exe abc");
    }

    #[test]
    fn every_script_emoji_and_layout_stays_whole() {
        let whole =
            "שלום עולם\n\tمرحبا, 你好 – é e\u{301} 👩\u{200d}👩\u{200d}👧 🏴\u{e0067}\u{e007f} \u{feff}\u{ad}\u{200b}x";
        assert_eq!(text(whole.into()), whole);
    }

    #[test]
    fn names_have_one_line_and_empty_ones_are_none() {
        assert_eq!(line("a\nb\tc\u{2028}d\u{2029}e\rf".into()), "a b c d ef");
        assert_eq!(name(Some("\u{202e}\x1b".into())), None);
        assert_eq!(name(Some("Ada".into())).as_deref(), Some("Ada"));
        assert_eq!(name(None), None);
    }

    #[test]
    fn nothing_dangerous_is_left_of_any_character() {
        for c in '\0'..=char::MAX {
            let shown = line(c.into());
            assert!(!shown.chars().any(char::is_control), "{c:?} became {shown:?}");
        }
    }
}
