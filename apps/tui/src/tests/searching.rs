//! Searches: in one conversation and in all, what is marked of them, and the way from hit to hit.

use ratatui::style::Style;
use sotto_api::Direction;

use super::behaviour::daemon;
use super::fixtures::{message, onion};
use super::session::Session;

/// With messages of Bob, the last one the newest.
fn with_texts(texts: &[&str]) -> Session {
    let mut daemon = daemon(300);
    let bob = daemon.contact("Bob");
    let history = daemon.history.get_mut(&onion("bob")).expect("Bob's");
    for (number, text) in texts.iter().enumerate() {
        let ago = (50 - number) as u64;
        history.push(message(&bob, 1000 + number, Direction::In, text, ago));
    }
    Session::connected(daemon, (100, 30))
}

/// What is marked on the screen, row by row.
fn marked(session: &Session) -> Vec<String> {
    let (buffer, _) = session.frame();
    let is_hit = |style: Style| style.bg == session.app.theme.hit.bg && style.fg == session.app.theme.hit.fg;
    let mut marked = Vec::new();
    for y in 0..buffer.area.height {
        let mut word = String::new();
        for x in 0..buffer.area.width {
            let cell = &buffer[(x, y)];
            if is_hit(cell.style()) {
                word.push_str(cell.symbol());
            } else if !word.is_empty() {
                marked.push(std::mem::take(&mut word));
            }
        }
        marked.extend(Some(word).filter(|word| !word.is_empty()));
    }
    marked
}

#[test]
fn a_search_here_finds_words_by_their_beginnings_and_marks_each_of_them() {
    let mut session = with_texts(&["kneeling is unneeded", "A needle needs a **Nee**dle"]);
    session.open("Bob");
    for ask in [
        |session: &mut Session| {
            session.press("ctrl-f");
            session.enter("need");
        },
        |session: &mut Session| session.enter("/find need"),
    ] {
        ask(&mut session);
        session.shows("hit 1 of 1 for \"need\"");
        assert_eq!(marked(&session), ["need", "need", "Need"]);
        session.press("esc");
        assert_eq!(marked(&session), [""; 0]);
    }
    // In quotes, a word is whole.
    session.enter("/find \"need\"");
    session.shows("Nothing here has");
}

#[test]
fn a_search_everywhere_marks_its_hits_and_shows_the_text_around_them() {
    let far = format!(
        "{}the needle is here, {}",
        "hay and more hay ".repeat(60),
        "and hay ".repeat(60)
    );
    let mut session = with_texts(&["a needle", &far]);
    session.press("ctrl-r");
    session.write("needl");
    session.shows("… ");
    session.shows("the needle is here");
    assert_eq!(marked(&session), ["needl", "needl"]);
}

#[test]
fn what_has_gone_is_found_no_more() {
    let mut session = with_texts(&["needle one", "needle two"]);
    session.press("ctrl-r");
    session.write("needle");
    session.shows("needle one");
    let ids = session.daemon.messages("Bob").iter().map(|message| message.id.clone());
    let ids: Vec<String> = ids.skip(300).collect();
    session.daemon.delete_of_peer(&ids[0]);
    session.settle();
    session.hides("needle one");
    session.shows("needle two");
    // A search that was made before comes after.
    session.press("backspace");
    session.settle();
    session.by_hand = true;
    session.write("e");
    let slow = crate::request::Lane::Slow as usize;
    assert!(session.carry_out_next(slow));
    session.daemon.forget(&ids[1]);
    assert!(session.take_event(false));
    assert!(session.take_answer(slow));
    session.hides("needle two");
}

#[test]
fn a_message_that_was_found_everywhere_leads_to_the_other_hits_of_its_conversation() {
    let mut session = with_texts(&["needle one", "needle two", "needle three"]);
    session.daemon.receive("Carol", "a needle of Carol");
    session.daemon.events.clear();
    session.press("ctrl-r");
    session.write("needle");
    // The newest is Carol's.
    session.press("down");
    session.press("down");
    session.press("enter");
    assert_eq!(session.app.here(), Some(onion("bob").as_str()));
    let selected = |session: &Session| {
        let pane = session.app.pane.as_ref().expect("open");
        pane.selected().map(|message| message.text.clone()).expect("selected")
    };
    assert_eq!(selected(&session), "needle two");
    session.shows("hit 2 of 3 for \"needle\"");
    assert_eq!(marked(&session), ["needle"; 3]);
    session.press("n");
    assert_eq!(selected(&session), "needle one");
    session.press("p");
    session.press("p");
    assert_eq!(selected(&session), "needle three");
    session.press("esc");
    session.hides("hit 1 of 3");

    // The other hits come late, and after the user has gone on: the place stays.
    session.press("ctrl-r");
    session.write("needle");
    session.press("down");
    session.slow = true;
    session.press("enter");
    session.shows("hit 1 of 1");
    session.release();
    session.shows("hit 1 of 3");
    // Nor do they begin a search that has ended.
    session.press("ctrl-r");
    session.write("needle");
    session.press("down");
    session.slow = true;
    session.press("enter");
    session.press("esc");
    session.release();
    session.hides("hit 1 of");
}
