//! [`init`]: a new identity. It creates the store, and runs a node without a network once to make the keys.

use std::fs;

use sotto_api::{Error, Identity, Kind};
use sotto_client::{Lock, Profile};
use sotto_core::Command;
use sotto_io_sqlcipher::Store;
use sotto_io_tokio::Offline;

use super::config::{Config, Network, write_template};
use super::key::{KeySource, fresh};
use super::private::create_folder;
use super::{fault, handler, server};

/// The length of an onion address, which names a node's socket in the folder of a local network.
const ONION_BYTES: usize = 62;

/// Makes an identity in the profile, claiming `name` (empty for none). `network`, and where the key is, are remembered in
/// `config.toml`. A failure leaves no half-made profile behind.
pub fn init(profile: &Profile, name: &str, network: Option<&str>, key: &KeySource) -> Result<Identity, Error> {
    if profile.exists() {
        let message = format!("there is already an identity in {}", profile.folder().display());
        return Err(Error::new(Kind::AlreadyInitialised, message));
    }
    let network = network
        .map(str::parse::<Network>)
        .transpose()
        .map_err(|why| Error::new(Kind::Usage, why))?;
    let config = Config::load(&profile.config_file())?;
    // An identity that no daemon could serve is not made.
    server::check_path(&profile.socket())?;
    if let Network::Local(folder) = network.as_ref().unwrap_or(&config.network) {
        server::check_path(&folder.join("x".repeat(ONION_BYTES)))
            .map_err(|error| error.hint("choose a shorter folder for the network: local:DIR"))?;
    }
    let remembered = remembered(network.as_ref(), key)?;
    for folder in profile.folders() {
        create_folder(folder)?;
    }
    let _lock = Lock::acquire(&profile.lock_file())?;
    let key = fresh(key, &config)?;
    let store = Store::create(&profile.database(), &key).map_err(|error| fault::store(&error))?;
    let made = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Error::io("no runtime", &error))?
        .block_on(make(store, name))
        .and_then(|identity| write_template(&profile.config_file(), &remembered).map(|()| identity));
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

async fn make(store: Store, name: &str) -> Result<Identity, Error> {
    let config = sotto_io_tokio::NodeConfig::new(store, Offline);
    let (node, driver) = sotto_io_tokio::start(config)
        .await
        .map_err(|error| fault::driver(&error))?;
    let ask = async |command| {
        node.command(command)
            .await
            .map_err(fault::stopped)?
            .map_err(|why| fault::refusal(&why))
    };
    let named = async {
        ask(Command::SetName(name.to_owned())).await?;
        handler::identity(ask(Command::Identity).await?)
    };
    let identity = named.await;
    node.shutdown().await;
    match driver.await {
        Ok(Ok(())) => identity,
        Ok(Err(error)) => Err(fault::driver(&error)),
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
