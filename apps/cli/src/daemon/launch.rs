//! `sotto daemon start`: runs this program again in a session of its own. Returns when the daemon answers, or says why it
//! ended.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use sotto_api::{self as api, Error, Kind, all};
use sotto_client::Profile;
use sotto_client::blocking::Client;
use zeroize::Zeroizing;

use super::background::{Background, PATIENCE};
use super::{progress, report};
use crate::context::Context;
use crate::options::KeySource;
use crate::stop::{Outcome, Stop};

/// `sotto daemon start`
#[derive(Args, Debug)]
pub struct Start {
    #[command(flatten)]
    key: KeySource,
    /// Write the log to this file instead of the profile's own
    #[arg(long, short, env = "SOTTO_LOG_FILE", value_name = "FILE")]
    log_file: Option<PathBuf>,
    /// Run in the foreground until stopped, as `sotto daemon run` does
    #[arg(long, short, conflicts_with = "wait")]
    foreground: bool,
    /// For scripts that poll; messages arrive by themselves, and this changes nothing
    #[arg(long, short, value_name = "SECONDS")]
    interval: Option<f64>,
    /// Return once peers can reach you, or after so many seconds with exit code 8 [default: 120]
    #[arg(long, value_name = "SECONDS", num_args = 0..=1, default_missing_value = "120")]
    wait: Option<u64>,
}

impl Start {
    /// Starts it, unless it runs already.
    pub fn run(self, context: &Context) -> Outcome {
        if self.foreground {
            return Ok(context.program.run_daemon(context, self.key, self.log_file)?);
        }
        let profile = context.profile()?;
        if let Ok(mut client) = Client::connect(&profile.socket()) {
            context
                .identify(&mut client)
                .and_then(|()| client.call::<all::NodeStatus>(&api::Nothing {}))
                .map_err(profile_held)?;
            context.output.remark("the daemon is already running");
            return self.tell(context, client);
        }
        profile.require()?;
        let mut client = match self.launch(context, &profile, None) {
            // The daemon has no passphrase and no terminal to ask on. This process may have a terminal. Where a file is named
            // that does not open the store, a passphrase does not either.
            Err(error)
                if error.kind() == Kind::Locked
                    && context.output.interactive
                    && !context.program.key_is_named(context, self.key.clone())? =>
            {
                let passphrase = context.program.ask("Passphrase: ")?;
                self.launch(context, &profile, Some(&passphrase))?
            }
            launched => launched?,
        };
        context.identify(&mut client)?;
        context
            .output
            .remark("the daemon is running; sotto daemon stop ends it");
        self.tell(context, client)
    }

    /// Shows a person how the network comes up. Waits for it only with `--wait`.
    fn tell(&self, context: &Context, mut client: Client) -> Outcome {
        let reached = match self.wait {
            Some(seconds) => progress::follow(context, &mut client, Duration::from_secs(seconds))?,
            None if context.output.interactive => {
                progress::follow(context, &mut client, PATIENCE)? || {
                    context
                        .output
                        .remark("this continues in the background; sotto status shows the progress");
                    true
                }
            }
            None => true,
        };
        let status = client.call::<all::NodeStatus>(&api::Nothing {})?;
        report::running(context, &status)?;
        if reached {
            return Ok(());
        }
        Err(Stop::Exit(Kind::WaitEnded.exit_code()))
    }

    fn launch(
        &self,
        context: &Context,
        profile: &Profile,
        passphrase: Option<&Zeroizing<String>>,
    ) -> Result<Client, Error> {
        let program = std::env::current_exe().map_err(|error| Error::io("this program", &error))?;
        let background = Background {
            program,
            profile: profile.clone(),
            global: context.global.clone(),
            key: self.key.clone(),
            log_file: log_file(context, profile, self.log_file.clone())?,
        };
        background.start(passphrase)
    }
}

/// Where the log of a daemon goes that runs in the background: as given, or as configured, or where the profile has it.
pub fn log_file(context: &Context, profile: &Profile, given: Option<PathBuf>) -> Result<PathBuf, Error> {
    if let Some(given) = given {
        return Ok(given);
    }
    let configured = context.program.configured_log_file(&profile.config_file())?;
    Ok(configured.unwrap_or_else(|| profile.log_file()))
}

/// A daemon that does not answer holds the profile. No second one can start beside it.
fn profile_held(error: Error) -> Error {
    if error.kind() == Kind::NoDaemon {
        return Error::new(Kind::InUse, error.message).hint("sotto daemon stop ends it");
    }
    error
}
