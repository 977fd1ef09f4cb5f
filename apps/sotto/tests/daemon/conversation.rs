//! Two people, two daemons: first contact, messages, and what can be asked about them.

use serde_json::{Value, json};
use sotto_api::Kind;

use crate::support::{Client, Pair, kinds};

fn texts(messages: &Value) -> Vec<&str> {
    messages["messages"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|message| message["text"].as_str())
        .collect()
}

#[tokio::test]
async fn strangers_become_friends_and_talk() {
    let mut pair = Pair::strangers().await;
    let [alice_onion, bob_onion] = [0, 1].map(|one| pair.homes[one].identity.onion.clone());
    let code = pair.homes[1].identity.friend_code.clone();

    let added = pair
        .alice
        .ok(
            "friends.add",
            json!({ "code": code, "name": "bob", "note": "It's\nme\u{202e}" }),
        )
        .await;
    assert_eq!(
        (&added["contact"], &added["petname"]),
        (&json!(bob_onion), &json!("bob"))
    );
    assert!(
        added["relationship"].as_str().expect("text").starts_with("request"),
        "{added}"
    );

    let asked = pair.bob.until("request.received").await;
    assert_eq!(
        (&asked["contact"], &asked["claimed_name"]),
        (&json!(alice_onion), &json!("Alice"))
    );
    let requests = pair.bob.ok("friends.requests", json!({})).await;
    assert_eq!(
        requests["requests"][0]["note"], "It's\nme",
        "what could deceive is taken out"
    );
    assert_eq!(
        pair.bob.ok("friends.list", json!({})).await["friends"],
        json!([]),
        "not a friend yet"
    );
    let error = pair
        .bob
        .refused("messages.send", json!({ "conversation": "Alice", "text": "hi" }))
        .await;
    assert_eq!(
        kinds(&error),
        (Kind::UnknownContact, 1),
        "a name that a stranger claims resolves nothing"
    );

    let error = pair.bob.refused("friends.accept", json!({ "contact": "Alice" })).await;
    assert_eq!(kinds(&error), (Kind::UnknownContact, 1), "nor for an answer");
    let suggested = format!("sotto friends accept {} --name NAME", &alice_onion[..12]);
    assert!(error.data.hint.ends_with(&suggested), "{error:?}");

    let accept = json!({ "contact": &alice_onion[..8] });
    let accepted = pair.bob.ok("friends.accept", accept).await;
    assert_eq!(
        (&accepted["relationship"], &accepted["petname"]),
        (&json!("friend"), &json!(null)),
        "a petname is never taken from a claimed name"
    );
    let error = pair
        .bob
        .refused("messages.send", json!({ "conversation": "Alice", "text": "hi" }))
        .await;
    assert_eq!(kinds(&error), (Kind::UnknownContact, 1), "nor that a friend claims");
    pair.alice.until("contact.added").await;

    let sent = json!({ "conversation": "bob", "text": "hello", "wait": "delivered", "thread": "plans", "timeout": 60 });
    let sent = pair.alice.ok("messages.send", sent).await;
    assert_eq!(sent["state"], "delivered");

    let received = pair.bob.ok("messages.receive", json!({})).await;
    let message = &received["messages"][0];
    for (field, expected) in [
        ("id", sent["id"].clone()),
        ("conversation", json!(alice_onion)),
        ("from", json!(alice_onion)),
        ("petname", json!(null)),
        ("claimed_name", json!("Alice")),
        ("verified", json!(false)),
        ("text", json!("hello")),
        ("content_type", json!("plain")),
        ("thread", json!("plans")),
        ("reply_to", json!(null)),
        ("expires_at", json!(null)),
        ("direction", json!("in")),
        ("state", json!("delivered")),
    ] {
        assert_eq!(message[field], expected, "{field}");
    }
    assert!(message["sent_at"].is_string() && message["received_at"].is_string());
    assert_eq!(
        pair.bob.ok("messages.receive", json!({})).await["messages"],
        json!([]),
        "it was acknowledged"
    );
    let again = pair.bob.ok("messages.receive", json!({ "consumer": "other" })).await;
    assert_eq!(texts(&again), ["hello"], "another consumer has not received it");

    // Receiving is reading, and the author is told.
    loop {
        let event = pair.alice.until("message.state").await;
        if event["state"] == "read" {
            assert_eq!(event["id"], sent["id"]);
            break;
        }
    }
    let status = pair
        .alice
        .ok(
            "messages.status",
            json!({ "id": &sent["id"].as_str().expect("text")[..8] }),
        )
        .await;
    assert_eq!(
        (&status["state"], &status["direction"], &status["petname"]),
        (&json!("read"), &json!("out"), &json!("bob"))
    );
    assert_eq!(status["from"], json!(alice_onion));
    pair.end().await;
}

