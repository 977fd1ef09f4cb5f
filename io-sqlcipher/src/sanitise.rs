//! Peer text made safe to show, once, on its way out of the store: every surface gets it from here, and none needs to do
//! it again. What goes is what a reader cannot see:
//!
//! - Control characters, which a terminal obeys.
//! - Bidirectional formatting characters, which show words in another order than the bytes have (CVE-2021-42574).
//! - Invisible characters (Unicode's property `Default_Ignorable_Code_Point`, and interlinear annotations): two names that
//!   look the same should be the same, and text that only a program sees could give orders to an agent. Tag characters can
//!   spell whole sentences, and so can a row of variation selectors.
//!
//! Some invisible characters change what is visible. These stay, each only in the place where it does so:
//!
//! - A joiner (ZWJ, ZWNJ) between two characters of an emoji, or of a script that joins its letters; after a virama also at
//!   the end of a word.
//! - One variation selector after a symbol, an ideograph, a keycap's digit, or a Mongolian letter.
//! - The tags of the three flags that have some: England, Scotland, Wales.
//!
//! Nothing else is touched: the text stays whole, in every script.

use std::str::Chars;

/// A text of several lines: newline and tab stay.
pub fn text(raw: String) -> String {
    clean(raw, Lines::Many)
}

/// A text of one line, such as a name: what would break the line becomes a space.
pub fn line(raw: String) -> String {
    clean(raw, Lines::One)
}

/// A name, without blanks around it; one of which nothing can be seen is none.
pub(crate) fn name(raw: Option<String>) -> Option<String> {
    raw.and_then(visible_name)
}

