//! Whatever is typed, pasted, clicked, received, and whatever the size, the theme, the key map: what holds of a [`Trial`] does.

use crossterm::event::{
    Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers, MediaKeyCode, ModifierKeyCode, MouseButton, MouseEvent,
    MouseEventKind,
};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

use super::anything::{COMMANDS, Happening, Setting, Trial};
use super::session::key_event;

/// So many cases, the same ones every time: raise the number to search further.
pub fn cases(cases: u32) -> ProptestConfig {
    ProptestConfig {
        cases,
        rng_seed: RngSeed::Fixed(0x0050_7774_6f73),
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

/// Keys that mean something in one of the maps.
const KEYS: &[&str] = &[
    "enter",
    "esc",
    "tab",
    "shift-tab",
    "up",
    "down",
    "left",
    "right",
    "home",
    "end",
    "pageup",
    "pagedown",
    "backspace",
    "delete",
    "alt-enter",
    "ctrl-j",
    "ctrl-p",
    "ctrl-n",
    "ctrl-f",
    "ctrl-r",
    "ctrl-w",
    "ctrl-u",
    "ctrl-k",
    "ctrl-y",
    "ctrl-/",
    "alt-/",
    "ctrl-up",
    "ctrl-down",
    "ctrl-left",
    "ctrl-right",
    "ctrl-x",
    "alt-down",
    "alt-up",
    "f1",
    "f2",
    "f3",
    "f6",
    "f7",
    "f8",
    "f9",
    "ctrl-l",
    "ctrl-o",
    "r",
    "e",
    "d",
    "c",
    "o",
    "b",
    "t",
    "w",
    "i",
    "n",
    "p",
    "u",
    "m",
    "s",
    "x",
    "+",
    "a",
    "g",
    "G",
    ":",
    "/",
    "j",
    "k",
    "?",
    "ctrl-g",
    "ctrl-s",
    "alt-x",
];

/// Text of any script, with what is hard to measure.
fn any_text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        3 => "[a-z ]{0,12}",
        1 => ".{0,12}",
        1 => prop::sample::select(vec![
            "漢字仮名", "한국어", "👨\u{200d}👩\u{200d}👧", "🏴\u{e0067}\u{e0062}\u{e007f}", "🇩🇪🇫🇷", "e\u{301}\u{301}\u{301}", "שלום", "\u{202e}abc", "❤\u{fe0f}", "\u{200b}",
            "**bold**", "`code`", "\n\n", "```\nfn main() {}\n```", "> quote\n", "- item\n  - item\n", "# heading\n", "https://example.org/a?b=c",
            "[link](https://example.com)", "\t", "1. one\n2. two\n", "| a | b |\n|---|---|\n| 1 | 2 |\n", "\u{1b}[31m", "กำ", "ﷺ", "\u{0}",
        ])
        .prop_map(str::to_owned),
    ];
    prop::collection::vec(piece, 0..6).prop_map(|pieces| pieces.concat())
}

/// Any key that a terminal can report, with any modifiers, pressed or released.
fn any_key() -> impl Strategy<Value = KeyEvent> {
    let code = prop_oneof![
        4 => prop::char::range(' ', '~').prop_map(KeyCode::Char),
        2 => any::<char>().prop_map(KeyCode::Char),
        2 => (0..40u8).prop_map(KeyCode::F),
        6 => prop::sample::select(vec![
            KeyCode::Backspace, KeyCode::Enter, KeyCode::Left, KeyCode::Right, KeyCode::Up, KeyCode::Down, KeyCode::Home, KeyCode::End,
            KeyCode::PageUp, KeyCode::PageDown, KeyCode::Tab, KeyCode::BackTab, KeyCode::Delete, KeyCode::Insert, KeyCode::Null,
            KeyCode::Esc, KeyCode::CapsLock, KeyCode::ScrollLock, KeyCode::NumLock, KeyCode::PrintScreen, KeyCode::Pause, KeyCode::Menu,
            KeyCode::KeypadBegin, KeyCode::Media(MediaKeyCode::Play), KeyCode::Modifier(ModifierKeyCode::LeftShift),
        ]),
    ];
    let kind = prop_oneof![
        8 => Just(KeyEventKind::Press),
        1 => Just(KeyEventKind::Repeat),
        1 => Just(KeyEventKind::Release),
    ];
    let modifiers = prop_oneof![
        4 => Just(KeyModifiers::NONE),
        4 => (0..64u8).prop_map(KeyModifiers::from_bits_truncate),
    ];
    (code, modifiers, kind).prop_map(|(code, modifiers, kind)| KeyEvent::new_with_kind(code, modifiers, kind))
}

