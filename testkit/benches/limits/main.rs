//! The cost of a node compared with the cost of its parts: `cargo bench -p sotto-testkit --bench limits`.
//!
//! Each row prints `name ours=… limit=… ratio=…`, both sides measured in turns in the same run; figures are medians. All
//! texts have 200 bytes. Arguments select rows by name.

mod cold;
mod comparison;
mod filled;
mod installed;
mod libsignal;
mod messages;
mod migrate;
mod rest;
mod stored;

use comparison::compare;

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
