//! Clocks and the alarm: a tick comes when the node's deadline has, not before and not never.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant, SystemTime};

use sotto_core::{Command, Input, Millis, Now, Wall};

use super::conversation::{acquainted, draft};
use crate::driver::Driver;
use crate::driver::puppet::Alarm;
use crate::driver::stage::{Stage, hasty};

fn ticks(stage: &Stage<'_>) -> usize {
    stage.book.count(|input| matches!(input, Input::Tick))
}

pub fn a_tick_comes_at_the_deadline_and_not_before(driver: &dyn Driver) {
    let mut stage = Stage::with_puppet(driver);
    for (round, span) in (1..).zip([1, 5, 30, 0, 12]) {
        let began = Instant::now();
        let ask = stage.set_alarm(Alarm::After(Millis(span)));
        stage.answered(ask);
        // That it is not early is seen to at every input.
        stage.until("it ticks", |stage| ticks(stage) == round);
        let waited = began.elapsed() + Duration::from_millis(1);
        assert!(waited >= Duration::from_millis(span), "{waited:?} for {span} ms");
    }
    stage.pause(Duration::from_millis(10));
    assert_eq!(ticks(&stage), 5, "once each");
    stage.shut_down();
}

pub fn a_deadline_that_moves_is_followed(driver: &dyn Driver) {
    let mut stage = Stage::with_puppet(driver);
    let set = |stage: &mut Stage<'_>, alarm| {
        let ask = stage.set_alarm(alarm);
        stage.answered(ask);
    };
    set(&mut stage, Alarm::After(Millis::hours(1)));
    set(&mut stage, Alarm::After(Millis(5)));
    stage.until("the nearer one counts", |stage| ticks(stage) == 1);
    set(&mut stage, Alarm::After(Millis(15)));
    set(&mut stage, Alarm::After(Millis::hours(1)));
    stage.pause(Duration::from_millis(25));
    set(&mut stage, Alarm::After(Millis(15)));
    set(&mut stage, Alarm::Off);
    stage.pause(Duration::from_millis(25));
    assert_eq!(ticks(&stage), 1, "for deadlines that were moved away");
    stage.shut_down();
}

pub fn a_deadline_that_has_passed_ticks_until_it_moves(driver: &dyn Driver) {
    let mut stage = Stage::with_puppet(driver);
    stage.set_alarm(Alarm::Overdue(3));
    stage.until("it ticks", |stage| ticks(stage) == 3);
    let ask = stage.ask(Command::Status);
    stage.answered(ask);
    assert_eq!(ticks(&stage), 3);
    stage.shut_down();
}

pub fn inputs_do_not_put_a_deadline_off(driver: &dyn Driver) {
    let mut stage = Stage::with_puppet(driver);
    let ask = stage.set_alarm(Alarm::After(Millis(20)));
    stage.answered(ask);
    stage.until("it ticks although something happens all the time", |stage| {
        stage.ask(Command::Status);
        ticks(stage) == 1
    });
    stage.shut_down();
}

pub fn both_clocks_are_told_as_they_are(driver: &dyn Driver) {
    let mut stage = Stage::with_puppet(driver);
    let round = |stage: &mut Stage<'_>| {
        let (before, began) = (wall(), Instant::now());
        let ask = stage.ask(Command::Status);
        stage.answered(ask);
        let (_, now) = stage.book.told().pop().expect("told");
        // A millisecond for the rounding of either.
        assert!(before.0 <= now.wall.0 + 1 && now.wall.0 <= wall().0 + 1, "{now:?}");
        (now, began)
    };
    let (first, began) = round(&mut stage);
    stage.pause(Duration::from_millis(30));
    let paused = began.elapsed();
    let (second, _) = round(&mut stage);
    let passed = second.monotonic.since(first.monotonic);
    let all = began.elapsed();
    assert!(
        passed.0 + 1 >= 30 && u128::from(passed.0) <= all.as_millis() + 1,
        "{passed} of {paused:?}"
    );
    stage.shut_down();
}

pub fn a_wall_clock_that_jumps_keeps_nobody_waiting(driver: &dyn Driver) {
    let jump = Arc::new(AtomicI64::new(0));
    let jumped = Arc::clone(&jump);
    let clock = move |now: Now| Now {
        wall: Wall(now.wall.0.saturating_add_signed(jumped.load(Ordering::Relaxed))),
        ..now
    };
    let [disk, theirs] = acquainted();
    let friend = theirs.image().identity.expect("an identity").address();
    let mut stage = Stage::with_clock(driver, disk.clone(), hasty(), clock);
    stage.start();
    for days in [0, -3000, 3000, -1, 0] {
        jump.store(days * 86_400_000, Ordering::Relaxed);
        // A jump forward is the end of older ones: they expire.
        let ask = stage.ask(draft(friend, &format!("is anybody there? {days}")));
        stage.answered(ask);
        for _ in 0..3 {
            let mut call = None;
            stage.until("it dials again", |stage| {
                call = stage.network.call();
                call.is_some()
            });
            let _ = call.map(crate::driver::Ring::refuse);
        }
    }
    stage.shut_down();
}

fn wall() -> Wall {
    let since_epoch = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    Wall(u64::try_from(since_epoch.as_millis()).unwrap_or(u64::MAX))
}
