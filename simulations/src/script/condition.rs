//! What can be expected of a world.

use sotto_core::MessageId;
use sotto_core::row::{DeliveryState, FailReason, Key, Row, Standing};

use super::tell::Telling;
use super::words::{Condition, StandingWord, StateWord};
use crate::{Peer, World};

impl Condition {
    /// Whether it expects nothing.
    pub fn is_empty(&self) -> bool {
        let Self {
            friends,
            standing,
            heard,
            state,
            reaction,
            holds,
            gone,
            waiting,
            links,
            rest,
            within: _,
        } = self;
        friends.is_none()
            && rest.is_none()
            && standing.is_none()
            && heard.is_none()
            && state.is_none()
            && reaction.is_none()
            && (holds.is_none() && gone.is_none())
            && (waiting.is_none() && links.is_none())
    }

    /// What of it is not so.
    pub fn unmet(&self, world: &World, told: &Telling) -> Option<String> {
        let checks = [
            self.people(world),
            self.messages(world, told),
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
        let expected = self.standing.as_ref()?;
        let (of, with) = (expected.of.as_ref().0, expected.with.as_ref().0);
        let is = world.standing(with, of).unwrap_or(Standing::Stranger);
        (is != expected.is.into()).then(|| format!("to {with}, {of} is {is:?}"))
    }

    fn messages(&self, world: &World, told: &Telling) -> Option<String> {
        if let Some(expected) = &self.state {
            for (from, to, id) in told.messages(world, expected.of.as_ref()) {
                if !expected.is.holds(world, from, to, id) {
                    let state = world.state(from, to, id);
                    let arrived = if world.received(from, to, id).is_some() {
                        "has"
                    } else {
                        "has not"
                    };
                    return Some(format!(
                        "to {from} its state is {state:?}, and {to} {arrived} received it"
                    ));
                }
            }
        }
        let expected = self.reaction.as_ref()?;
        told.messages(world, expected.of.as_ref())
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
        if let Some(expected) = &self.heard {
            let (by, from) = (expected.by.as_ref().0, expected.from.as_ref().0);
            let heard = world.heard(from, by);
            if heard != expected.texts {
                return Some(format!("{by} has heard {heard:?} from {from}"));
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
        let [a, b] = self.rest.as_ref()?.each_ref().map(|who| who.as_ref().0);
        (!world.is_at_rest(&[(a, b)]))
            .then(|| format!("between {a} and {b} something is on its way, or they are no friends"))
    }
}

impl StateWord {
    fn holds(self, world: &World, from: Peer, to: Peer, id: MessageId) -> bool {
        let state = world.state(from, to, id);
        match self {
            Self::Received => world.received(from, to, id).is_some(),
            // What was read has been delivered.
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

impl From<StandingWord> for Standing {
    fn from(word: StandingWord) -> Self {
        match word {
            StandingWord::Stranger => Self::Stranger,
            StandingWord::Requested => Self::Requested,
            StandingWord::RequestDelivered => Self::RequestDelivered,
            StandingWord::RequestDeclined => Self::RequestDeclined,
            StandingWord::Asking => Self::Asking,
            StandingWord::Declined => Self::Declined,
            StandingWord::Friend => Self::Friend,
        }
    }
}
