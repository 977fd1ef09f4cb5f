//! What the surfaces cost beside what they are made of: `cargo bench -p sotto-testkit --bench surfaces`. It builds the program
//! and runs a daemon of its release build.
//!
//! Each row prints `name ours=… limit=… ratio=…`, both sides measured in turns in the same run; figures are medians.
//! Arguments select rows by name.

#[path = "../limits/installed.rs"]
mod installed;
mod socket;

use std::time::Duration;

/// Rounds of each row; the figures are medians over them.
const ROUNDS: usize = 7;

fn main() {
    let wanted: Vec<String> = std::env::args()
        .skip(1)
        .filter(|argument| !argument.starts_with('-'))
        .collect();
    let rows: [(&str, fn()); 2] = [("send_socket", socket::send_socket), ("fan_out", socket::fan_out)];
    for (name, row) in rows {
        if wanted.is_empty() || wanted.iter().any(|wanted| wanted == name) {
            row();
        }
    }
}

/// Measures both sides in turns and prints the row, each figure divided by `units`.
fn compare(name: &str, units: u32, mut ours: impl FnMut() -> Duration, mut limit: impl FnMut() -> Duration) {
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
