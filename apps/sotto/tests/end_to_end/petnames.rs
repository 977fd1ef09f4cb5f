//! A petname names its contact in each form that looks the same, and nothing else could be meant by it.

use serde_json::Value;
use sotto_core::row::{Batch, Change, Row};

use crate::world::{Person, World, string};

fn petname(contact: &Value) -> String {
    string(&contact["petname"])
}

#[test]
fn a_petname_is_one_however_it_is_typed() {
    let world = World::new();
    let (alice, _bob) = world.friends();
    for (given, stored) in [
        ("Bob ", "Bob"),
        ("Jose\u{301}", "Jos\u{e9}"),
        ("\u{feff}Zo\u{eb}\u{200b}", "Zo\u{eb}"),
        ("Margaret", "Margaret"),
    ] {
        let renamed = alice.json(&["friends", "rename", &alice_contact(&alice), given]);
        assert_eq!(petname(&renamed), stored, "{given:?}");
        for asked in [given, stored, &stored.to_lowercase()] {
            alice.json(&["send", asked, "hello"]);
        }
    }
    let taken_away = alice.json(&["friends", "rename", "Margaret", ""]);
    assert_eq!(taken_away["petname"], Value::Null);
}

fn alice_contact(alice: &Person) -> String {
    string(&alice.json(&["friends", "list"])["friends"][0]["contact"])
}

#[test]
fn a_name_that_could_mean_another_is_refused_on_every_way_in() {
    let world = World::new();
    let (alice, bob) = world.friends();
    let carol = world.person("carol");
    let long = carol.onion.clone();
    let refused = [
        " ",
        "\t\u{200b}",
        "x.onion",
        "k7q3x2ab",
        &bob.onion,
        bob.onion.trim_end_matches(".onion"),
        &bob.onion[..8],
        &long,
        &carol.friend_code,
        "sotto1abc",
        "group:family",
    ];
    for name in refused {
        for arguments in [
            &["friends", "rename", "bob", name][..],
            &["friends", "add", &carol.friend_code, "--name", name],
            &["friends", "accept", "bob", "--name", name],
        ] {
            let (code, error) = alice.error(arguments);
            assert_eq!(
                (code, &error["data"]["kind"]),
                (1, &"invalid_params".into()),
                "{arguments:?} {error}"
            );
            let message = string(&error["message"]);
            assert!(
                message.contains(&format!("{name:?}")),
                "it names what was given: {message}"
            );
        }
    }
    for arguments in [
        &["friends", "add", &carol.friend_code, "--name", ""][..],
        &["friends", "add", &carol.friend_code, "--name", &carol.onion[..8]],
        &["friends", "accept", "bob", "--name", ""],
    ] {
        assert_eq!(alice.error(arguments).0, 1, "{arguments:?}");
    }
    let friends = alice.json(&["friends", "list", "--all"]);
    assert_eq!(
        friends["friends"].as_array().map(Vec::len),
        Some(1),
        "nothing was added: {friends}"
    );
    assert_eq!(petname(&friends["friends"][0]), "bob", "and nothing renamed");
}

/// Earlier versions stored any petname, as it was typed.
#[test]
fn a_petname_of_an_earlier_version_still_names_its_contact() {
    let world = World::new();
    let (mut alice, bob) = world.friends();
    for stored in [
        "Bob ",
        "Jose\u{301}",
        "x.onion",
        "sotto1abc",
        "group:family",
        "k7q3x2ab",
        &bob.onion[..8],
    ] {
        alice.stop();
        store_petname(&alice, stored);
        alice.start();
        let sent = alice.json(&["send", stored, "hello"]);
        assert_eq!(sent["conversation"], bob.onion.as_str(), "{stored:?}");
    }
    alice.stop();
    store_petname(&alice, " ");
    alice.start();
    let friends = alice.json(&["friends", "list"]);
    assert_eq!(
        friends["friends"][0]["petname"],
        Value::Null,
        "a blank name is none: {friends}"
    );
}

/// Writes it past all checks.
fn store_petname(person: &Person, petname: &str) {
    let mut store = person.open_store();
    let mut contact = store.image().expect("whole").contacts.remove(0);
    petname.clone_into(&mut contact.petname);
    let changes = vec![Change::Put(Row::Contact(contact))];
    store.commit(&Batch { changes }).expect("room");
    store.close().expect("in order");
}
