//! What single actions send to the daemon, and what stays of them: requests, reactions, threads, settings, what the mouse copies.

use crossterm::event::{MouseButton, MouseEventKind};
use sotto_api::{self as api, Direction, MessageState, Relationship, Time};

use super::behaviour::{daemon, with_bob};
use super::fixtures::{NOW, friend, message, name, onion};
use super::session::Session;
use crate::app::Input;
use crate::request::Request;

const SIZE: (u16, u16) = (80, 24);

/// Requests of Dora and of Eve, in this order.
fn asked() -> Session {
    let mut daemon = daemon(3);
    for peer in ["dora", "eve"] {
        let mut contact = friend(peer);
        contact.who = name(None, Some(peer), &onion(peer));
        contact.relationship = Relationship::Asking;
        daemon.requests.push(api::FriendRequest {
            who: contact.who.clone(),
            note: String::new(),
            received_at: Time::from_millis(NOW),
        });
        daemon = daemon.with(contact, Vec::new());
    }
    let mut session = Session::connected(daemon, SIZE);
    session.enter("/requests");
    session
}

#[test]
fn a_request_is_declined_or_blocked_and_the_other_one_waits_on() {
    for (key, said) in [("d", "Declined; they are told."), ("b", "Blocked; they are not told.")] {
        let mut session = asked();
        session.press("down");
        session.press(key);
        session.shows(said);
        let waiting: Vec<_> = session
            .daemon
            .requests
            .iter()
            .map(|one| one.who.contact.clone())
            .collect();
        assert_eq!(waiting, [onion("dora")]);
        let eve = &session.daemon.contacts[&onion("eve")];
        assert_eq!(
            (eve.relationship == Relationship::Declined, eve.blocked),
            (key == "d", key == "b")
        );
        session.shows("~dora");
        session.hides("~eve");
        // The other one is not chosen by that.
        session.press(key);
        assert_eq!(session.daemon.requests.len(), 1);
        session.press("esc");
        session.shows("1 request");
    }
}

#[test]
fn a_friend_is_blocked_unblocked_and_removed_after_a_question() {
    let mut session = with_bob(3);
    session.enter("/block");
    session.press("enter");
    assert!(!session.daemon.contact("Bob").blocked, "No comes first");
    session.enter("/block");
    session.press("down");
    session.press("enter");
    assert!(session.daemon.contact("Bob").blocked);
    session.shows("⊘ Bob");
    session.enter("/block");
    assert!(!session.daemon.contact("Bob").blocked, "to unblock needs no question");
    session.enter("/rename Robert");
    assert_eq!(session.daemon.contact("Robert").who.contact, onion("bob"));
    session.enter("/remove");
    session.press("down");
    session.press("enter");
    assert_eq!(session.daemon.contact("Robert").relationship, Relationship::Stranger);
    session.shows("message 2 of Bob");
}

#[test]
fn a_reaction_is_found_by_its_name_or_typed_replaced_and_taken_back() {
    let mut session = with_bob(3);
    let reaction = |session: &Session| {
        let last = session.daemon.messages("Bob").last().expect("a message");
        last.reactions.iter().map(|one| one.emoji.clone()).collect::<Vec<_>>()
    };
    session.press("shift-tab");
    session.press("+");
    session.write("tada");
    session.press("enter");
    assert_eq!(reaction(&session), ["🎉"]);
    session.shows("🎉 you");
    session.press("+");
    session.write("🫠");
    session.press("enter");
    assert_eq!(reaction(&session), ["🫠"]);
    session.hides("🎉");
    session.enter("/react 👍");
    assert_eq!(reaction(&session), ["👍"]);
    session.press("shift-tab");
    session.press("+");
    session.press("tab");
    session.press("end");
    session.press("enter");
    assert_eq!(reaction(&session), [""; 0]);
    session.hides("👍 you");
    assert!(session.app.dialogs.is_empty());
}

