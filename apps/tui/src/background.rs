//! [`ask`]: whether the terminal's background is dark, as the terminal says. What the user types meanwhile is not lost.

use std::io::{self, Write as _};
use std::time::{Duration, Instant};

use crossterm::event::{Event, KeyCode, KeyEvent, KeyModifiers};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

/// How long an answer is waited for.
const PATIENCE: Duration = Duration::from_secs(1);

/// OSC 11, ended as every terminal knows it, and a question that nearly all terminals answer: its answer comes last.
const QUESTION: &[u8] = b"\x1b]11;?\x07\x1b[c";

/// What the terminal has said, and the user.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// None if the terminal does not say.
    pub dark: Option<bool>,
    /// What was typed and pasted meanwhile. Of keys that send a sequence, only reports of the focus are kept.
    pub events: Vec<Event>,
    complete: bool,
    /// An answer whose end has not come, after its first two characters.
    begun: Option<String>,
}

/// Asks the terminal, which is in raw mode. No other part of the program reads from it meanwhile.
pub fn ask() -> io::Result<Answer> {
    let mut out = io::stdout();
    out.write_all(QUESTION)?;
    out.flush()?;
    let begun = Instant::now();
    let mut received = Vec::new();
    loop {
        let answer = read(&received);
        let left = PATIENCE.saturating_sub(begun.elapsed());
        if answer.complete || left.is_zero() || !wait(left)? {
            return Ok(answer);
        }
        let mut bytes = [0; 1024];
        let count = rustix::io::read(rustix::stdio::stdin(), &mut bytes)?;
        if count == 0 {
            return Ok(answer);
        }
        received.extend_from_slice(&bytes[..count]);
    }
}

/// Waits until there is something to read, or the time is over.
fn wait(left: Duration) -> io::Result<bool> {
    let stdin = rustix::stdio::stdin();
    let mut asked = [PollFd::new(&stdin, PollFlags::IN)];
    // A second at most.
    let time = Timespec::try_from(left).map_err(io::Error::other)?;
    match poll(&mut asked, Some(&time)) {
        Ok(ready) => Ok(ready > 0),
        Err(rustix::io::Errno::INTR) => Ok(true),
        Err(error) => Err(error.into()),
    }
}

/// Tells an answer that comes after all from what is typed. It reaches the program as keys: Alt and `]`, its letters, and what ends it.
#[derive(Debug)]
pub struct LateAnswer {
    /// An answer is awaited: there is one question, so there is at most one.
    awaited: bool,
    /// What may be an answer, after its first two characters.
    begun: Option<String>,
    /// The keys of it.
    held: Vec<Event>,
}

/// What a key was.
#[derive(Debug, PartialEq, Eq)]
pub enum Late {
    /// These were typed; none while it can be an answer.
    Typed(Vec<Event>),
    /// The end of an answer: whether the background is dark, if it says so.
    Answer(Option<bool>),
}

impl LateAnswer {
    /// Without a question there is none to wait for, nor where the terminal has answered the question that was asked after it.
    pub fn of(answer: Option<&Answer>) -> Self {
        Self {
            awaited: answer.is_some_and(|answer| answer.dark.is_none() && !answer.complete),
            begun: answer.and_then(|answer| answer.begun.clone()),
            held: Vec::new(),
        }
    }

    /// Takes what has come from the terminal.
    pub fn take(&mut self, event: Event) -> Late {
        if !self.awaited {
            return Late::Typed(vec![event]);
        }
        let key = match &event {
            Event::Key(KeyEvent { code, modifiers, .. }) => Some((*code, *modifiers)),
            _ => None,
        };
        match (key, &mut self.begun) {
            (Some((KeyCode::Char(']'), KeyModifiers::ALT)), None) => self.begun = Some(String::new()),
            (
                Some((KeyCode::Char('g'), KeyModifiers::CONTROL) | (KeyCode::Char('\\'), KeyModifiers::ALT)),
                Some(begun),
            ) if begun.starts_with(BEGINNING) => {
                self.awaited = false;
                self.held.clear();
                return Late::Answer(is_dark(&begun.as_bytes()[BEGINNING.len()..]));
            }
            (Some((KeyCode::Char(letter), KeyModifiers::NONE | KeyModifiers::SHIFT)), Some(begun))
                if goes_on(begun, letter) =>
            {
                begun.push(letter);
            }
            _ => {
                self.begun = None;
                self.held.push(event);
                return Late::Typed(std::mem::take(&mut self.held));
            }
        }
        self.held.push(event);
        Late::Typed(Vec::new())
    }
}

