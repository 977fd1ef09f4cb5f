//! Hostile and broken clients: no line ends the connection of its client, or that of another one.

use std::path::PathBuf;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};
use sotto_api::{Kind, METHODS};
use sotto_daemon::Daemon;
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::support::{Client, Home, folder};

const LIMIT: usize = 1 << 20;

async fn alone() -> (Home, Daemon, TempDir) {
    let network = folder();
    let home = Home::new("Alice", network.path());
    let daemon = home.start().await;
    (home, daemon, network)
}

fn code(answer: &Value) -> Option<i64> {
    answer["error"]["code"].as_i64()
}

#[tokio::test]
async fn a_line_that_is_no_request_is_answered_and_the_next_one_served() {
    let (home, _daemon, _network) = alone().await;
    let mut client = home.client().await;
    for (line, id, expected) in [
        (&b"{"[..], json!(null), -32700),
        (b"\xff\xfe\x00", json!(null), -32700),
        (b"null", json!(null), -32600),
        (b"[]", json!(null), -32600),
        (br#"{"jsonrpc":"1.0","id":7,"method":"node.status"}"#, json!(7), -32600),
        (
            br#"{"jsonrpc":"2.0","id":7,"method":"node.status","params":[1]}"#,
            json!(7),
            -32600,
        ),
        (
            br#"{"jsonrpc":"2.0","id":"x","method":"node.stats"}"#,
            json!("x"),
            -32601,
        ),
        (
            br#"{"jsonrpc":"2.0","id":7,"method":"node.status","params":{"x":1}}"#,
            json!(7),
            -32602,
        ),
        (
            br#"{"jsonrpc":"2.0","id":7,"method":"messages.send"}"#,
            json!(7),
            -32602,
        ),
    ] {
        client.write(line).await;
        client.write(b"\n").await;
        let answer = client.line().await.expect("open");
        assert_eq!(
            (&answer["id"], code(&answer)),
            (&id, Some(expected)),
            "{}",
            String::from_utf8_lossy(line)
        );
        assert!(answer["error"]["data"]["hint"].is_string());
        client.ok("identity.show", json!({})).await;
    }
}

#[tokio::test]
async fn an_id_comes_back_as_it_was_written() {
    let (home, _daemon, _network) = alone().await;
    let mut client = home.client().await;
    for id in [
        "18446744073709551616",
        "-9223372036854775809",
        "1.50",
        "1e2",
        "\"1.50\"",
    ] {
        let request = format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"identity.show"}}"#);
        client.write(format!("{request}\n[{request}]\n").as_bytes()).await;
        let one = client.text().await;
        assert!(
            one.starts_with(&format!(r#"{{"jsonrpc":"2.0","id":{id},"result""#)),
            "{one}"
        );
        let batch = client.text().await;
        assert_eq!(batch, format!("[{one}]"));
    }
}

#[tokio::test]
async fn a_line_that_is_too_long_is_refused_without_an_end_to_the_conversation() {
    let (home, _daemon, _network) = alone().await;
    let mut client = home.client().await;
    for length in [LIMIT + 1, 3 * LIMIT] {
        client.write(&vec![b'x'; length]).await;
        client.write(b"\n").await;
        let answer = client.line().await.expect("open");
        assert_eq!(code(&answer), Some(-32600));
        assert!(
            answer["error"]["message"].as_str().expect("text").contains("1048576"),
            "{answer}"
        );
        client.ok("identity.show", json!({})).await;
    }
    // The longest line that is allowed is only wrong for what is in it.
    client.write(&vec![b'x'; LIMIT]).await;
    client.write(b"\n").await;
    assert_eq!(code(&client.line().await.expect("open")), Some(-32700));
}

#[tokio::test]
async fn batches_are_answered_whole_and_notifications_not_at_all() {
    let (home, _daemon, _network) = alone().await;
    let mut client = home.client().await;
    let batch = json!([
        { "jsonrpc": "2.0", "id": 1, "method": "identity.show" },
        { "jsonrpc": "2.0", "method": "identity.rename", "params": { "name": "Alicia" } },
        7,
        { "jsonrpc": "2.0", "id": 2, "method": "events.wait", "params": { "timeout": 0 } },
        { "jsonrpc": "2.0", "id": 3, "method": "identity.show" },
        { "jsonrpc": "2.0", "id": null, "method": "no.such" },
    ]);
    client.write(format!("{batch}\n").as_bytes()).await;
    let answers = client.line().await.expect("open");
    let of = |id: Value| {
        answers
            .as_array()
            .expect("a batch")
            .iter()
            .filter(|one| one["id"] == id)
            .collect::<Vec<_>>()
    };
    assert_eq!(of(json!(1))[0]["result"]["name"], "Alice");
    assert_eq!(of(json!(3))[0]["result"]["name"], "Alicia", "carried out in order");
    assert_eq!(of(json!(2))[0]["result"]["events"], json!([]));
    let mut nameless: Vec<_> = of(json!(null)).into_iter().filter_map(code).collect();
    nameless.sort_unstable();
    assert_eq!(nameless, [-32601, -32600]);

    // Notifications have no response, so the next line is the response to the next request.
    let silent = json!([{ "jsonrpc": "2.0", "method": "node.status" }, { "jsonrpc": "2.0", "method": "no.such" }]);
    client
        .write(format!("{silent}\n{}\n\n \t\r\n", silent[0]).as_bytes())
        .await;
    client.ok("identity.show", json!({})).await;

    let long = vec![json!({ "jsonrpc": "2.0", "id": 1, "method": "node.status" }); 101];
    client.write(format!("{}\n", Value::Array(long)).as_bytes()).await;
    assert_eq!(code(&client.line().await.expect("open")), Some(-32600));
}

#[tokio::test]
async fn half_a_line_and_a_sudden_disconnect_disturb_no_other_client() {
    let (home, _daemon, _network) = alone().await;
    let mut witness = home.client().await;
    for bytes in [
        &b"{\"jsonrpc\":\"2.0\",\"id\":1,\"met"[..],
        b"",
        b"\n\n\n",
        &vec![b'x'; 70_000],
    ] {
        let mut client = home.client().await;
        client.write(bytes).await;
        drop(client);
        witness.ok("identity.show", json!({})).await;
    }
    // One that only stops writing still gets its answers, the last line without an end included.
    let mut client = home.client().await;
    client
        .write(b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"identity.show\"}")
        .await;
    client.finish().await;
    assert_eq!(client.line().await.expect("an answer")["id"], 1);
    assert_eq!(client.line().await, None);
}

#[tokio::test]
async fn too_many_clients_are_turned_away_with_a_reason() {
    let (home, _daemon, _network) = alone().await;
    let mut clients = Vec::new();
    for _ in 0..64 {
        let mut client = home.client().await;
        client.ok("identity.show", json!({})).await;
        clients.push(client);
    }
    let mut refused = home.client().await;
    let answer = refused.line().await.expect("a reason");
    assert_eq!(answer["error"]["data"]["kind"], "rate_limited");
    assert_eq!(refused.line().await, None);
    for client in &mut clients {
        client.ok("identity.show", json!({})).await;
    }
}

#[tokio::test]
async fn one_connection_cannot_hold_waits_or_streams_without_end() {
    let (home, _daemon, _network) = alone().await;
    let mut client = home.client().await;
    for id in 0..65 {
        let wait = json!({ "jsonrpc": "2.0", "id": id, "method": "events.wait", "params": { "timeout": 3600 } });
        client.write(format!("{wait}\n").as_bytes()).await;
    }
    let answer = client.line().await.expect("open");
    assert_eq!(
        (&answer["id"], &answer["error"]["data"]["kind"]),
        (&json!(64), &json!("rate_limited"))
    );
    for _ in 0..16 {
        client.ok("events.subscribe", json!({})).await;
    }
    assert_eq!(
        client.refused("events.subscribe", json!({})).await.kind(),
        Kind::RateLimited
    );
}

/// A daemon that outlives the cases of a property test.
struct Fixture {
    runtime: Runtime,
    socket: PathBuf,
    _running: (Home, Daemon, TempDir),
}

impl Fixture {
    fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime");
        let running = runtime.block_on(alone());
        Self {
            socket: running.0.profile.socket(),
            runtime,
            _running: running,
        }
    }

    /// Writes the bytes; then a request must be answered, after nothing but JSON-RPC.
    fn survives(&self, bytes: &[u8]) -> Vec<Value> {
        self.runtime.block_on(async {
            let mut client = Client::connect(&self.socket).await;
            client.write(bytes).await;
            let last = json!({ "jsonrpc": "2.0", "id": "the last one", "method": "identity.show" });
            client.write(format!("\n{last}\n").as_bytes()).await;
            let mut answers = Vec::new();
            loop {
                let answer = client.line().await.expect("the connection goes on");
                if answer["id"] == "the last one" {
                    assert!(answer["result"]["onion"].is_string());
                    return answers;
                }
                for one in answer.as_array().unwrap_or(&vec![answer.clone()]) {
                    assert_eq!(one["jsonrpc"], "2.0", "{one}");
                    assert!(one.get("error").is_some() ^ one.get("result").is_some(), "{one}");
                }
                answers.push(answer);
            }
        })
    }
}

