//! What the user does, and what follows: sending, drafts, reading, search, the lock, a daemon that goes away.

use crossterm::event::{MouseButton, MouseEventKind};
use sotto_api::{self as api, Direction, Finding, Kind as ErrorKind, Message, MessageState, Relationship, Time};

use super::daemon::{FakeDaemon, PASSPHRASE};
use super::fixtures::{NOW, approval, friend, me, message, name, onion};
use super::session::{Session, passphrase};
use crate::app::dialog::Kind;
use crate::app::{Focus, HostTask, Input, Intent, Start};
use crate::request::Request;

const SIZE: (u16, u16) = (80, 24);

/// Bob, with so many messages of his, the last one an hour ago; and Carol, who has written once.
pub fn daemon(messages: usize) -> FakeDaemon {
    let (bob, carol) = (friend("Bob"), friend("Carol"));
    let of_bob = numbered(&bob, messages);
    let of_carol = vec![message(&carol, 0, Direction::In, "hello from Carol", 200)];
    FakeDaemon::new().with(bob, of_bob).with(carol, of_carol)
}

fn numbered(contact: &api::Contact, messages: usize) -> Vec<Message> {
    let text = |number| format!("message {number} of Bob");
    (0..messages)
        .map(|number| {
            message(
                contact,
                number,
                Direction::In,
                &text(number),
                (60 + messages - number) as u64,
            )
        })
        .collect()
}

/// With an open conversation of so many messages.
pub fn with_bob(messages: usize) -> Session {
    let mut session = Session::connected(daemon(messages), SIZE);
    session.open("Bob");
    session
}

#[test]
fn a_new_user_comes_from_the_welcome_to_the_friend_code() {
    let mut session = Session::start(&Start::FirstRun, FakeDaemon::new(), SIZE);
    session.shows("Welcome");
    session.enter("Alice");
    session.shows("passphrase");
    session.enter("correct horse");
    session.hides("correct");
    session.enter("another");
    session.shows("The two are not the same");
    session.press("ctrl-u");
    session.enter("correct horse");
    let made = session.hosted.first().expect("an identity is made");
    assert_eq!(passphrase(made).map(|it| it.as_str()), Some("correct horse"));
    session.shows("Your friend code");
    session.press("esc");
    session.shows("You have no conversations yet");
    session.shows("reachable");
}

#[test]
fn the_first_run_goes_back_to_the_name_and_can_end_in_a_key_file() {
    let mut session = Session::start(&Start::FirstRun, FakeDaemon::new(), SIZE);
    session.enter("Alcie");
    session.press("esc");
    session.shows("Alcie");
    session.press("enter");
    for _ in 0..2 {
        session.press("tab");
    }
    session.press("enter");
    session.shows("default.key");
    session.press("enter");
    assert!(
        matches!(session.hosted.first(), Some(HostTask::Init { .. })),
        "{:?}",
        session.hosted
    );
    assert!(session.hosted.iter().all(|task| passphrase(task).is_none()));
}

#[test]
fn a_wrong_passphrase_is_asked_for_again() {
    let mut session = Session::start(&Start::Passphrase, daemon(1), SIZE);
    session.enter("guess");
    session.shows("The passphrase is wrong");
    session.enter(PASSPHRASE);
    session.shows("Bob");
}

#[test]
fn what_is_sent_leaves_the_composer_and_stands_in_the_conversation() {
    let mut session = with_bob(3);
    session.daemon.status.queued = 1;
    session.enter("are you there?");
    session.shows("1 queued");
    assert!(session.app.composer.is_empty());
    let sent = session.sent();
    assert_eq!(sent.len(), 1);
    assert_eq!(sent[0].text, "are you there?");
    assert!(sent[0].id.is_some(), "an idempotency key");
    session.shows("are you there?");
    session.shows("queued");
    let id = session.daemon.messages("Bob").last().expect("a message").id.clone();
    session.daemon.status.queued = 0;
    session.daemon.put_state(&id, MessageState::Delivered).expect("known");
    session.settle();
    session.shows("✓✓ delivered");
    session.hides("1 queued");
    assert!(
        session.daemon.items.keys().all(|key| !key.starts_with("draft/")),
        "no draft is left"
    );
}

#[test]
fn what_was_refused_comes_back_into_the_composer_before_what_was_written_since() {
    let mut session = with_bob(3);
    session.slow = true;
    session.daemon.refuses = Some(ErrorKind::WrongState);
    session.enter("first");
    session.write("second");
    session.release();
    assert_eq!(session.app.composer.text(), "first\n\nsecond");
    session.shows("The message was refused");

    // In another conversation it waits as a draft, before the one that is there.
    let mut session = with_bob(3);
    session.slow = true;
    session.daemon.refuses = Some(ErrorKind::WrongState);
    session.enter("first");
    session.write("second");
    session.open("Carol");
    session.write("to Carol");
    session.release();
    assert_eq!(session.app.composer.text(), "to Carol");
    session.open("Bob");
    assert_eq!(session.app.composer.text(), "first\n\nsecond");
}

#[test]
fn what_was_written_without_a_daemon_is_sent_once_when_it_is_back() {
    let mut session = with_bob(3);
    session.lose();
    session.shows("no daemon");
    session.enter("one");
    session.enter("two");
    assert!(session.app.composer.is_empty());
    session.shows("2 kept");
    session.find_again();
    session.hides("2 kept");
    let texts = |session: &Session| -> Vec<String> { session.sent().iter().map(|send| send.text.clone()).collect() };
    assert_eq!(texts(&session), ["one", "two"]);
    session.lose();
    session.find_again();
    assert_eq!(texts(&session), ["one", "two"], "once");
    assert!(
        session.daemon.items.keys().all(|key| !key.starts_with("draft/")),
        "{:?}",
        session.daemon.items
    );
}

#[test]
fn an_answer_that_was_lost_makes_no_second_message() {
    let mut session = with_bob(3);
    session.slow = true;
    session.enter("hello");
    // The daemon has carried it out and died before it answered.
    let call = session.app_send("hello");
    session.daemon.answer(&Request::Send(call.clone())).expect("taken");
    session.daemon.events.clear();
    session.up = false;
    session.release();
    session.find_again();
    let keys: Vec<_> = session.sent().iter().map(|send| send.id.clone()).collect();
    assert_eq!(keys, [call.id.clone(), call.id], "the same key");
    assert_eq!(
        session
            .daemon
            .messages("Bob")
            .iter()
            .filter(|message| message.text == "hello")
            .count(),
        1
    );
}

#[test]
fn a_draft_is_kept_for_each_conversation_and_survives_the_interface() {
    let mut session = with_bob(3);
    session.write("for Bob");
    session.open("Carol");
    assert!(session.app.composer.is_empty());
    session.shows("✎");
    session.write("for Carol");
    session.pass(1000);
    session.open("Bob");
    assert_eq!(session.app.composer.text(), "for Bob");
    // Another run of the interface.
    let mut again = Session::connected(session.daemon, SIZE);
    again.shows("✎");
    again.open("Carol");
    assert_eq!(again.app.composer.text(), "for Carol");
    again.open("Bob");
    assert_eq!(again.app.composer.text(), "for Bob");
}

#[test]
fn a_draft_that_replies_does_so_after_a_restart_as_well() {
    let mut session = with_bob(3);
    session.press("shift-tab");
    session.press("r");
    session.write("late");
    session.pass(1000);
    let mut again = Session::connected(session.daemon, SIZE);
    again.open("Carol");
    assert_eq!(again.app.intent, Intent::Send);
    again.open("Bob");
    again.shows("↩ Bob: message 2 of Bob");
    again.enter("r");
    let replies = again.sent()[0].reply_to.clone();
    let last = again.daemon.messages("Bob")[2].id.clone();
    assert_eq!((again.sent()[0].text.as_str(), replies), ("later", Some(last.clone())));
    let kept = |session: &Session| {
        session
            .daemon
            .items
            .keys()
            .filter(|key| key.starts_with("reply/"))
            .count()
    };
    assert_eq!(kept(&again), 0);

    // What is given up is not kept, nor is a reply to a message that has gone.
    again.press("shift-tab");
    again.press("r");
    assert_eq!(kept(&again), 1);
    again.press("esc");
    assert_eq!(kept(&again), 0);
    again.enter("/reply");
    again.write("to nothing");
    again.pass(1000);
    assert_eq!(kept(&again), 1);
    let mut daemon = again.daemon;
    daemon.history.get_mut(&onion("bob")).expect("Bob's").clear();
    let mut session = Session::connected(daemon, SIZE);
    session.open("Bob");
    assert_eq!(
        (session.app.composer.text(), &session.app.intent),
        ("to nothing", &Intent::Send)
    );
    assert_eq!(kept(&session), 0);
}