/// Whether a letter can come after the others in an answer.
fn goes_on(begun: &str, letter: char) -> bool {
    match BEGINNING.as_bytes().get(begun.len()) {
        Some(expected) => letter == char::from(*expected),
        None => begun.len() < LONGEST && (letter.is_ascii_hexdigit() || "rgba:/".contains(letter)),
    }
}

/// What an answer begins with.
const BEGINNING: &str = "11;";

/// `11;rgba:ffff/ffff/ffff/ffff`
const LONGEST: usize = 27;

/// Reads what has come from the terminal.
pub(crate) fn read(received: &[u8]) -> Answer {
    let mut answer = Answer::default();
    let mut rest = received;
    while let Some(first) = rest.first() {
        let taken = match first {
            0x1b => sequence(rest, &mut answer),
            _ => character(rest, &mut answer),
        };
        rest = &rest[taken..];
    }
    answer
}

/// Takes a control sequence; its length.
fn sequence(rest: &[u8], answer: &mut Answer) -> usize {
    if rest.starts_with(b"\x1b]") {
        let end = rest.iter().position(|byte| *byte == 0x07);
        let end = end.map(|end| (end, 1)).or_else(|| Some((find(rest, b"\x1b\\")?, 2)));
        let (end, closing) = end.unwrap_or((rest.len(), 0));
        if closing == 0 {
            answer.begun = std::str::from_utf8(&rest[2..]).ok().map(str::to_owned);
        } else if let Some(colour) = rest[..end].strip_prefix(b"\x1b]11;") {
            answer.dark = is_dark(colour);
        }
        return end + closing;
    }
    if let Some(pasted) = rest.strip_prefix(b"\x1b[200~") {
        let end = find(pasted, b"\x1b[201~").unwrap_or(pasted.len());
        answer.events.push(Event::Paste(
            String::from_utf8_lossy(&pasted[..end]).replace('\r', "\n"),
        ));
        return rest.len().min(12 + end);
    }
    let Some(b'[' | b'O') = rest.get(1) else {
        answer.events.push(key(KeyCode::Esc, KeyModifiers::NONE));
        return 1;
    };
    let end = rest[2..].iter().position(|byte| (0x40..0x7f).contains(byte));
    let sequence = &rest[..end.map_or(rest.len(), |end| end + 3)];
    match sequence {
        b"\x1b[I" => answer.events.push(Event::FocusGained),
        b"\x1b[O" => answer.events.push(Event::FocusLost),
        [0x1b, b'[', b'?', .., b'c'] => answer.complete = true,
        _ => {}
    }
    sequence.len()
}

/// Takes a character that was typed; its length.
fn character(rest: &[u8], answer: &mut Answer) -> usize {
    let event = match rest[0] {
        b'\r' => key(KeyCode::Enter, KeyModifiers::NONE),
        b'\t' => key(KeyCode::Tab, KeyModifiers::NONE),
        0x7f => key(KeyCode::Backspace, KeyModifiers::NONE),
        control @ 1..=26 => key(KeyCode::Char(char::from(control - 1 + b'a')), KeyModifiers::CONTROL),
        _ => {
            // The longest character has four bytes.
            let most = &rest[..rest.len().min(4)];
            let Some(typed) = most.utf8_chunks().next().and_then(|chunk| chunk.valid().chars().next()) else {
                return 1;
            };
            let shift = if typed.is_uppercase() {
                KeyModifiers::SHIFT
            } else {
                KeyModifiers::NONE
            };
            answer.events.push(key(KeyCode::Char(typed), shift));
            return typed.len_utf8();
        }
    };
    answer.events.push(event);
    1
}

const fn key(code: KeyCode, modifiers: KeyModifiers) -> Event {
    Event::Key(KeyEvent::new(code, modifiers))
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}

