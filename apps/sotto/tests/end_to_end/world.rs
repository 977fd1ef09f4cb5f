//! [`World`]: users with a data folder and a daemon each, and an eavesdropper on the wire between them.

#[path = "../environment/mod.rs"]
mod environment;

use std::fmt::Debug;
use std::fs::{self, DirBuilder, File};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;
use sotto::demo::Eavesdropper;
use sotto_api::{self as api, Body, Event, Method, all};
use sotto_client::blocking::Client;
use sotto_io_sqlcipher::{Store, StoreKey, read_salt};
use tempfile::TempDir;

pub use environment::program;

/// Nothing in these tests takes longer than this unless it hangs.
pub const PATIENCE: Duration = Duration::from_mins(1);
pub const PAUSE: Duration = Duration::from_millis(5);

/// A temporary folder and the wire.
pub struct World {
    folder: TempDir,
    /// Copies every byte that two users exchange.
    pub eavesdropper: Eavesdropper,
}

/// One person: a data folder, a key file, a network folder, perhaps a running daemon.
pub struct Person {
    pub name: &'static str,
    pub folder: PathBuf,
    pub key_file: PathBuf,
    pub network: PathBuf,
    pub onion: String,
    pub friend_code: String,
    daemon: Option<Child>,
    seen: u64,
}

/// How a command ended and what it said.
#[derive(Debug)]
pub struct Ran {
    pub status: ExitStatus,
    pub stdout: String,
    pub stderr: String,
}

impl World {
    pub fn new() -> Self {
        let folder = tempfile::Builder::new()
            .prefix("sotto-")
            .tempdir_in("/tmp")
            .expect("a temporary folder");
        Self {
            folder,
            eavesdropper: Eavesdropper::default(),
        }
    }

    /// A user with a new identity and no daemon yet.
    pub fn person(&self, name: &'static str) -> Person {
        // Not by name: the configuration holds this path, and names are looked for.
        let number = fs::read_dir(self.folder.path()).expect("a folder").count();
        let home = self.folder.path().join(number.to_string());
        let network = home.join("net");
        // Whatever the umask is: a key is refused in a folder in which others may write.
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&network)
            .expect("made");
        let mut person = Person {
            name,
            folder: home.join("data"),
            key_file: home.join("key"),
            network,
            onion: String::new(),
            friend_code: String::new(),
            daemon: None,
            seen: 0,
        };
        let key_file = person.key_file.clone();
        let identity = person.json(&["init", "--name", name, "--key-file", path(&key_file)]);
        person.onion = string(&identity["onion"]);
        person.friend_code = string(&identity["friend_code"]);
        person
    }

    /// Connects two users through the eavesdropper, in both directions.
    pub fn connect(&self, one: &Person, other: &Person) {
        for (here, there) in [(one, other), (other, one)] {
            let tap = here.network.join(&there.onion);
            self.eavesdropper
                .tap(&tap, there.network.join(&there.onion))
                .expect("a tap");
        }
    }

    /// Two users whose daemons run and who are friends; each has a petname for the other.
    pub fn friends(&self) -> (Person, Person) {
        let (mut alice, mut bob) = (self.person("alice"), self.person("bob"));
        self.connect(&alice, &bob);
        // It is off by default.
        alice.configure("typing = true");
        alice.start();
        bob.start();
        let invite = string(&alice.json(&["identity", "--invite"])["friend_code"]);
        bob.json(&["friends", "add", &invite, "--name", "alice"]);
        for person in [&mut alice, &mut bob] {
            person.until("the friendship", |event| {
                matches!(event.body, Body::ContactAdded { .. }).then_some(())
            });
        }
        alice.json(&["friends", "rename", &bob.onion, "bob"]);
        (alice, bob)
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }
}

impl Person {
    /// One more line of the configuration.
    pub fn configure(&self, line: &str) {
        let mut file = File::options()
            .append(true)
            .open(self.folder.join("config.toml"))
            .expect("written by init");
        writeln!(file, "{line}").expect("written");
    }

