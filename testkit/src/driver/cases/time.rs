//! Clocks and deadlines: a tick comes at the node's deadline and not before.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant, SystemTime};

use sotto_core::{Command, Input, Millis, Now, Wall};

use super::conversation::{friends_disks, new_message};
use crate::driver::Driver;
use crate::driver::harness::{Harness, fast_retry};
use crate::driver::scripted_node::DeadlineChange;

fn ticks(harness: &Harness<'_>) -> usize {
    harness.log.count(|input| matches!(input, Input::Tick))
}

pub fn a_tick_comes_at_the_deadline_and_not_before(driver: &dyn Driver) {
    let mut harness = Harness::with_scripted_node(driver);
    for (round, span) in (1..).zip([1, 5, 30, 0, 12]) {
        let began = Instant::now();
        let command = harness.set_deadline(DeadlineChange::After(Millis(span)));
        harness.expect_reply(command);
        // `Contract` checks that it is not early.
        harness.until("a tick comes", |harness| ticks(harness) == round);
        let waited = began.elapsed() + Duration::from_millis(1);
        assert!(waited >= Duration::from_millis(span), "{waited:?} for {span} ms");
    }
    harness.let_pass(Duration::from_millis(10));
    assert_eq!(ticks(&harness), 5, "one tick each");
    harness.shut_down();
}

pub fn a_deadline_that_moves_is_followed(driver: &dyn Driver) {
    let mut harness = Harness::with_scripted_node(driver);
    let set = |harness: &mut Harness<'_>, change| {
        let command = harness.set_deadline(change);
        harness.expect_reply(command);
    };
    set(&mut harness, DeadlineChange::After(Millis::hours(1)));
    set(&mut harness, DeadlineChange::After(Millis(5)));
    harness.until("the nearer deadline counts", |harness| ticks(harness) == 1);
    for change in [DeadlineChange::After(Millis::hours(1)), DeadlineChange::Off] {
        // Where the machine was too slow to move it before it came, a later one is moved.
        let moved = (0..8).any(|attempt| {
            let span = 15 << attempt;
            let began = Instant::now();
            set(&mut harness, DeadlineChange::After(Millis(span)));
            set(&mut harness, change);
            let in_time = began.elapsed() < Duration::from_millis(span);
            let before = ticks(&harness);
            harness.let_pass(Duration::from_millis(span + 10));
            assert!(
                !in_time || ticks(&harness) == before,
                "a tick for a deadline that was moved"
            );
            in_time
        });
        assert!(moved, "the machine is too slow to move a deadline");
    }
    harness.shut_down();
}

pub fn a_deadline_that_has_passed_ticks_until_it_moves(driver: &dyn Driver) {
    let mut harness = Harness::with_scripted_node(driver);
    harness.set_deadline(DeadlineChange::Overdue(3));
    harness.until("a tick comes", |harness| ticks(harness) == 3);
    let command = harness.command(Command::Status);
    harness.expect_reply(command);
    assert_eq!(ticks(&harness), 3);
    harness.shut_down();
}

pub fn inputs_do_not_delay_a_deadline(driver: &dyn Driver) {
    let mut harness = Harness::with_scripted_node(driver);
    let command = harness.set_deadline(DeadlineChange::After(Millis(20)));
    harness.expect_reply(command);
    harness.until("a tick comes although inputs come all the time", |harness| {
        harness.command(Command::Status);
        ticks(harness) == 1
    });
    harness.shut_down();
}

pub fn both_clocks_are_passed_on_unchanged(driver: &dyn Driver) {
    let mut harness = Harness::with_scripted_node(driver);
    let round = |harness: &mut Harness<'_>| {
        let (before, began) = (wall(), Instant::now());
        let command = harness.command(Command::Status);
        harness.expect_reply(command);
        let (_, now) = harness.log.inputs().pop().expect("inputs");
        // A millisecond for the rounding of either.
        assert!(before.0 <= now.wall.0 + 1 && now.wall.0 <= wall().0 + 1, "{now:?}");
        (now, began)
    };
    let (first, began) = round(&mut harness);
    harness.let_pass(Duration::from_millis(30));
    let paused = began.elapsed();
    let (second, _) = round(&mut harness);
    let passed = second.monotonic.since(first.monotonic);
    let all = began.elapsed();
    assert!(
        passed.0 + 1 >= 30 && u128::from(passed.0) <= all.as_millis() + 1,
        "{passed} of {paused:?}"
    );
    harness.shut_down();
}

pub fn a_wall_clock_jump_delays_no_retry(driver: &dyn Driver) {
    let jump = Arc::new(AtomicI64::new(0));
    let jumped = Arc::clone(&jump);
    let clock = move |now: Now| Now {
        wall: Wall(now.wall.0.saturating_add_signed(jumped.load(Ordering::Relaxed))),
        ..now
    };
    let [disk, theirs] = friends_disks();
    let peer = theirs.image().identity.expect("an identity").address();
    let mut harness = Harness::with_clock(driver, disk.clone(), fast_retry(), clock);
    harness.start();
    for days in [0, -3000, 3000, -1, 0] {
        jump.store(days * 86_400_000, Ordering::Relaxed);
        // At a jump forward the older ones expire.
        let command = harness.command(new_message(peer, &format!("wall clock off by {days} days")));
        harness.expect_reply(command);
        for _ in 0..3 {
            let mut dial = None;
            harness.until("the driver dials again", |harness| {
                dial = harness.network.next_dial();
                dial.is_some()
            });
            let _ = dial.map(crate::driver::DialAttempt::refuse);
        }
    }
    harness.shut_down();
}

/// A machine that is copied while its driver sleeps must not go on with the random numbers of the copy.
pub fn fresh_entropy_comes_first_after_a_sleep(driver: &dyn Driver) {
    let mut harness = Harness::with_scripted_node(driver);
    let sleeps = |harness: &mut Harness<'_>, span| {
        let mut slept = 0;
        for _ in 0..10 {
            let command = harness.set_deadline(DeadlineChange::After(span));
            harness.expect_reply(command);
            let set_at = harness.log.input_count();
            let before = ticks(harness);
            harness.until("a tick comes", |harness| ticks(harness) > before);
            let fresh = harness.log.entropy();
            slept += usize::from(fresh.iter().any(|(inputs, _)| *inputs == set_at));
        }
        slept
    };
    // A driver whose thread had no processor for all that time has not slept; on a busy machine a longer time is needed.
    let mut slept = sleeps(&mut harness, Millis(20));
    if slept <= 5 {
        slept = sleeps(&mut harness, Millis(200));
    }
    assert!(slept > 5, "fresh entropy came after {slept} of 10 sleeps");
    let fresh = harness.log.entropy();
    let different: std::collections::BTreeSet<[u8; 32]> = fresh.iter().map(|(_, fresh)| *fresh).collect();
    assert_eq!(different.len(), fresh.len(), "each time other bytes");
    harness.shut_down();
}

fn wall() -> Wall {
    let since_epoch = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    Wall(u64::try_from(since_epoch.as_millis()).unwrap_or(u64::MAX))
}
