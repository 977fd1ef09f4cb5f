//! The terminal interface as a user has it: the real program on a pseudo-terminal, on a local network.

#[path = "../clock/mod.rs"]
mod clock;
mod crash;
#[path = "../environment/mod.rs"]
mod environment;
mod kinds;
mod owner;
mod screens;
mod svg;
mod terminal;

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use environment::program;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use sotto_api::{ListItems, all};
use sotto_client::blocking::Client;
use tempfile::TempDir;
use terminal::Terminal;

const PROGRAM: &str = env!("CARGO_BIN_EXE_sotto");

/// A user: a folder, and a network that all users share.
struct User {
    folder: PathBuf,
    network: String,
}

impl User {
    fn new(world: &TempDir, name: &str) -> Self {
        let network = world.path().join("net");
        std::fs::create_dir_all(&network).expect("made");
        Self {
            folder: world.path().join(name),
            network: format!("local:{}", network.display()),
        }
    }

    /// With an identity whose key is a file.
    fn with_key(world: &TempDir, name: &str) -> Self {
        let user = Self::new(world, name);
        let key = user.folder.with_extension("key");
        user.json(&["init", "--name", name, "--key-file", &shown(&key)]);
        user
    }

    fn options(&self) -> [String; 4] {
        [
            String::from("--data-dir"),
            shown(&self.folder),
            String::from("--network"),
            self.network.clone(),
        ]
    }

    /// The interface.
    fn open(&self) -> Terminal {
        self.open_with(&[])
    }

    /// The same, on a terminal that says other things of itself.
    fn open_with(&self, variables: &[(&str, Option<&str>)]) -> Terminal {
        let options = self.options();
        let arguments: Vec<&str> = options.iter().map(String::as_str).collect();
        Terminal::start_with(PROGRAM, &arguments, variables)
    }

    fn run(&self, arguments: &[&str]) -> std::process::Output {
        let mut command = program(PROGRAM);
        command
            .arg("--json")
            .args(self.options())
            .args(arguments)
            .stdin(Stdio::null());
        command.output().expect("it runs")
    }

    fn json(&self, arguments: &[&str]) -> Value {
        let ran = self.run(arguments);
        assert!(ran.status.success(), "{arguments:?}: {ran:?}");
        serde_json::from_slice(&ran.stdout).expect("JSON")
    }

    fn daemon_answers(&self) -> bool {
        self.run(&["status"]).status.success()
    }

    /// The process of the daemon.
    fn daemon(&self) -> Pid {
        let process = self.json(&["status"])["pid"].as_i64().expect("a process");
        Pid::from_raw(process.try_into().expect("a number")).expect("a process")
    }

    /// The messages that this user has with a contact and that say this.
    fn messages(&self, contact: &str, text: &str) -> Vec<Value> {
        let mut history = self.json(&["history", contact]);
        let messages = history["messages"].as_array_mut().expect("messages");
        messages.retain(|message| message["text"] == text);
        std::mem::take(messages)
    }

