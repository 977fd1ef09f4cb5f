//! The protocol: revisions, negotiation, lines that are no messages, and a daemon that is not there.

use std::time::Duration;

use serde_json::{Value, json};

use super::client::{McpClient, REVISIONS};
use super::world::World;

#[test]
fn the_first_answer_comes_at_once_and_without_a_daemon_on_every_revision() {
    let world = World::new();
    let mut alice = world.person("alice");
    let mut fastest = Duration::MAX;
    for revision in REVISIONS {
        let mut client = McpClient::with(&alice, revision, json!({}), &[]);
        if revision == "2026-07-28" {
            let found = client.result("server/discover", json!({}));
            assert_eq!(found["supportedVersions"], json!(REVISIONS), "{found}");
        }
        fastest = fastest.min(client.began.elapsed());
        let said = client.failure("get_status", &json!({}));
        assert_eq!(
            (&said["kind"], &said["hint"]),
            (&json!("no_daemon"), &json!("sotto daemon start starts it")),
            "{said}"
        );
        assert_eq!(
            client.result("tools/list", json!({}))["tools"].as_array().map(Vec::len),
            Some(17)
        );
        assert!(client.end().success(), "{revision}");
    }
    assert!(fastest < Duration::from_millis(50), "{fastest:?} from exec");

    // The same session finds the daemon when it is started, and after it was started again.
    let mut client = McpClient::open(&alice, "2025-06-18");
    client.failure("get_identity", &json!({}));
    for _ in 0..2 {
        alice.start();
        assert_eq!(client.ok("get_identity", &json!({}))["onion"], alice.onion.as_str());
        alice.kill();
        client.failure("get_identity", &json!({}));
    }
}

#[test]
fn a_client_that_probes_falls_back_and_a_stray_message_ends_nothing() {
    let world = World::new();
    let alice = world.person("alice");
    let mut client = McpClient::silent(&alice, &[]);
    // Before the first request: notifications, an answer to nothing, lines that are no messages.
    client.write(&json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }));
    client.write(&json!({ "jsonrpc": "2.0", "method": "notifications/cancelled", "params": { "requestId": 1 } }));
    client.write(&json!({ "jsonrpc": "2.0", "id": 7, "result": {} }));
    client.write(&json!({ "jsonrpc": "2.0", "id": null, "error": { "code": -1, "message": "what" } }));
    client.write_line("");
    let refusals: [(&str, i64); 7] = [
        ("{\"jsonrpc\":", -32700),
        ("nonsense", -32700),
        ("[]", -32600),
        ("7", -32600),
        ("{}", -32600),
        (r#"{"jsonrpc":"2.0","id":{},"method":"ping"}"#, -32600),
        (r#"{"jsonrpc":"2.0","id":1.5,"method":"ping"}"#, -32600),
    ];
    for (line, code) in refusals {
        client.write_line(line);
        let answer = client.line();
        assert_eq!(answer["error"]["code"], code, "{line}: {answer}");
    }
    client.write_line(&format!(
        r#"{{"jsonrpc":"2.0","id":1,"method":"{}"}}"#,
        "x".repeat(1 << 20)
    ));
    assert_eq!(client.line()["error"]["code"], -32600, "a line that is too long");
    // A ping is answered before `initialize`; another request is refused and not the end.
    assert_eq!(client.result("ping", json!({})), json!({}));
    assert_eq!(client.request("tools/list", json!({}))["error"]["code"], -32602);
    // Claude Code asks for `server/discover` first, and falls back to `initialize`.
    let meta = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": { "name": "test", "version": "1" },
        "io.modelcontextprotocol/clientCapabilities": {},
    });
    let found = client.result("server/discover", json!({ "_meta": meta }));
    assert_eq!(found["supportedVersions"], json!(REVISIONS));
    assert_eq!(
        client.request("ping", json!({ "_meta": meta }))["error"]["code"],
        -32601,
        "it has no ping"
    );
    assert_eq!(client.initialize()["result"]["protocolVersion"], "2025-11-25");
    client.write(&json!({ "jsonrpc": "2.0", "method": "notifications/unheard_of" }));
    client.write(&json!({ "jsonrpc": "2.0", "id": 99, "result": { "to": "nothing" } }));
    assert_eq!(client.request("tools/unheard_of", json!({}))["error"]["code"], -32601);
    assert_eq!(
        client.request("tools/call", json!({ "name": 7 }))["error"]["code"],
        -32602
    );
    assert_eq!(
        client.request("tools/call", json!({ "name": "unheard_of" }))["error"]["code"],
        -32602
    );
    assert!(client.end().success());

    // A client that goes away without a request is no error.
    assert!(McpClient::silent(&alice, &[]).end().success());
}

