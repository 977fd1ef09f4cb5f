//! An edit that was begun outlives the interface, as a draft does: its message may have gone meanwhile.

use sotto_api::{self as api, Direction};

use super::behaviour::with_bob;
use super::daemon::FakeDaemon;
use super::fixtures::onion;
use super::session::Session;
use crate::app::Intent;

const SIZE: (u16, u16) = (80, 24);

/// In a conversation with a draft, an own message is edited. Its id.
fn editing() -> (Session, String) {
    let mut session = with_bob(3);
    session.enter("hallo");
    session.write("a draft");
    session.press("shift-tab");
    session.press("e");
    let id = session.daemon.messages("Bob").last().expect("sent").id.clone();
    (session, id)
}

/// Another interface, after this one was killed.
fn restarted(daemon: FakeDaemon) -> Session {
    let mut session = Session::connected(daemon, SIZE);
    session.open("Bob");
    session
}

fn kept(session: &Session) -> Vec<&str> {
    let items = session.daemon.items.iter();
    let edits = items.filter(|(key, _)| key.starts_with("edit/"));
    edits.map(|(_, value)| value.as_str()).collect()
}

fn composed(session: &Session) -> (&str, &Intent) {
    (session.app.composer.text(), &session.app.intent)
}

#[test]
fn an_edit_goes_on_after_a_restart_with_its_text_as_typed() {
    let (mut session, id) = editing();
    session.pass(1000);
    assert_eq!(kept(&session), [""; 0], "nothing was typed that could be lost");
    session.write(" you");
    session.press("alt-enter");
    session.write("and you");
    session.press("backspace");
    session.pass(1000);
    assert_eq!(kept(&session), [format!("{id}\nhallo you\nand yo")]);

    let mut again = Session::connected(session.daemon, SIZE);
    again.open("Carol");
    assert_eq!(composed(&again), ("", &Intent::Send));
    again.open("Bob");
    again.shows("✎ Edit");
    assert_eq!(
        composed(&again),
        ("hallo you\nand yo", &Intent::Edit { id: id.clone() })
    );
    again.write("u");
    again.pass(1000);
    let mut again = restarted(again.daemon);
    again.press("enter");
    assert_eq!(again.daemon.find_message(&id).text, "hallo you\nand you");
    assert_eq!(composed(&again), ("a draft", &Intent::Send));
    assert_eq!(kept(&again), [""; 0], "it was made");
    assert_eq!(composed(&restarted(again.daemon)), ("a draft", &Intent::Send));
}

#[test]
fn an_edit_that_is_given_up_or_left_is_kept_as_it_was_left() {
    let (mut session, id) = editing();
    session.write(" you");
    session.open("Carol");
    assert_eq!(kept(&session), [format!("{id}\nhallo you")], "it is kept at once");
    session.open("Bob");
    assert_eq!(kept(&session).len(), 1);
    session.press("esc");
    assert_eq!(kept(&session), [""; 0]);
    assert_eq!(composed(&restarted(session.daemon)), ("a draft", &Intent::Send));
}

#[test]
fn an_edit_that_was_typed_without_a_daemon_is_kept_once_it_is_back() {
    let (mut session, id) = editing();
    session.lose();
    session.write(" you");
    session.pass(1000);
    session.find_again();
    assert_eq!(kept(&session), [format!("{id}\nhallo you")]);
}

#[test]
fn the_text_of_an_edit_is_a_draft_if_its_message_was_deleted_meanwhile() {
    for deleted in [false, true] {
        let (mut session, id) = editing();
        session.write(" you");
        session.pass(1000);
        let mut daemon = session.daemon;
        if deleted {
            daemon.find_message(&id).deleted_at = Some(api::Time::from_millis(session.now));
        } else {
            daemon.history.get_mut(&onion("bob")).expect("Bob's").clear();
        }
        let mut again = Session::connected(daemon, SIZE);
        again.shows("your edit of it is a draft now");
        again.open("Bob");
        assert_eq!(composed(&again), ("a draft\n\nhallo you", &Intent::Send));
        again.pass(1000);
        assert_eq!(
            again.daemon.items.values().collect::<Vec<_>>(),
            ["a draft\n\nhallo you"]
        );
    }
}

