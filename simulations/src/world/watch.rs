//! Who watches a world: whatever is to hold in it is told of everything that happens, and has the last word. The world knows
//! no property; [`crate::invariant`] has them.

use sotto_core::row::Batch;
use sotto_core::{Input, Output};

use super::{Peer, World};

/// Something that happens.
pub enum Seen<'a> {
    /// A node is about to be opened.
    Opening(Peer),
    /// Somebody has changed a disk behind its node's back.
    Tampered(Peer),
    /// A node is about to be told something.
    Input(Peer, &'a Input),
    /// A node wants something, which has not been done yet.
    Output(Peer, &'a Output),
    /// A node wants no more for now; that was so many outputs.
    Drained(Peer, usize),
    /// A batch is about to reach the disk.
    Committing(Peer, &'a Batch),
    /// It has.
    Durable(Peer, &'a Batch),
}

impl Seen<'_> {
    /// Whom it concerns.
    pub fn whose(&self) -> Peer {
        match self {
            Self::Opening(peer)
            | Self::Tampered(peer)
            | Self::Input(peer, _)
            | Self::Output(peer, _)
            | Self::Drained(peer, _)
            | Self::Committing(peer, _)
            | Self::Durable(peer, _) => *peer,
        }
    }
}

/// A property of worlds.
pub trait Invariant {
    /// Its name.
    fn name(&self) -> &'static str;

    /// Looks at something that happens. An error says how it breaks the property.
    fn observe(&mut self, seen: &Seen<'_>, world: &World) -> Result<(), String>;

    /// Looks at a world that has come to rest, and in which these are friends.
    fn conclude(&mut self, world: &World, friends: &[(Peer, Peer)]) -> Result<(), String> {
        let _ = (world, friends);
        Ok(())
    }
}

impl World {
    pub(super) fn observe(&mut self, seen: &Seen<'_>) {
        if self.is_honest(seen.whose()) {
            self.hold(|invariant, world| invariant.observe(seen, world));
        }
    }

    /// Asks every invariant for its last word.
    pub fn conclude(&mut self, friends: &[(Peer, Peer)]) {
        self.hold(|invariant, world| invariant.conclude(world, friends));
    }

    fn hold(&mut self, mut question: impl FnMut(&mut dyn Invariant, &Self) -> Result<(), String>) {
        let mut invariants = std::mem::take(&mut self.invariants);
        for invariant in &mut invariants {
            let name = invariant.name();
            if let Err(how) = question(invariant.as_mut(), self) {
                self.fail(format_args!("{name} is broken: {how}"));
            }
        }
        self.invariants = invariants;
    }
}
