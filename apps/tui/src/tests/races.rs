//! What changes between the moment at which the user reads something and the one at which the user answers it: lists, numbers, drafts
//! of another window, rights.

use std::collections::BTreeMap;

use proptest::prelude::*;
use sotto_api::{self as api, Approval, Kind as ErrorKind};
use zeroize::Zeroizing;

use super::behaviour::{daemon, with_bob};
use super::daemon::PASSPHRASE;
use super::fixtures::approval;
use super::properties::cases;
use super::session::Session;
use crate::app::Input;
use crate::app::dialog::Kind;
use crate::linear::Narrator;
use crate::request::Request;

const SIZE: (u16, u16) = (100, 40);

fn asked(session: &Session, id: &str, text: &str) -> Approval {
    Approval {
        id: id.to_owned(),
        digest: format!("digest of {id}"),
        ..approval(&session.daemon.contact("Bob"), text)
    }
}

fn ask(session: &mut Session, id: &str, text: &str) {
    let approval = asked(session, id, text);
    let (conversation, id) = (approval.conversation.clone(), approval.id.clone());
    session.daemon.approvals.insert(0, approval);
    session.daemon.tell(api::Body::ApprovalRequested {
        conversation,
        approval: id,
    });
    session.settle();
}

/// The ids of what was allowed.
fn allowed(session: &Session) -> Vec<&str> {
    let calls = session.daemon.calls.iter();
    calls
        .filter_map(|call| match call {
            Request::Allow(decide) => Some(decide.id.as_str()),
            _ => None,
        })
        .collect()
}

fn line(session: &mut Session, narrator: &mut Narrator, line: &str) -> Vec<String> {
    session
        .app
        .handle(Input::Line(Zeroizing::new(line.to_owned())), session.now);
    session.settle();
    narrator.tell(&session.app)
}

/// The number by which a row is read out.
#[track_caller]
fn number(lines: &[String], row: &str) -> String {
    let found = lines.iter().find(|line| line.contains(row));
    let found = found.unwrap_or_else(|| panic!("{row:?} is not in {lines:#?}"));
    found.split(':').next().expect("a number").to_owned()
}

fn by_lines() -> (Session, Narrator) {
    let mut session = with_bob(3);
    session.app.config.keyless = true;
    session.settle();
    (session, Narrator::default())
}

#[test]
fn an_approval_is_allowed_by_the_number_that_was_read_out_or_not_at_all() {
    let (mut session, mut narrator) = by_lines();
    ask(&mut session, "a1", "the harmless one");
    let first = number(&line(&mut session, &mut narrator, "/approvals"), "→ Bob");
    ask(&mut session, "a2", "the other one");
    session.daemon.expire_approval(1);
    session.settle();
    let said = line(&mut session, &mut narrator, &first);
    assert_eq!(
        allowed(&session),
        [""; 0],
        "a1 is gone, and a2 was not meant: {said:#?}"
    );
    assert!(said.iter().any(|line| line.contains("not any more")), "{said:#?}");
    line(&mut session, &mut narrator, &format!("a {first}"));
    line(&mut session, &mut narrator, "a");
    assert_eq!(allowed(&session), [""; 0], "nor by a key, with a number or without");
    // It keeps its number when the list is opened again.
    line(&mut session, &mut narrator, "");
    let second = number(&line(&mut session, &mut narrator, "/approvals"), "→ Bob");
    assert_ne!(first, second, "a number is given once");
    line(&mut session, &mut narrator, &format!("a {second}"));
    assert_eq!(allowed(&session), ["a2"]);
}

#[test]
fn an_approval_that_comes_into_an_empty_list_is_not_chosen() {
    let mut session = with_bob(3);
    session.enter("/approvals");
    session.shows("No agent asks for anything");
    ask(&mut session, "a1", "send me the keys");
    session.shows("send me the keys");
    session.press("enter");
    session.press("a");
    assert_eq!(allowed(&session), [""; 0], "the keys were typed at an empty list");
    session.press("down");
    session.press("enter");
    assert_eq!(allowed(&session), ["a1"]);
}

