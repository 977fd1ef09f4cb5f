//! How long the interface takes, without the terminal and the daemon around it: from a key to the last byte of its frame, and for
//! a burst of events. `cargo test --release -p sotto-tui --lib figures -- --ignored --nocapture` prints the figures.

use std::io;
use std::time::{Duration, Instant};

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::backend::CrosstermBackend;
use ratatui::layout::Rect;
use ratatui::{Terminal, TerminalOptions, Viewport};
use sotto_api::Direction;

use super::daemon::FakeDaemon;
use super::fixtures::{friend, message};
use super::session::{Session, key_event};
use crate::app::Input;
use crate::daemon::Report;
use crate::view;

const CONVERSATIONS: usize = 1000;
const MESSAGES: usize = 100_000;
const SENDERS: usize = 50;
const KEYS: usize = 3000;

/// Keys of a fast typist, and messages in between: 200 a second come to 20 between two of ten keys a second.
const BETWEEN_KEYS: usize = 20;

fn contact(number: usize) -> String {
    let letters = |number: usize| char::from(b'a' + u8::try_from(number % 26).unwrap_or(0));
    format!(
        "Peer{}{}{}",
        letters(number / 676),
        letters(number / 26),
        letters(number)
    )
}

fn world() -> FakeDaemon {
    let mut daemon = FakeDaemon::new();
    for number in 0..CONVERSATIONS {
        let contact = friend(&contact(number));
        let messages = if number == 0 { MESSAGES } else { 1 };
        let history = (0..messages).map(|number| {
            let direction = if number % 3 == 0 { Direction::Out } else { Direction::In };
            let text = format!(
                "message {number} has **some** words, a `word` of code, and a link: https://example.org/{number}"
            );
            message(&contact, number, direction, &text, 100_000 - number.min(99_000) as u64)
        });
        daemon = daemon.with(contact.clone(), history.collect());
    }
    daemon
}

/// A screen whose bytes go nowhere, as those of a terminal that is drained at once.
type Screen = Terminal<CrosstermBackend<io::Sink>>;

fn draw(session: &mut Session, screen: &mut Screen) {
    session.app.settle();
    screen
        .draw(|frame| drop(view::draw(&session.app, frame)))
        .expect("a frame");
}

fn told(session: &mut Session, count: usize, from: &mut usize) {
    for _ in 0..count {
        *from = (*from + 1) % SENDERS;
        session
            .daemon
            .receive(&contact(*from), "a message that has come meanwhile, with a few words");
    }
    let events = std::mem::take(&mut session.daemon.events);
    for event in events {
        session
            .app
            .handle(Input::Report(Report::Event(Box::new(event))), session.now);
    }
}

fn figures(name: &str, mut times: Vec<Duration>) {
    times.sort_unstable();
    let at = |share: usize| times[(times.len() - 1) * share / 1000];
    println!(
        "{name}: p50 {:?}, p99 {:?}, most {:?} of {}",
        at(500),
        at(990),
        at(1000),
        times.len()
    );
}

#[test]
#[ignore = "prints figures, which mean something in the release profile alone"]
fn figures_of_keys_and_of_a_burst() {
    let size = (120, 40);
    let mut session = Session::connected(world(), size);
    session.open(&contact(0));
    let options = TerminalOptions {
        viewport: Viewport::Fixed(Rect::new(0, 0, size.0, size.1)),
    };
    let mut screen = Terminal::with_options(CrosstermBackend::new(io::sink()), options).expect("a terminal");
    let (mut times, mut from) = (Vec::new(), 0);
    for number in 0..KEYS {
        told(&mut session, BETWEEN_KEYS, &mut from);
        draw(&mut session, &mut screen);
        session.settle();
        let key = match number % 40 {
            38 => key_event("pageup"),
            39 => key_event("pagedown"),
            _ => KeyEvent::new(KeyCode::Char('x'), KeyModifiers::NONE),
        };
        let start = Instant::now();
        session.app.handle(Input::Key(key), session.now);
        draw(&mut session, &mut screen);
        times.push(start.elapsed());
        session.settle();
        if number % 200 == 0 {
            session.press("ctrl-u");
        }
    }
    figures("key to frame", times);
    let mut times = Vec::new();
    for _ in 0..40 {
        let mut events = Vec::new();
        for _ in 0..256 {
            from = (from + 1) % SENDERS;
            session
                .daemon
                .receive(&contact(from), "one of ten thousand that were missed");
        }
        events.append(&mut session.daemon.events);
        let start = Instant::now();
        for event in events {
            session
                .app
                .handle(Input::Report(Report::Event(Box::new(event))), session.now);
        }
        draw(&mut session, &mut screen);
        times.push(start.elapsed());
        session.settle();
    }
    figures("256 events and their frame", times);
}
