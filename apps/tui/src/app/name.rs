//! [`Name`]: what a peer or a conversation is called on the screen.

use sotto_api::{Contact, ContactName, Conversation, Message};

/// A name, and who has given it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Name {
    /// The user's own name for the peer.
    Petname(String),
    /// The peer's name for itself, which any peer can claim, and the beginning of its address.
    Claimed(String, String),
    /// The beginning of its address.
    Address(String),
}

/// Letters of an address that stand for it; commands take as many.
const SHORT: usize = 8;

/// The beginning of an onion address.
pub fn short(onion: &str) -> &str {
    onion.get(..SHORT).unwrap_or(onion)
}

impl Name {
    /// The name of the peer at `onion`.
    pub fn of(petname: Option<&str>, claimed: Option<&str>, onion: &str) -> Self {
        let filled = |name: Option<&str>| name.filter(|name| !name.trim().is_empty()).map(one_line);
        match (filled(petname), filled(claimed)) {
            (Some(petname), _) => Self::Petname(petname),
            (None, Some(claimed)) => Self::Claimed(claimed, short(onion).to_owned()),
            (None, None) => Self::Address(short(onion).to_owned()),
        }
    }

    /// As one text. A claimed name is marked with `~`, and the beginning of its address stands beside it.
    pub fn text(&self) -> String {
        match self {
            Self::Petname(name) | Self::Address(name) => name.clone(),
            Self::Claimed(name, short) => format!("~{name} ({short})"),
        }
    }

    /// For the list of conversations, which has little room: without the address.
    pub fn brief(&self) -> String {
        match self {
            Self::Petname(name) | Self::Address(name) => name.clone(),
            Self::Claimed(name, _) => format!("~{name}"),
        }
    }
}

/// Names have no line breaks; a daemon of another version could think otherwise.
fn one_line(name: &str) -> String {
    name.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

impl From<&ContactName> for Name {
    fn from(who: &ContactName) -> Self {
        Self::of(who.petname.as_deref(), who.claimed_name.as_deref(), &who.contact)
    }
}

impl From<&Contact> for Name {
    fn from(contact: &Contact) -> Self {
        Self::from(&contact.who)
    }
}

impl From<&Conversation> for Name {
    fn from(conversation: &Conversation) -> Self {
        let claimed = conversation.claimed_name.as_deref();
        Self::of(conversation.petname.as_deref(), claimed, &conversation.conversation)
    }
}

/// The author's name, of a message that another node wrote.
impl From<&Message> for Name {
    fn from(message: &Message) -> Self {
        Self::of(
            message.petname.as_deref(),
            message.claimed_name.as_deref(),
            &message.from,
        )
    }
}