/// As much of a name as can be seen, on one line and without blanks around it; none if that is nothing.
pub fn visible_name(raw: String) -> Option<String> {
    let name = line(raw);
    let trimmed = name.trim();
    match trimmed.len() {
        0 => None,
        length if length == name.len() => Some(name),
        _ => Some(trimmed.to_owned()),
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Lines {
    One,
    Many,
}

/// What is done with a character.
enum Class {
    Shown,
    /// A space in a text of one line.
    Tab,
    /// A newline, or a space in a text of one line.
    Break,
    Hidden,
    Joiner,
    Selector,
    /// Before the tags of a flag.
    Flag,
}

impl Class {
    const fn of(c: char) -> Self {
        match c {
            '\t' => Self::Tab,
            '\n' | '\u{2028}' | '\u{2029}' => Self::Break,
            '\u{200c}' | '\u{200d}' | '\u{180e}' => Self::Joiner,
            '\u{180b}'..='\u{180d}' | '\u{180f}' | '\u{fe00}'..='\u{fe0f}' | '\u{e0100}'..='\u{e01ef}' => {
                Self::Selector
            }
            '\u{1f3f4}' => Self::Flag,
            // C0, DEL and C1.
            '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}'
            // Marks, embeddings, overrides, isolates; Unicode Standard Annex 9, table 4 and section 2.
            | '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
            // The rest of Default_Ignorable_Code_Point (DerivedCoreProperties.txt, Unicode 16), and annotations.
            | '\u{ad}' | '\u{34f}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{200b}'
            | '\u{2060}'..='\u{2065}' | '\u{206a}'..='\u{206f}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}' => Self::Hidden,
            _ => Self::Shown,
        }
    }
}

/// The tags of the flags that Unicode recommends for general interchange (UTS 51, ED-14a): gbeng, gbsct, gbwls.
const FLAG_TAGS: [&str; 3] = [
    "\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f}",
    "\u{e0067}\u{e0062}\u{e0073}\u{e0063}\u{e0074}\u{e007f}",
    "\u{e0067}\u{e0062}\u{e0077}\u{e006c}\u{e0073}\u{e007f}",
];

fn clean(raw: String, lines: Lines) -> String {
    let untouched = |c| match Class::of(c) {
        Class::Shown => true,
        Class::Tab => lines == Lines::Many,
        Class::Break => lines == Lines::Many && c == '\n',
        Class::Hidden | Class::Joiner | Class::Selector | Class::Flag => false,
    };
    if raw.chars().all(untouched) {
        return raw;
    }
    let mut clean = String::with_capacity(raw.len());
    let mut rest = raw.chars();
    while let Some(c) = rest.next() {
        match (Class::of(c), lines) {
            (Class::Shown, _) | (Class::Tab, Lines::Many) => clean.push(c),
            (Class::Tab | Class::Break, Lines::One) => clean.push(' '),
            (Class::Break, Lines::Many) => clean.push('\n'),
            (Class::Hidden, _) => {}
            (Class::Joiner, _) => {
                if joins(c, clean.chars().next_back(), rest.clone().next()) {
                    clean.push(c);
                }
            }
            (Class::Selector, _) => {
                if clean.chars().next_back().is_some_and(|before| selects(c, before)) {
                    clean.push(c);
                }
            }
            (Class::Flag, _) => {
                clean.push(c);
                take_tags(&mut rest, &mut clean);
            }
        }
    }
    clean
}

/// Whether a joiner does anything between these two characters.
fn joins(joiner: char, before: Option<char>, after: Option<char>) -> bool {
    let Some(before) = before else { return false };
    if joiner == '\u{180e}' {
        return is_mongolian(before) && after.is_some_and(is_mongolian);
    }
    // Before Hebrew's block are the scripts whose letters do not join.
    let can_join = |c: char| c >= '\u{590}' && !c.is_whitespace() && !matches!(Class::of(c), Class::Joiner);
    is_virama(before)
        || can_join(before) && after.is_some_and(|after| can_join(after) && matches!(Class::of(after), Class::Shown))
}

/// Whether a variation selector does anything after this character (StandardizedVariants.txt, emoji-variation-sequences.txt
/// and the Ideographic Variation Database, by their ranges).
fn selects(selector: char, before: char) -> bool {
    match (selector, before) {
        (_, before) if !matches!(Class::of(before), Class::Shown | Class::Flag) => false,
        ('\u{180b}'..='\u{180f}', before) => is_mongolian(before),
        ('\u{e0100}'..='\u{e01ef}', before) => {
            matches!(before, '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}'
                | '\u{20000}'..='\u{3ffff}')
        }
        ('\u{fe0e}' | '\u{fe0f}', '0'..='9' | '#' | '*' | '©' | '®') => true,
        (_, before) => before >= '\u{1000}' && !before.is_whitespace(),
    }
}

const fn is_mongolian(c: char) -> bool {
    matches!(c, '\u{1820}'..='\u{18aa}')
}

/// The signs that take a consonant's vowel away, in the scripts where a joiner after one chooses its form.
const fn is_virama(c: char) -> bool {
    matches!(
        c,
        '\u{94d}'
            | '\u{9cd}'
            | '\u{a4d}'
            | '\u{acd}'
            | '\u{b4d}'
            | '\u{bcd}'
            | '\u{c4d}'
            | '\u{ccd}'
            | '\u{d4d}'
            | '\u{dca}'
    )
}

fn take_tags(rest: &mut Chars<'_>, clean: &mut String) {
    if let Some(tags) = FLAG_TAGS.iter().find(|tags| rest.as_str().starts_with(**tags)) {
        clean.push_str(tags);
        *rest = rest.as_str()[tags.len()..].chars();
    }
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
        assert_eq!(line("a\u{1b}[2Jb\u{202e}c\u{9b}d\r\ne\tf".into()), "a[2Jbcd e f");
        assert_eq!(text("one\r\ntwo\u{7}\u{2028}three".into()), "one\ntwo\nthree");
    }

    #[test]
    fn bidirectional_tricks_are_taken_out() {
        let tricky = "safe\u{202e}gpj.exe\u{202c} \u{2066}a\u{2069}\u{200e}b\u{200f}c\u{61c}";
        assert_eq!(text(tricky.into()), "safegpj.exe abc");
    }

    #[test]
    fn every_script_emoji_and_layout_stays_whole() {
        for whole in [
            "שלום עולם\n\tمرحبا, 你好 – é e\u{301} ﷽ ﬁ",
            // Families, flags with tags and without, skin, hearts, keycaps, a symbol as text.
            "👩\u{200d}👩\u{200d}👧 🏴 🏴\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f} 🏴\u{200d}☠\u{fe0f} 🇩🇪",
            "👋🏽 ❤\u{fe0f}\u{200d}🔥 🏳\u{fe0f}\u{200d}🌈 1\u{fe0f}\u{20e3} ©\u{fe0f} ☎\u{fe0e} 👨🏿\u{200d}🦰",
            // Persian "I want", Malayalam "and" in its old spelling, Sinhala "Sri", Mongolian, a Japanese name's ideograph.
            "می\u{200c}خواهم ന\u{d4d}\u{200d} ශ\u{dca}\u{200d}ර\u{dd3} ᠨ\u{180e}ᠠ ᠠ\u{180b} 葛\u{e0100}城",
        ] {
            assert_eq!(text(whole.into()), whole);
        }
    }

    #[test]
    fn invisible_characters_are_taken_out() {
        for (hidden, shown) in [
            ("A\u{200b}d\u{200d}a\u{feff}\u{2060}\u{ad}", "Ada"),
            ("Adа\u{200c}\u{200d}", "Adа"),
            ("👍\u{200d}", "👍"),
            ("👍\u{200d}\u{200d}👍", "👍\u{200d}👍"),
            ("می\u{200c} \u{200c}و", "می و"),
            ("\u{3164}\u{ffa0}\u{115f}\u{34f}\u{17b4}\u{2063}", ""),
            // Orders in tags, after a flag and without one; a flag's tags that are another's.
            ("hi\u{e0001}\u{e0068}\u{e0069}\u{e007f}", "hi"),
            ("🏴\u{e0068}\u{e0069}\u{e007f}", "🏴"),
            (
                "🏴\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e0068}\u{e007f}",
                "🏴",
            ),
            // A message in selectors: one is left, and none after a letter.
            ("😀\u{e0148}\u{e0155}\u{fe0f}\u{fe0e}", "😀\u{fe0f}"),
            ("a\u{fe0f}b\u{e0100} \u{fe0f}", "ab "),
        ] {
            assert_eq!(line(hidden.into()), shown, "{hidden:?}");
        }
    }

    #[test]
    fn names_have_one_line_and_empty_ones_are_none() {
        assert_eq!(line("a\nb\tc\u{2028}d\u{2029}e\rf".into()), "a b c d ef");
        assert_eq!(name(Some("\u{202e}\x1b\u{200b}".into())), None);
        assert_eq!(name(Some("Ada".into())).as_deref(), Some("Ada"));
        assert_eq!(name(None), None);
    }

    #[test]
    fn nothing_dangerous_is_left_of_any_character() {
        for c in '\0'..=char::MAX {
            let shown = line(c.into());
            assert!(!shown.chars().any(char::is_control), "{c:?} became {shown:?}");
            assert_eq!(line(shown.clone()), shown, "{c:?}: what is clean stays as it is");
        }
    }
}
