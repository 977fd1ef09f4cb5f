//! The daemon as a process: run it here, start it in the background, stop it, look at it.

mod halt;
mod launch;
mod logs;
mod progress;

use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::json;

use super::args::KeySource;
use super::context::Context;
use super::{Client, Outcome, Stop, presence};
use crate::api::{self, Error, Kind, all};
use crate::daemon::{self, Log};
use crate::profile::Lock;

/// `sotto daemon`
#[derive(Args, Debug)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Daemon {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    run: Run,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run in the foreground until told to stop
    Run(Run),
    /// Start in the background; returns when it answers
    Start(launch::Start),
    /// Ask the daemon to end, and wait until it has
    Stop,
    /// Say whether a daemon runs
    Status,
    /// Show the daemon's log
    Logs(logs::Logs),
}

#[derive(Args, Debug)]
struct Run {
    #[command(flatten)]
    key: KeySource,
    /// Write the log to this file instead of standard error
    #[arg(long, value_name = "FILE")]
    log_file: Option<PathBuf>,
    /// Leave the terminal's session first
    #[arg(long, hide = true)]
    detached: bool,
}

impl Daemon {
    /// Does it.
    pub fn run(self, context: &Context) -> Outcome {
        match self.command {
            None => self.run.run(context),
            Some(Command::Run(run)) => run.run(context),
            Some(Command::Start(start)) => start.run(context),
            Some(Command::Stop) => halt::stop(context),
            Some(Command::Status) => status(context),
            Some(Command::Logs(logs)) => logs.run(context),
        }
    }
}

impl Run {
    fn run(self, context: &Context) -> Outcome {
        if self.detached {
            rustix::process::setsid().map_err(|error| Error::io("a session of its own", &error.into()))?;
        }
        let options = daemon::Options {
            network: context.global.network.clone(),
            key: self.key.resolve(context.output.interactive),
            ..Default::default()
        };
        let log = self.log_file.map_or(Log::Stderr, Log::File);
        Ok(daemon::run(&context.profile()?, options, &log)?)
    }
}

/// Says how the daemon is doing, or that there is none; the latter with the exit code for it.
fn status(context: &Context) -> Outcome {
    let profile = context.profile()?;
    let client = Client::connect(&profile.socket());
    let answer = client.and_then(|mut client| client.call::<all::NodeStatus>(&api::Nothing {}));
    let status = match answer {
        Ok(status) => status,
        Err(error) if error.kind() == Kind::NoDaemon => return none(context, Lock::holder(&profile.lock_file())?),
        Err(error) => return Err(error.into()),
    };
    running(context, &status)
}

/// What is said of a daemon that runs.
fn running(context: &Context, status: &api::Status) -> Outcome {
    let mut object = serde_json::to_value(status).map_err(|error| Error::internal(error.to_string()))?;
    object["running"] = true.into();
    Ok(context.output.either(&object, |_| presence::text(context, status))?)
}

/// Nobody answers. Somebody may hold the lock all the same: a daemon that is coming up, going down, or stuck.
fn none(context: &Context, holder: Option<u32>) -> Outcome {
    let object = json!({ "running": false, "lock_holder": holder });
    context.output.either(&object, |_| match holder {
        Some(process) => format!("process {process} holds the profile, but does not answer\n"),
        None => "no daemon runs\n".to_owned(),
    })?;
    Err(Stop::Exit(Kind::NoDaemon.exit_code()))
}
