//! A node that is the program `sotto`: its daemon, which runs on tokio, asked through its API.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;

use serde_json::json;
use sotto_api::{self as api, Direction, MessageState, Method, Relationship, all};
use sotto_client::blocking::Client;
use sotto_io_sqlcipher::{StoreKey, read_salt};
use tempfile::TempDir;
use toml::Table;

use crate::environment::program;
use crate::node::{Message, Node, Picture, Progress, seed_in, until};

/// A data folder, a key file and perhaps a running daemon.
pub struct Daemon {
    folder: TempDir,
    onion: String,
    /// The configuration as init has made it.
    settings: String,
    /// A program that runs the daemon somewhere else, and what it runs there.
    wrapper: Vec<String>,
    /// A library that the daemon is run with.
    preload: Option<PathBuf>,
    running: Option<Child>,
}

impl Daemon {
    /// A fresh identity, whose configuration names the Tor network.
    pub fn new(folder: TempDir, tor: &Table) -> Self {
        let mut daemon = Self {
            folder,
            onion: String::new(),
            settings: String::new(),
            wrapper: Vec::new(),
            preload: None,
            running: None,
        };
        let output = daemon
            .sotto()
            .args(["init", "--name", "somebody", "--key-file"])
            .arg(daemon.key_file())
            .output()
            .expect("sotto runs");
        assert!(output.status.success(), "{output:?}");
        let identity: api::Identity = serde_json::from_slice(&output.stdout).expect("an identity");
        daemon.onion = identity.onion;
        daemon.settings = fs::read_to_string(daemon.config_file()).expect("made by init");
        daemon.configure(tor);
        daemon
    }

    /// What init has written, and this `[tor]` table.
    pub fn configure(&self, tor: &Table) {
        let table = Table::from_iter([("tor".to_owned(), tor.clone().into())]);
        fs::write(self.config_file(), format!("{}\n{table}", self.settings)).expect("written");
    }

    /// From the next start on the daemon is run by `wrapper`, with the library `preload`.
    pub fn surround(&mut self, wrapper: &[&str], preload: Option<PathBuf>) {
        self.wrapper = wrapper.iter().map(|&word| word.to_owned()).collect();
        self.preload = preload;
    }

    /// At the next start it knows no more of the Tor network than on its first day.
    pub fn forget_tor(&self) {
        fs::remove_dir_all(self.data().join("tor")).expect("it was started before");
    }

    fn config_file(&self) -> PathBuf {
        self.data().join("config.toml")
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    pub fn key_file(&self) -> PathBuf {
        self.folder.path().join("key")
    }

    /// The program, in the environment of [`program`].
    pub fn sotto(&self) -> Command {
        self.set_up(program(env!("CARGO_BIN_EXE_sotto")))
    }

    fn set_up(&self, mut command: Command) -> Command {
        command.env("SOTTO_DATA_DIR", self.data());
        command.arg("--json");
        command
    }

    fn call<M: Method>(&self, params: &M::Params) -> M::Result {
        let mut client = Client::connect(&self.data().join("sotto.sock")).expect("a daemon");
        client
            .call::<M>(params)
            .unwrap_or_else(|error| panic!("{}: {error}", M::NAME))
    }

    /// Links that are up.
    pub fn links(&self) -> u64 {
        self.call::<all::NodeStatus>(&api::Nothing {}).links
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }
}

impl Node for Daemon {
    fn start(&mut self) {
        let log = File::options()
            .create(true)
            .append(true)
            .open(self.folder.path().join("log"))
            .expect("a log");
        let mut command = match &*self.wrapper {
            [] => self.sotto(),
            [wrapper, arguments @ ..] => {
                let mut command = program(wrapper);
                command.args(arguments).arg(env!("CARGO_BIN_EXE_sotto"));
                self.set_up(command)
            }
        };
        if let Some(library) = &self.preload {
            command.env("LD_PRELOAD", library);
        }
        command
            .args(["--network", "tor", "daemon", "run", "--key-file"])
            .arg(self.key_file());
        let running = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("sotto runs");
        self.running = Some(running);
        until("the daemon answers", || {
            let ended = self.running.as_mut().and_then(|it| it.try_wait().expect("a child"));
            assert!(ended.is_none(), "{}", self.log());
            Client::connect(&self.data().join("sotto.sock")).map_err(|_| self.log())
        });
    }

