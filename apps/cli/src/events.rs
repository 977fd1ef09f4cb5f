//! `sotto receive` and `sotto listen`: what happened since the last time, and what happens now.

use std::io::{self, IsTerminal};
use std::thread::sleep;
use std::time::Duration;

use clap::Args;
use sotto_api::{self as api, Body, ContactName, Conversation, Direction, Event, Message, all};
use sotto_client::blocking::Client;

use super::context::Context;
use super::conversation::lifetime;
use super::output::{Output, Tone, line, messages, moment, short, who};
use super::stop::Outcome;

/// `sotto receive`
#[derive(Args, Debug)]
pub struct Receive {
    /// At most so many, 1 to 1000
    #[arg(long, short = 'n', value_name = "N")]
    limit: Option<u32>,
    /// Only what arrived in this conversation; the rest is there the next time
    #[arg(long, short, value_name = "CONVERSATION")]
    conversation: Option<String>,
    /// The consumer: what one has received, another has not
    #[arg(long, value_name = "NAME")]
    consumer: Option<String>,
    /// Acknowledge nothing and mark nothing as read
    #[arg(long)]
    peek: bool,
}

impl Receive {
    /// Shows what arrived, then acknowledges it.
    pub fn run(self, context: &Context) -> Outcome {
        let params = api::Receive {
            consumer: self.consumer.clone(),
            conversation: self.conversation.clone(),
            limit: self.limit,
            peek: true,
        };
        let mut client = context.client()?;
        if !self.peek {
            let consumer = self.consumer.clone();
            client.call::<all::Lock>(&api::LockConsumer { consumer })?;
        }
        let received = client.call::<all::Receive>(&params)?;
        context
            .output
            .emit(&received, |received| messages(&received.messages))?;
        if !self.peek {
            // Only now: had our reader gone away before, it would all be there the next time.
            let acknowledged = api::AckMessages {
                consumer: self.consumer,
                conversation: self.conversation,
                seq: received.seq,
            };
            client.call::<all::Ack>(&acknowledged)?;
        }
        if received.missed > 0 {
            context
                .output
                .remark("some messages were dropped from the log before they were received; sotto history shows them");
        }
        if received.more {
            context.output.remark("there is more: sotto receive");
        } else if received.messages.is_empty() {
            context.output.remark("nothing new");
        }
        Ok(())
    }
}

/// `sotto listen`
#[derive(Args, Debug)]
pub struct Listen {
    /// Start after what this consumer has acknowledged
    #[arg(long, value_name = "NAME")]
    consumer: Option<String>,
    /// Only events after this one; 0 is from the beginning
    #[arg(long, value_name = "SEQ")]
    since: Option<u64>,
    /// Acknowledge for the consumer what has been printed
    #[arg(long, requires = "consumer")]
    ack: bool,
    /// Also presence, which is not in the log
    #[arg(long)]
    presence: bool,
    /// Print what has come every so many seconds, not at once
    #[arg(long, short, value_name = "SECONDS", value_parser = interval)]
    interval: Option<Duration>,
    /// Print at most so many at each interval; without an interval, end after so many
    #[arg(long, short = 'n', value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    limit: Option<u32>,
}

/// Seconds, with or without a fraction.
fn interval(text: &str) -> Result<Duration, String> {
    const LONGEST: f64 = 86_400.0;
    match text.parse::<f64>() {
        Ok(seconds) if seconds > 0.0 && seconds <= LONGEST => Ok(Duration::from_secs_f64(seconds)),
        _ => Err(format!("must be more than 0 and at most {LONGEST} seconds")),
    }
}

impl Listen {
    /// Follows the log until the daemon or the reader of standard output ends.
    pub fn run(self, context: &Context) -> Outcome {
        let mut client = context.client()?;
        let subscribe = api::Subscribe {
            consumer: self.consumer.clone(),
            since: self.since,
            presence: self.presence,
        };
        client.call::<all::EventsSubscribe>(&subscribe)?;
        // Programs get objects even if they forget to ask; only a person at a terminal gets sentences.
        let output = Output {
            json: context.output.json || !io::stdout().is_terminal(),
            ..context.output
        };
        let mut printed = 0;
        // The last event of the log that was printed; presence, which has no number, may follow it.
        let mut last = None;
        loop {
            let event = client.event()?;
            output.emit(&event, sentence)?;
            printed += 1;
            last = event.seq.or(last);
            let full = self.limit == Some(printed);
            if let (true, Some(consumer)) = (self.ack, &self.consumer)
                && (full || !client.has_event())
                && let Some(seq) = last.take()
            {
                acknowledge(&mut client, consumer, seq)?;
            }
            match self.interval {
                None if full => return Ok(()),
                Some(interval) if full || !client.has_event() => {
                    printed = 0;
                    sleep(interval);
                }
                _ => {}
            }
        }
    }
}

fn acknowledge(client: &mut Client, consumer: &str, seq: u64) -> Outcome {
    client.call::<all::EventsAck>(&api::Acknowledge {
        consumer: consumer.to_owned(),
        seq,
    })?;
    Ok(())
}

fn sentence(event: &Event) -> String {
    let seq = event.seq.map_or_else(String::new, |seq| seq.to_string());
    format!(
        "{} {}  {}\n",
        Tone::Faint.paint(&format!("{seq:>6}")),
        Tone::Faint.paint(&moment(event.at)),
        what(&event.body)
    )
}