#[test]
fn a_draft_that_was_written_without_a_daemon_is_kept_once_it_is_back() {
    let mut session = with_bob(3);
    session.write("old");
    session.pass(1000);
    session.lose();
    session.write(" and new");
    session.pass(1000);
    assert_eq!(session.app.composer.text(), "old and new");
    session.find_again();
    assert_eq!(session.daemon.items.values().collect::<Vec<_>>(), ["old and new"]);
}

#[test]
fn a_contact_is_told_of_typing_unless_the_setting_is_off() {
    for (on, told) in [(true, 4), (false, 0)] {
        let mut daemon = daemon(3);
        daemon.status.typing = on;
        let mut session = Session::connected(daemon, SIZE);
        session.open("Bob");
        for _ in 0..3 {
            session.write("more ");
            session.pass(6000);
        }
        session.open("Carol");
        let calls = session.daemon.calls.iter();
        let typing = calls.filter(|call| matches!(call, Request::Typing(_))).count();
        assert_eq!(typing, told, "a daemon that does not tell contacts is not asked to");
    }
}

#[test]
fn another_daemon_may_have_another_setting_for_typing() {
    let mut session = Session::connected(daemon(3), SIZE);
    session.open("Bob");
    session.lose();
    session.daemon.status.typing = false;
    session.find_again();
    session.write("more");
    let calls = session.daemon.calls.iter();
    assert_eq!(calls.filter(|call| matches!(call, Request::Typing(_))).count(), 0);
}

#[test]
fn the_status_panel_has_all_that_doctor_finds_with_what_to_do() {
    let mut session = Session::connected(daemon(3), (100, 60));
    let outbox = Finding::careful("outbox", "2 wait", "sotto outbox shows it", ErrorKind::WrongState);
    let open = "other users can open /home/alice/left-behind";
    let findings = &mut session.daemon.doctor.findings;
    findings.retain(|finding| finding.subject != "outbox");
    findings.push(Finding::careful(
        "permissions",
        open,
        "chmod -R go= /home/alice",
        ErrorKind::Io,
    ));
    findings.push(Finding::bad("disk", "12 MiB free", "free some space", ErrorKind::Io));
    findings.push(outbox);
    session.enter("/status");
    for finding in session.daemon.doctor.findings.clone() {
        session.shows(&finding.subject);
        session.shows(&finding.said[..finding.said.len().min(40)]);
    }
    session.shows("12 MiB free. Free some space");
    session.shows("Run: chmod -R go=");
    let screen = session.screen();
    let place = |text: &str| {
        screen
            .find(text)
            .unwrap_or_else(|| panic!("{text} is not shown:\n{screen}"))
    };
    assert!(
        place("wrong  disk") < place("look  permissions"),
        "the worst comes first"
    );
    assert!(place("look  outbox") < place("ok  configuration"));
    // What can be answered here is a way to it.
    let chosen = |session: &Session| session.app.dialogs.last()?.row().map(|row| row.title.clone());
    for _ in 0..30 {
        if chosen(&session).is_some_and(|title| title.contains("outbox")) {
            break;
        }
        session.press("down");
    }
    session.press("enter");
    session.shows("Not delivered yet");
}

#[test]
fn a_paste_is_one_text_and_never_sends() {
    let mut session = with_bob(3);
    let lines: String = (0..1000).map(|line| format!("{line}\n")).collect();
    session.paste(&format!("begin\r\n{lines}end\r"));
    assert!(session.sent().is_empty());
    assert!(
        session.app.composer.text().starts_with("begin\n0\n"),
        "line feeds alone"
    );
    session.press("ctrl-/");
    assert!(session.app.composer.is_empty(), "one step of undo");
    // What is longer than a message can be is refused whole, and said.
    session.paste(&"a line that is a little longer\n".repeat(10_000));
    assert!(session.sent().is_empty() && session.app.composer.is_empty());
    session.shows("32");
}

#[test]
fn a_paste_where_nothing_is_open_adds_a_friend_or_says_where_it_belongs() {
    let address = &onion("eve")[..56];
    let code = format!(
        "sotto1q{}",
        "84y5mrru2w9yz4774g8kyewchue23mk46ltu7ujgg0w56g5gmfzctvpmgm"
    );
    for (pasted, field) in [
        (format!("{code}\n"), code.clone()),
        (format!("  {}", code.to_uppercase()), code.to_uppercase()),
        (format!("{address}.onion"), format!("{address}.onion")),
        (address.to_owned(), address.to_owned()),
    ] {
        let mut session = Session::connected(FakeDaemon::new(), SIZE);
        session.paste(&pasted);
        let open = session.app.dialogs.last().expect("a dialog");
        assert_eq!((&open.kind, open.value(0)), (&Kind::AddFriend, field));
    }
    for pasted in ["hello\nworld", "sotto1 is what a code begins with", &address[..55], "#"] {
        let mut session = Session::connected(daemon(3), SIZE);
        session.paste(pasted);
        session.shows("open a conversation first");
        assert!(session.app.dialogs.is_empty(), "{pasted}");
    }
    let mut session = Session::connected(daemon(3), SIZE);
    session.paste(" \n");
    session.hides("open a conversation first");
}

#[test]
fn only_a_bare_enter_sends() {
    let mut session = with_bob(3);
    session.write("one");
    for key in ["alt-enter", "ctrl-j", "shift-enter"] {
        session.press(key);
    }
    assert_eq!(session.app.composer.text(), "one\n\n\n");
    session.write("two");
    assert!(session.sent().is_empty());
    session.press("enter");
    assert_eq!(session.sent()[0].text, "one\n\n\ntwo");
}

#[test]
fn slash_commands_act_and_what_is_none_is_said_and_not_sent() {
    let mut session = with_bob(3);
    session.enter("/timer 5m");
    assert_eq!(session.daemon.contact("Bob").timer_ours, 300);
    session.shows("◔ 5 minutes");
    session.enter("/vrify");
    session.shows("Did you mean /verify?");
    assert_eq!(session.app.composer.text(), "/vrify", "it can be mended");
    session.press("ctrl-u");
    session.enter("//verify is a command");
    assert_eq!(session.sent()[0].text, "/verify is a command");
    session.write("/mu");
    session.press("tab");
    assert_eq!(session.app.composer.text(), "/mute ");
    session.press("enter");
    session.shows("muted");
    assert_eq!(session.sent().len(), 1);
}

#[test]
fn the_palette_finds_conversations_and_commands() {
    let mut session = with_bob(3);
    session.press("ctrl-p");
    session.write("carol");
    session.press("enter");
    assert_eq!(session.app.here(), Some(onion("carol").as_str()));
    session.press("ctrl-p");
    session.write("outbox");
    session.press("enter");
    session.shows("Everything has been delivered");
    session.press("esc");
    session.press("ctrl-p");
    session.write("nothing of the kind");
    session.shows("Nothing matches");
    session.press("esc");
    assert!(session.app.dialogs.is_empty());
}

#[test]
fn a_request_is_shown_with_its_note_and_accepted() {
    let mut daemon = daemon(3);
    let mut mallory = friend("mallory");
    mallory.who = name(None, Some("B\u{43e}b"), &onion("mallory"));
    mallory.relationship = Relationship::Asking;
    daemon.requests.push(api::FriendRequest {
        who: mallory.who.clone(),
        note: String::from("we met\nat the\tlake"),
        received_at: Time::from_millis(NOW),
    });
    let mut session = Session::connected(daemon.with(mallory, Vec::new()), SIZE);
    session.shows("1 request");
    session.shows("answer the friend request that waits");
    session.open("Carol");
    session.enter("/requests");
    session.shows("we met at the lake");
    session.shows("looks like Bob");
    session.press("a");
    assert_eq!(session.app.here(), Some(onion("mallory").as_str()));
    session.shows("What do you call them?");
    session.enter("Mallory");
    session.shows("Mallory");
    session.hides("1 request");
}

