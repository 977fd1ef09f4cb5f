//! The cost of a node compared with the cost of its parts: `cargo bench -p sotto-testkit --bench limits`.
//!
//! Each row prints `name ours=… limit=… ratio=…`, both sides measured in turns in the same run; figures are medians. All
//! texts have 200 bytes. Arguments select rows by name.

mod cold;
mod installed;
mod libsignal;
mod messages;
mod migrate;
mod rest;
mod stored;

use std::time::Duration;

/// Rounds of each row; the figures are medians over them.
const ROUNDS: usize = 7;

fn main() {
    let wanted: Vec<String> = std::env::args()
        .skip(1)
        .filter(|argument| !argument.starts_with('-'))
        .collect();
    let rows: [(&str, fn()); 6] = [
        ("one_way", messages::one_way),
        ("ping_pong", messages::ping_pong),
        ("stored", stored::stored),
        ("cold_send", cold::cold_send),
        ("rest", rest::rest),
        ("migrate", migrate::migrate),
    ];
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
