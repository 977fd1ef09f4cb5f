//! `sotto send`, and what can be done to messages and conversations afterwards.

use std::io::{self, Read as _};

use clap::{Args, ValueEnum};
use sotto_api::{self as api, MessageState, all};
use sotto_client::blocking::Client;

use super::context::Context;
use super::duration::timer;
use super::output::{Table, Tone, messages, short, span};
use super::reading::history;
use super::stop::{Outcome, Stop};

/// `sotto send`
#[derive(Args, Debug)]
pub struct Send {
    /// A contact's petname, onion address (8 letters or more of it) or friend code; group:ID or channel:ID
    conversation: String,
    /// The text, up to 32 768 bytes; `-` reads standard input (without its last line feed)
    #[arg(allow_hyphen_values = true)]
    text: String,
    /// Put it into this thread
    #[arg(long, short)]
    thread: Option<String>,
    /// Reply to the message with this id, or with these first digits of it
    #[arg(long, short, value_name = "ID")]
    reply_to: Option<String>,
    /// Time until it disappears, after it was read (there) and sent (here): 90s, 30m, 8h, 2d, 1w
    #[arg(long, value_name = "DURATION", value_parser = timer)]
    ttl: Option<u32>,
    /// How to show it
    #[arg(long, value_enum, default_value_t = Form::Plain)]
    content_type: Form,
    /// Idempotency key: the same key and text twice are one message
    #[arg(long, value_name = "KEY")]
    id: Option<String>,
    /// Return only when it has reached this state
    #[arg(long, value_enum, value_name = "STATE", default_value_t = Until::Queued)]
    wait: Until,
    /// Wait at most so long; the message is sent all the same
    #[arg(long, value_name = "SECONDS")]
    timeout: Option<u32>,
}

/// How a text wants to be shown.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Form {
    Plain,
    Markdown,
}

/// The state to wait for.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Until {
    Queued,
    Sent,
    Delivered,
    Read,
}

impl Send {
    /// Sends, and waits for the state that was asked for.
    pub fn run(self, context: &Context) -> Outcome {
        let params = api::Send {
            conversation: self.conversation,
            text: text(self.text)?,
            thread: self.thread,
            reply_to: self.reply_to,
            ttl: self.ttl,
            content_type: match self.content_type {
                Form::Plain => api::ContentType::Plain,
                Form::Markdown => api::ContentType::Markdown,
            },
            id: self.id,
            wait: match self.wait {
                Until::Queued => api::WaitFor::Queued,
                Until::Sent => api::WaitFor::Sent,
                Until::Delivered => api::WaitFor::Delivered,
                Until::Read => api::WaitFor::Read,
            },
            timeout: self.timeout,
        };
        let mut client = context.client()?;
        let sent = client.call::<all::Send>(&params).map_err(|error| {
            // The message is durable although the state was not reached, and the caller needs its id.
            match error.data.sent.as_deref().map(|sent| print_sent(context, sent)) {
                Some(Err(stop)) => stop,
                _ => Stop::Error(error),
            }
        })?;
        print_sent(context, &sent)?;
        if sent.state == MessageState::Queued {
            context
                .output
                .remark("it is sent when they can be reached; sotto outbox shows what waits");
        }
        Ok(())
    }
}

/// `sotto edit`
#[derive(Args, Debug)]
pub struct Edit {
    /// A contact's petname, onion address (8 letters or more of it) or friend code; group:ID or channel:ID
    conversation: String,
    /// Which message of yours
    id: String,
    /// The new text; `-` reads standard input
    #[arg(allow_hyphen_values = true)]
    text: String,
}

impl Edit {
    /// Replaces the text.
    pub fn run(self, context: &Context) -> Outcome {
        let text = text(self.text)?;
        let sent = context.client()?.call::<all::Edit>(&api::Edit {
            id: self.id,
            conversation: Some(self.conversation),
            text,
        })?;
        print_sent(context, &sent)
    }
}