/// A peer can choose the id of a message that is there. That one stays as it is, and is what a reply quotes.
#[test]
fn a_peer_that_reuses_an_id_hides_and_changes_nothing() {
    let mut session = with_bob(3);
    session.enter("this is mine");
    let bob = session.daemon.contact("Bob");
    let own = session.daemon.messages("Bob")[3].id.clone();
    let mut same = message(&bob, 900, Direction::In, "this is Bob's", 0);
    same.id.clone_from(&own);
    let mut reply = message(&bob, 901, Direction::In, "a reply", 0);
    reply.reply_to = Some(own.clone());
    for message in [same.clone(), reply] {
        session.daemon.tell(api::Body::MessageReceived {
            id: message.id.clone(),
            conversation: bob.who.contact.clone(),
            author: bob.who.contact.clone(),
            message: Some(Box::new(message)),
        });
    }
    session.settle();
    for shown in ["this is mine", "this is Bob's", "a reply", "│ You: this is mine"] {
        session.shows(shown);
    }
    // An edit of the one is no edit of the other.
    same.text = "this is changed".to_owned();
    session.daemon.tell(api::Body::MessageEdited {
        id: own.clone(),
        conversation: bob.who.contact.clone(),
        author: bob.who.contact.clone(),
        message: Some(Box::new(same)),
    });
    session.settle();
    for shown in ["this is mine", "this is changed", "│ You: this is mine"] {
        session.shows(shown);
    }
    session.hides("this is Bob's");
}

/// The mark of the first unread message is above that message alone, whatever id its author gave it.
#[test]
fn the_first_unread_message_is_marked_by_its_author_and_id() {
    let mut daemon = daemon(6);
    let bob = onion("bob");
    let history = daemon.history.get_mut(&bob).expect("Bob's");
    history[0].text = "the first of ours".to_owned();
    (history[0].direction, history[0].from) = (Direction::Out, me().onion);
    history[5].id = history[0].id.clone();
    history[5].state = MessageState::Delivered;
    daemon.contacts.get_mut(&bob).expect("Bob").unread = 1;
    let mut session = Session::connected(daemon, SIZE);
    session.press("ctrl-n");
    session.shows("the first of ours");
    let marks = session.screen().matches("New messages").count();
    assert_eq!(marks, 1, "{}", session.screen());
}

/// The id of the selected message.
fn selected(session: &Session) -> Option<&str> {
    let message = session.app.pane.as_ref()?.selected()?;
    Some(&message.id)
}

#[test]
fn a_reply_quotes_and_leads_to_what_it_replies_to_and_back() {
    let mut session = with_bob(100);
    session.press("shift-tab");
    session.press("r");
    session.shows("↩ Bob: message 99 of Bob");
    session.enter("I see");
    assert_eq!(
        session.sent()[0].reply_to.as_deref(),
        Some(session.daemon.messages("Bob")[99].id.as_str())
    );
    session.shows("│ Bob: message 99 of Bob");
    session.hides("↩ Bob");
    // To one that is far away, and not in the window.
    let far = session.daemon.messages("Bob")[0].id.clone();
    let bob = session.daemon.contact("Bob");
    let mut reply = message(&bob, 900, Direction::In, "back to the beginning", 0);
    reply.reply_to = Some(far.clone());
    session.daemon.tell(api::Body::MessageReceived {
        id: reply.id.clone(),
        conversation: bob.who.contact.clone(),
        author: bob.who.contact.clone(),
        message: Some(Box::new(reply.clone())),
    });
    session.settle();
    session.shows("│ Bob: message 0 of Bob");
    session.press("shift-tab");
    assert_eq!(selected(&session), Some(reply.id.as_str()));
    session.press("o");
    session.shows("message 0 of Bob");
    session.hides("back to the beginning");
    assert_eq!(selected(&session), Some(far.as_str()));
    session.press("b");
    session.shows("back to the beginning");
}

#[test]
fn an_edit_and_its_end_leave_the_draft_as_it_was() {
    let mut session = with_bob(3);
    session.enter("hallo");
    session.write("a draft");
    session.press("shift-tab");
    session.press("e");
    session.shows("✎ Edit");
    assert_eq!(session.app.composer.text(), "hallo");
    session.press("esc");
    assert_eq!(session.app.composer.text(), "a draft");
    assert_eq!(session.app.intent, Intent::Send);
    session.press("shift-tab");
    session.press("e");
    session.press("ctrl-u");
    session.enter("hello");
    session.shows("hello");
    session.shows("edited");
    assert_eq!(session.app.composer.text(), "a draft");
    assert_eq!(
        session
            .daemon
            .messages("Bob")
            .last()
            .map(|message| message.text.as_str()),
        Some("hello")
    );
}

#[test]
fn an_edit_or_a_reply_that_was_begun_waits_in_its_conversation() {
    let mut session = with_bob(3);
    session.enter("hallo");
    session.write("a draft");
    session.press("shift-tab");
    session.press("e");
    session.write(" you");
    session.open("Carol");
    assert!(
        session.app.composer.is_empty(),
        "another conversation takes nothing over"
    );
    assert_eq!(session.app.intent, Intent::Send);
    session.press("shift-tab");
    session.press("r");
    session.write("an answer");
    session.open("Bob");
    session.shows("✎ Edit");
    assert_eq!(session.app.composer.text(), "hallo you");
    session.press("enter");
    assert_eq!(session.daemon.messages("Bob").last().expect("sent").text, "hallo you");
    assert_eq!(
        session.app.composer.text(),
        "a draft",
        "the text of an edit is no draft"
    );
    session.open("Carol");
    session.shows("↩ Carol: hello from Carol");
    session.press("enter");
    let replies = session
        .sent()
        .last()
        .map(|send| (send.text.clone(), send.reply_to.is_some()));
    assert_eq!(replies, Some((String::from("an answer"), true)));
    session.open("Bob");
    assert_eq!(session.app.intent, Intent::Send);

    // Of a message that has gone, nothing waits.
    session.press("shift-tab");
    session.press("e");
    session.open("Carol");
    let gone = session.daemon.messages("Bob").last().expect("sent").clone();
    session.daemon.tell(api::Body::MessageDisappeared {
        id: gone.id,
        conversation: gone.conversation,
        author: gone.from,
        direction: Direction::Out,
    });
    session.settle();
    session.open("Bob");
    assert_eq!(
        (session.app.composer.text(), &session.app.intent),
        ("a draft", &Intent::Send)
    );
}

#[test]
fn nothing_is_deleted_without_a_question() {
    let mut session = with_bob(3);
    session.enter("a slip");
    session.press("shift-tab");
    session.press("d");
    session.shows("Delete this message on both sides?");
    session.press("enter");
    assert!(
        session
            .daemon
            .messages("Bob")
            .iter()
            .all(|message| message.deleted_at.is_none()),
        "No comes first"
    );
    session.press("d");
    session.press("down");
    session.press("enter");
    session.shows("(deleted)");
    assert!(
        session
            .daemon
            .messages("Bob")
            .last()
            .is_some_and(|message| message.deleted_at.is_some())
    );
}

#[test]
fn a_search_here_goes_from_hit_to_hit_also_outside_the_window() {
    let mut daemon = daemon(1000);
    for (place, text) in [(3, "a needle"), (500, "NEEDLE two"), (990, "needle one")] {
        let history = daemon.history.get_mut(&onion("bob")).expect("Bob's");
        history[place].text = text.to_owned();
    }
    let mut session = Session::connected(daemon, SIZE);
    session.open("Bob");
    session.press("ctrl-f");
    session.enter("needle");
    session.shows("hit 1 of 3");
    session.shows("needle one");
    session.press("n");
    session.shows("NEEDLE two");
    session.shows("hit 2 of 3");
    session.press("n");
    session.shows("a needle");
    session.press("n");
    session.shows("needle one");
    session.press("p");
    session.shows("a needle");
    session.shows("hit 3 of 3");
    session.press("esc");
    session.hides("hit 3 of 3");
    session.press("ctrl-f");
    session.enter("nothing like it");
    session.shows("Nothing here has");
}

#[test]
fn what_is_typed_after_a_search_is_text() {
    let mut session = with_bob(3);
    session.press("ctrl-f");
    session.enter("message 1");
    session.shows("hit 1 of 1");
    session.press("esc");
    session.enter("e is a letter");
    let sent: Vec<String> = session.sent().iter().map(|send| send.text.clone()).collect();
    assert_eq!(sent, ["e is a letter"]);
}

#[test]
fn a_command_begins_among_the_messages_too() {
    let mut session = with_bob(3);
    session.press("shift-tab");
    session.enter("/verify");
    session.shows("mark as verified");
    session.press("esc");
    session.write("a text");
    session.press("shift-tab");
    session.write("/ver");
    session.shows("Find: ver");
    session.press("esc");
    session.shows("a text");
}

