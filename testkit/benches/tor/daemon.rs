//! The installed program, idle on Tor.

use std::fs::{self, File};
use std::io::Write as _;
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::json;
use toml::Table;

use crate::installed::{Home, mebibytes, resident};

/// The longest wait.
const PATIENCE: Duration = Duration::from_mins(2);

pub fn rows(table: &Table) {
    let home = Home::on("tor");
    let bytes = fs::metadata(home.command(&[]).get_program()).expect("built").len();
    println!("binary ours={} MiB", mebibytes(bytes / 1024));

    let mut config = File::options()
        .append(true)
        .open(home.data().join("config.toml"))
        .expect("made by init");
    let table = Table::from_iter([("tor".to_owned(), table.clone().into())]);
    write!(config, "\n{table}").expect("written");
    let start = Instant::now();
    home.sotto(&["daemon", "start"]);
    while home.call("node.status", &json!({}))["network"]["reachable"] != true {
        assert!(start.elapsed() < PATIENCE, "the daemon never gets reachable");
        sleep(Duration::from_millis(20));
    }
    println!(
        "daemon_reachable ours={:.1?} (from `sotto daemon start`)",
        start.elapsed()
    );
    // By then the memory of the start is free again.
    sleep(Duration::from_secs(30));
    println!("resident_at_rest ours={} limit=90 MiB", resident(&home.pid()));
}
