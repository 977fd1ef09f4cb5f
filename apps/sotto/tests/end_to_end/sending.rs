//! Texts arrive whole, once and in order.

use std::time::Instant;

use sotto_api::{self as api, MessageState, all};

use crate::world::{PATIENCE, World, string};

#[test]
fn ten_times_ok_are_ten_messages() {
    let world = World::new();
    let (alice, mut bob) = world.friends();
    let mut ids: Vec<String> = (0..10)
        .map(|_| string(&alice.json(&["send", "bob", "ok"])["id"]))
        .collect();
    assert_eq!(bob.texts(10), ["ok"; 10]);
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 10);
    assert_eq!(
        bob.json(&["history", "alice"])["messages"].as_array().map(Vec::len),
        Some(10)
    );
}

#[test]
fn a_long_text_arrives_whole_and_one_that_is_too_long_is_refused() {
    let world = World::new();
    let (alice, mut bob) = world.friends();
    let long: String = (0..20_000_u32)
        .map(|n| char::from(b'a' + u8::try_from(n * 7 % 26).unwrap_or(0)))
        .collect();
    let longest = "é".repeat(16_384);
    for text in [&long, &longest] {
        let ran = alice.run_with(&["--json", "send", "bob", "-", "--wait", "delivered"], text.as_bytes());
        assert!(ran.status.success(), "{ran:#?}");
        assert_eq!(bob.texts(1), [text.as_str()]);
    }
    let ran = alice.run_with(&["--json", "send", "bob", "-"], "x".repeat(32_769).as_bytes());
    assert_eq!(ran.status.code(), Some(1), "{ran:#?}");
    assert!(ran.stderr.contains("32") && ran.stdout.is_empty(), "{ran:#?}");
    assert_eq!(
        alice.json(&["history", "bob"])["messages"].as_array().map(Vec::len),
        Some(2)
    );
}

#[test]
fn standard_input_is_the_text_without_its_last_line_feed() {
    let world = World::new();
    let (alice, mut bob) = world.friends();
    assert!(alice.run_with(&["send", "bob", "-"], b"one\ntwo\n\n").status.success());
    assert_eq!(bob.texts(1), ["one\ntwo\n"]);
    let ran = alice.run_with(&["send", "bob", "-"], &[0xff, 0xfe]);
    assert_eq!(ran.status.code(), Some(1));
    assert!(ran.stderr.contains("UTF-8"), "{ran:#?}");
}

#[test]
fn the_same_key_twice_is_one_message() {
    let world = World::new();
    let (alice, mut bob) = world.friends();
    let first = alice.json(&["send", "bob", "pay the bill", "--id", "bill-7", "--wait", "delivered"]);
    let again = alice.json(&["send", "bob", "pay the bill", "--id", "bill-7"]);
    assert_eq!(first["id"], again["id"]);
    let (code, error) = alice.error(&["send", "bob", "pay another bill", "--id", "bill-7"]);
    assert_eq!((code, &error["data"]["kind"]), (1, &serde_json::json!("key_reused")));
    alice.json(&["send", "bob", "and now this", "--wait", "delivered"]);
    assert_eq!(bob.texts(2), ["pay the bill", "and now this"]);
    // Each form in which a message is named.
    let id = string(&first["id"]);
    for named in [
        &id,
        &id[..6],
        &format!("{}/{id}", alice.onion),
        &format!("{}/{}", alice.onion, &id[..6]),
    ] {
        let edited = alice.json(&["edit", "bob", named, &format!("named {named}")]);
        assert_eq!(edited["id"], first["id"]);
    }
    let (code, error) = alice.error(&["edit", "bob", &format!("{}/{id}", bob.onion), "not his"]);
    assert_eq!(
        (code, &error["data"]["kind"]),
        (1, &serde_json::json!("unknown_message"))
    );
}

#[test]
fn five_hundred_messages_wait_for_a_contact_that_is_away() {
    let world = World::new();
    let (mut alice, mut bob) = world.friends();
    bob.stop();
    let mut client = alice.client();
    let texts: Vec<String> = (0..500).map(|n| format!("number {n}")).collect();
    let mut last = String::new();
    for text in &texts {
        let send = api::Send {
            conversation: "bob".to_owned(),
            text: text.clone(),
            ..Default::default()
        };
        last = client.call::<all::Send>(&send).expect("queued").id;
    }
    assert_eq!(alice.json(&["status"])["queued"], 500);
    let waiting = alice.json(&["outbox", "-n", "1000"]);
    assert_eq!(waiting["messages"].as_array().map(Vec::len), Some(500));
    let (code, error) = alice.error(&["send", "bob", "number 500", "--wait", "delivered", "--timeout", "1"]);
    assert_eq!((code, &error["data"]["kind"]), (8, &serde_json::json!("wait_ended")));

    bob.start();
    let since = Instant::now();
    assert_eq!(bob.texts(501)[..500], texts);
    assert!(since.elapsed() < PATIENCE);
    alice.until_state(&last, MessageState::Delivered);
    let history = bob.json(&["history", "alice", "-n", "1000"]);
    assert_eq!(history["messages"].as_array().map(Vec::len), Some(501));
}

#[test]
fn a_message_that_has_not_left_can_be_taken_back_and_sent_again() {
    let world = World::new();
    let (mut alice, mut bob) = world.friends();
    bob.stop();
    let id = string(&alice.json(&["send", "bob", "wait, no"])["id"]);
    assert_eq!(alice.json(&["outbox"])["messages"][0]["id"], id.as_str());
    assert_eq!(alice.json(&["outbox", "cancel", &id[..8]])["state"], "cancelled");
    assert_eq!(alice.json(&["history", "bob"])["messages"][0]["state"], "cancelled");
    assert_eq!(alice.error(&["outbox", "cancel", &id]).0, 1);
    alice.json(&["send", "bob", "this stays"]);
    bob.start();
    assert_eq!(bob.texts(1), ["this stays"]);
    assert_eq!(alice.json(&["outbox", "retry", &id])["state"], "queued");
    assert_eq!(bob.texts(1), ["wait, no"]);
    alice.until_state(&id, MessageState::Delivered);
}

/// The text is cut at the end of a buffer, and so may be its last character.
#[test]
fn a_long_text_on_standard_input_is_too_long_and_not_the_wrong_encoding() {
    let world = World::new();
    let (alice, _bob) = world.friends();
    for text in [
        "汉".repeat(30_000),
        "€".repeat(21_846),
        "a".repeat(70_000),
        "é".repeat(32_768),
    ] {
        let ran = alice.run_with(&["send", "bob", "-"], text.as_bytes());
        assert_eq!(ran.status.code(), Some(1), "{ran:#?}");
        assert!(ran.stderr.contains("text") && ran.stderr.contains("32"), "{ran:#?}");
        assert!(!ran.stderr.contains("UTF-8"), "{ran:#?}");
    }
    for bytes in [&b"\xe6\xb1"[..], b"a\xffb", &vec![0xe6; 65_536]] {
        let ran = alice.run_with(&["send", "bob", "-"], bytes);
        assert_eq!(ran.status.code(), Some(1), "{ran:#?}");
        assert!(ran.stderr.contains("UTF-8"), "{ran:#?}");
    }
    assert_eq!(alice.json(&["history", "bob"])["messages"], serde_json::json!([]));
}