#[test]
fn a_request_that_comes_into_an_empty_list_is_not_chosen() {
    let mut session = with_bob(3);
    session.enter("/requests");
    let who = super::fixtures::name(None, Some("Mallory"), &super::fixtures::onion("mallory"));
    session.daemon.requests.push(api::FriendRequest {
        who: who.clone(),
        note: String::new(),
        received_at: api::Time::from_millis(session.now),
    });
    session.daemon.tell(api::Body::RequestReceived { who });
    session.settle();
    session.shows("Mallory");
    session.press("enter");
    let accepts = session.daemon.calls.iter();
    assert_eq!(accepts.filter(|call| matches!(call, Request::Accept(_))).count(), 0);
}

#[test]
fn what_was_written_is_sent_once_the_user_has_proven_to_be_the_owner() {
    let mut session = with_bob(3);
    session.daemon.owner_needed = true;
    session.enter("one");
    session.shows("Is it you?");
    session.enter(PASSPHRASE);
    let texts: Vec<_> = session.sent().iter().map(|send| send.text.as_str()).collect();
    assert_eq!(texts, ["one", "one"], "it goes on by itself");
    assert_eq!(session.app.composer.text(), "");
    assert_eq!(session.daemon.messages("Bob").last().expect("sent").text, "one");
    assert_eq!(session.app.kept(), 0);
}

#[test]
fn without_the_passphrase_what_was_written_comes_back() {
    let mut session = with_bob(3);
    session.slow = true;
    session.enter("one");
    session.enter("two");
    session.daemon.owner_needed = true;
    session.write("three");
    session.release();
    session.shows("Is it you?");
    session.press("esc");
    assert_eq!(session.app.composer.text(), "one\n\ntwo\n\nthree");
    assert_eq!(session.app.kept(), 0);
}

#[test]
fn an_edit_waits_for_what_was_written_before_it() {
    let order = |session: &Session| -> Vec<String> {
        let calls = session.daemon.calls.iter();
        let order = calls.filter_map(|call| match call {
            Request::Send(send) => Some(send.text.clone()),
            Request::Edit(edit) => Some(format!("edit: {}", edit.text)),
            _ => None,
        });
        order.collect()
    };
    let mut session = with_bob(3);
    session.enter("first");
    session.lose();
    session.enter("second");
    session.enter("/edit");
    session.press("ctrl-u");
    session.enter("first, corrected");
    assert_eq!(order(&session), ["first"], "no daemon is there");
    session.shows("2 kept");
    session.find_again();
    assert_eq!(order(&session), ["first", "second", "edit: first, corrected"]);
    assert_eq!(session.app.kept(), 0);
}

#[test]
fn an_edit_that_is_refused_is_not_lost() {
    let mut session = with_bob(3);
    session.enter("first");
    session.enter("/edit");
    session.press("ctrl-u");
    session.write("another text");
    session.daemon.history.values_mut().for_each(Vec::clear);
    session.press("enter");
    session.shows("There is no such message");
    assert_eq!(session.app.composer.text(), "another text");
}

#[test]
fn what_waits_is_counted_anew_when_it_changes() {
    let mut session = with_bob(3);
    session.daemon.status.queued = 1;
    session.enter("hello");
    session.shows("1 queued");
    session.daemon.status.queued = 0;
    let id = session.daemon.messages("Bob").last().expect("sent").id.clone();
    session
        .daemon
        .put_state(&id, api::MessageState::Delivered)
        .expect("sent");
    session.settle();
    session.hides("queued");
}

/// Two windows over one store.
fn windows() -> (Session, Session) {
    let (mut one, mut other) = (with_bob(3), with_bob(3));
    one.settle();
    other.settle();
    (one, other)
}

/// The store of the one is that of the other from now on.
fn share(from: &Session, to: &mut Session) {
    to.daemon.items.clone_from(&from.daemon.items);
}

