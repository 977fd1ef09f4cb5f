//! The network comes up, as it is told to a program that waits until others can reach the node.

use serde_json::Value;
use sotto_api::{Network, Phase, Status};
use tempfile::TempDir;

use crate::daemon::Daemon;
use crate::node::{Node as _, shared_network};

/// A daemon that was started in the background must not outlive the test.
struct Background(Daemon);

impl Drop for Background {
    fn drop(&mut self) {
        let stopped = self.0.sotto().args(["daemon", "stop"]).output();
        drop(stopped);
    }
}

#[test]
fn each_phase_comes_in_its_turn_and_no_percentage_falls() {
    let network = shared_network().arti_config();
    let folder = TempDir::with_prefix("sotto-").expect("a folder");
    let daemon = Background(Daemon::new(folder, &network));
    let mut start = daemon.0.sotto();
    start
        .args(["--network", "tor", "daemon", "start", "--wait", "600", "--key-file"])
        .arg(daemon.0.key_file());
    let output = start.output().expect("sotto runs");
    assert!(output.status.success(), "{output:?}");

    let said = String::from_utf8(output.stdout).expect("UTF-8");
    let mut lines: Vec<Value> = said
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    let status: Status = serde_json::from_value(lines.pop().expect("the last line")).expect("a status");
    assert_eq!(status.onion, daemon.0.address());
    let told: Vec<Network> = lines
        .iter()
        .map(|line| {
            assert_eq!(line["type"], "network", "{said}");
            serde_json::from_value(line["network"].clone()).expect("a network")
        })
        .collect();

    let last = told.last().expect("something is told");
    assert!(last.phase == Phase::Ready && last.reachable, "{said}");
    assert!(told.is_sorted_by_key(|network| network.percent), "{said}");
    // Once it is ready, it may publish its address anew to be reachable.
    let ready = told.iter().position(|network| network.phase == Phase::Ready);
    let way = &told[..=ready.expect("the last one is")];
    assert!(way.is_sorted_by_key(|network| place(network.phase)), "{said}");
    let is_step = |network: &Network| {
        network.phase == Phase::Bootstrapping && network.percent < 100 && network.doing.is_some() && !network.reachable
    };
    assert!(way.iter().any(is_step), "{said}");
    assert_eq!(way.last().map(|network| network.percent), Some(100), "{said}");
}

/// Where a phase stands among those of a start on a machine that has a network.
fn place(phase: Phase) -> u8 {
    match phase {
        Phase::Starting => 0,
        Phase::Bootstrapping => 1,
        Phase::Publishing => 2,
        Phase::Ready => 3,
        Phase::Offline | Phase::Stopping => panic!("{phase:?}"),
    }
}
