//! The timer: on time, once, and not before.

use std::sync::Arc;
use std::time::Duration;

use sotto_core::{Millis, Monotonic, Now};
use sotto_io::{Clock, Runtime, Timer};

use crate::support::{Host, on_each_runtime};

on_each_runtime![
    expires_once_and_not_early,
    a_past_deadline_expires_each_time_it_is_set,
    a_deadline_can_be_moved_and_taken_away,
    waiting_survives_being_dropped,
];

fn timer<H: Host>() -> Timer {
    let runtime: Arc<dyn Runtime> = Arc::new(H::Runtime::default());
    Timer::new(&runtime).expect("a timer")
}

fn after(millis: u64) -> (Now, Option<Monotonic>) {
    let now = Clock::default().now();
    (now, Some(now.monotonic.after(Millis(millis))))
}

async fn expires_once_and_not_early<H: Host>() {
    let mut timer = timer::<H>();
    let (now, deadline) = after(50);
    timer.set(deadline, now);
    timer.expired().await;
    assert!(Clock::default().now().monotonic >= deadline.expect("set"));
    let again = H::within(Duration::from_millis(50), timer.expired()).await;
    assert!(again.is_none(), "expired twice");
}

async fn a_past_deadline_expires_each_time_it_is_set<H: Host>() {
    let mut timer = timer::<H>();
    for deadline in [Monotonic(0), Monotonic(1), Monotonic(1)] {
        timer.set(Some(deadline), Clock::default().now());
        timer.expired().await;
    }
}

async fn a_deadline_can_be_moved_and_taken_away<H: Host>() {
    let mut timer = timer::<H>();
    let (now, soon) = after(10);
    timer.set(soon, now);
    H::sleep(Duration::from_millis(30)).await;
    timer.set(None, now);
    let taken_away = H::within(Duration::from_millis(50), timer.expired()).await;
    assert!(taken_away.is_none(), "expired though taken away");

    timer.set(Some(now.monotonic.after(Millis::hours(1))), now);
    timer.set(soon, now);
    timer.expired().await;
}

async fn waiting_survives_being_dropped<H: Host>() {
    let mut timer = timer::<H>();
    let (now, deadline) = after(50);
    timer.set(deadline, now);
    H::within(Duration::from_millis(1), timer.expired())
        .await
        .unwrap_or_default();
    timer.set(deadline, now);
    timer.expired().await;
}
