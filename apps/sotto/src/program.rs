//! [`Sotto`]: what the command line asks of the program, answered by the daemon's crate.

use std::path::{Path, PathBuf};

use clap::CommandFactory as _;
use sotto_api::{Error, Finding, Identity};
use sotto_cli::{Context, Program};
use sotto_client::Profile;
use sotto_daemon::{Backup, Config, KeySource, Options};
use zeroize::Zeroizing;

use super::Cli;

/// This program.
#[derive(Clone, Copy, Debug)]
pub struct Sotto;

impl Program for Sotto {
    fn init(&self, context: &Context, name: &str, key: sotto_cli::KeySource) -> Result<Identity, Error> {
        let network = context.global.network.as_deref();
        sotto_daemon::init(&context.profile()?, name, network, &source(context, key))
    }

    fn restore(
        &self,
        context: &Context,
        file: PathBuf,
        part: bool,
        key: sotto_cli::KeySource,
    ) -> Result<Identity, Error> {
        let network = context.global.network.as_deref();
        let backup = Backup { file, part };
        sotto_daemon::restore(&context.profile()?, &backup, network, &source(context, key))
    }

    fn run_daemon(&self, context: &Context, key: sotto_cli::KeySource, log_file: Option<PathBuf>) -> Result<(), Error> {
        let options = Options {
            network: context.global.network.clone(),
            key: source(context, key),
            log_file,
            ..Options::default()
        };
        sotto_daemon::run(&context.profile()?, options)
    }

    fn check_config(&self, file: &Path) -> Result<String, Error> {
        let config = Config::load(file)?;
        sotto_tui::check_config(&config.tui)?;
        Ok(config.network.to_string())
    }

    fn configured_log_file(&self, config: &Path) -> Result<Option<PathBuf>, Error> {
        Ok(Config::load(config)?.log_file)
    }

    fn examine_files(&self, profile: &Profile) -> Vec<Finding> {
        sotto_daemon::examine_files(profile)
    }

    fn key_is_named(&self, context: &Context, key: sotto_cli::KeySource) -> Result<bool, Error> {
        sotto_daemon::key_is_named(&context.profile()?, &source(context, key))
    }

    fn ask(&self, prompt: &str) -> Result<Zeroizing<String>, Error> {
        sotto_daemon::ask(prompt)
    }

    fn command_line(&self) -> clap::Command {
        Cli::command()
    }
}

/// Where the key is, as the daemon takes it.
fn source(context: &Context, key: sotto_cli::KeySource) -> KeySource {
    let sotto_cli::KeySource {
        passphrase_file,
        passphrase_fd,
        key_file,
    } = key;
    KeySource {
        passphrase: None,
        key_file,
        passphrase_file,
        passphrase_fd,
        no_input: !context.output.interactive,
    }
}