#[test]
fn a_muted_conversation_rings_no_bell_and_counts_nowhere_and_stays_muted() {
    let mut session = with_bob(3);
    session.app.config.notify = true;
    session.open("Carol");
    session.enter("/mute");
    session.open("Bob");
    let muted = |session: &Session| -> Vec<(bool, String)> {
        let calls = session.daemon.calls.iter();
        let calls = calls.filter_map(|call| match call {
            Request::Mute(mute) => Some((true, mute.conversation.clone())),
            Request::Unmute(which) => Some((false, which.conversation.clone())),
            _ => None,
        });
        calls.collect()
    };
    assert_eq!(muted(&session), [(true, onion("carol"))]);
    assert!(session.daemon.contact("Carol").muted);
    session.receive("Carol", "unheard");
    assert_eq!((session.bells, session.notified.len()), (0, 0));
    assert_eq!(session.titles.last().map(String::as_str), Some("Sotto"));
    let mut session = Session::connected(session.daemon, SIZE);
    session.open("Bob");
    session.shows("Carol muted");
    session.receive("Carol", "unheard after a restart");
    assert_eq!(session.bells, 0);
    session.open("Carol");
    session.enter("/mute");
    assert_eq!(muted(&session).last(), Some(&(false, onion("carol"))));
    session.open("Bob");
    session.receive("Carol", "heard");
    assert_eq!(session.bells, 1);
    assert_eq!(session.titles.last().map(String::as_str), Some("Sotto (1)"));
}

#[test]
fn a_thread_is_opened_at_its_message_or_from_the_list_and_is_written_in() {
    let mut daemon = daemon(3);
    let bob = daemon.contact("Bob");
    let history = daemon.history.get_mut(&onion("bob")).expect("Bob's");
    for (number, text) in ["roses", "tulips"].into_iter().enumerate() {
        let mut message = message(&bob, 100 + number, Direction::In, text, 10);
        message.thread = Some(String::from("garden"));
        history.push(message);
    }
    let mut session = Session::connected(daemon, SIZE);
    session.open("Bob");
    session.shows("# garden");
    session.press("shift-tab");
    session.press("t");
    session.shows("tulips");
    session.shows("roses");
    session.hides("message 2 of Bob");
    session.enter("and lilies");
    assert_eq!(session.sent()[0].thread.as_deref(), Some("garden"));
    session.shows("and lilies");
    session.press("esc");
    session.shows("message 2 of Bob");
    session.enter("/threads");
    session.shows("# garden");
    session.shows("3 messages");
    session.press("down");
    session.press("enter");
    session.shows("and lilies");
    session.hides("message 2 of Bob");
    session.enter("/threads");
    session.press("enter");
    session.shows("message 2 of Bob");
    session.enter("outside");
    assert_eq!(session.sent()[1].thread, None);
}

#[test]
fn what_the_mouse_selects_is_copied_once_and_ends_at_the_edge_of_its_pane() {
    let mut session = with_bob(100);
    let area = crate::view::areas(&session.app).messages;
    let row = |session: &Session, what: &str| {
        let row = session
            .screen()
            .lines()
            .position(|line| line.contains(what))
            .expect("on the screen");
        u16::try_from(row).expect("a row")
    };
    let (first, last) = (row(&session, "message 96 of Bob"), row(&session, "message 98 of Bob"));
    session.mouse(MouseEventKind::Down(MouseButton::Left), area.x + 2, first);
    session.mouse(MouseEventKind::Drag(MouseButton::Left), area.x + 11, last);
    assert_eq!(session.copied, [""; 0], "not before it is released");
    session.mouse(MouseEventKind::Up(MouseButton::Left), area.x + 11, last);
    let lines: Vec<_> = session.copied[0].lines().map(str::trim).collect();
    assert_eq!(lines.first(), Some(&"message 96 of Bob"));
    assert_eq!(lines.last(), Some(&"message 98"));
    session.mouse(MouseEventKind::Moved, 30, 5);
    assert_eq!((session.copied.len(), session.app.drag), (1, None), "once");

    // Into the list at the left and below the messages: only what is in the pane.
    session.mouse(MouseEventKind::Down(MouseButton::Left), area.x + 10, last);
    session.mouse(MouseEventKind::Drag(MouseButton::Left), 1, area.bottom() + 2);
    session.mouse(MouseEventKind::Up(MouseButton::Left), 1, area.bottom() + 2);
    let copied = session.copied.last().expect("copied");
    for outside in ["Carol", "│", "─", "Write a message", "reachable"] {
        assert!(!copied.contains(outside), "{outside:?} in {copied:?}");
    }
    assert!(
        copied.starts_with("8 of Bob") || copied.contains(" of Bob"),
        "{copied:?}"
    );

    // A click alone copies nothing, and without the mouse nothing is selected.
    session.click(area.x + 4, last);
    assert_eq!(session.copied.len(), 2);
    session.app.config.mouse = false;
    session.mouse(MouseEventKind::Down(MouseButton::Left), area.x + 2, first);
    session.mouse(MouseEventKind::Drag(MouseButton::Left), area.x + 11, last);
    session.mouse(MouseEventKind::Up(MouseButton::Left), area.x + 11, last);
    session.click(3, row(&session, "Carol"));
    assert_eq!(
        (session.copied.len(), session.app.here()),
        (2, Some(onion("bob").as_str()))
    );
}

