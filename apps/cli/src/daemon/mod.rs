//! `sotto daemon`: run the daemon here, start it in the background, stop it, inspect it.

mod background;
mod halt;
mod launch;
mod logs;
mod progress;
mod report;

use std::path::PathBuf;

use clap::{Args, Subcommand};
use sotto_api::Error;

use super::context::Context;
use super::options::KeySource;
use super::stop::Outcome;

pub use background::Background;

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
    /// Run in the foreground until stopped
    Run(Run),
    /// Start in the background; returns when the daemon answers
    Start(launch::Start),
    /// Stop the daemon and wait until it has ended
    Stop,
    /// Show whether the daemon is running
    Status,
    /// Show the daemon's log
    Logs(logs::Logs),
}

#[derive(Args, Debug)]
struct Run {
    #[command(flatten)]
    key: KeySource,
    /// Write the log to this file instead of standard error; SIGHUP has it opened anew
    #[arg(long, short, env = "SOTTO_LOG_FILE", value_name = "FILE")]
    log_file: Option<PathBuf>,
    /// Leave the terminal's session first
    #[arg(long, hide = true)]
    detached: bool,
}

impl Daemon {
    /// Runs the command.
    pub fn run(self, context: &Context) -> Outcome {
        match self.command {
            None => self.run.run(context),
            Some(Command::Run(run)) => run.run(context),
            Some(Command::Start(start)) => start.run(context),
            Some(Command::Stop) => halt::stop(context),
            Some(Command::Status) => report::status(context),
            Some(Command::Logs(logs)) => logs.run(context),
        }
    }
}

impl Run {
    fn run(self, context: &Context) -> Outcome {
        if self.detached {
            rustix::process::setsid().map_err(|error| Error::io("a session of its own", &error.into()))?;
        }
        Ok(context.program.run_daemon(context, self.key, self.log_file)?)
    }
}