#[test]
fn a_batch_is_answered_by_one_batch() {
    let world = World::new();
    let alice = world.person("alice");
    for revision in ["2024-11-05", "2025-03-26"] {
        let mut client = McpClient::open(&alice, revision);
        let call = json!({ "name": "get_history", "arguments": { "participant": "x".repeat(3 << 20 >> 6) } });
        let batch = json!([
            { "jsonrpc": "2.0", "id": "a", "method": "ping" },
            { "jsonrpc": "2.0", "method": "notifications/initialized" },
            { "jsonrpc": "2.0", "id": "b", "method": "tools/call", "params": call },
            { "jsonrpc": "2.0", "id": "c", "method": "tools/list" },
            { "jsonrpc": "2.0", "id": 4, "method": "tools/call", "params": 7 },
            { "jsonrpc": "2.0", "id": {}, "method": "ping" },
            7,
        ]);
        client.write(&batch);
        // Requests by themselves are answered in the meantime.
        client.result("ping", json!({}));
        let answers = client.batch();
        let mut answered: Vec<String> = answers.iter().map(|answer| answer["id"].to_string()).collect();
        answered.sort();
        assert_eq!(answered, ["\"a\"", "\"b\"", "\"c\"", "4", "null", "null"], "{revision}");
        let errors = answers.iter().filter(|answer| answer.get("error").is_some());
        assert_eq!(errors.count(), 3, "{answers:?}");
        // What needs no answer has none: the next line is that of the request.
        client.write(&json!([{ "jsonrpc": "2.0", "method": "notifications/initialized" }]));
        assert_eq!(client.result("ping", json!({})), json!({}));
        client.write(&json!([7]));
        assert_eq!(client.batch().len(), 1);
        assert!(client.end().success());
    }
}

/// An id names one request until it has its answer. Two of one id would both be carried out, and one be answered.
#[test]
fn a_request_whose_id_is_in_use_is_refused_before_it_is_carried_out() {
    let world = World::new();
    let (mut alice, bob) = (world.person("alice"), world.person("bob"));
    alice.start();
    alice.json(&["friends", "add", &bob.friend_code, "--name", "bob"]);
    let waiting = || alice.json(&["approvals", "list"])["approvals"].as_array().map(Vec::len);
    let mut client = McpClient::open(&alice, "2025-06-18");
    let send = |id: Value, text: &str| {
        let arguments = json!({ "recipient": "bob", "message": text });
        let params = json!({ "name": "send_message", "arguments": arguments });
        json!({ "jsonrpc": "2.0", "id": id, "method": "tools/call", "params": params })
    };
    // In one write: the second and the third are read before the daemon has answered the first.
    let lines: Vec<String> = ["one", "two", "three"]
        .iter()
        .map(|text| send(json!(7), text).to_string())
        .collect();
    client.write_line(&lines.join("\n"));
    for _ in 0..2 {
        let refused = client.line();
        let said = refused["error"]["message"].as_str().expect("a message");
        assert_eq!(
            (&refused["error"]["code"], refused.get("id")),
            (&json!(-32600), None),
            "{refused}"
        );
        assert!(said.starts_with("the id 7 is that of a request"), "{refused}");
    }
    let answer = client.line();
    assert_eq!(answer["id"], 7, "{answer}");
    assert_eq!(waiting(), Some(1), "one of three was carried out");

    // A text is another id than the number. An id that has its answer is free.
    client.write_line(&format!("{}\n{}", send(json!("7"), "four"), send(json!(7), "five")));
    let mut answered = [client.line()["id"].to_string(), client.line()["id"].to_string()];
    answered.sort();
    assert_eq!(answered, ["\"7\"", "7"]);
    assert_eq!(waiting(), Some(3));

    // Within a batch, and against one that waits.
    let stream = json!({ "name": "message.received" });
    client.write(&json!([
        { "jsonrpc": "2.0", "id": "a", "method": "ping" },
        { "jsonrpc": "2.0", "id": "a", "method": "ping" },
        { "jsonrpc": "2.0", "id": "b", "method": "events/stream", "params": stream },
    ]));
    let active = client.line();
    assert_eq!(active["method"], "notifications/events/active", "{active}");
    client.write(&send(json!("b"), "six"));
    assert_eq!(client.line()["error"]["code"], -32600);
    client.write(&json!({ "jsonrpc": "2.0", "method": "notifications/cancelled", "params": { "requestId": "b" } }));
    let answers = client.batch();
    let codes: Vec<_> = answers.iter().map(|one| (&one["id"], &one["error"]["code"])).collect();
    assert_eq!(
        codes,
        [(&Value::Null, &json!(-32600)), (&json!("a"), &Value::Null)],
        "{answers:?}"
    );
    assert_eq!(waiting(), Some(3));
    assert!(client.end().success());
}

#[test]
fn an_unknown_revision_is_answered_with_one_that_is_known() {
    let world = World::new();
    let alice = world.person("alice");
    for (asked, given) in [
        ("2030-01-01", "2025-11-25"),
        ("2026-07-28", "2025-11-25"),
        ("x", "2025-11-25"),
    ] {
        let mut client = McpClient::silent(&alice, &[]);
        let params =
            json!({ "protocolVersion": asked, "capabilities": {}, "clientInfo": { "name": "t", "version": "1" } });
        let answer = client.result("initialize", params);
        assert_eq!(answer["protocolVersion"], given, "{answer}");
    }
}
