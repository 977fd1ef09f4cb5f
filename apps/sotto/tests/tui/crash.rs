//! Panics, in the program as this test's own process, on a terminal, with parts that panic; and the failure of a daemon within the
//! shipped program.

use std::path::Path;
use std::sync::Arc;

use rustix::process::Signal;
use sotto_api::{Error, Identity};
use sotto_client::Profile;
use sotto_tui::{Host, KeyNeed, NewKey, Options};
use zeroize::Zeroizing;

use super::terminal::Terminal;
use super::{User, shown, world};

/// The part that panics; only the child process has it.
const PART: &str = "SOTTO_TEST_PANICS";
const FOLDER: &str = "SOTTO_TEST_FOLDER";

/// A program around the interface that panics on its own thread, or on the interface's while that has the terminal.
struct Panicking(String);

impl Host for Panicking {
    fn exists(&self) -> bool {
        false
    }

    fn key_need(&self) -> Result<KeyNeed, Error> {
        Ok(KeyNeed::None)
    }

    fn init(&self, _: &str, _: NewKey) -> Result<Identity, Error> {
        panic!("a test's own, beside the interface")
    }

    fn start(&self, _: Option<Zeroizing<String>>) -> Result<(), Error> {
        Ok(())
    }

    fn hosting(&self) -> bool {
        false
    }

    fn stop(&self) -> Result<(), Error> {
        Ok(())
    }

    fn detach(&self) -> Result<(), Error> {
        Ok(())
    }
}

impl Drop for Panicking {
    fn drop(&mut self) {
        // The session of the interface drops it before the screen.
        assert!(self.0 != "interface", "a test's own, in the interface");
    }
}

/// The child process. Without a part that panics it is no test of its own.
#[test]
fn an_interface_with_a_part_that_panics() {
    let (Some(part), Some(folder)) = (std::env::var(PART).ok(), std::env::var_os(FOLDER)) else {
        return;
    };
    let profile = Profile::locate(Some(Path::new(&folder)), None).expect("a folder");
    let end = sotto_tui::run(&profile, Arc::new(Panicking(part)), Options::default());
    end.expect("it ends by itself");
}

fn start(part: &str, folder: &str) -> Terminal {
    let program = shown(&std::env::current_exe().expect("this test"));
    let test = "crash::an_interface_with_a_part_that_panics";
    // A backtrace would push the panic's own line off the screen.
    let backtrace = ("RUST_BACKTRACE", Some("0"));
    let variables = [(PART, Some(part)), (FOLDER, Some(folder)), backtrace];
    Terminal::start_with(&program, &["--exact", test, "--nocapture"], &variables)
}

#[test]
fn a_panic_leaves_the_terminal_as_it_was_and_is_told_there() {
    let world = world();
    let folder = shown(&world.path().join("nobody"));

    let mut terminal = start("interface", &folder);
    terminal.until_shown("Your name");
    terminal.is_taken();
    terminal.send("\x03");
    assert_eq!(terminal.code(), 101);
    terminal.is_restored();
    terminal.until_shown("a test's own, in the interface");

    // Beside the interface: it says so and goes on, and the panic is told once the terminal is the shell's again.
    let mut terminal = start("host", &folder);
    terminal.until_shown("Your name");
    terminal.enter("Alice");
    terminal.until_shown("Once more");
    terminal.enter("viola correct marzipan");
    terminal.enter("viola correct marzipan");
    terminal.until_shown("a part of Sotto has crashed");
    terminal.until_shown("Sotto cannot start");
    terminal.is_taken();
    terminal.send("\x03");
    assert_eq!(terminal.code(), 0);
    terminal.is_restored();
    terminal.until_shown("a test's own, beside the interface");
}

/// The shipped program with nothing put in its place: the store's file is damaged under a daemon that has it open, as by a bad disk.
#[test]
fn a_daemon_that_fails_within_the_interface_is_told_with_its_reason_and_can_be_started_again() {
    let world = world();
    let user = User::with_key(&world, "alice");
    let store = user.folder.join("sotto.db");
    let whole = std::fs::read(&store).expect("a store");
    let mut terminal = user.open();
    terminal.until_shown("You have no conversations yet");
    std::fs::write(&store, vec![0x5a; whole.len()]).expect("damaged");
    // As soon as it needs a page of the file to write something, it fails.
    let shown = ["away", "online"].into_iter().cycle().take(100);
    let writes = shown.map(|show| user.run(&["presence", show]));
    let mut failed = writes.skip_while(|ran| ran.status.success());
    assert!(failed.next().is_some(), "it writes without its store");
    terminal.until_shown("Sotto has stopped");
    terminal.until_shown("damaged");
    terminal.is_taken();
    assert!(!user.daemon_answers());

    // As long as the store is damaged, it does not start; then it does, in the same interface.
    terminal.send("\r");
    terminal.until_shown("Sotto cannot start");
    terminal.until_shown("does not open with this key");
    std::fs::write(&store, whole).expect("repaired");
    terminal.send("\r");
    terminal.until_hidden("Sotto cannot start");
    terminal.until_shown("● reachable");
    assert!(user.daemon_answers());
    terminal.signal(Signal::TERM);
    assert_eq!(terminal.code(), 143);
    terminal.is_restored();
}
