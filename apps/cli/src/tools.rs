//! `sotto openrpc`, `completions` and `config`, which other tools read, and `sotto backup`.

use std::path::{self, PathBuf};

use clap::{Args, Subcommand};
use clap_complete::Shell;
use sotto_api::{self as api, Error, all};

use super::context::Context;
use super::output;
use super::stop::{Outcome, Stop};

/// `sotto openrpc`
pub fn openrpc(context: &Context) -> Outcome {
    let document = api::document();
    if context.output.json {
        return Ok(output::object(&document)?);
    }
    let text = serde_json::to_string_pretty(&document).map_err(|error| Error::internal(error.to_string()))?;
    Ok(output::print(&(text + "\n"))?)
}

/// `sotto backup`
///
/// Nothing but this command makes a backup while the daemon runs: a copy of `sotto.db` alone lacks what is still in
/// `sotto.db-wal`.
#[derive(Args, Debug)]
#[command(after_help = "\
The file is encrypted with the same passphrase or key file, which is not in it: keep that as well. What is deleted or
disappears later stays in a backup. To restore it in a new folder:

    sotto --data-dir DIR init --from-backup FILE --key-file KEY

Do not copy sotto.db of a running daemon instead: what was committed last is not in it.")]
pub struct Backup {
    /// The new file; an existing one is not overwritten
    file: PathBuf,
}

impl Backup {
    /// Has the daemon write the copy.
    pub fn run(self, context: &Context) -> Outcome {
        let file = path::absolute(&self.file).map_err(|error| Error::io(self.file.display(), &error))?;
        let file = file.into_os_string().into_string();
        let file = file.map_err(|file| Stop::usage(format!("{} is not UTF-8", file.display())))?;
        let made = context.client()?.call::<all::DaemonBackup>(&api::BackupTo { file })?;
        context.output.emit(&made, |made| {
            format!("{} bytes in {}\n", made.bytes, output::line(&made.file))
        })?;
        context
            .output
            .remark("it opens with the same passphrase or key file: keep that as well. sotto backup --help shows how to restore it");
        Ok(())
    }
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
        let script = String::from_utf8(script).map_err(|error| Error::internal(error.to_string()))?;
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
