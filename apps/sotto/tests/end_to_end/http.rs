//! The API over HTTP and signal-cli's shape of it, spoken to as programs made for them speak.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::fs::OpenOptionsExt as _;
use std::os::unix::net::UnixStream;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use sotto_api::{self as api, all};
use sotto_core::row::{Batch, Change, Event, EventRow, Row};
use sotto_core::{EventSeq, Wall};

use crate::world::{PATIENCE, Person, World, string, until};

/// Alice with both endpoints, and Bob.
struct Endpoints {
    world: World,
    alice: Person,
    bob: Person,
    token: String,
}

/// Adds an agent, and writes its token to `NAME.token` in the data folder.
fn agent(owner: &Person, name: &str, allow: &[&str]) -> String {
    let mut client = owner.client();
    let passphrase = api::SetPassphrase {
        passphrase: "correct horse".into(),
    };
    client.call::<all::OwnerPassphrase>(&passphrase).expect("set");
    let add = api::AddAgent {
        name: name.to_owned(),
        allow: allow.iter().map(|&one| one.to_owned()).collect(),
        ..Default::default()
    };
    let token = client.call::<all::AgentsAdd>(&add).expect("added").token.0.clone();
    let path = owner.folder.join(name).with_extension("token");
    let mut file = File::options()
        .create_new(true)
        .write(true)
        .mode(0o600)
        .open(path)
        .expect("a file");
    writeln!(file, "{token}").expect("written");
    token
}

/// An answer.
#[derive(Debug)]
struct HttpResponse {
    status: u16,
    body: String,
}

impl HttpResponse {
    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("JSON, not {self:?}"))
    }
}

impl Endpoints {
    fn new() -> Self {
        let world = World::new();
        let (mut alice, bob) = world.friends();
        let token = agent(&alice, "robot", &["read:bob", "send:bob"]);
        assert!(alice.json(&["status"]).get("endpoints").is_none(), "none by itself");
        alice.stop();
        alice.configure("http = { address = \"127.0.0.1:0\" }");
        alice.configure(
            "signal_cli = { token_file = \"robot.token\", address = \"127.0.0.1:0\", socket = \"signal-cli.sock\" }",
        );
        alice.start();
        Self {
            world,
            alice,
            bob,
            token,
        }
    }

    /// The address of an endpoint, as the status says it.
    fn address(&self, surface: &str) -> String {
        let status = self.alice.json(&["status"]);
        let endpoints = status["endpoints"].as_array().expect("a list").iter();
        let at = endpoints
            .filter(|endpoint| endpoint["surface"] == surface)
            .find_map(|endpoint| endpoint["at"].as_str().and_then(|at| at.strip_prefix("http://")));
        at.expect("an address").to_owned()
    }

    fn rpc(&self, method: &str, params: &Value) -> Value {
        let address = self.address("http");
        let body = json!({ "jsonrpc": "2.0", "id": 7, "method": method, "params": params }).to_string();
        let answer = post(
            &address,
            "/api/v1/rpc",
            &[&format!("Authorization: Bearer {}", self.token)],
            &body,
        );
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.json()
    }

    fn signal(&self, method: &str, params: &Value) -> Value {
        let body = json!({ "jsonrpc": "2.0", "id": "x", "method": method, "params": params }).to_string();
        let answer = post(&self.address("signal-cli"), "/api/v1/rpc", &[], &body);
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.json()
    }
}

fn connect(address: &str) -> TcpStream {
    let stream = TcpStream::connect(address).expect("it listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    stream
}

/// Sends a request as it is, and reads the answer to the end of the connection.
fn raw(address: &str, request: &[u8]) -> HttpResponse {
    let mut stream = connect(address);
    // A server that refuses early does not read the rest.
    let _ = stream.write_all(request);
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    let answer = String::from_utf8_lossy(&answer);
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    let status = head
        .split(' ')
        .nth(1)
        .and_then(|status| status.parse().ok())
        .unwrap_or(0);
    HttpResponse {
        status,
        body: body.to_owned(),
    }
}

fn get(address: &str, path: &str, headers: &[&str]) -> HttpResponse {
    let headers: String = headers.iter().map(|line| format!("{line}\r\n")).collect();
    raw(
        address,
        format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n{headers}\r\n").as_bytes(),
    )
}

fn post(address: &str, path: &str, headers: &[&str], body: &str) -> HttpResponse {
    let headers: String = headers.iter().map(|line| format!("{line}\r\n")).collect();
    let length = body.len();
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n{headers}\r\n"
    );
    raw(address, (head + body).as_bytes())
}