#[test]
fn a_hit_among_long_messages_is_on_the_screen() {
    let mut daemon = daemon(400);
    for (place, message) in daemon
        .history
        .get_mut(&onion("bob"))
        .expect("Bob's")
        .iter_mut()
        .enumerate()
    {
        message.text = format!("{place}: {}", "many words that take several lines ".repeat(9));
    }
    daemon.history.get_mut(&onion("bob")).expect("Bob's")[200].text = String::from("the needle");
    let mut session = Session::connected(daemon, SIZE);
    session.open("Bob");
    session.press("ctrl-f");
    session.enter("needle");
    session.shows("the needle");
}

#[test]
fn a_search_everywhere_opens_the_message_that_it_finds() {
    let mut session = with_bob(1000);
    session.press("ctrl-r");
    session.write("from carol");
    session.shows("hello from Carol");
    session.press("enter");
    assert_eq!(session.app.here(), Some(onion("carol").as_str()));
    session.shows("hello from Carol");
    // The first message of a conversation: nothing is before it.
    session.press("ctrl-r");
    session.write("message 0 of");
    session.press("enter");
    assert_eq!(session.app.here(), Some(onion("bob").as_str()));
    session.shows("message 0 of Bob");
    session.shows("message 5 of Bob");
}

#[test]
fn unread_messages_are_marked_off_found_and_marked_again() {
    let mut daemon = daemon(300);
    for message in &mut daemon.history.get_mut(&onion("bob")).expect("Bob's")[150..] {
        message.state = MessageState::Delivered;
    }
    daemon.contacts.get_mut(&onion("bob")).expect("Bob").unread = 150;
    let mut session = Session::connected(daemon, SIZE);
    session.shows("150");
    assert_eq!(session.titles.last().map(String::as_str), Some("Sotto (150)"));
    session.press("ctrl-n");
    session.shows("message 299 of Bob");
    let read = |session: &Session| {
        session
            .daemon
            .messages("Bob")
            .iter()
            .filter(|message| message.state == MessageState::Read)
            .count()
    };
    assert!(
        read(&session) > 150 && read(&session) < 200,
        "what was on the screen: {}",
        read(&session)
    );
    session.press("shift-tab");
    session.press("u");
    session.shows("New messages");
    session.shows("message 150 of Bob");
    session.shows("message 149 of Bob");
    // All of it, by a command.
    session.press("enter");
    session.enter("/mark-read");
    session.press("shift-tab");
    session.press("m");
    session.open("Carol");
    let screen = session.screen();
    let row: String = screen
        .lines()
        .find(|row| row.contains(" Bob "))
        .expect("Bob")
        .chars()
        .take(26)
        .collect();
    assert_eq!(row.trim_end(), " ● Bob                  ●", "online, and marked");
    assert!(
        session.daemon.items.keys().any(|key| key.starts_with("unread/")),
        "{:?}",
        session.daemon.items
    );
    let again = Session::connected(session.daemon, SIZE);
    assert!(
        again
            .app
            .conversations
            .entry(&onion("bob"))
            .is_some_and(|entry| entry.marked_unread),
        "after a restart"
    );
}

#[test]
fn mark_read_marks_all_of_a_conversation_from_wherever_it_is_asked() {
    for from_list in [false, true] {
        let mut daemon = daemon(1000);
        // The newest are read, as if another window had shown them.
        for message in &mut daemon.history.get_mut(&onion("bob")).expect("Bob's")[200..900] {
            message.state = MessageState::Delivered;
        }
        daemon.contacts.get_mut(&onion("bob")).expect("Bob").unread = 700;
        let mut session = Session::connected(daemon, SIZE);
        if from_list {
            session.open("Carol");
            session.press("shift-tab");
            session.press("shift-tab");
            assert_eq!(session.app.focus, Focus::List);
            session.press("home");
            session.press("ctrl-p");
            session.enter("/mark-read");
        } else {
            session.open("Bob");
            session.enter("/mark-read");
        }
        session.shows("Marked as read");
        let unread = |message: &&Message| message.state != MessageState::Read;
        assert_eq!(session.daemon.messages("Bob").iter().filter(unread).count(), 0);
        let entry = session.app.conversations.entry(&onion("bob")).expect("Bob");
        assert_eq!(entry.unread, 0);
        let mut asked: Vec<(usize, bool)> = Vec::new();
        for call in &session.daemon.calls {
            if let Request::Read(read) = call {
                asked.push((read.ids.len(), read.conversation == onion("bob")));
            }
        }
        assert!(asked.iter().all(|(ids, bob)| *ids <= 256 && *bob), "{asked:?}");
        session.daemon.calls.clear();
        session.pass(1000);
        let pages = session.daemon.calls.iter();
        assert_eq!(
            pages.filter(|call| matches!(call, Request::History(_))).count(),
            0,
            "it ends"
        );
    }
    // A daemon that goes away meanwhile: it is said.
    let mut session = with_bob(3);
    session.lose();
    session.enter("/mark-read");
    session.shows("not everything is marked as read");
}

#[test]
fn the_list_has_unread_ones_first_or_the_latest_and_keeps_that() {
    let order = |session: &Session| -> Vec<String> {
        let names = session.app.conversations.shown().map(|entry| entry.name.brief());
        let screen = session.screen();
        let names: Vec<String> = names.collect();
        let rows: Vec<_> = names
            .iter()
            .map(|name| screen.lines().position(|line| line.contains(name)))
            .collect();
        assert!(
            rows.is_sorted() && rows.iter().all(Option::is_some),
            "{names:?}:\n{screen}"
        );
        names
    };
    // Carol's message is older than Bob's, and unread.
    let mut daemon = daemon(3);
    daemon.contacts.get_mut(&onion("carol")).expect("Carol").unread = 1;
    let mut session = Session::connected(daemon, SIZE);
    assert_eq!(order(&session), ["Carol", "Bob"]);
    session.open("Bob");
    session.enter("/sort");
    session.shows("The latest conversations come first");
    assert_eq!(order(&session), ["Bob", "Carol"]);
    let mut again = Session::connected(session.daemon, SIZE);
    assert_eq!(order(&again), ["Bob", "Carol"], "after a restart");
    again.open("Bob");
    again.enter("/sort");
    assert_eq!(order(&again), ["Carol", "Bob"]);
    let again = Session::connected(again.daemon, SIZE);
    assert_eq!(order(&again), ["Carol", "Bob"]);
}

#[test]
fn the_list_says_how_long_a_friend_is_away_and_tells_offline_from_unknown() {
    use api::Presence::{Offline, Online, Unknown};
    let with = |presence, seen: Option<u64>, petname: &str| {
        let mut contact = friend(petname);
        contact.presence = presence;
        contact.presence_as_of = None;
        contact.last_seen = seen.map(|minutes| Time::from_millis(NOW - minutes * 60_000));
        let text = message(&contact, 0, Direction::In, "hello", 500);
        FakeDaemon::new().with(contact, vec![text])
    };
    let row = |daemon: FakeDaemon| {
        let session = Session::connected(daemon, SIZE);
        let screen = session.screen();
        let row = screen.lines().next().expect("a row");
        let row: String = row.chars().take(26).collect();
        row.trim_end().to_owned()
    };
    assert_eq!(row(with(Online, Some(200), "Bob")), " ● Bob");
    assert_eq!(row(with(Offline, Some(200), "Bob")), " ○ Bob                 3h");
    assert_eq!(row(with(Offline, Some(0), "Bob")), " ○ Bob                 1m");
    assert_eq!(
        row(with(Unknown, Some(60 * 24 * 5), "Bob")),
        " ◌ Bob                 5d"
    );
    assert_eq!(row(with(Unknown, None, "Bob")), " ◌ Bob");
    // The name comes first.
    let name = "Bartholomew the Younger";
    assert!(row(with(Offline, Some(200), name)).starts_with(&format!(" ○ {name}")));
}

#[test]
fn the_cursor_stands_where_the_user_is() {
    let mut session = with_bob(3);
    let row_of = |session: &Session, what: &str| {
        let row = session
            .screen()
            .lines()
            .position(|line| line.contains(what))
            .expect("on the screen");
        u16::try_from(row).expect("a row")
    };
    let cursor = |session: &Session| session.frame().1.expect("a cursor");
    session.write("ab");
    assert_eq!(cursor(&session).y, row_of(&session, "› ab"));
    session.press("shift-tab");
    for number in [2, 1, 0] {
        assert_eq!(
            cursor(&session).y,
            row_of(&session, &format!("message {number} of Bob"))
        );
        assert!(cursor(&session).x > 20, "in the pane");
        session.press("up");
    }
    session.press("shift-tab");
    assert_eq!((session.app.focus, cursor(&session).x), (Focus::List, 0));
    for _ in 0..2 {
        let name = session
            .app
            .conversations
            .at(session.app.chosen)
            .expect("chosen")
            .name
            .brief();
        assert_eq!(cursor(&session).y, row_of(&session, &format!("● {name}")));
        session.press("down");
    }
}

