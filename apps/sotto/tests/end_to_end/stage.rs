//! The stage of the interface's demo: what is in Ada's profile, and that Bob answers.

use std::time::Instant;

use serde_json::Value;
use sotto::demo::Stage;
use sotto::tui::DaemonHost;
use sotto_api::{self as api, Body, Direction, Message, MessageState, Relationship, Time, all};
use sotto_cli::Global;
use sotto_client::blocking::Client;
use sotto_tui::{Host as _, KeyNeed};

use crate::host::alone;
use crate::world::PATIENCE;

fn history(client: &mut Client, conversation: &str) -> api::HistoryPage {
    let params = api::History {
        conversation: conversation.to_owned(),
        limit: Some(1000),
        ..api::History::default()
    };
    client.call::<all::History>(&params).expect("a conversation")
}

fn states(messages: &[Message]) -> Vec<MessageState> {
    messages.iter().map(|message| message.state).collect()
}

#[test]
fn the_stage_is_set_and_bob_answers() {
    alone("stage::the_stage_is_set_and_bob_answers", || {
        let begin = Instant::now();
        let stage = Stage::prepare(Time::now()).expect("prepared");
        println!("prepared within {:?}", begin.elapsed());
        let folder = stage.profile().folder().to_owned();
        let host = DaemonHost::new(stage.profile().clone(), Global::default()).expect("a host");
        assert_eq!(host.key_need().expect("known"), KeyNeed::None);
        host.start(None).expect("started");
        let mut client = Client::connect(&stage.profile().socket()).expect("it answers");
        conversations(&mut client);
        contacts(&mut client);
        stage.play_bob().expect("he is there");
        bob_answers(&mut client);
        drop(client);
        host.stop().expect("a clean end");
        drop(stage);
        assert!(!folder.exists(), "nothing is left");
    });
}

fn conversations(client: &mut Client) {
    let bob = history(client, "Bob");
    let last_seq = client
        .call::<all::NodeStatus>(&api::Nothing {})
        .expect("a status")
        .last_seq;
    assert_eq!(
        bob.last_seq, last_seq,
        "a client that follows events knows what is in it"
    );
    assert!((35..=45).contains(&bob.messages.len()), "{}", bob.messages.len());
    assert_eq!(
        (bob.unread, bob.first_unread.clone()),
        (Some(3), Some(bob.messages[bob.messages.len() - 3].place()))
    );
    let count = |of: fn(&Message) -> bool| bob.messages.iter().filter(|message| of(message)).count();
    assert_eq!(count(|one| one.deleted_at.is_some()), 1);
    assert_eq!(count(|one| one.edited_at.is_some()), 1);
    assert_eq!(count(|one| one.content_type == api::ContentType::Markdown), 2);
    assert!(count(|one| one.thread.is_some()) >= 5 && count(|one| one.reply_to.is_some()) >= 6);
    assert!(count(|one| !one.reactions.is_empty()) >= 6);
    assert!(count(|one| one.direction == Direction::Out && one.state == MessageState::Read) >= 10);
    let span = bob.messages.last().map_or(0, |last| last.sent_at.millis()) - bob.messages[0].sent_at.millis();
    assert!(span > 40 * 3600 * 1000, "it took days");

    let grace = history(client, "Grace");
    assert!(grace.unread == Some(2) && grace.messages.iter().any(|message| message.ttl == 24 * 3600));
    let charles = history(client, "Charles");
    let expected = [
        MessageState::Read,
        MessageState::Read,
        MessageState::Failed,
        MessageState::Cancelled,
        MessageState::Queued,
    ];
    assert_eq!(states(&charles.messages), expected);
}

fn contacts(client: &mut Client) {
    let friends = client
        .call::<all::List>(&api::List { all: false })
        .expect("a list")
        .friends;
    let names: Vec<_> = friends
        .iter()
        .map(|one| {
            (
                one.who.petname.as_deref(),
                one.who.claimed_name.as_deref(),
                one.who.verified,
            )
        })
        .collect();
    let expected = [
        (Some("Bob"), Some("Bob"), false),
        (Some("Charles"), Some("Charles"), false),
        (Some("Grace"), Some("Grace"), true),
        (None, Some("Katherine"), false),
    ];
    assert_eq!(names, expected);
    assert!(friends.iter().all(|one| one.relationship == Relationship::Friend));
    let requests = client.call::<all::Requests>(&api::Nothing {}).expect("a list").requests;
    assert_eq!(
        (requests.len(), requests[0].who.claimed_name.as_deref()),
        (1, Some("Bob"))
    );
    assert!(requests[0].note.contains("New phone"));
}

/// He reads what Ada writes, types, and answers.
fn bob_answers(client: &mut Client) {
    let send = api::Send {
        conversation: String::from("Bob"),
        text: String::from("Are you there?"),
        wait: api::WaitFor::Read,
        timeout: Some(60),
        ..api::Send::default()
    };
    let since = client
        .call::<all::NodeStatus>(&api::Nothing {})
        .expect("a status")
        .last_seq;
    let sent = client.call::<all::Send>(&send).expect("he reads it");
    assert_eq!(sent.state, MessageState::Read);
    let wait = api::WaitEvents {
        since: Some(since),
        types: vec![String::from("message.received")],
        timeout: Some(60),
        ..api::WaitEvents::default()
    };
    let began = Instant::now();
    let events = client.call::<all::EventsWait>(&wait).expect("he answers").events;
    let Some(Body::MessageReceived { message, .. }) = events.first().map(|event| &event.body) else {
        panic!("no answer after {:?}: {events:?}", began.elapsed());
    };
    let text = message.as_ref().map(|message| Value::from(message.text.as_str()));
    assert_eq!(text, Some(Value::from("Here I am.")));
    assert!(began.elapsed() < PATIENCE);
}

/// The same moment makes the same addresses, texts and times, so that pictures of them can be compared.
#[test]
fn the_same_moment_makes_the_same_stage() {
    alone("stage::the_same_moment_makes_the_same_stage", || {
        let now = Time::now();
        let picture = || {
            let stage = Stage::prepare(now).expect("prepared");
            let host = DaemonHost::new(stage.profile().clone(), Global::default()).expect("a host");
            host.start(None).expect("started");
            let mut client = Client::connect(&stage.profile().socket()).expect("it answers");
            let identity = client.call::<all::IdentityShow>(&api::Nothing {}).expect("an identity");
            let bob = history(&mut client, "Bob");
            drop(client);
            host.stop().expect("a clean end");
            (identity, bob)
        };
        assert_eq!(picture(), picture());
    });
}
