//! [`init`]: a new identity. It creates the store, and runs a node without a network once to make the keys. [`restore`]: the
//! identity of a backup, in a new profile.

use std::cell::Cell;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use sotto_api::{Error, Identity, Kind};
use sotto_client::{Lock, Profile};
use sotto_core::Command;
use sotto_io_sqlcipher::{Store, StoreError, StoreKey};
use sotto_io_tokio::Offline;

use super::config::{Config, Network, write_template};
use super::key::{self, KeySource, fresh};
use super::{api_error, handler, server};
use sotto_client::private::{create_file, create_folder};

/// The length of an onion address, which names a node's socket in the folder of a local network.
const ONION_BYTES: usize = 62;

/// Makes an identity in the profile, claiming `name` (empty for none). `network`, and where the key is, are remembered in
/// `config.toml`. A failure leaves no half-made profile behind.
pub fn init(profile: &Profile, name: &str, network: Option<&str>, key: &KeySource) -> Result<Identity, Error> {
    fill(profile, network, key, |config| {
        let key = fresh(key, config)?;
        let store = Store::create(&profile.database(), &key).map_err(|error| api_error::store(&error))?;
        run_once(store, Some(name))
    })
}

/// What a profile is restored from.
#[derive(Clone, Debug)]
pub struct Backup {
    /// The file. It opens with the key that the store had when it was written, and stays as it is.
    pub file: PathBuf,
    /// It may be the file of a running daemon, which lacks what was committed last.
    pub part: bool,
}

/// Makes the profile that of a backup.
pub fn restore(profile: &Profile, backup: &Backup, network: Option<&str>, key: &KeySource) -> Result<Identity, Error> {
    let Backup { file: backup, part } = backup;
    // Nothing else that can be wrong with a file is mended by taking what it holds.
    let is_part = Cell::new(false);
    let by = |database: &Path, key: &StoreKey| {
        let opened = if *part {
            Store::open_part(database, key)
        } else {
            Store::open(database, key)
        };
        is_part.set(matches!(opened, Err(StoreError::Part { .. })));
        opened
    };
    fill(profile, network, key, |config| {
        let failed = |error: io::Error| Error::io(backup.display(), &error);
        let mut from = File::open(backup).map_err(failed)?;
        if !part && has_log(backup) {
            let message = format!(
                "{0} is no backup: {0}-wal beside it holds a part of it",
                backup.display()
            );
            return Err(Error::new(Kind::Store, message)
                .hint("sotto backup FILE makes one, or copy sotto.db once its daemon has been stopped"));
        }
        let mut to =
            create_file(&profile.database()).map_err(|error| Error::io(profile.database().display(), &error))?;
        io::copy(&mut from, &mut to)
            .and_then(|_| to.sync_all())
            .map_err(failed)?;
        drop(to);
        let opened = key::open(key, config, &profile.database(), by)
            .map_err(|error| if is_part.get() { error.hint(PART) } else { error });
        // Of a part too: it may lack what was committed last, but what it has must be as it was written.
        let checked = opened.and_then(|(store, _)| {
            store.check().map_err(|error| api_error::store(&error))?;
            Ok(store)
        });
        run_once(
            checked.map_err(|error| about(error, &profile.database(), backup))?,
            None,
        )
    })
}

/// The error of a copy, as one of the file that was copied: the copy is removed, and the user has not named it.
fn about(mut error: Error, copy: &Path, file: &Path) -> Error {
    let [copy, file] = [copy, file].map(|path| path.display().to_string());
    error.message = error.message.replace(&copy, &file);
    error
}

const PART: &str =
    "sotto backup FILE makes a whole copy. If there is no other file than this one, --part takes what it holds";

/// Has `store` make the store of a profile that has none.
fn fill(
    profile: &Profile,
    network: Option<&str>,
    key: &KeySource,
    store: impl FnOnce(&Config) -> Result<Identity, Error>,
) -> Result<Identity, Error> {
    check_empty(profile)?;
    let network = network
        .map(str::parse::<Network>)
        .transpose()
        .map_err(|why| Error::new(Kind::Usage, why))?;
    let config = Config::load(&profile.config_file())?;
    check_sockets(profile, network.as_ref().unwrap_or(&config.network))?;
    let remembered = remembered(network.as_ref(), key)?;
    for folder in profile.folders() {
        create_folder(folder)?;
    }
    let _lock = Lock::acquire(&profile.lock_file())?;
    // Another process may have filled it since. From here on what is in it is this one's to remove.
    check_empty(profile)?;
    let made =
        store(&config).and_then(|identity| write_template(&profile.config_file(), &remembered).map(|()| identity));
    if made.is_err() {
        for suffix in ["", "-wal", "-shm", "-lock"] {
            let mut file = profile.database().into_os_string();
            file.push(suffix);
            // The error that is reported is the first one.
            let _ = fs::remove_file(file);
        }
    }
    made
}

