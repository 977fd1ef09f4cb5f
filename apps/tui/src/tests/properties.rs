//! Whatever is typed, pasted, clicked, received, and whatever the size of the terminal: nothing panics, the cursor is on the
//! screen, and no line is wider than it.

use crossterm::event::{MouseButton, MouseEventKind};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use sotto_api::{Body, Direction, MessageState, Presence};

use super::daemon::FakeDaemon;
use super::fixtures::{friend, message, onion};
use super::session::{Session, key_event};
use crate::app::{Input, Start};
use crate::keys::Builtin;
use crate::text;

/// What happens to the interface.
#[derive(Clone, Debug)]
enum Happening {
    Key(&'static str),
    Text(String),
    Paste(String),
    Command(&'static str),
    Mouse(MouseEventKind, u16, u16),
    Resize(u16, u16),
    Receive(&'static str, String),
    State(usize, MessageState),
    Gone(usize),
    Presence(Presence, bool),
    Lose,
    Find,
    Slow,
    Release,
    Pass(u64),
    Focus(bool),
}

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

const COMMANDS: &[&str] = &[
    "/help",
    "/palette",
    "/search message",
    "/find message",
    "/add code Peer",
    "/requests",
    "/identity",
    "/invite",
    "/invites",
    "/outbox",
    "/approvals",
    "/status",
    "/settings",
    "/name",
    "/availability",
    "/theme light",
    "/theme",
    "/lock",
    "/verify",
    "/timer 5m",
    "/timer",
    "/rename",
    "/mute",
    "/mark-read",
    "/block",
    "/remove",
    "/clear",
    "/threads",
    "/react 👍",
    "/reply",
    "/edit",
    "/delete",
    "/first-unread",
    "/mark-unread",
    "/raw",
    "/details",
    "/sort",
    "/sidebar",
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

fn happening() -> impl Strategy<Value = Happening> {
    let names = prop::sample::select(vec!["Bob", "Carol"]);
    let mouse = prop::sample::select(vec![
        MouseEventKind::Down(MouseButton::Left),
        MouseEventKind::Drag(MouseButton::Left),
        MouseEventKind::Up(MouseButton::Left),
        MouseEventKind::ScrollUp,
        MouseEventKind::ScrollDown,
        MouseEventKind::Moved,
    ]);
    let states = prop::sample::select(vec![
        MessageState::Queued,
        MessageState::Sent,
        MessageState::Delivered,
        MessageState::Read,
        MessageState::Failed,
        MessageState::Cancelled,
    ]);
    let presences = prop::sample::select(vec![
        Presence::Online,
        Presence::Away,
        Presence::Offline,
        Presence::Unknown,
    ]);
    prop_oneof![
        20 => prop::sample::select(KEYS).prop_map(Happening::Key),
        4 => any_text().prop_map(Happening::Text),
        2 => any_text().prop_map(Happening::Paste),
        5 => prop::sample::select(COMMANDS).prop_map(Happening::Command),
        5 => (mouse, 0..120u16, 0..50u16).prop_map(|(kind, column, row)| Happening::Mouse(kind, column, row)),
        3 => prop_oneof![(1..20u16, 1..10u16), (1..130u16, 1..45u16)].prop_map(|(columns, rows)| Happening::Resize(columns, rows)),
        5 => (names, any_text()).prop_map(|(name, text)| Happening::Receive(name, text)),
        2 => (0..60usize, states).prop_map(|(place, state)| Happening::State(place, state)),
        2 => (0..60usize).prop_map(Happening::Gone),
        1 => (presences, any::<bool>()).prop_map(|(presence, typing)| Happening::Presence(presence, typing)),
        1 => Just(Happening::Lose),
        2 => Just(Happening::Find),
        1 => Just(Happening::Slow),
        2 => Just(Happening::Release),
        2 => (1..200_000u64).prop_map(Happening::Pass),
        1 => any::<bool>().prop_map(Happening::Focus),
    ]
}

fn happen(session: &mut Session, happening: &Happening) {
    let onion = onion("bob");
    match happening {
        Happening::Key(key) => session.input(Input::Key(key_event(key))),
        Happening::Text(text) => session.write(text),
        Happening::Paste(text) => session.paste(text),
        Happening::Command(command) => {
            session.write(command);
            session.press("enter");
        }
        Happening::Mouse(kind, column, row) => session.mouse(*kind, *column, *row),
        Happening::Resize(columns, rows) => session.resize(*columns, *rows),
        Happening::Receive(name, text) => {
            let known = session
                .daemon
                .contacts
                .values()
                .any(|contact| contact.who.petname.as_deref() == Some(*name));
            if known {
                session.receive(name, text);
            }
        }
        Happening::State(place, state) => {
            let id = session.daemon.history[&onion]
                .get(*place)
                .map(|message| message.id.clone());
            if let Some(id) = id {
                let _ = session.daemon.put_state(&id, *state);
                session.settle();
            }
        }
        Happening::Gone(place) => {
            let history = session.daemon.history.get_mut(&onion).expect("Bob's");
            if *place < history.len() {
                let gone = history.remove(*place);
                session.daemon.tell(Body::MessageDisappeared {
                    id: gone.id,
                    conversation: gone.conversation,
                    author: gone.from,
                    direction: gone.direction,
                });
                session.settle();
            }
        }
        Happening::Presence(presence, typing) => {
            let who = session.daemon.contacts[&onion].who.clone();
            session.daemon.tell(Body::Presence {
                who,
                presence: *presence,
                as_of: None,
                typing: *typing,
            });
            session.settle();
        }
        Happening::Lose => session.lose(),
        Happening::Find => session.find_again(),
        Happening::Slow => session.slow = true,
        Happening::Release => session.release(),
        Happening::Pass(milliseconds) => session.pass(*milliseconds),
        Happening::Focus(focused) => session.input(Input::Focus(*focused)),
    }
}

/// What holds of every frame.
fn check(session: &Session) {
    let (buffer, cursor) = session.frame();
    let (columns, rows) = session.app.size;
    // Smaller ones show nothing.
    assert!(
        cursor.is_some() || columns < 10 || rows < 4,
        "input methods and screen readers follow the cursor"
    );
    if let Some(cursor) = cursor {
        assert!(
            cursor.x < columns && cursor.y < rows,
            "the cursor is outside: {cursor} of {columns}×{rows}"
        );
    }
    for y in 0..rows {
        let mut x = 0;
        while x < columns {
            let symbol = buffer[(x, y)].symbol();
            assert!(
                !symbol.chars().any(char::is_control),
                "a control character is on the screen: {symbol:?}"
            );
            let width = u16::try_from(text::width(symbol)).expect("a width").max(1);
            assert!(x + width <= columns, "{symbol:?} at {x},{y} is wider than the screen");
            x += width;
        }
    }
    if session.app.locked {
        let screen = session.screen();
        for secret in ["Bob", "Carol", "secret"] {
            assert!(!screen.contains(secret), "the locked screen shows {secret}:\n{screen}");
        }
    }
}

fn world() -> FakeDaemon {
    let (bob, carol) = (friend("Bob"), friend("Carol"));
    let of_bob = (0..60).map(|number| {
        let direction = if number % 3 == 0 { Direction::Out } else { Direction::In };
        message(
            &bob,
            number,
            direction,
            &format!("message {number}, a secret"),
            100 - number as u64,
        )
    });
    let of_bob = of_bob.collect();
    let of_carol = vec![message(&carol, 0, Direction::In, "a secret of Carol", 500)];
    FakeDaemon::new().with(bob, of_bob).with(carol, of_carol)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, rng_seed: RngSeed::Fixed(1), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn anything_can_happen(
        keymap in prop::sample::select(Builtin::ALL.to_vec()),
        first in any::<bool>(),
        happenings in prop::collection::vec(happening(), 1..60),
    ) {
        let start = if first { Start::FirstRun } else { Start::Connect };
        let mut session = Session::start(&start, world(), (80, 24));
        session.app.config.keymap = crate::keys::Keymap::builtin(keymap);
        if !first {
            session.open("Bob");
        }
        for happening in &happenings {
            happen(&mut session, happening);
            check(&session);
        }
    }

    #[test]
    fn any_text_fits_any_size(texts in prop::collection::vec(any_text(), 1..5), columns in 1..100u16, rows in 1..40u16) {
        let mut session = Session::connected(world(), (columns, rows));
        session.open("Bob");
        for text in &texts {
            session.receive("Bob", text);
            session.paste(text);
            check(&session);
        }
        for columns in [1, 2, 9, 10, 11, 20, 40, 63, 64, 65, 100] {
            session.resize(columns, rows);
            check(&session);
        }
    }
}
