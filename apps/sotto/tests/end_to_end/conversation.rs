//! Two people talk, as the README tells it.

use sotto_api::MessageState;

use crate::world::{World, string};

#[test]
fn two_people_become_friends_by_request_and_talk() {
    let world = World::new();
    let (mut alice, mut bob) = (world.person("alice"), world.person("bob"));
    world.connect(&alice, &bob);
    alice.start();
    bob.start();

    let asked = bob.json(&[
        "friends",
        "add",
        &alice.friend_code,
        "--name",
        "alice",
        "--note",
        "It is me, Bob.",
    ]);
    assert_eq!(asked["petname"], "alice");
    assert!(
        ["requested", "request_delivered"].contains(&string(&asked["relationship"]).as_str()),
        "{asked}"
    );
    alice.until("the request", |event| {
        matches!(event.body, sotto_api::Body::RequestReceived { .. }).then_some(())
    });
    let requests = alice.json(&["friends", "requests"]);
    assert_eq!(requests["requests"][0]["contact"], bob.onion.as_str());
    assert_eq!(requests["requests"][0]["claimed_name"], "bob");
    assert_eq!(requests["requests"][0]["note"], "It is me, Bob.");

    assert_eq!(alice.json(&["friends", "accept", &bob.onion])["relationship"], "friend");
    bob.until("consent", |event| {
        matches!(event.body, sotto_api::Body::ContactAdded { .. }).then_some(())
    });
    assert_eq!(alice.json(&["friends", "requests"])["requests"], serde_json::json!([]));
    alice.json(&["friends", "rename", &bob.onion[..12], "bob"]);

    let sent = alice.json(&["send", "bob", "Hello, Bob.", "--wait", "delivered", "--timeout", "30"]);
    let hello = string(&sent["id"]);
    assert_eq!(hello.len(), 32);
    assert!(
        ["delivered", "read"].contains(&string(&sent["state"]).as_str()),
        "{sent}"
    );
    assert_eq!(bob.texts(1), ["Hello, Bob."]);

    let received = bob.json(&["receive"]);
    let message = &received["messages"][0];
    assert_eq!(message["id"], hello.as_str());
    assert_eq!(message["conversation"], alice.onion.as_str());
    assert_eq!(message["from"], alice.onion.as_str());
    assert_eq!(message["petname"], "alice");
    assert_eq!(message["claimed_name"], "alice");
    assert_eq!(message["verified"], false);
    assert_eq!(message["text"], "Hello, Bob.");
    assert_eq!(message["content_type"], "plain");
    assert_eq!(message["direction"], "in");
    assert!(message["thread"].is_null() && message["reply_to"].is_null() && message["expires_at"].is_null());
    assert!(string(&message["sent_at"]) <= string(&message["received_at"]));
    assert_eq!(bob.json(&["receive"])["messages"], serde_json::json!([]), "taken once");

    bob.json(&["read", "alice", &hello, "--receipt"]);
    alice.until_state(&hello, MessageState::Read);

    let sent = bob.json(&[
        "send",
        "alice",
        "*Hello*, Alice.",
        "--reply-to",
        &hello,
        "--thread",
        "greetings",
        "--content-type",
        "markdown",
        "--wait",
        "delivered",
    ]);
    let answer = string(&sent["id"]);
    assert_eq!(alice.texts(1), ["*Hello*, Alice."]);
    let history = alice.json(&["history", "bob"]);
    let ids: Vec<&str> = history["messages"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|m| m["id"].as_str())
        .collect();
    assert_eq!(ids, [hello.as_str(), answer.as_str()], "the oldest first");
    assert_eq!(history["messages"][1]["reply_to"], hello.as_str());
    assert_eq!(history["messages"][1]["thread"], "greetings");
    assert_eq!(history["messages"][1]["content_type"], "markdown");
    assert_eq!(history["messages"][0]["direction"], "out");
    assert_eq!(history["messages"][0]["from"], alice.onion.as_str());
}