#[test]
fn the_text_of_an_edit_is_a_draft_once_its_message_is_deleted() {
    for open in [false, true] {
        let (mut session, id) = editing();
        session.write(" you");
        if !open {
            session.open("Carol");
        }
        let gone = session.daemon.find_message(&id).clone();
        session.daemon.tell(api::Body::MessageDeleted {
            id,
            conversation: gone.conversation,
            author: gone.from,
            direction: Direction::Out,
        });
        session.settle();
        session.shows("your edit of it is a draft now");
        session.open("Bob");
        assert_eq!(composed(&session), ("a draft\n\nhallo you", &Intent::Send));
        assert_eq!(kept(&session), [""; 0]);
    }
}

#[test]
fn the_text_of_a_message_that_disappears_outlives_it_in_no_edit() {
    let mut session = with_bob(3);
    session.enter("hallo");
    let id = session.daemon.messages("Bob").last().expect("sent").id.clone();
    session.daemon.find_message(&id).ttl = 60;
    session.open("Carol");
    session.open("Bob");
    session.press("shift-tab");
    session.press("e");
    session.write(" you");
    session.pass(1000);
    session.open("Carol");
    assert_eq!(kept(&session), [""; 0], "{:?}", session.daemon.items);
    session.open("Bob");
    assert_eq!(
        session.app.composer.text(),
        "hallo you",
        "for as long as the interface runs"
    );
}

#[test]
fn an_edit_that_the_daemon_refuses_is_a_draft_beside_the_one_that_is_there() {
    let (mut session, _) = editing();
    session.write(" you");
    session.daemon.history.get_mut(&onion("bob")).expect("Bob's").clear();
    session.press("enter");
    session.shows("There is no such message");
    assert_eq!(composed(&session), ("a draft\n\nhallo you", &Intent::Send));
    session.pass(1000);
    assert_eq!(
        composed(&restarted(session.daemon)),
        ("a draft\n\nhallo you", &Intent::Send)
    );
}

#[test]
fn an_edit_that_was_begun_is_not_lost_to_a_reply_or_to_another_edit() {
    let (mut session, id) = editing();
    session.write(" you");
    for key in ["r", "e"] {
        session.press("shift-tab");
        session.press("up");
        session.press(key);
        session.shows("Send the edit that you have begun");
        assert_eq!(composed(&session), ("hallo you", &Intent::Edit { id: id.clone() }));
    }
}

#[test]
fn what_was_put_last_is_what_the_store_has() {
    let (mut session, _) = editing();
    session.lose();
    session.write(" you");
    session.pass(1000);
    // The daemon is back, and answers before its events do.
    session.up = true;
    session.press("esc");
    session.find_again();
    assert_eq!(kept(&session), [""; 0], "it was given up");
}

#[test]
fn a_peer_that_deletes_a_message_with_the_id_of_an_own_one_ends_no_edit() {
    let (mut session, id) = editing();
    session.write(" you");
    let bob = onion("bob");
    session.daemon.tell(api::Body::MessageDeleted {
        id: id.clone(),
        conversation: bob.clone(),
        author: bob,
        direction: Direction::In,
    });
    session.settle();
    assert_eq!(composed(&session), ("hallo you", &Intent::Edit { id }));
}

#[test]
fn an_open_reply_does_not_go_on_showing_what_has_gone() {
    let mut session = with_bob(3);
    session.press("shift-tab");
    session.press("r");
    let id = session.daemon.messages("Bob").last().expect("of Bob").id.clone();
    assert!(matches!(&session.app.intent, Intent::Reply { quote, .. } if quote.contains("message 2")));
    session.daemon.edit_of_peer(&id, "another text");
    session.settle();
    assert!(matches!(&session.app.intent, Intent::Reply { quote, .. } if quote.contains("another text")));
    session.daemon.forget(&id);
    session.settle();
    assert_eq!(session.app.intent, Intent::Send);
}
