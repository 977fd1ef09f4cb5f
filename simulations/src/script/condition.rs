//! Evaluates a [`Condition`] in a world.

use sotto_core::MessageId;
use sotto_core::row::{DeliveryState, FailReason, Key, Relationship, Row};

use super::ast::{Condition, StandingName, StateName};
use super::interpreter::Interpreter;
use crate::node_index::NodeIndex;
use crate::world::World;

impl Condition {
    /// Whether it is empty.
    pub fn is_empty(&self) -> bool {
        let Self {
            friends,
            relationship,
            received,
            state,
            reaction,
            holds,
            gone,
            waiting,
            links,
            quiescent,
            within: _,
        } = self;
        friends.is_none()
            && quiescent.is_none()
            && relationship.is_none()
            && received.is_none()
            && state.is_none()
            && reaction.is_none()
            && (holds.is_none() && gone.is_none())
            && (waiting.is_none() && links.is_none())
    }

    /// What of it does not hold.
    pub fn unmet(&self, world: &World, interpreter: &Interpreter) -> Option<String> {
        let checks = [
            self.people(world),
            self.messages(world, interpreter),
            self.texts(world),
            self.between(world),
        ];
        checks.into_iter().flatten().next()
    }

    fn people(&self, world: &World) -> Option<String> {
        if let Some([a, b]) = &self.friends
            && !world.are_friends(a.as_ref().0, b.as_ref().0)
        {
            return Some(format!("{} and {} are not friends", a.as_ref().0, b.as_ref().0));
        }
        let expected = self.relationship.as_ref()?;
        let (of, with) = (expected.of.as_ref().0, expected.with.as_ref().0);
        let is = world.relationship(with, of).unwrap_or(Relationship::Stranger);
        (is != expected.is.into()).then(|| format!("{with} has {of} as {is:?}"))
    }

    fn messages(&self, world: &World, interpreter: &Interpreter) -> Option<String> {
        if let Some(expected) = &self.state {
            for (from, to, id) in interpreter.messages(world, expected.of.as_ref()) {
                if !expected.is.holds(world, from, to, id) {
                    let state = world.state(from, to, id);
                    let arrived = if world.received(from, to, id).is_some() {
                        "has"
                    } else {
                        "has not"
                    };
                    return Some(format!("{from} has it as {state:?}, and {to} {arrived} received it"));
                }
            }
        }
        let expected = self.reaction.as_ref()?;
        interpreter
            .messages(world, expected.of.as_ref())
            .into_iter()
            .find_map(|(from, to, id)| {
                let key = Key::Reaction(world.key(from, from, to, id), world.address(to));
                let seen = match world.disk(from).row(&key) {
                    Some(Row::Reaction(row)) => row.emoji.as_str(),
                    _ => "",
                };
                (seen != expected.is).then(|| format!("{from} sees the reaction {seen:?}"))
            })
    }

    fn texts(&self, world: &World) -> Option<String> {
        if let Some(expected) = &self.received {
            let (by, from) = (expected.by.as_ref().0, expected.from.as_ref().0);
            let received = world.received_texts(from, by);
            if received != expected.texts {
                return Some(format!("{by} has received {received:?} from {from}"));
            }
        }
        if let Some(expected) = &self.holds {
            let by = expected.by.as_ref().0;
            if !world.disk(by).holds_text(&expected.text) {
                return Some(format!("{by}'s disk does not hold {:?}", expected.text));
            }
        }
        let text = self.gone.as_ref()?;
        let holder = world.peers().find(|peer| world.disk(*peer).holds_text(text))?;
        Some(format!("{holder}'s disk holds {text:?}"))
    }

    fn between(&self, world: &World) -> Option<String> {
        if let Some(expected) = &self.waiting {
            let (by, to) = (expected.by.as_ref().0, expected.to.as_ref().0);
            let rows = world.waiting(by, to);
            if rows != expected.rows {
                return Some(format!("{rows} rows wait with {by} for {to}"));
            }
        }
        if let Some(expected) = &self.links {
            let [a, b] = expected.between.each_ref().map(|who| who.as_ref().0);
            let links = world.links_between(a, b);
            if links != expected.are {
                return Some(format!("there are {links} links between {a} and {b}"));
            }
        }
        let [a, b] = self.quiescent.as_ref()?.each_ref().map(|who| who.as_ref().0);
        (!world.is_quiescent(&[(a, b)]))
            .then(|| format!("{a} and {b} are not friends, or something between them is not delivered"))
    }
}

impl StateName {
    fn holds(self, world: &World, from: NodeIndex, to: NodeIndex, id: MessageId) -> bool {
        let state = world.state(from, to, id);
        match self {
            Self::Received => world.received(from, to, id).is_some(),
            // A read message was delivered.
            Self::Delivered => matches!(state, Some(DeliveryState::Delivered | DeliveryState::Read)),
            Self::Queued => state == Some(DeliveryState::Queued),
            Self::Sent => state == Some(DeliveryState::Sent),
            Self::Read => state == Some(DeliveryState::Read),
            Self::Expired => state == Some(DeliveryState::Failed(FailReason::Expired)),
            Self::Removed => state == Some(DeliveryState::Failed(FailReason::Removed)),
            Self::Cancelled => state == Some(DeliveryState::Cancelled),
        }
    }
}

impl From<StandingName> for Relationship {
    fn from(word: StandingName) -> Self {
        match word {
            StandingName::Stranger => Self::Stranger,
            StandingName::Requested => Self::Requested,
            StandingName::RequestDelivered => Self::RequestDelivered,
            StandingName::RequestDeclined => Self::RequestDeclined,
            StandingName::Asking => Self::Asking,
            StandingName::Declined => Self::Declined,
            StandingName::Friend => Self::Friend,
        }
    }
}
