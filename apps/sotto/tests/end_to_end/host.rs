//! A daemon inside the process of the interface. Each test is a process of its own, since a process that has hosted a daemon
//! stays closed to others, and has one log.

use std::env;
use std::fs;
use std::path::Path;
use std::process::{self, Stdio};

use sotto::tui::DaemonHost;
use sotto_api::{self as api, Error, Kind, all};
use sotto_cli::Global;
use sotto_client::Profile;
use sotto_tui::{Host as _, KeyNeed, NewKey};
use zeroize::Zeroizing;

use crate::lifecycle::Background;
use crate::world::{Person, World, path, program, run, until};

/// Says to a test that its process is its own.
const ALONE: &str = "SOTTO_TEST_ALONE";

/// Runs a test, by its name, in a process of its own.
pub fn alone(name: &str, test: impl FnOnce()) {
    if env::var_os(ALONE).is_some() {
        return test();
    }
    let mut command = program(env::current_exe().expect("this program"));
    command.args(["--exact", name, "--nocapture"]).env(ALONE, "1");
    let ran = run(command, b"");
    assert!(ran.status.success(), "{ran:#?}");
    assert!(ran.stdout.contains("1 passed"), "{name} is no test: {ran:#?}");
}

/// The program around an interface to that person's profile.
fn host(person: &Person) -> DaemonHost {
    let profile = Profile::locate(Some(&person.folder), None).expect("a profile");
    let global = Global {
        data_dir: Some(person.folder.clone()),
        network: Some(format!("local:{}", path(&person.network))),
        ..Global::default()
    };
    DaemonHost::of_program(profile, global, env!("CARGO_BIN_EXE_sotto").into())
}

fn passphrase(text: &str) -> Zeroizing<String> {
    Zeroizing::new(text.to_owned())
}

/// The process whose daemon answers.
fn serving(person: &Person) -> u32 {
    let status = person.call::<all::NodeStatus>(&api::Nothing {});
    assert_eq!(status.onion, person.onion);
    status.pid
}

fn kind<T>(outcome: Result<T, Error>) -> Option<Kind> {
    outcome.err().map(|error| error.kind())
}

#[test]
fn a_hosted_daemon_is_one_to_every_client() {
    alone("host::a_hosted_daemon_is_one_to_every_client", || {
        let world = World::new();
        let alice = world.person("alice");
        let folder = env::current_dir().expect("a folder");
        let host = host(&alice);
        assert!(host.exists() && !host.hosting());
        assert_eq!(
            host.key_need().expect("known"),
            KeyNeed::None,
            "the configuration names it"
        );
        host.start(None).expect("started");
        assert!(host.hosting());
        host.start(None).expect("it runs already");
        assert_eq!(serving(&alice), process::id());
        assert_eq!(
            env::current_dir().expect("a folder"),
            folder,
            "this process stays where it was"
        );

        // Every other daemon is told which process has the profile.
        let other = self::host(&alice).start(None).expect_err("the profile is taken");
        assert_eq!(other.kind(), Kind::InUse);
        let held = format!("is in use by process {}", process::id());
        assert!(other.message.ends_with(&held), "{other}");
        let (_, error) = alice.error(&["daemon", "run"]);
        assert!(error["message"].as_str().expect("text").ends_with(&held), "{error}");
        assert_eq!(
            alice.json(&["daemon", "start"])["pid"],
            process::id(),
            "it runs already"
        );

        host.stop().expect("a clean end");
        assert!(!host.hosting() && !alice.folder.join("sotto.sock").exists());
        host.stop().expect("there is none to stop");
        host.start(None).expect("once more");
        // Its lines are written by a thread of their own.
        let log = || fs::read_to_string(alice.folder.join("daemon.log")).expect("a log");
        until("the log says that it has started twice", || {
            (log().matches("the daemon has started").count() == 2).then_some(())
        });
        assert_eq!(log().matches("the daemon has ended").count(), 1);

        // A client may stop it too. That ends the daemon, and not the process around it.
        assert_eq!(alice.json(&["daemon", "stop"])["running"], false);
        until("the hosted daemon has ended", || (!host.hosting()).then_some(()));
        host.stop().expect("it was asked to end");
    });
}

