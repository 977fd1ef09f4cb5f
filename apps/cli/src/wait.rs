//! `sotto wait --hook`: wakes an idle agent when messages wait. Its exit code is a contract with the agent's program: 2 means
//! that messages wait, and nothing else does. What a peer wrote is never in what it prints.

use std::collections::BTreeSet;
use std::io::{self, IsTerminal as _, Write as _};
use std::time::{Duration, Instant};

use clap::{Args, ValueEnum};
use sotto_api::{self as api, Body, Direction, Event, Message, all};

use sotto_client::blocking::Client;

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

/// Events of a page, once the first messages are found; and so many pages. A hook is waited for.
const PAGE: u32 = 1000;
const PAGES: usize = 20;

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

/// The messages that wait.
#[derive(Default)]
struct Waiting {
    messages: Vec<Message>,
    /// There may be more of them.
    more: bool,
}

impl Wait {
    /// Waits until messages are there that the consumer has not acknowledged.
    pub fn run(self, context: &Context) -> Outcome {
        let Hook::ClaudeCode = self.hook;
        match self.waiting(context) {
            Ok(waiting) if waiting.messages.is_empty() => Ok(()),
            Ok(waiting) => {
                // If standard error is closed, the exit code alone has to say it.
                let _ = writeln!(io::stderr(), "{}", line(&waiting));
                Err(Stop::Exit(WAKE))
            }
            Err(error) => Err(silent(error)),
        }
    }

    /// What waits behind a position of the log as well. True if the log goes on, so that there may be more.
    fn rest(&self, client: &mut Client, mut since: u64, messages: &mut Vec<Message>) -> Result<bool, Stop> {
        for _ in 0..PAGES {
            let params = api::ListEvents {
                consumer: Some(self.consumer.clone()),
                since: Some(since),
                limit: Some(PAGE),
            };
            let found = client.call::<all::EventsList>(&params)?;
            messages.extend(found.events.into_iter().filter_map(message));
            if !found.more {
                return Ok(false);
            }
            since = found.next;
        }
        Ok(true)
    }

    /// What waits; nothing once the time is over.
    fn waiting(&self, context: &Context) -> Result<Waiting, Stop> {
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
            let mut messages: Vec<Message> = found.events.into_iter().filter_map(message).collect();
            if !messages.is_empty() {
                let more = found.more && self.rest(&mut client, found.next, &mut messages)?;
                return Ok(Waiting { messages, more });
            }
            if left == 0 && since == Some(found.next) {
                return Ok(Waiting::default());
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

/// How many of how many contacts, and of some the user's name for its author, and its id: the first of each contact before others,
/// so that no contact hides another.
fn line(waiting: &Waiting) -> String {
    let Waiting { messages, more } = waiting;
    let mut authors = BTreeSet::new();
    let (mut named, others): (Vec<&Message>, Vec<&Message>) =
        messages.iter().partition(|message| authors.insert(&message.from));
    named.truncate(NAMED);
    named.extend(others.into_iter().take(NAMED - named.len()));
    named.sort_by_key(|named| messages.iter().position(|message| message.id == named.id));
    let mut shown: Vec<String> = named
        .iter()
        .map(|message| {
            let author = message.petname.as_deref().unwrap_or_else(|| short(&message.from));
            format!("{author} ({})", message.id)
        })
        .collect();
    if messages.len() > shown.len() {
        shown.push(format!("{} more", messages.len() - shown.len()));
    }
    let or_more = if *more { " or more" } else { "" };
    let noun = if messages.len() == 1 { "message" } else { "messages" };
    let contacts = match authors.len() {
        1 => String::new(),
        several => format!(" of {several} contacts"),
    };
    format!(
        "{}{or_more} new Sotto {noun}{contacts}: {}",
        messages.len(),
        shown.join(", ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(author: &str, number: usize) -> Message {
        serde_json::from_value(serde_json::json!({
            "id": format!("{author}{number}"),
            "conversation": author,
            "from": author,
            "petname": author,
            "claimed_name": null,
            "verified": false,
            "direction": "in",
            "text": "",
            "content_type": "plain",
            "ttl": 0,
            "state_at": "2026-01-01T00:00:00.000Z",
            "reactions": [],
            "state": "delivered",
            "sent_at": "2026-01-01T00:00:00.000Z",
            "received_at": "2026-01-01T00:00:00.000Z",
        }))
        .expect("a message")
    }

    #[test]
    fn every_contact_is_named_before_one_is_named_twice() {
        let mut messages: Vec<Message> = (0..200).map(|number| from("bob", number)).collect();
        messages.extend((0..10).map(|number| from("carol", number)));
        let mut waiting = Waiting { messages, more: false };
        let said = line(&waiting);
        assert!(
            said.starts_with("210 new Sotto messages of 2 contacts: bob (bob0), bob (bob1), "),
            "{said}"
        );
        assert!(said.ends_with(", carol (carol0), 202 more"), "{said}");
        waiting.more = true;
        assert!(line(&waiting).starts_with("210 or more new Sotto messages"));
        waiting.messages = (0..30).map(|number| from(&format!("peer{number}"), 0)).collect();
        assert!(line(&waiting).ends_with(", 22 more"), "the line is bounded");
    }
}
