//! [`Program`]: what the command line asks of the program that it is a part of. These commands run in the process itself
//! and need a store, a node or Tor; the command line links none of them.

use std::fmt::Debug;
use std::path::{Path, PathBuf};

use sotto_api::{Error, Finding, Identity};
use sotto_client::Profile;
use zeroize::Zeroizing;

use super::context::Context;
use super::options::KeySource;

/// The program around the command line.
pub trait Program: Debug + Sync {
    /// Makes an identity that claims `name`, in the profile and on the network that the options name.
    fn init(&self, context: &Context, name: &str, key: KeySource) -> Result<Identity, Error>;

    /// Makes the profile that the options name that of the backup in `file`, which with `part` may be incomplete.
    fn restore(&self, context: &Context, file: PathBuf, part: bool, key: KeySource) -> Result<Identity, Error>;

    /// Runs the daemon in this process until it is told to stop. Its log goes to standard error, or to a file.
    fn run_daemon(&self, context: &Context, key: KeySource, log_file: Option<PathBuf>) -> Result<(), Error>;

    /// Checks a configuration file; answers with the network that it names.
    fn check_config(&self, file: &Path) -> Result<String, Error>;

    /// Where a configuration file has the log go, if it says so.
    fn configured_log_file(&self, config: &Path) -> Result<Option<PathBuf>, Error>;

    /// What is wrong with the files of a profile, where no daemon can be asked.
    fn examine_files(&self, profile: &Profile) -> Vec<Finding>;

    /// Whether the options, the configuration or the system say where the key of the profile is.
    fn key_is_named(&self, context: &Context, key: KeySource) -> Result<bool, Error>;

    /// Asks for a passphrase on the terminal, without showing it.
    fn ask(&self, prompt: &str) -> Result<Zeroizing<String>, Error>;

    /// The whole command line, of which shells complete the words.
    fn command_line(&self) -> clap::Command;
}
