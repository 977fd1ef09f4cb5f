//! Text on its way to a terminal. The read side has cleaned what peers wrote; a terminal is worth a second lock, since
//! one escape sequence that slips through can rewrite what a person sees.

/// Whether a terminal would obey this character, or reorder text by it, instead of showing it (Unicode's general
/// categories Cc and the bidirectional and invisible format characters).
const fn obeyed(character: char) -> bool {
    matches!(character,
        '\u{0}'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{61c}' | '\u{200b}' | '\u{200e}' | '\u{200f}'
        | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}')
}

/// The text on one line: line breaks and tabs become spaces, other commands to the terminal vanish.
pub fn line(text: &str) -> String {
    text.chars()
        .filter_map(|character| match character {
            '\n' | '\t' => Some(' '),
            character if obeyed(character) => None,
            character => Some(character),
        })
        .collect()
}

/// The text as it is, with each line after the first set in by `indent` columns.
pub fn block(text: &str, indent: usize) -> String {
    let mut lines = text.split('\n').map(line);
    let mut block = lines.next().unwrap_or_default();
    for next in lines {
        block.push('\n');
        block.push_str(&" ".repeat(indent));
        block.push_str(&next);
    }
    block
}

/// The first eight characters of an id; enough to tell a person's few apart.
pub fn short(id: &str) -> &str {
    id.get(..8).unwrap_or(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_terminal_gets_no_command_from_a_text() {
        assert_eq!(line("a\u{1b}[2Jb\u{202e}c\u{9b}d\r\ne\tf"), "a[2Jbcd e f");
        assert_eq!(block("one\ntwo\u{7}\nthree", 2), "one\n  two\n  three");
        assert_eq!(short("0123456789"), "01234567");
        assert_eq!(short("é"), "é");
    }
}