/// Of a colour like `rgb:ffff/ffff/ffff`, with one to four digits for each part, and perhaps a part for what shines through.
fn is_dark(colour: &[u8]) -> Option<bool> {
    let colour = std::str::from_utf8(colour).ok()?;
    let parts = colour.strip_prefix("rgb:").or_else(|| colour.strip_prefix("rgba:"))?;
    let mut parts = parts.split('/').map(|part| {
        let most = 16_u32.checked_pow(u32::try_from(part.len()).ok()?)?.checked_sub(1)?;
        let value = u32::from_str_radix(part, 16).ok()?;
        Some(f64::from(value) / f64::from(most))
    });
    let mut next = || parts.next().flatten().filter(|part| part.is_finite());
    let (red, green, blue) = (next()?, next()?, next()?);
    // How bright each part seems: Rec. 709.
    Some(0.2126 * red + 0.7152 * green + 0.0722 * blue < 0.5)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn typed(text: &str) -> Vec<Event> {
        text.chars()
            .map(|c| key(KeyCode::Char(c), KeyModifiers::NONE))
            .collect()
    }

    #[test]
    fn an_answer_is_told_from_what_is_typed() {
        let answer = read(b"a\x1b]11;rgb:1919/1717/2424\x07b\x1b[?62;22c");
        assert_eq!((answer.dark, answer.complete), (Some(true), true));
        assert_eq!(answer.events, typed("ab"));
        let light = read(b"\x1b]11;rgb:ff/ff/f0\x1b\\\x1b[I\x1b[?1;2c");
        assert_eq!((light.dark, light.complete), (Some(false), true));
        assert_eq!(light.events, [Event::FocusGained]);
        let silent = read("né\r\x1b[200~two\rlines\x1b[201~\x1b[A\x7f\x03".as_bytes());
        assert_eq!((silent.dark, silent.complete), (None, false));
        let mut all = typed("né");
        all.push(key(KeyCode::Enter, KeyModifiers::NONE));
        all.push(Event::Paste(String::from("two\nlines")));
        all.push(key(KeyCode::Backspace, KeyModifiers::NONE));
        all.push(key(KeyCode::Char('c'), KeyModifiers::CONTROL));
        assert_eq!(silent.events, all);
    }

    #[test]
    fn a_colour_has_digits_as_the_terminal_likes() {
        for (colour, dark) in [
            ("rgb:0/0/0", Some(true)),
            ("rgb:fff/fff/fff", Some(false)),
            ("rgba:ffff/ffff/ffff/8000", Some(false)),
            ("rgb:/ff/ff", None),
            ("rgb:ff/ff", None),
            ("#ffffff", None),
        ] {
            assert_eq!(is_dark(colour.as_bytes()), dark, "{colour}");
        }
    }

    fn keys(text: &str) -> Vec<Event> {
        let mut events = Vec::new();
        let mut letters = text.chars();
        while let Some(letter) = letters.next() {
            events.push(match letter {
                '\x1b' => key(KeyCode::Char(letters.next().expect("a letter")), KeyModifiers::ALT),
                '\x07' => key(KeyCode::Char('g'), KeyModifiers::CONTROL),
                letter => key(KeyCode::Char(letter), KeyModifiers::NONE),
            });
        }
        events
    }

    /// What was typed, and the answers.
    fn late(late: &mut LateAnswer, text: &str) -> (Vec<Event>, Vec<Option<bool>>) {
        let (mut typed, mut answers) = (Vec::new(), Vec::new());
        for event in keys(text) {
            match late.take(event) {
                Late::Typed(events) => typed.extend(events),
                Late::Answer(dark) => answers.push(dark),
            }
        }
        (typed, answers)
    }

    #[test]
    fn an_answer_that_comes_late_is_not_typed() {
        for end in ["\x07", "\x1b\\"] {
            let mut awaited = LateAnswer::of(Some(&Answer::default()));
            let text = format!("a\x1b]11;rgb:ffff/ffff/f0f0{end}b\x1b]c");
            assert_eq!(late(&mut awaited, &text), (keys("ab\x1b]c"), vec![Some(false)]));
        }
        // What only begins like one was typed.
        for text in ["\x1b]x", "\x1b]11;q", "\x1b]11;rgb:\r", "\x1b]\x1b]1", "\x1b]11\x07"] {
            let mut awaited = LateAnswer::of(Some(&Answer::default()));
            assert_eq!(late(&mut awaited, text), (keys(text), Vec::new()), "{text:?}");
        }
        let answered = Answer {
            dark: Some(true),
            ..Answer::default()
        };
        // Its beginning has come in time.
        let half = read(b"\x1b]11;rgb:ff");
        let mut awaited = LateAnswer::of(Some(&half));
        assert_eq!(late(&mut awaited, "ff/ffff/ffff\x07x"), (keys("x"), vec![Some(false)]));
        for none in [None, Some(&answered)] {
            let mut none = LateAnswer::of(none);
            let text = "\x1b]11;rgb:0/0/0\x07";
            assert_eq!(late(&mut none, text), (keys(text), Vec::new()), "none is awaited");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read(bytes in prop::collection::vec(prop_oneof![any::<u8>(), Just(0x1b), Just(b'['), Just(b']')], 0..60)) {
            read(&bytes);
        }
    }
}