#[test]
fn a_detached_daemon_goes_on_in_a_process_of_its_own() {
    alone("host::a_detached_daemon_goes_on_in_a_process_of_its_own", || {
        const SECRET: &str = "correct horse battery staple";
        let world = World::new();
        let mut alice = world.person("alice");
        alice.folder = world.path().join("with-passphrase");
        let host = host(&alice);
        assert!(!host.exists());
        assert_eq!(kind(host.start(None)), Some(Kind::NotInitialised));
        let several = passphrase("one line\nand another");
        assert_eq!(
            kind(host.init("Alice", NewKey::Passphrase(several))),
            Some(Kind::Locked)
        );
        alice.onion = host
            .init("Alice", NewKey::Passphrase(passphrase(SECRET)))
            .expect("made")
            .onion;
        assert!(host.exists());
        assert_eq!(host.key_need().expect("known"), KeyNeed::Passphrase);
        assert_eq!(kind(host.start(None)), Some(Kind::Locked), "it asks on no terminal");
        assert_eq!(kind(host.start(Some(passphrase("wrong")))), Some(Kind::WrongKey));
        assert!(!host.hosting());
        host.detach().expect("there is none to detach");
        host.start(Some(passphrase(SECRET))).expect("started");
        assert_eq!(serving(&alice), process::id());

        let _background = Background(&alice);
        host.detach().expect("it goes on");
        assert!(!host.hosting());
        let pid = serving(&alice);
        assert_ne!(pid, process::id());
        if cfg!(target_os = "linux") {
            let stat = fs::read_to_string(format!("/proc/{pid}/stat")).expect("it lives");
            let (_, fields) = stat.rsplit_once(')').expect("the name is in parentheses");
            let session = fields.split_whitespace().nth(3).expect("the session");
            assert_eq!(session, pid.to_string(), "it leads a session of its own");
            let arguments = fs::read(format!("/proc/{pid}/cmdline")).expect("it lives");
            assert!(!holds(&arguments, SECRET), "the passphrase is no argument");
        }
        assert_eq!(kind(host.start(Some(passphrase(SECRET)))), Some(Kind::InUse));
        for file in files(&alice.folder) {
            assert!(
                !holds(&fs::read(&file).expect("readable"), SECRET),
                "{}",
                file.display()
            );
        }
    });
}

/// The kernel refuses each write to `/dev/full`, as it does on a disk without room.
#[test]
fn a_hosted_daemon_runs_although_its_log_cannot_be_written() {
    alone("host::a_hosted_daemon_runs_although_its_log_cannot_be_written", || {
        let world = World::new();
        let alice = world.person("alice");
        let host = host(&alice);
        alice.configure("log_file = \"/nowhere/daemon.log\"");
        let error = host.start(None).expect_err("there is no such folder");
        assert!(error.message.contains("/nowhere/daemon.log"), "{error}");
        let config = alice.folder.join("config.toml");
        let settings = fs::read_to_string(&config).expect("readable");
        fs::write(&config, settings.replace("/nowhere/daemon.log", "/dev/full")).expect("writable");
        host.start(None).expect("started");
        assert_eq!(serving(&alice), process::id());
        host.stop().expect("a clean end");
    });
}

/// Without a command, off a terminal, it prints its help as before.
#[test]
fn without_a_command_and_a_terminal_the_program_helps() {
    let world = World::new();
    let alice = world.person("alice");
    let mut command = alice.command(&[]);
    command.stdin(Stdio::null());
    let ran = run(command, b"");
    assert!(ran.status.success() && ran.stdout.contains("Usage: sotto"), "{ran:#?}");
}

fn holds(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

fn files(folder: &Path) -> Vec<std::path::PathBuf> {
    let entries = fs::read_dir(folder)
        .expect("a folder")
        .map(|entry| entry.expect("read"));
    let files = entries.filter(|entry| entry.file_type().expect("known").is_file());
    files.map(|entry| entry.path()).collect()
}