    /// The program with this person's folder and network.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = sotto();
        command
            .arg("--data-dir")
            .arg(&self.folder)
            .arg("--network")
            .arg(format!("local:{}", path(&self.network)));
        command.args(arguments);
        command
    }

    /// Runs a command to its end.
    pub fn run(&self, arguments: &[&str]) -> Ran {
        run(self.command(arguments), b"")
    }

    /// Runs a command that gets `input` on standard input.
    pub fn run_with(&self, arguments: &[&str], input: &[u8]) -> Ran {
        run(self.command(arguments), input)
    }

    /// What a command prints with `--json`; it must end well.
    pub fn json(&self, arguments: &[&str]) -> Value {
        let ran = run(self.command(&[&["--json"], arguments].concat()), b"");
        assert!(ran.status.success(), "{} {arguments:?}: {ran:#?}", self.name);
        assert_eq!(ran.stdout.lines().count(), 1, "one object: {arguments:?} {ran:#?}");
        serde_json::from_str(&ran.stdout).expect("JSON")
    }

    /// The error that a command tells with `--json`, and its exit code.
    pub fn error(&self, arguments: &[&str]) -> (i32, Value) {
        let ran = run(self.command(&[&["--json"], arguments].concat()), b"");
        let code = ran.status.code().expect("an exit code");
        assert_ne!(code, 0, "{arguments:?}: {ran:#?}");
        let line = ran
            .stderr
            .lines()
            .last()
            .unwrap_or_else(|| panic!("{arguments:?} says nothing: {ran:#?}"));
        let told: Value =
            serde_json::from_str(line).unwrap_or_else(|_| panic!("{arguments:?} tells no JSON: {ran:#?}"));
        (code, told["error"].clone())
    }

    /// Starts the daemon and waits until it answers.
    pub fn start(&mut self) {
        let log = File::options()
            .create(true)
            .append(true)
            .open(self.folder.join("stderr.log"))
            .expect("a log");
        let mut command = self.daemon_run();
        command.stderr(log);
        self.start_as(command);
    }

    /// `sotto daemon run`, with nothing on standard input and output.
    pub fn daemon_run(&self) -> Command {
        let mut command = self.command(&["daemon", "run", "--key-file", path(&self.key_file)]);
        command.stdin(Stdio::null()).stdout(Stdio::null());
        command
    }

    /// Starts the daemon by a command that becomes it, and waits until it answers.
    pub fn start_as(&mut self, mut command: Command) {
        assert!(self.daemon.is_none(), "{} runs already", self.name);
        self.until_unlocked();
        self.daemon = Some(command.spawn().expect("the daemon starts"));
        self.until_started();
    }

    /// Waits until no process has the store's lock, where the kernel tells. If this process has had the store open, a process that
    /// another test forks has the lock as well, until it becomes its program.
    fn until_unlocked(&self) {
        let Ok(lock) = fs::metadata(self.folder.join("sotto.db-lock")) else {
            return;
        };
        let number = format!(":{} ", lock.ino());
        until("the store's lock is free", || {
            let locks = fs::read_to_string("/proc/locks").unwrap_or_default();
            let held = locks
                .lines()
                .any(|line| line.contains("FLOCK") && line.contains(&number));
            (!held).then_some(())
        });
    }

    /// As [`start_as`](Self::start_as), for a daemon that has a root directory of its own. From then on the person's folder is
    /// named through it.
    pub fn start_within(&mut self, mut command: Command) {
        let daemon = command.spawn().expect("the daemon starts");
        let folder = self.folder.strip_prefix("/").expect("an absolute path");
        self.folder = Path::new("/proc")
            .join(daemon.id().to_string())
            .join("root")
            .join(folder);
        self.daemon = Some(daemon);
        self.until_started();
    }

    fn until_started(&mut self) {
        let since = Instant::now();
        while Client::connect(&self.folder.join("sotto.sock")).is_err() {
            let ended = self
                .daemon
                .as_mut()
                .and_then(|daemon| daemon.try_wait().expect("a child"));
            assert!(
                ended.is_none() && since.elapsed() < PATIENCE,
                "{}'s daemon: {}",
                self.name,
                self.log()
            );
            thread::sleep(PAUSE);
        }
    }

    /// The daemon's process.
    pub fn process(&mut self) -> &mut Child {
        self.daemon.as_mut().expect("a daemon")
    }

    /// `kill -9`
    pub fn kill(&mut self) {
        let mut daemon = self.daemon.take().expect("a daemon");
        daemon.kill().expect("killed");
        daemon.wait().expect("gone");
    }

    /// `sotto daemon stop`
    pub fn stop(&mut self) {
        self.json(&["daemon", "stop"]);
        let ended = self.daemon.take().expect("a daemon").wait().expect("gone");
        assert!(
            ended.success(),
            "{}'s daemon ended with {ended}: {}",
            self.name,
            self.log()
        );
        // The log may be shown to others, so at the level that it has by default it names no letters of the own address.
        let log = self.log();
        assert!(!log.contains(&self.onion[..8]), "{}: {log}", self.name);
    }

    /// The store of a person whose daemon does not run.
    pub fn open_store(&self) -> Store {
        let database = self.folder.join("sotto.db");
        let salt = read_salt(&database).expect("readable").expect("a store");
        let key = fs::read(&self.key_file).expect("a key").try_into().expect("32 bytes");
        Store::open(&database, &StoreKey::new(key, salt)).expect("it opens")
    }

    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.join("stderr.log")).unwrap_or_default()
    }

    pub fn client(&self) -> Client {
        Client::connect(&self.folder.join("sotto.sock")).expect("a daemon")
    }

    /// Asks the daemon directly, for what would take hundreds of processes.
    pub fn call<M: Method>(&self, params: &M::Params) -> M::Result {
        self.client().call::<M>(params).expect(M::NAME)
    }

    /// Reads the event log from where it was last read, until `wanted` finds in it what it wants.
    pub fn until<T>(&mut self, what: &str, mut wanted: impl FnMut(&Event) -> Option<T>) -> T {
        let deadline = Instant::now() + PATIENCE;
        let mut client = self.client();
        while Instant::now() < deadline {
            let wait = api::WaitEvents {
                since: Some(self.seen),
                limit: Some(1),
                timeout: Some(1),
                ..Default::default()
            };
            let events = client.call::<all::EventsWait>(&wait).expect("events");
            self.seen = events.next;
            if let Some(found) = events.events.iter().find_map(&mut wanted) {
                return found;
            }
        }
        panic!("{} never saw {what}", self.name)
    }

    /// Waits until `count` messages have come since the log was last read; answers with their texts.
    pub fn texts(&mut self, count: usize) -> Vec<String> {
        let mut texts = Vec::new();
        while texts.len() < count {
            let message = self.until("a message", |event| match &event.body {
                Body::MessageReceived {
                    message: Some(message), ..
                } => Some(message.text.clone()),
                _ => None,
            });
            texts.push(message);
        }
        texts
    }

    /// Waits until the running daemon has emptied the store's log, which has pages from before a deletion. It does so by
    /// itself, though nothing more is said.
    pub fn until_wiped(&self) {
        let log = self.folder.join("sotto.db-wal");
        let deadline = Instant::now() + PATIENCE;
        while fs::metadata(&log).expect("a log").len() > 0 {
            assert!(Instant::now() < deadline, "the log is not emptied");
            thread::sleep(PAUSE);
        }
    }

    /// Waits until a sent message has reached the state.
    pub fn until_state(&mut self, id: &str, state: api::MessageState) {
        let deadline = Instant::now() + PATIENCE;
        let status = api::MessageOnly {
            id: id.to_owned(),
            conversation: None,
        };
        loop {
            let message = self.call::<all::MessageStatus>(&status);
            if message.state == state {
                return;
            }
            assert!(
                Instant::now() < deadline,
                "{}: message {id} is {:?}, not {state:?}",
                self.name,
                message.state
            );
            // A hint to look again, not what is relied on.
            let last = self.call::<all::NodeStatus>(&api::Nothing {}).last_seq;
            let wait = api::WaitEvents {
                since: Some(last),
                timeout: Some(1),
                ..Default::default()
            };
            if self.call::<all::MessageStatus>(&status).state != state {
                self.call::<all::EventsWait>(&wait);
            }
        }
    }
}

