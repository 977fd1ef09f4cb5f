//! Kinds of terminals: what each is sent, and that it is left as it was.

use rustix::process::Signal;
use vt100::Color;

use super::{User, world};

/// What the themes draw messages on where there are many colours.
const DARK: Color = Color::Rgb(0x15, 0x17, 0x1c);
const LIGHT: Color = Color::Rgb(0xfd, 0xfd, 0xfc);

/// Asks the terminal for the protocol of kitty.
const KEYBOARD: &str = "\x1b[>";

#[test]
fn every_kind_of_terminal_has_what_it_knows_and_is_left_as_it_was() {
    let world = world();
    let user = User::with_key(&world, "alice");
    user.json(&["daemon", "start"]);
    let with = |variables: &[(&str, Option<&str>)]| {
        let mut terminal = user.open_with(variables);
        if variables.contains(&("COLORFGBG", None)) {
            terminal.until("a question", |_| terminal.was_sent("\x1b]11;?"));
            terminal.send("\x1b]11;rgb:ffff/ffff/ffff\x07\x1b[?1;2c");
        }
        terminal.until_shown("You have no conversations yet");
        // Only the frames after the answer know this; of the keys before it, those with a sequence are lost.
        terminal.until_shown("● reachable");
        terminal.send("\x1bOP");
        terminal.until_shown("Show the keys");
        let colours = terminal.colours();
        let keyboard = terminal.was_sent(KEYBOARD);
        terminal.signal(Signal::TERM);
        assert_eq!(terminal.code(), 143);
        terminal.is_restored();
        (colours, keyboard)
    };
    let few = |colour: &Color| matches!(colour, Color::Idx(..16));

    let (colours, keyboard) = with(&[("COLORTERM", Some("truecolor")), ("COLORFGBG", Some("0;15"))]);
    assert!(
        keyboard && colours.contains(&LIGHT) && !colours.contains(&DARK),
        "{colours:?}"
    );
    let (colours, keyboard) = with(&[("TERM", Some("linux"))]);
    assert!(
        !keyboard && !colours.is_empty() && colours.iter().all(few),
        "{colours:?}"
    );
    let (colours, _) = with(&[("TERM", Some("screen"))]);
    assert!(!colours.is_empty() && colours.iter().all(few), "{colours:?}");
    let (colours, _) = with(&[("TERM", Some("screen-256color")), ("COLORFGBG", None)]);
    assert!(colours.contains(&Color::Idx(231)), "as light as there is: {colours:?}");
    assert!(
        !colours.iter().any(|colour| matches!(colour, Color::Rgb(..))),
        "{colours:?}"
    );
    let (colours, _) = with(&[("NO_COLOR", Some("1")), ("COLORTERM", Some("truecolor"))]);
    assert_eq!(colours, [], "no colour at all");
    user.json(&["daemon", "stop"]);
}

#[test]
fn a_terminal_that_moves_no_cursor_is_sent_to_the_interface_by_lines() {
    let world = world();
    let user = User::new(&world, "alice");
    let mut terminal = user.open_with(&[("TERM", Some("dumb"))]);
    assert_eq!(terminal.code(), 1);
    terminal.until_shown("TERM=dumb");
    terminal.until_shown("sotto --screen-reader");
    assert!(!terminal.was_sent("\x1b["), "not one sequence");
    terminal.is_restored();
}

#[test]
fn a_terminal_that_answers_no_question_loses_no_key() {
    let world = world();
    let user = User::new(&world, "alice");
    let mut terminal = user.open_with(&[("COLORFGBG", None), ("COLORTERM", Some("truecolor"))]);
    terminal.until_shown("Your name");
    terminal.until_coloured(DARK);
    terminal.send("Alice is a name that is typed at once");
    terminal.until_shown("Alice is a name that is typed at once");
    // Its answer comes after all, and is nothing that was typed.
    terminal.send("\x1b]11;rgb:ffff/ffff/ffff\x07");
    terminal.until_coloured(LIGHT);
    // Nothing but the interface runs here: no shell would continue it.
    terminal.send("\x1a");
    terminal.until_shown("Your name: Alice");
    terminal.send("!");
    terminal.until_shown("typed at once!");
    assert!(!terminal.contents().contains("rgb"), "{}", terminal.contents());
    terminal.signal(Signal::HUP);
    assert_eq!(terminal.code(), 129);
    terminal.is_restored();
}
