//! The interface for a screen reader: what it says, and what it does with lines.

use zeroize::Zeroizing;

use super::behaviour::with_bob;
use super::daemon::{FakeDaemon, PASSPHRASE};
use super::session::Session;
use crate::app::{Input, Start};
use crate::linear::Narrator;

/// Without keys.
fn by_lines(mut session: Session) -> Session {
    session.app.config.keyless = true;
    session.settle();
    session
}

/// Writes a line, and returns what is said then.
fn line(session: &mut Session, narrator: &mut Narrator, line: &str) -> Vec<String> {
    session
        .app
        .handle(Input::Line(Zeroizing::new(line.to_owned())), session.now);
    session.settle();
    narrator.tell(&session.app)
}

#[track_caller]
fn says(lines: &[String], wanted: &str) {
    assert!(
        lines.iter().any(|line| line.contains(wanted)),
        "{wanted:?} is not in {lines:#?}"
    );
}

#[test]
fn a_conversation_is_told_in_words_and_a_line_is_a_message() {
    let mut session = by_lines(with_bob(3));
    let mut narrator = Narrator::default();
    let lines = narrator.tell(&session.app);
    says(&lines, "Conversation with Bob");
    says(&lines, "message 2 of Bob");
    for glyph in ["●", "✓", "│", "─", "◔"] {
        assert!(!lines.concat().contains(glyph), "{glyph} in {lines:#?}");
    }
    assert_eq!(narrator.tell(&session.app), [""; 0], "nothing has changed");
    let lines = line(&mut session, &mut narrator, "hello there");
    says(&lines, "You, ");
    says(&lines, "hello there");
    session.receive("Carol", "elsewhere");
    says(&narrator.tell(&session.app), "1 unread from Carol.");
    session.receive("Bob", "here");
    says(&narrator.tell(&session.app), "here");
}

#[test]
fn a_conversation_is_chosen_by_its_number() {
    let mut session = by_lines(Session::connected(super::behaviour::daemon(3), (100, 40)));
    let mut narrator = Narrator::default();
    narrator.tell(&session.app);
    says(
        &line(&mut session, &mut narrator, "hello"),
        "Choose a conversation first",
    );
    let lines = line(&mut session, &mut narrator, "/palette");
    let row = lines.iter().find(|line| line.ends_with(": Bob")).expect("in the list");
    let number = row.split(':').next().expect("a number").to_owned();
    says(&line(&mut session, &mut narrator, &number), "Conversation with Bob");
}

#[test]
fn a_dialog_is_asked_line_by_line() {
    let mut session = by_lines(with_bob(3));
    let mut narrator = Narrator::default();
    narrator.tell(&session.app);
    let lines = line(&mut session, &mut narrator, "/theme");
    says(&lines, "Theme.");
    let choice = lines
        .iter()
        .find(|line| line.contains("rose-pine-moon"))
        .expect("in the list");
    let number = choice.split(':').next().expect("a number").to_owned();
    line(&mut session, &mut narrator, &number);
    assert_eq!(session.app.theme.name, "rose-pine-moon");
    line(&mut session, &mut narrator, "");
    assert!(session.app.dialogs.is_empty(), "an empty line closes it");
    says(&line(&mut session, &mut narrator, "/add"), "Write: Friend code");
    line(&mut session, &mut narrator, "sotto1abc");
    let lines = line(&mut session, &mut narrator, "");
    says(&lines, "Write: Note");
}

#[test]
fn the_first_run_is_asked_line_by_line_and_no_passphrase_is_said() {
    let mut session = by_lines(Session::start(&Start::FirstRun, FakeDaemon::new(), (100, 40)));
    let mut narrator = Narrator::default();
    says(&narrator.tell(&session.app), "Write: Your name");
    says(&line(&mut session, &mut narrator, "Ada"), "Write: Passphrase");
    let mut said = line(&mut session, &mut narrator, PASSPHRASE);
    said.extend(line(&mut session, &mut narrator, PASSPHRASE));
    assert!(!said.concat().contains(PASSPHRASE));
    says(&said, "Copy the friend code");
}
