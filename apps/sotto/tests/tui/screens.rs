//! The pictures of the documentation, `docs/screens/`: the real program, on its demo, at a time of day that is always the same.

use std::path::Path;
use std::time::SystemTime;

use rustix::process::Signal;

use crate::clock::WrongClock;
use crate::svg;
use crate::terminal::Terminal;
use crate::{PROGRAM, User, shown, world};

/// 2026-03-05 18:30:10 UTC, a Thursday: the time of day when the program starts.
const START: u64 = 1_772_735_410;

/// The time of day stands still after so many seconds, in the same minute: what is shown of it does not depend on the machine.
const MOVES: u64 = 40;

const REGENERATE: &str = "SOTTO_BLESS=1 cargo test --workspace --test tui screens";

/// A terminal with all colours.
const COLOURS: (&str, Option<&str>) = ("COLORTERM", Some("truecolor"));

#[test]
fn the_picture_of_the_first_run_is_of_today() {
    let world = world();
    let options = User::new(&world, "new").options();
    let arguments: Vec<&str> = options.iter().map(String::as_str).collect();
    let mut welcome = Terminal::start_at((80, 20), PROGRAM, &arguments, &[COLOURS]);
    welcome.until_shown("What are you called?");
    is_pictured(&welcome, "first-run-welcome");
    welcome.signal(Signal::TERM);
    welcome.code();
}

#[test]
fn the_pictures_of_the_demo_are_of_today() {
    let folder = tempfile::Builder::new().prefix("d").rand_bytes(4).tempdir_in("/tmp");
    let folder = folder.expect("a folder");
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let now = now.expect("a time of day").as_secs();
    let clock = WrongClock {
        offset: START.checked_signed_diff(now).expect("some years"),
        last: Some(START + MOVES),
    };
    let library = shown(&clock.library(folder.path()));
    let variables = [
        COLOURS,
        ("TMPDIR", folder.path().to_str()),
        ("LD_PRELOAD", Some(library.as_str())),
    ];
    let mut demo = Terminal::start_with(PROGRAM, &["--demo"], &variables);

    // Bob's daemon is there; the others are known to be away.
    for presence in [
        "● Bob",
        "○ Grace",
        "○ ~Katherine",
        "○ Charles",
        "● reachable",
        "1 request",
        "1 queued",
    ] {
        demo.until_shown(presence);
    }
    demo.send("\x10");
    demo.until_shown("Go to");
    demo.enter("Bob");
    demo.until_shown("Bob · online · not verified");
    demo.until_shown("or do you walk?");

    demo.command("verify");
    demo.until_shown("Safety number with Bob");
    is_pictured(&demo, "safety");
    demo.send("\x1b");
    demo.until_hidden("Safety number with Bob");

    demo.send("\x10");
    demo.until_shown("Go to");
    demo.send("gra");
    demo.until_shown("Find: gra");
    is_pictured(&demo, "palette-filtered");
    demo.send("\x1b");
    demo.until_hidden("Go to");

    // Where Ada sends code and a list, and Bob answers: a page and two turns of the wheel above the end.
    resize(&demo, 100, 32);
    demo.send("\x1b[5~");
    demo.until_shown("newer");
    demo.send("\x1b[<64;50;10M\x1b[<64;50;10M");
    demo.until_shown("│  And the rosemary indoors.");
    is_pictured(&demo, "conversation");
    demo.signal(Signal::TERM);
    demo.code();
}

/// Makes the terminal of another size, and waits until the interface has drawn its last row there.
fn resize(terminal: &Terminal, columns: u16, rows: u16) {
    terminal.resize(columns, rows);
    terminal.until("the status line", |screen| {
        let contents = screen.contents();
        contents
            .lines()
            .nth(usize::from(rows) - 1)
            .is_some_and(|line| line.contains("f1 keys"))
    });
}

/// Waits until the screen is what its picture in the documentation shows, or makes the picture.
#[track_caller]
fn is_pictured(terminal: &Terminal, name: &str) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/screens");
    let path = folder.join(name).with_extension("svg");
    if std::env::var_os("SOTTO_BLESS").is_some() {
        terminal.until("a whole frame", |screen| {
            std::fs::write(&path, svg::picture(screen)).expect("written");
            true
        });
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    let what = format!("the screen of docs/screens/{name}.svg; if it has changed: {REGENERATE}");
    terminal.until(&what, |screen| svg::picture(screen) == committed);
}
