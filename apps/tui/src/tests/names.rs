//! Names that imitate: any peer can claim the name of a friend, as it is or as it looks.

use sotto_api::{self as api, Relationship, Time};

use super::behaviour::daemon;
use super::fixtures::{NOW, friend, name, onion};
use super::session::Session;

/// A peer who claims a name and asks, beside Bob and Carol.
fn asking(claimed: &str) -> Session {
    let mut peer = friend("mallory");
    peer.who = name(None, Some(claimed), &onion("mallory"));
    peer.relationship = Relationship::Asking;
    let mut daemon = daemon(3);
    daemon.requests.push(api::FriendRequest {
        who: peer.who.clone(),
        note: String::new(),
        received_at: Time::from_millis(NOW),
    });
    Session::connected(daemon.with(peer, Vec::new()), (100, 30))
}

#[test]
fn a_copied_name_is_warned_of_as_one_that_looks_like_it_is() {
    for (claimed, warning) in [
        ("Bob", "is called like Bob, who is another person"),
        ("B0b", "looks like Bob, who is another person"),
        (" bob", "looks like Bob, who is another person"),
    ] {
        let mut session = asking(claimed);
        session.open("Carol");
        session.enter("/requests");
        session.shows(warning);
        // Before a petname is given, and as long as none is.
        session.press("a");
        session.shows("What do you call them?");
        session.shows(warning);
        session.press("esc");
        session.shows(&format!("! {warning}"));
        session.enter("/rename Mallory");
        session.hides(warning);
    }
    let mut session = asking("Mallory");
    session.enter("/requests");
    session.shows("~Mallory");
    session.hides("another person");
}

#[test]
fn a_request_under_the_name_of_a_friend_says_so_when_it_arrives() {
    let mut session = asking("Bob");
    let who = session.daemon.requests[0].who.clone();
    session.daemon.tell(api::Body::RequestReceived { who });
    session.settle();
    session.shows("is called like Bob, who is another");
}

#[test]
fn a_friend_is_not_another_person_than_itself() {
    // Bob claims the name that the user has given him.
    let mut session = Session::connected(daemon(3), (100, 30));
    session.open("Bob");
    session.hides("another person");
    session.enter("/rename");
    session.hides("another person");
    // A name that is given later counts as well.
    let mut eve = friend("eve");
    eve.who = name(None, Some("Dora"), &onion("eve"));
    let mut session = Session::connected(daemon(3).with(eve, Vec::new()), (100, 30));
    session.app.open_conversation(&onion("eve"));
    session.settle();
    session.hides("another person");
    session.daemon.contacts.get_mut(&onion("bob")).expect("Bob").who.petname = Some(String::from("Dora"));
    session.find_again();
    session.shows("is called like Dora, who is another person");
}

#[test]
fn a_name_with_an_accent_or_a_dot_more_and_the_users_own_are_warned_of() {
    for (claimed, warning) in [
        ("Bób", "looks like Bob, who is another person"),
        ("bob.", "looks like Bob, who is another person"),
        ("«Ḅob»", "looks like Bob, who is another person"),
        ("Alice", "is called like you"),
        ("álice!", "looks like your own name, Alice"),
    ] {
        let mut session = asking(claimed);
        session.open("Carol");
        session.enter("/requests");
        session.shows(warning);
        session.press("a");
        session.shows(warning);
        session.press("esc");
        session.shows(&format!("! {warning}"));
    }
}
