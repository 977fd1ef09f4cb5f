//! A session of the terminal interface. Its keys are bytes of a terminal, which crossterm reads as in the program; beside them there are
//! other sizes, messages, a daemon that goes away, and whatever else a [`Trial`] knows.

use crossterm::event::Event;
use sotto_tui::testing::{COMMANDS, Happening, Setting, Trial, typed_meanwhile};

use crate::input::Input;
use crate::terminal;

/// What happens in one session at most.
const STEPS: usize = 60;

pub(crate) fn run(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let mut trial = Trial::new(&setting(&mut input));
    terminal::begin();
    for _ in 0..STEPS {
        if input.is_empty() {
            break;
        }
        trial.all_happen(step(&mut input));
    }
}

fn setting(input: &mut Input<'_>) -> Setting {
    let (looks, flags) = (input.number(), input.number());
    Setting {
        theme: looks % 8,
        keymap: looks / 8 % 3,
        depth: looks / 24 % 4,
        reorders: flags & 1 != 0,
        keyless: flags & 2 != 0,
        first_run: flags & 4 != 0,
        mouse: flags & 8 == 0,
        size: size(input),
    }
}

/// Up to 128 columns and 64 rows.
fn size(input: &mut Input<'_>) -> (u16, u16) {
    let [columns, rows] = input.array();
    (u16::from(columns % 128) + 1, u16::from(rows % 64) + 1)
}

/// What happens before the next frame.
fn step(input: &mut Input<'_>) -> Vec<Happening> {
    let of_terminal = |events: Vec<Event>| events.into_iter().map(Happening::Terminal).collect();
    let one = match input.number() % 20 {
        0 => {
            let (columns, rows) = size(input);
            Happening::Terminal(Event::Resize(columns, rows))
        }
        1 => Happening::Line(text(input)),
        2 => Happening::Edited(text(input)),
        3 => Happening::Background(input.even()),
        4 | 5 => Happening::Receive {
            of_bob: input.even(),
            text: text(input),
        },
        6 => Happening::State {
            place: input.number(),
            state: input.number(),
        },
        7 => Happening::Gone(input.number()),
        8 => Happening::Presence {
            presence: input.number(),
            typing: input.even(),
        },
        9 => Happening::Asks(text(input)),
        10 => match input.number() % 4 {
            0 => Happening::Lose,
            1 => Happening::Find,
            2 => Happening::Slow,
            _ => Happening::Release,
        },
        11 => Happening::Pass(input.long() as u64 * 4 + 1),
        12 => Happening::Command(String::from(COMMANDS[input.number() % COMMANDS.len()])),
        13 => return of_terminal(typed_meanwhile(piece(input))),
        _ => return of_terminal(terminal::send(piece(input))),
    };
    vec![one]
}

/// Bytes behind their length of one byte.
fn piece<'a>(input: &mut Input<'a>) -> &'a [u8] {
    let length = input.number().min(terminal::MOST);
    input.take(length)
}

fn text(input: &mut Input<'_>) -> String {
    String::from_utf8_lossy(piece(input)).into_owned()
}

/// The number of a step that is bytes of the terminal.
const TYPED: u8 = 14;

/// A session of steps with their bytes.
fn session(setting: [u8; 4], steps: &[(u8, &[u8])]) -> Vec<u8> {
    let mut bytes = setting.to_vec();
    for (step, piece) in steps {
        bytes.push(*step);
        // Of Bob.
        bytes.extend(matches!(step, 4 | 5).then_some(0));
        if !matches!(step, 0 | 3 | 6..=8 | 10..=12) {
            bytes.push(u8::try_from(piece.len()).expect("a seed's pieces are short"));
        }
        bytes.extend_from_slice(piece);
    }
    bytes
}

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let usual = [0, 0, 79, 23];
    let typed = |bytes: &'static [u8]| (TYPED, bytes);
    let received = |text: &'static str| (4, text.as_bytes());
    vec![
        session(
            usual,
            &[
                typed(b"hello\r"),
                typed(b"/help\r"),
                typed(b"\x1b"),
                typed(b"\x10sett\r\x1b[B\r"),
            ],
        ),
        session(
            [11, 1, 119, 39],
            &[
                typed(b"\x1b"),
                typed(b"gg"),
                typed(b"G"),
                typed(b"r"),
                typed("שלום 漢字\r".as_bytes()),
                typed(b"/mess\r"),
                typed(b"nN"),
            ],
        ),
        session(
            [17, 8, 39, 11],
            &[
                typed(b"\x1b[200~two\nlines\x1b[201~"),
                typed(b"\x1b[13;2u"),
                typed(b"\x1b\r"),
                typed(b"\x0a"),
                typed(b"\r"),
            ],
        ),
        session(
            usual,
            &[
                typed(b"\x1b[<0;5;3M\x1b[<32;30;9M\x1b[<0;30;9m"),
                typed(b"\x1b[<64;50;10M"),
                typed(b"\x1b[M !!"),
                typed(b"\x1b[<0;0;0M"),
            ],
        ),
        session(
            [31, 2, 99, 39],
            &[
                (1, b"/palette"),
                (1, b"1"),
                (1, b"hello"),
                (1, b"/lock"),
                (1, b"viola correct marzipan"),
            ],
        ),
        session(
            [5, 4, 63, 19],
            &[
                typed(b"Ada\r"),
                typed(b"correct horse\r"),
                typed(b"correct horse\r"),
                typed(b"\x1b"),
            ],
        ),
        session(
            usual,
            &[
                typed(b"begun"),
                (10, b"\x00"),
                typed(b"\r"),
                (10, b"\x01"),
                (10, b"\x02"),
                typed(b"late\r"),
                (10, b"\x03"),
            ],
        ),
        session(
            usual,
            &[
                received("👨\u{200d}👩\u{200d}👧 \u{202e}abc"),
                (0, b"\x04\x02"),
                (11, b"\xff\xff"),
                typed(b"\x1b[I\x1b[O"),
                (12, b"\x11"),
            ],
        ),
        session(
            usual,
            &[
                (13, b"\x1b]11;rgb:0/0/0\x07typed\x1b[?62c"),
                (3, b"\x01"),
                (9, b"Bob"),
                (12, b"\x12"),
                typed(b"\x1bq\x1b[1;3B"),
            ],
        ),
    ]
}
