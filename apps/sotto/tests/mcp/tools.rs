//! Every tool, as the first call of a session, on each revision.

use serde_json::{Value, json};
use sotto_api::Body;

use super::agent::agent;
use super::client::{McpClient, REVISIONS};
use super::world::{World, path, string};

/// Every tool with arguments that work for the friend of `bob` whose message has the id.
fn calls(id: &str) -> Vec<(&'static str, Value)> {
    vec![
        ("get_status", json!({})),
        ("get_identity", json!({})),
        ("list_friends", json!({})),
        ("list_friend_requests", json!({})),
        (
            "send_message",
            json!({ "recipient": "bob", "message": "from an agent" }),
        ),
        ("message_status", json!({ "id": id })),
        ("receive_messages", json!({ "limit": 10 })),
        ("get_inbox", json!({ "limit": 5 })),
        ("get_history", json!({ "participant": "bob", "limit": 5 })),
        ("get_message", json!({ "id": id })),
        ("search_messages", json!({ "query": "agent" })),
        ("list_threads", json!({})),
        ("wait_for_messages", json!({ "timeout": 0 })),
        ("ack_messages", json!({ "seq": 1 })),
    ]
}

#[test]
fn every_tool_works_as_the_first_call_on_every_revision() {
    let world = World::new();
    let (mut alice, _bob) = world.friends();
    let id = string(&alice.json(&["send", "bob", "Hello", "--wait", "delivered"])["id"]);
    let token = agent(&alice, "writer", &["read:*", "send:*"], false);
    let open = |revision| McpClient::with(&alice, revision, json!({}), &["--token-file", path(&token)]);
    for (revision, first) in REVISIONS.iter().zip([0, 3, 6, 9, 12]) {
        let calls = calls(&id);
        // Each tool is the first of some session; the other calls of the session follow.
        for (name, arguments) in calls.iter().skip(first).take(3) {
            let mut client = open(revision);
            client.ok(name, arguments);
        }
        let mut client = open(revision);
        for (name, arguments) in &calls {
            client.ok(name, arguments);
        }
        assert!(client.longest < 60_000, "{}", client.longest);
    }

    // The tools of requests: an address at which there is no peer, and a request that is not there.
    let admin = agent(&alice, "admin", &["admin", "read:*", "send:*"], false);
    let mut client = McpClient::with(&alice, "2025-11-25", json!({}), &["--token-file", path(&admin)]);
    let stranger = world.person("carol");
    let added = client.ok("add_friend", &json!({ "code": stranger.friend_code, "name": "carol" }));
    assert_eq!(
        (&added["relationship"], &added["verification"]),
        (&json!("requested"), &json!("unverified"))
    );
    for name in ["accept_friend_request", "reject_friend_request"] {
        let said = client.failure(name, &json!({ "contact": "nobody" }));
        assert_eq!(said["kind"], "unknown_contact", "{name}: {said}");
    }
    // Two that are there: one is turned away, and one becomes a friend.
    let answers = [
        ("dave", "reject_friend_request", "declined"),
        ("erin", "accept_friend_request", "friend"),
    ];
    for (name, tool, becomes) in answers {
        let mut asker = world.person(name);
        world.connect(&asker, &alice);
        asker.start();
        asker.json(&["friends", "add", &alice.friend_code, "--note", "It is me"]);
        alice.until("a request", |event| {
            matches!(event.body, Body::RequestReceived { .. }).then_some(())
        });
        let requests = client.ok("list_friend_requests", &json!({}));
        assert_eq!(requests["requests"][0]["note"], "It is me", "{requests}");
        let answered = client.ok(tool, &json!({ "contact": asker.onion }));
        assert_eq!(answered["relationship"], becomes, "{answered}");
        asker.until("the answer", |event| match event.body {
            Body::RequestDeclined { .. } => (becomes == "declined").then_some(()),
            Body::ContactAdded { .. } => (becomes == "friend").then_some(()),
            _ => None,
        });
    }
    let said = client.failure("send_message", &json!({ "recipient": "bob" }));
    assert_eq!(said["kind"], "invalid_params", "{said}");
    let mut reader = McpClient::open(&alice, "2025-11-25");
    for (name, arguments) in [
        ("add_friend", json!({ "code": stranger.friend_code })),
        ("accept_friend_request", json!({ "contact": stranger.onion })),
    ] {
        let said = reader.failure(name, &arguments);
        assert_ne!(said["kind"], "unknown_contact", "{name} without a token: {said}");
    }
    let said = client.failure("get_status", &json!({ "extra": 1 }));
    assert_eq!(said["kind"], "invalid_params", "{said}");
}
