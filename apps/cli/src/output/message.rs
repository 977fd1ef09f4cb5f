//! Messages and the people in them, as a person reads them: who and when first, the text, then what hangs on it in faint
//! letters.

use std::fmt::Write as _;

use sotto_api::{Direction, Message, MessageState, shown_name};
use unicode_width::UnicodeWidthStr;

use super::Tone;
use super::text::{block, line, short};
use super::when::moment;

/// What to call a peer.
pub fn who(petname: Option<&str>, claimed: Option<&str>, onion: &str) -> String {
    line(&shown_name(petname, claimed, onion))
}

/// A state in one word.
pub const fn state_word(state: MessageState) -> &'static str {
    match state {
        MessageState::Queued => "queued",
        MessageState::Sent => "sent",
        MessageState::Delivered => "delivered",
        MessageState::Read => "read",
        MessageState::Failed => "failed",
        MessageState::Cancelled => "cancelled",
    }
}

/// A state in its colour.
pub fn state(state: MessageState) -> String {
    let tone = match state {
        MessageState::Queued | MessageState::Sent => Tone::Warning,
        MessageState::Delivered | MessageState::Read => Tone::Good,
        MessageState::Failed => Tone::Bad,
        MessageState::Cancelled => Tone::Faint,
    };
    tone.paint(state_word(state))
}

/// Messages, one below the other.
pub fn messages(messages: &[Message]) -> String {
    let heads: Vec<(String, String)> = messages
        .iter()
        .map(|message| (moment(message.received_at.unwrap_or(message.sent_at)), speaker(message)))
        .collect();
    let when_width = heads.iter().map(|(when, _)| when.width()).max().unwrap_or(0);
    let who_width = heads.iter().map(|(_, who)| who.width()).max().unwrap_or(0);
    let indent = when_width + who_width + 4;
    let mut text = String::new();
    for (message, (when, who)) in messages.iter().zip(&heads) {
        let tone = if message.direction == Direction::In {
            Tone::Author
        } else {
            Tone::Strong
        };
        let _ = writeln!(
            text,
            "{}{}  {}{}  {}\n{}{}",
            " ".repeat(when_width - when.width()),
            Tone::Faint.paint(when),
            " ".repeat(who_width - who.width()),
            tone.paint(who),
            body(message, indent),
            " ".repeat(indent),
            Tone::Faint.paint(&remarks(message)),
        );
    }
    text
}

fn speaker(message: &Message) -> String {
    match message.direction {
        Direction::In => who(
            message.petname.as_deref(),
            message.claimed_name.as_deref(),
            &message.from,
        ),
        Direction::Out => "you".to_owned(),
    }
}

fn body(message: &Message, indent: usize) -> String {
    if message.deleted_at.is_some() {
        Tone::Faint.paint("(deleted)")
    } else if message.content_type == sotto_api::ContentType::Unsupported {
        Tone::Faint.paint("(a kind of message that this version does not know)")
    } else {
        block(&message.text, indent)
    }
}

fn remarks(message: &Message) -> String {
    let mut remarks = vec![short(&message.id).to_owned()];
    if let Some(thread) = &message.thread {
        remarks.push(format!("in {}", line(thread)));
    }
    if let Some(reply_to) = &message.reply_to {
        remarks.push(format!("answers {}", short(reply_to)));
    }
    if message.edited_at.is_some() {
        remarks.push("edited".to_owned());
    }
    remarks.extend(message.reactions.iter().map(|reaction| match reaction.direction {
        Direction::In => format!("{} by them", line(&reaction.emoji)),
        Direction::Out => format!("{} by you", line(&reaction.emoji)),
    }));
    if let Some(expires_at) = message.expires_at {
        remarks.push(format!("until {}", moment(expires_at)));
    }
    match message.direction {
        Direction::Out => remarks.push(state_word(message.state).to_owned()),
        Direction::In if message.state != MessageState::Read => remarks.push("unread".to_owned()),
        Direction::In => {}
    }
    remarks.join(" · ")
}
