//! Resources, prompts, and the draft extension Events.

use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::net::UnixStream;

use serde_json::{Value, json};

use super::client::{McpClient, REVISIONS};
use super::world::{PATIENCE, World, string};

#[test]
fn resources_and_prompts_hold_what_the_tools_say() {
    let world = World::new();
    let (alice, bob) = world.friends();
    bob.json(&["send", "alice", "unread \"quoted\"", "--wait", "delivered"]);
    for revision in REVISIONS {
        let mut client = McpClient::open(&alice, revision);
        let resources = client.result("resources/list", json!({}));
        let uris: Vec<_> = resources["resources"]
            .as_array()
            .expect("resources")
            .iter()
            .map(|one| string(&one["uri"]))
            .collect();
        assert_eq!(
            uris,
            [
                String::from("sotto://status"),
                String::from("sotto://inbox/unread"),
                format!("sotto://conversation/{}", bob.onion),
            ]
        );
        let templates = client.result("resources/templates/list", json!({}));
        assert_eq!(templates["resourceTemplates"].as_array().map(Vec::len), Some(2));
        for uri in &uris {
            let read = client.result("resources/read", json!({ "uri": uri }));
            let text = string(&read["contents"][0]["text"]);
            let content: Value = serde_json::from_str(&text).expect("JSON");
            if uri != "sotto://status" {
                assert_eq!(content["messages"][0]["text"], "unread \"quoted\"", "{uri}");
                assert_eq!(content["messages"][0]["author"], "bob", "{uri}");
            }
            if revision == "2026-07-28" {
                assert_eq!(
                    (&read["cacheScope"], &read["ttlMs"]),
                    (&json!("private"), &json!(0)),
                    "{uri}"
                );
            }
        }
        for wrong in [
            "sotto://conversation/nobody",
            "sotto://message/00",
            "sotto://else",
            "file:///etc/passwd",
        ] {
            let error = client.request("resources/read", json!({ "uri": wrong }))["error"].clone();
            let expected = if revision == "2026-07-28" { -32602 } else { -32002 };
            assert_eq!(error["code"], expected, "{wrong}: {error}");
        }
        let prompts = client.result("prompts/list", json!({}));
        assert_eq!(prompts["prompts"].as_array().map(Vec::len), Some(3));
        for (name, arguments, holds) in [
            ("summarize_unread", json!({}), "unread"),
            (
                "draft_reply",
                json!({ "participant": "bob", "intent": "yes" }),
                "unread",
            ),
            ("triage_requests", json!({}), "requests"),
        ] {
            let prompt = client.result("prompts/get", json!({ "name": name, "arguments": arguments }));
            let messages = prompt["messages"].as_array().expect("messages");
            assert!(
                string(&messages[1]["content"]["text"]).contains(holds),
                "{name}: {prompt}"
            );
        }
        for wrong in [json!({ "name": "draft_reply" }), json!({ "name": "no such prompt" })] {
            assert_eq!(client.request("prompts/get", wrong)["error"]["code"], -32602);
        }
    }
}

#[test]
fn events_are_polled_and_streamed_from_a_cursor() {
    let world = World::new();
    let (mut alice, bob) = world.friends();
    for revision in ["2025-11-25", "2026-07-28"] {
        let mut client = McpClient::open(&alice, revision);
        let types = client.result("events/list", json!({}));
        for one in types["events"].as_array().expect("events") {
            assert_eq!(one["delivery"], json!(["poll", "push"]), "{one}");
        }
        let now = client.result("events/poll", json!({ "name": "message.received" }));
        assert_eq!((&now["events"], &now["hasMore"]), (&json!([]), &json!(false)), "{now}");
        bob.json(&["send", "alice", "one", "--wait", "delivered"]);
        bob.json(&["send", "alice", "two", "--wait", "delivered"]);
        alice.texts(2);
        let poll = |cursor: &Value| json!({ "name": "message.received", "cursor": cursor });
        let found = client.result("events/poll", poll(&now["cursor"]));
        let texts: Vec<_> = found["events"]
            .as_array()
            .expect("events")
            .iter()
            .map(|one| &one["data"]["text"])
            .collect();
        assert_eq!(texts, ["one", "two"], "{found}");
        assert_eq!(found["events"][0]["data"]["author"], "bob");
        let none = client.result("events/poll", poll(&found["cursor"]));
        assert_eq!(none["events"], json!([]));
        let filtered =
            json!({ "name": "message.received", "cursor": now["cursor"], "arguments": { "conversation": "x" } });
        assert_eq!(client.result("events/poll", filtered)["events"], json!([]));
        let old = json!({ "name": "message.received", "cursor": now["cursor"], "maxAgeMs": 0 });
        assert_eq!(client.result("events/poll", old)["truncated"], true);

        // A stream begins at the cursor, goes on with what comes, and ends when it is cancelled.
        let stream = client.send("events/stream", poll(&now["cursor"]));
        let active = client.line();
        assert_eq!(active["method"], "notifications/events/active", "{active}");
        assert_eq!(
            active["params"]["_meta"]["io.modelcontextprotocol/subscriptionId"],
            stream
        );
        bob.json(&["send", "alice", "three", "--wait", "delivered"]);
        alice.texts(1);
        for expected in ["one", "two", "three"] {
            let event = client.line();
            assert_eq!(event["method"], "notifications/events/event", "{event}");
            assert_eq!(event["params"]["data"]["text"], expected);
            assert_eq!(event["params"]["cursor"], event["params"]["eventId"]);
        }
        client.write(
            &json!({ "jsonrpc": "2.0", "method": "notifications/cancelled", "params": { "requestId": stream } }),
        );

        for (method, params, code) in [
            ("events/poll", json!({ "name": "no.such" }), -32011),
            ("events/stream", json!({ "name": "no.such" }), -32011),
            (
                "events/poll",
                json!({ "name": "message.received", "cursor": "x" }),
                -32602,
            ),
            ("events/poll", json!({}), -32602),
            (
                "events/subscribe",
                json!({ "name": "message.received", "delivery": { "mode": "webhook" } }),
                -32014,
            ),
            ("events/unsubscribe", json!({}), -32014),
        ] {
            assert_eq!(client.request(method, params)["error"]["code"], code, "{method}");
        }
        assert!(client.end().success());
    }
}

