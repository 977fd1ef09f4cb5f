//! `sotto conformance` through C tor to a daemon on Tor: what it plays to a socket of this machine it plays to an onion
//! service as well.

use serde_json::Value;
use tempfile::TempDir;

use crate::daemon::Daemon;
use crate::environment::program;
use crate::node::{Node as _, shared_network};
use crate::visitor::{call, newcomer};

#[test]
fn our_daemon_keeps_every_clause_behind_its_onion_address() {
    let network = shared_network().arti_config();
    let mut alice = Daemon::new(TempDir::with_prefix("sotto-").expect("a folder"), &network);
    alice.start();
    let (one, other) = (alice.invite(), alice.invite());
    let client = newcomer();
    call(client, alice.address());
    let proxy = client.address().to_string();
    let empty = TempDir::with_prefix("sotto-").expect("a folder");
    let output = program(env!("CARGO_BIN_EXE_sotto"))
        .args(["--json", "--data-dir"])
        .arg(empty.path())
        .args(["conformance", "--socks", &proxy, "--address", &one, "--address", &other])
        .output()
        .expect("sotto runs");
    let findings: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("no findings: {output:?}"));
    let cases = findings["cases"].as_array().expect("a list");
    let others: Vec<_> = cases.iter().filter(|case| case["outcome"] != "passed").collect();
    assert!(others.iter().all(|case| case["outcome"] == "slow"), "{others:#?}");
    assert!(cases.len() > 100 && others.len() == 4, "{} cases", cases.len());
    assert!(output.status.success() && findings["passed"] == true, "{findings:#}");
}
