//! [`Sandbox`] of the demo: a temporary folder and the programs that run in it. Clearing it ends and removes them all,
//! whatever state they are in; that happens at the end, on failure, and when the demo is interrupted. What a demo that was
//! killed has left, the next one removes: its lock is free then.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde::de::DeserializeOwned;
use sotto_api::{Error, Kind};
use sotto_cli::reported_error;
use sotto_client::blocking::Client;
use sotto_tor_network::TorNetwork;
use tempfile::TempDir;
use toml::Table;

/// Between two looks at a program that is on its network.
const PAUSE: Duration = Duration::from_millis(5);

/// The folder and the programs. Clones are the same sandbox.
#[derive(Clone, Debug)]
pub struct Sandbox(Arc<Mutex<Option<Contents>>>);

#[derive(Debug)]
struct Contents {
    folder: TempDir,
    /// Held by this process and by each that runs in the folder, so that no other demo takes the folder for left behind.
    lock: File,
    daemons: Vec<Child>,
    tor: Option<TorNetwork>,
}

impl Sandbox {
    /// An empty one. Only we can look into its folder.
    pub fn new() -> Result<Self, Error> {
        // Paths of Unix sockets are short (103 bytes on macOS), an onion address is long, temporary folders may be too.
        const LONGEST: usize = 12;
        let parent = std::env::temp_dir();
        let parent = if parent.as_os_str().len() > LONGEST {
            PathBuf::from("/tmp")
        } else {
            parent
        };
        Self::within(&parent).map_err(|error| Error::io(parent.display(), &error))
    }

    fn within(parent: &Path) -> io::Result<Self> {
        let folder = tempfile::Builder::new().prefix(PREFIX).tempdir_in(parent)?;
        let lock = locked(folder.path())?;
        remove_leftovers(parent, fs::metadata(folder.path())?.uid());
        Ok(Self(Arc::new(Mutex::new(Some(Contents {
            folder,
            lock,
            daemons: Vec::new(),
            tor: None,
        })))))
    }

    /// A folder in it, made if it is not there.
    pub fn folder(&self, name: &str) -> Result<PathBuf, Error> {
        self.with(|set| {
            let path = set.folder.path().join(name);
            fs::create_dir_all(&path).map_err(|error| Error::io(path.display(), &error))?;
            Ok(path)
        })
    }

    /// Starts a Tor network, which runs until the sandbox is cleared: how many are in it, and how clients find it.
    pub fn tor_network(&self) -> Result<(usize, Table), Error> {
        let network = TorNetwork::start().map_err(|error| Error::new(Kind::Network, error.to_string()))?;
        let known = (network.process_ids().len(), network.arti_config());
        self.with(|set| {
            set.tor = Some(network);
            Ok(known)
        })
    }

    /// Runs `sotto --json …` until the sandbox is cleared, and waits until it answers at `socket`.
    pub fn daemon(&self, arguments: &[&str], log: &Path, socket: &Path) -> Result<Client, Error> {
        const PATIENCE: Duration = Duration::from_secs(10);
        let since = Instant::now();
        let stderr = File::create(log).map_err(|error| Error::io(log.display(), &error))?;
        let mut command = program(arguments)?;
        command.stdout(Stdio::null()).stderr(stderr);
        let failed = |error| Error::io("sotto daemon", &error);
        let place = self.with(|set| {
            // An empty file, which the daemon holds open for as long as it lives.
            command.stdin(set.lock.try_clone().map_err(failed)?);
            set.daemons.push(command.spawn().map_err(failed)?);
            Ok(set.daemons.len() - 1)
        })?;
        loop {
            if let Ok(client) = Client::connect(socket) {
                return Ok(client);
            }
            let ended = self.with(|set| {
                set.daemons[place]
                    .try_wait()
                    .map_err(|error| Error::io("sotto daemon", &error))
            })?;
            if ended.is_some() || since.elapsed() > PATIENCE {
                return Err(reported_error(&fs::read(log).unwrap_or_default()));
            }
            std::thread::sleep(PAUSE);
        }
    }

    /// Waits until every program has ended by itself. The sandbox can be cleared meanwhile.
    pub fn settle(&self) -> Result<(), Error> {
        let failed = |error| Error::io("sotto daemon", &error);
        while self.with(|set| {
            let mut running = false;
            for daemon in &mut set.daemons {
                running |= daemon.try_wait().map_err(failed)?.is_none();
            }
            Ok(running)
        })? {
            std::thread::sleep(PAUSE);
        }
        Ok(())
    }

