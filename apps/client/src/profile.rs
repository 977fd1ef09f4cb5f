//! [`Profile`]: the folders of one identity, and where the daemon and its clients find each file in them.
//!
//! Without `--data-dir`, the folders are those of the platform (XDG on Linux, Application Support on macOS); with it,
//! all files are in that one folder. Several profiles live side by side under names.

use std::path::{Path, PathBuf};

use directories::ProjectDirs;
use sotto_api::{Error, Kind};

/// Where one identity keeps its files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile {
    config: PathBuf,
    data: PathBuf,
    state: PathBuf,
}

impl Profile {
    /// The profile called `name` (the default one without), under `data_dir` or else in the platform's folders.
    pub fn locate(data_dir: Option<&Path>, name: Option<&str>) -> Result<Self, Error> {
        let name = name.map(checked_name).transpose()?;
        let within = |root: &Path| name.map_or_else(|| root.to_owned(), |name| root.join("profiles").join(name));
        if let Some(root) = data_dir {
            let root = std::path::absolute(root).map_err(|error| Error::io(root.display(), &error))?;
            let folder = within(&root);
            return Ok(Self {
                config: folder.clone(),
                data: folder.clone(),
                state: folder,
            });
        }
        let places = ProjectDirs::from("", "", "sotto").ok_or_else(|| {
            Error::new(Kind::Config, "there is no home folder to keep data in").hint("name a folder with --data-dir")
        })?;
        Ok(Self {
            config: within(places.config_dir()),
            data: within(places.data_dir()),
            state: within(places.state_dir().unwrap_or(places.data_dir())),
        })
    }

    /// The folder of the database, socket and lock.
    pub fn folder(&self) -> &Path {
        &self.data
    }

    /// `config.toml`
    pub fn config_file(&self) -> PathBuf {
        self.config.join("config.toml")
    }

    /// `sotto.db`
    pub fn database(&self) -> PathBuf {
        self.data.join("sotto.db")
    }

    /// `sotto.sock`
    pub fn socket(&self) -> PathBuf {
        self.data.join("sotto.sock")
    }

    /// `sotto.pid`, which carries the lock.
    pub fn lock_file(&self) -> PathBuf {
        self.data.join("sotto.pid")
    }

    /// `tor/`: arti's state and cache, and no key.
    pub fn tor_folder(&self) -> PathBuf {
        self.data.join("tor")
    }

    /// `agents/NAME.token`, where an agent's token is written unless another place is named.
    pub fn token_file(&self, agent: &str) -> PathBuf {
        self.data.join("agents").join(agent).with_extension("token")
    }

    /// `daemon.log`
    pub fn log_file(&self) -> PathBuf {
        self.state.join("daemon.log")
    }

    /// Every folder that it has files in. Without a `--data-dir` they differ.
    pub fn folders(&self) -> [&Path; 3] {
        [&self.data, &self.config, &self.state]
    }

    /// Whether it has an identity.
    pub fn exists(&self) -> bool {
        self.database().exists()
    }

    /// An error if it has no identity.
    pub fn require(&self) -> Result<(), Error> {
        if self.exists() {
            return Ok(());
        }
        let message = format!("there is no identity in {}", self.data.display());
        Err(Error::new(Kind::NotInitialised, message))
    }
}

/// A name becomes a folder, so it must not lead elsewhere.
fn checked_name(name: &str) -> Result<&str, Error> {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if (1..=32).contains(&name.len()) && name.chars().all(plain) {
        return Ok(name);
    }
    Err(Error::new(
        Kind::Usage,
        format!("profile name {name:?} must be 1 to 32 letters, digits, '-' or '_'"),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_dir_moves_everything_and_names_keep_profiles_apart() {
        let plain = Profile::locate(Some(Path::new("/x")), None).expect("a profile");
        let second = Profile::locate(Some(Path::new("/x")), Some("second")).expect("a profile");
        assert_eq!(plain.database(), Path::new("/x/sotto.db"));
        assert_eq!(plain.config_file(), Path::new("/x/config.toml"));
        assert_eq!(plain.log_file(), Path::new("/x/daemon.log"));
        assert_eq!(second.socket(), Path::new("/x/profiles/second/sotto.sock"));
    }

    #[test]
    fn a_profile_name_cannot_lead_out_of_the_folder() {
        for name in ["", "..", "a/b", ".", "a\0", &"x".repeat(33)] {
            let error = Profile::locate(Some(Path::new("/x")), Some(name)).expect_err(name);
            assert_eq!(error.exit_code(), 1, "{name:?}");
        }
    }
}
