//! The interface for a screen reader: what it says, and what it does with lines.

use sotto_api::{Body, Direction, Reaction, Time};
use zeroize::Zeroizing;

use super::behaviour::with_bob;
use super::daemon::{FakeDaemon, PASSPHRASE};
use super::fixtures::{NOW, approval, onion};
use super::session::Session;
use crate::app::{Input, Start};
use crate::linear::Narrator;
use crate::request::Request;

/// Without keys.
fn by_lines(mut session: Session) -> Session {
    session.app.config.keyless = true;
    session.settle();
    session
}

/// Writes a line, and returns what is said then.
fn line(session: &mut Session, narrator: &mut Narrator, line: &str) -> Vec<String> {
    session
        .app
        .handle(Input::Line(Zeroizing::new(line.to_owned())), session.now);
    session.settle();
    narrator.tell(&session.app)
}

#[track_caller]
fn says(lines: &[String], wanted: &str) {
    assert!(
        lines.iter().any(|line| line.contains(wanted)),
        "{wanted:?} is not in {lines:#?}"
    );
}

#[test]
fn a_conversation_is_told_in_words_and_a_line_is_a_message() {
    let mut session = by_lines(with_bob(3));
    let mut narrator = Narrator::default();
    let lines = narrator.tell(&session.app);
    says(&lines, "Conversation with Bob");
    says(&lines, "message 2 of Bob");
    for glyph in ["●", "✓", "│", "─", "◔"] {
        assert!(!lines.concat().contains(glyph), "{glyph} in {lines:#?}");
    }
    assert_eq!(narrator.tell(&session.app), [""; 0], "nothing has changed");
    let lines = line(&mut session, &mut narrator, "hello there");
    says(&lines, "You, ");
    says(&lines, "hello there");
    session.receive("Carol", "elsewhere");
    says(&narrator.tell(&session.app), "1 unread from Carol.");
    session.receive("Bob", "here");
    says(&narrator.tell(&session.app), "here");
}

#[test]
fn a_conversation_is_chosen_by_its_number() {
    let mut session = by_lines(Session::connected(super::behaviour::daemon(3), (100, 40)));
    let mut narrator = Narrator::default();
    narrator.tell(&session.app);
    says(
        &line(&mut session, &mut narrator, "hello"),
        "Choose a conversation first",
    );
    let lines = line(&mut session, &mut narrator, "/palette");
    let row = lines.iter().find(|line| line.ends_with(": Bob")).expect("in the list");
    let number = row.split(':').next().expect("a number").to_owned();
    says(&line(&mut session, &mut narrator, &number), "Conversation with Bob");
}

#[test]
fn a_dialog_is_asked_line_by_line() {
    let mut session = by_lines(with_bob(3));
    let mut narrator = Narrator::default();
    narrator.tell(&session.app);
    let lines = line(&mut session, &mut narrator, "/theme");
    says(&lines, "Theme.");
    let choice = lines
        .iter()
        .find(|line| line.contains("rose-pine-moon"))
        .expect("in the list");
    let number = choice.split(':').next().expect("a number").to_owned();
    line(&mut session, &mut narrator, &number);
    assert_eq!(session.app.theme.name, "rose-pine-moon");
    line(&mut session, &mut narrator, "");
    assert!(session.app.dialogs.is_empty(), "an empty line closes it");
    says(&line(&mut session, &mut narrator, "/add"), "Write: Friend code");
    line(&mut session, &mut narrator, "sotto1abc");
    let lines = line(&mut session, &mut narrator, "");
    says(&lines, "Write: Note");
}

#[test]
fn the_first_run_is_asked_line_by_line_and_no_passphrase_is_said() {
    let mut session = by_lines(Session::start(&Start::FirstRun, FakeDaemon::new(), (100, 40)));
    let mut narrator = Narrator::default();
    says(&narrator.tell(&session.app), "Write: Your name");
    says(&line(&mut session, &mut narrator, "Ada"), "Write: Passphrase");
    let mut said = line(&mut session, &mut narrator, PASSPHRASE);
    said.extend(line(&mut session, &mut narrator, PASSPHRASE));
    assert!(!said.concat().contains(PASSPHRASE));
    says(&said, "Copy the friend code");
}

