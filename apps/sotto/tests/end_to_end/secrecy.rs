//! Neither the disk nor the wire has anything readable, and no other user of the machine is served.

use std::fs::{self, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;

use sotto::demo::Secrets;

use crate::world::{Person, World, path, program, run, string};

const TEXTS: [&str; 3] = [
    "the eagle lands at midnight",
    "bring the violet umbrella",
    "*burn* the second ledger",
];

#[test]
fn no_text_name_or_key_stands_in_any_file_or_on_the_wire() {
    let world = World::new();
    let (mut alice, mut bob) = (world.person("alice of the north"), world.person("bob the unseen one"));
    world.connect(&alice, &bob);
    alice.start();
    bob.start();
    let invite = string(&alice.json(&["identity", "--invite"])["friend_code"]);
    bob.json(&[
        "friends",
        "add",
        &invite,
        "--name",
        "my northern friend",
        "--note",
        "we met at the lighthouse",
    ]);
    bob.until("friendship", |event| {
        matches!(event.body, sotto_api::Body::ContactAdded { .. }).then_some(())
    });
    for text in TEXTS {
        bob.json(&[
            "send",
            "my northern friend",
            text,
            "--thread",
            "operation walnut",
            "--wait",
            "delivered",
        ]);
    }
    assert_eq!(alice.texts(3), TEXTS);
    let id = string(&alice.json(&["history", &bob.onion])["messages"][0]["id"]);
    alice.json(&["search", "violet"]);
    alice.json(&[
        "edit",
        &bob.onion,
        &string(&alice.json(&["send", &bob.onion, "a draft to be changed"])["id"]),
        "changed to this text",
    ]);
    alice.json(&["react", &bob.onion, &id, "🪿🪿"]);
    alice.json(&["read", &bob.onion]);

    let mut secrets = Secrets::default();
    for text in TEXTS {
        secrets.add(text);
    }
    for secret in [
        "a draft to be changed",
        "changed to this text",
        "my northern friend",
        "we met at the lighthouse",
        "operation walnut",
        "🪿🪿",
    ] {
        secrets.add(secret);
    }
    secrets.add(&invite);
    for person in [&alice, &bob] {
        secrets.add(person.name);
        secrets.add(fs::read(&person.key_file).expect("a key"));
        let fingerprint = string(&person.json(&["identity"])["fingerprint"]);
        secrets.add(
            data_encoding::HEXLOWER
                .decode(fingerprint.as_bytes())
                .expect("hexadecimal"),
        );
        secrets.add(fingerprint);
    }

    let heard = world.eavesdropper.heard();
    assert!(
        heard.iter().map(Vec::len).sum::<usize>() > 4096,
        "the eavesdropper sits on the wire"
    );
    assert!(
        heard.iter().all(|recording| secrets.find(recording).is_none()),
        "on the wire"
    );
    for person in [&alice, &bob] {
        clean(&secrets, person);
    }
    for person in [&mut alice, &mut bob] {
        person.kill();
        clean(&secrets, person);
        person.start();
        person.stop();
        clean(&secrets, person);
    }
}

fn clean(secrets: &Secrets, person: &Person) {
    let searched = secrets.search_files(&person.folder).expect("readable");
    assert!(
        searched.files >= 2 && searched.bytes > 50_000,
        "there is a store: {searched:?}"
    );
    assert!(searched.found.is_empty(), "{searched:?}");
    for entry in fs::read_dir(&person.folder).expect("a folder").flatten() {
        // The test's own capture of standard error is not the program's.
        if entry.file_name() != "stderr.log" {
            let mode = entry.metadata().expect("there").permissions().mode();
            assert_eq!(mode & 0o077, 0, "{} is for the owner alone", entry.path().display());
        }
    }
    let folder = fs::metadata(&person.folder).expect("there").permissions().mode();
    assert_eq!(folder & 0o777, 0o700);
}

/// A user that is neither root nor the user of these tests.
const OTHER_USER: u32 = 65534;

#[test]
fn another_user_is_refused_even_where_the_files_let_them_in() {
    if !rustix::process::geteuid().is_root() {
        // Not by `eprintln`, which a test that passes keeps to itself.
        let why = b"NOT TESTED: another user at the daemon's socket. Only root can become another user.\n";
        io::stderr().write_all(why).expect("standard error");
        return;
    }
    let world = World::new();
    let mut alice = world.person("alice");
    alice.start();
    let open = |path: &std::path::Path, mode| fs::set_permissions(path, Permissions::from_mode(mode)).expect("ours");
    for folder in alice.folder.ancestors().take(3) {
        open(folder, 0o755);
    }
    open(&alice.folder.join("sotto.sock"), 0o666);
    let copy = world.path().join("program");
    // By a process of its own: one that another test forks meanwhile would have the file open for writing, which cannot be run then.
    let copied = program("cp").arg(env!("CARGO_BIN_EXE_sotto")).arg(&copy).status();
    assert!(copied.expect("cp runs").success());
    let ask = |user: u32| {
        let mut command = program(&copy);
        command.args(["--json", "--data-dir", path(&alice.folder), "status"]);
        command.uid(user).gid(user);
        run(command, b"")
    };
    let refused = ask(OTHER_USER);
    assert_eq!(
        (refused.status.code(), refused.stdout.as_str()),
        (Some(6), ""),
        "{refused:#?}"
    );
    assert!(
        refused.stderr.contains("this daemon belongs to another user"),
        "{refused:#?}"
    );
    let served = ask(0);
    assert!(served.status.success(), "{served:#?}");
}
