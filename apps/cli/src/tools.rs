//! `sotto openrpc`, `completions` and `config`: for other tools.

use clap::{Args, Subcommand};
use clap_complete::Shell;
use sotto_api as api;

use super::context::Context;
use super::output;
use super::stop::Outcome;

/// `sotto openrpc`
pub fn openrpc(context: &Context) -> Outcome {
    let document = api::document();
    if context.output.json {
        return Ok(output::object(&document)?);
    }
    let text = serde_json::to_string_pretty(&document).map_err(|error| api::Error::internal(error.to_string()))?;
    Ok(output::print(&(text + "\n"))?)
}

/// `sotto completions`
#[derive(Args, Debug)]
pub struct Completions {
    /// For which shell
    #[arg(value_enum)]
    shell: Shell,
}

impl Completions {
    /// Prints them.
    pub fn run(self, context: &Context) -> Outcome {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut context.program.command_line(), "sotto", &mut script);
        let script = String::from_utf8(script).map_err(|error| api::Error::internal(error.to_string()))?;
        let object = serde_json::json!({ "shell": self.shell.to_string(), "script": script });
        Ok(context.output.emit(&object, |_| script)?)
    }
}

/// `sotto config`
#[derive(Args, Debug)]
#[command(arg_required_else_help = false)]
pub struct Config {
    #[command(subcommand)]
    command: ConfigCommand,
}

#[derive(Debug, Subcommand)]
enum ConfigCommand {
    /// Read the configuration file and say what is wrong with it
    Check,
}

impl Config {
    /// Runs the command.
    pub fn run(self, context: &Context) -> Outcome {
        let Self {
            command: ConfigCommand::Check,
        } = self;
        let file = context.profile()?.config_file();
        let there = file.exists();
        context.program.check_config(&file)?;
        let found = serde_json::json!({ "ok": true, "file": file, "exists": there });
        Ok(context.output.emit(&found, |_| {
            let verdict = if there {
                "no errors in"
            } else {
                "no file, so the defaults apply:"
            };
            format!("{verdict} {}\n", file.display())
        })?)
    }
}