    /// Ends what runs and removes the folder. Says where something is left, if anything is.
    pub fn clear(&self) -> Result<(), Error> {
        let Some(Contents {
            folder,
            lock,
            daemons,
            tor,
        }) = self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
        else {
            return Ok(());
        };
        for mut daemon in daemons {
            // One that has ended by itself cannot be killed; waiting for it is all that is left.
            let _ = daemon.kill();
            let _ = daemon.wait();
        }
        drop(tor);
        let path = folder.path().to_path_buf();
        let closed = folder.close().map_err(|error| Error::io(path.display(), &error));
        drop(lock);
        closed
    }

    fn with<T>(&self, work: impl FnOnce(&mut Contents) -> Result<T, Error>) -> Result<T, Error> {
        let mut set = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        work(
            set.as_mut()
                .ok_or_else(|| Error::internal("the demo was interrupted"))?,
        )
    }
}

/// How the name of each folder begins.
const PREFIX: &str = "sotto-demo-";

/// The file whose lock says that the folder is in use.
const LOCK: &str = "lock";

/// The lock of a new folder. Nothing has that name before it is locked.
fn locked(folder: &Path) -> io::Result<File> {
    let unnamed = folder.join("new-lock");
    let lock = File::create_new(&unnamed)?;
    lock.lock()?;
    fs::rename(unnamed, folder.join(LOCK))?;
    Ok(lock)
}

/// Removes what demos of a user that were killed have left. A folder without a lock may be one that begins just now.
fn remove_leftovers(parent: &Path, user: u32) {
    for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
        // Of the entry itself: a link leads to what is no demo's.
        let is_ours = entry
            .metadata()
            .is_ok_and(|found| found.is_dir() && found.uid() == user);
        if !is_ours || !entry.file_name().to_string_lossy().starts_with(PREFIX) {
            continue;
        }
        let folder = entry.path();
        if File::open(folder.join(LOCK)).is_ok_and(|lock| lock.try_lock().is_ok()) {
            // What cannot be removed is in the way of nothing.
            let _ = fs::remove_dir_all(folder);
        }
    }
}

/// Runs `sotto --json …` to its end and reads what it prints.
pub fn sotto<T: DeserializeOwned>(arguments: &[&str]) -> Result<T, Error> {
    let output = program(arguments)?
        .stdin(Stdio::null())
        .output()
        .map_err(|error| Error::io("sotto", &error))?;
    if !output.status.success() {
        return Err(reported_error(&output.stderr));
    }
    serde_json::from_slice(&output.stdout).map_err(|error| Error::internal(format!("sotto {arguments:?}: {error}")))
}

/// This very program, untouched by the settings of the person's own profile.
fn program(arguments: &[&str]) -> Result<Command, Error> {
    let path = std::env::current_exe().map_err(|error| Error::io("this program", &error))?;
    let mut command = Command::new(path);
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.as_encoded_bytes().starts_with(b"SOTTO_")) {
        command.env_remove(name);
    }
    command.arg("--json").args(arguments);
    Ok(command)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_killed_demo_left_is_removed_and_what_is_in_use_is_not() {
        let parent = tempfile::tempdir().expect("a folder");
        let make = |name: &str, files: &[&str]| {
            let folder = parent.path().join(name);
            fs::create_dir(&folder).expect("made");
            for file in files {
                fs::write(folder.join(file), b"").expect("written");
            }
            folder
        };
        let user = fs::metadata(parent.path()).expect("made").uid();
        let first = Sandbox::within(parent.path()).expect("made");
        let dead = make("sotto-demo-dead", &[LOCK, "sotto.db"]);
        let begins = make("sotto-demo-begins", &[]);
        let foreign = make("another", &[LOCK]);
        std::os::unix::fs::symlink(&foreign, parent.path().join("sotto-demo-link")).expect("made");
        let of_first = first.folder("ada").expect("made");
        let second = Sandbox::within(parent.path()).expect("made");
        assert!(!dead.exists());
        for kept in [&of_first, &begins, &foreign.join(LOCK)] {
            assert!(kept.exists(), "{}", kept.display());
        }
        // A program that runs in it holds it too.
        let held = second.with(|set| set.lock.try_clone().map_err(|error| Error::io("lock", &error)));
        let of_second = second.folder("bob").expect("made");
        let Some(Contents { folder, lock, .. }) = second.0.lock().expect("no panic").take() else {
            panic!("it is not cleared");
        };
        let _ = folder.keep();
        drop(lock);
        remove_leftovers(parent.path(), user);
        assert!(of_second.exists());
        drop(held);
        remove_leftovers(parent.path(), user);
        assert!(!of_second.exists());
        first.clear().expect("removed");
    }
}
