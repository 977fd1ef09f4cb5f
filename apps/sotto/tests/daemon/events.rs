//! The event log over the socket: listing, waiting, acknowledging, streaming.

use std::time::Duration;

use serde_json::{Value, json};
use sotto_api::Kind;

use crate::support::{Client, Pair, kinds};

fn seqs(events: &Value) -> Vec<u64> {
    events["events"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|event| event["seq"].as_u64())
        .collect()
}

#[tokio::test]
async fn a_consumer_goes_on_where_it_acknowledged() {
    let mut pair = Pair::friends().await;
    for text in ["one", "two", "three"] {
        let send = json!({ "conversation": "bob", "text": text, "wait": "delivered", "timeout": 60 });
        pair.alice.ok("messages.send", send).await;
    }
    let all = pair.bob.ok("events.list", json!({ "consumer": "c" })).await;
    let numbers = seqs(&all);
    assert_eq!(
        numbers,
        (1..=numbers.len() as u64).collect::<Vec<_>>(),
        "from the beginning, without holes"
    );
    assert_eq!((&all["next"], &all["more"]), (&json!(numbers.len()), &json!(false)));
    let first = json!({ "since": 0, "limit": numbers.len() - 1, "timeout": 0 });
    for method in ["events.list", "events.wait"] {
        let mut first = first.clone();
        if method == "events.list" {
            first.as_object_mut().expect("an object").remove("timeout");
        }
        assert_eq!(pair.bob.ok(method, first).await["more"], true, "{method}");
    }
    let received: Vec<_> = all["events"]
        .as_array()
        .expect("a list")
        .iter()
        .filter(|event| event["type"] == "message.received")
        .collect();
    assert_eq!(
        received
            .iter()
            .map(|event| &event["message"]["text"])
            .collect::<Vec<_>>(),
        ["one", "two", "three"]
    );

    let middle = received[1]["seq"].clone();
    let acked = pair
        .bob
        .ok("events.ack", json!({ "consumer": "c", "seq": middle }))
        .await;
    assert_eq!((&acked["consumer"], &acked["seq"]), (&json!("c"), &middle));
    let back = pair.bob.ok("events.ack", json!({ "consumer": "c", "seq": 1 })).await;
    assert_eq!(back["seq"], middle, "never back");
    let wait = json!({ "consumer": "c", "types": ["message.received"], "timeout": 60 });
    let rest = pair.bob.ok("events.wait", wait).await;
    assert_eq!(rest["events"][0]["message"]["text"], "three");
    assert_eq!(
        seqs(&pair.bob.ok("events.list", json!({ "consumer": "c" })).await)[0],
        middle.as_u64().expect("a number") + 1
    );
    assert_eq!(
        seqs(&pair.bob.ok("events.list", json!({ "consumer": "fresh" })).await)[0],
        1,
        "names do not disturb each other"
    );
    pair.end().await;
}

#[tokio::test]
async fn waiting_ends_with_an_event_or_the_timeout_and_blocks_no_other_request() {
    let mut pair = Pair::friends().await;
    let empty = pair.bob.ok("events.wait", json!({ "timeout": 0 })).await;
    assert_eq!(empty["events"], json!([]));

    // The wait and what ends it are on one connection.
    let wait = json!({ "jsonrpc": "2.0", "id": "w", "method": "events.wait", "params": { "types": ["timer.changed"], "timeout": 60 } });
    pair.bob.write(format!("{wait}\n").as_bytes()).await;
    let set = json!({ "jsonrpc": "2.0", "id": "s", "method": "conversations.timer", "params": { "conversation": "alice", "seconds": 9 } });
    pair.bob.write(format!("{set}\n").as_bytes()).await;
    let mut answers = [
        pair.bob.line().await.expect("open"),
        pair.bob.line().await.expect("open"),
    ];
    answers.sort_by_key(|answer| answer["id"].to_string());
    assert_eq!(answers[0]["result"]["ours"], 9);
    assert_eq!(answers[1]["result"]["events"][0]["seconds"], 9);
    pair.end().await;
}

#[tokio::test]
async fn a_subscription_streams_what_was_and_what_comes() {
    let mut pair = Pair::friends().await;
    let deaf = deaf(&mut pair).await;
    let mut listener = pair.homes[1].client().await;
    let subscribed = listener
        .ok("events.subscribe", json!({ "since": 0, "presence": true }))
        .await;
    assert_eq!(subscribed["since"], 0);
    let send = json!({ "conversation": "bob", "text": "live", "wait": "delivered", "timeout": 60 });
    pair.alice.ok("messages.send", send).await;
    let mut expected = 1;
    loop {
        let notification = listener.line().await.expect("open");
        assert_eq!(notification["method"], "events.event");
        assert_eq!(notification["params"]["subscription"], subscribed["subscription"]);
        let event = &notification["params"]["event"];
        if event["type"] == "presence" {
            assert!(event.get("seq").is_none(), "presence is not in the log");
            continue;
        }
        assert_eq!(event["seq"], expected, "in order, without holes");
        expected += 1;
        if event["message"]["text"] == "live" {
            break;
        }
    }
    // Presence is streamed, and is no part of the log.
    pair.alice.ok("node.availability", json!({ "show": "away" })).await;
    loop {
        let event = listener.line().await.expect("open")["params"]["event"].clone();
        if event["type"] == "presence" && event["presence"] == "away" {
            assert_eq!((&event["petname"], event.get("seq")), (&json!("alice"), None));
            break;
        }
    }
    let peers = pair.bob.ok("node.presence", json!({ "contact": "alice" })).await;
    assert_eq!(
        (&peers["peers"][0]["presence"], &peers["peers"][0]["typing"]),
        (&json!("away"), &json!(false))
    );
    assert_is_dropped(deaf).await;
    pair.end().await;
}

