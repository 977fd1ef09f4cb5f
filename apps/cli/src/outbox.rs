//! `sotto outbox`: messages that have not been delivered.

use clap::{Args, Subcommand};
use sotto_api::{self as api, FailReason, Hold, Message, all};
use sotto_client::blocking::Client;

use super::context::Context;
use super::output::{Table, Tone, moment, short, state, who};
use super::stop::Outcome;

/// `sotto outbox`
#[derive(Args, Debug)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Outbox {
    #[command(subcommand)]
    change: Option<Change>,
    /// Only of this conversation
    #[arg(long, value_name = "CONVERSATION")]
    conversation: Option<String>,
    /// At most so many, 1 to 1000
    #[arg(long, short = 'n', value_name = "N")]
    limit: Option<u32>,
}

#[derive(Debug, Subcommand)]
enum Change {
    /// Cancel a message that has not left
    Cancel(Which),
    /// Try now; a failed or cancelled message is queued again
    Retry(Which),
}

#[derive(Args, Debug)]
struct Which {
    /// Id of the message
    id: String,
    /// Its conversation, should two hold that id
    #[arg(long, value_name = "CONVERSATION")]
    conversation: Option<String>,
}

impl Outbox {
    /// Lists, cancels or retries.
    pub fn run(self, context: &Context) -> Outcome {
        let mut client = context.client()?;
        let sent = match self.change {
            Some(Change::Cancel(which)) => client.call::<all::Cancel>(&which.into())?,
            Some(Change::Retry(which)) => client.call::<all::Retry>(&which.into())?,
            None => {
                return list(
                    context,
                    &mut client,
                    &api::ListOutbox {
                        conversation: self.conversation,
                        limit: self.limit,
                    },
                );
            }
        };
        Ok(context
            .output
            .emit(&sent, |sent| format!("{} {}\n", state(sent.state), short(&sent.id)))?)
    }
}

impl From<Which> for api::MessageOnly {
    fn from(which: Which) -> Self {
        Self {
            id: which.id,
            conversation: which.conversation,
        }
    }
}

fn list(context: &Context, client: &mut Client, params: &api::ListOutbox) -> Outcome {
    let waiting = client.call::<all::Outbox>(params)?;
    if waiting.messages.is_empty() {
        context.output.remark("everything is delivered");
    }
    Ok(context.output.emit(&waiting, |waiting| {
        if waiting.messages.is_empty() {
            return String::new();
        }
        let mut table = Table::new(&["ID", "TO", "SINCE", "STATE", "WHY", "TEXT"]);
        for message in &waiting.messages {
            let to = who(
                message.petname.as_deref(),
                message.claimed_name.as_deref(),
                &message.conversation,
            );
            table.row([
                (Tone::Faint, short(&message.id)).into(),
                (Tone::Author, to).into(),
                moment(message.sent_at).into(),
                super::output::state_word(message.state).into(),
                why(message).into(),
                beginning(&message.text).into(),
            ]);
        }
        table.render()
    })?)
}

/// Why it was not delivered, in a few words.
fn why(message: &Message) -> String {
    match message.hold {
        Some(Hold::UntrustedKey) => return "held: their key changed, see sotto friends verify".to_owned(),
        Some(Hold::RemovedByPeer) => return "held: they removed you, sotto friends add asks again".to_owned(),
        None => {}
    }
    match (message.reason, message.attempts.unwrap_or(0), message.next_attempt_at) {
        (Some(FailReason::Expired), ..) => "not reached in time".to_owned(),
        (Some(FailReason::Removed), ..) => "contact removed".to_owned(),
        (None, 0, _) => String::new(),
        (None, 1, None) => "not reached".to_owned(),
        (None, 1, Some(next)) => format!("not reached, next try {}", moment(next)),
        (None, tries, None) => format!("not reached, {tries} tries"),
        (None, tries, Some(next)) => format!("not reached, {tries} tries, next {}", moment(next)),
    }
}

fn beginning(text: &str) -> String {
    const LONGEST: usize = 40;
    let mut characters = text.chars();
    let mut beginning: String = characters.by_ref().take(LONGEST).collect();
    if characters.next().is_some() {
        beginning.push('…');
    }
    beginning
}
