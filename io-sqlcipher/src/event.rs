//! An event as columns and back. An event holds no text, so a few numbers are enough: its kind, whom and which message it
//! is about, and one value whose meaning depends on the kind.

use sotto_core::row::{DeliveryState, Event, MessageKey};
use sotto_core::{ConversationId, Direction, MessageId, OnionAddress};

use crate::code::Code;
use crate::side;

/// The columns `kind`, `contact`, `direction`, `message` and `value` of table `event`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct EventColumns {
    pub kind: i64,
    pub contact: OnionAddress,
    pub direction: Option<Direction>,
    pub message: Option<MessageId>,
    pub value: Option<i64>,
}

impl EventColumns {
    pub fn of(event: &Event) -> rusqlite::Result<Self> {
        Ok(match *event {
            Event::MessageQueued { key } => Self::message(1, key, None)?,
            Event::MessageReceived { key } => Self::message(2, key, None)?,
            Event::MessageState { key, state } => Self::message(3, key, Some(state.code()))?,
            Event::MessageEdited { key } => Self::message(4, key, None)?,
            Event::MessageDeleted { key } => Self::message(5, key, None)?,
            Event::MessageReacted { key, author } => {
                let author = side::direction(&side::contact(&key.conversation)?, &author);
                Self::message(6, key, Some(author.code()))?
            }
            Event::MessageDisappeared { key } => Self::message(7, key, None)?,
            Event::TimerChanged {
                conversation,
                author,
                seconds,
            } => {
                let contact = side::contact(&conversation)?;
                Self {
                    direction: Some(side::direction(&contact, &author)),
                    ..Self::contact(20, contact, Some(seconds.into()))
                }
            }
            Event::RequestReceived { contact } => Self::contact(21, contact, None),
            Event::RequestDelivered { contact } => Self::contact(22, contact, None),
            Event::RequestDeclined { contact } => Self::contact(23, contact, None),
            Event::ContactAdded { contact } => Self::contact(24, contact, None),
            Event::ContactRemoved { contact } => Self::contact(25, contact, None),
            Event::ContactBlocked { contact, blocked } => Self::contact(26, contact, Some(blocked.code())),
            Event::ContactVerified { contact, verified } => Self::contact(27, contact, Some(verified.code())),
            Event::ContactRekeyed {
                contact,
                identity_changed,
            } => Self::contact(28, contact, Some(identity_changed.code())),
        })
    }

    /// The event that has these columns, `own` being our address; `None` if none has.
    pub fn event(self, own: Option<OnionAddress>) -> Option<Event> {
        let contact = self.contact;
        let author = |direction| match direction {
            Direction::In => Some(contact),
            Direction::Out => own,
        };
        let key = || Some(MessageKey::direct(contact, author(self.direction?)?, self.message?));
        Some(match self.kind {
            1 => Event::MessageQueued { key: key()? },
            2 => Event::MessageReceived { key: key()? },
            3 => Event::MessageState {
                key: key()?,
                state: DeliveryState::from_code(self.value?)?,
            },
            4 => Event::MessageEdited { key: key()? },
            5 => Event::MessageDeleted { key: key()? },
            6 => Event::MessageReacted {
                key: key()?,
                author: author(Direction::from_code(self.value?)?)?,
            },
            7 => Event::MessageDisappeared { key: key()? },
            20 => Event::TimerChanged {
                conversation: ConversationId::Direct(contact),
                author: author(self.direction?)?,
                seconds: u32::try_from(self.value?).ok()?,
            },
            21 => Event::RequestReceived { contact },
            22 => Event::RequestDelivered { contact },
            23 => Event::RequestDeclined { contact },
            24 => Event::ContactAdded { contact },
            25 => Event::ContactRemoved { contact },
            26 => Event::ContactBlocked {
                contact,
                blocked: bool::from_code(self.value?)?,
            },
            27 => Event::ContactVerified {
                contact,
                verified: bool::from_code(self.value?)?,
            },
            28 => Event::ContactRekeyed {
                contact,
                identity_changed: bool::from_code(self.value?)?,
            },
            _ => return None,
        })
    }

    fn message(kind: i64, key: MessageKey, value: Option<i64>) -> rusqlite::Result<Self> {
        let contact = side::contact(&key.conversation)?;
        Ok(Self {
            kind,
            contact,
            direction: Some(side::direction(&contact, &key.author)),
            message: Some(key.id),
            value,
        })
    }

    const fn contact(kind: i64, contact: OnionAddress, value: Option<i64>) -> Self {
        Self {
            kind,
            contact,
            direction: None,
            message: None,
            value,
        }
    }
}