fn what(body: &Body) -> String {
    match body {
        Body::MessageQueued { message, .. } => spoken(message.as_deref(), "queued"),
        Body::MessageReceived { message, .. } => spoken(message.as_deref(), "received"),
        Body::MessageEdited { message, .. } => spoken(message.as_deref(), "edited"),
        Body::MessageReacted { id, direction, .. } => format!("{} reacted to {}", person(*direction), short(id)),
        Body::MessageState { id, state, .. } => {
            format!("message {} is {}", short(id), super::output::state(*state))
        }
        Body::MessageDeleted { id, direction, .. } => format!("{} deleted message {}", person(*direction), short(id)),
        Body::MessageDisappeared { id, .. } => format!("message {} disappeared", short(id)),
        Body::TimerChanged {
            conversation,
            direction,
            seconds,
            ..
        } => timer(conversation, *direction, *seconds),
        Body::RequestReceived { who } => format!("{} asks to be a contact ({})", name(who), who.contact),
        Body::RequestDelivered { who } => format!("{} has your request", name(who)),
        Body::RequestDeclined { who } => format!("{} declined your request", name(who)),
        Body::ContactAdded { who } => format!("{} is a friend now", name(who)),
        Body::ContactRemoved { who } => format!("{} is no longer a friend", name(who)),
        Body::ContactBlocked { who, blocked: true } => format!("{} is blocked", name(who)),
        Body::ContactBlocked { who, .. } => format!("{} is no longer blocked", name(who)),
        Body::ContactVerified { who, marked: true } => format!("{} is verified", name(who)),
        Body::ContactVerified { who, .. } => format!("{} is no longer verified", name(who)),
        Body::ContactRekeyed {
            who,
            identity_changed: true,
        } => identity_changed(who),
        Body::ContactRekeyed { who, .. } => format!("a new session with {}", name(who)),
        Body::ContactRolledBack { who } => rolled_back(who),
        Body::ContactUntrusted { who, untrusted: true } => held(who),
        Body::ContactUntrusted { who, .. } => format!("you accept the key of {}", name(who)),
        Body::RemovedByPeer { who, removed: true } => Tone::Warning.paint(&format!("{} has removed you", name(who))),
        Body::RemovedByPeer { who, .. } => format!("{} has you as a contact again", name(who)),
        Body::IdentityElsewhere { .. } => {
            Tone::Bad.paint("another machine runs with your identity: stop one of them, or messages go astray")
        }
        Body::ApprovalRequested { conversation, approval } => approval_requested(conversation, approval),
        Body::ApprovalAllowed { conversation, approval } => {
            format!("you allowed {} to {}", short(approval), conversation_name(conversation))
        }
        Body::ApprovalDenied { conversation, approval } => {
            format!("{} to {} was denied", short(approval), conversation_name(conversation))
        }
        Body::ApprovalExpired { conversation, approval } => {
            format!(
                "{} to {} was not decided in time",
                short(approval),
                conversation_name(conversation)
            )
        }
        Body::ContactPaused { who, pause } => match pause {
            Some(pause) => Tone::Bad.paint(&format!("what {} sends is not taken: {}", name(who), pause.words())),
            None => format!("what {} sends is taken again", name(who)),
        },
        Body::Gap { from, to } => Tone::Warning.paint(&format!("the log has no events {from} to {to}")),
        Body::Presence { who, typing: true, .. } => format!("{} is typing", name(who)),
        Body::Presence { who, presence, .. } => format!("{} is {}", name(who), format!("{presence:?}").to_lowercase()),
    }
}

fn timer(conversation: &Conversation, direction: Direction, seconds: u32) -> String {
    format!(
        "{} set messages with {} to live {}",
        person(direction),
        conversation_name(conversation),
        lifetime(seconds)
    )
}

fn identity_changed(who: &ContactName) -> String {
    let text = format!("the key of {} CHANGED: compare the safety number again", name(who));
    Tone::Bad.paint(&text)
}

fn rolled_back(who: &ContactName) -> String {
    Tone::Warning.paint(&format!(
        "{} is back at an earlier state, as after restoring a backup: messages delivered before may be missing there",
        name(who)
    ))
}

fn held(who: &ContactName) -> String {
    Tone::Bad.paint(&format!(
        "what waits for {} is held: their key is not the one that you verified",
        name(who)
    ))
}

fn approval_requested(conversation: &Conversation, approval: &str) -> String {
    Tone::Warning.paint(&format!(
        "a message to {} waits for your approval: sotto approvals allow {}",
        conversation_name(conversation),
        short(approval)
    ))
}

const fn person(direction: Direction) -> &'static str {
    match direction {
        Direction::In => "they",
        Direction::Out => "you",
    }
}

fn conversation_name(conversation: &Conversation) -> String {
    who(
        conversation.petname.as_deref(),
        conversation.claimed_name.as_deref(),
        &conversation.conversation,
    )
}

fn name(them: &ContactName) -> String {
    who(them.petname.as_deref(), them.claimed_name.as_deref(), &them.contact)
}

fn spoken(message: Option<&Message>, what: &str) -> String {
    let Some(message) = message else {
        return format!("{what}: a message that has disappeared");
    };
    let them = who(
        message.petname.as_deref(),
        message.claimed_name.as_deref(),
        &message.conversation,
    );
    let from = match message.direction {
        Direction::In => them,
        Direction::Out => format!("you to {them}"),
    };
    let what = if what == "received" {
        String::new()
    } else {
        format!(" ({what})")
    };
    format!("{}{what}: {}", Tone::Author.paint(&from), line(&message.text))
}
