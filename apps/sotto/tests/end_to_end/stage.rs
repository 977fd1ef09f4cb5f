//! The stage of the interface's demo: what is in Ada's profile, and that Bob answers.

use std::fs;
use std::io::{Read as _, Write as _};
use std::num::NonZero;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use portable_pty::{CommandBuilder, PtySize, native_pty_system};
use rustix::process::{Pid, Signal, kill_process};

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
    assert!((35..=45).contains(&bob.messages.len()), "{}", bob.messages.len());
    assert_eq!(
        (bob.unread, bob.first_unread.as_ref()),
        (Some(3), Some(&bob.messages[bob.messages.len() - 3].id))
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

/// The whole program on a terminal: the interface opens on the stage, and a signal ends it with nothing left.
#[test]
fn the_interface_opens_on_the_stage_and_leaves_nothing() {
    let folder = tempfile::Builder::new()
        .prefix("d")
        .rand_bytes(4)
        .tempdir_in("/tmp")
        .expect("a folder");
    let size = PtySize {
        rows: 40,
        cols: 120,
        ..PtySize::default()
    };
    let pair = native_pty_system().openpty(size).expect("a terminal");
    let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_sotto"));
    command.arg("--demo");
    command.env("TMPDIR", folder.path());
    command.env("TERM", "xterm-256color");
    // It is not asked for the colour of its background.
    command.env("COLORFGBG", "15;0");
    command.env("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nowhere");
    let mut child = pair.slave.spawn_command(command).expect("it starts");
    drop(pair.slave);
    let [rows, columns] = [size.rows, size.cols].map(|count| NonZero::new(count).expect("not 0"));
    let screen = Arc::new(Mutex::new(vt100::Parser::new(rows, columns, 0)));
    let mut output = pair.master.try_clone_reader().expect("its output");
    let mut input = pair.master.take_writer().expect("its input");
    let drawn = screen.clone();
    let reader = thread::spawn(move || {
        const WHERE: &[u8] = b"\x1b[6n";
        let mut bytes = [0; 4096];
        while let Ok(count @ 1..) = output.read(&mut bytes) {
            drawn.lock().expect("no panic").process(&bytes[..count]);
            // A terminal says where the cursor is.
            if bytes[..count].windows(WHERE.len()).any(|asked| asked == WHERE) {
                // One that has ended does not read it.
                let _ = input.write_all(b"\x1b[1;1R");
            }
        }
    });
    let begin = Instant::now();
    let shown = || screen.lock().expect("no panic").screen().contents();
    while !["Bob", "Grace", "Charles", "Katherine"]
        .iter()
        .all(|name| shown().contains(name))
    {
        assert!(begin.elapsed() < PATIENCE, "{}", shown());
        thread::sleep(Duration::from_millis(20));
    }
    let process = child
        .process_id()
        .and_then(|id| Pid::from_raw(id.try_into().expect("small")));
    kill_process(process.expect("a process"), Signal::TERM).expect("it lives");
    let status = loop {
        if let Some(status) = child.try_wait().expect("a child") {
            break status;
        }
        if begin.elapsed() > 2 * PATIENCE {
            let _ = child.kill();
            panic!("it does not end: {}", shown());
        }
        thread::sleep(Duration::from_millis(20));
    };
    assert_eq!(status.exit_code(), 143, "{}", shown());
    reader.join().expect("no panic");
    assert_eq!(
        fs::read_dir(folder.path()).expect("a folder").count(),
        0,
        "nothing is left"
    );
}