/// A stream of server-sent events.
struct Stream {
    lines: BufReader<TcpStream>,
}

impl Stream {
    fn open(address: &str, path: &str, headers: &[&str]) -> Self {
        let mut stream = connect(address);
        let headers: String = headers.iter().map(|line| format!("{line}\r\n")).collect();
        write!(
            stream,
            "GET {path} HTTP/1.1\r\nHost: {address}\r\nAccept: text/event-stream\r\n{headers}\r\n"
        )
        .expect("sent");
        let mut stream = Self {
            lines: BufReader::new(stream),
        };
        assert_eq!(stream.line(), "HTTP/1.1 200 OK");
        while !stream.line().is_empty() {}
        stream
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        let read = self.lines.read_line(&mut line).expect("a line");
        assert_ne!(read, 0, "the stream has ended");
        line.trim_end().to_owned()
    }

    /// The next event: its id and its data.
    fn event(&mut self) -> (Option<u64>, Value) {
        let mut id = None;
        loop {
            let line = self.line();
            if let Some(number) = line.strip_prefix("id: ") {
                id = number.parse().ok();
            }
            if let Some(data) = line.strip_prefix("data:") {
                return (id, serde_json::from_str(data).expect("JSON"));
            }
        }
    }

    /// The next event of a message that came: its id and its text.
    fn message(&mut self) -> (u64, String) {
        loop {
            let (id, event) = self.event();
            if event["type"] == "message.received" {
                return (id.expect("a number"), string(&event["message"]["text"]));
            }
        }
    }

    /// The next envelope that holds a message.
    fn envelope(&mut self) -> Value {
        loop {
            let (_, data) = self.event();
            if data["envelope"]["dataMessage"]["message"].is_string() {
                return data;
            }
        }
    }
}

