//! Dying anywhere: what was durable is there again, what was promised is kept, and nothing happens twice.

use std::collections::BTreeMap;

use sotto_core::{MessageId, Reply};

use super::conversation::{befriended_at_rest, draft, until_linked, until_quiet};
use crate::disk::Disk;
use crate::driver::stage::Stage;
use crate::driver::{Call, Driver, InFlight};

const OURS: [&str; 3] = ["one", "two", "three"];
const THEIRS: [&str; 2] = ["four", "five"];

/// What the node has promised: ids by text.
type Promised = BTreeMap<&'static str, MessageId>;

/// Both say what they have to say; stops as soon as `dead` says so.
fn converse(stage: &mut Stage<'_>, promised: &mut Promised, dead: impl Fn(&Stage<'_>) -> bool) {
    let friend = stage.friend.as_ref().expect("a friend").address;
    let ours = stage.shelf.disk().image().identity.expect("an identity").address();
    let network = stage.network.clone();
    for text in THEIRS {
        let said = stage
            .friend
            .as_mut()
            .map(|friend| friend.command(&network, draft(ours, text)));
        assert!(matches!(said, Some(Ok(_))), "{said:?}");
    }
    for text in OURS {
        let ask = stage.ask(draft(friend, text));
        stage.until("it is answered, or dead", |stage| {
            dead(stage) || stage.answer(ask).is_some()
        });
        if let Some(Some(Ok(Reply::Message { id, .. }))) = stage.answer(ask) {
            let known = promised.insert(text, *id);
            assert!(known.is_none_or(|known| known == *id), "a promise is kept");
        }
        if dead(stage) {
            return;
        }
    }
    stage.until("both have everything, or one is dead", |stage| {
        let friend = stage.friend.as_ref().expect("a friend");
        let all = |disk: &Disk, with| disk.conversation(with).len() == OURS.len() + THEIRS.len();
        dead(stage) || (all(&friend.disk, ours) && all(&stage.shelf.disk(), friend.address))
    });
}

/// Starts it again and lets both finish; then everything is everywhere once.
fn recover(stage: &mut Stage<'_>, promised: &mut Promised) {
    stage.restart();
    until_linked(stage);
    converse(stage, promised, |_| false);
    until_quiet(stage);
    stage.shut_down();
    let friend = stage.friend.as_ref().expect("a friend");
    let disk = stage.shelf.disk();
    let ours = disk.image().identity.expect("an identity").address();
    for (name, disk, with) in [("ours", &disk, friend.address), ("theirs", &friend.disk, ours)] {
        let mut texts: Vec<_> = disk.conversation(with).iter().map(|row| row.text.clone()).collect();
        texts.sort();
        assert_eq!(texts, ["five", "four", "one", "three", "two"], "{name}");
        for (text, id) in &*promised {
            assert!(
                disk.conversation(with)
                    .iter()
                    .any(|row| row.text == *text && row.key.id == *id),
                "{name}: {text} was promised"
            );
        }
    }
}

pub fn it_dies_at_any_commit_and_comes_back_as_it_was_durable(driver: &dyn Driver) {
    for doomed in 0.. {
        let mut died = false;
        for in_flight in [InFlight::Lost, InFlight::Durable] {
            let mut stage = befriended_at_rest(driver);
            stage.start();
            until_linked(&mut stage);
            let before = stage.shelf.count(Call::Commit);
            stage.shelf.hold_after(doomed);
            let dead = |stage: &Stage<'_>| stage.shelf.waiting().is_some();
            let mut promised = Promised::new();
            converse(&mut stage, &mut promised, dead);
            died = dead(&stage);
            stage.crash(in_flight);
            let commits = stage.shelf.count(Call::Commit) - before;
            assert!(!died || commits == doomed + 1, "one commit at a time");
            recover(&mut stage, &mut promised);
        }
        if !died {
            assert!(doomed > 2, "a conversation has commits");
            break;
        }
    }
}

pub fn it_dies_at_any_moment_and_completes_nothing_twice(driver: &dyn Driver) {
    die_again_and_again(
        driver,
        (1..60).step_by(3),
        |stage, inputs| stage.book.halt_after(inputs),
        |stage| stage.book.is_halted(),
        |stage| stage.book.spare(),
    );
}

/// The same for a driver that is a future, dropped at any of its awaits, in the middle of whatever it waits for.
pub fn it_dies_at_any_poll_and_completes_nothing_twice(driver: &dyn Driver) {
    die_again_and_again(
        driver,
        1..24,
        |stage, polls| stage.life.end_after(polls),
        |stage| stage.life.is_over(),
        |stage| stage.life.spare(),
    );
}

/// A conversation, cut short ever later; the last ones are over before they are cut.
fn die_again_and_again(
    driver: &dyn Driver,
    moments: impl Iterator<Item = usize>,
    doom: impl Fn(&Stage<'_>, usize),
    dead: impl Fn(&Stage<'_>) -> bool,
    spare: impl Fn(&Stage<'_>) -> bool,
) {
    let mut deaths = 0;
    for moment in moments {
        let mut stage = befriended_at_rest(driver);
        doom(&stage, moment);
        stage.start();
        let mut promised = Promised::new();
        converse(&mut stage, &mut promised, &dead);
        if spare(&stage) {
            until_quiet(&mut stage);
            stage.shut_down();
        } else {
            deaths += 1;
            stage.crash(InFlight::Durable);
            recover(&mut stage, &mut promised);
        }
    }
    assert!(deaths > 2, "a conversation has many moments to die at");
}

pub fn nothing_of_it_is_left_after_a_crash(driver: &dyn Driver) {
    let mut stage = super::conversation::befriended(driver);
    let (_, mut far) = super::completions::accepted(&mut stage);
    stage.crash(InFlight::Lost);
    assert_eq!(stage.network.listening(), None, "it listens no more");
    stage.until("its streams end", |_| far.listen().ended);
    let (calls, inputs) = (stage.shelf.last_call(), stage.book.inputs());
    stage.pause(crate::driver::shelf::TEMPTATION);
    assert_eq!(
        (stage.shelf.last_call(), stage.book.inputs()),
        (calls, inputs),
        "it does nothing more"
    );
}
