//! The command line: reads the arguments, asks the daemon, prints. It has no rule of its own: what a request means is
//! decided behind the socket, and every surface gets the same answer. What has to run in the process itself, the program
//! supplies as [`Program`].

mod agents;
mod approvals;
mod audit;
mod context;
mod conversation;
mod daemon;
mod doctor;
mod duration;
mod events;
mod friends;
mod identity;
mod notifications;
mod options;
mod outbox;
pub mod output;
mod presence;
mod program;
mod reading;
mod stop;
mod tools;
mod wait;

use std::ffi::OsString;
use std::fmt::Write as _;
use std::io::{self, IsTerminal as _, Write as _};
use std::process::ExitCode;

use clap::Subcommand;
use sotto_api::{Error, Kind};

use output::{Output, Tone};

pub use context::Context;
pub use daemon::Background;
pub use options::{Global, KeySource};
pub use program::Program;
pub use stop::{Outcome, Stop, reported_error};

/// The commands of the command line.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make a new identity
    Init(identity::Init),
    /// Show address, friend code and fingerprint
    Identity(identity::Identity),
    /// Show the state of the daemon and its network
    Status,
    /// Check everything and say what is wrong
    Doctor,
    /// Copy identity, contacts and messages into one file
    Backup(tools::Backup),
    /// Run, start, stop or inspect the daemon
    Daemon(daemon::Daemon),
    /// Contacts, requests and safety numbers
    Friends(friends::Friends),
    /// Send a text
    Send(conversation::Send),
    /// Replace the text of a message that you sent
    Edit(conversation::Edit),
    /// Delete your message for everyone, another's here, or a whole conversation here
    Delete(conversation::Delete),
    /// React to a message
    React(conversation::React),
    /// Mark messages as read
    Read(conversation::Read),
    /// Tell a contact that you are typing, or no longer
    Typing(conversation::Typing),
    /// Set the timer of a conversation, or of all; 0 turns it off
    Ephemeral(conversation::Ephemeral),
    /// Show what arrived since the last time
    #[command(visible_alias = "recv")]
    Receive(events::Receive),
    /// Follow the event log
    #[command(visible_alias = "watch")]
    Listen(events::Listen),
    /// Wake an idle agent when messages wait
    Wait(wait::Wait),
    /// Show the newest messages of all conversations
    Inbox(reading::Inbox),
    /// Show the messages of a conversation
    History(reading::History),
    /// List conversations and their threads, newest first
    Threads(reading::Threads),
    /// Find messages by their words
    Search(reading::Search),
    /// Show what has not been delivered, and why
    Outbox(outbox::Outbox),
    /// Show who is online, or set how contacts see you
    Presence(presence::Presence),
    /// Show what arrives on the desktop, or not
    Notifications(notifications::Notifications),
    /// Programs that act for you, and what each may do
    Agents(agents::Agents),
    /// What agents want to send and may not send by themselves
    Approvals(approvals::Approvals),
    /// What agents did, without texts
    Audit(audit::Audit),
    /// Print the description of the daemon's methods
    Openrpc,
    /// Print completions for a shell
    Completions(tools::Completions),
    /// Check the configuration file
    Config(tools::Config),
}

impl Command {
    /// Runs the command.
    pub fn run(self, context: &Context) -> Outcome {
        match self {
            Self::Init(init) => init.run(context),
            Self::Identity(identity) => identity.run(context),
            Self::Status => presence::status(context),
            Self::Doctor => doctor::run(context),
            Self::Backup(backup) => backup.run(context),
            Self::Daemon(daemon) => daemon.run(context),
            Self::Friends(friends) => friends.run(context),
            Self::Send(send) => send.run(context),
            Self::Edit(edit) => edit.run(context),
            Self::Delete(delete) => delete.run(context),
            Self::React(react) => react.run(context),
            Self::Read(read) => read.run(context),
            Self::Typing(typing) => typing.run(context),
            Self::Ephemeral(ephemeral) => ephemeral.run(context),
            Self::Receive(receive) => receive.run(context),
            Self::Listen(listen) => listen.run(context),
            Self::Wait(wait) => wait.run(context),
            Self::Inbox(inbox) => inbox.run(context),
            Self::History(history) => history.run(context),
            Self::Threads(threads) => threads.run(context),
            Self::Search(search) => search.run(context),
            Self::Outbox(outbox) => outbox.run(context),
            Self::Presence(presence) => presence.run(context),
            Self::Notifications(notifications) => notifications.run(context),
            Self::Agents(agents) => agents.run(context),
            Self::Approvals(approvals) => approvals.run(context),
            Self::Audit(audit) => audit.run(context),
            Self::Openrpc => tools::openrpc(context),
            Self::Completions(completions) => completions.run(context),
            Self::Config(config) => config.run(context),
        }
    }
}

