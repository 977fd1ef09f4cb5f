//! Rows of the daemon's socket.

use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Instant;

use ed25519_dalek::SigningKey;
use rusqlite::{Connection, params};
use serde_json::{Value, json};
use sotto_core::OnionAddress;

use crate::comparison::compare;
use crate::installed::{Home, resident};

/// Messages of a round, one after the other.
const ALONE: u32 = 100;

/// Messages of a round that are sent without waiting.
const PIPELINED: u32 = 2000;

/// Contacts that get the pipelined ones in turns.
const CONTACTS: u8 = 10;

/// Connections that subscribe, and the subscriptions of each: 100 subscribers. The daemon serves 64 clients at once.
const SUBSCRIBERS: [usize; 2] = [10, 10];

/// Events of a round.
const EVENTS: u32 = 50;

/// A connection to the daemon.
pub struct Socket {
    stream: UnixStream,
    lines: BufReader<UnixStream>,
}

impl Socket {
    pub fn open(home: &Home) -> Self {
        let stream = UnixStream::connect(home.data().join("sotto.sock")).expect("the daemon listens");
        let lines = BufReader::new(stream.try_clone().expect("a copy"));
        Self { stream, lines }
    }

    pub fn ask(&mut self, method: &str, params: &Value) {
        let request = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        let line = format!("{request}\n");
        self.stream.write_all(line.as_bytes()).expect("asked");
    }

    /// Reads up to the next message that was queued.
    fn event(&mut self) {
        while !self.line().contains("message.queued") {}
    }

    pub fn line(&mut self) -> String {
        let mut line = String::new();
        self.lines.read_line(&mut line).expect("answered");
        assert!(!line.contains("\"error\""), "{line}");
        line
    }
}

/// A daemon whose contacts cannot be reached, so what is sent to them is queued and no more.
pub fn daemon() -> (Home, Vec<String>) {
    let home = Home::on("local");
    let key = home.key_file();
    home.sotto(&["daemon", "start", "--key-file", key.to_str().expect("UTF-8")]);
    let contact = |seed| {
        let key = SigningKey::from_bytes(&[seed; 32]).verifying_key();
        OnionAddress::from_public_key(key.to_bytes())
            .expect("a key")
            .to_string()
    };
    let contacts: Vec<String> = (1..=CONTACTS).map(contact).collect();
    for contact in &contacts {
        home.call("friends.add", &json!({ "code": contact }));
    }
    (home, contacts)
}

pub fn message(contact: &str, number: u32) -> Value {
    json!({ "conversation": contact, "text": format!("{number:0200}") })
}

/// A plain table of the size of a message, with the store's settings.
fn raw(path: &Path) -> Connection {
    let raw = Connection::open(path).expect("a file");
    raw.execute_batch(&format!(
        "PRAGMA key = \"x'{}'\"; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
         CREATE TABLE row (key INTEGER PRIMARY KEY, value BLOB NOT NULL);",
        "01".repeat(32)
    ))
    .expect("a plain table");
    raw
}

/// A send through the socket, until the answer says `queued`, beside one commit of a message's bytes in SQLCipher. Then as many
/// as a pipe of requests to ten contacts takes in a second.
pub fn send_socket() {
    let (home, contacts) = daemon();
    let mut socket = Socket::open(&home);
    let folder = tempfile::tempdir().expect("a folder");
    let raw = raw(&folder.path().join("raw"));
    let ours = || {
        let start = Instant::now();
        for number in 0..ALONE {
            socket.ask("messages.send", &message(&contacts[0], number));
            socket.line();
        }
        start.elapsed()
    };
    let limit = || {
        let start = Instant::now();
        for _ in 0..ALONE {
            raw.execute("INSERT INTO row (value) VALUES (?1)", params![[7_u8; 200]])
                .expect("written");
        }
        start.elapsed()
    };
    compare("send_socket", ALONE, ours, limit);
    println!(
        "send_socket pipelined={:.0}/s limit=5000/s",
        pipelined(Socket::open(&home), &contacts)
    );

    // From now on the owner proves to be the owner, and each send has an entry in the audit log.
    let passphrase = json!({ "passphrase": "viola correct marzipan" });
    home.call("owner.passphrase", &passphrase);
    let mut owner = Socket::open(&home);
    owner.ask("session.unlock", &passphrase);
    owner.line();
    owner.ask("agents.add", &json!({ "name": "bench", "allow": ["read:*"] }));
    owner.line();
    println!(
        "send_socket owner_pipelined={:.0}/s in a profile with an agent",
        pipelined(owner, &contacts)
    );
}

