//! The latency of a script: `sotto --json send` against a running daemon, compared with an interpreter that does nothing.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use sotto_core::OnionSecret;

use crate::compare;
use crate::installed::Home;

const RUNS: u32 = 20;

pub fn cold_send() {
    let home = Home::on("local");
    home.sotto(&["daemon", "start"]);
    let friend = OnionSecret::from_seed(&[9; 32]).address().to_string();
    home.sotto(&["friends", "add", &friend]);
    let ours = || run(|| home.command(&["send", &friend, "hello"]));
    let interpreter = interpreter();
    let limit = || {
        run(|| {
            let mut python = Command::new(&interpreter);
            python.args(["-c", "pass"]);
            python
        })
    };
    compare("cold_send", RUNS, ours, limit);
}

/// The interpreter itself, not a wrapper that searches for it.
fn interpreter() -> String {
    let python = Command::new("python3")
        .args(["-c", "import sys; print(sys.executable)"])
        .output()
        .expect("python3");
    String::from_utf8(python.stdout).expect("a path").trim().to_owned()
}

fn run(command: impl Fn() -> Command) -> Duration {
    let start = Instant::now();
    for _ in 0..RUNS {
        let status = command().stdout(Stdio::null()).status().expect("it runs");
        assert!(status.success());
    }
    start.elapsed()
}
