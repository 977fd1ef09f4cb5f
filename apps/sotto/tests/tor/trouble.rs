//! What can be in the way of Tor: `status` and `doctor` say it, with what to do about it. What was sent meanwhile waits,
//! and goes when the way is free.

use std::io::Write as _;
use std::net::{Ipv4Addr, TcpListener};
use std::thread;

use serde_json::Value;
use tempfile::TempDir;
use toml::{Table, toml};

use crate::clock::WrongClock;
use crate::daemon::Daemon;
use crate::node::{Node as _, Progress, arrived, befriend, shared_network, until};

/// Ada, who will have trouble, and Bob, who is her friend and has none.
fn friends(network: &Table) -> [Daemon; 2] {
    let daemon = || {
        let mut daemon = Daemon::new(TempDir::with_prefix("sotto-").expect("a folder"), network);
        daemon.start();
        daemon
    };
    let [mut ada, mut bob] = [daemon(), daemon()];
    befriend(&mut ada, &mut bob);
    [ada, bob]
}

/// Starts Ada where she has trouble, and has her send something: she is told of the trouble, and the text waits.
fn a_text_waits(ada: &mut Daemon, bob: &Daemon, trouble: &str) -> String {
    let text = format!("in spite of this: {trouble}");
    ada.start();
    ada.send(bob.address(), &text);
    is_told(ada, trouble);
    let last = ada.history(bob.address()).pop().expect("queued");
    assert_eq!((last.text, last.progress), (text.clone(), Progress::Waits));
    text
}

/// Waits until the status names the trouble, and the doctor too, with a code for it.
fn is_told(daemon: &Daemon, trouble: &str) {
    let (code, report) = until("status and doctor tell", || {
        let status = ask(daemon, &["status"]).1;
        let Some(problem) = status["network"]["problem"].as_str().filter(|it| it.contains(trouble)) else {
            return Err(status["network"].clone());
        };
        // How long a clock is wrong may be another minute by now.
        let (code, report) = ask(daemon, &["doctor"]);
        if network(&report)["hint"] == problem {
            Ok((code, report))
        } else {
            Err(report)
        }
    });
    match network(&report)["verdict"].as_str() {
        Some("bad") => assert_eq!((code, &report["healthy"]), (3, &false.into()), "{report:#}"),
        Some("careful") => assert_eq!(code, 0, "{report:#}"),
        _ => panic!("{report:#}"),
    }
}

/// What the doctor found there.
fn network(report: &Value) -> &Value {
    let findings = report["findings"].as_array().expect("a list");
    let network = findings.iter().find(|finding| finding["subject"] == "network");
    network.expect("looked at")
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
    let [mut ada, mut bob] = friends(&network);

    let no_such_program = network_without(&network, "/nowhere/obfs4proxy");
    let mut strange = network.clone();
    let unknown_authority = "316E643333645F6D79216558614D3931657A5F5F";
    strange["tor_network"]["authorities"]["v3idents"] = vec![unknown_authority].into();
    let alone = &["unshare", "--map-root-user", "--net"][..];
    let troubles = [
        (
            &no_such_program,
            &[][..],
            "pluggable transport not found or not executable: /nowhere/obfs4proxy",
        ),
        (&network, alone, "this machine has no network"),
        (&strange, &[][..], "no usable Tor directory"),
    ];
    let texts = troubles.map(|(tor, wrapper, trouble)| {
        ada.kill();
        ada.configure(tor);
        ada.surround(wrapper, None);
        a_text_waits(&mut ada, &bob, trouble)
    });

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
    let network = shared_network().arti_config();
    let mut hotel = network.clone();
    let caches = hotel["tor_network"]["fallback_caches"].as_array_mut().expect("a list");
    for cache in caches {
        cache["orports"] = vec![address.clone()].into();
    }
    let [mut ada, mut bob] = friends(&network);
    ada.kill();
    ada.configure(&hotel);
    ada.forget_tor();
    let text = a_text_waits(&mut ada, &bob, "the network may be filtering Tor");
    ada.kill();
    ada.configure(&network);
    ada.start();
    arrived(&mut ada, &mut bob, &[&text]);
}

#[test]
fn a_clock_that_is_hours_behind_is_told() {
    with_a_wrong_clock(-5, "clock seems to be wrong: it is at least 4 h");
}

#[test]
fn a_clock_that_is_hours_ahead_is_told() {
    // By how much, arti's own estimate says or the directory's end does, whichever is there first.
    with_a_wrong_clock(5, "clock seems to be wrong: ");
}

/// Tor may well work with such a clock, so it is Bob who is away: what waits for him does not fail over it, and goes once
/// he is back and the clock is right, be that hours earlier. It is Ada who dials: while her clock was ahead she published
/// descriptors of a later time, and directories that keep them accept no earlier one from her.
fn with_a_wrong_clock(hours: i64, trouble: &str) {
    let network = shared_network().arti_config();
    let folder = TempDir::new().expect("a folder");
    let [mut ada, mut bob] = friends(&network);
    ada.kill();
    bob.kill();
    ada.forget_tor();
    let clock = WrongClock {
        offset: hours * 3600,
        last: None,
    };
    ada.surround(&[], Some(clock.library(folder.path())));
    let text = a_text_waits(&mut ada, &bob, trouble);
    ada.kill();
    ada.surround(&[], None);
    bob.start();
    // First, for Ada has tried so often that she may try no more for minutes, if it is in vain once again.
    until("Bob can be reached", || {
        let network = ask(&bob, &["status"]).1["network"].take();
        if network["reachable"] == true {
            Ok(())
        } else {
            Err(network)
        }
    });
    ada.start();
    arrived(&mut ada, &mut bob, &[&text]);
}