#[tokio::test]
async fn what_is_stored_can_be_read_in_every_way() {
    let mut pair = Pair::friends().await;
    for (text, thread) in [
        ("the first apple", json!(null)),
        ("a second pear", json!("fruit")),
        ("third: Äpfel", json!("fruit")),
    ] {
        let send = json!({ "conversation": "bob", "text": text, "thread": thread, "wait": "delivered", "timeout": 60 });
        pair.alice.ok("messages.send", send).await;
    }
    let history = pair
        .bob
        .ok("messages.history", json!({ "conversation": "ALICE" }))
        .await;
    assert_eq!(
        texts(&history),
        ["the first apple", "a second pear", "third: Äpfel"],
        "the oldest first"
    );
    let id = history["messages"][1]["id"].clone();
    let earlier = pair
        .bob
        .ok(
            "messages.history",
            json!({ "conversation": "alice", "before": id, "limit": 1 }),
        )
        .await;
    assert_eq!(texts(&earlier), ["the first apple"]);
    pages(&mut pair.bob, &history).await;
    let inbox = pair.bob.ok("messages.inbox", json!({ "limit": 2 })).await;
    assert_eq!(texts(&inbox), ["a second pear", "third: Äpfel"]);
    let inbox = pair
        .bob
        .ok("messages.inbox", json!({ "thread": "fruit", "unread": true }))
        .await;
    assert_eq!(texts(&inbox), ["a second pear", "third: Äpfel"]);
    let threads = pair.bob.ok("messages.threads", json!({})).await;
    assert_eq!(
        (&threads["threads"][0]["thread"], &threads["threads"][0]["unread"]),
        (&json!("fruit"), &json!(2))
    );
    assert_eq!(
        texts(
            &pair
                .bob
                .ok("messages.search", json!({ "query": "APFEL", "with": "alice" }))
                .await
        ),
        ["third: Äpfel"]
    );
    assert_eq!(
        texts(&pair.bob.ok("messages.search", json!({ "query": "absent" })).await),
        [""; 0]
    );

    pair.bob
        .ok(
            "messages.read",
            json!({ "conversation": "alice", "ids": [id], "receipt": false }),
        )
        .await;
    let unread = pair.bob.ok("messages.inbox", json!({ "unread": true })).await;
    assert_eq!(texts(&unread), ["the first apple", "third: Äpfel"]);

    let reacted = pair.bob.ok("messages.react", json!({ "id": id, "emoji": "👍" })).await;
    assert_eq!(reacted["reactions"][0]["emoji"], "👍");
    let reply = json!({ "conversation": "alice", "text": "yes", "reply_to": id, "wait": "delivered", "timeout": 60 });
    pair.bob.ok("messages.send", reply).await;
    let history = pair
        .alice
        .ok("messages.history", json!({ "conversation": "bob" }))
        .await;
    assert_eq!(history["messages"][3]["reply_to"], id);
    let reaction = &history["messages"][1]["reactions"][0];
    let bob = &pair.homes[1].identity.onion;
    assert_eq!((&reaction["by"], &reaction["direction"]), (&json!(bob), &json!("in")));

    let edited = pair
        .alice
        .ok("messages.edit", json!({ "id": id, "text": "a second plum" }))
        .await;
    assert_eq!(edited["id"], id);
    pair.bob.until("message.edited").await;
    pair.alice.ok("messages.delete", json!({ "id": id })).await;
    pair.bob.until("message.deleted").await;
    let deleted = pair.bob.ok("messages.status", json!({ "id": id })).await;
    assert!(deleted["text"] == "" && deleted["deleted_at"].is_string(), "{deleted}");

    let timer = pair
        .bob
        .ok(
            "conversations.timer",
            json!({ "conversation": "alice", "seconds": 3600 }),
        )
        .await;
    assert_eq!(
        (&timer["seconds"], &timer["ours"], &timer["theirs"]),
        (&json!(3600), &json!(3600), &json!(0))
    );
    let changed = pair.alice.until("timer.changed").await;
    assert_eq!(
        (&changed["conversation"], &changed["author"], &changed["direction"]),
        (&json!(bob), &json!(bob), &json!("in"))
    );
    assert_eq!(
        (&changed["seconds"], &changed["petname"]),
        (&json!(3600), &json!("bob"))
    );
    pair.end().await;
}