/// A profile that has an identity, or the remains of one, is not filled.
fn check_empty(profile: &Profile) -> Result<(), Error> {
    if profile.exists() {
        let message = format!("there is already an identity in {}", profile.folder().display());
        return Err(Error::new(Kind::AlreadyInitialised, message));
    }
    if has_log(&profile.database()) {
        let message = format!("{}-wal is left of another store", profile.database().display());
        return Err(Error::new(Kind::Store, message).hint("move it away, or put its sotto.db beside it again"));
    }
    Ok(())
}

/// Whether a database has a log beside it, in which a part of it is.
fn has_log(database: &Path) -> bool {
    let mut log = database.as_os_str().to_owned();
    log.push("-wal");
    fs::metadata(log).is_ok_and(|found| found.len() > 0)
}

/// An identity that no daemon could serve is not made.
fn check_sockets(profile: &Profile, network: &Network) -> Result<(), Error> {
    server::check_path(&profile.socket())?;
    match network {
        Network::Local(folder) => server::check_path(&folder.join("x".repeat(ONION_BYTES)))
            .map_err(|error| error.hint("choose a shorter folder for the network: local:DIR")),
        Network::Tor => Ok(()),
    }
}

/// Runs a node on the store, without a network: it makes the keys of a new store. A new identity gets its name.
fn run_once(store: Store, name: Option<&str>) -> Result<Identity, Error> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Error::io("no runtime", &error))?
        .block_on(make(store, name))
}

async fn make(store: Store, name: Option<&str>) -> Result<Identity, Error> {
    let config = sotto_io_tokio::NodeConfig::new(store, Offline);
    let (node, driver) = sotto_io_tokio::start(config)
        .await
        .map_err(|error| api_error::driver(&error))?;
    let ask = async |command| {
        node.command(command)
            .await
            .map_err(api_error::stopped)?
            .map_err(|why| api_error::refusal(&why))
    };
    let named = async {
        if let Some(name) = name {
            ask(Command::SetName(name.to_owned())).await?;
        }
        handler::identity(ask(Command::Identity).await?)
    };
    let identity = named.await;
    node.shutdown().await;
    match driver.await {
        Ok(Ok(())) => identity,
        Ok(Err(error)) => Err(api_error::driver(&error)),
        Err(error) => Err(Error::internal(format!("the node has crashed: {error}"))),
    }
}

/// The settings to write. Paths are made absolute, because a daemon may be started from any folder.
fn remembered(network: Option<&Network>, key: &KeySource) -> Result<Vec<(&'static str, String)>, Error> {
    let mut settings = Vec::new();
    let mut set = |name, value: String| settings.push((name, toml::Value::String(value).to_string()));
    if let Some(network) = network {
        set("network", network.to_string());
    }
    let files = [("key_file", &key.key_file), ("passphrase_file", &key.passphrase_file)];
    for (name, file) in files {
        // A pipe or descriptor will not be there the next time.
        if let Some(file) = file
            .as_ref()
            .filter(|file| !file.starts_with("/dev") && !file.starts_with("/proc"))
        {
            let absolute = std::path::absolute(file).map_err(|error| Error::io(file.display(), &error))?;
            let path = absolute.to_str().ok_or_else(|| {
                Error::new(
                    Kind::Usage,
                    format!(
                        "{} is not UTF-8, so it cannot be written to config.toml",
                        file.display()
                    ),
                )
            })?;
            set(name, path.to_owned());
        }
    }
    Ok(settings)
}

#[cfg(test)]
mod tests {
    use std::thread;
    use std::time::Duration;

    use super::*;

    /// Of two processes at once, both find the profile empty at first.
    #[test]
    fn what_another_process_made_meanwhile_is_not_removed() {
        let folder = tempfile::tempdir().expect("a folder");
        let profile = Profile::locate(Some(&folder.path().join("data")), None).expect("a profile");
        let key = KeySource {
            key_file: Some(folder.path().join("key")),
            no_input: true,
            ..KeySource::default()
        };
        for made in profile.folders() {
            create_folder(made).expect("a folder");
        }
        let lock = Lock::acquire(&profile.lock_file()).expect("free");
        thread::scope(|scope| {
            let second = scope.spawn(|| init(&profile, "", None, &key));
            // Enough for its first look, and less than it waits for the lock. Without that it would show nothing, and fail nothing.
            thread::sleep(Duration::from_millis(50));
            fs::write(profile.database(), "of the first").expect("written");
            drop(lock);
            let refused = second.join().expect("no panic").expect_err("it is there");
            assert!(
                matches!(refused.kind(), Kind::AlreadyInitialised | Kind::InUse),
                "{refused}"
            );
        });
        assert_eq!(
            fs::read_to_string(profile.database()).expect("still there"),
            "of the first"
        );
    }
}
