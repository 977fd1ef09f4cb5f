//! `sotto inbox`, `history`, `search` and `threads`: reading the store.

use std::collections::VecDeque;

use clap::Args;
use sotto_api::{self as api, Error, all};
use sotto_client::blocking::Client;

use super::context::Context;
use super::output::{Table, Tone, messages, moment};
use super::stop::Outcome;

/// `sotto inbox`
#[derive(Args, Debug)]
pub struct Inbox {
    /// At most so many, 1 to 1000
    #[arg(long, short = 'n', value_name = "N")]
    limit: Option<u32>,
    /// Only this thread
    #[arg(long, short)]
    thread: Option<String>,
    /// Only messages that were not read here
    #[arg(long)]
    unread: bool,
    /// Also messages that you wrote
    #[arg(long)]
    own: bool,
    /// Only messages before the one with this id, or with this author and id: ONION/ID
    #[arg(long, value_name = "ID")]
    before: Option<String>,
}

impl Inbox {
    /// Shows the newest messages of all conversations.
    pub fn run(self, context: &Context) -> Outcome {
        let params = api::Inbox {
            limit: self.limit,
            thread: self.thread,
            unread: self.unread,
            own: self.own,
            before: self.before,
        };
        let found = context.client()?.call::<all::Inbox>(&params)?;
        show(context, &found, "no messages yet")
    }
}

/// `sotto history`
#[derive(Args, Debug)]
pub struct History {
    /// A contact's petname, onion address (8 letters or more of it) or friend code; group:ID or channel:ID
    conversation: String,
    /// At most so many; 50 if left out
    #[arg(long, short = 'n', value_name = "N")]
    limit: Option<u32>,
    /// Only messages before the one with this id, or with this author and id: ONION/ID
    #[arg(long, value_name = "ID", conflicts_with = "after")]
    before: Option<String>,
    /// Only messages after the one with this id, the oldest of them
    #[arg(long, value_name = "ID")]
    after: Option<String>,
    /// Only this thread
    #[arg(long, short)]
    thread: Option<String>,
}

impl History {
    /// Shows a conversation.
    pub fn run(self, context: &Context) -> Outcome {
        let params = api::History {
            conversation: self.conversation,
            limit: self.limit,
            before: self.before,
            after: self.after,
            thread: self.thread,
        };
        let messages = history(&mut context.client()?, params)?;
        show(
            context,
            &api::Messages { messages },
            "no messages yet: sotto send CONVERSATION TEXT",
        )
    }
}

/// As many messages of a history as are asked for, page by page, the oldest first.
pub fn history(client: &mut Client, mut params: api::History) -> Result<Vec<api::Message>, Error> {
    /// The longest page that the daemon gives.
    const PAGE: u32 = 1000;
    let mut pages = VecDeque::new();
    let mut left = params.limit;
    loop {
        params.limit = left.map(|left| left.min(PAGE));
        let page = client.call::<all::History>(&params)?.messages;
        let got = u32::try_from(page.len()).unwrap_or(u32::MAX);
        left = left.map(|left| left.saturating_sub(got));
        let more = got == PAGE && left != Some(0);
        if params.after.is_some() {
            params.after = page.last().map(api::Message::place);
            pages.push_back(page);
        } else {
            params.before = page.first().map(api::Message::place);
            pages.push_front(page);
        }
        if !more {
            return Ok(pages.into_iter().flatten().collect());
        }
    }
}

/// `sotto search`
#[derive(Args, Debug)]
pub struct Search {
    /// Words that the text must contain, all of them; "in quotes" is a phrase, begin* the beginning of a word
    #[arg(required = true)]
    query: Vec<String>,
    /// At most so many, 1 to 1000
    #[arg(long, short = 'n', value_name = "N")]
    limit: Option<u32>,
    /// Only in this conversation
    #[arg(long, value_name = "CONVERSATION")]
    with: Option<String>,
    /// Only messages before the one with this id, or with this author and id: ONION/ID
    #[arg(long, value_name = "ID")]
    before: Option<String>,
}

impl Search {
    /// Finds messages.
    pub fn run(self, context: &Context) -> Outcome {
        let params = api::Search {
            query: self.query.join(" "),
            limit: self.limit,
            with: self.with,
            before: self.before,
        };
        let found = context.client()?.call::<all::Search>(&params)?;
        show(context, &found, "no message contains these words")
    }
}

/// `sotto threads`
#[derive(Args, Debug)]
pub struct Threads {
    /// At most so many, 1 to 1000
    #[arg(long, short = 'n', value_name = "N")]
    limit: Option<u32>,
}

impl Threads {
    /// Lists conversations and their threads.
    pub fn run(self, context: &Context) -> Outcome {
        let found = context
            .client()?
            .call::<all::Threads>(&api::ThreadsQuery { limit: self.limit })?;
        if found.threads.is_empty() {
            context.output.remark("no conversations yet");
        }
        Ok(context.output.emit(&found, |found| {
            if found.threads.is_empty() {
                return String::new();
            }
            let mut table = Table::new(&["WITH", "THREAD", "MESSAGES", "UNREAD", "LAST"]);
            for thread in &found.threads {
                let who = super::output::who(
                    thread.conversation.petname.as_deref(),
                    thread.conversation.claimed_name.as_deref(),
                    &thread.conversation.conversation,
                );
                let unread = if thread.unread == 0 {
                    String::new()
                } else {
                    thread.unread.to_string()
                };
                table.row([
                    (Tone::Author, who).into(),
                    thread.thread.as_deref().unwrap_or("-").into(),
                    thread.messages.to_string().into(),
                    (Tone::Strong, unread).into(),
                    moment(thread.last_at).into(),
                ]);
            }
            table.render()
        })?)
    }
}

fn show(context: &Context, found: &api::Messages, nothing: &str) -> Outcome {
    if found.messages.is_empty() {
        context.output.remark(nothing);
    }
    Ok(context.output.emit(found, |found| messages(&found.messages))?)
}