/// `sotto delete`
#[derive(Args, Debug)]
pub struct Delete {
    /// A contact's petname, onion address (8 letters or more of it) or friend code; group:ID or channel:ID
    conversation: String,
    /// Which message; one of yours is deleted for every member, another one on this machine alone
    #[arg(required_unless_present = "all")]
    id: Option<String>,
    /// Every message of the conversation, on this machine alone
    #[arg(long, conflicts_with = "id")]
    all: bool,
}

impl Delete {
    /// Deletes it, or all of them.
    pub fn run(self, context: &Context) -> Outcome {
        let Some(id) = self.id else {
            let conversation = self.conversation;
            let deleted = context
                .client()?
                .call::<all::DeleteConversation>(&api::ConversationOnly { conversation })?;
            return Ok(context.output.emit(&deleted, |deleted| {
                format!("{} messages deleted here\n", deleted.messages)
            })?);
        };
        let sent = context.client()?.call::<all::Delete>(&api::MessageOnly {
            id,
            conversation: Some(self.conversation),
        })?;
        print_sent(context, &sent)
    }
}

/// `sotto react`
#[derive(Args, Debug)]
pub struct React {
    /// A contact's petname, onion address (8 letters or more of it) or friend code; group:ID or channel:ID
    conversation: String,
    /// Which message
    id: String,
    /// The reaction, usually an emoji
    #[arg(required_unless_present = "remove")]
    emoji: Option<String>,
    /// Remove the reaction
    #[arg(long, conflicts_with = "emoji")]
    remove: bool,
}

impl React {
    /// Sets or removes the reaction.
    pub fn run(self, context: &Context) -> Outcome {
        let params = api::React {
            id: self.id,
            conversation: Some(self.conversation),
            emoji: self.emoji,
        };
        let message = context.client()?.call::<all::React>(&params)?;
        Ok(context
            .output
            .emit(&message, |message| messages(std::slice::from_ref(message)))?)
    }
}

/// `sotto read`
#[derive(Args, Debug)]
pub struct Read {
    /// A contact's petname, onion address (8 letters or more of it) or friend code; group:ID or channel:ID
    conversation: String,
    /// Ids of the messages; all unread ones if none is given
    ids: Vec<String>,
    /// Tell the author, whatever the configuration says
    #[arg(long, overrides_with = "no_receipt")]
    receipt: bool,
    /// Do not tell the author, whatever the configuration says
    #[arg(long)]
    no_receipt: bool,
}

impl Read {
    /// Marks them as read.
    pub fn run(self, context: &Context) -> Outcome {
        const AT_ONCE: usize = 256;
        let mut client = context.client()?;
        let ids = if self.ids.is_empty() {
            unread(&mut client, &self.conversation)?
        } else {
            self.ids
        };
        let receipt = match (self.receipt, self.no_receipt) {
            (true, _) => Some(true),
            (_, true) => Some(false),
            _ => None,
        };
        for ids in ids.chunks(AT_ONCE) {
            let params = api::MarkRead {
                conversation: self.conversation.clone(),
                ids: ids.to_vec(),
                receipt,
            };
            client.call::<all::Read>(&params)?;
        }
        let read = serde_json::json!({ "read": ids });
        Ok(context.output.emit(&read, |_| match ids.len() {
            0 => "no unread messages\n".to_owned(),
            1 => "1 message read\n".to_owned(),
            n => format!("{n} messages read\n"),
        })?)
    }
}