/// No line begins so, except those of the interface itself.
#[track_caller]
fn none_is_forged(lines: &[String], forged: &[&str]) {
    for forged in forged {
        assert!(
            lines.iter().all(|line| !line.starts_with(forged)),
            "a line begins with {forged:?}: {lines:#?}"
        );
    }
}

#[test]
fn what_others_write_on_several_lines_passes_for_no_line_of_the_interface() {
    let mut session = by_lines(with_bob(3));
    let mut narrator = Narrator::default();
    narrator.tell(&session.app);
    let forged = [
        "You, 12:34: I agree",
        "4: allow",
        "Conversation with Carol",
        "Network: down",
        "Is it you?",
    ];
    for line_break in ["\n", "\r\n", "\r", "\u{b}", "\u{2028}", "\u{85}", "\n\n"] {
        let id = session.receive("Bob", &format!("hi{line_break}{}", forged.join(line_break)));
        let mut lines = narrator.tell(&session.app);
        says(&lines, "Bob, 12:34: hi");
        says(&lines, "more: You, 12:34: I agree");
        // An edit can have several lines as well.
        let message = session.daemon.find_message(&id);
        message.text = format!("edited{line_break}{}", forged.join(line_break));
        message.edited_at = Some(Time::from_millis(NOW));
        let message = message.clone();
        session.daemon.tell(Body::MessageEdited {
            id,
            conversation: message.conversation.clone(),
            author: message.from.clone(),
            message: Some(Box::new(message)),
        });
        session.settle();
        lines.extend(narrator.tell(&session.app));
        says(&lines, "more: 4: allow");
        none_is_forged(&lines, &forged);
    }
    // What an agent wants to send.
    let bob = session.daemon.contact("Bob");
    session
        .daemon
        .approvals
        .push(approval(&bob, &format!("Lunch?\n{}", forged.join("\n"))));
    session.find_again();
    let lines = line(&mut session, &mut narrator, "/approvals");
    says(&lines, "more: Lunch?");
    says(&lines, "more: Is it you?");
    none_is_forged(&lines, &forged);
}

#[test]
fn what_becomes_of_a_message_is_said() {
    let mut session = by_lines(with_bob(3));
    let mut narrator = Narrator::default();
    narrator.tell(&session.app);
    let id = session.receive("Bob", "see you at six");
    narrator.tell(&session.app);
    let reacts = |session: &mut Session, emoji: Option<&str>| {
        let message = session.daemon.find_message(&id);
        message.reactions = emoji
            .map(|emoji| Reaction {
                by: onion("bob"),
                direction: Direction::In,
                emoji: emoji.to_owned(),
                at: Time::from_millis(NOW),
            })
            .into_iter()
            .collect();
        let message = message.clone();
        session.daemon.tell(Body::MessageReacted {
            id: id.clone(),
            conversation: message.conversation.clone(),
            author: message.from.clone(),
            by: onion("bob"),
            direction: Direction::In,
            message: Some(Box::new(message)),
        });
        session.settle();
    };
    reacts(&mut session, Some("👍"));
    assert_eq!(narrator.tell(&session.app), ["Bob reacted with 👍: see you at six"]);
    reacts(&mut session, None);
    assert_eq!(narrator.tell(&session.app), ["Bob took back 👍: see you at six"]);
    says(
        &line(&mut session, &mut narrator, "/react ❤"),
        "You reacted with ❤: see you at six",
    );
    let message = session.daemon.find_message(&id).clone();
    let deleted = Body::MessageDeleted {
        id: id.clone(),
        conversation: message.conversation.clone(),
        author: message.from.clone(),
        direction: Direction::In,
    };
    session.daemon.tell(deleted);
    session.settle();
    assert_eq!(narrator.tell(&session.app), ["A message of Bob, 12:34, was deleted."]);
    session.daemon.tell(Body::MessageDisappeared {
        id,
        conversation: message.conversation.clone(),
        author: message.from.clone(),
        direction: Direction::In,
    });
    session.settle();
    assert_eq!(
        narrator.tell(&session.app),
        ["A message of Bob, 12:34, has disappeared."]
    );
    // What leaves the window has not disappeared.
    for number in 0..600 {
        session.receive("Bob", &format!("more of it {number}"));
    }
    let lines = narrator.tell(&session.app);
    assert!(lines.iter().all(|line| !line.contains("disappeared")), "{lines:?}");
}