#[test]
fn what_is_not_seen_is_not_read() {
    // In a narrow terminal the list covers the messages.
    let mut session = Session::connected(daemon(3), (50, 20));
    session.open("Bob");
    session.press("shift-tab");
    session.press("shift-tab");
    assert_eq!(session.app.focus, Focus::List);
    let id = session.receive("Bob", "unseen");
    let state = |session: &Session, id: &str| {
        session
            .daemon
            .messages("Bob")
            .iter()
            .find(|message| message.id == id)
            .map(|message| message.state)
    };
    assert_eq!(state(&session, &id), Some(MessageState::Delivered));
    session.press("enter");
    session.shows("unseen");
    assert_eq!(state(&session, &id), Some(MessageState::Read));
    // Nor while the window has no focus, and then the bell rings.
    assert_eq!(session.bells, 1);
    session.input(Input::Focus(false));
    let id = session.receive("Bob", "elsewhere");
    assert_eq!(
        (state(&session, &id), session.bells),
        (Some(MessageState::Delivered), 2)
    );
    session.input(Input::Focus(true));
    assert_eq!(state(&session, &id), Some(MessageState::Read));
}

#[test]
fn the_place_that_is_looked_at_stays_while_messages_arrive() {
    let mut session = with_bob(100);
    session.press("pageup");
    // All of the messages, but for the mark in their last row.
    let messages = |session: &Session| -> Vec<String> {
        let area = crate::view::areas(&session.app).messages;
        let rows: Vec<String> = (area.top()..area.bottom())
            .map(|row| session.screen().lines().nth(row.into()).expect("a row").to_owned())
            .collect();
        let row = |row: &String| -> String { row.chars().skip(area.x.into()).collect() };
        let last = |row: String| row.split('↓').next().expect("its beginning").trim_end().to_owned();
        rows.iter().map(row).map(last).collect()
    };
    let before = messages(&session);
    assert!(
        before.iter().filter(|row| row.contains("of Bob")).count() > 10,
        "{before:?}"
    );
    for number in 0..700 {
        session.receive("Bob", &format!("new {number}"));
    }
    assert_eq!(messages(&session), before);
    session.shows("700 new");
    session.hides("new 699");
    session.press("shift-tab");
    session.press("end");
    session.shows("new 699");
    session.hides("700 new");
}

#[test]
fn the_history_is_read_in_pages_in_both_directions_with_a_bounded_window() {
    let mut session = with_bob(3000);
    session.press("shift-tab");
    let mut seen = 0;
    for _ in 0..400 {
        session.press("pageup");
        let pane = session.app.pane.as_ref().expect("open");
        assert!(pane.messages().len() <= 500, "bounded");
        seen += 1;
        if session.screen().contains("message 0 of Bob") {
            break;
        }
    }
    assert!(seen < 400, "the first message is reached");
    for _ in 0..400 {
        session.press("pagedown");
        if session.screen().contains("message 2999 of Bob") {
            break;
        }
    }
    session.shows("message 2999 of Bob");
    let numbers: Vec<usize> = session
        .app
        .pane
        .as_ref()
        .expect("open")
        .messages()
        .filter_map(|message| message.text.split(' ').nth(1)?.parse().ok())
        .collect();
    assert!(
        numbers.windows(2).all(|pair| pair[0] + 1 == pair[1]),
        "in order, without gaps: {numbers:?}"
    );
}

#[test]
fn a_page_that_comes_late_does_not_get_into_another_window() {
    let mut session = with_bob(1000);
    session.press("shift-tab");
    session.slow = true;
    // A page above is asked for, and the conversation is left and opened anew before it is there.
    for _ in 0..5 {
        session.press("pageup");
    }
    session.open("Carol");
    session.open("Bob");
    session.release();
    session.shows("message 999 of Bob");
    let pane = session.app.pane.as_ref().expect("open");
    let numbers: Vec<usize> = pane
        .messages()
        .filter_map(|message| message.text.split(' ').nth(1)?.parse().ok())
        .collect();
    assert!(
        numbers.windows(2).all(|pair| pair[0] + 1 == pair[1]),
        "in order, without gaps: {numbers:?}"
    );
}

#[test]
fn the_lock_hides_everything_until_the_passphrase_is_given() {
    let mut session = with_bob(3);
    session.write("a draft");
    session.receive("Carol", "for your eyes");
    session.press("f8");
    session.hides("Bob");
    session.hides("message");
    session.hides("draft");
    assert_eq!(session.titles.last().map(String::as_str), Some("Sotto"));
    session.receive("Carol", "more for your eyes");
    session.hides("Carol");
    assert_eq!(session.titles.last().map(String::as_str), Some("Sotto"));
    for key in ["esc", "ctrl-p", "f1", "tab", "ctrl-n", "f9"] {
        session.press(key);
        session.hides("Bob");
        session.hides("Carol");
    }
    session.press("ctrl-u");
    session.enter("guess");
    session.shows("The passphrase is wrong");
    session.press("ctrl-u");
    session.enter(PASSPHRASE);
    session.shows("message 2 of Bob");
    assert_eq!(session.app.composer.text(), "a draft");
}

#[test]
fn the_daemon_knows_what_is_looked_at_and_the_terminal_says_no_more_than_the_desktop_may() {
    let mut session = with_bob(3);
    let bob = session.app.here().map(str::to_owned);
    assert!(bob.is_some());
    assert_eq!(
        (&session.daemon.focus.conversation, session.daemon.focus.locked),
        (&bob, false)
    );
    session.app.config.notify = true;
    session.receive("Bob", "on the screen");
    assert_eq!(session.notified, [""; 0], "it is looked at");
    session.receive("Carol", "for your eyes");
    assert_eq!(session.notified, ["Carol has written"]);
    session.press("f8");
    assert_eq!(
        (&session.daemon.focus.conversation, session.daemon.focus.locked),
        (&None, true)
    );
    session.receive("Carol", "more for your eyes");
    assert_eq!(
        session.notified.last().map(String::as_str),
        Some("A message has arrived")
    );
}

#[test]
fn a_locked_interface_is_not_ended_without_the_question_either() {
    // What waits would be thrown away.
    let mut session = with_bob(1);
    session.lose();
    session.enter("not yet");
    session.press("f8");
    session.press("ctrl-c");
    session.shows("No daemon has taken 1 message yet.");
    session.hides("not yet");
    session.press("esc");
    assert!(!session.quit && session.app.locked);
    session.shows("Locked");
    session.press("ctrl-c");
    session.press("ctrl-c");
    assert!(!session.quit, "a second key is no answer");
    session.press("enter");
    assert!(!session.quit && session.app.locked);
    session.press("ctrl-c");
    session.press("down");
    session.press("enter");
    assert!(session.quit);

    // A daemon of this process would end.
    let mut session = Session::start(&Start::Passphrase, daemon(3), SIZE);
    session.enter(PASSPHRASE);
    session.press("f8");
    session.press("ctrl-c");
    session.shows("let Sotto run in the background");
    assert!(!session.quit);
    session.press("enter");
    assert_eq!(format!("{:?}", session.hosted.last().expect("a task")), "Detach");

    // Nothing would be lost: no question.
    let mut session = with_bob(1);
    session.press("f8");
    session.press("ctrl-c");
    assert!(session.quit);
}

#[test]
fn what_no_daemon_has_taken_is_not_thrown_away_without_a_question() {
    let mut session = with_bob(1);
    session.lose();
    session.enter("not yet");
    session.press("ctrl-c");
    session.shows("No daemon has taken 1 message yet.");
    session.press("esc");
    assert!(!session.quit);
    for _ in 0..3 {
        session.press("ctrl-c");
    }
    session.shows("No daemon has taken 1 message yet.");
    assert!(!session.quit, "a second ctrl-c loses what was written");
    session.press("enter");
    assert!(!session.quit, "the safe row is chosen");
    assert!(session.app.dialogs.is_empty());
    // A question above another one: its answer is not taken for this one's.
    session.press("ctrl-c");
    session.press("down");
    session.press("ctrl-c");
    session.press("enter");
    assert!(!session.quit, "each key asks anew");
    assert_eq!(session.app.kept(), 1);
    session.press("ctrl-c");
    session.press("down");
    session.press("enter");
    assert!(session.quit, "the user knows");

    // The daemon of this process loses it as well, in the background or not.
    let mut session = Session::start(&Start::Passphrase, daemon(3), SIZE);
    session.enter(PASSPHRASE);
    session.open("Bob");
    session.lose();
    session.enter("not yet");
    session.press("ctrl-c");
    session.press("ctrl-c");
    session.press("enter");
    assert!(!session.quit);
    assert!(
        !session
            .hosted
            .iter()
            .any(|task| matches!(task, HostTask::Stop | HostTask::Detach))
    );
}

