//! Text laid out for a terminal. What peers wrote comes from the store already without what a reader cannot see; here
//! control characters go from all other text too (errors, a log, Tor's progress), because a terminal obeys them.

/// The text on one line: line breaks and tabs become spaces, other control characters go.
pub fn line(text: &str) -> String {
    text.chars()
        .filter_map(|character| match character {
            '\n' | '\t' => Some(' '),
            character if character.is_control() => None,
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
        assert_eq!(line("a\u{1b}[2Jb\u{7f}c\u{9b}d\r\ne\tf"), "a[2Jbcd e f");
        assert_eq!(block("one\ntwo\u{7}\nthree", 2), "one\n  two\n  three");
        assert_eq!(short("0123456789"), "01234567");
        assert_eq!(short("é"), "é");
    }
}