/// A cursor is a number of the log, which keeps so many events. What was dropped since is said once, and what is there follows.
#[test]
fn a_cursor_of_what_the_log_no_longer_has_is_truncated() {
    let world = World::new();
    let (mut alice, bob) = (world.person("alice"), world.person("bob"));
    // The smallest log that the configuration allows.
    alice.configure("events_kept = 1000");
    alice.start();
    alice.json(&["friends", "add", &bob.friend_code, "--name", "bob"]);
    // The number 0 is that of a reader that has read nothing, and so has missed nothing.
    alice.json(&["send", "bob", "before"]);
    let mut client = McpClient::open(&alice, "2025-11-25");
    let now = client.result("events/poll", json!({ "name": "message.state" }));
    let poll = |cursor: &Value| json!({ "name": "message.state", "cursor": cursor });
    assert_eq!(client.result("events/poll", poll(&now["cursor"]))["truncated"], false);

    // Twelve hundred events: messages to a peer that is never there, of which one is cancelled.
    let mut first = Value::Null;
    let mut socket = UnixStream::connect(alice.folder.join("sotto.sock")).expect("a daemon");
    socket.set_read_timeout(Some(PATIENCE)).expect("set");
    let mut lines = BufReader::new(socket.try_clone().expect("a copy")).lines();
    for batch in 0..12 {
        let requests: Vec<Value> = (0..100)
            .map(|n| {
                let params = json!({ "conversation": "bob", "text": format!("{batch} {n}") });
                json!({ "jsonrpc": "2.0", "id": n, "method": "messages.send", "params": params })
            })
            .collect();
        writeln!(socket, "{}", Value::from(requests)).expect("asked");
        let line = lines.next().expect("open").expect("answered");
        let answers: Vec<Value> = serde_json::from_str(&line).expect("a batch");
        assert!(answers.iter().all(|one| one["result"]["id"].is_string()), "{answers:?}");
        first = answers[0]["result"]["id"].clone();
    }
    alice.json(&["outbox", "cancel", &string(&first)]);

    let mut cursor = now["cursor"].clone();
    let mut pages = Vec::new();
    loop {
        let page = client.result("events/poll", poll(&cursor));
        cursor = page["cursor"].clone();
        let last = page["hasMore"] == false;
        pages.push(page);
        if last {
            break;
        }
    }
    let truncated: Vec<bool> = pages.iter().map(|page| page["truncated"] == true).collect();
    assert!(truncated[0] && !truncated[1..].contains(&true), "{truncated:?}");
    let found: Vec<&Value> = pages
        .iter()
        .flat_map(|page| page["events"].as_array().expect("a list"))
        .collect();
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(
        (&found[0]["data"]["id"], &found[0]["data"]["state"]),
        (&first, &json!("cancelled"))
    );

    // The stream says it as well.
    client.send("events/stream", poll(&now["cursor"]));
    let active = client.line();
    assert_eq!(
        (&active["method"], &active["params"]["truncated"]),
        (&json!("notifications/events/active"), &json!(true)),
        "{active}"
    );
    let event = client.line();
    assert_eq!(
        event["params"]["data"]["id"], first,
        "it goes on with what is there: {event}"
    );
    assert!(client.end().success());
}