/// A client of Bob's that subscribes to more than a socket holds, and does not read.
async fn deaf(pair: &mut Pair) -> Client {
    let text = "x".repeat(32 * 1024);
    for _ in 0..4 {
        let send = json!({ "conversation": "bob", "text": text, "wait": "delivered", "timeout": 60 });
        pair.alice.ok("messages.send", send).await;
    }
    let mut deaf = pair.homes[1].client().await;
    for id in 0..16 {
        let subscribe = json!({ "jsonrpc": "2.0", "id": id, "method": "events.subscribe", "params": { "since": 0 } });
        deaf.write(format!("{subscribe}\n").as_bytes()).await;
    }
    deaf
}

/// It finds whole lines, then the reason, then the end.
async fn assert_is_dropped(mut deaf: Client) {
    // Longer than the daemon waits for it. What the others were told meanwhile did not wait.
    tokio::time::sleep(Duration::from_secs(11)).await;
    let (mut bytes, mut last) = (0, Value::Null);
    while let Some(line) = deaf.line().await {
        bytes += line.to_string().len();
        last = line;
    }
    assert_eq!(
        (&last["method"], &last["params"]["data"]["kind"]),
        (&json!("lagged"), &json!("lagged"))
    );
    assert!(bytes < 2 << 20, "{bytes} bytes: it was not told all that it asked for");
}

#[tokio::test]
async fn a_consumer_that_was_away_too_long_is_told_what_it_missed() {
    let mut pair = Pair::friends().await;
    // The smallest log that the configuration allows, outgrown.
    let config = pair.homes[0].profile.config_file();
    let mut text = std::fs::read_to_string(&config).expect("written by init");
    text.push_str("\nevents_kept = 1000\n");
    std::fs::write(&config, text).expect("ours");
    pair.alice.ok("events.ack", json!({ "consumer": "c", "seq": 1 })).await;
    let [alices, bobs] = pair.daemons;
    alices.stop();
    alices.finished().await.expect("in order");
    let alices = pair.homes[0].start().await;
    pair.alice = pair.homes[0].client().await;
    for batch in 0..12 {
        let requests: Vec<Value> = (0..100)
            .map(|n| json!({ "jsonrpc": "2.0", "id": n, "method": "conversations.timer", "params": { "conversation": "bob", "seconds": batch * 100 + n + 1 } }))
            .collect();
        let line = serde_json::to_string(&requests).expect("json") + "\n";
        pair.alice.write(line.as_bytes()).await;
        let answers = pair.alice.line().await.expect("open");
        let failed: Vec<_> = answers
            .as_array()
            .expect("a batch")
            .iter()
            .filter(|answer| answer.get("result").is_none())
            .collect();
        assert!(failed.is_empty(), "{failed:?}");
    }
    let page = pair
        .alice
        .ok("events.list", json!({ "consumer": "c", "limit": 1 }))
        .await;
    let (gap, first) = (&page["events"][0], &page["events"][1]);
    assert_eq!((&gap["type"], &gap["from"]), (&json!("gap"), &json!(2)));
    assert_eq!(
        gap["to"].as_u64().map(|to| to + 1),
        first["seq"].as_u64(),
        "the gap reaches to what is there"
    );
    assert_eq!(gap["seq"], gap["to"]);
    let fresh = pair
        .alice
        .ok("events.list", json!({ "consumer": "fresh", "limit": 1 }))
        .await;
    assert_eq!(fresh["events"][0], *first, "a new consumer has missed nothing");
    pair.daemons = [alices, bobs];
    pair.end().await;
}

#[tokio::test]
async fn a_look_acknowledges_nothing_until_it_is_said_to_be_enough() {
    let mut pair = Pair::friends().await;
    let send = json!({ "conversation": "bob", "text": "here", "wait": "delivered", "timeout": 60 });
    pair.alice.ok("messages.send", send).await;
    let peeked = pair.bob.ok("messages.receive", json!({ "peek": true })).await;
    assert_eq!(peeked["messages"][0]["text"], "here");
    assert_eq!(
        pair.bob.ok("messages.inbox", json!({ "unread": true })).await["messages"][0]["text"],
        "here"
    );
    // What came afterwards has not been looked at.
    let send = json!({ "conversation": "bob", "text": "later", "wait": "delivered", "timeout": 60 });
    pair.alice.ok("messages.send", send).await;
    let acked = pair.bob.ok("messages.ack", json!({ "seq": peeked["seq"] })).await;
    assert_eq!(acked, json!({ "consumer": "receive", "seq": peeked["seq"] }));
    let unread = pair.bob.ok("messages.inbox", json!({ "unread": true })).await;
    assert_eq!(
        (&unread["messages"][0]["text"], unread["messages"].get(1)),
        (&json!("later"), None)
    );
    let received = pair.bob.ok("messages.receive", json!({ "limit": 1 })).await;
    assert_eq!(
        (&received["messages"][0]["text"], received["messages"].get(1)),
        (&json!("later"), None)
    );
    assert_eq!(
        pair.bob.ok("messages.inbox", json!({ "unread": true })).await["messages"],
        json!([])
    );
    let error = pair
        .bob
        .refused("messages.receive", json!({ "consumer": "x".repeat(65) }))
        .await;
    assert_eq!(kinds(&error), (Kind::InvalidParams, 1));
    pair.end().await;
}
