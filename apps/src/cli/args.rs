//! The command line, as clap reads it: the list of commands. What a command takes for itself stands beside what it does,
//! in the module of its family.

use clap::{Parser, Subcommand};

use super::options::Global;
use super::{conformance, conversation, daemon, demo, events, friends, identity, outbox, presence, reading, tools};

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
    /// Two complete nodes on this machine hold a conversation, and prove what is protected
    Demo(demo::Demo),
    /// Make a new identity
    Init(identity::Init),
    /// Show address, friend code and fingerprint
    Identity(identity::Identity),
    /// Show how the daemon is doing
    Status,
    /// Look at everything that has to be right, and say what is not
    Doctor,
    /// Run, start, stop or look at the daemon
    Daemon(daemon::Daemon),
    /// Contacts, requests and safety numbers
    Friends(friends::Friends),
    /// Send a text
    Send(conversation::Send),
    /// Replace the text of a message that you sent
    Edit(conversation::Edit),
    /// Delete a message that you sent, for both
    Delete(conversation::Delete),
    /// React to a message
    React(conversation::React),
    /// Mark messages as read
    Read(conversation::Read),
    /// Say that you are writing, or not any more
    Typing(conversation::Typing),
    /// Set the conversation's timer; 0 turns it off
    Ephemeral(conversation::Ephemeral),
    /// Take what arrived since the last time
    Receive(events::Receive),
    /// Follow the event log
    #[command(visible_alias = "watch")]
    Listen(events::Listen),
    /// The newest messages of everybody
    Inbox(reading::Inbox),
    /// The conversation with a contact
    History(reading::History),
    /// The threads, newest first
    Threads(reading::Threads),
    /// Find messages by their words
    Search(reading::Search),
    /// What has not been delivered, and why
    Outbox(outbox::Outbox),
    /// Show yourself as online, away or not at all
    Presence(presence::Presence),
    /// Print the description of the daemon's methods
    Openrpc,
    /// Print completions for a shell
    Completions(tools::Completions),
    /// The configuration file
    Config(tools::Config),
    /// Play the protocol's clauses to an implementation, and say which it keeps
    Conformance(conformance::Conformance),
}
