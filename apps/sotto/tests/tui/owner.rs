//! The owner at the interface of a profile that has agents: the passphrase is asked for once, whichever daemon answers.

use rustix::process::{Signal, kill_process};
use sotto_api::{SetPassphrase, all};
use sotto_client::blocking::Client;

use super::terminal::Terminal;
use super::{PROGRAM, User, world};

const PASSPHRASE: &str = "viola correct marzipan";

/// What only the owner may do is done without a question.
#[track_caller]
fn is_the_owners(terminal: &mut Terminal) {
    terminal.command("invite");
    terminal.until_shown("Copy the code");
    assert!(!terminal.contents().contains("Is it you?"), "{}", terminal.contents());
    terminal.send("\x1b");
    terminal.until_hidden("Copy the code");
}

#[test]
fn the_owner_is_asked_once_also_where_the_daemon_was_started_again() {
    let world = world();
    let user = User::with_key(&world, "alice");
    user.json(&["daemon", "start"]);
    let mut client = Client::connect(&user.folder.join("sotto.sock")).expect("it answers");
    let passphrase = SetPassphrase {
        passphrase: PASSPHRASE.into(),
    };
    client.call::<all::OwnerPassphrase>(&passphrase).expect("it is set");
    drop(client);
    user.json(&["agents", "add", "helper", "--allow", "read:*"]);

    let mut terminal = user.open();
    terminal.until_shown("Is it you?");
    terminal.enter("guess");
    terminal.until_shown("try again");
    terminal.send("\x15");
    terminal.enter(PASSPHRASE);
    terminal.until_hidden("Is it you?");
    is_the_owners(&mut terminal);
    // What doctor finds is the daemon's answer.
    terminal.command("status");
    terminal.until_shown("ok  identity");
    terminal.send("\x1b");
    terminal.until_hidden("ok  identity");

    kill_process(user.daemon(), Signal::KILL).expect("killed");
    terminal.until_shown("no daemon");
    user.json(&["daemon", "start"]);
    terminal.until_hidden("no daemon");
    is_the_owners(&mut terminal);
    terminal.send("\x03");
    assert_eq!(terminal.code(), 0);

    // Another interface has proven nothing.
    let mut other = user.open();
    other.until_shown("Is it you?");
    other.signal(Signal::TERM);
    assert_eq!(other.code(), 143);
    for (answer, said) in [
        ("", "No conversation is open"),
        ("guess", "try again"),
        (PASSPHRASE, "The passphrase is right"),
    ] {
        answers_by_line(&user, answer, said);
    }
    user.json(&["daemon", "stop"]);
}

/// What the interface for a screen reader says to a line where it asks for the passphrase.
fn answers_by_line(user: &User, answer: &str, said: &str) {
    let options = user.options();
    let mut arguments: Vec<&str> = options.iter().map(String::as_str).collect();
    arguments.push("--screen-reader");
    let mut lines = Terminal::start(PROGRAM, &arguments);
    lines.until_shown("An empty line goes on without it.");
    lines.until_silent();
    lines.enter(answer);
    lines.until_shown(said);
    lines.signal(Signal::TERM);
    assert_eq!(lines.code(), 143);
}
