//! `sotto wait --hook`: wakes an idle agent when messages wait. Its exit code is a contract with the agent's program: 2 means
//! that messages wait, and nothing else does. What a peer wrote is never in what it prints.

use std::io::{self, IsTerminal as _, Write as _};
use std::time::{Duration, Instant};

use clap::{Args, ValueEnum};
use sotto_api::{self as api, Body, Direction, Event, Message, all};

use super::context::Context;
use super::output::short;
use super::stop::{Outcome, Stop};

/// Messages wait.
const WAKE: u8 = 2;

/// In place of the exit code of an internal error, which is 2.
const BROKEN: u8 = 3;

/// The longest request for events, in seconds.
const ROUND: u64 = 60;

/// Events that are read at once.
const EVENTS: u32 = 100;

/// Messages that are named.
const NAMED: usize = 8;

/// `sotto wait`
#[derive(Args, Debug)]
pub struct Wait {
    /// The program whose hook this is
    #[arg(long, value_name = "PROGRAM")]
    hook: Hook,
    /// The reader: what it has acknowledged does not wake
    #[arg(long, value_name = "NAME")]
    consumer: String,
    /// Give up after so many seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 3600)]
    timeout: u64,
}

/// Programs whose hooks are known.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Hook {
    /// A command hook of Claude Code with `asyncRewake`: exit code 2 wakes the session with what stderr says.
    ClaudeCode,
}

impl Wait {
    /// Waits until messages are there that the consumer has not acknowledged.
    pub fn run(self, context: &Context) -> Outcome {
        let Hook::ClaudeCode = self.hook;
        match self.waiting(context) {
            Ok(messages) if messages.is_empty() => Ok(()),
            Ok(messages) => {
                // If standard error is closed, the exit code alone has to say it.
                let _ = writeln!(io::stderr(), "{}", line(&messages));
                Err(Stop::Exit(WAKE))
            }
            Err(error) => Err(silent(error)),
        }
    }

    /// What waits; nothing once the time is over.
    fn waiting(&self, context: &Context) -> Result<Vec<Message>, Stop> {
        let mut client = context.client()?;
        let until = Instant::now() + Duration::from_secs(self.timeout);
        let mut since = None;
        loop {
            let left = until.saturating_duration_since(Instant::now()).as_secs();
            let params = api::WaitEvents {
                consumer: Some(self.consumer.clone()),
                since,
                limit: Some(EVENTS),
                types: vec![String::from("message.received")],
                timeout: u32::try_from(left.min(ROUND)).ok(),
            };
            let found = client.call::<all::EventsWait>(&params)?;
            let messages: Vec<Message> = found.events.into_iter().filter_map(message).collect();
            if !messages.is_empty() || (left == 0 && since == Some(found.next)) {
                return Ok(messages);
            }
            since = Some(found.next);
        }
    }
}

/// A failure must neither wake the session nor tell it anything. A person at a terminal gets to know it.
fn silent(stop: Stop) -> Stop {
    match stop {
        Stop::Error(error) if io::stderr().is_terminal() && error.exit_code() != WAKE => Stop::Error(error),
        Stop::Error(error) => Stop::Exit(not_waking(error.exit_code())),
        Stop::Exit(code) => Stop::Exit(not_waking(code)),
    }
}

const fn not_waking(code: u8) -> u8 {
    if code == WAKE { BROKEN } else { code }
}

/// The message that arrived, if it is still there.
fn message(event: Event) -> Option<Message> {
    match event.body {
        Body::MessageReceived {
            message: Some(message), ..
        } if message.direction == Direction::In && message.deleted_at.is_none() => Some(*message),
        _ => None,
    }
}

/// How many, and of each the user's name for its author, and its id.
fn line(messages: &[Message]) -> String {
    let mut named: Vec<String> = messages
        .iter()
        .take(NAMED)
        .map(|message| {
            let author = message.petname.as_deref().unwrap_or_else(|| short(&message.from));
            format!("{author} ({})", message.id)
        })
        .collect();
    if messages.len() > NAMED {
        named.push(format!("{} more", messages.len() - NAMED));
    }
    let noun = if messages.len() == 1 { "message" } else { "messages" };
    format!("{} new Sotto {noun}: {}", messages.len(), named.join(", "))
}