impl Drop for Person {
    fn drop(&mut self) {
        if let Some(mut daemon) = self.daemon.take() {
            let _ = daemon.kill();
            let _ = daemon.wait();
        }
        if thread::panicking() {
            eprintln!("--- log of {}:\n{}", self.name, self.log());
        }
    }
}

/// The program, in the environment of [`program`].
pub fn sotto() -> Command {
    program(env!("CARGO_BIN_EXE_sotto"))
}

/// Runs to the end, or panics when it hangs.
pub fn run(command: Command, input: &[u8]) -> Ran {
    run_within(command, input, PATIENCE)
}

/// Runs to the end, which may take so long.
pub fn run_within(mut command: Command, input: &[u8], patience: Duration) -> Ran {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("sotto runs");
    let mut stdin = child.stdin.take().expect("piped");
    let mut stdout = child.stdout.take().expect("piped");
    let mut stderr = child.stderr.take().expect("piped");
    let input = input.to_vec();
    // A command that fails before it reads leaves a broken pipe.
    thread::spawn(move || drop(stdin.write_all(&input)));
    let said = thread::spawn(move || {
        let mut text = String::new();
        stderr.read_to_string(&mut text).expect("UTF-8");
        text
    });
    let printed = thread::spawn(move || {
        let mut text = String::new();
        stdout.read_to_string(&mut text).expect("UTF-8");
        text
    });
    let status = ended_within(&mut child, &command, patience);
    Ran {
        status,
        stdout: printed.join().expect("read"),
        stderr: said.join().expect("read"),
    }
}

/// Waits for a child, but not for ever.
pub fn ended(child: &mut Child, what: &impl Debug) -> ExitStatus {
    ended_within(child, what, PATIENCE)
}

fn ended_within(child: &mut Child, what: &impl Debug, patience: Duration) -> ExitStatus {
    let deadline = Instant::now() + patience;
    loop {
        if let Some(status) = child.try_wait().expect("a child") {
            return status;
        }
        if Instant::now() > deadline {
            let _ = child.kill();
            panic!("{what:?} hangs");
        }
        thread::sleep(PAUSE);
    }
}

/// Looks until it is so: for what a program does by itself, some time after it has answered.
pub fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < deadline, "waited in vain: {what}");
        thread::sleep(PAUSE);
    }
}

/// The path, which these tests make of plain letters.
pub fn path(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}

/// The text in a JSON value.
pub fn string(value: &Value) -> String {
    value
        .as_str()
        .unwrap_or_else(|| panic!("a text, not {value}"))
        .to_owned()
}
