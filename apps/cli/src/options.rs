//! [`Global`], the options that every command takes, and [`KeySource`], where the key of the store comes from.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use std::process;

use clap::Args;
use clap::builder::FalseyValueParser;

/// The options that stand before or after any command.
#[derive(Args, Clone, Debug, Default)]
pub struct Global {
    /// Folder that holds all files of a profile
    #[arg(
        long,
        global = true,
        env = "SOTTO_DATA_DIR",
        value_name = "DIR",
        help_heading = "Everywhere"
    )]
    pub data_dir: Option<PathBuf>,
    /// Name of the profile, if there are several
    #[arg(
        long,
        global = true,
        env = "SOTTO_PROFILE",
        value_name = "NAME",
        help_heading = "Everywhere"
    )]
    pub profile: Option<String>,
    /// `tor`, or `local:DIR` for nodes on this machine only
    #[arg(
        long,
        global = true,
        env = "SOTTO_NETWORK",
        value_name = "NETWORK",
        help_heading = "Everywhere"
    )]
    pub network: Option<String>,
    /// Act as an agent, with the token in this file
    #[arg(
        long,
        global = true,
        env = "SOTTO_TOKEN_FILE",
        value_name = "FILE",
        help_heading = "Everywhere"
    )]
    pub token_file: Option<PathBuf>,
    /// Print JSON: one object, or one a line for streams
    #[arg(long, global = true, help_heading = "Everywhere")]
    pub json: bool,
    /// Never ask for input; fail instead
    #[arg(long, global = true, help_heading = "Everywhere")]
    pub no_input: bool,
    /// Print only data and errors
    #[arg(
        long,
        short,
        global = true,
        env = "SOTTO_QUIET",
        value_parser = FalseyValueParser::new(),
        help_heading = "Everywhere"
    )]
    pub quiet: bool,
}

/// Where the key of the store comes from. The secret itself is never an argument or an environment variable.
#[derive(Args, Clone, Debug, Default)]
#[group(multiple = false)]
pub struct KeySource {
    /// Read the passphrase from this file (its first line)
    #[arg(long, value_name = "FILE")]
    pub passphrase_file: Option<PathBuf>,
    /// Read the passphrase from this open file descriptor
    #[arg(long, value_name = "N")]
    pub passphrase_fd: Option<u32>,
    /// Keep a random key in this file instead of a passphrase
    #[arg(long, value_name = "FILE")]
    pub key_file: Option<PathBuf>,
}

impl Global {
    /// The same profile and network for another run of this program.
    pub fn repeat(&self, command: &mut process::Command) {
        for (flag, value) in [
            ("--data-dir", self.data_dir.as_ref().map(|path| path.as_os_str())),
            ("--profile", self.profile.as_ref().map(OsStr::new)),
            ("--network", self.network.as_ref().map(OsStr::new)),
        ] {
            if let Some(value) = value {
                command.arg(said(flag, value));
            }
        }
    }
}

impl KeySource {
    /// The same source for another run of this program, which inherits the descriptor.
    pub fn repeat(&self, command: &mut process::Command) {
        if let Some(path) = &self.passphrase_file {
            command.arg(said("--passphrase-file", path.as_os_str()));
        }
        if let Some(number) = self.passphrase_fd {
            command.arg("--passphrase-fd").arg(number.to_string());
        }
        if let Some(path) = &self.key_file {
            command.arg(said("--key-file", path.as_os_str()));
        }
    }
}

/// An option and its value in one word: a value that begins with a hyphen would be taken for an option.
fn said(flag: &str, value: &OsStr) -> OsString {
    let mut word = OsString::from(flag);
    word.push("=");
    word.push(value);
    word
}
