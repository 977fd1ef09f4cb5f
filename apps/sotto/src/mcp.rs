//! `sotto mcp`

use std::env;
use std::io::{self, BufRead as _, Write as _};
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand, ValueEnum};
use sotto_api::{Error, Kind};
use sotto_cli::{Context, Outcome, output};
use sotto_mcp::{ClientProgram, Installation, Options, check_token};

/// `sotto mcp`
#[derive(Args, Debug)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Mcp {
    #[command(subcommand)]
    action: Option<Action>,
    /// Push messages into the session (experimental, Claude Code)
    #[arg(long)]
    channel: bool,
    /// The reader that the tools are, unless a call names one; mcp if left out
    #[arg(long, value_name = "NAME")]
    consumer: Option<String>,
}

/// What else `sotto mcp` does.
#[derive(Debug, Subcommand)]
enum Action {
    /// Write this server into the configuration of a client; the difference is shown first
    Install(Install),
}

/// `sotto mcp install`
#[derive(Args, Debug)]
struct Install {
    /// The client
    #[arg(long)]
    client: Program,
    /// Only show the difference
    #[arg(long)]
    dry_run: bool,
}

/// Clients whose configuration is known.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Program {
    /// Claude Code
    Claude,
    /// Codex
    Codex,
}

impl Mcp {
    /// Serves one client, until the client closes standard input.
    pub fn run(self, context: &Context) -> Outcome {
        if let Some(Action::Install(install)) = self.action {
            return install.run(context);
        }
        let options = Options {
            token_file: context.global.token_file.clone(),
            consumer: self.consumer,
            channel: self.channel,
        };
        Ok(sotto_mcp::serve(context.profile()?, options)?)
    }
}

impl Install {
    fn run(&self, context: &Context) -> Outcome {
        let client = match self.client {
            Program::Claude => ClientProgram::Claude,
            Program::Codex => ClientProgram::Codex,
        };
        if let Some(token_file) = &context.global.token_file {
            check_token(&context.profile()?, token_file)?;
        }
        let home = env::var_os("HOME").map(PathBuf::from);
        let home = home.ok_or_else(|| {
            Error::new(Kind::Config, "HOME is not set, so the client's file is unknown").hint("set HOME")
        })?;
        let program = env::current_exe().map_err(|error| Error::io("this program", &error))?;
        let installation = Installation::of(client, client.file(&home), text(&program)?, &arguments(context)?)?;
        output::print(&installation.difference())?;
        // Before the question: it is a part of what is agreed to.
        if context.global.token_file.is_none() {
            context.output.remark(
                "without a token, what the agent sends waits for: sotto approvals allow. sotto agents add makes a token, --token-file names it",
            );
        }
        if self.dry_run || (context.output.interactive && !agreed()?) {
            context.output.remark("nothing was written");
            return Ok(());
        }
        installation.write()?;
        context.output.remark("written; start the client anew");
        Ok(())
    }
}

/// The arguments by which the client starts this server for the same profile.
fn arguments(context: &Context) -> Result<Vec<String>, Error> {
    let global = &context.global;
    let mut arguments = vec![String::from("mcp")];
    let absolute = |path: &Path| std::path::absolute(path).map_err(|error| Error::io(path.display(), &error));
    for (flag, path) in [("--data-dir", &global.data_dir), ("--token-file", &global.token_file)] {
        if let Some(path) = path {
            arguments.push(format!("{flag}={}", text(&absolute(path)?)?));
        }
    }
    for (flag, name) in [("--profile", &global.profile), ("--network", &global.network)] {
        arguments.extend(name.as_ref().map(|name| format!("{flag}={name}")));
    }
    Ok(arguments)
}

fn text(path: &Path) -> Result<&str, Error> {
    path.to_str().ok_or_else(|| {
        Error::new(
            Kind::Config,
            format!("{} is no text, which the client's file needs", path.display()),
        )
        .hint("use a path that is UTF-8")
    })
}

/// Whether the person at the terminal agrees.
fn agreed() -> io::Result<bool> {
    write!(io::stderr(), "Write it? [y/N] ")?;
    let mut line = String::new();
    io::stdin().lock().read_line(&mut line)?;
    Ok(matches!(line.trim(), "y" | "Y" | "yes"))
}
