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
use sotto_cli::{Context, Global, Outcome, Stop, output};

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
    /// Open the interface on prepared conversations, with a friend who answers; nothing is left behind
    #[arg(long)]
    pub demo: bool,
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
    let outcome = match cli.command {
        None => interface(&context, cli.demo, cli.screen_reader),
        Some(_) if cli.demo => Err(Stop::usage(
            "--demo takes no command; sotto demo is another one, without the interface",
        )),
        Some(command) => dispatch(&context, command),
    };
    sotto_cli::exit(&context, outcome)
}

/// The interface, where a person is at a terminal or wants it line by line; else help.
fn interface(context: &Context, demo: bool, screen_reader: bool) -> Outcome {
    let is_there = context.output.interactive && !context.output.json && sotto_tui::is_there();
    if is_there && !screen_reader {
        sotto_tui::check_terminal()?;
    }
    match demo {
        true if is_there || screen_reader => tui::demo(context, screen_reader),
        true => Err(Stop::usage("--demo opens the interface, which needs a terminal")),
        false if is_there || screen_reader => tui::run(context, screen_reader),
        false => Ok(output::print(&Cli::command().render_help().to_string())?),
    }
}

fn dispatch(context: &Context, command: Command) -> Outcome {
    match command {
        Command::Demo(demo) => demo.run(context),
        Command::Client(command) => command.run(context),
        Command::Mcp(mcp) => mcp.run(context),
        Command::Conformance(conformance) => conformance.run(context),
    }
}
