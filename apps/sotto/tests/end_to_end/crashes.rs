//! `kill -9` at any moment: nothing is lost, doubled or reordered, and every state comes right in the end.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use sotto_api::{self as api, MessageState, all};
use sotto_client::blocking::Client;

use crate::world::{PATIENCE, Person, World};

const KILLS: u32 = 8;
/// With fewer messages in a direction, nothing is proven.
const MESSAGES: usize = 20;
/// At most this long between two kills: what one life of a daemon lasts.
const LIFE_MILLIS: u64 = 400;

#[test]
fn a_restart_keeps_everything() {
    let world = World::new();
    let (mut alice, mut bob) = world.friends();
    alice.json(&["send", "bob", "before", "--wait", "delivered"]);
    let number = alice.json(&["friends", "verify", "bob", "--mark"])["number"].clone();
    for person in [&mut alice, &mut bob] {
        person.stop();
    }
    alice.start();
    bob.start();
    alice.json(&["send", "bob", "after", "--wait", "delivered", "--timeout", "50"]);
    assert_eq!(bob.texts(2), ["before", "after"]);
    let seen = alice.json(&["friends", "verify", "bob"]);
    assert_eq!((&seen["number"], &seen["verified"]), (&number, &true.into()));
}

#[test]
fn killed_at_random_moments_every_message_is_delivered_once_and_in_order() {
    let world = World::new();
    let (mut alice, mut bob) = world.friends();
    let stop = Arc::new(AtomicBool::new(false));
    let sent: Vec<Arc<Mutex<Vec<String>>>> = vec![Arc::default(), Arc::default()];
    let senders: Vec<_> = [(&alice, "bob", &sent[0]), (&bob, "alice", &sent[1])]
        .into_iter()
        .map(|(person, to, sent)| {
            let socket = person.folder.join("sotto.sock");
            let (name, to, stop, sent) = (person.name, to.to_owned(), Arc::clone(&stop), Arc::clone(sent));
            thread::spawn(move || send_on(name, &to, &socket, &stop, &sent))
        })
        .collect();

    let mut seed = Seed(0x5077);
    let counts = || -> Vec<usize> { sent.iter().map(|sent| sent.lock().expect("no panic").len()).collect() };
    let began = Instant::now();
    let mut kills = 0;
    // On a slow machine a life is short, and more of them are needed for messages that prove something.
    while kills < KILLS || (counts().iter().any(|&count| count <= MESSAGES) && began.elapsed() < PATIENCE / 2) {
        kills += 1;
        thread::sleep(Duration::from_millis(seed.below(LIFE_MILLIS)));
        match seed.below(3) {
            0 => restart(&mut [&mut alice]),
            1 => restart(&mut [&mut bob]),
            _ => restart(&mut [&mut alice, &mut bob]),
        }
    }
    stop.store(true, Ordering::Relaxed);
    for sender in senders {
        sender.join().expect("the sender is well");
    }

    assert!(
        counts().iter().all(|&count| count > MESSAGES),
        "too few messages to prove anything: {:?}",
        counts()
    );
    converge(&alice, "bob", &sent[0]);
    converge(&bob, "alice", &sent[1]);
    for (from, to, from_name, to_name, sent) in [
        (&alice, &bob, "alice", "bob", &sent[0]),
        (&bob, &alice, "bob", "alice", &sent[1]),
    ] {
        let sent = sent.lock().expect("no panic");
        let arrived = texts(to, from_name, api::Direction::In);
        assert_eq!(arrived, *sent, "what {to_name} has is what {from_name} said");
        assert_eq!(texts(from, to_name, api::Direction::Out), *sent);
    }
}

/// Sends numbered texts until told to stop. After a break, the same key is used again: the daemon may have taken it.
fn send_on(name: &str, to: &str, socket: &std::path::Path, stop: &AtomicBool, sent: &Mutex<Vec<String>>) {
    let mut client: Option<Client> = None;
    let mut number = 0;
    let mut text = format!("{name} 0");
    let deadline = Instant::now() + PATIENCE;
    // What broke off may have been taken; it is asked for again, whatever else is over.
    let mut doubt = false;
    while doubt || !stop.load(Ordering::Relaxed) {
        assert!(Instant::now() < deadline, "{name} cannot send");
        let Some(connected) = client.as_mut() else {
            client = Client::connect(socket).ok();
            thread::sleep(Duration::from_millis(5));
            continue;
        };
        let send = api::Send {
            conversation: to.to_owned(),
            text: text.clone(),
            id: Some(text.clone()),
            ..Default::default()
        };
        match connected.call::<all::Send>(&send) {
            Ok(_) => {
                sent.lock().expect("no panic").push(text);
                number += 1;
                doubt = false;
                text = format!("{name} {number}");
            }
            Err(error) if error.kind() == api::Kind::NoDaemon => {
                client = None;
                doubt = true;
            }
            Err(error) => panic!("{name}: {error}"),
        }
    }
}

fn restart(people: &mut [&mut Person]) {
    for person in people.iter_mut() {
        person.kill();
    }
    for person in people {
        person.start();
    }
}

/// Until everything of ours is delivered.
fn converge(person: &Person, to: &str, sent: &Mutex<Vec<String>>) {
    let deadline = Instant::now() + PATIENCE;
    let expected = sent.lock().expect("no panic").len();
    loop {
        let history = history(person, to);
        let ours: Vec<_> = history
            .iter()
            .filter(|message| message.direction == api::Direction::Out)
            .collect();
        let waiting = ours.iter().find(|message| message.state != MessageState::Delivered);
        match waiting {
            None => {
                assert_eq!(ours.len(), expected, "{}", person.name);
                return;
            }
            Some(message) => {
                assert!(
                    Instant::now() < deadline,
                    "{}: {message:?} never arrives\n{}",
                    person.name,
                    person.log()
                );
                let retry = api::MessageOnly {
                    id: message.id.clone(),
                    conversation: None,
                };
                // It may be delivered just now, and then there is nothing to try again.
                let _ = person.client().call::<all::Retry>(&retry);
                let last = person.call::<all::NodeStatus>(&api::Nothing {}).last_seq;
                person.call::<all::EventsWait>(&api::WaitEvents {
                    since: Some(last),
                    timeout: Some(1),
                    ..Default::default()
                });
            }
        }
    }
}

fn history(person: &Person, with: &str) -> Vec<api::Message> {
    let mut messages = Vec::new();
    let mut before = None;
    loop {
        let page = api::History {
            conversation: with.to_owned(),
            limit: Some(1000),
            before,
            ..Default::default()
        };
        let mut page = person.call::<all::History>(&page).messages;
        let whole = page.len() < 1000;
        before = page.first().map(|message| message.id.clone());
        page.append(&mut messages);
        messages = page;
        if whole {
            return messages;
        }
    }
}

fn texts(person: &Person, with: &str, direction: api::Direction) -> Vec<String> {
    history(person, with)
        .into_iter()
        .filter(|message| message.direction == direction)
        .map(|message| message.text)
        .collect()
}

/// A small generator, so that a failure can be played again (splitmix64).
struct Seed(u64);

impl Seed {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound
    }
}