/// The exit code after a command. Prints the error, if there is one.
pub fn exit(context: &Context, outcome: Outcome) -> ExitCode {
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(Stop::Exit(code)) => ExitCode::from(code),
        Err(Stop::Error(error)) => {
            report(context.output, &error);
            ExitCode::from(error.exit_code())
        }
    }
}

/// Whether this command line is that of a hook, whose failures are silent: what it prints would reach the agent.
pub fn is_hook(arguments: &[OsString]) -> bool {
    let begins = |argument: &OsString, with: &str| argument.to_str().is_some_and(|text| text.starts_with(with));
    !io::stderr().is_terminal()
        && arguments.iter().any(|argument| argument == "wait")
        && arguments.iter().any(|argument| begins(argument, "--hook"))
}

/// The exit code after a command line that clap refuses, or answers itself (`--help`). clap's own exit code for wrong use
/// is 2, which means an internal error here.
pub fn misread(error: &clap::Error, json: bool) -> ExitCode {
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
        report_json(&Error::new(
            Kind::Usage,
            said.split_whitespace().collect::<Vec<_>>().join(" "),
        ));
    } else {
        let _ = error.print();
    }
    ExitCode::from(Kind::Usage.exit_code())
}

fn report(output: Output, error: &Error) {
    if output.json {
        return report_json(error);
    }
    let mut text = format!("{} {}\n", Tone::Bad.paint("error:"), output::block(&error.message, 7));
    for candidate in &error.data.candidates {
        let _ = writeln!(text, "       {}", output::line(candidate));
    }
    if !error.data.hint.is_empty() && !output.quiet {
        let _ = writeln!(
            text,
            "{} {}",
            Tone::Faint.paint(" hint:"),
            output::block(&error.data.hint, 7)
        );
    }
    // If standard error is closed, there is no other place to report to.
    let _ = anstream::stderr().write_all(text.as_bytes());
}

/// Errors go to stderr in either form; stdout holds whole data or none.
fn report_json(error: &Error) {
    let line = serde_json::json!({ "error": error });
    let _ = writeln!(io::stderr().lock(), "{line}");
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use sotto_api::{METHODS, document};

    /// The method that each command calls.
    const COMMANDS: &[(&str, &[&str])] = &[
        ("friends.add", &["friends", "add"]),
        ("friends.list", &["friends", "list"]),
        ("friends.requests", &["friends", "requests"]),
        ("friends.accept", &["friends", "accept"]),
        ("friends.reject", &["friends", "reject"]),
        ("friends.remove", &["friends", "remove"]),
        ("friends.forget", &["friends", "forget"]),
        ("friends.rename", &["friends", "rename"]),
        ("friends.block", &["friends", "block"]),
        ("friends.unblock", &["friends", "unblock"]),
        ("friends.verify", &["friends", "verify"]),
        ("invites.list", &["friends", "invites"]),
        ("invites.revoke", &["friends", "uninvite"]),
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
        ("conversations.delete", &["delete"]),
        ("conversations.timer", &["ephemeral"]),
        ("conversations.default_timer", &["ephemeral"]),
        ("events.subscribe", &["listen"]),
        ("agents.add", &["agents", "add"]),
        ("agents.list", &["agents", "list"]),
        ("agents.revoke", &["agents", "revoke"]),
        ("approvals.list", &["approvals", "list"]),
        ("approvals.allow", &["approvals", "allow"]),
        ("approvals.deny", &["approvals", "deny"]),
        ("audit.show", &["audit", "show"]),
        ("audit.verify", &["audit", "verify"]),
        ("identity.show", &["identity"]),
        ("identity.invite", &["identity"]),
        ("identity.rename", &["identity"]),
        ("node.status", &["status"]),
        ("node.availability", &["presence"]),
        ("notifications.show", &["notifications", "status"]),
        ("notifications.set", &["notifications", "on"]),
        ("notifications.mute", &["notifications", "mute"]),
        ("notifications.unmute", &["notifications", "unmute"]),
        ("doctor.run", &["doctor"]),
        ("daemon.backup", &["backup"]),
        ("daemon.stop", &["daemon", "stop"]),
        ("rpc.discover", &["openrpc"]),
    ];

    /// Methods without a command of their own.
    const OTHERS: &[&str] = &[
        "session.open",
        "session.unlock",
        "owner.passphrase",
        "approvals.confirm",
        "messages.status",
        "messages.lock",
        "messages.ack",
        "events.list",
        "events.wait",
        "events.ack",
        "node.presence",
        "notifications.focus",
        "storage.set",
        "storage.list",
    ];

    fn command_line() -> clap::Command {
        Command::augment_subcommands(clap::Command::new("sotto"))
    }

    #[test]
    fn the_command_line_is_well_formed() {
        command_line().debug_assert();
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
            let mut command = &command_line();
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
