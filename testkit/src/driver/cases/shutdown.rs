//! The orderly end: what was asked is answered, what is staged is durable, what is being said is said, and then all is
//! closed.

use sotto_core::{Command, Input, LinkId, Output, Reply};

use super::completions::{accepted, counted, dialled};
use super::conversation::befriended;
use crate::driver::shelf::TEMPTATION;
use crate::driver::stage::{Stage, hasty, newborn};
use crate::driver::{Call, Driver};

pub fn commands_before_a_shutdown_are_answered(driver: &dyn Driver) {
    let mut stage = Stage::with_node(driver, newborn(1), hasty());
    stage.start();
    stage.shelf.hold();
    let asks: Vec<_> = (1..=30)
        .map(|n| stage.ask(Command::SetName(format!("name {n}"))))
        .collect();
    stage.until("the store is asked", |stage| stage.shelf.waiting().is_some());
    let ending = stage.shutting_down();
    stage.pause(TEMPTATION);
    stage.shelf.release();
    stage.ended(ending);
    for ask in asks {
        assert_eq!(stage.answered(ask), Reply::Done);
    }
    let name = stage.shelf.disk().image().identity.expect("an identity").name.clone();
    assert_eq!(name, "name 30", "what was answered is durable");
}

pub fn a_shutdown_closes_links_and_store(driver: &dyn Driver) {
    let mut stage = befriended(driver);
    let (_, mut stranger) = accepted(&mut stage);
    stage.shut_down();
    assert_eq!(stage.network.listening(), None, "it listens no more");
    stage.until("the stranger's stream ends", |_| stranger.listen().ended);
    assert_eq!(stage.shelf.count(Call::Close), 1);
    assert_eq!(stage.shelf.last_call(), Some(Call::Close), "the store is closed last");
    // And the friend sees it.
    let friend = stage.friend.as_mut().expect("a friend");
    friend.pump(&stage.network);
    assert_eq!(friend.links(), 0);
}

pub fn what_is_being_said_is_said_before_a_shutdown_ends(driver: &dyn Driver) {
    let mut stage = Stage::with_puppet(driver);
    let link = LinkId::Dialled(1);
    let mut far = dialled(&mut stage, link);
    let words = counted(1 << 20);
    let ask = stage.want([Output::Transmit(link, words.clone())]);
    stage.answered(ask);
    let ending = stage.shutting_down();
    stage.pause(TEMPTATION);
    stage.until("the stream ends", |_| far.listen().ended);
    assert!(far.heard == words, "{} bytes of {}", far.heard.len(), words.len());
    stage.ended(ending);
}

pub fn a_peer_that_does_not_read_does_not_keep_it_alive(driver: &dyn Driver) {
    let mut stage = Stage::with_puppet(driver);
    let link = LinkId::Dialled(1);
    let far = dialled(&mut stage, link);
    stage.want([Output::Transmit(link, counted(8 << 20))]);
    stage.until("it writes", |stage| stage.book.open().contains("transmitting: true"));
    stage.shut_down();
    assert_eq!(stage.book.count(|input| *input == Input::Drained(link)), 0);
    drop(far);
}
