//! The command line of the whole program, as clap reads it.

use clap::{Parser, Subcommand};
use sotto_cli::Global;

use super::{conformance, demo};

/// Private peer-to-peer messaging for people and for the agents that work for them.
#[derive(Debug, Parser)]
#[command(name = "sotto", version, max_term_width = 100)]
#[command(after_help = "Try `sotto demo` first. Every command takes --json; `sotto help COMMAND` says more.")]
pub struct Cli {
    /// What every command takes.
    #[command(flatten)]
    pub global: Global,
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
    /// Test an implementation against the clauses of the protocol
    Conformance(conformance::Conformance),
}