/// `sotto typing`
#[derive(Args, Debug)]
pub struct Typing {
    /// A contact's petname, onion address (8 letters or more of it) or friend code; group:ID or channel:ID
    conversation: String,
    /// Whether you are typing
    #[arg(value_enum)]
    typing: Switch,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Switch {
    On,
    Off,
}

impl Typing {
    /// Tells the contact.
    pub fn run(self, context: &Context) -> Outcome {
        let params = api::Typing {
            conversation: self.conversation,
            typing: self.typing == Switch::On,
        };
        let done = context.client()?.call::<all::Typing>(&params)?;
        Ok(context.output.emit(&done, |_| String::new())?)
    }
}

/// `sotto ephemeral`
#[derive(Args, Debug)]
pub struct Ephemeral {
    /// A contact's petname, onion address (8 letters or more of it) or friend code; group:ID or channel:ID. Without it, or
    /// with a duration in its place, all conversations that begin, and those that have the old default timer
    conversation: Option<String>,
    /// Time until messages disappear: 90s, 30m, 8h, 2d, 1w; 0 or off is never; without it, the timers are only shown
    #[arg(value_name = "DURATION", value_parser = timer)]
    seconds: Option<u32>,
}

impl Ephemeral {
    /// Sets or shows the timer.
    pub fn run(self, context: &Context) -> Outcome {
        let conversation = match (self.conversation, self.seconds) {
            (None, _) => return default_timer(context, None),
            (Some(first), None) => match timer(&first) {
                Ok(seconds) => return default_timer(context, Some(seconds)),
                Err(_) if first.bytes().all(|byte| byte.is_ascii_digit()) => {
                    return Err(Stop::usage(format!("{first} seconds are too many")));
                }
                Err(_) => first,
            },
            (Some(conversation), Some(_)) => conversation,
        };
        let params = api::SetTimer {
            conversation,
            seconds: self.seconds,
        };
        let timer = context.client()?.call::<all::Timer>(&params)?;
        Ok(context.output.emit(&timer, |timer| {
            let mut table = Table::bare();
            table.pair("messages live", (Tone::Strong, lifetime(timer.seconds)));
            table
                .pair("you want", lifetime(timer.ours))
                .pair("they want", lifetime(timer.theirs));
            table.render()
        })?)
    }
}

/// Sets or shows the timer of conversations that begin.
fn default_timer(context: &Context, seconds: Option<u32>) -> Outcome {
    let params = api::SetDefaultTimer { seconds };
    let timer = context.client()?.call::<all::DefaultTimerSet>(&params)?;
    Ok(context.output.emit(&timer, |timer| {
        let mut table = Table::bare();
        table.pair("messages live", (Tone::Strong, lifetime(timer.seconds)));
        table.render()
    })?)
}

/// A timer of so many seconds; 0 is off.
pub fn lifetime(seconds: u32) -> String {
    if seconds == 0 {
        "for ever".to_owned()
    } else {
        span(u64::from(seconds) * 1000)
    }
}

fn print_sent(context: &Context, sent: &api::Sent) -> Outcome {
    Ok(context.output.emit(sent, |sent| {
        format!(
            "{} {}\n",
            super::output::state(sent.state),
            Tone::Faint.paint(short(&sent.id))
        )
    })?)
}

/// The text itself, or what standard input holds.
fn text(argument: String) -> Result<String, Stop> {
    // Twice what is allowed: enough to know that it is too long, whatever comes.
    const ENOUGH: usize = 65_536;
    if argument != "-" {
        return Ok(argument);
    }
    let mut bytes = Vec::new();
    io::stdin()
        .lock()
        .take(ENOUGH as u64)
        .read_to_end(&mut bytes)
        .map_err(|error| api::Error::io("standard input", &error))?;
    // Where the limit cut a character in two, the text is not wrong but long; the daemon says how long it may be.
    let whole = match std::str::from_utf8(&bytes) {
        Err(error) if error.error_len().is_none() && bytes.len() == ENOUGH => error.valid_up_to(),
        _ => bytes.len(),
    };
    bytes.truncate(whole);
    let mut text = String::from_utf8(bytes).map_err(|_| Stop::usage("the text on standard input is not UTF-8"))?;
    if text.ends_with('\n') {
        text.pop();
    }
    Ok(text)
}

fn unread(client: &mut Client, conversation: &str) -> Result<Vec<String>, Stop> {
    let whole = api::History {
        conversation: conversation.to_owned(),
        limit: Some(u32::MAX),
        before: None,
        after: None,
        thread: None,
    };
    let messages = history(client, whole)?.into_iter();
    let unread =
        messages.filter(|message| message.direction == api::Direction::In && message.state != MessageState::Read);
    Ok(unread.map(|message| message.id).collect())
}