#[test]
fn the_api_over_http() {
    let at = Endpoints::new();
    let address = at.address("http");
    let bearer = format!("Authorization: Bearer {}", at.token);
    let bearer = bearer.as_str();
    assert_eq!(get(&address, "/api/v1/check", &[]).status, 200);

    // Only with a token, and only what it allows.
    let rpc = |headers: &[&str], body: &str| post(&address, "/api/v1/rpc", headers, body);
    let status = r#"{"jsonrpc":"2.0","id":1,"method":"node.status"}"#;
    assert_eq!(rpc(&[], status).status, 401);
    assert_eq!(rpc(&["Authorization: Bearer x"], status).status, 401);
    assert_eq!(rpc(&["Authorization: Basic x"], status).status, 401);
    assert_eq!(
        at.rpc("node.status", &json!({}))["result"]["onion"],
        json!(at.alice.onion)
    );
    assert_eq!(at.rpc("daemon.stop", &json!({}))["error"]["data"]["kind"], "forbidden");

    // Ids of every kind, batches, notifications, line ends within JSON.
    let answer = rpc(
        &[bearer],
        "[{\"jsonrpc\":\"2.0\",\n\"id\":18446744073709551616,\r\n\"method\":\"node.status\"}, 1]",
    );
    assert!(answer.body.contains("\"id\":18446744073709551616"), "{answer:?}");
    assert_eq!(answer.json().as_array().map(Vec::len), Some(2), "{answer:?}");
    assert_eq!(
        rpc(&[bearer], r#"{"jsonrpc":"2.0","method":"node.status"}"#).status,
        204
    );
    assert_eq!(rpc(&[bearer], "{").json()["error"]["code"], -32700);
    // What the connection would have to outlive is refused, so nothing is acknowledged before the client has it.
    for (method, params) in [
        ("messages.receive", json!({})),
        ("messages.lock", json!({})),
        ("events.subscribe", json!({})),
    ] {
        assert_eq!(at.rpc(method, &params)["error"]["code"], -32600, "{method}");
    }
    assert!(at.rpc("messages.receive", &json!({ "peek": true }))["result"]["messages"].is_array());

    // What a web page, a wrong path or a wrong method asks for.
    for (request, status) in [
        ("GET /api/v1/check HTTP/1.1\r\nHost: evil.example\r\n\r\n", 421),
        (
            "GET /api/v1/check HTTP/1.1\r\nHost: HERE\r\nOrigin: http://evil.example\r\n\r\n",
            403,
        ),
        (
            "GET /api/v1/check HTTP/1.1\r\nHost: HERE\r\nSec-Fetch-Site: cross-site\r\n\r\n",
            403,
        ),
        ("GET /api/v1/rpc HTTP/1.1\r\nHost: HERE\r\n\r\n", 405),
        ("GET / HTTP/1.1\r\nHost: HERE\r\n\r\n", 404),
        (
            "POST /api/v1/rpc HTTP/1.1\r\nHost: HERE\r\nBEARER\r\nContent-Length: 2\r\n\r\n{}",
            415,
        ),
        ("nonsense\r\n\r\n", 400),
    ] {
        let request = request.replace("HERE", &address).replace("BEARER", bearer);
        let request = request.replacen("\r\n", "\r\nConnection: close\r\n", 1);
        assert_eq!(raw(&address, request.as_bytes()).status, status, "{request}");
    }

    // A body that says it is a GiB, and one of which a GiB comes.
    let head =
        format!("POST /api/v1/rpc HTTP/1.1\r\nHost: {address}\r\n{bearer}\r\nContent-Type: application/json\r\n");
    let huge = format!("{head}Connection: close\r\nContent-Length: 1073741824\r\n\r\nx");
    assert_eq!(raw(&address, huge.as_bytes()).status, 413);
    let before = resident(&at.alice);
    let taken = endless(&address, &format!("{head}Transfer-Encoding: chunked\r\n\r\n"));
    assert!(taken < 64 << 20, "{taken} bytes were taken");
    let grown = resident(&at.alice).saturating_sub(before);
    assert!(grown < 32 << 20, "{grown} bytes more");
    assert_eq!(rpc(&[bearer], status).status, 200);

    // The log as events, from where the client says that it is.
    let mut stream = Stream::open(&address, "/api/v1/events?since=0", &[bearer]);
    at.bob.json(&["send", "alice", "one", "--wait", "delivered"]);
    let (first, text) = stream.message();
    assert_eq!(text, "one");
    at.bob
        .json(&["send", "alice", "two\ndata: forged\n\nevent: x", "--wait", "delivered"]);
    assert_eq!(stream.message().1, "two\ndata: forged\n\nevent: x");
    drop(stream);
    let mut again = Stream::open(
        &address,
        "/api/v1/events",
        &[bearer, &format!("Last-Event-ID: {first}")],
    );
    assert_eq!(again.message().1, "two\ndata: forged\n\nevent: x");
    assert_eq!(
        get(&address, "/api/v1/events", &[bearer, "Last-Event-ID: x"]).status,
        400
    );
    assert_eq!(get(&address, "/api/v1/events", &[]).status, 401);
    drop(at.world);
}

/// Sends a body in chunks, up to a GiB or until the server ends the connection. Returns how much was sent.
fn endless(address: &str, head: &str) -> usize {
    let mut stream = connect(address);
    stream.write_all(head.as_bytes()).expect("sent");
    let mut chunk = format!("{:x}\r\n", 1 << 16).into_bytes();
    chunk.resize(chunk.len() + (1 << 16), b'x');
    chunk.extend_from_slice(b"\r\n");
    let mut sent = 0;
    while sent < 1 << 30 && stream.write_all(&chunk).is_ok() {
        sent += 1 << 16;
    }
    sent
}

/// The resident memory of the person's daemon.
fn resident(person: &Person) -> u64 {
    let process = person.call::<all::NodeStatus>(&api::Nothing {}).pid;
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).expect("it runs");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.trim().strip_suffix(" kB")).expect("a number");
    kib.parse::<u64>().expect("a number") << 10
}