    /// Waits until the store has an item whose key begins so, and whose last line is this: a draft, or an edit.
    fn until_stored(&self, terminal: &Terminal, prefix: &str, line: &str) {
        let mut client = Client::connect(&self.folder.join("sotto.sock")).expect("it answers");
        let drafts = ListItems {
            prefix: prefix.into(),
            after: None,
        };
        terminal.until("a draft in the store", |_| {
            let stored = client.call::<all::StorageList>(&drafts).expect("items").items;
            let mut values = stored.iter().filter_map(|item| item.value.as_deref());
            values.any(|value| value.lines().last() == Some(line))
        });
    }
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

fn world() -> TempDir {
    tempfile::Builder::new()
        .prefix("sotto-")
        .tempdir_in("/tmp")
        .expect("a folder")
}

#[test]
fn two_new_users_come_from_nothing_to_delivered_messages_without_leaving_the_interface() {
    let world = world();
    let (alice, bob) = (User::new(&world, "alice"), User::with_key(&world, "bob"));

    // Alice is asked for a name and a passphrase.
    let mut a = alice.open();
    a.is_taken();
    a.until_shown("What are you called?");
    a.enter("Alice");
    a.until_shown("Choose a passphrase");
    a.enter("viola correct marzipan");
    a.enter("viola correct marzipen");
    a.until_shown("The two are not the same");
    a.send("\x15");
    a.enter("viola correct marzipan");
    a.until_shown("Your friend code");
    a.send("\x1b");
    a.until_shown("You have no conversations yet");
    assert!(!a.contents().contains("marzipan"));

    // Bob has a key file: his opens at once. He adds Alice by her code.
    let code = alice.json(&["identity"])["friend_code"]
        .as_str()
        .expect("a code")
        .to_owned();
    let mut b = bob.open();
    b.until_shown("You have no conversations yet");
    b.command("add");
    b.until_shown("Paste the friend code");
    b.paste(&code);
    b.send("\t");
    b.send("Ally");
    b.send("\t");
    b.enter("it is me, Bob");
    b.until_hidden("Paste the friend code");
    b.until_shown("Ally");
    b.until_shown("Write a message");
    // He writes already, before she has accepted.
    b.enter("are you there?");
    b.until_shown("◷ queued");

    a.until_shown("1 request");
    a.command("requests");
    a.until_shown("it is me, Bob");
    a.send("a");
    a.until_shown("What do you call them?");
    a.enter("Bobby");
    a.until_hidden("What do you call them?");
    a.until_shown("are you there?");
    a.enter("yes, I am");
    b.until_shown("yes, I am");
    a.until_shown("✓✓");

    converse(&mut a, &mut b);
    quit(&alice, &mut a, &bob, &mut b);
}

/// Whichever of them is first: the other one is beside the daemon of the first.
#[test]
fn two_windows_that_are_opened_at_once_share_one_daemon() {
    let world = world();
    let user = User::with_key(&world, "alice");
    let mut windows = [user.open(), user.open()];
    for window in &windows {
        window.until_shown("You have no conversations yet");
        window.until_shown("● reachable");
    }
    for window in &mut windows {
        window.signal(Signal::TERM);
        assert_eq!(window.code(), 143);
        window.is_restored();
    }
}

/// A timer, a paste, a search and the safety number.
fn converse(a: &mut Terminal, b: &mut Terminal) {
    // A timer, which both see.
    a.enter("/timer 5m");
    a.until_shown("◔ 5 minutes");
    b.until_shown("◔ 5 minutes");
    a.enter("/timer off");
    a.until_hidden("◔ 5 minutes");

    // A paste is one text, and does not send.
    let many: String = (0..10_000).map(|line| format!("line {line}\n")).collect();
    b.paste(&many);
    b.until_shown("Too long");
    b.paste("one\ntwo\nthree");
    b.until_shown("three");
    assert!(!a.contents().contains("three"));
    b.send("\r");
    a.until_shown("three");

    // Each key for a new line makes one, and none of them sends.
    b.send("four\x1b\rfive\nsix\x1b[13;2useven");
    b.until_shown("seven");
    assert!(!a.contents().contains("four"));
    b.send("\r");
    a.until_shown("seven");

    // A copied message is on the terminal's clipboard, whole: four lines.
    a.send("\x1b[Z");
    a.send("c");
    a.until_shown("Copied.");
    a.until_sent("\x1b]52;c;Zm91cgpmaXZlCnNpeApzZXZlbg==\x07");
    a.send("\r");

    // A search, and the mark after the comparison of the safety number.
    a.send("\x06");
    a.until_shown("Search this conversation");
    a.enter("three");
    a.until_shown("hit 1 of 1");
    a.send("\x1b");
    a.until_hidden("hit 1 of 1");
    a.command("verify");
    a.until_shown("mark as verified");
    a.send("\x1b[B\r");
    a.until_shown("You have compared it");
    a.send("\x1b");
    a.until_hidden("You have compared it");
    a.until_shown("✓ verified");
}

/// Alice's daemon goes on in the background; Bob's ends with his interface.
fn quit(alice: &User, a: &mut Terminal, bob: &User, b: &mut Terminal) {
    a.send("\x03");
    a.until_shown("let Sotto run in the background");
    a.send("\r");
    assert_eq!(a.code(), 0);
    a.is_restored();
    assert!(alice.daemon_answers(), "it goes on");
    b.send("\x03");
    b.until_shown("let Sotto run in the background");
    b.send("\x1b[B\r");
    assert_eq!(b.code(), 0);
    b.is_restored();
    assert!(!bob.daemon_answers(), "it has ended");

    // An interface beside a daemon that runs leaves it running, and does not ask.
    let mut again = alice.open();
    again.until_shown("Bobby");
    again.send("\x03");
    assert_eq!(again.code(), 0);
    assert!(alice.daemon_answers());
    alice.json(&["daemon", "stop"]);

    // The passphrase is asked for now.
    let mut locked = alice.open();
    locked.until_shown("Your messages are locked");
    locked.enter("guess");
    locked.until_shown("wrong");
    locked.enter("viola correct marzipan");
    locked.until_shown("Bobby");
    locked.command("Bobby");
    locked.until_shown("yes, I am");
    locked.send("not said yet");
    alice.until_stored(&locked, "draft/", "not said yet");
    locked.command("/edit");
    locked.until_shown("✎ Edit");
    locked.send(" indeed");
    alice.until_stored(&locked, "edit/", "yes, I am indeed");
    locked.signal(Signal::KILL);
    locked.code();

    // Nothing of it could be put in order, and the edit is there, and the draft.
    let mut again = alice.open();
    again.until_shown("Your messages are locked");
    again.enter("viola correct marzipan");
    again.until_shown("Bobby");
    again.command("Bobby");
    again.until_shown("✎ Edit");
    again.until_shown("yes, I am indeed");
    again.send("\x1b");
    again.until_shown("› not said yet");
    again.signal(Signal::TERM);
    assert_eq!(again.code(), 143);
    again.is_restored();
    assert!(!alice.daemon_answers());
    by_lines(alice);
}

/// The interface for a screen reader, which leaves the echo to the terminal: a passphrase has none.
fn by_lines(alice: &User) {
    let options = alice.options();
    let mut arguments: Vec<&str> = options.iter().map(String::as_str).collect();
    arguments.push("--screen-reader");
    let mut lines = Terminal::start(PROGRAM, &arguments);
    lines.until_silent();
    lines.enter("viola correct marzipen");
    lines.until_shown("wrong");
    lines.enter("viola correct marzipan");
    lines.until_shown("Network: reachable");
    lines.enter("/palette");
    lines.until_shown("Write: Find");
    assert!(lines.was_sent("/palette"), "all else has an echo");
    assert!(lines.was_sent("Bobby"), "{}", lines.contents());
    lines.send("\r");
    // A signal while it is asked for.
    lines.enter("/lock");
    lines.until_silent();
    lines.signal(Signal::TERM);
    assert_eq!(lines.code(), 143);
    assert!(!lines.was_sent("marzip"), "{}", lines.contents());
    lines.is_restored();
}

#[test]
fn a_terminal_that_changes_and_a_daemon_that_dies_are_survived() {
    let world = world();
    let (alice, bob) = (User::with_key(&world, "alice"), User::with_key(&world, "bob"));
    for user in [&alice, &bob] {
        user.json(&["daemon", "start"]);
    }
    let invite = alice.json(&["identity", "--invite"])["friend_code"]
        .as_str()
        .expect("a code")
        .to_owned();
    bob.json(&["friends", "add", &invite, "--name", "alice"]);
    let editor = Editor::new(&world);
    let mut a = editor.open(&alice);
    a.until_shown("~bob");
    for number in 0..40 {
        bob.json(&["send", "alice", &format!("number {number}.")]);
    }
    // The only conversation, by a click.
    let (row, column) = a.place("~bob");
    a.send(&format!(
        "\x1b[<0;{};{}M\x1b[<0;{};{}m",
        column + 1,
        row + 1,
        column + 1,
        row + 1
    ));
    a.until_shown("number 39.");
    // The wheel.
    a.send("\x1b[<64;50;10M");
    a.send("\x1b[<64;50;10M");
    a.until_hidden("number 39.");
    for _ in 0..4 {
        a.send("\x1b[<65;50;10M");
    }
    a.until_shown("number 39.");

    write_by_editor(&editor, &mut a, &bob);
    stop_daemon(&alice, &mut a, &bob);

    // Another size, and back.
    a.send("a draft");
    a.until_shown("a draft");
    a.resize(40, 12);
    a.until("a screen without the list", |screen| {
        let contents = screen.contents();
        contents.contains("said meanwhile") && contents.starts_with(" ~bob")
    });
    a.resize(80, 24);
    a.until("the list", |screen| screen.contents().starts_with(" ● ~bob"));
    a.until_shown("a draft");

    // The daemon is killed while the interface is open.
    kill_process(alice.daemon(), Signal::KILL).expect("killed");
    a.until_shown("no daemon");
    a.send("\r");
    a.until_shown("1 kept");
    a.send("more");
    alice.json(&["daemon", "start"]);
    a.until_hidden("1 kept");
    a.until("what was kept, at Bob's", |_| {
        !bob.messages("alice", "a draft").is_empty()
    });
    for text in ["said meanwhile", "a draft"] {
        assert_eq!(bob.messages("alice", text).len(), 1, "once");
    }
    a.until_shown("› more");

    // SIGHUP ends it; the daemon is not its own and goes on.
    a.signal(Signal::HUP);
    assert_eq!(a.code(), 129);
    a.is_restored();
    assert!(alice.daemon_answers());

    suspend(&alice, &editor);
    for user in [&alice, &bob] {
        user.json(&["daemon", "stop"]);
    }
}

/// The program in `$EDITOR`.
struct Editor {
    folder: PathBuf,
}

impl Editor {
    /// Keeps what it is given, and gives back a text of its own once Enter is pressed. Ctrl-C is a key like others to it, as to vim.
    const SCRIPT: &str = r#"#!/bin/sh
        folder=$(dirname "$0")
        trap "" INT
        test -e "$folder/fails" && exit 3
        cp "$1" "$folder/given"
        echo "in the editor"
        read answer
        echo "by hand" >"$1"
    "#;

