//! The program `sotto`: which surface is meant, and what runs in its own process. Each surface is a crate that knows the
//! daemon's socket only; here they meet the daemon.

mod args;
mod conformance;
pub mod demo;
mod program;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{CommandFactory as _, Parser as _};
use sotto_cli::{Context, Outcome, output};

use args::Command;
use program::Sotto;

pub use args::Cli;

/// Runs one command line and says how the process ends.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    let cli = match Cli::try_parse_from(&arguments) {
        Ok(cli) => cli,
        Err(error) => return sotto_cli::misread(&error, arguments.iter().any(|argument| argument == "--json")),
    };
    let context = Context::new(cli.global, &Sotto);
    let outcome = dispatch(&context, cli.command);
    sotto_cli::exit(&context, outcome)
}

fn dispatch(context: &Context, command: Option<Command>) -> Outcome {
    match command {
        None => Ok(output::print(&Cli::command().render_help().to_string())?),
        Some(Command::Demo(demo)) => demo.run(context),
        Some(Command::Client(command)) => command.run(context),
        Some(Command::Conformance(conformance)) => conformance.run(context),
    }
}