#[test]
fn the_status_panel_is_found_by_the_name_of_the_command_that_checks() {
    let mut session = with_bob(3);
    session.enter("/doctor");
    assert!(session.app.dialogs.iter().any(|open| open.kind == Kind::Status));
    for wanted in ["doctor", "check", "/doctor"] {
        let mut session = with_bob(3);
        session.press("ctrl-p");
        session.write(wanted);
        session.press("enter");
        assert!(
            session.app.dialogs.iter().any(|open| open.kind == Kind::Status),
            "{wanted}:\n{}",
            session.screen()
        );
    }
    let mut session = with_bob(3);
    session.write("/doc");
    session.press("tab");
    assert_eq!(session.app.composer.text(), "/doctor ");
}

#[test]
fn with_agents_the_interface_asks_for_the_owner_once_and_loses_nothing() {
    let mut daemon = daemon(1);
    daemon.owner_needed = true;
    let mut session = Session::connected(daemon, SIZE);
    session.shows("Is it you?");
    session.press("esc");
    session.open("Bob");
    session.write("hello");
    session.press("enter");
    session.shows("Is it you?");
    session.enter("guess");
    session.shows("The passphrase is wrong");
    session.press("ctrl-u");
    session.enter(PASSPHRASE);
    assert_eq!(session.app.composer.text(), "");
    assert_eq!(session.daemon.messages("Bob").last().expect("sent").text, "hello");
    session.shows("hello");
}

#[test]
fn a_new_thread_begins_with_its_name() {
    let mut session = with_bob(3);
    session.enter("/thread garden");
    session.shows("Nothing is in this thread yet.");
    session.enter("roses");
    session.shows("# garden");
    session.press("esc");
    session.shows("message 2 of Bob");
}

#[test]
fn without_a_conversation_what_is_typed_looks_for_one_or_for_a_command() {
    let mut session = Session::connected(daemon(3), SIZE);
    session.write("/identity");
    session.shows("Show your address and friend code");
    session.press("enter");
    session.shows("Copy the friend code");
}

#[test]
fn right_to_left_text_is_reordered_where_the_terminal_does_not() {
    let mut session = with_bob(1);
    session.app.config.reorder = crate::text::bidi::Reorder::Here;
    session.receive("Bob", "שלום");
    session.shows("םולש");
    session.write("אב");
    session.shows("בא");
}

#[test]
fn an_answer_that_comes_after_the_lock_opens_nothing_above_it() {
    for key in ["/verify", "/requests", "/invite"] {
        let mut daemon = daemon(3);
        let mut dora = friend("dora");
        dora.relationship = Relationship::Asking;
        daemon.requests.push(api::FriendRequest {
            who: dora.who.clone(),
            note: String::new(),
            received_at: Time::from_millis(NOW),
        });
        let mut session = Session::connected(daemon.with(dora, Vec::new()), SIZE);
        session.open("Bob");
        session.slow = true;
        session.enter(key);
        session.press("a");
        session.press("f8");
        session.release();
        assert!(
            matches!(session.app.dialogs.as_slice(), [open] if open.kind == Kind::Locked),
            "{key}"
        );
        session.enter("into nothing");
        assert!(session.sent().is_empty());
        session.press("ctrl-u");
        session.enter(PASSPHRASE);
        assert!(!session.app.locked && session.app.dialogs.is_empty(), "{key}");
    }
}

#[test]
fn an_idle_interface_locks_itself() {
    let mut session = with_bob(3);
    session.app.config.lock_after = Some(5);
    session.pass(4 * 60_000);
    session.shows("message 2");
    session.press("down");
    session.pass(4 * 60_000);
    assert!(!session.app.locked, "a key counts");
    session.pass(61_000);
    assert!(session.app.locked);
    session.hides("message 2");
}

#[test]
fn a_daemon_that_goes_away_and_comes_back_takes_neither_draft_nor_place() {
    let mut session = with_bob(1000);
    for _ in 0..30 {
        session.press("pageup");
    }
    session.write("a draft");
    let shown = |session: &Session| -> Vec<String> {
        session
            .screen()
            .lines()
            .filter(|line| line.contains("of Bob"))
            .map(str::to_owned)
            .collect()
    };
    let before = shown(&session);
    session.lose();
    session.shows("no daemon");
    assert!(
        session.app.deadline() >= session.now + 100,
        "it does not spin while it waits"
    );
    session.press("pageup");
    session.press("pagedown");
    assert_eq!(shown(&session), before);
    session.find_again();
    session.hides("no daemon");
    assert_eq!(shown(&session), before);
    assert_eq!(session.app.composer.text(), "a draft");
}

#[test]
fn a_safety_number_is_shown_compared_and_marked() {
    let mut session = with_bob(3);
    session.resize(80, 40);
    session.enter("/verify");
    session.shows("01234  56789  01234  56789");
    session.shows("mark as verified");
    session.press("enter");
    assert!(
        !session.daemon.contact("Bob").who.verified,
        "Enter alone compares nothing"
    );
    session.press("down");
    session.press("enter");
    assert!(session.daemon.contact("Bob").who.verified);
    session.shows("You have compared it");
    session.press("esc");
    session.shows("✓ verified");
}

#[test]
fn a_key_that_has_changed_is_said_and_needs_two_steps() {
    let mut daemon = daemon(3);
    daemon.contacts.get_mut(&onion("bob")).expect("Bob").untrusted = true;
    let mut session = Session::connected(daemon, SIZE);
    session.open("Bob");
    session.shows("the key has changed");
    session.enter("/verify");
    session.press("down");
    session.press("down");
    session.press("enter");
    session.shows("without comparing the number?");
    assert!(session.daemon.contact("Bob").untrusted);
    session.press("down");
    session.press("enter");
    assert!(!session.daemon.contact("Bob").untrusted);
    assert!(!session.daemon.contact("Bob").who.verified, "that was not compared");
}

#[test]
fn an_approval_shows_the_whole_text_and_what_is_allowed_is_what_was_shown() {
    let mut daemon = daemon(3);
    let text: String = (0..40).map(|line| format!("line {line} of the approval\n")).collect();
    let bob = daemon.contact("Bob");
    daemon.locked = true;
    daemon.approvals.push(approval(&bob, &text));
    let mut session = Session::connected(daemon, SIZE);
    session.shows("1 approval");
    session.open("Bob");
    session.enter("/approvals");
    session.shows("line 0 of the approval");
    // It is not allowed before its end was shown.
    session.press("a");
    session.shows("There is more to read");
    // All of it can be read.
    for _ in 0..60 {
        if session.screen().contains("line 39 of the approval") {
            break;
        }
        session.press("pagedown");
    }
    session.shows("line 39 of the approval");
    session.press("a");
    session.shows("Is it you?");
    // What the user turned away from is not allowed by a later passphrase.
    session.press("esc");
    session.press("esc");
    session.press("f8");
    session.enter(PASSPHRASE);
    assert_eq!(session.daemon.approvals.len(), 1, "it waits on");
    session.daemon.locked = true;
    session.enter("/approvals");
    for _ in 0..60 {
        session.press("a");
        if session.screen().contains("Is it you?") {
            break;
        }
    }
    session.enter(PASSPHRASE);
    assert!(
        session.daemon.approvals.is_empty(),
        "it is allowed once the owner is known"
    );
    session.press("esc");
    session.hides("1 approval");
    // What was allowed is not asked for again.
    let allowed = |session: &Session| {
        let calls = session.daemon.calls.iter();
        calls.filter(|call| matches!(call, Request::Allow(_))).count()
    };
    let before = allowed(&session);
    session.press("f8");
    session.enter(PASSPHRASE);
    assert_eq!(allowed(&session), before);
}

#[test]
fn invites_are_made_listed_copied_and_revoked() {
    let mut session = with_bob(3);
    session.resize(80, 40);
    session.enter("/invites");
    session.shows("No invite waits to be used");
    session.press("esc");
    session.enter("/invite");
    session.press("esc");
    session.enter("/invites");
    session.shows("once-k3vz");
    session.press("c");
    assert!(session.copied.last().is_some_and(|code| code.ends_with("once-k3vz")));
    session.press("r");
    session.shows("Revoked");
    session.shows("No invite waits to be used");
    assert!(session.daemon.invites.is_empty());
}