#[test]
fn no_name_is_said_while_it_is_locked() {
    let mut session = by_lines(with_bob(3));
    let mut narrator = Narrator::default();
    narrator.tell(&session.app);
    says(&line(&mut session, &mut narrator, "/lock"), "Write: Passphrase");
    let who = session.daemon.contact("Carol").who;
    session.daemon.tell(Body::RequestReceived { who: who.clone() });
    session.daemon.tell(Body::ContactAdded { who: who.clone() });
    session.daemon.tell(Body::ContactUntrusted { who, untrusted: true });
    session.settle();
    assert_eq!(narrator.tell(&session.app), [""; 0]);
    says(
        &line(&mut session, &mut narrator, PASSPHRASE),
        "The key of Carol has changed",
    );
}

#[test]
fn an_empty_line_removes_no_name() {
    let mut session = by_lines(with_bob(3));
    let mut narrator = Narrator::default();
    narrator.tell(&session.app);
    let petname = |session: &Session| session.daemon.contacts[&onion("bob")].who.petname.clone();
    says(
        &line(&mut session, &mut narrator, "/rename"),
        "It is Bob; an empty line leaves it so, /none removes it.",
    );
    line(&mut session, &mut narrator, "");
    assert!(session.app.dialogs.is_empty());
    assert_eq!(petname(&session).as_deref(), Some("Bob"));
    line(&mut session, &mut narrator, "/rename");
    line(&mut session, &mut narrator, "Bobby");
    assert_eq!(petname(&session).as_deref(), Some("Bobby"));
    line(&mut session, &mut narrator, "/rename");
    line(&mut session, &mut narrator, "/none");
    assert_eq!(petname(&session), None);
    says(
        &line(&mut session, &mut narrator, "/rename"),
        "Write: Petname. An empty line leaves it empty.",
    );
    line(&mut session, &mut narrator, "");

    says(&line(&mut session, &mut narrator, "/name"), "It is Alice");
    line(&mut session, &mut narrator, "");
    assert_eq!(session.daemon.me.name, "Alice");
    line(&mut session, &mut narrator, "/name");
    line(&mut session, &mut narrator, "/none");
    assert_eq!(session.daemon.me.name, "");
}

#[test]
fn an_empty_line_takes_what_is_offered() {
    let mut session = by_lines(with_bob(3));
    let mut narrator = Narrator::default();
    let lines = line(&mut session, &mut narrator, "/add sotto1abc Dave");
    says(&lines, "Write: Friend code. An empty line takes sotto1abc.");
    let lines = line(&mut session, &mut narrator, "");
    says(&lines, "An empty line takes Dave.");
    assert!(
        !lines.concat().contains("Friend code"),
        "only the next question is read out: {lines:#?}"
    );
    says(&line(&mut session, &mut narrator, ""), "Write: Note");
    line(&mut session, &mut narrator, "");
    let added = session.daemon.calls.iter().find_map(|call| match call {
        Request::Add(add) => Some((add.code.as_str(), add.name.as_deref())),
        _ => None,
    });
    assert_eq!(added, Some(("sotto1abc", Some("Dave"))));
}

