//! Contacts: requests, invites, verification, names.

use std::os::unix::net::UnixStream;
use std::time::Instant;

use serde_json::json;
use sotto_api::Body;
use sotto_core::row::{Batch, Change, Key, Row};
use sotto_core::{Entropy, Ratchet as _, Signal};

use crate::world::{PATIENCE, Person, World, string};

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
    assert_eq!(alice.json(&["friends", "list"])["friends"][0]["relationship"], "friend");

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
    assert_eq!(
        alice.json(&["friends", "reject", &bob.onion])["relationship"],
        "declined"
    );
    bob.until("the refusal", |event| {
        matches!(event.body, Body::RequestDeclined { .. }).then_some(())
    });
    assert_eq!(
        bob.json(&["friends", "list", "--all"])["friends"][0]["relationship"],
        "request_declined"
    );
    assert_eq!(bob.error(&["send", &alice.onion, "please"]).0, 1);
}

/// The friend codes of the unused invites.
fn invites(of: &Person) -> Vec<String> {
    let unused = of.json(&["friends", "invites"]);
    let unused = unused["invites"].as_array().expect("a list");
    unused.iter().map(|invite| string(&invite["friend_code"])).collect()
}

#[test]
fn an_invite_lets_one_person_in_and_no_second_and_a_revoked_one_no_one() {
    let world = World::new();
    let (mut alice, mut bob, mut carol) = (world.person("alice"), world.person("bob"), world.person("carol"));
    world.connect(&alice, &bob);
    world.connect(&alice, &carol);
    for person in [&mut alice, &mut bob, &mut carol] {
        person.start();
    }
    assert!(invites(&alice).is_empty());
    let made: Vec<String> = (0..3)
        .map(|_| string(&alice.json(&["identity", "--invite"])["friend_code"]))
        .collect();
    alice.stop();
    alice.start();
    assert_eq!(invites(&alice), made, "the oldest first, and over a restart");

    let [invite, revoked, kept] = &made[..] else {
        panic!("three")
    };
    bob.json(&["friends", "add", invite]);
    bob.until("friendship", |event| {
        matches!(event.body, Body::ContactAdded { .. }).then_some(())
    });
    alice.json(&["friends", "uninvite", revoked]);
    assert_eq!(invites(&alice), [kept.as_str()]);
    for gone in [invite, revoked] {
        let (code, error) = alice.error(&["friends", "uninvite", gone]);
        assert_eq!((code, &error["data"]["kind"]), (1, &"wrong_state".into()), "{error}");
    }
    for strange in [&alice.friend_code, &bob.friend_code, "sotto1typo"] {
        let (code, error) = alice.error(&["friends", "uninvite", strange]);
        assert_eq!((code, &error["data"]["kind"]), (1, &"invalid_params".into()), "{error}");
    }

    for worthless in [invite, revoked] {
        carol.json(&["friends", "add", worthless]);
        carol.until("the request's arrival", |event| {
            matches!(event.body, Body::RequestDelivered { .. }).then_some(())
        });
        let waiting = alice.json(&["friends", "requests"]);
        assert_eq!(waiting["requests"][0]["contact"], carol.onion.as_str());
        carol.json(&["friends", "remove", &alice.onion]);
        alice.json(&["friends", "forget", &carol.onion]);
        carol.json(&["friends", "forget", &alice.onion]);
    }
    carol.json(&["friends", "add", &alice.friend_code]);
    carol.until("the request's arrival", |event| {
        matches!(event.body, Body::RequestDelivered { .. }).then_some(())
    });
    assert_eq!(
        carol.json(&["friends", "list"])["friends"][0]["relationship"],
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
fn a_removed_contact_is_forgotten_on_demand_and_a_friend_is_not() {
    let world = World::new();
    let (alice, mut bob) = world.friends();
    alice.json(&["send", "bob", "remember this", "--wait", "delivered"]);
    bob.texts(1);
    let (code, error) = alice.error(&["friends", "forget", "bob"]);
    assert_eq!(
        (code, &error["data"]["kind"]),
        (1, &serde_json::json!("wrong_state")),
        "{error}"
    );
    alice.json(&["friends", "remove", "bob"]);
    alice.json(&["friends", "forget", "bob"]);
    assert_eq!(
        alice.json(&["friends", "list", "--all"])["friends"],
        serde_json::json!([])
    );
    let (_, error) = alice.error(&["friends", "forget", "bob"]);
    assert_eq!(&error["data"]["kind"], "unknown_contact", "{error}");
    assert_eq!(
        alice.json(&["history", &bob.onion])["messages"][0]["text"],
        "remember this"
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

/// Any peer can claim any name. So a claimed name sends nothing, accepts nothing and shows nothing, for a friend as for a
/// stranger; it is only suggested.
#[test]
fn a_claimed_name_resolves_nothing_in_any_command() {
    let world = World::new();
    let (mut alice, mut bob) = (world.person("alice"), world.person("bob"));
    let mut dave = world.person("dave");
    world.connect(&alice, &bob);
    world.connect(&alice, &dave);
    for person in [&mut alice, &mut bob, &mut dave] {
        person.start();
    }
    let invite = string(&alice.json(&["identity", "--invite"])["friend_code"]);
    bob.json(&["friends", "add", &invite, "--name", "alice"]);
    dave.json(&["friends", "add", &alice.friend_code, "--name", "alice"]);
    for what in ["a friend", "a request"] {
        alice.until(what, |event| {
            matches!(event.body, Body::ContactAdded { .. } | Body::RequestReceived { .. }).then_some(())
        });
    }
    assert_eq!(
        alice.json(&["friends", "list"])["friends"][0]["petname"],
        serde_json::Value::Null,
        "an invite gives no petname"
    );

    // Bob is a friend that claims to be bob, Dave a stranger that claims to be dave.
    let id = "00".repeat(16);
    for (name, suggested) in [
        ("bob", format!("sotto friends rename {} NAME", &bob.onion[..12])),
        (
            "dave",
            format!("sotto friends accept {} --name NAME", &dave.onion[..12]),
        ),
    ] {
        for command in [
            &["send", name, "secret"][..],
            &["edit", name, &id, "secret"],
            &["delete", name, &id],
            &["react", name, &id, "👍"],
            &["read", name],
            &["ephemeral", name],
            &["ephemeral", name, "60"],
            &["history", name],
            &["search", "secret", "--with", name],
            &["outbox", "--conversation", name],
            &["outbox", "cancel", &id, "--conversation", name],
            &["friends", "accept", name],
            &["friends", "reject", name],
            &["friends", "remove", name],
            &["friends", "rename", name, "bob"],
            &["friends", "block", name],
            &["friends", "unblock", name],
            &["friends", "verify", name],
        ] {
            let (code, error) = alice.error(command);
            assert_eq!(
                (code, &error["data"]["kind"]),
                (1, &serde_json::json!("unknown_contact")),
                "{command:?}: {error}"
            );
            assert!(
                string(&error["data"]["hint"]).ends_with(&suggested),
                "{command:?}: {error}"
            );
        }
    }

    // What is suggested works: eight letters of the address are enough.
    let accepted = alice.json(&["friends", "accept", &dave.onion[..8], "--name", "dave"]);
    assert_eq!(
        (&accepted["petname"], &accepted["relationship"]),
        (&serde_json::json!("dave"), &serde_json::json!("friend"))
    );
    // Once more, of a friend: a name is given all the same, and without one the friend keeps the name that it has.
    for (name, petname) in [(Some("davie"), "davie"), (None, "davie"), (Some("dave"), "dave")] {
        let name = name.map_or(vec![], |name| vec!["--name", name]);
        let again = alice.json(&[&["friends", "accept", &dave.onion[..8]], &name[..]].concat());
        assert_eq!(again["petname"], petname, "{again}");
    }
    alice.json(&["friends", "rename", &bob.onion[..8], "bob"]);
    alice.json(&["send", "bob", "to bob", "--wait", "delivered"]);

    // A friend that takes the petname of another one gets nothing that was meant for it.
    dave.json(&["identity", "--rename", "bob"]);
    alice.json(&["send", "dave", "to dave", "--wait", "delivered"]);
    alice.json(&["send", "bob", "to bob again", "--wait", "delivered"]);
    assert_eq!(bob.texts(2), ["to bob", "to bob again"]);
    assert_eq!(dave.texts(1), ["to dave"]);
    let shown = alice.run(&["friends", "list"]).stdout;
    assert!(!shown.contains('~'), "both have a petname: {shown}");
}

#[test]
fn a_claimed_name_is_shown_beside_the_letters_that_commands_take() {
    let world = World::new();
    let (mut alice, mut bob) = (world.person("alice"), world.person("bob"));
    world.connect(&alice, &bob);
    alice.start();
    bob.start();
    bob.json(&["friends", "add", &alice.friend_code, "--name", "alice"]);
    alice.until("the request", |event| {
        matches!(event.body, Body::RequestReceived { .. }).then_some(())
    });
    let beginning = &bob.onion[..8];
    let requests = alice.run(&["friends", "requests"]);
    assert!(
        requests.stdout.starts_with(&format!("~bob ({beginning})")),
        "{requests:#?}"
    );
    assert!(
        requests
            .stderr
            .contains(&format!("sotto friends accept {beginning} --name NAME")),
        "{requests:#?}"
    );
    let accepted = alice.run(&["friends", "accept", beginning]);
    assert!(
        accepted
            .stderr
            .contains(&format!("sotto friends rename {beginning} NAME")),
        "{accepted:#?}"
    );
    bob.json(&["send", "alice", "hello", "--wait", "delivered"]);
    let inbox = alice.run(&["inbox"]).stdout;
    assert!(inbox.contains(&format!("~bob ({beginning})  hello")), "{inbox}");
    alice.json(&["send", beginning, "hello, you", "--wait", "delivered"]);
}

#[test]
fn an_invisible_user_stays_invisible_after_a_restart() {
    let world = World::new();
    let (mut alice, bob) = world.friends();
    alice.json(&["send", "bob", "hello", "--wait", "delivered"]);
    alice.json(&["presence", "invisible"]);
    alice.stop();
    // When the end of the link is noticed, she was seen for the last time.
    bob.until_offline("alice");
    let seen = bob.json(&["friends", "list"])["friends"][0]["last_seen"].clone();
    alice.start();
    let status = alice.json(&["status"]);
    assert_eq!(
        (&status["availability"], &status["links"], &status["dials"]),
        (&json!("invisible"), &json!(0), &json!(0)),
        "no friend is dialed"
    );
    assert!(alice.run(&["status"]).stdout.contains("invisible"));
    assert_eq!(bob.json(&["friends", "list"])["friends"][0]["last_seen"], seen);
    alice.json(&["presence", "away"]);
    alice.kill();
    alice.start();
    assert_eq!(alice.json(&["status"])["availability"], "away");
}

#[test]
fn a_removed_friend_is_told_and_can_ask_again() {
    let world = World::new();
    let (mut alice, mut bob) = world.friends();
    bob.stop();
    alice.json(&["friends", "remove", "bob"]);
    bob.start();
    bob.until("the removal", |event| {
        matches!(event.body, Body::RemovedByPeer { removed: true, .. }).then_some(())
    });
    let friend = &bob.json(&["friends", "list"])["friends"][0];
    assert_eq!(friend["relationship"], "removed_by_peer");
    let listed = bob.run(&["friends", "list"]);
    assert!(listed.stdout.contains("removed you"), "{listed:#?}");
    assert!(
        listed.stderr.contains(&format!("sotto friends add {}", alice.onion)),
        "the way out: {listed:#?}"
    );
    let (code, error) = bob.error(&["send", "alice", "are you angry?"]);
    assert_eq!((code, &error["data"]["kind"]), (6, &json!("refused")), "{error}");
    assert!(string(&error["data"]["hint"]).contains("sotto friends add"), "{error}");

    bob.json(&["friends", "add", &alice.onion]);
    let waits = string(&bob.json(&["send", "alice", "are you angry?"])["id"]);
    alice.until("the request", |event| {
        matches!(event.body, Body::RequestReceived { .. }).then_some(())
    });
    alice.json(&["friends", "accept", &bob.onion]);
    bob.until_state(&waits, sotto_api::MessageState::Delivered);
    assert_eq!(alice.texts(1), ["are you angry?"]);
}

#[test]
fn what_waits_for_a_friend_that_has_removed_you_says_so() {
    let world = World::new();
    let (mut alice, mut bob) = world.friends();
    alice.stop();
    let waits = string(&bob.json(&["send", "alice", "are you angry?"])["id"]);
    bob.stop();
    alice.start();
    alice.json(&["friends", "remove", "bob"]);
    bob.start();
    bob.until("the removal", |event| {
        matches!(event.body, Body::RemovedByPeer { removed: true, .. }).then_some(())
    });
    assert_eq!(
        bob.json(&["outbox"])["messages"][0]["hold"],
        "removed_by_peer",
        "why it waits"
    );
    let shown = bob.run(&["outbox"]).stdout;
    assert!(shown.contains("they removed you"), "{shown}");
    bob.json(&["friends", "add", &alice.onion]);
    alice.until("the request", |event| {
        matches!(event.body, Body::RequestReceived { .. }).then_some(())
    });
    alice.json(&["friends", "accept", &bob.onion]);
    bob.until_state(&waits, sotto_api::MessageState::Delivered);
    assert_eq!(alice.texts(1), ["are you angry?"]);
}

#[test]
fn nothing_is_sent_to_a_key_that_replaces_a_verified_one() {
    let world = World::new();
    let (mut alice, mut bob) = world.friends();
    alice.json(&["friends", "verify", "bob", "--mark"]);
    bob.stop();
    let waits = string(&alice.json(&["send", "bob", "for your key alone"])["id"]);
    replace_identity_key(&bob);
    bob.start();
    alice.until("the other key", |event| {
        matches!(event.body, Body::ContactUntrusted { untrusted: true, .. }).then_some(())
    });
    let friend = &alice.json(&["friends", "list"])["friends"][0];
    assert_eq!(
        (&friend["untrusted"], &friend["verified"]),
        (&json!(true), &json!(false))
    );
    let (code, error) = alice.error(&["send", "bob", "is it you?"]);
    assert_eq!((code, &error["data"]["kind"]), (4, &json!("untrusted_key")), "{error}");
    assert!(string(&error["data"]["hint"]).contains("--accept-new-key"), "{error}");
    let waiting = &alice.json(&["outbox"])["messages"][0];
    assert_eq!(
        (&waiting["id"], &waiting["state"], &waiting["hold"]),
        (&json!(waits), &json!("queued"), &json!("untrusted_key"))
    );
    assert!(alice.run(&["outbox"]).stdout.contains("their key changed"));

    bob.json(&["send", "alice", "it is me", "--wait", "delivered"]);
    assert_eq!(alice.texts(1), ["it is me"], "what comes is received");
    let received = &alice.json(&["inbox"])["messages"][0];
    assert_eq!(received["untrusted"], true, "and marked: {received}");

    let accepted = alice.json(&["friends", "verify", "bob", "--accept-new-key"]);
    assert_eq!(
        (&accepted["untrusted"], &accepted["verified"]),
        (&json!(false), &json!(false))
    );
    alice.until_state(&waits, sotto_api::MessageState::Delivered);
    assert_eq!(bob.texts(1), ["for your key alone"]);
}

/// Another Signal identity under the same onion key, as after a store that was lost.
fn replace_identity_key(person: &Person) {
    let mut store = person.open_store();
    let image = store.image().expect("whole");
    let mut identity = image.identity.expect("an identity");
    let (signal_identity, registration_id) = Signal::generate(&mut Entropy::from_seed([99; 32]));
    identity.signal_identity = signal_identity.to_vec();
    identity.registration_id = registration_id;
    let mut changes = vec![Change::Put(Row::Identity(identity))];
    let sessions = image.sessions.iter();
    changes.extend(sessions.map(|session| Change::Delete(Key::Session(session.contact))));
    store.commit(&Batch { changes }).expect("room");
    store.close().expect("in order");
}

/// Waits until `status --json` says these numbers.
fn until_status(person: &Person, numbers: &[(&str, u64)]) {
    let began = Instant::now();
    loop {
        let status = person.json(&["status"]);
        if numbers.iter().all(|(name, number)| status[name] == *number) {
            return;
        }
        assert!(began.elapsed() < PATIENCE, "{numbers:?}: {status}");
    }
}

#[test]
fn the_status_counts_handshakes_and_links_of_strangers() {
    let world = World::new();
    let (mut alice, mut carol) = (world.person("alice"), world.person("carol"));
    world.connect(&alice, &carol);
    alice.start();
    until_status(&alice, &[("handshakes", 0), ("stranger_links", 0)]);
    let address = alice.network.join(&alice.onion);
    let silent: Vec<UnixStream> = (0..3)
        .map(|_| UnixStream::connect(&address).expect("it listens"))
        .collect();
    until_status(&alice, &[("handshakes", 3), ("stranger_links", 0), ("links", 0)]);
    carol.start();
    carol.json(&["friends", "add", &alice.friend_code]);
    until_status(
        &alice,
        &[("handshakes", 3), ("stranger_links", 1), ("links", 1), ("requests", 1)],
    );
    drop(silent);
    until_status(&alice, &[("handshakes", 0), ("stranger_links", 1)]);
    alice.json(&["friends", "accept", &carol.onion, "--name", "carol"]);
    until_status(&alice, &[("stranger_links", 0), ("links", 1)]);
}
