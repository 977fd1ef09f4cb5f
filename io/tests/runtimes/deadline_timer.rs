//! [`DeadlineTimer`]: it expires once, and never before its deadline.

use std::sync::Arc;
use std::time::Duration;

use sotto_core::{Millis, Monotonic, Now};
use sotto_io::{Clock, DeadlineTimer, Runtime};

use crate::test_runtime::{TestRuntime, on_each_runtime};

on_each_runtime![
    expires_once_and_not_early,
    a_past_deadline_expires_each_time_it_is_set,
    a_deadline_can_be_moved_and_cleared,
    a_dropped_wait_loses_nothing,
];

fn timer<R: TestRuntime>() -> DeadlineTimer {
    let runtime: Arc<dyn Runtime> = Arc::new(R::Runtime::default());
    DeadlineTimer::new(&runtime).expect("a timer")
}

fn after(millis: u64) -> (Now, Option<Monotonic>) {
    let now = Clock::default().now();
    (now, Some(now.monotonic.after(Millis(millis))))
}

async fn expires_once_and_not_early<R: TestRuntime>() {
    let mut timer = timer::<R>();
    let (now, deadline) = after(50);
    timer.set(deadline, now);
    timer.expired().await;
    assert!(Clock::default().now().monotonic >= deadline.expect("set"));
    let again = R::within(Duration::from_millis(50), timer.expired()).await;
    assert!(again.is_none(), "expired twice");
}

async fn a_past_deadline_expires_each_time_it_is_set<R: TestRuntime>() {
    let mut timer = timer::<R>();
    for deadline in [Monotonic(0), Monotonic(1), Monotonic(1)] {
        timer.set(Some(deadline), Clock::default().now());
        timer.expired().await;
    }
}

async fn a_deadline_can_be_moved_and_cleared<R: TestRuntime>() {
    let mut timer = timer::<R>();
    let (now, soon) = after(10);
    timer.set(soon, now);
    R::sleep(Duration::from_millis(30)).await;
    timer.set(None, now);
    let expired = R::within(Duration::from_millis(50), timer.expired()).await;
    assert!(expired.is_none(), "expired though cleared");

    timer.set(Some(now.monotonic.after(Millis::hours(1))), now);
    timer.set(soon, now);
    timer.expired().await;
}

async fn a_dropped_wait_loses_nothing<R: TestRuntime>() {
    let mut timer = timer::<R>();
    let (now, deadline) = after(50);
    timer.set(deadline, now);
    R::within(Duration::from_millis(1), timer.expired())
        .await
        .unwrap_or_default();
    timer.set(deadline, now);
    timer.expired().await;
}