/// The three messages of `history`, all unread and two of them in the thread `fruit`, in each direction.
async fn pages(bob: &mut Client, history: &Value) {
    let id = |n: usize| history["messages"][n]["id"].clone();
    let place =
        |author: &Value, n: usize| format!("{}/{}", author.as_str().expect("text"), id(n).as_str().expect("text"));
    let (alice, us) = (
        &history["messages"][0]["from"],
        bob.ok("identity.show", json!({})).await["onion"].clone(),
    );
    assert_eq!(
        (&history["first_unread"], &history["unread"]),
        (&json!(place(alice, 0)), &json!(3))
    );
    for (place, expected) in [
        (json!({ "after": id(0), "limit": 1 }), &["a second pear"][..]),
        (json!({ "after": id(2) }), &[]),
        (json!({ "after": place(alice, 0) }), &["a second pear", "third: Äpfel"]),
        (json!({ "before": place(alice, 1) }), &["the first apple"]),
        (json!({ "thread": "fruit" }), &["a second pear", "third: Äpfel"]),
        (json!({ "thread": "fruit", "before": id(2) }), &["a second pear"]),
        (
            json!({ "thread": "fruit", "after": id(0) }),
            &["a second pear", "third: Äpfel"],
        ),
    ] {
        let mut params = place.clone();
        params["conversation"] = json!("alice");
        let page = bob.ok("messages.history", params).await;
        assert_eq!(texts(&page), expected, "{place}");
        let newest = place.get("before").or(place.get("after")).is_none();
        let unread = newest.then(|| json!(2));
        assert_eq!(page.get("unread"), unread.as_ref(), "{place}");
    }
    // By another author there is no such message.
    let foreign = json!({ "conversation": "alice", "before": place(&us, 1) });
    let error = bob.refused("messages.history", foreign).await;
    assert_eq!(kinds(&error).0, Kind::UnknownMessage, "{error:?}");
    let both = json!({ "conversation": "alice", "before": id(2), "after": id(0) });
    let error = bob.refused("messages.history", both).await;
    assert_eq!(kinds(&error), (Kind::InvalidParams, 1), "{error:?}");
    for (before, expected) in [
        (None, &["the first apple"][..]),
        (Some(0), &[]),
        (Some(2), &["the first apple"]),
    ] {
        let search = json!({ "query": "apple", "before": before.map(id) });
        assert_eq!(
            texts(&bob.ok("messages.search", search).await),
            expected,
            "before {before:?}"
        );
    }
}

#[tokio::test]
async fn safety_numbers_are_the_same_on_both_sides_and_marked_only_when_they_are() {
    let mut pair = Pair::friends().await;
    let ours = pair.alice.ok("friends.verify", json!({ "contact": "bob" })).await;
    let theirs = pair.bob.ok("friends.verify", json!({ "contact": "alice" })).await;
    assert_eq!((&ours["number"], &ours["verified"]), (&theirs["number"], &json!(false)));
    let number = ours["number"].as_str().expect("text");
    assert!(
        number.len() == 60 && number.bytes().all(|byte| byte.is_ascii_digit()),
        "{number}"
    );

    let wrong = "0".repeat(60);
    for params in [
        json!({ "contact": "bob", "mark": true, "number": wrong }),
        json!({ "contact": "bob", "number": wrong }),
    ] {
        let error = pair.alice.refused("friends.verify", params).await;
        assert_eq!(kinds(&error), (Kind::UntrustedKey, 4));
    }
    let spaced = number
        .as_bytes()
        .chunks(5)
        .map(|five| String::from_utf8_lossy(five))
        .collect::<Vec<_>>()
        .join(" ");
    let marked = pair
        .alice
        .ok(
            "friends.verify",
            json!({ "contact": "bob", "mark": true, "number": spaced }),
        )
        .await;
    assert_eq!(marked["verified"], true);
    assert_eq!(
        pair.alice.ok("friends.list", json!({})).await["friends"][0]["verified"],
        true
    );
    let unmarked = pair
        .alice
        .ok("friends.verify", json!({ "contact": "bob", "mark": false }))
        .await;
    assert_eq!(unmarked["verified"], false);
    pair.end().await;
}