#[test]
fn drafts_of_two_windows_are_both_kept() {
    let (mut one, mut other) = windows();
    one.write("from the one");
    one.pass(1000);
    share(&one, &mut other);
    other.write("from the other");
    other.pass(1000);
    other.shows("Both are kept");
    assert_eq!(other.app.composer.text(), "from the other");
    let kept: Vec<_> = other.daemon.items.values().map(String::as_str).collect();
    assert_eq!(kept, ["from the one", "from the other"]);
    // Each goes on with its own.
    other.write("!");
    other.pass(1000);
    share(&other, &mut one);
    one.write("!");
    one.pass(1000);
    assert_eq!(
        one.daemon.items.values().collect::<Vec<_>>(),
        ["from the one!", "from the other!"]
    );
    // The next start has all of it, as one draft.
    let mut daemon = daemon(3);
    daemon.items.clone_from(&one.daemon.items);
    let mut next = Session::connected(daemon, SIZE);
    next.open("Bob");
    assert_eq!(next.app.composer.text(), "from the one!\n\nfrom the other!");
    assert_eq!(
        next.daemon.items.values().collect::<Vec<_>>(),
        ["from the one!\n\nfrom the other!"]
    );
    next.press("enter");
    assert!(next.daemon.items.is_empty(), "{:?}", next.daemon.items);
}

/// What a window does, among others over the same store.
#[derive(Clone, Debug)]
enum Step {
    /// Writes a word.
    Write,
    /// Rests.
    Rest,
    /// Opens the other conversation.
    Open,
    /// Sends what is written.
    Send,
    /// Its connection to the daemon breaks.
    Lose,
    /// It has one again.
    Find,
    /// Ends after a rest, and another one begins.
    Restart,
}

/// Windows over one store, which the one that does something has meanwhile.
struct Windows {
    open: Vec<Session>,
    store: BTreeMap<String, String>,
    /// The words that were written, each with its conversation.
    words: Vec<(&'static str, String)>,
    /// The texts that windows which have ended have sent.
    sent: Vec<String>,
}

impl Windows {
    fn new(count: usize) -> Self {
        Self {
            open: (0..count).map(|_| with_bob(3)).collect(),
            store: BTreeMap::new(),
            words: Vec::new(),
            sent: Vec::new(),
        }
    }

    fn with(&mut self, window: usize, act: impl FnOnce(&mut Session)) {
        let session = &mut self.open[window];
        session.daemon.items = std::mem::take(&mut self.store);
        act(session);
        self.store = std::mem::take(&mut session.daemon.items);
    }

    fn start(&mut self) -> Session {
        let mut daemon = daemon(3);
        daemon.items = std::mem::take(&mut self.store);
        let mut session = Session::connected(daemon, SIZE);
        session.open("Bob");
        self.store = std::mem::take(&mut session.daemon.items);
        session
    }

    fn here(&self, window: usize) -> &'static str {
        let bob = self.open[window].daemon.contact("Bob").who.contact;
        if self.open[window].app.here() == Some(bob.as_str()) {
            "Bob"
        } else {
            "Carol"
        }
    }

    fn take(&mut self, window: usize, step: &Step) {
        match step {
            Step::Write => {
                let word = format!("word{}.", self.words.len());
                self.words.push((self.here(window), word.clone()));
                self.with(window, |session| session.write(&word));
            }
            Step::Rest => self.with(window, |session| session.pass(1000)),
            Step::Open => {
                let other = if self.here(window) == "Bob" { "Carol" } else { "Bob" };
                self.with(window, |session| session.open(other));
            }
            Step::Send => self.with(window, |session| session.press("enter")),
            Step::Lose => self.with(window, Session::lose),
            Step::Find => self.with(window, Session::find_again),
            Step::Restart => {
                self.end(window);
                self.open[window] = self.start();
            }
        }
    }

    /// What a window has is in the store, or sent.
    fn end(&mut self, window: usize) {
        self.with(window, |session| {
            session.find_again();
            session.pass(1000);
        });
        let sent = self.open[window].sent().into_iter().map(|send| send.text.clone());
        self.sent.extend(sent.collect::<Vec<_>>());
    }

    /// Each word was sent, or is in the draft of its conversation at the next start.
    fn check(mut self) {
        (0..self.open.len()).for_each(|window| self.end(window));
        let mut next = self.start();
        next.daemon.items.clone_from(&self.store);
        for (conversation, word) in &self.words {
            next.open(conversation);
            let text = next.app.composer.text();
            let kept = text.contains(word) || self.sent.iter().any(|sent| sent.contains(word));
            assert!(
                kept,
                "{word} to {conversation} is lost: {text:?}; sent: {:?}",
                self.sent
            );
        }
    }
}