    fn new(world: &TempDir) -> Self {
        let editor = Self {
            folder: world.path().to_owned(),
        };
        std::fs::write(editor.program(), Self::SCRIPT).expect("written");
        std::fs::set_permissions(editor.program(), Permissions::from_mode(0o700)).expect("ours");
        editor
    }

    fn program(&self) -> PathBuf {
        self.folder.join("editor")
    }

    /// The interface with this editor.
    fn open(&self, user: &User) -> Terminal {
        user.open_with(&[("VISUAL", None), ("EDITOR", self.program().to_str())])
    }
}

/// A reply from the editor and by the bytes of each kind of new line; and an editor that fails.
fn write_by_editor(editor: &Editor, a: &mut Terminal, bob: &User) {
    a.send("\x1b[Z");
    a.send("r");
    a.until_shown("↩");
    a.send("begun");
    a.until_shown("› begun");
    a.send("\x0f");
    a.until_shown("in the editor");
    a.is_restored();
    let given = std::fs::read_to_string(editor.folder.join("given")).expect("a text");
    assert!(given.starts_with("begun\n") && given.contains("number 39."), "{given}");
    a.send("\x03");
    // What is typed before the editor has ended is for the interface.
    a.send("\r!");
    a.until_shown("› by hand!");
    a.is_taken();
    for (new_line, text) in [("\x1b\r", "two"), ("\n", "three"), ("\x1b[13;2u", "four")] {
        a.send(new_line);
        a.send(text);
        a.until_shown(text);
    }
    a.send("\r");
    a.until("a message of four lines", |_| {
        let messages = bob.messages("alice", "by hand!\ntwo\nthree\nfour");
        messages.iter().any(|message| !message["reply_to"].is_null())
    });

    std::fs::write(editor.folder.join("fails"), "").expect("written");
    a.send("all that I have");
    a.until_shown("› all that I have");
    a.send("\x0f");
    a.until_shown("has failed (exit status: 3)");
    a.until_shown("› all that I have");
    a.is_taken();
    std::fs::remove_file(editor.folder.join("fails")).expect("removed");
    std::fs::rename(editor.program(), editor.folder.join("moved")).expect("moved");
    a.send("\x0f");
    a.until_shown("has failed (exit status: 127)");
    a.until_shown("› all that I have");
    std::fs::rename(editor.folder.join("moved"), editor.program()).expect("moved");
    a.send("\x15");
    a.until_hidden("all that I have");
}

/// A daemon that is there and does nothing: keys are drawn, and what is sent waits for it.
fn stop_daemon(alice: &User, a: &mut Terminal, bob: &User) {
    let daemon = alice.daemon();
    kill_process(daemon, Signal::STOP).expect("stopped");
    a.send("said meanwhile");
    a.until_shown("› said meanwhile");
    a.send("\r");
    a.until_shown("1 kept");
    a.send("and more");
    a.until_shown("› and more");
    kill_process(daemon, Signal::CONT).expect("continued");
    a.until_hidden("1 kept");
    a.until("the message", |_| !bob.messages("alice", "said meanwhile").is_empty());
    a.send("\x15");
    a.until_hidden("and more");
}

/// Ctrl-Z gives the terminal to the shell that started it, and `fg` gives it back. So does the signal from outside, and Ctrl-Z in the
/// editor.
fn suspend(user: &User, editor: &Editor) {
    let script = r#"set -m; "$@"; echo "left once"; read answer; fg; echo "left twice"; read answer; fg
        echo "left thrice"; read answer; fg; echo "ended with $?"; read answer"#;
    let options = user.options();
    let mut arguments = vec!["-c", script, "sh", PROGRAM];
    arguments.extend(options.iter().map(String::as_str));
    let program = editor.program();
    let variables = [("VISUAL", None), ("EDITOR", program.to_str())];
    let mut shell = Terminal::start_with("/bin/sh", &arguments, &variables);
    let back = |shell: &mut Terminal| {
        shell.send("\r");
        shell.is_taken();
        shell.until_shown("~bob");
    };
    shell.until_shown("~bob");
    shell.is_taken();
    shell.send("\x1a");
    shell.until_shown("left once");
    shell.is_restored();
    back(&mut shell);
    kill_process(shell.foreground(), Signal::TSTP).expect("sent");
    shell.until_shown("left twice");
    shell.is_restored();
    back(&mut shell);

    shell.command("bob");
    shell.until_shown("said meanwhile");
    shell.send("\x0f");
    shell.until_shown("in the editor");
    shell.send("\x1a");
    shell.until_shown("left thrice");
    shell.is_restored();
    // The first one is for the shell, which reads no further than that.
    shell.send("\r\r");
    shell.is_taken();
    shell.until_shown("› by hand");
    shell.send("\x03");
    shell.until_shown("ended with 0");
    shell.is_restored();
    shell.send("\r");
    shell.code();
}

/// `--demo` in a temporary folder of its own.
fn demo(folder: &TempDir) -> Terminal {
    let demo = Terminal::start_with(PROGRAM, &["--demo"], &[("TMPDIR", folder.path().to_str())]);
    for name in ["Bob", "Grace", "Charles", "Katherine"] {
        demo.until_shown(name);
    }
    demo
}

#[test]
fn the_demo_leaves_nothing_and_removes_what_a_killed_one_has_left() {
    // A longer path is not used.
    let folder = tempfile::Builder::new()
        .prefix("d")
        .rand_bytes(4)
        .tempdir_in("/tmp")
        .expect("a folder");
    let left = || std::fs::read_dir(folder.path()).expect("a folder").count();
    let mut killed = demo(&folder);
    killed.signal(Signal::KILL);
    killed.code();
    assert_eq!(left(), 1);
    let mut again = demo(&folder);
    assert_eq!(left(), 1, "its own");
    again.signal(Signal::TERM);
    assert_eq!(again.code(), 143);
    again.is_restored();
    assert_eq!(left(), 0);
}

#[test]
fn a_key_file_that_others_can_read_is_named_and_no_passphrase_is_asked_for() {
    let world = world();
    let alice = User::with_key(&world, "alice");
    let key = alice.folder.with_extension("key");
    let mode = |mode| std::fs::set_permissions(&key, Permissions::from_mode(mode)).expect("ours");
    mode(0o644);
    let mut open = alice.open();
    open.until_shown("can be read by other users");
    open.until_shown("chmod 600");
    assert!(!open.contents().contains("assphrase"), "{}", open.contents());
    mode(0o600);
    open.until_shown("Try again");
    open.send("\r");
    open.until_shown("You have no conversations yet");
    open.signal(Signal::TERM);
    open.code();

    mode(0o644);
    let options = alice.options();
    let mut arguments: Vec<&str> = options.iter().map(String::as_str).collect();
    arguments.extend(["daemon", "start"]);
    let mut start = Terminal::start(PROGRAM, &arguments);
    start.until("an answer", |screen| {
        let contents = screen.contents();
        contents.contains("can be read") || contents.contains("assphrase")
    });
    assert!(
        start.contents().contains("can be read by other users"),
        "{}",
        start.contents()
    );
    assert_eq!(start.code(), 9);
}

#[test]
fn what_is_no_terminal_gets_the_help() {
    let world = world();
    let user = User::new(&world, "nobody");
    let mut command = program(PROGRAM);
    let ran = command
        .args(user.options())
        .stdin(Stdio::null())
        .output()
        .expect("it runs");
    assert!(ran.status.success(), "{ran:?}");
    assert!(String::from_utf8_lossy(&ran.stdout).contains("Usage:"), "{ran:?}");
    assert!(!user.folder.exists(), "nothing is made");
}
