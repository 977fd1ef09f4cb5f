//! Who may talk to whom, and who somebody is.

use sotto_api::Body;

use crate::world::{World, string};

#[test]
fn both_sides_see_the_same_safety_number_and_can_mark_it() {
    let world = World::new();
    let (alice, bob) = world.friends();
    let seen = alice.json(&["friends", "verify", "bob"]);
    let number = string(&seen["number"]);
    assert_eq!(number.len(), 60);
    assert!(number.bytes().all(|digit| digit.is_ascii_digit()));
    assert_eq!(bob.json(&["friends", "verify", "alice"])["number"], number.as_str());
    assert_eq!(seen["verified"], false);

    let wrong = if number.starts_with('0') {
        number.replacen('0', "1", 1)
    } else {
        format!("0{}", &number[1..])
    };
    assert_eq!(
        alice
            .error(&["friends", "verify", "bob", "--mark", "--number", &wrong])
            .0,
        4
    );
    assert_eq!(alice.json(&["friends", "list"])["friends"][0]["verified"], false);
    assert_eq!(
        alice.json(&["friends", "verify", "bob", "--mark", "--number", &number])["verified"],
        true
    );
    assert_eq!(alice.json(&["friends", "list"])["friends"][0]["verified"], true);
    assert_eq!(alice.json(&["friends", "verify", "bob", "--unmark"])["verified"], false);
    assert_eq!(alice.json(&["friends", "verify", "bob", "--mark"])["verified"], true);

    let shown = alice.run(&["friends", "verify", "bob", "--qr"]).stdout;
    assert!(shown.contains(&number[..5]) && shown.contains('█'), "{shown}");
}

#[test]
fn a_blocked_contact_sees_no_difference_and_is_not_heard() {
    let world = World::new();
    let (alice, mut bob) = world.friends();
    assert_eq!(bob.json(&["friends", "block", "alice"])["blocked"], true);
    let sent = alice.json(&["send", "bob", "can you hear me?", "--wait", "delivered"]);
    assert_eq!(sent["state"], "delivered");
    assert_eq!(alice.json(&["friends", "list"])["friends"][0]["standing"], "friend");

    assert_eq!(bob.json(&["friends", "unblock", "alice"])["blocked"], false);
    alice.json(&["send", "bob", "and now?", "--wait", "delivered"]);
    assert_eq!(bob.texts(1), ["and now?"], "what came while blocked is gone");
    assert_eq!(
        bob.json(&["history", "alice"])["messages"].as_array().map(Vec::len),
        Some(1)
    );
    assert_eq!(bob.json(&["inbox"])["messages"].as_array().map(Vec::len), Some(1));
}

#[test]
fn a_request_can_be_refused() {
    let world = World::new();
    let (mut alice, mut bob) = (world.person("alice"), world.person("bob"));
    world.connect(&alice, &bob);
    alice.start();
    bob.start();
    bob.json(&["friends", "add", &alice.onion]);
    alice.until("the request", |event| {
        matches!(event.body, Body::RequestReceived { .. }).then_some(())
    });
    assert_eq!(alice.json(&["friends", "reject", &bob.onion])["standing"], "declined");
    bob.until("the refusal", |event| {
        matches!(event.body, Body::RequestDeclined { .. }).then_some(())
    });
    assert_eq!(
        bob.json(&["friends", "list", "--all"])["friends"][0]["standing"],
        "request_declined"
    );
    assert_eq!(bob.error(&["send", &alice.onion, "please"]).0, 1);
}

#[test]
fn an_invite_lets_one_person_in_and_no_second() {
    let world = World::new();
    let (mut alice, mut bob, mut carol) = (world.person("alice"), world.person("bob"), world.person("carol"));
    world.connect(&alice, &bob);
    world.connect(&alice, &carol);
    for person in [&mut alice, &mut bob, &mut carol] {
        person.start();
    }
    let invite = string(&alice.json(&["identity", "--invite"])["friend_code"]);
    bob.json(&["friends", "add", &invite]);
    bob.until("friendship", |event| {
        matches!(event.body, Body::ContactAdded { .. }).then_some(())
    });
    carol.json(&["friends", "add", &invite]);
    carol.until("the request's arrival", |event| {
        matches!(event.body, Body::RequestDelivered { .. }).then_some(())
    });
    assert_eq!(
        alice.json(&["friends", "requests"])["requests"][0]["contact"],
        carol.onion.as_str()
    );
    assert_eq!(
        carol.json(&["friends", "list"])["friends"][0]["standing"],
        "request_delivered"
    );
}