#[test]
fn drafts_of_three_windows_are_all_kept() {
    let mut windows = Windows::new(3);
    for _ in 0..2 {
        for window in [0, 1, 2, 0] {
            windows.take(window, &Step::Write);
            windows.take(window, &Step::Rest);
        }
    }
    let kept: Vec<_> = windows.store.values().map(String::as_str).collect();
    assert_eq!(kept, ["word0.word3.word4.word7.", "word1.word5.", "word2.word6."]);
    windows.check();
}

proptest! {
    #![proptest_config(cases(96))]

    #[test]
    fn no_window_loses_a_word_of_another(steps in prop::collection::vec((0..3usize, step()), 1..40)) {
        let mut windows = Windows::new(3);
        for (window, step) in &steps {
            windows.take(*window, step);
        }
        windows.check();
    }
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => Just(Step::Write),
        6 => Just(Step::Rest),
        2 => Just(Step::Open),
        1 => Just(Step::Send),
        1 => Just(Step::Lose),
        2 => Just(Step::Find),
        1 => Just(Step::Restart),
    ]
}

#[test]
fn a_draft_of_another_window_is_taken_where_none_was_begun() {
    let (mut one, mut other) = windows();
    other.open("Carol");
    one.write("from the one");
    one.pass(1000);
    share(&one, &mut other);
    other.open("Bob");
    assert_eq!(other.app.composer.text(), "from the one");
    other.write(" and the other");
    other.pass(1000);
    assert_eq!(
        other.daemon.items.values().collect::<Vec<_>>(),
        ["from the one and the other"]
    );
}

#[test]
fn a_draft_beside_that_of_another_window_goes_when_it_is_sent() {
    let (mut one, mut other) = windows();
    one.write("from the one");
    one.pass(1000);
    share(&one, &mut other);
    other.write("from the other");
    other.pass(1000);
    other.press("enter");
    assert_eq!(other.sent().len(), 1);
    assert_eq!(other.daemon.items.values().collect::<Vec<_>>(), ["from the one"]);
}

#[test]
fn a_command_without_a_conversation_is_run_by_its_whole_name_alone() {
    for wrong in ["/timers", "/delete-all", "/the", "/nothing-of-this-kind"] {
        let mut session = Session::connected(daemon(3), SIZE);
        session.enter(wrong);
        let open: Vec<_> = session.app.dialogs.iter().map(|open| &open.kind).collect();
        assert_eq!(open, [&Kind::Palette], "{wrong} runs nothing");
        session.shows("There is no command");
    }
    let mut session = Session::connected(daemon(3), SIZE);
    session.enter("/timers");
    session.shows("Did you mean /timer?");
    let mut session = Session::connected(daemon(3), SIZE);
    session.enter("/settings");
    assert_eq!(session.app.dialogs.last().expect("open").kind, Kind::Settings);
    // What is chosen from the list is meant.
    let mut session = Session::connected(daemon(3), SIZE);
    session.write("/sett");
    session.press("down");
    session.press("enter");
    assert_eq!(session.app.dialogs.last().expect("open").kind, Kind::Settings);
    // With what follows it.
    let mut session = Session::connected(daemon(3), SIZE);
    session.enter("/theme rose-pine-moon");
    assert_eq!(session.app.theme.name, "rose-pine-moon");
    // A name is found by its letters, as before.
    let mut session = Session::connected(daemon(3), SIZE);
    session.enter("car");
    assert!(session.app.here().is_some());
}

#[test]
fn the_history_of_inputs_is_that_of_the_conversation() {
    let mut session = with_bob(3);
    session.enter("one");
    session.enter("two");
    session.press("up");
    assert_eq!(session.app.composer.text(), "two");
    session.press("up");
    assert_eq!(session.app.composer.text(), "one");
    session.press("up");
    assert_eq!(session.app.composer.text(), "one", "there is no older one");
    session.press("down");
    session.press("down");
    assert_eq!(session.app.composer.text(), "", "back to what was being written");
    session.write("begun");
    session.press("up");
    session.press("up");
    session.press("down");
    session.press("down");
    assert_eq!(session.app.composer.text(), "begun");
    session.open("Carol");
    session.press("up");
    assert_eq!(session.app.composer.text(), "", "nothing of Bob's comes to Carol");
    session.enter("for Carol");
    session.open("Bob");
    assert_eq!(session.app.composer.text(), "begun");
    session.press("ctrl-u");
    session.press("up");
    assert_eq!(session.app.composer.text(), "two");
}