#[tokio::test]
async fn a_message_waits_for_one_who_is_away_and_can_be_taken_back() {
    let mut pair = Pair::friends().await;
    let question = json!({ "conversation": "alice", "text": "well?", "wait": "delivered" });
    let question = pair.bob.ok("messages.send", question).await;
    let [_, bobs] = &pair.daemons;
    bobs.stop();
    let [alices, bobs] = pair.daemons;
    bobs.finished().await.expect("in order");

    let reaction = json!({ "id": question["id"], "emoji": "🤔" });
    pair.alice.ok("messages.react", reaction).await;
    assert_eq!(
        pair.alice.ok("node.status", json!({})).await["queued"],
        0,
        "it waits too, and is no message"
    );
    let send =
        json!({ "conversation": "bob", "text": "are you there?", "id": "k1", "wait": "delivered", "timeout": 1 });
    let error = pair.alice.refused("messages.send", send).await;
    assert_eq!(kinds(&error), (Kind::WaitEnded, 8));
    let sent = error.data.sent.expect("which message it is");
    let again = pair
        .alice
        .ok(
            "messages.send",
            json!({ "conversation": "bob", "text": "are you there?", "id": "k1" }),
        )
        .await;
    assert_eq!(
        (&again["id"], &again["state"]),
        (&json!(sent.id), &json!("queued")),
        "the same key is the same message"
    );
    let error = pair
        .alice
        .refused(
            "messages.send",
            json!({ "conversation": "bob", "text": "another", "id": "k1" }),
        )
        .await;
    assert_eq!(kinds(&error), (Kind::KeyReused, 1));

    let second = pair
        .alice
        .ok("messages.send", json!({ "conversation": "bob", "text": "never mind" }))
        .await;
    let outbox = pair.alice.ok("outbox.list", json!({ "conversation": "bob" })).await;
    assert_eq!(texts(&outbox), ["are you there?", "never mind"]);
    assert!(
        outbox["messages"][0]["attempts"].is_u64() && outbox["messages"][0]["gives_up_at"].is_string(),
        "{outbox}"
    );
    assert_eq!(pair.alice.ok("node.status", json!({})).await["queued"], 2);
    assert_eq!(
        pair.alice.ok("outbox.cancel", json!({ "id": second["id"] })).await["state"],
        "cancelled"
    );
    let error = pair.alice.refused("outbox.cancel", json!({ "id": second["id"] })).await;
    assert_eq!(kinds(&error), (Kind::WrongState, 1));

    let bobs = pair.homes[1].start().await;
    pair.bob = pair.homes[1].client().await;
    // Bob may have linked to Alice first; then there is nothing left to retry.
    let retried = pair.alice.call("outbox.retry", json!({ "id": sent.id })).await;
    assert!(
        retried["result"]["id"] == json!(sent.id) || retried["error"]["data"]["kind"] == "wrong_state",
        "{retried}"
    );
    let came = pair
        .bob
        .ok(
            "events.wait",
            json!({ "consumer": "new", "types": ["message.received"], "timeout": 60 }),
        )
        .await;
    assert_eq!(came["events"][0]["message"]["text"], "are you there?");
    pair.daemons = [alices, bobs];
    pair.end().await;
}

#[tokio::test]
async fn a_declined_request_ends_the_wait() {
    let mut pair = Pair::strangers().await;
    let code = pair.homes[1].identity.friend_code.clone();
    pair.alice
        .ok("friends.add", json!({ "code": code, "name": "bob" }))
        .await;
    pair.bob.until("request.received").await;
    let mut other = pair.homes[0].client().await;
    let alice = pair.homes[0].identity.onion.clone();
    let send = json!({ "conversation": "bob", "text": "please", "wait": "delivered", "timeout": 60 });
    let (error, rejected) = tokio::join!(other.refused("messages.send", send), async {
        pair.alice.until("message.queued").await;
        pair.bob.ok("friends.reject", json!({ "contact": alice })).await
    });
    assert_eq!(rejected["relationship"], "declined");
    assert_eq!(kinds(&error), (Kind::Refused, 6));
    pair.end().await;
}
