//! Start and stop of the daemon: who may start it, which files it makes, which it leaves behind.

use std::fs;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use serde_json::json;
use sotto_api::{Error, Kind};
use sotto_client::{Lock, Profile};
use sotto_daemon::KeySource;
use sotto_daemon::{Daemon, Options, init};
use tokio::time::timeout;

use crate::support::{Home, PATIENCE, folder, kinds};

fn everything(folder: &Path) -> Vec<PathBuf> {
    let mut found = vec![folder.to_owned()];
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("readable").path();
        if path.is_dir() {
            found.extend(everything(&path));
        } else {
            found.push(path);
        }
    }
    found
}

async fn start_fails(profile: &Profile, options: Options) -> Error {
    match Daemon::start(profile, options).await {
        Ok(_) => panic!("it started"),
        Err(error) => error,
    }
}

#[tokio::test]
async fn everything_in_the_folder_is_for_the_owner_alone() {
    let network = folder();
    let home = Home::new("Alice", network.path());
    let daemon = home.start().await;
    home.client()
        .await
        .ok("identity.rename", json!({ "name": "Alicia" }))
        .await;
    let found = everything(&home.data());
    for path in &found {
        let metadata = fs::symlink_metadata(path).expect("there");
        let expected = if metadata.is_dir() { 0o700 } else { 0o600 };
        assert_eq!(metadata.mode() & 0o777, expected, "{}", path.display());
    }
    for name in ["config.toml", "sotto.db", "sotto.pid", "sotto.sock"] {
        assert!(found.contains(&home.data().join(name)), "{name}");
    }
    daemon.stop();
    daemon.finished().await.expect("in order");
    assert!(!home.profile.socket().exists(), "the socket goes with the daemon");
    let left: Vec<_> = everything(&home.data())
        .into_iter()
        .filter(|path| path.to_string_lossy().contains("-wal"))
        .collect();
    assert!(left.is_empty(), "the store was not closed in order: {left:?}");
}

#[tokio::test]
async fn one_daemon_a_profile_and_stopping_lets_the_next_one_in() {
    let network = folder();
    let home = Home::new("Alice", network.path());
    let daemon = home.start().await;
    assert_eq!(
        Lock::holder(&home.profile.lock_file()).expect("readable"),
        Some(std::process::id())
    );
    let error = start_fails(&home.profile, Options::default()).await;
    assert_eq!(kinds(&error), (Kind::InUse, 9));
    let mut client = home.client().await;
    client.ok("node.status", json!({})).await;

    assert_eq!(
        client.ok("daemon.stop", json!({})).await,
        json!({}),
        "answered before it ends"
    );
    timeout(PATIENCE, daemon.finished())
        .await
        .expect("it ends")
        .expect("in order");
    assert_eq!(client.line().await, None, "every client is let go");
    assert_eq!(Lock::holder(&home.profile.lock_file()).expect("readable"), None);

    // The files that a crash leaves behind do not stop the next start.
    fs::write(home.profile.lock_file(), "1\n").expect("ours");
    drop(std::os::unix::net::UnixListener::bind(home.profile.socket()).expect("free"));
    assert!(
        fs::symlink_metadata(home.profile.socket())
            .expect("there")
            .file_type()
            .is_socket()
    );
    let daemon = home.start().await;
    let status = home.client().await.ok("node.status", json!({})).await;
    assert_eq!(status["pid"], std::process::id());
    assert_eq!(status["onion"], json!(home.identity.onion));
    assert_eq!(
        (&status["network"]["phase"], &status["network"]["reachable"]),
        (&json!("ready"), &json!(true))
    );
    daemon.stop();
    daemon.finished().await.expect("in order");
}

