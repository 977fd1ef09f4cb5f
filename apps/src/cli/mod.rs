//! The command line: reads the arguments, asks the daemon, prints. It has no rule of its own: what a request means is
//! decided behind the socket, and every surface gets the same answer.

pub mod args;
mod client;
mod conformance;
mod context;
mod conversation;
mod daemon;
pub mod demo;
mod doctor;
mod events;
mod friends;
mod identity;
mod options;
mod outbox;
mod output;
mod presence;
mod reading;
mod stop;
mod tools;

use std::ffi::OsString;
use std::fmt::Write as _;
use std::io::Write as _;
use std::process::ExitCode;

use clap::{CommandFactory, Parser};

use crate::api::{Error, Kind};
use args::{Cli, Command};
pub use client::Client;
use context::Context;
use output::{Output, Tone};
use stop::{Outcome, Stop};

/// Runs one command line and says how the process ends.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    let cli = match Cli::try_parse_from(&arguments) {
        Ok(cli) => cli,
        Err(error) => return misread(&error, arguments.iter().any(|argument| argument == "--json")),
    };
    let context = Context::new(cli.global);
    match dispatch(&context, cli.command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(Stop::Exit(code)) => ExitCode::from(code),
        Err(Stop::Error(error)) => {
            tell(context.output, &error);
            ExitCode::from(error.exit_code())
        }
    }
}

fn dispatch(context: &Context, command: Option<Command>) -> Outcome {
    match command {
        None => Ok(output::print(&Cli::command().render_help().to_string())?),
        Some(Command::Demo(demo)) => demo.run(context),
        Some(Command::Init(init)) => init.run(context),
        Some(Command::Identity(identity)) => identity.run(context),
        Some(Command::Status) => presence::status(context),
        Some(Command::Doctor) => doctor::run(context),
        Some(Command::Daemon(daemon)) => daemon.run(context),
        Some(Command::Friends(friends)) => friends.run(context),
        Some(Command::Send(send)) => send.run(context),
        Some(Command::Edit(edit)) => edit.run(context),
        Some(Command::Delete(delete)) => delete.run(context),
        Some(Command::React(react)) => react.run(context),
        Some(Command::Read(read)) => read.run(context),
        Some(Command::Typing(typing)) => typing.run(context),
        Some(Command::Ephemeral(ephemeral)) => ephemeral.run(context),
        Some(Command::Receive(receive)) => receive.run(context),
        Some(Command::Listen(listen)) => listen.run(context),
        Some(Command::Inbox(inbox)) => inbox.run(context),
        Some(Command::History(history)) => history.run(context),
        Some(Command::Threads(threads)) => threads.run(context),
        Some(Command::Search(search)) => search.run(context),
        Some(Command::Outbox(outbox)) => outbox.run(context),
        Some(Command::Presence(presence)) => presence.run(context),
        Some(Command::Openrpc) => tools::openrpc(context),
        Some(Command::Completions(completions)) => completions.run(context, Cli::command()),
        Some(Command::Config(config)) => config.run(context),
        Some(Command::Conformance(conformance)) => conformance.run(context),
    }
}

/// clap's own exit code for wrong use is 2, which means something else here.
fn misread(error: &clap::Error, json: bool) -> ExitCode {
    if !error.use_stderr() {
        let _ = error.print();
        return ExitCode::SUCCESS;
    }
    if json {
        let said = error.render().to_string();
        let said = said
            .trim_start_matches("error: ")
            .split("\n\nUsage:")
            .next()
            .unwrap_or_default();
        tell_json(&Error::new(
            Kind::Usage,
            said.split_whitespace().collect::<Vec<_>>().join(" "),
        ));
    } else {
        let _ = error.print();
    }
    ExitCode::from(Kind::Usage.exit_code())
}

