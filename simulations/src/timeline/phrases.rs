//! Short phrases for commands, replies and batches.

use sotto_core::row::{Batch, Change, DeliveryState, Key, Row};
use sotto_core::{Command, ConversationId, MessageId, OnionAddress, Refusal, Reply};

use super::Timeline;

/// The longest text that is quoted whole.
const QUOTED: usize = 24;

/// A text in quotes, cut if it is long.
fn quote(text: &str) -> String {
    let short: String = text.chars().take(QUOTED).collect();
    let more = if short.len() < text.len() { "..." } else { "" };
    format!("\"{short}{more}\"")
}

/// Enough of an id to recognise it.
fn id(id: MessageId) -> String {
    id.to_string().chars().take(4).collect()
}

impl Timeline {
    /// The name of the peer at an address.
    pub fn name(&self, address: OnionAddress) -> String {
        match self.addresses.get(&address) {
            Some(peer) => peer.to_string(),
            None => format!("{address:?}"),
        }
    }

    /// The contact of a direct conversation by name, another conversation by its id.
    fn place(&self, conversation: ConversationId) -> String {
        match conversation.peer() {
            Some(contact) => self.name(contact),
            None => conversation.to_string(),
        }
    }

    /// What a user asks for.
    pub fn command(&self, command: &Command) -> String {
        let name = |address: &OnionAddress| self.name(*address);
        let place = |conversation| self.place(conversation);
        match command {
            Command::AddContact { code, .. } => {
                let invite = if code.invite.is_some() { " with an invite" } else { "" };
                format!("add {}{invite}", name(&code.address))
            }
            Command::AcceptContact { contact, .. } => format!("accept {}", name(contact)),
            Command::RejectContact(contact) => format!("decline {}", name(contact)),
            Command::RemoveContact(contact) => format!("remove {}", name(contact)),
            Command::ForgetContact(contact) => format!("forget {}", name(contact)),
            Command::BlockContact(contact, true) => format!("block {}", name(contact)),
            Command::BlockContact(contact, false) => format!("unblock {}", name(contact)),
            Command::Send(new_message) => {
                format!("send {} {}", place(new_message.conversation), quote(&new_message.text))
            }
            Command::EditMessage { id: of, text, .. } => format!("edit {}: {}", id(*of), quote(text)),
            Command::DeleteMessage { id: of, .. } => format!("delete {}", id(*of)),
            Command::CancelMessage { id: of, .. } => format!("cancel {}", id(*of)),
            Command::RetryMessage { id: of, .. } => format!("retry {}", id(*of)),
            Command::React { message, emoji } => match emoji {
                Some(emoji) => format!("react to {} with {}", id(message.id), quote(emoji)),
                None => format!("remove the reaction to {}", id(message.id)),
            },
            Command::MarkRead { ids, .. } => {
                let ids: Vec<_> = ids.iter().map(|of| id(*of)).collect();
                format!("mark {} as read", ids.join(", "))
            }
            Command::SetTimer(conversation, seconds) => {
                format!("set the timer with {} to {seconds} s", place(*conversation))
            }
            Command::DefaultTimer(Some(seconds)) => format!("set the default timer to {seconds} s"),
            Command::CreateInvite => "create an invite".to_owned(),
            other => {
                let text = format!("{other:?}");
                text.split(['(', ' ', '{']).next().unwrap_or_default().to_owned()
            }
        }
    }

    /// What a node replies, if it is more than that it is done.
    pub fn reply(&self, reply: &Result<Reply, Refusal>) -> Option<String> {
        match reply {
            Ok(Reply::Message { id: of, state }) => Some(format!("answers: {} is {}", id(*of), word(*state))),
            Ok(_) => None,
            Err(refusal) => Some(format!("refuses: {refusal}")),
        }
    }

    /// What a batch stores, without rows that only the protocol needs.
    pub fn batch(&self, batch: &Batch) -> Vec<String> {
        const SHOWN: usize = 4;
        let mut rows: Vec<_> = batch.changes.iter().filter_map(|change| self.change(change)).collect();
        let more = rows.len().saturating_sub(SHOWN);
        if more > 1 {
            rows.truncate(SHOWN);
            rows.push(format!("and {more} rows more"));
        }
        rows
    }

    fn change(&self, change: &Change) -> Option<String> {
        match change {
            Change::Put(row) | Change::Insert(row) => self.row(row),
            Change::Delete(key) => match key {
                Key::Outbox(contact, position) => Some(format!("#{} for {} is done", position.0, self.name(*contact))),
                Key::Message(key) => Some(format!("{} is gone", id(key.id))),
                Key::Session(contact) => Some(format!("no session with {}", self.name(*contact))),
                _ => None,
            },
        }
    }

    fn row(&self, row: &Row) -> Option<String> {
        match row {
            Row::Message(row) => {
                let way = if row.key.is_from_peer() { "from" } else { "to" };
                let text = quote(&row.text);
                Some(format!(
                    "{text} {way} {} as {}",
                    self.place(row.key.conversation),
                    id(row.key.id)
                ))
            }
            Row::Delivery(row) if !row.key.is_from_peer() && row.state != DeliveryState::Queued => {
                Some(format!("{} is {}", id(row.key.id), word(row.state)))
            }
            Row::Outbox(row) if row.sealed.is_some() => {
                Some(format!("#{} for {} is sealed", row.position.0, self.name(row.contact)))
            }
            Row::Reaction(row) => Some(format!("{} on {}", quote(&row.emoji), id(row.target.id))),
            Row::Request(row) => Some(format!("the request of {}", self.name(row.contact))),
            Row::PreKeyOffer(row) => Some(format!("an offer for {}", self.name(row.contact))),
            Row::Invite(_) => Some("an invite".to_owned()),
            Row::Contact(row) if row.retry.attempts > 0 => Some(format!(
                "tries to reach {}: {}",
                self.name(row.address),
                row.retry.attempts
            )),
            _ => None,
        }
    }
}

fn word(state: DeliveryState) -> String {
    format!("{state:?}").to_lowercase()
}
