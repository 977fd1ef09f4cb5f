//! What is meant to disappear does, on both sides and from every file.

use std::fs;

use sotto_api::Body;

use crate::world::{World, string};

#[test]
fn a_message_with_a_ttl_disappears_on_both_sides() {
    let world = World::new();
    let (mut alice, mut bob) = world.friends();
    // Long enough to be looked at before, on a machine that has much else to do.
    let send = ["send", "bob", "burn after reading", "--ttl", "5", "--wait", "delivered"];
    let id = string(&alice.json(&send)["id"]);
    bob.texts(1);
    bob.json(&["read", "alice", &id]);
    assert!(
        bob.json(&["history", "alice"])["messages"][0]["expires_at"].is_string(),
        "its clock runs"
    );
    for person in [&mut alice, &mut bob] {
        person.until("its end", |event| {
            matches!(&event.body, Body::MessageDisappeared { id: of, .. } if *of == id).then_some(())
        });
    }
    for (person, other) in [(&alice, "bob"), (&bob, "alice")] {
        assert_eq!(person.json(&["history", other])["messages"], serde_json::json!([]));
        assert_eq!(person.json(&["search", "burn"])["messages"], serde_json::json!([]));
        for entry in fs::read_dir(&person.folder).expect("a folder").flatten() {
            let bytes = fs::read(entry.path()).unwrap_or_default();
            assert!(
                !bytes.windows(18).any(|window| window == b"burn after reading"),
                "{:?}",
                entry.path()
            );
        }
    }
}

#[test]
fn the_tighter_timer_of_the_two_holds() {
    let world = World::new();
    let (alice, mut bob) = world.friends();
    let ours = alice.json(&["ephemeral", "bob", "2h"]);
    assert_eq!(
        (&ours["seconds"], &ours["ours"], &ours["theirs"]),
        (&7200.into(), &7200.into(), &0.into())
    );
    bob.until("her timer", |event| {
        matches!(
            event.body,
            Body::TimerChanged {
                seconds: 7200,
                direction: sotto_api::Direction::In,
                ..
            }
        )
        .then_some(())
    });
    let both = bob.json(&["ephemeral", "alice", "3600"]);
    assert_eq!(
        (&both["seconds"], &both["ours"], &both["theirs"]),
        (&3600.into(), &3600.into(), &7200.into())
    );
    bob.json(&["send", "alice", "an hour", "--wait", "delivered"]);
    bob.json(&["send", "alice", "a minute", "--ttl", "1m", "--wait", "delivered"]);
    let messages = &bob.json(&["history", "alice"])["messages"];
    assert_eq!((&messages[0]["ttl"], &messages[1]["ttl"]), (&3600.into(), &60.into()));
    assert_eq!(bob.json(&["ephemeral", "alice", "off"])["seconds"], 7200);
    assert_eq!(bob.json(&["ephemeral", "alice"])["ours"], 0, "shown, not changed");
}