/// Any event of the mouse, mostly on the screen.
fn any_mouse() -> impl Strategy<Value = MouseEvent> {
    let button = prop::sample::select(vec![MouseButton::Left, MouseButton::Right, MouseButton::Middle]);
    let kind = prop_oneof![
        3 => button.clone().prop_map(MouseEventKind::Down),
        3 => button.clone().prop_map(MouseEventKind::Drag),
        3 => button.prop_map(MouseEventKind::Up),
        4 => prop::sample::select(vec![
            MouseEventKind::ScrollUp, MouseEventKind::ScrollDown, MouseEventKind::ScrollLeft, MouseEventKind::ScrollRight,
            MouseEventKind::Moved,
        ]),
    ];
    let at = prop_oneof![20 => (0..120u16, 0..50u16), 1 => (any::<u16>(), any::<u16>())];
    (kind, at, 0..64u8).prop_map(|(kind, (column, row), modifiers)| MouseEvent {
        kind,
        column,
        row,
        modifiers: KeyModifiers::from_bits_truncate(modifiers),
    })
}

fn any_size() -> impl Strategy<Value = (u16, u16)> {
    prop_oneof![1 => (1..20u16, 1..10u16), 2 => (1..130u16, 1..45u16)]
}

fn happening() -> impl Strategy<Value = Happening> {
    let key = prop_oneof![
        20 => prop::sample::select(KEYS).prop_map(key_event),
        10 => any_key(),
    ];
    let event = prop_oneof![
        30 => key.prop_map(Event::Key),
        2 => any_text().prop_map(Event::Paste),
        6 => any_mouse().prop_map(Event::Mouse),
        3 => any_size().prop_map(|(columns, rows)| Event::Resize(columns, rows)),
        1 => prop::sample::select(vec![Event::FocusGained, Event::FocusLost]),
    ];
    let command = prop::sample::select(COMMANDS);
    prop_oneof![
        42 => event.prop_map(Happening::Terminal),
        4 => any_text().prop_map(Happening::Text),
        2 => prop_oneof![any_text(), "[0-9a-z]{0,3}"].prop_map(Happening::Line),
        3 => command.clone().prop_map(|command| Happening::Line(command.to_owned())),
        5 => command.prop_map(|command| Happening::Command(command.to_owned())),
        1 => any_text().prop_map(Happening::Edited),
        1 => any::<bool>().prop_map(Happening::Background),
        5 => (any::<bool>(), any_text()).prop_map(|(of_bob, text)| Happening::Receive { of_bob, text }),
        2 => (0..60usize, 0..6usize).prop_map(|(place, state)| Happening::State { place, state }),
        2 => (0..60usize).prop_map(Happening::Gone),
        1 => (0..4usize, any::<bool>()).prop_map(|(presence, typing)| Happening::Presence { presence, typing }),
        1 => prop_oneof![Just(String::from("Bob")), any_text()].prop_map(Happening::Asks),
        1 => Just(Happening::Lose),
        2 => Just(Happening::Find),
        1 => Just(Happening::Slow),
        2 => Just(Happening::Release),
        2 => (1..200_000u64).prop_map(Happening::Pass),
    ]
}

fn setting() -> impl Strategy<Value = Setting> {
    let chosen = (0..8usize, 0..3usize, 0..4usize);
    let rarely = || prop::bool::weighted(0.2);
    (chosen, any::<bool>(), rarely(), rarely(), prop::bool::weighted(0.8)).prop_map(
        |((theme, keymap, depth), reorders, keyless, first_run, mouse)| Setting {
            theme,
            keymap,
            depth,
            reorders,
            keyless,
            first_run,
            mouse,
            size: (80, 24),
        },
    )
}

proptest! {
    #![proptest_config(cases(64))]

    #[test]
    fn anything_can_happen(setting in setting(), happenings in prop::collection::vec(happening(), 1..60)) {
        let mut trial = Trial::new(&setting);
        for happening in happenings {
            trial.happen(happening);
        }
    }

    #[test]
    fn any_text_fits_any_size(
        setting in setting(),
        texts in prop::collection::vec(any_text(), 1..5),
        (columns, rows) in (1..100u16, 1..40u16),
    ) {
        let mut trial = Trial::new(&Setting { size: (columns, rows), first_run: false, ..setting });
        for text in texts {
            trial.happen(Happening::Receive { of_bob: true, text: text.clone() });
            trial.happen(Happening::Terminal(Event::Paste(text)));
        }
        for columns in [1, 2, 9, 10, 11, 20, 40, 63, 64, 65, 100] {
            trial.happen(Happening::Terminal(Event::Resize(columns, rows)));
        }
    }
}
