//! Every message that its author was told is durable has come to the end that it should: with the receiver exactly once
//! and known to be there, or not sent and known not to be.

use sotto_core::Direction;
use sotto_core::row::{DeliveryState, Event};

use super::{Invariant, Seen};
use crate::world::Sent;
use crate::{Fate, Peer, World};

pub struct NoLoss;

impl Invariant for NoLoss {
    fn name(&self) -> &'static str {
        "no loss"
    }

    fn observe(&mut self, _: &Seen<'_>, _: &World) -> Result<(), String> {
        Ok(())
    }

    fn conclude(&mut self, world: &World, _: &[(Peer, Peer)]) -> Result<(), String> {
        let between_honest = |sent: &&Sent| world.is_honest(sent.from) && world.is_honest(sent.to);
        world
            .sent()
            .iter()
            .filter(between_honest)
            .try_for_each(|sent| check(sent, world))
    }
}

fn check(sent: &Sent, world: &World) -> Result<(), String> {
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
    let events = world.count_events(
        *to,
        |event| matches!(event, Event::MessageReceived { key: of } if *of == key),
    );
    let delivered = matches!(state, Some(DeliveryState::Delivered | DeliveryState::Read));
    let holds = match fate {
        Fate::Delivered => delivered && arrived.is_some() && events == 1,
        Fate::Received => arrived.is_some() && events == 1,
        Fate::Swallowed => delivered && arrived.is_none() && events == 0,
        Fate::Failed(reason) => state == Some(DeliveryState::Failed(*reason)) && arrived.is_none() && events == 0,
        Fate::Cancelled => state == Some(DeliveryState::Cancelled) && arrived.is_none() && events == 0,
        Fate::Vanished => events == 1 && ![*from, *to].iter().any(|peer| world.disk(*peer).holds_text(text)),
        Fate::Forgotten => events == 0,
    };
    if !holds {
        let copies = usize::from(arrived.is_some());
        return Err(format!(
            "\"{text:.32}\" from {from} to {to} should be {fate:?}, but its state is {state:?}, \
             with {copies} copies and {events} events at {to}"
        ));
    }
    // The receiver has nothing else from them.
    let from_them = world.disk(*to).conversation(world.address(*from));
    let stray = from_them
        .iter()
        .find(|row| row.key.direction == Direction::In && !world.sent().iter().any(|sent| sent.id == row.key.id));
    match stray {
        Some(row) => Err(format!(
            "{to} has message {} of {from}, which was never promised",
            row.key.id
        )),
        None => Ok(()),
    }
}
