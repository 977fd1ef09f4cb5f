//! [`compare`]: two ways to do the same, measured in turns.

use std::time::Duration;

/// Rounds of each row; the figures are medians over them.
const ROUNDS: usize = 7;

/// Measures both sides in turns and prints the row, each figure divided by `units`.
pub fn compare(name: &str, units: u32, mut ours: impl FnMut() -> Duration, mut limit: impl FnMut() -> Duration) {
    let (mut ours_took, mut limit_took) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        ours_took.push(ours());
        limit_took.push(limit());
    }
    let (ours, limit) = (median(ours_took) / units, median(limit_took) / units);
    let ratio = ours.as_secs_f64() / limit.as_secs_f64();
    println!("{name} ours={ours:.1?} limit={limit:.1?} ratio={ratio:.2}");
}

fn median(mut took: Vec<Duration>) -> Duration {
    took.sort();
    took[took.len() / 2]
}
