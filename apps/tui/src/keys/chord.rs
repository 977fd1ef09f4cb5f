//! [`Chord`]: one press of a key with its modifiers, the same however a terminal reports it.

use std::fmt;
use std::str::FromStr;

use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use super::nearest;

/// A key with its modifiers. A character holds its own Shift: `A`, not Shift and `a`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Chord {
    code: KeyCode,
    modifiers: KeyModifiers,
}

/// The names of keys that are no character, the first of a key is how it is printed.
const NAMES: [(&str, KeyCode); 21] = [
    ("enter", KeyCode::Enter),
    ("return", KeyCode::Enter),
    ("esc", KeyCode::Esc),
    ("escape", KeyCode::Esc),
    ("tab", KeyCode::Tab),
    ("space", KeyCode::Char(' ')),
    ("backspace", KeyCode::Backspace),
    ("delete", KeyCode::Delete),
    ("del", KeyCode::Delete),
    ("insert", KeyCode::Insert),
    ("up", KeyCode::Up),
    ("down", KeyCode::Down),
    ("left", KeyCode::Left),
    ("right", KeyCode::Right),
    ("home", KeyCode::Home),
    ("end", KeyCode::End),
    ("pageup", KeyCode::PageUp),
    ("page-up", KeyCode::PageUp),
    ("pagedown", KeyCode::PageDown),
    ("page-down", KeyCode::PageDown),
    ("minus", KeyCode::Char('-')),
];

const MODIFIERS: [(&str, KeyModifiers); 5] = [
    ("ctrl", KeyModifiers::CONTROL),
    ("alt", KeyModifiers::ALT),
    ("super", KeyModifiers::SUPER),
    ("shift", KeyModifiers::SHIFT),
    ("control", KeyModifiers::CONTROL),
];

impl Chord {
    /// What a terminal reports. `None`: a key that was released, a modifier alone, a key without meaning here.
    pub fn of(event: KeyEvent) -> Option<Self> {
        if event.kind == KeyEventKind::Release {
            return None;
        }
        let known = KeyModifiers::CONTROL | KeyModifiers::ALT | KeyModifiers::SHIFT | KeyModifiers::SUPER;
        if event.modifiers.intersects(!known) {
            return None;
        }
        Self {
            code: event.code,
            modifiers: event.modifiers,
        }
        .normal()
    }

    fn normal(mut self) -> Option<Self> {
        match self.code {
            KeyCode::BackTab => {
                self.code = KeyCode::Tab;
                self.modifiers |= KeyModifiers::SHIFT;
            }
            KeyCode::Char(c) if c.is_control() => return None,
            KeyCode::Char(c) => self.code = KeyCode::Char(self.character(c)),
            // Shift held a little too long.
            KeyCode::Backspace => self.modifiers -= KeyModifiers::SHIFT,
            KeyCode::Enter
            | KeyCode::Esc
            | KeyCode::Tab
            | KeyCode::Delete
            | KeyCode::Insert
            | KeyCode::Up
            | KeyCode::Down
            | KeyCode::Left
            | KeyCode::Right
            | KeyCode::Home
            | KeyCode::End
            | KeyCode::PageUp
            | KeyCode::PageDown
            | KeyCode::F(1..=24) => {}
            _ => return None,
        }
        Some(self)
    }

    /// The character, and the modifiers that are left.
    fn character(&mut self, c: char) -> char {
        let both = KeyModifiers::CONTROL | KeyModifiers::ALT;
        // AltGr is reported as Ctrl and Alt by some terminals. What it writes is text.
        if self.modifiers.contains(both) && !c.is_ascii_alphanumeric() && c != ' ' {
            self.modifiers -= both;
        }
        if self.modifiers.contains(KeyModifiers::CONTROL) {
            if c.is_ascii_uppercase() && !self.modifiers.contains(KeyModifiers::SHIFT) {
                return c.to_ascii_lowercase();
            }
            // Terminals without the kitty protocol report these four by the digit of the same code. With Alt the digit is meant,
            // and the symbol would be AltGr's.
            return match c {
                _ if self.modifiers.contains(KeyModifiers::ALT) => c.to_ascii_lowercase(),
                '4' => '\\',
                '5' => ']',
                '6' => '^',
                '7' | '_' => '/',
                _ => c.to_ascii_lowercase(),
            };
        }
        if self.modifiers.contains(KeyModifiers::SHIFT) {
            self.modifiers -= KeyModifiers::SHIFT;
            let mut upper = c.to_uppercase();
            return upper.next().filter(|_| upper.next().is_none()).unwrap_or(c);
        }
        c
    }

    /// The character that this chord writes, without a binding.
    pub fn text(self) -> Option<char> {
        match self.code {
            KeyCode::Char(c) if self.modifiers.is_empty() => Some(c),
            _ => None,
        }
    }
}

impl fmt::Display for Chord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, modifier) in &MODIFIERS[..4] {
            if self.modifiers.contains(*modifier) {
                write!(f, "{name}-")?;
            }
        }
        if let Some((name, _)) = NAMES.iter().find(|(_, code)| *code == self.code) {
            return f.write_str(name);
        }
        match self.code {
            KeyCode::Char(c) => write!(f, "{c}"),
            KeyCode::F(number) => write!(f, "f{number}"),
            code => write!(f, "{code}"),
        }
    }
}

impl FromStr for Chord {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut modifiers = KeyModifiers::NONE;
        let mut rest = text;
        while let Some((head, tail)) = rest
            .split_once('-')
            .filter(|(head, tail)| !head.is_empty() && !tail.is_empty())
        {
            let Some((_, modifier)) = MODIFIERS.iter().find(|(name, _)| name.eq_ignore_ascii_case(head)) else {
                break;
            };
            modifiers |= *modifier;
            rest = tail;
        }
        let code = code(rest).ok_or_else(|| unknown(text, rest))?;
        Self { code, modifiers }
            .normal()
            .ok_or_else(|| format!("`{text}` is no key"))
    }
}