/// Sends without waiting, to all contacts in turns. Returns how many a second are queued, which is durable: their answers say so.
fn pipelined(mut writer: Socket, contacts: &[String]) -> f64 {
    let mut reader = Socket {
        stream: writer.stream.try_clone().expect("a copy"),
        lines: BufReader::new(writer.stream.try_clone().expect("a copy")),
    };
    let start = Instant::now();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for number in 0..PIPELINED {
                let contact = usize::try_from(number).expect("small") % contacts.len();
                writer.ask("messages.send", &message(&contacts[contact], number));
            }
        });
        for _ in 0..PIPELINED {
            let line = reader.line();
            assert!(line.contains("\"state\":\"queued\""), "{line}");
        }
    });
    f64::from(PIPELINED) / start.elapsed().as_secs_f64()
}

/// The newest message of a conversation in which thousands wait to be delivered, beside the same where ten do.
pub fn history() {
    let (home, contacts) = daemon();
    let (long, short) = (&contacts[..1], &contacts[1..2]);
    for _ in 0..3 {
        pipelined(Socket::open(&home), long);
    }
    let mut socket = Socket::open(&home);
    for number in 0..10 {
        socket.ask("messages.send", &message(&short[0], number));
        socket.line();
    }
    let socket = std::cell::RefCell::new(socket);
    let newest = |of: &str| {
        let mut socket = socket.borrow_mut();
        let start = Instant::now();
        for _ in 0..ALONE {
            socket.ask("messages.history", &json!({ "conversation": of, "limit": 1 }));
            socket.line();
        }
        start.elapsed()
    };
    compare("history", ALONE, || newest(&long[0]), || newest(&short[0]));
}

/// An event until all of a hundred subscribers have it, beside one subscriber.
pub fn fan_out() {
    let (home, contacts) = daemon();
    let mut sender = Socket::open(&home);
    let [sockets, of_each] = SUBSCRIBERS;
    let subscribe = |times: usize| {
        let mut socket = Socket::open(&home);
        for _ in 0..times {
            socket.ask("events.subscribe", &json!({}));
            socket.line();
        }
        socket
    };
    let mut round = |subscribers: &mut [Socket], of_each: usize| {
        let start = Instant::now();
        for number in 0..EVENTS {
            sender.ask("messages.send", &message(&contacts[0], number));
            sender.line();
            for subscriber in subscribers.iter_mut() {
                (0..of_each).for_each(|_| subscriber.event());
            }
        }
        start.elapsed()
    };
    // Only the side that is measured is subscribed.
    let round = std::cell::RefCell::new(&mut round);
    let many = || {
        let mut many: Vec<Socket> = (0..sockets).map(|_| subscribe(of_each)).collect();
        round.borrow_mut()(&mut many, of_each)
    };
    let one = || round.borrow_mut()(&mut [subscribe(1)], 1);
    compare("fan_out", EVENTS, many, one);
    println!("fan_out daemon={} MiB resident", resident(&home.pid()));
}

/// An event until a subscriber has it while another client subscribes to everything and never reads, beside the same without that
/// client. The daemon drops it once its queue is full for too long.
pub fn slow_subscriber() {
    let (home, contacts) = daemon();
    let mut sender = Socket::open(&home);
    let mut round = |stalled: bool| {
        let _stalled = stalled.then(|| {
            let mut stalled = Socket::open(&home);
            for _ in 0..SUBSCRIBERS[1] {
                stalled.ask("events.subscribe", &json!({ "since": 0 }));
            }
            stalled
        });
        let mut reader = Socket::open(&home);
        reader.ask("events.subscribe", &json!({}));
        reader.line();
        let start = Instant::now();
        for number in 0..EVENTS {
            sender.ask("messages.send", &message(&contacts[0], number));
            sender.line();
            reader.event();
        }
        start.elapsed()
    };
    let round = std::cell::RefCell::new(&mut round);
    let (with, without) = (|| round.borrow_mut()(true), || round.borrow_mut()(false));
    compare("slow_subscriber", EVENTS, with, without);
}