#[test]
fn a_thousand_connections_do_not_keep_others_out() {
    let at = Endpoints::new();
    // More requests than have places, whose bodies do not come. Others are answered meanwhile, and the slow ones told in time.
    for surface in ["signal-cli", "http"] {
        let address = at.address(surface);
        let bearer = format!("Authorization: Bearer {}", at.token);
        let head = "Content-Type: application/json\r\nContent-Length: 100";
        let half = format!("POST /api/v1/rpc HTTP/1.1\r\nHost: {address}\r\n{bearer}\r\n{head}\r\n\r\n{{");
        let began = Instant::now();
        let mut slow: Vec<TcpStream> = (0..40).map(|_| connect(&address)).collect();
        for stream in &mut slow {
            stream.write_all(half.as_bytes()).expect("it reads");
        }
        let status = || match surface {
            "http" => at.rpc("identity.show", &json!({}))["result"]["onion"].is_string(),
            _ => at.signal("version", &json!({}))["result"].is_object(),
        };
        assert!(status() && status(), "{surface}");
        for mut stream in slow {
            let mut answer = [0; 12];
            stream.read_exact(&mut answer).expect("an answer");
            assert_eq!(&answer, b"HTTP/1.1 408", "{surface}");
        }
        assert!(
            began.elapsed() < Duration::from_secs(10),
            "{surface}: {:?}",
            began.elapsed()
        );
    }

    let address = at.address("http");
    // Half a request each. The server serves as many as it has places for, and tells the others.
    let open: Vec<TcpStream> = (0..1000)
        .filter_map(|_| {
            let mut stream = TcpStream::connect(&address).ok()?;
            stream.write_all(b"GET /api").ok()?;
            Some(stream)
        })
        .collect();
    assert!(open.len() > 128);
    // The socket is served meanwhile, and messages flow.
    at.bob.json(&["send", "alice", "meanwhile", "--wait", "delivered"]);
    let deadline = Instant::now() + PATIENCE;
    // Without one of them leaving: a connection may be without a request for so long only.
    while get(&address, "/api/v1/check", &[]).status != 200 {
        assert!(Instant::now() < deadline, "the slow requests hold all places");
        thread::sleep(Duration::from_millis(100));
    }
    drop(open);
}

/// The next message that this person receives. It is on its way when its sender is told that it is sent.
fn received(by: &Person) -> Value {
    until("a message", || by.json(&["receive"])["messages"].get(0).cloned())
}

