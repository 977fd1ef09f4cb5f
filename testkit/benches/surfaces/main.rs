//! What the surfaces cost beside what they are made of: `cargo bench -p sotto-testkit --bench surfaces`. It builds the program
//! and runs a daemon of its release build.
//!
//! Each row prints `name ours=… limit=… ratio=…`, both sides measured in turns in the same run; figures are medians.
//! Arguments select rows by name.

#[path = "../limits/comparison.rs"]
mod comparison;
#[path = "../limits/installed.rs"]
mod installed;
mod mcp;
mod socket;

fn main() {
    let mut arguments = std::env::args_os().skip(1);
    if arguments.next().is_some_and(|first| first == mcp::RELAY) {
        return mcp::relay(arguments.next().expect("a socket").as_ref());
    }
    let wanted: Vec<String> = std::env::args()
        .skip(1)
        .filter(|argument| !argument.starts_with('-'))
        .collect();
    let rows: [(&str, fn()); 6] = [
        ("send_socket", socket::send_socket),
        ("history", socket::history),
        ("fan_out", socket::fan_out),
        ("slow_subscriber", socket::slow_subscriber),
        ("mcp_first_answer", mcp::mcp_first_answer),
        ("mcp_call", mcp::mcp_call),
    ];
    for (name, row) in rows {
        if wanted.is_empty() || wanted.iter().any(|wanted| wanted == name) {
            row();
        }
    }
}
