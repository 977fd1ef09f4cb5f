//! Commit, then show: nothing is seen of a node that is not durable, and a store that fails means another start.

use sotto_core::{Command, CommitId, Input, Notice, Reply};

use super::completions::commit;
use super::conversation::{befriended, draft};
use crate::driver::shelf::TEMPTATION;
use crate::driver::stage::{Stage, hasty, newborn};
use crate::driver::{Call, Driver};

pub fn nothing_is_stored_before_it_is_durable(driver: &dyn Driver) {
    let mut stage = Stage::with_puppet(driver);
    stage.shelf.hold();
    stage.want([commit(1)]);
    stage.until("the store is asked", |stage| stage.shelf.waiting().is_some());
    stage.pause(TEMPTATION);
    assert_eq!(stage.book.count(|input| matches!(input, Input::Stored(_))), 0);
    stage.shelf.release();
    stage.until_told(&Input::Stored(CommitId(1)));
    stage.shut_down();
}

pub fn nothing_is_shown_before_it_is_durable(driver: &dyn Driver) {
    const TEXT: &str = "held back";
    let mut stage = befriended(driver);
    let friend = stage.friend.as_ref().expect("a friend").address;
    let has_it = |stage: &Stage<'_>| stage.friend.as_ref().is_some_and(|friend| friend.disk.holds_text(TEXT));
    let announced = |stage: &Stage<'_>| {
        let logged = stage.notices.iter().filter_map(|notice| match notice {
            Notice::Logged(seq) => Some(*seq),
            Notice::Presence(_) => None,
        });
        logged.max().unwrap_or_default()
    };
    stage.shelf.hold();
    let ask = stage.ask(draft(friend, TEXT));
    stage.until("the store is asked", |stage| stage.shelf.waiting().is_some());
    stage.pause(TEMPTATION);
    assert_eq!(stage.answer(ask), None, "answered");
    assert!(!has_it(&stage), "sent to the peer");
    assert!(announced(&stage) <= stage.shelf.disk().image().last_event, "noticed");

    stage.shelf.release();
    stage.answered(ask);
    stage.until("the friend has it", |stage| has_it(stage));
    let queued = stage.shelf.disk().image().last_event;
    stage.until("it is noticed", |stage| announced(stage) >= queued);
    stage.shut_down();
}

pub fn one_commit_is_in_flight_and_what_comes_meanwhile_shares_the_next(driver: &dyn Driver) {
    const WISHES: usize = 50;
    let mut stage = Stage::with_node(driver, newborn(1), hasty());
    stage.start();
    let before = stage.shelf.count(Call::Commit);
    stage.shelf.hold();
    let first = stage.ask(Command::SetName("first".to_owned()));
    stage.until("the store is asked", |stage| stage.shelf.waiting().is_some());
    let rest: Vec<_> = (1..WISHES)
        .map(|n| stage.ask(Command::SetName(format!("name {n}"))))
        .collect();
    stage.pause(TEMPTATION);
    assert_eq!(stage.shelf.count(Call::Commit) - before, 1, "one at a time");
    stage.shelf.release();
    stage.answered(first);
    for ask in rest {
        stage.answered(ask);
    }
    let commits = stage.shelf.count(Call::Commit) - before;
    assert!(
        (2..=WISHES / 5).contains(&commits),
        "{commits} commits for {WISHES} wishes"
    );
    let name = stage.shelf.disk().image().identity.expect("an identity").name.clone();
    assert_eq!(name, format!("name {}", WISHES - 1), "in their order");
    stage.shut_down();
}

pub fn after_a_failed_commit_the_node_is_opened_again_and_nothing_was_shown(driver: &dyn Driver) {
    let mut stage = befriended(driver);
    let friend = stage.friend.as_ref().expect("a friend").address;
    let (runs, images) = (stage.book.runs(), stage.shelf.count(Call::Image));
    stage.shelf.fail_commit_of("lost");
    let lost = stage.ask(draft(friend, "lost"));
    stage.until("its answer is given up", |stage| stage.answer(lost).is_some());
    assert_eq!(stage.answer(lost), Some(&None), "nothing was promised");

    let kept = stage.insist(&draft(friend, "kept"));
    assert!(matches!(kept, Ok(Reply::Message { .. })), "{kept:?}");
    assert_eq!(stage.book.runs(), runs + 1);
    assert_eq!(stage.shelf.count(Call::Reopen), 1);
    assert!(stage.shelf.count(Call::Image) > images, "opened on what is durable");
    let address = stage.network.listening().expect("it listens");
    stage.until("the friend has what was promised", |stage| {
        let friend = stage.friend.as_ref().expect("a friend");
        friend
            .disk
            .conversation(address)
            .iter()
            .any(|message| message.text == "kept")
    });
    let friend = stage.friend.as_ref().expect("a friend");
    assert!(!friend.disk.holds_text("lost"), "and nothing that was not");
    stage.shut_down();
}

pub fn a_first_start_is_durable_before_anybody_can_come(driver: &dyn Driver) {
    let mut stage = Stage::with_node(driver, crate::disk::Disk::default(), hasty());
    stage.start();
    let identity = stage.shelf.disk().image().identity.expect("a durable identity");
    assert_eq!(stage.network.listening(), Some(identity.address()));
    let ask = stage.ask(Command::Identity);
    let Reply::Identity { address, .. } = stage.answered(ask) else {
        panic!("an identity")
    };
    assert_eq!(address, identity.address());
    stage.shut_down();
}