fn tell(output: Output, error: &Error) {
    if output.json {
        return tell_json(error);
    }
    let mut text = format!(
        "{} {}\n",
        output.talk.tone(Tone::Bad, "error:"),
        output::block(&error.message, 7)
    );
    for candidate in &error.data.candidates {
        let _ = writeln!(text, "       {}", output::line(candidate));
    }
    if !error.data.hint.is_empty() && !output.quiet {
        let _ = writeln!(
            text,
            "{} {}",
            output.talk.tone(Tone::Faint, " hint:"),
            output::block(&error.data.hint, 7)
        );
    }
    // Nothing is left to be done if nobody can hear it.
    let _ = std::io::stderr().lock().write_all(text.as_bytes());
}

/// Errors are talk, so they go to stderr in either form; stdout holds whole data or none.
fn tell_json(error: &Error) {
    let line = serde_json::json!({ "error": error });
    let _ = writeln!(std::io::stderr().lock(), "{line}");
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::api::{METHODS, document};

    /// Which command asks for which method.
    const COMMANDS: &[(&str, &[&str])] = &[
        ("friends.add", &["friends", "add"]),
        ("friends.list", &["friends", "list"]),
        ("friends.requests", &["friends", "requests"]),
        ("friends.accept", &["friends", "accept"]),
        ("friends.reject", &["friends", "reject"]),
        ("friends.remove", &["friends", "remove"]),
        ("friends.rename", &["friends", "rename"]),
        ("friends.block", &["friends", "block"]),
        ("friends.unblock", &["friends", "unblock"]),
        ("friends.verify", &["friends", "verify"]),
        ("messages.send", &["send"]),
        ("messages.edit", &["edit"]),
        ("messages.delete", &["delete"]),
        ("messages.react", &["react"]),
        ("messages.read", &["read"]),
        ("messages.typing", &["typing"]),
        ("messages.history", &["history"]),
        ("messages.inbox", &["inbox"]),
        ("messages.threads", &["threads"]),
        ("messages.search", &["search"]),
        ("messages.receive", &["receive"]),
        ("outbox.list", &["outbox"]),
        ("outbox.cancel", &["outbox", "cancel"]),
        ("outbox.retry", &["outbox", "retry"]),
        ("conversations.timer", &["ephemeral"]),
        ("events.subscribe", &["listen"]),
        ("identity.show", &["identity"]),
        ("identity.invite", &["identity"]),
        ("identity.rename", &["identity"]),
        ("node.status", &["status"]),
        ("node.availability", &["presence"]),
        ("daemon.stop", &["daemon", "stop"]),
        ("rpc.discover", &["openrpc"]),
    ];

    /// Methods that are for programs, or are part of a command that asks for more.
    const OTHERS: &[&str] = &[
        "messages.status",
        "messages.ack",
        "events.list",
        "events.wait",
        "events.ack",
        "node.presence",
    ];

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_method_has_a_command_whose_arguments_are_named_like_its_parameters() {
        let listed: BTreeSet<&str> = COMMANDS
            .iter()
            .map(|(method, _)| *method)
            .chain(OTHERS.iter().copied())
            .collect();
        assert_eq!(
            listed,
            METHODS.iter().map(|method| method.name).collect::<BTreeSet<_>>()
        );
        let document = document().0;
        let methods = document["methods"].as_array().expect("a list");
        for (method, path) in COMMANDS {
            let mut command = &Cli::command();
            for name in *path {
                command = command
                    .find_subcommand(name)
                    .unwrap_or_else(|| panic!("{path:?} is no command"));
            }
            let arguments: BTreeSet<&str> = command
                .get_arguments()
                .map(|argument| argument.get_id().as_str())
                .collect();
            let described = methods.iter().find(|one| one["name"] == *method).expect("listed above");
            for parameter in described["params"].as_array().expect("a list") {
                let name = parameter["name"].as_str().expect("a name");
                assert!(
                    arguments.contains(name),
                    "{path:?} has no {name}, but {method} has: {arguments:?}"
                );
            }
        }
    }
}
