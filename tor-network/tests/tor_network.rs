//! The private Tor network starts, several at once; C tor connects to it; and it leaves nothing behind, even when the process that
//! started it is killed.

use std::collections::BTreeSet;
use std::env;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{self, Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, test_kill_process};
use sotto_tor_network::TorNetwork;
use tempfile::TempDir;

/// Killing a dozen processes takes milliseconds, but the machine may be busy.
const TIMEOUT: Duration = Duration::from_secs(10);

#[test]
fn two_at_once_have_nothing_in_common_and_leave_nothing() {
    let other = thread::spawn(|| TorNetwork::start().expect("the second network"));
    let mut networks = [
        TorNetwork::start().expect("the first network"),
        other.join().expect("a thread"),
    ];

    let authorities = networks.each_ref().map(authorities);
    assert_eq!(authorities.each_ref().map(BTreeSet::len), [3, 3]);
    assert!(authorities[0].is_disjoint(&authorities[1]));

    for network in &mut networks {
        let relays = network.relays().len();
        assert_eq!(network.process_ids().len(), 3 + relays);
        let client = network.socks_client().expect("C tor as a client");
        assert!(client.address().ip().is_loopback());
        assert_eq!(network.process_ids().len(), 3 + relays + 1);

        let killed = network.relays()[0].id().expect("a running relay");
        network.kill_relay(0);
        assert!(!runs(killed));
        assert_eq!(network.relays()[0].id(), None);
    }

    let processes = networks.each_ref().map(TorNetwork::process_ids).concat();
    let folders = networks.each_ref().map(|it| it.folder().to_owned());
    assert!(processes.iter().all(|id| runs(*id)));
    assert!(folders.iter().all(|it| it.exists()));
    drop(networks);
    assert!(!processes.iter().any(|id| runs(*id)));
    assert!(!folders.iter().any(|it| it.exists()));
}

#[test]
fn it_ends_when_its_owner_is_killed() {
    let mut owner = owner(env::var("PATH").expect("a PATH"));
    let mut lines = BufReader::new(owner.stdout.take().expect("a pipe")).lines();
    let mut read_line = |what: &str| loop {
        let line = lines.next().expect("another line").expect("a line");
        if let Some((_, rest)) = line.split_once(what) {
            return rest.to_owned();
        }
    };
    let folder = read_line("folder ");
    let processes: Vec<u32> = read_line("processes ")
        .split(' ')
        .map(|id| id.parse().expect("an id"))
        .collect();
    assert!(processes.len() > 5);
    assert!(processes.iter().all(|id| runs(*id)));

    owner.kill().expect("kill the owner");
    owner.wait().expect("the owner's end");
    let start = Instant::now();
    while processes.iter().any(|id| runs(*id)) || Path::new(&folder).exists() {
        assert!(start.elapsed() < TIMEOUT, "still there: {processes:?} or {folder}");
        thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn no_key_is_left_when_its_owner_is_killed_early() {
    let home = TempDir::new().expect("a folder");
    let mut owner = owner_at(home.path());
    let start = Instant::now();
    let folder = loop {
        let mut folders = fs::read_dir(home.path()).expect("a folder");
        let folder = folders.next().map(|it| it.expect("an entry").path());
        // Its first keys are being made.
        if let Some(folder) = folder.filter(|it| it.join("authority1").exists()) {
            break folder;
        }
        assert!(start.elapsed() < TIMEOUT, "it has not begun");
        thread::sleep(Duration::from_millis(1));
    };
    owner.kill().expect("kill the owner");
    owner.wait().expect("the owner's end");
    let start = Instant::now();
    while folder.exists() {
        assert!(start.elapsed() < TIMEOUT, "still there: {}", folder.display());
        thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn without_the_package_it_says_which_is_missing() {
    let output = owner("/nonexistent".to_owned()).wait_with_output().expect("its output");
    let output_text = String::from_utf8_lossy(&output.stdout);
    assert!(!output.status.success());
    assert!(output_text.contains("apt-get install tor"), "{output_text}");
}

#[test]
#[ignore = "the tests above run it in a process of its own"]
fn own_a_network_until_killed() {
    let network = match TorNetwork::start() {
        Ok(network) => network,
        Err(error) => {
            println!("{error}");
            process::exit(1);
        }
    };
    println!("\nfolder {}", network.folder().display());
    println!(
        "processes {}",
        network
            .process_ids()
            .iter()
            .map(u32::to_string)
            .collect::<Vec<_>>()
            .join(" ")
    );
    loop {
        thread::park();
    }
}

/// A process that owns a network, with this `PATH`.
fn owner(path: String) -> Child {
    spawn(own().env("PATH", path))
}

/// A process that owns a network in this folder.
fn owner_at(home: &Path) -> Child {
    spawn(own().env("TMPDIR", home))
}

fn own() -> Command {
    let mut command = Command::new(env::current_exe().expect("this program"));
    command.args(["--exact", "own_a_network_until_killed", "--ignored", "--nocapture"]);
    command
}

fn spawn(command: &mut Command) -> Child {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .expect("this program again")
}

fn authorities(network: &TorNetwork) -> BTreeSet<String> {
    let config = network.arti_config();
    let identities = config["tor_network"]["authorities"]["v3idents"]
        .as_array()
        .expect("a list");
    identities.iter().map(toml::Value::to_string).collect()
}

fn runs(id: u32) -> bool {
    let id = Pid::from_raw(i32::try_from(id).expect("an id")).expect("an id");
    test_kill_process(id).is_ok()
}
