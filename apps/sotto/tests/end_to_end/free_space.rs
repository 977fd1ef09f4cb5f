//! A friend cannot fill the disk: what it sends beyond the quota, or into the reserve of free space, stays with it until there is
//! room, and the daemon goes on.

use std::fs::{self, File};
use std::io::{ErrorKind, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread::{sleep, spawn};
use std::time::{Duration, Instant};

use rustix::fs::statvfs;
use sotto_api::{self as api, Body, Pause, Presence, all};
use sotto_client::blocking::Client;

use crate::world::{PATIENCE, Person, World, path, program, string, until};

/// Sends texts of 30 KB that no compression makes small.
fn flood(from: &Person, to: &str, count: usize) {
    let mut client = from.client();
    for number in 0..count {
        let params = api::Send {
            conversation: to.to_owned(),
            text: format!("{number:08}").repeat(3750),
            ..api::Send::default()
        };
        client.call::<all::Send>(&params).expect("queued");
    }
}

fn pause(of: &mut Person, what: Option<Pause>) {
    of.until("the pause", |event| match &event.body {
        Body::ContactPaused { pause, .. } if *pause == what => Some(()),
        _ => None,
    });
}

fn waiting(of: &Person) -> u64 {
    of.call::<all::NodeStatus>(&api::Nothing {}).queued
}

fn until_delivered(from: &Person) {
    until("what was paused arrives", || (waiting(from) == 0).then_some(()));
}

#[test]
fn a_friend_is_paused_at_its_quota_and_in_the_reserve_and_goes_on_when_there_is_room() {
    let world = World::new();
    let (mut alice, bob) = world.friends();
    alice.stop();
    alice.configure("contact_quota_mib = 1");
    alice.start();
    flood(&bob, "alice", 60);
    pause(&mut alice, Some(Pause::Quota));
    let shown = alice.json(&["friends", "list"]);
    assert_eq!(shown["friends"][0]["pause"], "quota");
    let stored = shown["friends"][0]["stored_bytes"].as_u64().expect("a number");
    assert!((1 << 20..(1 << 20) + 40_000).contains(&stored), "{stored}");
    let status = alice.json(&["status"]);
    assert_eq!(status["storage"]["paused_contacts"], 1);
    assert_eq!(status["storage"]["contact_quota_bytes"], 1 << 20);
    assert!(
        status["storage"]["free_bytes"].as_u64().is_some_and(|free| free > 0),
        "{status}"
    );
    assert!(alice.run(&["friends", "list"]).stdout.contains("quota is full"));
    let told = alice.run(&["doctor"]);
    assert!(told.stdout.contains("sotto delete CONTACT --all"), "{told:#?}");
    // A claimed name is shown as one.
    alice.json(&["friends", "rename", "bob", ""]);
    let told = alice.run(&["doctor"]);
    let claimed = format!("nothing that ~bob ({}) sends is taken", &bob.onion[..8]);
    assert!(told.stdout.contains(&claimed), "{told:#?}");
    alice.json(&["friends", "rename", &bob.onion, "bob"]);
    assert!(waiting(&bob) > 0);
    // The other way, everything goes on.
    alice.json(&["send", "bob", "you may wait", "--wait", "delivered"]);
    while waiting(&bob) > 0 {
        alice.json(&["delete", "bob", "--all"]);
        alice.json(&["status"]);
    }

    // The whole disk is a reserve.
    alice.stop();
    alice.configure("reserve_mib = 1000000");
    alice.start();
    flood(&bob, "alice", 1);
    pause(&mut alice, Some(Pause::Reserve));
    assert!(alice.run(&["doctor"]).stdout.contains("reserve_mib"));
    assert_eq!(waiting(&bob), 1);
    alice.json(&["send", "bob", "you may wait", "--wait", "delivered"]);
    alice.stop();
    let config = alice.folder.join("config.toml");
    let text = fs::read_to_string(&config)
        .expect("a configuration")
        .replace("reserve_mib = 1000000", "");
    fs::write(&config, text).expect("written");
    alice.start();
    until_delivered(&bob);
}

/// Free bytes of the file system.
fn free(folder: &Path) -> u64 {
    let disk = statvfs(folder).expect("a file system");
    disk.f_bavail * disk.f_frsize
}

/// The command, in namespaces in which any user may mount, with a file system of 48 MiB in place of the person's folder, and the folder's files on it.
fn on_a_small_disk(person: &Person, command: &Command) -> Command {
    let script = r#"cp -a "$0" "$0.copy" && mount -t tmpfs -o size=48m,mode=700 none "$0" && cp -a "$0.copy/." "$0" && exec "$@""#;
    let mut small = program("unshare");
    small.args(["-rm", "sh", "-c", script]).arg(&person.folder);
    small.arg(command.get_program()).args(command.get_args());
    small.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    small
}

#[test]
fn a_friend_cannot_fill_a_small_disk() {
    let world = World::new();
    let (mut alice, bob) = world.friends();
    alice.stop();
    alice.configure("reserve_mib = 24");
    let command = on_a_small_disk(&alice, &alice.daemon_run());
    alice.start_within(command);
    flood(&bob, "alice", 1000);
    pause(&mut alice, Some(Pause::Reserve));
    assert!(waiting(&bob) > 100, "not everything found room");
    let left = free(&alice.folder);
    assert!(left > 12 << 20, "{left} bytes are free");
    let began = Instant::now();
    while began.elapsed() < Duration::from_secs(6) {
        assert!(free(&alice.folder) > 12 << 20, "and it stays so");
        alice.json(&["status"]);
    }
    // The node is up, and what it sends itself goes on.
    alice.json(&["send", "bob", "you may wait", "--wait", "delivered"]);
    a_full_disk(&alice);
    // The node has begun anew, and keeps the reserve as before.
    flood(&bob, "alice", 200);
    let began = Instant::now();
    while alice.json(&["friends", "list"])["friends"][0]["pause"] != "reserve" {
        assert!(began.elapsed() < PATIENCE, "it is told the free space");
    }
    let left = free(&alice.folder);
    assert!(left > 12 << 20, "{left} bytes are free");
    // What is deleted leaves room in the store, and the rest comes.
    let mut deleted = 0;
    let mut left = waiting(&bob);
    let mut since = Instant::now();
    while left > 0 {
        // For each part of it, since all of it is a thousand messages.
        assert!(since.elapsed() < PATIENCE, "the rest comes");
        deleted += alice.json(&["delete", "bob", "--all"])["messages"]
            .as_u64()
            .expect("a number");
        sleep(Duration::from_millis(200));
        let now = waiting(&bob);
        if now < left {
            (left, since) = (now, Instant::now());
        }
    }
    deleted += alice.json(&["delete", "bob", "--all"])["messages"]
        .as_u64()
        .expect("a number");
    assert!(deleted > 1200, "{deleted}");
    alice.stop();
}

/// Fills the disk up, and makes room again. Meanwhile the node is opened several times, and ends with each message that it cannot
/// store.
fn a_full_disk(alice: &Person) {
    let began = Instant::now();
    let path = alice.folder.join("filler");
    let mut filler = File::create(&path).expect("a file");
    let text = "x".repeat(30_000);
    let mut told = false;
    // Longer than between two looks at the free space, so that one of them finds no node.
    while began.elapsed() < Duration::from_millis(5500) || !told {
        assert!(began.elapsed() < PATIENCE, "the disk is full");
        let full = filler.write_all(&vec![0; 48 << 20]).expect_err("it is smaller");
        assert_eq!(full.kind(), ErrorKind::StorageFull);
        told |= alice
            .run(&["send", "bob", &text])
            .stderr
            .contains("no room left on the disk");
    }
    fs::remove_file(&path).expect("ours");
    drop(filler);
    while !alice.run(&["send", "bob", "again"]).status.success() {
        assert!(began.elapsed() < PATIENCE, "there is room again");
    }
}

/// Refuses, while the file in `QUOTA` is there, what a file system refuses to a user beyond the disk quota: SQLite's writes are
/// `pwrite64`, the others `write`.
const QUOTA: &str = r#"
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static int refuses(int file) {
    struct stat about;
    const char *flag = getenv("QUOTA");
    return flag && access(flag, F_OK) == 0 && fstat(file, &about) == 0 && S_ISREG(about.st_mode);
}

ssize_t write(int file, const void *bytes, size_t count) {
    static ssize_t (*next)(int, const void *, size_t);
    if (refuses(file)) { errno = EDQUOT; return -1; }
    if (!next) next = dlsym(RTLD_NEXT, "write");
    return next(file, bytes, count);
}

ssize_t pwrite64(int file, const void *bytes, size_t count, off64_t at) {
    static ssize_t (*next)(int, const void *, size_t, off64_t);
    if (refuses(file)) { errno = EDQUOT; return -1; }
    if (!next) next = dlsym(RTLD_NEXT, "pwrite64");
    return next(file, bytes, count, at);
}
"#;

#[test]
fn a_disk_quota_that_is_exceeded_is_told_as_the_reason() {
    let world = World::new();
    let (mut alice, mut bob) = world.friends();
    alice.stop();
    let [source, library, flag] = ["quota.c", "quota.so", "exceeded"].map(|name| world.path().join(name));
    fs::write(&source, QUOTA).expect("written");
    let compiled = Command::new("cc")
        .args(["-shared", "-fPIC", "-o"])
        .args([&library, &source])
        .status();
    assert!(compiled.expect("a C compiler").success());
    let mut command = alice.daemon_run();
    command.env("LD_PRELOAD", &library).env("QUOTA", &flag);
    alice.start_as(command);
    alice.json(&["send", "bob", "before", "--wait", "delivered"]);
    let presence = presence_of(&alice);

    fs::write(&flag, "").expect("written");
    let ran = alice.run(&["send", "bob", "beyond the quota"]);
    assert!(ran.stderr.contains("disk quota is exceeded"), "{ran:#?}");
    bob.kill();
    let copy = world.path().join("copy.db");
    let (_, error) = alice.error(&["backup", path(&copy)]);
    assert!(string(&error["message"]).contains("disk quota is exceeded"), "{error}");
    assert!(!copy.exists());
    fs::remove_file(&flag).expect("ours");
    let began = Instant::now();
    while !alice.run(&["send", "bob", "again"]).status.success() {
        assert!(began.elapsed() < PATIENCE, "there is room again");
    }
    // He went while there was no node to see it.
    while presence.recv_timeout(PATIENCE).expect("a notice") == Presence::Online {}
    alice.stop();
}

/// What a subscriber is told of the presence of contacts from now on.
fn presence_of(person: &Person) -> Receiver<Presence> {
    let socket = person.folder.join("sotto.sock");
    let (sender, receiver) = channel();
    let (subscribed, begin) = channel();
    spawn(move || {
        let mut client = Client::connect(&socket).expect("a daemon");
        let subscribe = api::Subscribe {
            presence: true,
            ..api::Subscribe::default()
        };
        client.call::<all::EventsSubscribe>(&subscribe).expect("subscribed");
        subscribed.send(()).expect("waited for");
        while let Ok(event) = client.event() {
            if let Body::Presence { presence, .. } = event.body
                && sender.send(presence).is_err()
            {
                return;
            }
        }
    });
    begin.recv_timeout(PATIENCE).expect("a subscription");
    receiver
}
