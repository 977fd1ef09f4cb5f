//! Resources, prompts, and the draft extension Events.

use serde_json::{Value, json};

use super::client::{McpClient, REVISIONS};
use super::world::{World, string};

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
