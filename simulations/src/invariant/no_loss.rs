//! Every message that its author was told is durable ends as it must: the receiver has it exactly once and the author
//! knows, or it was not sent and the author knows.

use std::collections::{BTreeMap, BTreeSet};

use sotto_core::row::{DeliveryState, Event, MessageKey};

use super::{Invariant, Observation};
use crate::node_index::NodeIndex;
use crate::world::Sent;
use crate::world::{Fate, World};

pub struct NoLoss;

impl Invariant for NoLoss {
    fn name(&self) -> &'static str {
        "no loss"
    }

    fn observe(&mut self, _: &Observation<'_>, _: &World) -> Result<(), String> {
        Ok(())
    }

    fn conclude(&mut self, world: &World, _: &[(NodeIndex, NodeIndex)]) -> Result<(), String> {
        let between_honest = |sent: &&Sent| world.is_honest(sent.from) && world.is_honest(sent.to);
        let sent: Vec<&Sent> = world.sent().iter().filter(between_honest).collect();
        let received = received_events(world);
        sent.iter().try_for_each(|sent| check(sent, &received, world))?;
        let pairs: BTreeSet<_> = sent.iter().map(|sent| (sent.from, sent.to)).collect();
        pairs.into_iter().try_for_each(|(from, to)| no_stray(from, to, world))
    }
}

/// How often each message was received, by the event logs.
type Received = BTreeMap<(NodeIndex, MessageKey), usize>;

fn received_events(world: &World) -> Received {
    let mut received = Received::new();
    for peer in world.peers() {
        for event in world.disk(peer).events() {
            if let Event::MessageReceived { key } = event {
                *received.entry((peer, *key)).or_default() += 1;
            }
        }
    }
    received
}

fn check(sent: &Sent, received: &Received, world: &World) -> Result<(), String> {
    let Sent {
        from,
        to,
        id,
        text,
        fate,
    } = sent;
    let state = world.state(*from, *to, *id);
    let arrived = world.received(*from, *to, *id);
    let key = world.key(*to, *from, *to, *id);
    let events = received.get(&(*to, key)).copied().unwrap_or_default();
    let delivered = matches!(state, Some(DeliveryState::Delivered | DeliveryState::Read));
    let holds = match fate {
        Fate::Delivered => delivered && arrived.is_some() && events == 1,
        Fate::Received => arrived.is_some() && events == 1,
        Fate::Swallowed => delivered && arrived.is_none() && events == 0,
        Fate::Failed(reason) => state == Some(DeliveryState::Failed(*reason)) && arrived.is_none() && events == 0,
        Fate::Cancelled => state == Some(DeliveryState::Cancelled) && arrived.is_none() && events == 0,
        Fate::Vanished => events == 1 && ![*from, *to].iter().any(|peer| world.disk(*peer).holds_text(text)),
        Fate::VanishedUnsent => events == 0 && !world.disk(*from).holds_text(text),
        Fate::Erased => delivered && arrived.is_none() && events == 1,
        Fate::Forgotten => events == 0,
    };
    if !holds {
        let copies = usize::from(arrived.is_some());
        return Err(format!(
            "\"{text:.32}\" from {from} to {to} should be {fate:?}, but its state is {state:?}, \
             with {copies} copies and {events} events at {to}"
        ));
    }
    Ok(())
}

/// The receiver has no message of the sender that the sender was not told is durable.
fn no_stray(from: NodeIndex, to: NodeIndex, world: &World) -> Result<(), String> {
    let promised: BTreeSet<_> = world.sent().iter().map(|sent| sent.id).collect();
    let conversation = world.disk(to).conversation(world.address(from));
    let mut from_them = conversation.iter().filter(|row| row.key.is_from_peer());
    match from_them.find(|row| !promised.contains(&row.key.id)) {
        Some(row) => Err(format!(
            "{to} has message {} of {from}, which was never acknowledged to its sender",
            row.key.id
        )),
        None => Ok(()),
    }
}