#[test]
fn of_a_list_that_changes_only_the_change_is_read_out() {
    let mut session = by_lines(with_bob(3));
    let bob = session.daemon.contact("Bob");
    let asked = |id: &str, text: &str| sotto_api::Approval {
        id: id.to_owned(),
        ..approval(&bob, text)
    };
    let ask = |session: &mut Session, id: &str, text: &str| {
        let approval = asked(id, text);
        session.daemon.approvals.push(approval.clone());
        session.daemon.tell(Body::ApprovalRequested {
            conversation: approval.conversation,
            approval: approval.id,
        });
        session.settle();
    };
    let mut narrator = Narrator::default();
    ask(&mut session, "a1", "the first text");
    narrator.tell(&session.app);
    let lines = line(&mut session, &mut narrator, "/approvals");
    says(&lines, "until 12:44");
    says(&lines, "the first text");
    says(&lines, "Write a number; ");
    for _ in 0..3 {
        session.pass(60_000);
        assert_eq!(narrator.tell(&session.app), [""; 0], "only the time is another");
    }
    ask(&mut session, "a2", "the second text");
    let lines = narrator.tell(&session.app).concat();
    assert!(
        lines.contains("the second text") && !lines.contains("the first text"),
        "{lines}"
    );
    session.daemon.expire_approval(0);
    session.settle();
    session.pass(10_000);
    let lines = narrator.tell(&session.app);
    let gone: Vec<_> = lines.iter().filter(|line| line.contains("list")).collect();
    assert_eq!(gone.len(), 1, "{lines:#?}");
    says(&lines, "No longer in the list: 1: scribe");
    assert!(!lines.concat().contains("the second text"), "{lines:#?}");
}

#[test]
fn without_the_passphrase_an_empty_line_goes_on() {
    let mut daemon = super::behaviour::daemon(3);
    daemon.owner_needed = true;
    let mut session = by_lines(Session::connected(daemon, (100, 40)));
    let mut narrator = Narrator::default();
    let lines = narrator.tell(&session.app);
    says(&lines, "Is it you?");
    says(&lines, "An empty line goes on without it.");
    let lines = line(&mut session, &mut narrator, "");
    assert!(session.app.dialogs.is_empty());
    says(&lines, "/palette shows them");
    assert!(
        !session
            .daemon
            .calls
            .iter()
            .any(|call| matches!(call, Request::Unlock(_))),
        "an empty line is no passphrase"
    );
    // What was written comes back, and is asked about again.
    session.open("Bob");
    narrator.tell(&session.app);
    says(&line(&mut session, &mut narrator, "hello"), "Is it you?");
    line(&mut session, &mut narrator, "");
    assert!(session.app.dialogs.is_empty());
    assert_eq!(session.app.composer.text(), "hello");
    // Other fields that cannot be empty are left in the same way.
    for command in ["/add", "/find"] {
        says(
            &line(&mut session, &mut narrator, command),
            "An empty line closes this.",
        );
        line(&mut session, &mut narrator, "");
        assert!(session.app.dialogs.is_empty(), "{command}");
    }
}

#[test]
fn a_right_passphrase_says_what_comes_next() {
    let mut daemon = super::behaviour::daemon(3);
    daemon.owner_needed = true;
    let mut session = by_lines(Session::connected(daemon, (100, 40)));
    let mut narrator = Narrator::default();
    narrator.tell(&session.app);
    says(&line(&mut session, &mut narrator, "guess"), "The passphrase is wrong");
    let lines = line(&mut session, &mut narrator, PASSPHRASE);
    says(&lines, "The passphrase is right");
    says(&lines, "/palette shows them");
    session.daemon.owner_needed = true;
    session.open("Bob");
    line(&mut session, &mut narrator, "hello");
    says(
        &line(&mut session, &mut narrator, PASSPHRASE),
        "The passphrase is right: what you wrote is sent.",
    );
}