#[test]
fn crossing_requests_are_mutual_consent() {
    let world = World::new();
    let (mut alice, mut bob) = (world.person("alice"), world.person("bob"));
    world.connect(&alice, &bob);
    alice.start();
    bob.start();
    alice.json(&["friends", "add", &bob.friend_code, "--name", "bob"]);
    bob.json(&["friends", "add", &alice.friend_code, "--name", "alice"]);
    for person in [&mut alice, &mut bob] {
        person.until("friendship", |event| {
            matches!(event.body, Body::ContactAdded { .. }).then_some(())
        });
    }
    alice.json(&["send", "bob", "at once?", "--wait", "delivered"]);
    bob.json(&["send", "alice", "at once.", "--wait", "delivered"]);
    assert_eq!(
        (bob.texts(1), alice.texts(1)),
        (vec!["at once?".to_owned()], vec!["at once.".to_owned()])
    );
}

#[test]
fn a_removed_contact_is_gone_and_the_history_stays() {
    let world = World::new();
    let (alice, mut bob) = world.friends();
    alice.json(&["send", "bob", "remember this", "--wait", "delivered"]);
    bob.texts(1);
    alice.json(&["friends", "remove", "bob"]);
    assert_eq!(alice.json(&["friends", "list"])["friends"], serde_json::json!([]));
    assert_eq!(
        alice.json(&["history", &bob.onion])["messages"][0]["text"],
        "remember this"
    );
    let (code, error) = alice.error(&["send", &bob.onion, "still there?"]);
    assert_eq!(
        (code, &error["data"]["kind"]),
        (1, &serde_json::json!("wrong_state")),
        "{error}"
    );
}

#[test]
fn contacts_go_by_every_name_that_means_only_them() {
    let world = World::new();
    let (alice, bob) = world.friends();
    for name in [
        "bob",
        "BOB",
        &bob.onion,
        &bob.onion[..10],
        &bob.friend_code,
        &bob.onion.to_uppercase(),
    ] {
        assert_eq!(
            alice.json(&["history", name])["messages"],
            serde_json::json!([]),
            "{name}"
        );
    }
    let (code, error) = alice.error(&["send", "bobby", "hm"]);
    assert_eq!(
        (code, &error["data"]["kind"]),
        (1, &serde_json::json!("unknown_contact"))
    );
    assert!(string(&error["message"]).contains("bobby"), "{error}");
}

#[test]
fn presence_is_for_contacts_and_typing_is_said() {
    let world = World::new();
    let (alice, bob) = world.friends();
    alice.json(&["send", "bob", "so that a link is up", "--wait", "delivered"]);
    let seen = bob.json(&["presence"]);
    assert_eq!(seen["peers"][0]["contact"], alice.onion.as_str());
    assert_eq!(seen["peers"][0]["presence"], "online");

    let mut listening = bob.client();
    let subscribe = sotto_api::Subscribe {
        presence: true,
        ..Default::default()
    };
    listening
        .call::<sotto_api::all::EventsSubscribe>(&subscribe)
        .expect("subscribed");
    alice.json(&["presence", "away"]);
    loop {
        if let Body::Presence {
            presence: sotto_api::Presence::Away,
            ..
        } = listening.event().expect("an event").body
        {
            break;
        }
    }
    assert_eq!(bob.json(&["presence"])["peers"][0]["presence"], "away");
    for (word, expected) in [("on", true), ("off", false)] {
        alice.json(&["typing", "bob", word]);
        loop {
            if let Body::Presence { typing, .. } = listening.event().expect("an event").body
                && typing == expected
            {
                break;
            }
        }
    }
    let (code, error) = bob.error(&["typing", "alice", "on"]);
    assert_eq!(code, 1, "it is off unless wanted: {error}");
    assert!(string(&error["data"]["hint"]).contains("config.toml"), "{error}");
}