#[tokio::test]
async fn what_keeps_a_daemon_from_starting_is_said() {
    let network = folder();
    let home = Home::new("Alice", network.path());

    let file = home.profile.config_file();
    let before = fs::read_to_string(&file).expect("a file");
    for (table, why) in [
        ("[tor]\ncolour = 'blue'", "tor: unknown setting tor.colour"),
        ("[tor.bridges]\nbridges = ['nonsense']", "tor.bridges.bridges"),
        (
            "[tor.storage]\nstate_dir = '/tmp'",
            "tor.storage.state_dir is set by Sotto",
        ),
        ("tor = 7", "tor: invalid type"),
    ] {
        fs::write(&file, format!("{before}\n{table}\n")).expect("room");
        let error = start_fails(&home.profile, Options::default()).await;
        assert_eq!(kinds(&error), (Kind::Config, 1));
        assert!(error.message.contains(why), "{table}: {error}");
    }
    fs::write(&file, before).expect("room");

    let pigeon = Options {
        network: Some(String::from("pigeon")),
        ..Options::default()
    };
    assert_eq!(kinds(&start_fails(&home.profile, pigeon).await), (Kind::Usage, 1));

    let other = home.path().join("other");
    fs::write(&other, [7; 32]).expect("room");
    fs::set_permissions(&other, fs::Permissions::from_mode(0o600)).expect("ours");
    let key = KeySource {
        key_file: Some(other.clone()),
        no_input: true,
        ..KeySource::default()
    };
    let error = start_fails(
        &home.profile,
        Options {
            key,
            ..Options::default()
        },
    )
    .await;
    assert_eq!(kinds(&error), (Kind::WrongKey, 9));

    fs::write(&other, "a passphrase\n").expect("room");
    let key = KeySource {
        passphrase_file: Some(other),
        no_input: true,
        ..KeySource::default()
    };
    let error = start_fails(
        &home.profile,
        Options {
            key,
            ..Options::default()
        },
    )
    .await;
    assert_eq!(kinds(&error), (Kind::WrongKey, 9));

    let config = fs::read_to_string(home.profile.config_file()).expect("written by init");
    fs::write(home.profile.config_file(), format!("{config}\nreed_receipts = true\n")).expect("ours");
    let error = start_fails(&home.profile, Options::default()).await;
    assert_eq!(kinds(&error), (Kind::Config, 1));
    assert!(error.message.contains("did you mean \"read_receipts\"?"), "{error}");
    fs::write(home.profile.config_file(), config).expect("ours");

    let nowhere = Profile::locate(Some(&home.path().join("nowhere")), None).expect("a profile");
    assert_eq!(
        kinds(&start_fails(&nowhere, Options::default()).await),
        (Kind::NotInitialised, 1)
    );
    assert!(!home.path().join("nowhere").exists(), "looking makes no folder");

    let deep = Profile::locate(Some(&home.path().join("x".repeat(120))), None).expect("a profile");
    fs::create_dir_all(deep.folder()).expect("room");
    for name in ["sotto.db", "config.toml"] {
        fs::copy(home.data().join(name), deep.folder().join(name)).expect("readable");
    }
    let error = start_fails(&deep, Options::default()).await;
    assert_eq!(error.exit_code(), 3);
    assert!(error.message.contains("too long for a socket"), "{error}");

    let daemon = home.start().await;
    daemon.stop();
    daemon.finished().await.expect("none of that did any harm");
}

#[test]
fn init_makes_a_whole_profile_or_none() {
    let folder = folder();
    let profile = Profile::locate(Some(&folder.path().join("data")), None).expect("a profile");
    let key = KeySource {
        key_file: Some(folder.path().join("key")),
        no_input: true,
        ..KeySource::default()
    };
    let error = init(&profile, &"x".repeat(65), None, &key).expect_err("too long a name");
    assert_eq!(kinds(&error), (Kind::InvalidParams, 1));
    let left: Vec<_> = fs::read_dir(profile.folder())
        .expect("a folder")
        .map(|entry| entry.expect("readable").file_name())
        .collect();
    assert_eq!(left, ["sotto.pid"], "no store, no configuration");

    let error = init(&profile, "Alice", Some("local:"), &key).expect_err("no directory");
    assert_eq!(kinds(&error), (Kind::Usage, 1));
    let error = init(
        &profile,
        "Alice",
        None,
        &KeySource {
            no_input: true,
            ..KeySource::default()
        },
    )
    .expect_err("no key");
    assert_eq!(kinds(&error), (Kind::Locked, 9));

    let identity = init(&profile, "Alice", Some("local:/tmp/n"), &key).expect("now it is right");
    assert!(identity.onion.len() == 62 && identity.friend_code.starts_with("sotto1"));
    assert_eq!((identity.name.as_str(), identity.fingerprint.len()), ("Alice", 64));
    let config = fs::read_to_string(profile.config_file()).expect("written");
    assert!(
        config.contains("network = \"local:/tmp/n\"") && config.contains("key_file = "),
        "{config}"
    );
    let error = init(&profile, "Alice", None, &key).expect_err("there is one");
    assert_eq!(kinds(&error), (Kind::AlreadyInitialised, 1));
}

#[test]
fn a_passphrase_opens_what_it_made() {
    let folder = folder();
    let profile = Profile::locate(Some(&folder.path().join("data")), None).expect("a profile");
    let passphrase = folder.path().join("passphrase");
    fs::write(&passphrase, "correct horse\n").expect("room");
    fs::set_permissions(&passphrase, fs::Permissions::from_mode(0o600)).expect("ours");
    let key = KeySource {
        passphrase_file: Some(passphrase.clone()),
        no_input: true,
        ..KeySource::default()
    };
    let network = format!("local:{}", folder.path().join("network").display());
    init(&profile, "", Some(&network), &key).expect("a new identity");
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        fs::write(&passphrase, "correct horsf\n").expect("room");
        assert_eq!(
            kinds(&start_fails(&profile, Options::default()).await),
            (Kind::WrongKey, 9)
        );
        fs::write(&passphrase, "correct horse\r\nanother line\n").expect("room");
        let daemon = Daemon::start(&profile, Options::default())
            .await
            .expect("remembered where it is");
        daemon.stop();
        daemon.finished().await.expect("in order");
    });
}
