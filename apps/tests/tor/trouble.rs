//! What can be in the way of Tor: `status` and `doctor` say it, with what to do about it. What was sent meanwhile waits,
//! and goes when the way is free.

use std::io::Write as _;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;

use serde_json::Value;
use tempfile::TempDir;
use toml::{Table, toml};

use crate::daemon::Daemon;
use crate::node::{Node as _, Progress, arrived, befriend, shared_network, until};

fn daemon(tor: &Table) -> Daemon {
    let mut daemon = Daemon::new(TempDir::with_prefix("sotto-").expect("a folder"), tor);
    daemon.start();
    daemon
}

/// Waits until the status names the trouble; then the doctor does so too, with a code for it.
fn is_told(daemon: &Daemon, trouble: &str) {
    let problem = until("the status tells", || {
        let status = ask(daemon, &["status"]).1;
        match status["network"]["problem"].as_str() {
            Some(problem) if problem.contains(trouble) => Ok(problem.to_owned()),
            _ => Err(status["network"].clone()),
        }
    });
    let (code, report) = ask(daemon, &["doctor"]);
    let findings = report["findings"].as_array().expect("a list");
    let network = findings
        .iter()
        .find(|finding| finding["subject"] == "network")
        .expect("looked at");
    assert_eq!(network["hint"], problem.as_str(), "{report:#}");
    match network["verdict"].as_str() {
        Some("bad") => assert_eq!((code, &report["healthy"]), (3, &false.into()), "{report:#}"),
        Some("careful") => assert_eq!(code, 0, "{report:#}"),
        _ => panic!("{report:#}"),
    }
}

/// The exit code, and what was said.
fn ask(daemon: &Daemon, arguments: &[&str]) -> (i32, Value) {
    let output = daemon.sotto().args(arguments).output().expect("sotto runs");
    let said = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{output:?}"));
    (output.status.code().expect("an exit code"), said)
}

#[test]
fn what_was_sent_waits_until_the_way_is_free() {
    let network = shared_network().arti_config();
    let [mut ada, mut bob] = [daemon(&network), daemon(&network)];
    befriend(&mut ada, &mut bob);

    let nobody_there = network_without(&network, "/nowhere/obfs4proxy");
    let mut strange = network.clone();
    let nobody = "316E643333645F6D79216558614D3931657A5F5F";
    strange["tor_network"]["authorities"]["v3idents"] = vec![nobody].into();
    let alone = &["unshare", "--map-root-user", "--net"][..];
    let troubles = [
        (
            &nobody_there,
            &[][..],
            "pluggable transport not found or not executable: /nowhere/obfs4proxy",
        ),
        (&network, alone, "this machine has no network"),
        (&strange, &[][..], "no usable Tor directory"),
    ];
    let texts = troubles.map(|(_, _, trouble)| format!("in spite of this: {trouble}"));
    for ((tor, wrapper, trouble), text) in troubles.iter().zip(&texts) {
        ada.kill();
        ada.configure(tor);
        ada.surround(wrapper, None);
        ada.start();
        ada.send(bob.address(), text);
        is_told(&ada, trouble);
        let last = ada.history(bob.address()).pop().expect("queued");
        assert_eq!((last.text, last.progress), (text.clone(), Progress::Waits));
    }

    ada.kill();
    ada.configure(&network);
    ada.surround(&[], None);
    ada.start();
    arrived(&mut ada, &mut bob, &texts.each_ref().map(String::as_str));
}

/// The network behind a bridge, which takes a program to reach.
fn network_without(network: &Table, program: &str) -> Table {
    let mut table = network.clone();
    let bridge = "obfs4 192.0.2.55:38114 316E643333645F6D79216558614D3931657A5F5F iat-mode=0";
    let mut bridges = Table::new();
    bridges.insert("bridges".to_owned(), vec![bridge].into());
    let mut transport = toml! { protocols = ["obfs4"] };
    transport.insert("path".to_owned(), program.into());
    bridges.insert("transports".to_owned(), vec![transport].into());
    table.insert("bridges".to_owned(), bridges.into());
    table
}

#[test]
fn a_relay_that_talks_nonsense_is_not_tor() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let address = listener.local_addr().expect("bound").to_string();
    thread::spawn(move || {
        while let Ok((mut visitor, _)) = listener.accept() {
            let _ = visitor.write_all(b"HTTP/1.0 200 OK\r\n\r\nwelcome to the hotel, please log in\r\n");
        }
    });
    let mut network = shared_network().arti_config();
    let caches = network["tor_network"]["fallback_caches"]
        .as_array_mut()
        .expect("a list");
    for cache in caches {
        cache["orports"] = vec![address.clone()].into();
    }
    is_told(&daemon(&network), "the network may be filtering Tor");
}

#[test]
fn a_clock_that_is_hours_behind_is_told() {
    let network = shared_network().arti_config();
    let folder = TempDir::new().expect("a folder");
    let mut daemon = Daemon::new(TempDir::with_prefix("sotto-").expect("a folder"), &network);
    daemon.surround(&[], Some(wrong_clock(folder.path(), -5 * 3600)));
    daemon.start();
    is_told(&daemon, "clock seems to be wrong: it is at least 4 h");
}

/// A library with which a program sees another time of day.
fn wrong_clock(folder: &Path, seconds: i64) -> PathBuf {
    let library = folder.join("clock.so");
    let output = Command::new("cc")
        .args(["-shared", "-fPIC", "-O1", &format!("-DOFFSET={seconds}"), "-o"])
        .arg(&library)
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tor/clock.c"))
        .output()
        .expect("a C compiler");
    assert!(output.status.success(), "{output:?}");
    library
}
