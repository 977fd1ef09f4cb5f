//! Nothing of a process is in a run: two processes come to the same hashes.

use std::process::Command;

#[test]
fn two_processes_come_to_the_same_hashes() {
    let hashes = || {
        let told = Command::new(env!("CARGO_BIN_EXE_sotto-sim"))
            .args(["hashes", "--seeds", "64"])
            .output();
        let told = told.expect("the program runs");
        assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stdout));
        String::from_utf8(told.stdout).expect("text")
    };
    let first = hashes();
    assert_eq!(first.lines().count(), 64);
    assert_eq!(first, hashes());
}
