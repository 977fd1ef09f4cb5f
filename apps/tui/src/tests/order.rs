//! Answers and events come by connections of their own: an answer can be older than an event that came before it, and newer than one that
//! comes after it. Whatever the order, the interface comes to show what the daemon has.

use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use sotto_api::{self as api, Body, Message};

use super::behaviour::{daemon, with_bob};
use super::fixtures::{name, onion};
use super::session::Session;
use crate::request::Request;

/// What happens, or comes.
#[derive(Clone, Debug)]
enum Step {
    Receive(&'static str),
    Edit(usize),
    Delete(usize),
    Disappear(usize),
    ReadElsewhere(usize),
    Send(&'static str),
    Open(&'static str),
    React(usize),
    /// A message that quotes another one.
    Reply(usize),
    /// The list of contacts is asked for.
    Reload,
    /// The daemon carries out a request.
    CarryOut(usize),
    Answer(usize),
    Event(bool),
    Reconnect,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let who = || prop_oneof![Just("Bob"), Just("Carol")];
    let step = prop_oneof![
        3 => who().prop_map(Step::Receive),
        1 => (0..8_usize).prop_map(Step::Edit),
        1 => (0..8_usize).prop_map(Step::Delete),
        1 => (0..8_usize).prop_map(Step::Disappear),
        2 => (0..8_usize).prop_map(Step::ReadElsewhere),
        1 => who().prop_map(Step::Send),
        1 => (0..8_usize).prop_map(Step::React),
        1 => (0..8_usize).prop_map(Step::Reply),
        2 => who().prop_map(Step::Open),
        2 => Just(Step::Reload),
        4 => (0..3_usize).prop_map(Step::CarryOut),
        4 => (0..3_usize).prop_map(Step::Answer),
        6 => any::<bool>().prop_map(Step::Event),
        1 => Just(Step::Reconnect),
    ];
    prop::collection::vec(step, 1..60)
}

/// The id of a message, counted from the newest one of Bob.
fn newest(session: &Session, number: usize) -> Option<String> {
    let messages = session.daemon.messages("Bob");
    let index = messages.len().checked_sub(1 + number)?;
    Some(messages[index].id.clone())
}

fn step(session: &mut Session, step: &Step) {
    let message = |number: &usize| newest(session, *number);
    match step {
        Step::Receive(who) => drop(session.daemon.receive(who, "something new")),
        Step::Edit(number) => {
            if let Some(id) = message(number) {
                session.daemon.edit_of_peer(&id, "something else");
            }
        }
        Step::Delete(number) => {
            if let Some(id) = message(number) {
                session.daemon.delete_of_peer(&id);
            }
        }
        Step::Disappear(number) => {
            if let Some(id) = message(number) {
                session.daemon.forget(&id);
            }
        }
        Step::ReadElsewhere(number) => {
            if let Some(id) = message(number) {
                read(session, "Bob", id);
            }
        }
        Step::React(number) => {
            if let Some(id) = message(number) {
                let react = api::React {
                    id,
                    conversation: Some(session.daemon.contact("Bob").who.contact),
                    emoji: Some(String::from("👍")),
                };
                // One that was deleted takes none.
                let _ = session.daemon.answer(&Request::React(react));
            }
        }
        Step::Reply(number) => {
            if let Some(to) = message(number) {
                session.daemon.reply_of_peer("Bob", &to, "that is right");
            }
        }
        Step::Send(text) => session.enter(text),
        Step::Open(who) => session.open(who),
        Step::Reload => session.daemon.tell(changed()),
        Step::CarryOut(lane) => drop(session.carry_out_next(*lane)),
        Step::Answer(lane) => drop(session.take_answer(*lane)),
        Step::Event(now) => drop(session.take_event(*now)),
        Step::Reconnect => session.follow_anew(),
    }
    session.settle();
}

/// An event after which the contacts are read again.
fn changed() -> Body {
    Body::ContactRemoved {
        who: name(Some("Dave"), None, &onion("Dave")),
    }
}

/// Marks a message as read by another surface.
fn read(session: &mut Session, who: &str, id: String) {
    let read = api::MarkRead {
        conversation: session.daemon.contact(who).who.contact,
        ids: vec![id],
        receipt: None,
    };
    let answer = session.daemon.answer(&Request::Read(read));
    answer.expect("it is read");
}

/// What the interface shows is what the daemon has.
fn is_true(session: &Session) {
    for contact in session.daemon.contacts.values() {
        let entry = session
            .app
            .conversations
            .entry(&contact.who.contact)
            .expect("it is listed");
        assert_eq!(entry.unread, contact.unread, "unread of {:?}", contact.who.petname);
    }
    let Some(pane) = &session.app.pane else { return };
    let there = &session.daemon.history[&pane.conversation];
    assert!(
        pane.messages().len() >= there.len().min(12),
        "{} are shown",
        pane.messages().len()
    );
    let there = &there[there.len().saturating_sub(pane.messages().len())..];
    assert_eq!(pane.messages().len(), there.len());
    for (shown, there) in pane.messages().zip(there) {
        let what = |message: &Message| {
            let deleted = message.deleted_at.is_some();
            (
                message.id.clone(),
                message.text.clone(),
                message.state,
                deleted,
                message.reactions.len(),
            )
        };
        assert_eq!(what(shown), what(there));
    }
    let all: Vec<_> = session.daemon.history.values().flatten().collect();
    for (id, quote) in &session.app.quotes {
        let there = all
            .iter()
            .find(|message| message.id == *id && message.deleted_at.is_none());
        match (quote, there) {
            (Some(quote), Some(there)) => assert!(quote.contains(&there.text), "{quote} of {}", there.text),
            (Some(quote), None) => assert!(
                !quote.contains("of Bob") && !quote.contains("something"),
                "{quote} is gone"
            ),
            (None, _) => {}
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, rng_seed: RngSeed::Fixed(1), failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn whatever_the_order_of_answers_and_events_the_interface_shows_what_the_daemon_has(steps in steps()) {
        let mut session = Session::connected(daemon(12), (80, 24));
        session.by_hand = true;
        for one in &steps {
            step(&mut session, one);
        }
        session.take_all();
        is_true(&session);
        let all = session.app.pane.as_ref().map(|pane| session.daemon.history[&pane.conversation].len());
        assert_eq!(session.app.pane.as_ref().map(|pane| pane.messages().len()), all);
    }
}

#[test]
fn a_message_that_comes_before_the_older_page_that_was_asked_for_is_shown() {
    let mut session = with_bob(3);
    session.by_hand = true;
    session.open("Carol");
    assert!(session.carry_out_next(1), "the page is read");
    session.daemon.receive("Carol", "are you there?");
    assert!(session.take_event(true), "the event overtakes it");
    session.take_all();
    session.shows("are you there?");
    is_true(&session);
}

#[test]
fn a_message_is_counted_once_whether_the_list_knows_it_or_not() {
    let mut session = with_bob(3);
    session.by_hand = true;
    session.daemon.tell(changed());
    assert!(session.take_event(false));
    session.daemon.receive("Carol", "one");
    session.daemon.receive("Carol", "two");
    assert!(session.carry_out_next(1), "the list knows two");
    session.daemon.receive("Carol", "three");
    for _ in 0..2 {
        assert!(session.take_event(false));
    }
    session.take_all();
    assert_eq!(session.daemon.contact("Carol").unread, 3);
    is_true(&session);
    // One that was read before the interface heard of it.
    let id = session.daemon.receive("Carol", "four");
    read(&mut session, "Carol", id);
    while session.take_event(true) {}
    assert_eq!(session.daemon.contact("Carol").unread, 3);
    is_true(&session);
}

#[test]
fn a_number_that_has_changed_since_it_was_compared_verifies_nothing() {
    let mut session = with_bob(3);
    session.enter("/verify");
    session.shows("mark as verified");
    session.daemon.number = "9".repeat(60);
    session.press("down");
    session.press("enter");
    assert!(!session.daemon.contact("Bob").who.verified);
    session.shows("99999");
    session.shows("Compare the new one.");
    session.press("down");
    session.press("enter");
    assert!(session.daemon.contact("Bob").who.verified);
}

#[test]
fn a_window_beside_a_message_that_has_gone_unseen_is_read_anew() {
    let mut session = with_bob(300);
    session.press("tab");
    for _ in 0..3 {
        session.press("pageup");
    }
    let pane = session.app.pane.as_ref().expect("open");
    let shown: Vec<String> = pane.messages().map(|message| message.id.clone()).collect();
    // All that is in the window goes while nothing is heard of the daemon.
    session.lose();
    for id in &shown {
        session.daemon.forget(id);
    }
    session.daemon.events.clear();
    session.find_again();
    is_true(&session);
}