#[test]
fn a_text_is_shown_as_it_was_written_on_a_key() {
    let mut session = with_bob(3);
    session.receive("Bob", "a **bold** word");
    session.shows("a bold word");
    session.press("shift-tab");
    session.press("w");
    session.shows("a **bold** word");
    session.shows("message 2 of Bob");
    session.press("w");
    session.shows("a bold word");
    session.hides("**");
}

/// Chooses a row of the open dialog, from its first row on, which a heading stands above.
fn choose(session: &mut Session, title: &str) {
    session.press("home");
    for _ in 0..40 {
        let chosen = session.app.dialogs.last().and_then(|open| open.row());
        if chosen.is_some_and(|row| row.title == title) {
            return session.press("enter");
        }
        session.press("down");
    }
    panic!("there is no row {title:?}:\n{}", session.screen());
}

#[test]
fn settings_have_their_effect_and_stay_over_a_restart() {
    let mut session = with_bob(3);
    session.resize(80, 40);
    session.enter("/settings");
    for setting in ["Mouse", "Send as markdown", "Bell", "By the terminal"] {
        choose(&mut session, setting);
    }
    choose(&mut session, "Key map");
    choose(&mut session, "emacs");
    session.press("esc");
    choose(&mut session, "Shown to contacts as");
    choose(&mut session, "invisible");
    choose(&mut session, "On the desktop");
    choose(&mut session, "off");
    choose(&mut session, "Name");
    session.press("ctrl-u");
    session.enter("Alicia");
    while !session.app.dialogs.is_empty() {
        session.press("esc");
    }
    assert_eq!(session.daemon.me.name, "Alicia");
    assert_eq!(session.daemon.status.availability, api::Availability::Invisible);
    assert_eq!(session.daemon.notifications.mode, api::NotificationMode::Off);
    for mut session in [
        Session::connected(daemon(3), SIZE),
        Session::connected(session.daemon, SIZE),
    ] {
        let changed = session.app.config.keys == "emacs";
        let config = &session.app.config;
        assert_eq!(
            (config.mouse, config.markdown, config.bell, config.notify),
            (!changed, !changed, !changed, changed)
        );
        session.open("Bob");
        session.enter("**plain**");
        let plain = session.sent()[0].content_type == api::ContentType::Plain;
        session.receive("Carol", "hello");
        assert_eq!(
            (plain, session.bells, session.notified.len()),
            (changed, usize::from(!changed), usize::from(changed))
        );
        let state = session.daemon.messages("Carol").last().map(|message| message.state);
        assert_eq!(state, Some(MessageState::Delivered));
    }
}

#[test]
fn the_theme_follows_the_background_unless_one_was_chosen() {
    let mut session = with_bob(3);
    assert_eq!(session.app.theme.name, "dark");
    session.input(Input::Background(false));
    assert_eq!(session.app.theme.name, "light");
    let style = |session: &Session| session.frame().0[(0, 0)].style();
    let light = style(&session);
    session.input(Input::Background(true));
    assert_eq!(session.app.theme.name, "dark");
    assert_ne!(style(&session), light, "and is drawn");
    session.enter("/theme rose-pine-dawn");
    session.input(Input::Background(true));
    assert_eq!(session.app.theme.name, "rose-pine-dawn");
}