#[test]
fn arbitrary_bytes() {
    let fixture = Fixture::new();
    let piece = prop_oneof![
        vec(any::<u8>(), 0..200),
        Just(b"\n".to_vec()),
        "[\\[\\]{}\",:0-9a-z\\\\ ]{0,80}".prop_map(String::into_bytes),
        Just(br#"{"jsonrpc":"2.0","id":1,"method":"node.status"}"#.to_vec()),
    ];
    let bytes = vec(piece, 0..20).prop_map(|pieces| pieces.concat());
    TestRunner::deterministic()
        .run(&bytes, |bytes| {
            fixture.survives(&bytes);
            Ok(())
        })
        .expect("it survives");
}

#[test]
fn arbitrary_parameters() {
    let fixture = Fixture::new();
    // These do what they say, or wait.
    let methods: Vec<_> = METHODS
        .iter()
        .filter(|method| !["daemon.stop", "events.wait"].contains(&method.name))
        .collect();
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "\\PC{0,40}".prop_map(Value::from),
        Just(json!("0".repeat(32))),
        Just(json!("pg6mmjiyjmcrsslvykfwnntlaru7p5svn6y2ymmju6nubxndf4pscryd.onion")),
    ];
    let value = leaf.prop_recursive(2, 8, 3, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..3).prop_map(Value::from),
            prop::collection::btree_map("[a-z]{1,4}", inner, 0..3).prop_map(|map| map.into_iter().collect::<Value>()),
        ]
    });
    let name = prop::sample::select(vec![
        "contact",
        "conversation",
        "text",
        "id",
        "ids",
        "limit",
        "before",
        "query",
        "with",
        "consumer",
        "since",
        "seq",
        "timeout",
        "wait",
        "ttl",
        "name",
        "note",
        "code",
        "seconds",
        "emoji",
        "mark",
        "number",
        "thread",
        "reply_to",
        "unread",
        "all",
        "types",
        "show",
    ]);
    let params = prop::collection::btree_map(name, value, 0..5);
    let requests = vec((prop::sample::select(methods), params), 1..8);
    TestRunner::deterministic()
        .run(&requests, |requests| {
            let lines: String = requests
                .iter()
                .enumerate()
                .map(|(id, (method, params))| {
                    json!({ "jsonrpc": "2.0", "id": id, "method": method.name, "params": params }).to_string() + "\n"
                })
                .collect();
            for answer in fixture.survives(lines.as_bytes()) {
                prop_assert_ne!(code(&answer), Some(-32603), "{}", answer);
            }
            Ok(())
        })
        .expect("it survives");
}