#[test]
fn programs_made_for_signal_cli() {
    let mut at = Endpoints::new();
    let address = at.address("signal-cli");
    assert_eq!(get(&address, "/api/v1/check", &[]).status, 200);
    assert!(at.signal("version", &json!({}))["result"]["version"].is_string());
    let contacts = at.signal("listContacts", &json!({ "account": "+49123", "allRecipients": true }));
    let bob = &contacts["result"][0];
    let uuid = string(&bob["uuid"]);
    assert_eq!((&bob["name"], &bob["number"]), (&json!("bob"), &Value::Null));
    assert_eq!(at.signal("listGroups", &json!({}))["result"], json!([]));
    assert_eq!(at.signal("updateProfile", &json!({}))["error"]["code"], -32601);
    assert_eq!(
        at.signal("getAttachment", &json!({ "id": "1" }))["error"]["code"],
        -32602
    );

    // What arrives, by both ways; the account is the one that the program asked for.
    let mut stream = Stream::open(&address, "/api/v1/events?account=%2B49123", &[]);
    let socket = UnixStream::connect(at.alice.folder.join("signal-cli.sock")).expect("it listens");
    socket.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    let mut lines = BufReader::new(socket.try_clone().expect("a copy"));
    let mut notification = || {
        let mut line = String::new();
        lines.read_line(&mut line).expect("a line");
        serde_json::from_str::<Value>(&line).expect("JSON")
    };
    writeln!(
        &socket,
        r#"{{"jsonrpc":"2.0","id":"s","method":"subscribeReceive","params":{{"account":"+49123"}}}}"#
    )
    .expect("sent");
    assert_eq!(notification()["result"], json!(0));
    at.bob.json(&["send", "alice", "Hello", "--wait", "delivered"]);
    let envelope = stream.envelope();
    assert_eq!(envelope["account"], "+49123");
    let envelope = &envelope["envelope"];
    assert_eq!(
        (&envelope["sourceUuid"], &envelope["sourceName"]),
        (&json!(uuid), &json!("bob"))
    );
    assert_eq!(
        (&envelope["sourceNumber"], &envelope["dataMessage"]["message"]),
        (&Value::Null, &json!("Hello"))
    );
    let time = envelope["timestamp"].as_u64().expect("milliseconds");
    assert_eq!(envelope["dataMessage"]["timestamp"], json!(time));
    let same = loop {
        let came = notification();
        if came["params"]["result"]["envelope"]["dataMessage"].is_object() {
            break came;
        }
    };
    assert_eq!(
        (&same["method"], &same["params"]["subscription"]),
        (&json!("receive"), &json!(0))
    );
    assert_eq!(same["params"]["result"]["envelope"]["timestamp"], json!(time));

    // What the program does with it.
    let to = json!([uuid]);
    let sent = at.signal(
        "send",
        &json!({ "recipient": to, "message": "Hi", "quoteTimestamp": time, "quoteAuthor": uuid }),
    );
    let answered = sent["result"]["timestamp"].as_u64().expect("a timestamp");
    assert_ne!(answered, time);
    let hi = &received(&at.bob);
    assert_eq!((&hi["text"], hi["reply_to"].is_string()), (&json!("Hi"), true));
    at.signal(
        "sendReaction",
        &json!({ "recipient": to, "emoji": "👀", "targetAuthor": uuid, "targetTimestamp": time }),
    );
    at.signal(
        "sendReceipt",
        &json!({ "recipient": uuid, "type": "read", "targetTimestamp": [time] }),
    );
    let seen = at.alice.call::<all::History>(&api::History {
        conversation: "bob".to_owned(),
        ..Default::default()
    });
    let hello = seen
        .messages
        .iter()
        .find(|message| message.text == "Hello")
        .expect("it is there");
    assert_eq!((hello.state, hello.reactions.len()), (api::MessageState::Read, 1));
    let removed =
        json!({ "recipient": to, "emoji": "", "remove": true, "targetAuthor": uuid, "targetTimestamp": time });
    assert!(at.signal("sendReaction", &removed)["result"].is_object());
    let edited = at.signal(
        "send",
        &json!({ "recipient": to, "message": "Hi!", "editTimestamp": answered }),
    );
    assert!(edited["result"]["timestamp"].is_u64());

    openclaw_over_http(&at, &uuid, time);
    openclaw_on_the_socket(&at, &uuid);

    // Nothing is sent to a recipient that is not meant, and never twice.
    for (params, code) in [
        (json!({ "message": "x" }), -32602),
        (json!({ "recipient": [], "message": "x" }), -32602),
        (
            json!({ "recipient": ["00000000-0000-5000-8000-000000000000"], "message": "x" }),
            -32001,
        ),
        (json!({ "recipient": ["+49123"], "message": "x" }), -32001),
        (json!({ "groupId": "abc", "message": "x" }), -32001),
        (
            json!({ "recipient": to, "message": "x", "attachments": ["/etc/passwd"] }),
            -32602,
        ),
        (json!({ "recipient": to, "message": "x", "quoteTimestamp": 1 }), -32001),
        (json!({ "recipient": to }), -32602),
    ] {
        assert_eq!(at.signal("send", &params)["error"]["code"], json!(code), "{params}");
    }

    // A message has its timestamp for good, and comes again if its stream had not stood for long.
    drop((stream, socket));
    let mut again = Stream::open(&address, "/api/v1/events", &[]);
    assert_eq!(again.envelope()["envelope"]["timestamp"], json!(time));
    drop(again);
    at.alice.kill();
    lengthen_log(&at.alice, &at.bob);
    at.alice.start();
    let reacted = json!({ "recipient": to, "emoji": "👀", "targetAuthor": uuid, "targetTimestamp": time });
    assert!(
        at.signal("sendReaction", &reacted)["result"].is_object(),
        "another daemon knows it as well"
    );
    receives_behind_a_long_log_and_until_the_token_is_revoked(&at);
    drop(at.world);
}

