//! What happens at once: what two clients ask for in the same moment, what arrives while a request is carried out, and a reader whose
//! position is of another log.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};
use sotto_api::Kind;
use sotto_core::{FriendCode, OnionSecret};

use crate::support::{Client, PATIENCE, Pair, kinds};

#[tokio::test]
async fn what_happens_at_once_has_one_order() {
    let mut pair = Pair::friends().await;
    a_position_beyond_the_end_leads_back_to_it(&mut pair).await;
    a_petname_is_given_to_one_contact(&mut pair).await;
    let gone = a_deletion_takes_what_was_there(&mut pair).await;
    let send = json!({ "conversation": "alice", "text": "the last one", "wait": "delivered", "timeout": 60 });
    pair.bob.ok("messages.send", send).await;
    what_is_gone_keeps_nothing_unread(&mut pair.alice, &gone).await;
    pair.end().await;
}

/// As of a reader that goes on with the restore of a backup.
async fn a_position_beyond_the_end_leads_back_to_it(pair: &mut Pair) {
    let last = pair.alice.ok("node.status", json!({})).await["last_seq"]
        .as_u64()
        .expect("a number");
    let since = last + 1000;
    let check = |event: &Value| {
        let found = ["type", "seq", "from", "to"].map(|field| event[field].clone());
        assert_eq!(found, [json!("gap"), json!(last), json!(last + 1), json!(since)]);
    };
    for (method, params) in [
        ("events.list", json!({ "since": since })),
        (
            "events.wait",
            json!({ "since": since, "types": ["message.received"], "timeout": 60 }),
        ),
    ] {
        let found = pair.alice.ok(method, params).await;
        assert_eq!(
            (&found["next"], found["events"].get(1)),
            (&json!(last), None),
            "{method}"
        );
        check(&found["events"][0]);
    }
    let mut listener = pair.homes[0].client().await;
    listener.ok("events.subscribe", json!({ "since": since })).await;
    check(&listener.line().await.expect("open")["params"]["event"]);
    let timer = json!({ "conversation": "bob", "seconds": 9 });
    pair.alice.ok("conversations.timer", timer).await;
    let next = listener.line().await.expect("open")["params"]["event"].clone();
    assert_eq!(
        (&next["type"], &next["seq"]),
        (&json!("timer.changed"), &json!(last + 1))
    );
    let timer = json!({ "conversation": "bob", "seconds": 0 });
    pair.alice.ok("conversations.timer", timer).await;
}

async fn a_petname_is_given_to_one_contact(pair: &mut Pair) {
    let mut clients = Vec::new();
    for seed in 1..=2 {
        let address = OnionSecret::from_seed(&[seed; 32]).address();
        let code = FriendCode { address, invite: None }.to_string();
        pair.alice.ok("friends.add", json!({ "code": code })).await;
        clients.push((address.to_string(), pair.homes[0].client().await));
    }
    for round in 0..4 {
        for (contact, client) in &mut clients {
            let rename = json!({ "contact": contact, "name": format!("the same {round}") });
            let request = json!({ "jsonrpc": "2.0", "id": 1, "method": "friends.rename", "params": rename });
            client.write(format!("{request}\n").as_bytes()).await;
        }
        let mut granted = 0;
        for (_, client) in &mut clients {
            let answer = client.line().await.expect("an answer");
            match answer.get("error") {
                None => granted += 1,
                Some(error) => assert_eq!(error["data"]["kind"], "invalid_params", "{answer}"),
            }
        }
        assert_eq!(granted, 1, "in round {round}");
    }
}

/// Sends from Bob to Alice until it is told to stop; answers with how many.
async fn burst(mut sender: Client, stop: Arc<AtomicBool>) -> usize {
    const AT_ONCE: usize = 50;
    let mut sent = 0;
    while !stop.load(Ordering::Relaxed) {
        for id in 0..AT_ONCE {
            let params = json!({ "conversation": "alice", "text": "one of many" });
            let send = json!({ "jsonrpc": "2.0", "id": id, "method": "messages.send", "params": params });
            sender.write(format!("{send}\n").as_bytes()).await;
        }
        for _ in 0..AT_ONCE {
            let answer = sender.line().await.expect("an answer");
            assert!(answer.get("result").is_some(), "{answer}");
        }
        sent += AT_ONCE;
    }
    sent
}

/// What arrives after the deletion has begun is not lost. An id of what was deleted.
async fn a_deletion_takes_what_was_there(pair: &mut Pair) -> Value {
    // More than one command erases.
    const BEFORE: usize = 400;
    let stop = Arc::new(AtomicBool::new(false));
    let sending = tokio::spawn(burst(pair.homes[1].client().await, stop.clone()));
    let first = pair.alice.until("message.received").await["seq"].clone();
    for _ in 1..BEFORE {
        pair.alice.until("message.received").await;
    }
    let asked = json!({ "conversation": "bob" });
    let deleted = pair.alice.ok("conversations.delete", asked).await["messages"]
        .as_u64()
        .expect("a number");
    stop.store(true, Ordering::Relaxed);
    let sent = sending.await.expect("sent");

    let mut received = BTreeMap::new();
    let mut erased = Vec::new();
    let mut since = json!(first.as_u64().expect("a number") - 1);
    loop {
        // At the end, what is not here yet is waited for.
        let timeout = if received.len() < sent { PATIENCE.as_secs() } else { 0 };
        let wait = json!({ "since": since, "limit": 1000, "timeout": timeout });
        let page = pair.alice.ok("events.wait", wait).await;
        let events = page["events"].as_array().expect("a list");
        if events.is_empty() {
            break;
        }
        for event in events {
            let (id, seq) = (event["id"].clone(), event["seq"].as_u64().expect("a number"));
            match event["type"].as_str() {
                Some("message.received") => drop(received.insert(id.to_string(), seq)),
                Some("message.disappeared") => erased.push((id, seq)),
                _ => {}
            }
        }
        since = page["next"].clone();
    }
    assert_eq!(received.len(), sent);
    let begin = erased.first().expect("some").1;
    let late: Vec<_> = erased
        .iter()
        .filter(|(id, _)| received[&id.to_string()] > begin)
        .collect();
    assert!(
        late.is_empty(),
        "{} of {} came after the deletion began",
        late.len(),
        erased.len()
    );
    assert_eq!(erased.len() as u64, deleted);
    let history = pair
        .alice
        .ok("messages.history", json!({ "conversation": "bob", "limit": 1000 }))
        .await;
    let left = history["messages"].as_array().expect("a list").len();
    assert_eq!(left, (sent - erased.len()).min(1000), "and the rest is there");
    erased.swap_remove(0).0
}

async fn what_is_gone_keeps_nothing_unread(alice: &mut Client, gone: &Value) {
    let newest = json!({ "conversation": "bob", "limit": 1 });
    let there = alice.ok("messages.history", newest).await["messages"][0]["id"].clone();
    let read = |ids: &[&Value]| json!({ "conversation": "bob", "ids": ids });
    alice.ok("messages.read", read(&[gone, &there])).await;
    assert_eq!(
        alice.ok("messages.status", json!({ "id": there })).await["state"],
        "read"
    );
    let refused = alice.refused("messages.read", read(&[gone])).await;
    assert_eq!(kinds(&refused).0, Kind::UnknownMessage);
}