fn code(name: &str) -> Option<KeyCode> {
    let mut characters = name.chars();
    if let (Some(c), None) = (characters.next(), characters.next()) {
        return Some(KeyCode::Char(c));
    }
    let name = name.to_ascii_lowercase();
    if let Some((_, code)) = NAMES.iter().find(|(other, _)| *other == name) {
        return Some(*code);
    }
    let number = name.strip_prefix('f')?.parse().ok()?;
    (1..=24).contains(&number).then_some(KeyCode::F(number))
}

fn unknown(text: &str, key: &str) -> String {
    let last = key.rsplit('-').next().unwrap_or(key);
    let names = NAMES.iter().map(|(name, _)| *name);
    match key.split_once('-').filter(|(head, _)| !head.is_empty()) {
        Some((head, _)) => {
            let modifiers = MODIFIERS.iter().map(|(name, _)| *name);
            format!("`{text}`: no modifier is called `{head}`{}", nearest(head, modifiers))
        }
        None => format!("`{text}`: no key is called `{last}`{}", nearest(last, names)),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn chord(code: KeyCode, modifiers: KeyModifiers) -> String {
        Chord::of(KeyEvent::new(code, modifiers)).map_or_else(|| "nothing".to_owned(), |chord| chord.to_string())
    }

    #[test]
    fn terminals_that_report_a_key_differently_mean_the_same() {
        const NONE: KeyModifiers = KeyModifiers::NONE;
        const SHIFT: KeyModifiers = KeyModifiers::SHIFT;
        const CTRL: KeyModifiers = KeyModifiers::CONTROL;
        const ALT: KeyModifiers = KeyModifiers::ALT;
        let table = [
            (KeyCode::Char('A'), NONE, "A"),
            (KeyCode::Char('A'), SHIFT, "A"),
            (KeyCode::Char('a'), SHIFT, "A"),
            (KeyCode::Char('?'), SHIFT, "?"),
            (KeyCode::Char('ß'), SHIFT, "ß"),
            (KeyCode::Char(' '), SHIFT, "space"),
            (KeyCode::BackTab, SHIFT, "shift-tab"),
            (KeyCode::Tab, SHIFT, "shift-tab"),
            (KeyCode::Char('P'), CTRL, "ctrl-p"),
            (KeyCode::Char('P'), CTRL | SHIFT, "ctrl-shift-p"),
            (KeyCode::Char('7'), CTRL, "ctrl-/"),
            (KeyCode::Char('_'), CTRL | SHIFT, "ctrl-shift-/"),
            (KeyCode::Char('4'), CTRL, "ctrl-\\"),
            (KeyCode::Char('A'), ALT | SHIFT, "alt-A"),
            (KeyCode::Char('@'), CTRL | ALT, "@"),
            (KeyCode::Char('€'), CTRL | ALT, "€"),
            (KeyCode::Char('b'), CTRL | ALT, "ctrl-alt-b"),
            (KeyCode::Backspace, SHIFT, "backspace"),
            (KeyCode::Backspace, CTRL, "ctrl-backspace"),
            (KeyCode::Enter, ALT, "alt-enter"),
            (KeyCode::Enter, SHIFT, "shift-enter"),
            (KeyCode::CapsLock, NONE, "nothing"),
            (KeyCode::F(5), NONE, "f5"),
            (KeyCode::Char('\u{1b}'), NONE, "nothing"),
        ];
        for (code, modifiers, expected) in table {
            assert_eq!(chord(code, modifiers), expected, "{code:?} {modifiers:?}");
        }
        let released = KeyEvent::new_with_kind(KeyCode::Enter, NONE, KeyEventKind::Release);
        assert_eq!(Chord::of(released), None);
    }

    #[test]
    fn what_cannot_be_read_names_the_nearest() {
        let table = [
            (
                "ctrl-entr",
                "`ctrl-entr`: no key is called `entr`; did you mean `enter`?",
            ),
            ("crtl-p", "`crtl-p`: no modifier is called `crtl`; did you mean `ctrl`?"),
            ("", "``: no key is called ``"),
            ("f99", "`f99`: no key is called `f99`"),
        ];
        for (text, expected) in table {
            assert_eq!(text.parse::<Chord>().unwrap_err(), expected);
        }
    }

    #[test]
    fn a_digit_with_control_and_alt_stays_one() {
        let chord = "ctrl-alt-4".parse::<Chord>().unwrap();
        assert_eq!(chord.to_string().parse::<Chord>(), Ok(chord));
    }

    #[test]
    fn a_minus_is_a_key_too() {
        for (text, printed) in [
            ("ctrl--", "ctrl-minus"),
            ("-", "minus"),
            ("alt-minus", "alt-minus"),
            ("CTRL-X", "ctrl-x"),
        ] {
            assert_eq!(text.parse::<Chord>().unwrap().to_string(), printed);
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "\\PC{0,12}") {
            if let Ok(chord) = text.parse::<Chord>() {
                prop_assert_eq!(chord.to_string().parse::<Chord>(), Ok(chord));
            }
        }

        #[test]
        fn a_chord_is_read_back_as_it_was_printed(c in any::<char>(), bits in 0u8..64) {
            let event = KeyEvent::new(KeyCode::Char(c), KeyModifiers::from_bits_truncate(bits));
            if let Some(chord) = Chord::of(event) {
                prop_assert_eq!(chord.to_string().parse::<Chord>(), Ok(chord));
            }
        }
    }
}
