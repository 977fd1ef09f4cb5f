//! Profiles in temporary folders, daemons on one local network, and a client that sees every line.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};
use sotto_api::{Identity, Kind};
use sotto_client::Profile;
use sotto_daemon::KeySource;
use sotto_daemon::{Daemon, Options, init};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::time::timeout;

/// Longer than anything here takes on a machine with much else to do.
pub const PATIENCE: Duration = Duration::from_mins(1);

/// A temporary folder with a short name, since that of a socket in it has at most 107 bytes. The machine's own may be long.
pub fn folder() -> TempDir {
    tempfile::Builder::new()
        .prefix("sotto-")
        .tempdir_in("/tmp")
        .expect("a folder")
}

/// A profile with an identity, keyed by a file.
pub struct Home {
    pub profile: Profile,
    pub identity: Identity,
    folder: TempDir,
}

impl Home {
    /// On the local network in `network`.
    pub fn new(name: &str, network: &Path) -> Self {
        let folder = folder();
        let profile = Profile::locate(Some(&folder.path().join("data")), None).expect("a profile");
        let key = KeySource {
            key_file: Some(folder.path().join("key")),
            no_input: true,
            ..KeySource::default()
        };
        let network = format!("local:{}", network.display());
        // `init` brings its own runtime.
        let made = std::thread::scope(|scope| {
            let made = scope.spawn(|| init(&profile, name, Some(&network), &key));
            made.join().expect("no panic")
        });
        let identity = made.expect("a new identity");
        Self {
            profile,
            identity,
            folder,
        }
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    pub fn data(&self) -> PathBuf {
        self.profile.folder().to_owned()
    }

    pub async fn start(&self) -> Daemon {
        Daemon::start(&self.profile, Options::default())
            .await
            .expect("a daemon")
    }

    pub async fn client(&self) -> Client {
        Client::connect(&self.profile.socket()).await
    }
}

/// Two users and their daemons.
pub struct Pair {
    pub alice: Client,
    pub bob: Client,
    pub homes: [Home; 2],
    pub daemons: [Daemon; 2],
    _network: TempDir,
}

impl Pair {
    pub async fn strangers() -> Self {
        let network = folder();
        let homes = [Home::new("Alice", network.path()), Home::new("Bob", network.path())];
        let daemons = [homes[0].start().await, homes[1].start().await];
        let (alice, bob) = (homes[0].client().await, homes[1].client().await);
        Self {
            alice,
            bob,
            homes,
            daemons,
            _network: network,
        }
    }

    pub async fn friends() -> Self {
        let mut pair = Self::strangers().await;
        let [alice, code] = [
            pair.homes[0].identity.onion.clone(),
            pair.homes[1].identity.friend_code.clone(),
        ];
        pair.alice
            .ok("friends.add", json!({ "code": code, "name": "bob" }))
            .await;
        pair.bob.until("request.received").await;
        pair.bob
            .ok("friends.accept", json!({ "contact": alice, "name": "alice" }))
            .await;
        pair.alice.until("contact.added").await;
        pair.bob.until("contact.added").await;
        pair
    }

    pub async fn end(self) {
        let Self {
            alice, bob, daemons, ..
        } = self;
        drop((alice, bob));
        for daemon in daemons {
            daemon.stop();
            timeout(PATIENCE, daemon.finished())
                .await
                .expect("it ends")
                .expect("in order");
        }
    }
}

/// One connection.
pub struct Client {
    lines: Lines<BufReader<OwnedReadHalf>>,
    writer: OwnedWriteHalf,
    last_id: u64,
    seen: u64,
}

impl Client {
    pub async fn connect(socket: &Path) -> Self {
        let (reader, writer) = UnixStream::connect(socket)
            .await
            .expect("a daemon listens")
            .into_split();
        Self {
            lines: BufReader::new(reader).lines(),
            writer,
            last_id: 0,
            seen: 0,
        }
    }

    /// Bytes as they are.
    pub async fn write(&mut self, bytes: &[u8]) {
        self.writer.write_all(bytes).await.expect("the daemon reads");
    }

    /// No more will be written.
    pub async fn finish(&mut self) {
        self.writer.shutdown().await.expect("open until now");
    }

    /// The next line; none at the end.
    pub async fn line(&mut self) -> Option<Value> {
        let line = timeout(PATIENCE, self.lines.next_line())
            .await
            .expect("the daemon writes")
            .expect("whole text");
        line.map(|line| serde_json::from_str(&line).expect("JSON"))
    }

    /// The text of the next line.
    pub async fn text(&mut self) -> String {
        let line = timeout(PATIENCE, self.lines.next_line())
            .await
            .expect("the daemon writes")
            .expect("whole text");
        line.expect("open")
    }

    /// A request, and the line that comes next.
    pub async fn call(&mut self, method: &str, params: Value) -> Value {
        self.last_id += 1;
        let id = self.last_id;
        let request = json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params });
        self.write(format!("{request}\n").as_bytes()).await;
        let answer = self.line().await.expect("an answer");
        assert_eq!(answer["id"], id, "{answer}");
        answer
    }

    /// The result of a request that succeeds.
    pub async fn ok(&mut self, method: &str, params: Value) -> Value {
        let answer = self.call(method, params).await;
        answer
            .get("result")
            .unwrap_or_else(|| panic!("{method}: {answer}"))
            .clone()
    }

    /// The error of a request that fails.
    pub async fn refused(&mut self, method: &str, params: Value) -> sotto_api::Error {
        let answer = self.call(method, params).await;
        let error = answer
            .get("error")
            .unwrap_or_else(|| panic!("{method} succeeded: {answer}"));
        serde_json::from_value(error.clone()).expect("an error of the API")
    }

    /// The next event of that type after those that were waited for before.
    pub async fn until(&mut self, kind: &str) -> Value {
        let params = json!({ "since": self.seen, "types": [kind], "limit": 1, "timeout": PATIENCE.as_secs() });
        let found = self.ok("events.wait", params).await;
        let event = found["events"]
            .get(0)
            .unwrap_or_else(|| panic!("no {kind} came"))
            .clone();
        self.seen = event["seq"].as_u64().expect("a number");
        event
    }
}

/// What programs branch on.
pub fn kinds(error: &sotto_api::Error) -> (Kind, u8) {
    (error.kind(), error.exit_code())
}