#[test]
fn what_was_said_can_be_changed_and_answered_with_a_reaction() {
    let world = World::new();
    let (mut alice, mut bob) = world.friends();
    let id = string(&alice.json(&["send", "bob", "Teh first", "--wait", "delivered"])["id"]);
    bob.texts(1);

    alice.json(&["edit", "bob", &id, "The first"]);
    bob.until("the edit", |event| {
        matches!(&event.body, sotto_api::Body::MessageEdited { id: of, .. } if *of == id).then_some(())
    });
    let seen = bob.json(&["history", "alice"]);
    assert_eq!(seen["messages"][0]["text"], "The first");
    assert!(seen["messages"][0]["edited_at"].is_string());

    let reacted = bob.json(&["react", "alice", &id[..8], "👍"]);
    assert_eq!(reacted["reactions"][0]["emoji"], "👍");
    assert_eq!(reacted["reactions"][0]["by"], bob.onion.as_str());
    assert_eq!(reacted["reactions"][0]["direction"], "out");
    let reaction = |event: &sotto_api::Event| {
        matches!(&event.body, sotto_api::Body::MessageReacted { id: of, .. } if *of == id).then_some(())
    };
    alice.until("the reaction", reaction);
    assert_eq!(
        alice.json(&["history", "bob"])["messages"][0]["reactions"][0]["emoji"],
        "👍"
    );
    bob.json(&["react", "alice", &id, "--remove"]);
    alice.until("the reaction's end", reaction);
    assert_eq!(
        alice.json(&["history", "bob"])["messages"][0]["reactions"],
        serde_json::json!([])
    );

    alice.json(&["delete", "bob", &id]);
    bob.until("the deletion", |event| {
        matches!(&event.body, sotto_api::Body::MessageDeleted { id: of, .. } if *of == id).then_some(())
    });
    for (person, other) in [(&alice, "bob"), (&bob, "alice")] {
        let history = person.json(&["history", other]);
        assert_eq!(history["messages"][0]["text"], "");
        assert!(history["messages"][0]["deleted_at"].is_string());
        assert_eq!(person.json(&["search", "first"])["messages"], serde_json::json!([]));
        person.until_wiped();
    }
}

#[test]
fn a_person_reads_plain_words() {
    let world = World::new();
    let (alice, mut bob) = world.friends();
    alice.json(&[
        "send",
        "bob",
        "Line one\nline two \u{1b}[31mred\u{202e}",
        "--wait",
        "delivered",
    ]);
    bob.texts(1);
    let shown = bob.run(&["history", "alice"]);
    assert!(shown.status.success());
    assert!(shown.stdout.contains("alice  Line one\n"), "{}", shown.stdout);
    assert!(
        shown.stdout.contains("line two") && shown.stdout.contains("unread"),
        "{}",
        shown.stdout
    );
    let commands = |c: char| (c.is_control() && c != '\n') || ('\u{202a}'..='\u{202e}').contains(&c);
    assert!(!shown.stdout.contains(commands), "{:?}", shown.stdout);
    let listed = bob.run(&["friends", "list"]);
    assert!(
        listed.stdout.starts_with("NAME") && listed.stdout.contains("alice  friend"),
        "{}",
        listed.stdout
    );
    let quiet = bob.run(&["--quiet", "outbox"]);
    assert_eq!((quiet.stdout.as_str(), quiet.stderr.as_str()), ("", ""));
    assert!(bob.run(&["outbox"]).stderr.contains("everything is delivered"));
}

#[test]
fn what_was_received_is_deleted_here_alone_one_or_all() {
    let world = World::new();
    let (alice, mut bob) = world.friends();
    let first = string(&alice.json(&["send", "bob", "first", "--wait", "delivered"])["id"]);
    alice.json(&["send", "bob", "second", "--wait", "delivered"]);
    bob.texts(2);
    bob.json(&["delete", "alice", &first]);
    let left = bob.json(&["history", "alice"]);
    assert_eq!(left["messages"].as_array().map(Vec::len), Some(1), "{left}");
    assert_eq!(left["messages"][0]["text"], "second");
    assert_eq!(
        alice.json(&["history", "bob"])["messages"].as_array().map(Vec::len),
        Some(2),
        "the author keeps both"
    );
    bob.json(&["send", "alice", "third", "--wait", "delivered"]);
    assert_eq!(bob.json(&["delete", "alice", "--all"])["messages"], 2);
    assert_eq!(bob.json(&["history", "alice"])["messages"], serde_json::json!([]));
    assert_eq!(bob.json(&["search", "second"])["messages"], serde_json::json!([]));
    assert_eq!(bob.error(&["delete", "alice"]).0, 1, "which, or all?");
    assert_eq!(
        alice.json(&["history", "bob"])["messages"].as_array().map(Vec::len),
        Some(3)
    );
}
