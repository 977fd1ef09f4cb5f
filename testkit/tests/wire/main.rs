//! Our implementation passes the wire suite, the suite notices implementations that are wrong, and the document lists its
//! cases.

mod node;

use node::{HASTE, Own};
use sotto_testkit::wire::{Options, Outcome, run};

fn options(own: &Own, invites: usize) -> Options {
    Options {
        haste: HASTE,
        slow: true,
        ..Options::new(own.secret.address(), own.invites(invites), [1; 32])
    }
}

#[test]
fn our_node_passes_every_case() {
    let own = Own::start(1);
    let mut lines = Vec::new();
    let report = run(&own, &options(&own, 2), |line| {
        println!("{line}");
        lines.push(line.clone());
    });
    println!("{report}");
    assert_eq!(lines, report.lines);
    assert!(
        report.lines.iter().all(|line| line.outcome == Outcome::Passed),
        "{report}"
    );
    assert!(report.passed());
}
