//! What an agent may not do by itself: the question to the person, and what the person does where the client cannot ask.

use serde_json::{Value, json};
use sotto_api::{ListApprovals, all};

use super::agent::{agent, allow, deny};
use super::client::McpClient;
use super::world::{Person, World, path, string};

fn said(client: &mut McpClient, message: &str) -> Value {
    client.tool("send_message", &json!({ "recipient": "bob", "message": message }))
}

fn text_of(result: &Value) -> Value {
    assert_eq!(result["isError"], true, "{result}");
    serde_json::from_str(result["content"][0]["text"].as_str().expect("text")).expect("JSON")
}

fn open(person: &Person, revision: &'static str, asks: bool, token: Option<&str>) -> McpClient {
    let capabilities = if asks {
        json!({ "elicitation": { "form": {} } })
    } else {
        json!({})
    };
    let arguments: Vec<&str> = token.map_or_else(Vec::new, |file| vec!["--token-file", file]);
    McpClient::with(person, revision, capabilities, &arguments)
}

#[test]
fn without_a_right_nothing_is_sent_until_the_person_allows_it() {
    let world = World::new();
    let (alice, mut bob) = world.friends();
    // No token, and a client that could ask: its question would not count.
    let mut client = open(&alice, "2025-06-18", true, None);
    let told = text_of(&said(&mut client, "without a token"));
    assert_eq!(told["kind"], "approval_required", "{told}");
    let id = string(&told["approval"]);
    assert!(
        string(&told["hint"]).contains(&format!("sotto approvals allow {id}")),
        "{told}"
    );
    assert!(client.others.is_empty(), "{:?}", client.others);
    // The second of these tokens lets its client ask.
    let plain = agent(&alice, "plain", &["read:*"], false);
    let asking = agent(&alice, "asking", &["read:*"], true);
    let (plain, asking) = (path(&plain), path(&asking));
    for (token, asks) in [(plain, true), (asking, false)] {
        let mut client = open(&alice, "2025-11-25", asks, Some(token));
        let told = text_of(&said(&mut client, "cannot ask"));
        assert_eq!(told["kind"], "approval_required", "{told}");
    }
    allow(&alice, &id);
    assert_eq!(bob.texts(1), ["without a token"]);

    // By a request to the client, on the older revisions.
    let mut client = open(&alice, "2025-06-18", true, Some(asking));
    let arguments = json!({ "recipient": "bob", "message": "line\nSend it? yes" });
    for (action, content) in [
        ("decline", Value::Null),
        ("cancel", Value::Null),
        ("accept", json!({ "send": false })),
        ("accept", json!({})),
        ("accept", json!({ "send": true })),
    ] {
        let call = client.send("tools/call", json!({ "name": "send_message", "arguments": arguments }));
        let question = client.line();
        assert_eq!(question["method"], "elicitation/create", "{question}");
        let shown = string(&question["params"]["message"]);
        assert!(
            shown.contains(&bob.onion) && shown.contains("\n> line\n> Send it? yes\n"),
            "{shown}"
        );
        let mut answer = json!({ "action": action });
        if !content.is_null() {
            answer["content"] = content.clone();
        }
        client.write(&json!({ "jsonrpc": "2.0", "id": question["id"], "result": answer }));
        let result = client.answer(call)["result"].clone();
        if content == json!({ "send": true }) {
            assert_eq!(
                result["structuredContent"]["state"]
                    .as_str()
                    .map(|state| state != "failed"),
                Some(true),
                "{result}"
            );
        } else {
            assert_eq!(text_of(&result)["kind"], "refused", "{action}: {result}");
        }
    }
    assert_eq!(bob.texts(1), ["line\nSend it? yes"], "once");

    // By a result that requires input, on the newest: what was shown is sent, once, whatever the second request says.
    let mut client = open(&alice, "2026-07-28", true, Some(asking));
    let asked = said(&mut client, "shown");
    assert_eq!(asked["resultType"], "input_required", "{asked}");
    assert_eq!(
        asked["inputRequests"]["approval"]["method"], "elicitation/create",
        "{asked}"
    );
    let again = json!({
        "name": "send_message",
        "arguments": { "recipient": "bob", "message": "changed" },
        "inputResponses": { "approval": { "action": "accept", "content": { "send": true } } },
        "requestState": asked["requestState"],
    });
    let mut forged = again.clone();
    forged["requestState"] = json!(format!(
        "{}.00",
        string(&asked["requestState"]).split('.').next().expect("an id")
    ));
    text_of(&client.result("tools/call", forged));
    let sent = client.result("tools/call", again.clone());
    assert_eq!(sent["structuredContent"]["conversation"], bob.onion.as_str(), "{sent}");
    let repeated = client.result("tools/call", again);
    assert_eq!(
        repeated["structuredContent"]["id"], sent["structuredContent"]["id"],
        "the same message: {repeated}"
    );
    assert_eq!(bob.texts(1), ["shown"]);
    let history = client.ok("get_history", &json!({ "participant": "bob" }));
    assert_eq!(history["messages"].as_array().map(Vec::len), Some(3), "{history}");
    what_was_decided_elsewhere_is_what_the_agent_is_told(&alice, &mut bob, asking);
}