    fn kill(&mut self) {
        if let Some(mut running) = self.running.take() {
            running.kill().expect("killed");
            running.wait().expect("gone");
        }
    }

    fn address(&self) -> &str {
        &self.onion
    }

    fn says_its_address(&mut self) -> String {
        self.call::<all::NodeStatus>(&api::Nothing {}).onion
    }

    fn folder(&self) -> &Path {
        self.folder.path()
    }

    fn seed(&self) -> [u8; 32] {
        let database = self.data().join("sotto.db");
        let key = fs::read(self.key_file()).expect("made by init");
        let salt = read_salt(&database).expect("a store").expect("a salt");
        seed_in(&database, &StoreKey::new(key.try_into().expect("32 bytes"), salt))
    }

    fn invite(&mut self) -> String {
        self.call::<all::IdentityInvite>(&api::Nothing {}).friend_code
    }

    fn befriend(&mut self, code: &str) {
        self.call::<all::Add>(&api::Add {
            code: code.to_owned(),
            ..Default::default()
        });
    }

    fn is_friend(&mut self, of: &str) -> bool {
        let friends = self.call::<all::List>(&api::List::default()).friends;
        friends
            .iter()
            .any(|it| it.who.contact == of && it.relationship == Relationship::Friend)
    }

    fn send(&mut self, to: &str, text: &str) {
        let send = api::Send {
            conversation: to.to_owned(),
            text: text.to_owned(),
            ..Default::default()
        };
        self.call::<all::Send>(&send);
    }

    fn history(&mut self, with: &str) -> Vec<Message> {
        let history = api::History {
            conversation: with.to_owned(),
            limit: Some(1000),
            ..Default::default()
        };
        let messages = self.call::<all::History>(&history).messages.into_iter();
        let shown = messages.map(|it| Message {
            text: it.text,
            progress: match (it.direction, it.state) {
                (Direction::In, _) => Progress::Came,
                (Direction::Out, MessageState::Delivered | MessageState::Read) => Progress::Arrived,
                (Direction::Out, MessageState::Queued | MessageState::Sent) => Progress::Waits,
                (Direction::Out, state) => panic!("a message is {state:?}"),
            },
        });
        shown.collect()
    }

    fn picture(&mut self) -> Picture {
        const ALL: Option<u32> = Some(1000);
        let status = self.call::<all::NodeStatus>(&api::Nothing {});
        let mut contacts = self.call::<all::List>(&api::List { all: true }).friends;
        for contact in &mut contacts {
            contact.last_seen = None;
        }
        let histories = contacts.iter().map(|contact| {
            self.call::<all::History>(&api::History {
                conversation: contact.who.contact.clone(),
                limit: ALL,
                ..Default::default()
            })
        });
        let histories: Vec<_> = histories.collect();
        let outbox = self.call::<all::Outbox>(&api::ListOutbox::default());
        let events = self.call::<all::EventsList>(&api::ListEvents {
            since: Some(0),
            limit: ALL,
            ..Default::default()
        });
        let kept = json!({
            "contacts": contacts,
            "requests": self.call::<all::Requests>(&api::Nothing {}),
            "histories": histories,
            "outbox": outbox,
            "events": events,
            "last event": status.last_seq,
            "counts": [status.queued, status.requests],
        });
        Picture {
            kept,
            faults: status.peer_faults,
        }
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        self.kill();
        if thread::panicking() {
            eprintln!("--- log of {}:\n{}", self.onion, self.log());
            return;
        }
        // Whatever a test has a daemon do: at the level that it has by default, its log names no letters of its own address.
        let log = self.log();
        assert!(
            log.is_empty() || log.contains("the daemon has started"),
            "this is the log: {log}"
        );
        assert!(!log.contains(&self.onion[..8]), "{log}");
    }
}