#[test]
fn the_history_of_inputs_forgets_what_has_gone() {
    let gone = |session: &Session, id: String| api::Body::MessageDisappeared {
        id,
        conversation: session.daemon.contact("Bob").who.contact,
        author: session.daemon.me.onion.clone(),
        direction: api::Direction::Out,
    };
    for elsewhere in [false, true] {
        let mut session = with_bob(3);
        session.enter("it disappears");
        let id = session.daemon.messages("Bob").last().expect("sent").id.clone();
        if elsewhere {
            session.open("Carol");
        }
        let gone = gone(&session, id);
        session.daemon.tell(gone);
        session.settle();
        session.open("Bob");
        session.press("up");
        assert_eq!(session.app.composer.text(), "", "{elsewhere}");
    }
    let mut session = with_bob(3);
    session.enter("it is deleted");
    session.enter("/clear");
    session.press("down");
    session.press("enter");
    session.press("up");
    assert_eq!(session.app.composer.text(), "");
}

#[test]
fn a_refusal_of_another_kind_still_gives_the_text_back() {
    let mut session = with_bob(3);
    session.daemon.refuses = Some(ErrorKind::WrongState);
    session.enter("one");
    assert_eq!(session.app.composer.text(), "one");
}

#[test]
fn a_notice_goes_when_what_it_says_is_over() {
    const KEPT: &str = "Kept: it is sent when the daemon answers again.";
    const ANOTHER: &str = "Another window of Sotto has a draft here as well.";
    let mut session = with_bob(3);
    session.lose();
    session.enter("hello");
    session.shows(KEPT);
    session.find_again();
    session.hides(KEPT);

    let begin = || {
        let (mut one, mut other) = windows();
        one.write("from the one");
        one.pass(1000);
        share(&one, &mut other);
        other.write("from the other");
        other.pass(1000);
        other.shows(ANOTHER);
        other
    };
    let mut other = begin();
    other.press("enter");
    other.hides(ANOTHER);
    let mut other = begin();
    other.open("Carol");
    other.hides(ANOTHER);

    // What an agent wants is decided elsewhere.
    let mut session = with_bob(3);
    let bob = session.daemon.contact("Bob");
    session.daemon.approvals.push(approval(&bob, "hello"));
    requested(&mut session);
    session.shows("An agent wants to send");
    session.daemon.expire_approval(0);
    session.settle();
    session.hides("An agent wants to send");
}

/// The daemon tells of the approval that was asked for last.
fn requested(session: &mut Session) {
    let approval = session.daemon.approvals.last().expect("an approval").clone();
    session.daemon.tell(api::Body::ApprovalRequested {
        conversation: approval.conversation,
        approval: approval.id,
    });
    session.settle();
}

#[test]
fn what_the_user_sends_is_not_taken_for_what_an_agent_wants_to_send() {
    const AGENT: &str = "An agent wants to send";
    // Agents were added elsewhere. The event can come before the answer, and after it.
    for event_first in [true, false] {
        let mut session = with_bob(3);
        session.daemon.owner_needed = true;
        let own = approval(&session.daemon.contact("Bob"), "hello");
        session.daemon.asked = Some(own.clone());
        session.slow = true;
        session.enter("hello");
        if event_first {
            session.daemon.approvals.push(own);
            requested(&mut session);
            session.hides(AGENT);
        }
        session.release();
        session.shows("Is it you?");
        session.hides(AGENT);
        assert!(session.app.approvals.is_empty());
        session.enter(PASSPHRASE);
        session.hides(AGENT);
        assert_eq!(session.daemon.messages("Bob").last().expect("sent").text, "hello");
    }
    // One of an agent that comes meanwhile is said once the daemon has answered.
    let mut session = with_bob(3);
    session.slow = true;
    session.enter("hello");
    let bob = session.daemon.contact("Bob");
    session.daemon.approvals.push(approval(&bob, "of an agent"));
    requested(&mut session);
    session.hides(AGENT);
    session.release();
    session.shows(AGENT);
    assert_eq!(session.app.approvals.len(), 1);
}