/// The question is open in the client when the owner decides by another surface.
fn what_was_decided_elsewhere_is_what_the_agent_is_told(alice: &Person, bob: &mut Person, token: &str) {
    let waiting = |text: &str| {
        let listed = alice.call::<all::ApprovalsList>(&ListApprovals::default());
        let found = listed.approvals.into_iter().find(|one| one.text == text);
        found.expect("it waits").id
    };
    // The client never answers, and its question ends.
    let mut client = open(alice, "2025-06-18", true, Some(token));
    let said =
        |message: &str| json!({ "name": "send_message", "arguments": { "recipient": "bob", "message": message } });
    for decided in ["allowed", "denied"] {
        let call = client.send("tools/call", said(decided));
        let question = client.line();
        assert_eq!(question["method"], "elicitation/create", "{question}");
        if decided == "allowed" {
            allow(alice, &waiting(decided));
        } else {
            deny(alice, &waiting(decided));
        }
        let result = client.answer(call)["result"].clone();
        let ended = client.others.pop().expect("a notification");
        assert_eq!(
            (&ended["method"], &ended["params"]["requestId"]),
            (&json!("notifications/cancelled"), &question["id"])
        );
        if decided == "allowed" {
            assert_eq!(
                result["structuredContent"]["conversation"],
                bob.onion.as_str(),
                "{result}"
            );
            assert_eq!(bob.texts(1), ["allowed"]);
        } else {
            assert_eq!(text_of(&result)["kind"], "refused", "{result}");
        }
    }

    // The client answers afterwards, and whatever the answer, what was sent is not called refused.
    let mut client = open(alice, "2026-07-28", true, Some(token));
    for (text, answer) in [
        (
            "said yes too",
            json!({ "action": "accept", "content": { "send": true } }),
        ),
        ("then no", json!({ "action": "decline" })),
        ("then nothing", json!({ "action": "cancel" })),
    ] {
        let asked = client.tool("send_message", &said(text)["arguments"]);
        allow(alice, &waiting(text));
        let mut again = said(text);
        again["inputResponses"] = json!({ "approval": answer });
        again["requestState"] = asked["requestState"].clone();
        let result = client.result("tools/call", again);
        assert_eq!(
            result["structuredContent"]["conversation"],
            bob.onion.as_str(),
            "{answer}: {result}"
        );
        assert_eq!(bob.texts(1), [text]);
    }
    let asked = client.tool("send_message", &said("never")["arguments"]);
    deny(alice, &waiting("never"));
    let mut again = said("never");
    again["inputResponses"] = json!({ "approval": { "action": "accept", "content": { "send": true } } });
    again["requestState"] = asked["requestState"].clone();
    let told = text_of(&client.result("tools/call", again));
    assert_eq!(told["kind"], "refused", "{told}");
}

/// With `reads = "token"` in the configuration.
#[test]
fn without_a_token_nothing_is_read_where_the_owner_says_so() {
    let world = World::new();
    let (mut alice, bob) = world.friends();
    bob.json(&["send", "alice", "hello", "--wait", "delivered"]);
    let file = agent(&alice, "reader", &["read:bob"], false);
    alice.stop();
    alice.configure("agents = { reads = \"token\" }");
    alice.start();
    let mut without = McpClient::open(&alice, "2025-06-18");
    let participant = json!({ "participant": bob.onion });
    for (tool, arguments) in [
        ("get_history", &participant),
        ("get_inbox", &json!({})),
        ("list_friends", &json!({})),
        ("list_threads", &json!({})),
        ("wait_for_messages", &json!({ "timeout": 1 })),
    ] {
        let said = without.failure(tool, arguments);
        assert_eq!(said["kind"], "owner_required", "{tool}: {said}");
    }
    without.ok("get_status", &json!({}));
    let uri = json!({ "uri": "sotto://inbox/unread" });
    let read = without.request("resources/read", uri);
    assert!(!read.to_string().contains("hello"), "{read}");
    let mut with = McpClient::with(&alice, "2025-06-18", json!({}), &["--token-file", path(&file)]);
    let history = with.ok("get_history", &participant);
    assert!(history.to_string().contains("hello"), "{history}");
}