#[test]
fn a_timer_is_chosen_or_written() {
    let mut session = with_bob(3);
    session.enter("/timer");
    session.shows("now");
    session.press("down");
    session.press("enter");
    assert_eq!(session.daemon.contact("Bob").timer_ours, 30);
    session.enter("/timer");
    session.press("shift-tab");
    session.write("90x");
    session.press("enter");
    session.shows("A timer is written like");
    session.press("backspace");
    session.press("enter");
    assert_eq!(session.daemon.contact("Bob").timer_ours, 90);
    assert!(session.app.dialogs.is_empty());
}

#[test]
fn a_timer_that_has_no_effect_beside_the_peers_says_so() {
    let mut daemon = daemon(3);
    let bob = daemon.contacts.get_mut(&onion("bob")).expect("Bob");
    bob.timer_theirs = 300;
    let mut session = Session::connected(daemon, SIZE);
    session.open("Bob");
    session.enter("/timer 30s");
    session.hides("The shorter timer counts");
    session.enter("/timer off");
    session.shows("Bob has set 5 minutes. The shorter timer counts.");
}

#[test]
fn a_message_that_expires_counts_down_and_goes() {
    let mut session = with_bob(3);
    let bob = session.daemon.contact("Bob");
    let mut soon = message(&bob, 50, Direction::In, "burn after reading", 0);
    soon.ttl = 30;
    soon.expires_at = Some(Time::from_millis(NOW + 30_000));
    session.daemon.tell(api::Body::MessageReceived {
        id: soon.id.clone(),
        conversation: bob.who.contact.clone(),
        author: bob.who.contact.clone(),
        message: Some(Box::new(soon.clone())),
    });
    session.settle();
    session.shows("◔ 30s");
    session.pass(10_000);
    session.shows("◔ 20s");
    session.daemon.tell(api::Body::MessageDisappeared {
        id: soon.id.clone(),
        conversation: bob.who.contact.clone(),
        author: bob.who.contact.clone(),
        direction: Direction::In,
    });
    session.settle();
    session.hides("burn after reading");
}

#[test]
fn quitting_asks_about_a_daemon_of_its_own_and_leaves_another_one_running() {
    let mut session = with_bob(3);
    session.press("ctrl-c");
    assert!(
        session.quit && session.hosted.is_empty(),
        "another one's daemon goes on"
    );

    for (steps, wanted) in [(0, "Detach"), (1, "Stop")] {
        let mut session = Session::start(&Start::Passphrase, daemon(3), SIZE);
        session.enter(PASSPHRASE);
        session.press("ctrl-c");
        session.shows("let Sotto run in the background");
        for _ in 0..steps {
            session.press("down");
        }
        session.press("enter");
        assert_eq!(format!("{:?}", session.hosted.last().expect("a task")), wanted);
        assert!(session.quit);
    }

    // Of the demo nothing could go on.
    let mut session = Session::start(&Start::Passphrase, daemon(3), SIZE);
    session.app.config.ends_together = true;
    session.enter(PASSPHRASE);
    session.press("ctrl-c");
    assert_eq!(format!("{:?}", session.hosted.last().expect("a task")), "Stop");
    assert!(session.quit);
}

#[test]
fn a_daemon_of_this_process_that_has_crashed_is_shown_and_started_again() {
    for locked in [false, true] {
        let mut session = Session::start(&Start::Passphrase, daemon(3), SIZE);
        session.enter(PASSPHRASE);
        session.open("Bob");
        session.write("a draft");
        if locked {
            session.press("f8");
        }
        // It is gone, and has not quite ended yet.
        session.lose();
        session.hides("Sotto has stopped");
        session.crash = Some(api::Error::internal("the daemon has crashed"));
        session.lose();
        session.shows("Sotto has stopped");
        session.shows("the daemon has crashed");
        session.press("enter");
        session.hides("Sotto has stopped");
        if locked {
            session.enter(PASSPHRASE);
        }
        assert_eq!(session.app.composer.text(), "a draft");
        session.shows("message 2 of Bob");
    }
}

#[test]
fn a_dialog_whose_daemon_goes_away_says_so_and_can_be_tried_again() {
    let mut session = with_bob(3);
    session.enter("/add someone Eve");
    session.press("down");
    session.press("down");
    session.lose();
    session.press("enter");
    assert!(
        session
            .app
            .dialogs
            .last()
            .is_some_and(|open| !open.busy && open.error.is_some()),
        "{:?}",
        session.app.dialogs
    );
    session.press("esc");
    session.press("f8");
    session.enter(PASSPHRASE);
    assert!(
        session.app.dialogs.last().is_some_and(|open| open.error.is_some()),
        "it waits no longer"
    );
}

#[test]
fn the_mouse_opens_selects_scrolls_and_copies_what_is_drawn() {
    let mut session = with_bob(100);
    let row = |session: &Session, what: &str| {
        let screen = session.screen();
        let row = screen
            .lines()
            .position(|line| line.contains(what))
            .expect("on the screen");
        u16::try_from(row).expect("a row")
    };
    let at = row(&session, "message 97 of Bob");
    session.click(50, at);
    assert_eq!(session.app.focus, Focus::Messages);
    let selected = session
        .app
        .pane
        .as_ref()
        .and_then(|pane| pane.selected())
        .map(|message| message.text.clone());
    assert_eq!(selected.as_deref(), Some("message 97 of Bob"));
    session.mouse(MouseEventKind::ScrollUp, 50, 10);
    session.hides("message 99 of Bob");
    for _ in 0..3 {
        session.mouse(MouseEventKind::ScrollDown, 50, 10);
    }
    session.shows("message 99 of Bob");
    let carol = row(&session, "Carol");
    session.click(3, carol);
    assert_eq!(session.app.here(), Some(onion("carol").as_str()));
}

#[test]
fn what_the_mouse_selects_is_the_text_also_of_wide_characters() {
    let mut daemon = daemon(1);
    daemon.history.get_mut(&onion("bob")).expect("Bob's")[0].text =
        String::from("漢字 and 👨\u{200d}👩\u{200d}👧 here");
    let mut session = Session::connected(daemon, SIZE);
    session.open("Bob");
    let screen = session.screen();
    let row = screen
        .lines()
        .position(|line| line.contains("漢字"))
        .expect("on the screen");
    let row = u16::try_from(row).expect("a row");
    session.mouse(MouseEventKind::Down(MouseButton::Left), 29, row);
    session.mouse(MouseEventKind::Drag(MouseButton::Left), 79, row);
    assert_eq!(session.selection().trim(), "漢字 and 👨\u{200d}👩\u{200d}👧 here");
}

#[test]
fn links_can_be_opened_by_the_terminal_and_show_where_they_lead() {
    let mut daemon = daemon(1);
    let history = daemon.history.get_mut(&onion("bob")).expect("Bob's");
    let far = format!("https://far.example/{}", "x".repeat(40));
    history[0].text = format!("- [my bank](https://evil.example/b) or {far}\n- [x](javascript:y)");
    history[0].content_type = api::ContentType::Markdown;
    let mut session = Session::connected(daemon, SIZE);
    session.open("Bob");
    session.shows("my bank [evil.example]");
    let links = session.hyperlinks();
    let of = |url: &str| -> String {
        let texts = links.iter().rev().filter(|(_, to)| to == url);
        texts.map(|(text, _)| text.as_str()).collect()
    };
    assert_eq!(of("https://evil.example/b"), "my bank");
    assert_eq!(of(&far), far, "over two lines");
    assert_eq!(links.len(), 3, "a script is none: {links:?}");
    session.press("f1");
    assert_eq!(session.hyperlinks(), [], "a dialog covers them");
}

#[test]
fn half_width_katakana_with_marks_is_not_drawn_over() {
    let mut daemon = daemon(1);
    let history = daemon.history.get_mut(&onion("bob")).expect("Bob's");
    history[0].text = String::from("ｶﾞｶﾞ **ﾊﾟ** end");
    history[0].content_type = api::ContentType::Markdown;
    let mut session = Session::connected(daemon, SIZE);
    session.open("Bob");
    session.shows("ｶﾞｶﾞ ﾊﾟ end");
}