/// Puts so many events into the log of a person whose daemon does not run that no queue on their way holds them.
fn lengthen_log(person: &Person, contact: &Person) {
    let mut store = person.open_store();
    let log = store.reader().expect("a reader").events(EventSeq(u64::MAX), 0);
    let last = log.expect("read").last.0;
    let contact = contact.onion.parse().expect("an address");
    let event = |seq| {
        Change::Put(Row::Event(EventRow {
            seq: EventSeq(seq),
            at: Wall(0),
            event: Event::ContactVerified {
                contact,
                verified: true,
            },
        }))
    };
    let changes = (last + 1..=last + 6000).map(event).collect();
    store.commit(&Batch { changes }).expect("committed");
    store.close().expect("closed");
}

fn receives_behind_a_long_log_and_until_the_token_is_revoked(at: &Endpoints) {
    let socket = UnixStream::connect(at.alice.folder.join("signal-cli.sock")).expect("it listens");
    socket.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    writeln!(&socket, r#"{{"jsonrpc":"2.0","id":"s","method":"subscribeReceive"}}"#).expect("sent");
    let mut lines = BufReader::new(socket).lines().map(|line| {
        let line = line.expect("the connection ends, or goes on");
        serde_json::from_str::<Value>(&line).expect("JSON")
    });
    at.bob
        .json(&["send", "alice", "behind a long log", "--wait", "delivered"]);
    let text = |line: &Value| line["params"]["result"]["envelope"]["dataMessage"]["message"] == "behind a long log";
    assert!(lines.any(|line| text(&line)), "it goes on to the end of the log");

    let mut owner = at.alice.client();
    let passphrase = "correct horse".into();
    owner
        .call::<all::SessionUnlock>(&api::Unlock { passphrase })
        .expect("the owner");
    let name = String::from("robot");
    owner
        .call::<all::AgentsRevoke>(&api::AgentOnly { name })
        .expect("revoked");
    at.bob
        .json(&["send", "alice", "not for the robot", "--wait", "delivered"]);
    for line in lines {
        assert!(!line.to_string().contains("not for the robot"), "{line}");
    }
}

/// What `OpenClaw`'s client for signal-cli's HTTP asks, in its order: the probe, then for a message the signs that it was seen and that an
/// answer is written, the answer, and reactions. It reads `result` of each answer, and `code` and `message` of an error.
fn openclaw_over_http(at: &Endpoints, uuid: &str, time: u64) {
    let address = at.address("signal-cli");
    // The headers of Node's `fetch`.
    let headers = [
        "accept: */*",
        "accept-language: *",
        "sec-fetch-mode: cors",
        "user-agent: node",
        "accept-encoding: gzip, deflate",
    ];
    assert_eq!(get(&address, "/api/v1/check", &headers).status, 200);
    let ask = |method: &str, params: Option<Value>| {
        let mut request = json!({ "jsonrpc": "2.0", "method": method, "id": "5f0c3ad2-8a5e-4c6f-9a53-0a1f3f3e7c11" });
        if let Some(params) = params {
            request["params"] = params;
        }
        let answer = post(&address, "/api/v1/rpc", &headers, &request.to_string());
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.json()
    };
    assert!(ask("version", None)["result"]["version"].is_string());
    let account = "+15550001111";
    let typing = json!({ "recipient": [uuid], "account": account });
    assert!(ask("sendTyping", Some(typing)).get("result").is_some());
    let read = json!({ "recipient": [uuid], "targetTimestamp": time, "type": "read", "account": account });
    assert!(ask("sendReceipt", Some(read)).get("result").is_some());
    // A session is named by its peer, so a recipient may come as it is named there.
    let send = json!({
        "message": "bold words", "text-style": ["0:4:BOLD"], "account": account, "recipient": [format!("uuid:{uuid}")],
    });
    let sent = ask("send", Some(send));
    assert!(sent["result"]["timestamp"].as_u64().is_some_and(|at| at > 0), "{sent}");
    assert_eq!(received(&at.bob)["text"], "bold words");
    let stop = json!({ "recipient": [uuid], "account": account, "stop": true });
    assert!(ask("sendTyping", Some(stop)).get("result").is_some());
    for remove in [false, true] {
        let mut reaction = json!({
            "emoji": "👍", "targetTimestamp": time, "targetAuthor": uuid, "recipients": [uuid], "account": account,
        });
        if remove {
            reaction["remove"] = json!(true);
        }
        assert!(ask("sendReaction", Some(reaction))["result"]["timestamp"].is_u64());
    }
    for group in ["groupId", "groupIds"] {
        let refused = ask("send", Some(json!({ "message": "x", group: ["abc"] })));
        assert!(
            refused["error"]["code"].is_i64() && refused["error"]["message"].is_string(),
            "{refused}"
        );
    }
    let deleted = json!({ "recipient": [uuid], "targetTimestamp": time, "account": account });
    assert_eq!(ask("remoteDelete", Some(deleted))["error"]["code"], -32601);
}

/// What `OpenClaw`'s client for signal-cli's socket asks: a connection for each request and one for what arrives, whose envelopes carry the
/// number that `subscribeReceive` answered. It takes only a socket of its own user in a folder for that user alone.
fn openclaw_on_the_socket(at: &Endpoints, uuid: &str) {
    use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
    let path = at.alice.folder.join("signal-cli.sock");
    let (socket, folder) = (
        path.symlink_metadata().expect("there"),
        at.alice.folder.metadata().expect("there"),
    );
    assert!(socket.file_type().is_socket() && socket.uid() == folder.uid());
    assert_eq!(folder.mode() & 0o777, 0o700);
    let account = "+15550001111";
    let open = |method: &str, params: Value| {
        let stream = UnixStream::connect(&path).expect("it listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        let mut request = json!({ "jsonrpc": "2.0", "id": "one", "method": method });
        if !params.is_null() {
            request["params"] = params;
        }
        writeln!(&stream, "{request}").expect("sent");
        BufReader::new(stream)
    };
    let next = |lines: &mut BufReader<UnixStream>| {
        let mut line = String::new();
        lines.read_line(&mut line).expect("a line");
        let message: Value = serde_json::from_str(&line).expect("JSON");
        assert_eq!(message["jsonrpc"], "2.0", "{message}");
        message
    };
    let version = next(&mut open("version", Value::Null));
    assert!(
        version["id"] == "one" && version["result"]["version"].is_string(),
        "{version}"
    );
    let mut arrives = open("subscribeReceive", json!({ "account": account }));
    let mut subscription = None;
    at.bob.json(&["send", "alice", "on the socket", "--wait", "delivered"]);
    loop {
        let message = next(&mut arrives);
        if message["id"] == "one" {
            subscription = Some(message["result"].as_u64().expect("a number"));
            continue;
        }
        let params = &message["params"];
        assert_eq!(
            (&message["method"], params["subscription"].as_u64()),
            (&json!("receive"), subscription)
        );
        assert_eq!(params["result"]["account"], account);
        let envelope = &params["result"]["envelope"];
        assert_eq!(
            (&envelope["sourceUuid"], &envelope["sourceNumber"]),
            (&json!(uuid), &Value::Null)
        );
        if envelope["dataMessage"]["message"] == "on the socket" {
            break;
        }
    }
    let mut sends = open(
        "send",
        json!({ "message": "back", "recipient": [uuid], "account": account }),
    );
    assert!(next(&mut sends)["result"]["timestamp"].is_u64());
    assert_eq!(received(&at.bob)["text"], "back");
}
