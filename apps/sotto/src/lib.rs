//! The program `sotto`: which surface is meant, and what runs in its own process. Each surface is a crate that knows the
//! daemon's socket only; here they meet the daemon.

mod conformance;
pub mod demo;
mod mcp;
mod program;
pub mod tui;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{CommandFactory as _, Parser, Subcommand};
use sotto_api::Kind;
use sotto_cli::{Context, Global, Outcome, output};

use program::Sotto;

/// Private peer-to-peer messaging for people and for the agents that work for them.
#[derive(Debug, Parser)]
#[command(name = "sotto", version, max_term_width = 100)]
#[command(
    after_help = "Try `sotto demo` first. Every command takes --json; `sotto help COMMAND` says more.\n\
    A flag comes before its environment variable, and that before config.toml."
)]
pub struct Cli {
    /// What every command takes.
    #[command(flatten)]
    pub global: Global,
    /// The interface line by line, for a screen reader
    #[arg(long)]
    pub screen_reader: bool,
    /// What to do.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// Everything that `sotto` does.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run two complete nodes on this machine, and prove what is protected
    Demo(demo::Demo),
    /// The command line, as a client of the daemon.
    #[command(flatten)]
    Client(sotto_cli::Command),
    /// Serve agents: the Model Context Protocol on standard input and output
    Mcp(mcp::Mcp),
    /// Test an implementation against the clauses of the protocol
    Conformance(conformance::Conformance),
}

/// Runs one command line and says how the process ends.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    let cli = match Cli::try_parse_from(&arguments) {
        Ok(cli) => cli,
        Err(error) if error.use_stderr() && sotto_cli::is_hook(&arguments) => {
            return ExitCode::from(Kind::Usage.exit_code());
        }
        Err(error) => return sotto_cli::misread(&error, arguments.iter().any(|argument| argument == "--json")),
    };
    let context = Context::new(cli.global, &Sotto);
    let outcome = dispatch(&context, cli.command, cli.screen_reader);
    sotto_cli::exit(&context, outcome)
}

fn dispatch(context: &Context, command: Option<Command>, screen_reader: bool) -> Outcome {
    match command {
        None if screen_reader => tui::run(context, true),
        None if context.output.interactive && sotto_tui::is_there() => tui::run(context, false),
        None => Ok(output::print(&Cli::command().render_help().to_string())?),
        Some(Command::Demo(demo)) => demo.run(context),
        Some(Command::Client(command)) => command.run(context),
        Some(Command::Mcp(mcp)) => mcp.run(context),
        Some(Command::Conformance(conformance)) => conformance.run(context),
    }
}
