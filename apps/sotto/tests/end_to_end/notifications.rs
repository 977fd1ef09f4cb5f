//! `sotto notifications`, where no desktop shows them. What a desktop shows, `.ci/notifications` asks of a real server.

use serde_json::{Value, json};
use sotto_api::{self as api, Time};

use crate::world::{Person, World};

/// The entry of the only contact in a list.
fn contact(person: &Person) -> Value {
    person.json(&["friends", "list"])["friends"][0].clone()
}

#[test]
fn notifications_are_set_and_conversations_muted_for_good_or_for_a_time() {
    let world = World::new();
    let (mut alice, _bob) = world.friends();
    let shown = alice.json(&["notifications"]);
    let nothing = json!({ "mode": "off", "muted": [], "desktop": { "state": "unknown" } });
    assert_eq!(shown, nothing, "they are off until they are wanted");

    // An absent server is a state, and not an error.
    for (arguments, mode) in [
        (&["notifications", "on"][..], "sender"),
        (&["notifications", "on", "--show", "count"], "count"),
        (&["notifications", "on", "--show", "text"], "text"),
    ] {
        let shown = alice.json(arguments);
        assert_eq!(shown["mode"], mode);
        let desktop = &shown["desktop"];
        assert_eq!(desktop["state"], "unavailable", "{shown}");
        assert!(
            desktop["problem"]
                .as_str()
                .expect("a reason")
                .contains("no notification server")
        );
    }

    let now = Time::now().millis();
    let shown = alice.json(&["notifications", "mute", "bob", "--for", "2h"]);
    let muted = &shown["muted"][0];
    assert_eq!(
        (&muted["petname"], shown["muted"].as_array().map(Vec::len)),
        (&json!("bob"), Some(1))
    );
    let until: Time = serde_json::from_value(muted["until"].clone()).expect("a time");
    let hours = until.millis().abs_diff(now + 2 * 3600 * 1000);
    assert!(hours < 60 * 1000, "{shown}");
    assert_eq!(contact(&alice)["muted"], true);

    // It is remembered.
    alice.stop();
    alice.start();
    let shown = alice.json(&["notifications", "status"]);
    assert_eq!(
        (&shown["mode"], &shown["muted"][0]["petname"]),
        (&json!("text"), &json!("bob"))
    );
    alice.json(&["notifications", "mute", "bob"]);
    assert_eq!(
        alice.json(&["notifications"])["muted"][0]["until"],
        Value::Null,
        "for good"
    );
    alice.json(&["send", "bob", "hello"]);
    assert_eq!(alice.json(&["threads"])["threads"][0]["muted"], true);
    let ran = alice.run(&["notifications"]);
    assert!(ran.stdout.contains("muted") && ran.stdout.contains("bob"), "{ran:#?}");
    alice.json(&["notifications", "unmute", "bob"]);
    assert_eq!(contact(&alice).get("muted"), None);
    assert_eq!(alice.json(&["notifications", "off"])["mode"], "off");
}

#[test]
fn a_mute_ends_when_its_time_is_over() {
    let world = World::new();
    let (alice, _bob) = world.friends();
    let shown = alice.json(&["notifications", "mute", "bob", "--for", "1s"]);
    let until: Time = serde_json::from_value(shown["muted"][0]["until"].clone()).expect("a time");
    while contact(&alice)["muted"] == true {
        assert!(Time::now().millis() < until.millis() + 60_000, "it is still muted");
    }
    assert!(Time::now().millis() >= until.millis(), "not before");
    assert_eq!(alice.json(&["notifications"])["muted"], json!([]));
    let (code, _) = alice.error(&["notifications", "mute", "bob", "--for", "soon"]);
    assert_eq!(code, 1);
    let refused = alice
        .client()
        .call::<api::all::NotificationsMute>(&api::MuteConversation {
            conversation: String::from("bob"),
            seconds: Some(0),
        })
        .expect_err("no time at all");
    assert_eq!(refused.kind(), api::Kind::InvalidParams);
}