#[test]
fn a_name_that_a_peer_claims_is_never_shown_as_one_that_the_user_has_given() {
    let mut claimed = friend("eve");
    claimed.who = name(None, Some("Bob"), &onion("eve"));
    let text = message(&claimed, 1, Direction::In, "it is me, Bob", 3);
    let mut session = Session::connected(daemon(3).with(claimed, vec![text]), SIZE);
    session.app.open_conversation(&onion("eve"));
    session.settle();
    session.shows("~Bob");
    session.shows("~Bob (eveabcde)");
}

#[test]
fn a_message_without_a_text_is_a_line_all_the_same() {
    let mut session = with_bob(3);
    session.receive("Bob", "");
    session.receive("Bob", " \n ");
    session.shows("(empty)");
    session.press("shift-tab");
    session.press("up");
    session.press("up");
    session.shows("message 2 of Bob");
}

#[test]
fn a_failed_message_says_so_and_can_be_sent_again() {
    let mut daemon = daemon(3);
    let bob = daemon.contact("Bob");
    let mut failed = message(&bob, 70, Direction::Out, "in vain", 5);
    failed.state = MessageState::Failed;
    failed.reason = Some(api::FailReason::Expired);
    daemon
        .history
        .get_mut(&onion("bob"))
        .expect("Bob's")
        .push(failed.clone());
    let mut session = Session::connected(daemon, SIZE);
    session.open("Bob");
    session.shows("✗ failed: not reached in time");
    session.enter("/outbox");
    session.shows("in vain");
    session.press("r");
    session.press("esc");
    session.shows("◷ queued");
    assert!(
        session
            .daemon
            .calls
            .iter()
            .any(|call| matches!(call, Request::Retry(which) if which.id == failed.id))
    );
}

#[test]
fn what_failed_is_edited_and_sent_again_and_what_waits_is_cancelled() {
    let mut daemon = daemon(3);
    let bob = daemon.contact("Bob");
    let mut failed = message(&bob, 70, Direction::Out, "in vain", 5);
    failed.state = MessageState::Failed;
    daemon.history.get_mut(&onion("bob")).expect("Bob's").push(failed);
    let mut session = Session::connected(daemon, SIZE);
    session.open("Bob");
    session.press("shift-tab");
    session.press("e");
    session.press("ctrl-u");
    session.enter("not in vain");
    session.press("shift-tab");
    session.press("s");
    session.shows("not in vain");
    session.shows("◷ queued");
    session.press("x");
    session.shows("✗ cancelled");
}

#[test]
fn the_editor_gets_the_text_and_the_quote_and_gives_it_back() {
    let mut session = with_bob(3);
    session.press("shift-tab");
    session.press("r");
    session.write("begun");
    session.press("ctrl-o");
    assert_eq!(
        session.edited,
        Some((String::from("begun"), String::from("Bob: message 2 of Bob")))
    );
    session.input(Input::Edited(Ok(Some(String::from("a long text\n")))));
    assert_eq!(session.app.composer.text(), "a long text");
    assert!(session.sent().is_empty());
    session.input(Input::Edited(Err(String::from("The editor could not be started."))));
    session.shows("The editor could not be started");
    assert_eq!(session.app.composer.text(), "a long text");
}

#[test]
fn an_approval_that_goes_leaves_no_other_to_be_allowed_in_its_place() {
    let mut daemon = daemon(3);
    let bob = daemon.contact("Bob");
    for (number, text) in ["a decoy", "harmless", "harmful"].into_iter().enumerate() {
        let mut approval = approval(&bob, text);
        approval.id = format!("a{number}");
        daemon.approvals.push(approval);
    }
    let mut session = Session::connected(daemon, SIZE);
    session.enter("/approvals");
    session.press("down");
    // The agent takes the first one back; the choice stays with what the user reads.
    session.daemon.expire_approval(0);
    session.settle();
    session.hides("a decoy");
    session.press("enter");
    let left = |session: &Session| -> Vec<String> {
        let approvals = session.daemon.approvals.iter();
        approvals.map(|approval| approval.text.clone()).collect()
    };
    assert_eq!(left(&session), ["harmful"]);
    // What is below is not chosen by that.
    session.press("enter");
    session.press("a");
    assert_eq!(left(&session), ["harmful"]);
    session.press("down");
    session.press("d");
    assert!(left(&session).is_empty());
}

/// An agent chooses these too, and they could carry what it has read.
#[test]
fn an_approval_shows_all_that_is_sent_beside_its_text() {
    let mut daemon = daemon(3);
    let mut asked = approval(&daemon.contact("Bob"), "ok");
    asked.thread = Some(String::from("the password\nis 1234"));
    asked.reply_to = Some(String::from("00112233445566778899aabbccddeeff"));
    asked.ttl = Some(1234);
    asked.content_type = api::ContentType::Markdown;
    daemon.approvals.push(asked);
    let mut session = Session::connected(daemon, SIZE);
    session.enter("/approvals");
    session.shows(r#"in the thread "the password\nis 1234""#);
    session.shows("in reply to 00112233445566778899aabbccddeeff");
    session.shows("gone after 1234 s");
    session.shows("shown as Markdown");
    assert!(
        session
            .screen()
            .lines()
            .any(|line| line.trim_matches(['│', ' ', '›', '▌']) == "ok")
    );
}

#[test]
fn empty_lines_hide_nothing_of_an_approval() {
    let mut daemon = daemon(3);
    let bob = daemon.contact("Bob");
    daemon
        .approvals
        .push(approval(&bob, &format!("Lunch?{}PS: the password", "\n".repeat(300))));
    let mut session = Session::connected(daemon, SIZE);
    session.enter("/approvals");
    session.shows("Lunch?");
    session.shows("[299 empty lines]");
    session.shows("PS: the password");
}

#[test]
fn what_waits_goes_out_in_the_order_in_which_it_was_written() {
    let mut session = with_bob(3);
    session.slow = true;
    session.enter("one");
    session.enter("two");
    // The daemon that had the first one has ended, which the connection of the events has not seen yet.
    session.up = false;
    session.release();
    session.enter("three");
    session.shows("3 kept");
    session.slow = false;
    session.up = true;
    session.pass(1_000);
    let texts: Vec<_> = session.sent().iter().map(|send| send.text.clone()).collect();
    assert_eq!(texts, ["one", "two", "three"]);
    session.hides("kept");
}

#[test]
fn what_a_hanging_daemon_has_not_taken_is_shown_and_asked_about() {
    let mut session = with_bob(3);
    session.slow = true;
    session.enter("hello");
    session.hides("1 kept");
    session.pass(1_100);
    session.shows("1 kept");
    session.press("ctrl-c");
    session.shows("No daemon has taken 1 message yet");
    assert!(!session.quit);
}

#[test]
fn without_a_passphrase_nothing_is_locked() {
    let mut daemon = daemon(3);
    daemon.lockable = false;
    let mut session = Session::connected(daemon, SIZE);
    session.open("Bob");
    session.app.config.lock_after = Some(5);
    session.press("f8");
    session.shows("There is no passphrase to lock with");
    session.pass(10 * 60_000);
    assert!(!session.app.locked);
    session.shows("message 2 of Bob");
    // A passphrase was chosen meanwhile, as by `sotto agents add`.
    session.daemon.lockable = true;
    session.press("f8");
    session.hides("message 2 of Bob");
    assert!(session.app.locked);
    session.enter(PASSPHRASE);
    session.shows("message 2 of Bob");
    session.pass(10 * 60_000);
    assert!(session.app.locked, "it also locks itself");
}

#[test]
fn an_answer_that_never_comes_holds_nothing_up() {
    let mut session = with_bob(3);
    session.slow = true;
    session.enter("one");
    session.enter("two");
    session.slow = false;
    // Another daemon answers; the connection that had the first text has gone without a word.
    session.find_again();
    let texts = |session: &Session| -> Vec<String> { session.sent().iter().map(|send| send.text.clone()).collect() };
    assert_eq!(texts(&session), ["one", "two"]);
    // If its answer comes after all, it is taken for no other text's.
    session.slow = true;
    session.enter("three");
    session.slow = false;
    session.daemon.refuses = Some(ErrorKind::WrongState);
    session.release();
    assert_eq!(
        session.app.composer.text(),
        "three",
        "the first was taken, so its second answer says nothing"
    );
}

#[test]
fn an_idle_interface_wakes_up_when_the_clock_has_another_minute() {
    let mut session = with_bob(3);
    session.pass(1000);
    for _ in 0..5 {
        let minute = (session.now / 60_000 + 1) * 60_000;
        assert_eq!(session.app.deadline(), minute);
        session.daemon.calls.clear();
        session.pass(minute - session.now);
        let asked = &session.daemon.calls;
        assert!(matches!(asked[..], [Request::Status(_)]), "{asked:?}");
    }
}
