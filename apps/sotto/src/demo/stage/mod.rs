//! [`Stage`] of the interface's demo: Ada's profile, with days of conversations in it, and Bob, who answers. All of it is in a temporary
//! folder and in this process, on the network `local`.

mod bob;
mod lines;
mod scenario;
mod world;

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use sotto_api::{Error, Time};
use sotto_client::Profile;
use sotto_client::private::create_file;
use sotto_core::Wall;
use sotto_io_sqlcipher::StoreKey;

use super::sandbox::Sandbox;
use bob::Bob;
use scenario::Who;

/// The folder of the demo, and Bob. Dropping it ends Bob and removes the folder; the daemon of Ada's profile must have ended before.
#[derive(Debug)]
pub struct Stage {
    ada: Profile,
    bob: Profile,
    playing: Mutex<Option<Bob>>,
    sandbox: Sandbox,
}

impl Stage {
    /// Makes the profiles, with what was said until `now`. The same moment makes the same conversations.
    pub fn prepare(now: Time) -> Result<Self, Error> {
        let sandbox = Sandbox::new()?;
        let prepared = fill(&sandbox, now);
        if prepared.is_err() {
            // The error that is reported is the first one.
            let _ = sandbox.clear();
        }
        let (ada, bob) = prepared?;
        Ok(Self {
            ada,
            bob,
            playing: Mutex::new(None),
            sandbox,
        })
    }

    /// Ada's profile. Its configuration names its network and its key file, so a daemon starts without asking.
    pub const fn profile(&self) -> &Profile {
        &self.ada
    }

    /// Starts Bob's daemon, and has him answer what Ada writes.
    pub fn play_bob(&self) -> Result<(), Error> {
        let bob = Bob::start(&self.bob)?;
        *self.playing.lock().unwrap_or_else(PoisonError::into_inner) = Some(bob);
        Ok(())
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        drop(self.playing.lock().unwrap_or_else(PoisonError::into_inner).take());
        // Nothing is left that an error could be reported to.
        let _ = self.sandbox.clear();
    }
}

/// Ada's profile and Bob's, in the sandbox.
fn fill(sandbox: &Sandbox, now: Time) -> Result<(Profile, Profile), Error> {
    let network = sandbox.folder("net")?;
    let mut secret = [0; 48];
    getrandom::fill(&mut secret).map_err(|error| Error::internal(format!("no random numbers: {error}")))?;
    let [key, salt] = [&secret[..32], &secret[32..]];
    let mut profiles = BTreeMap::new();
    let mut databases = BTreeMap::new();
    for who in Who::ALL {
        let profile = Profile::locate(Some(&sandbox.folder(who.folder())?), None)?;
        databases.insert(who.folder(), profile.database());
        profiles.insert(who.folder(), profile);
    }
    let store_key = StoreKey::new(array(key), array(salt));
    scenario::play(Wall(now.millis()), &store_key, |who| databases[who.folder()].as_path())?;
    let mut configured = |who: Who| {
        let profile = profiles.remove(who.folder());
        let profile = profile.ok_or_else(|| Error::internal("a person of the scenario has no profile"))?;
        configure(&profile, &network, key)?;
        Ok::<_, Error>(profile)
    };
    Ok((configured(Who::Ada)?, configured(Who::Bob)?))
}

/// Writes the key file, and the configuration that names it.
fn configure(profile: &Profile, network: &Path, key: &[u8]) -> Result<(), Error> {
    let file: PathBuf = profile.folder().join("key");
    let failed = |error: std::io::Error| Error::io(file.display(), &error);
    create_file(&file)
        .and_then(|mut made| made.write_all(key))
        .map_err(failed)?;
    let text = |path: &Path| toml::Value::String(path.display().to_string()).to_string();
    let network = toml::Value::String(format!("local:{}", network.display())).to_string();
    let settings = [
        ("network", network),
        ("key_file", text(&file)),
        ("typing", String::from("true")),
    ];
    let config = profile.config_file();
    fs::write(&config, sotto_daemon::template(&settings)).map_err(|error| Error::io(config.display(), &error))
}

/// The bytes, of which there are as many.
fn array<const N: usize>(bytes: &[u8]) -> [u8; N] {
    let mut array = [0; N];
    array.copy_from_slice(bytes);
    array
}
