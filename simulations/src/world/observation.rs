//! [`Observation`] and [`Invariant`]: every invariant is told of each event in a world, and checks the world at its
//! end. The world itself knows no property; [`crate::invariant`] has them.

use sotto_core::row::Batch;
use sotto_core::{Input, Output};

use super::{NodeIndex, World};

/// What an invariant is told.
pub enum Observation<'a> {
    /// A node is about to be opened.
    Opening(NodeIndex),
    /// A disk was edited while its node was off.
    Tampered(NodeIndex),
    /// A node is about to be given an input.
    Input(NodeIndex, &'a Input),
    /// A node has an output, which is not carried out yet.
    Output(NodeIndex, &'a Output),
    /// `poll` has returned `None`, after so many outputs.
    Drained(NodeIndex, usize),
    /// A batch is about to become durable.
    Committing(NodeIndex, &'a Batch),
    /// It is durable.
    Durable(NodeIndex, &'a Batch),
}

impl Observation<'_> {
    /// Whose machine it is.
    pub fn peer(&self) -> NodeIndex {
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

    /// Checks an observation. An error says how it violates the property.
    fn observe(&mut self, observation: &Observation<'_>, world: &World) -> Result<(), String>;

    /// Checks a quiescent world in which these peers are friends.
    fn conclude(&mut self, world: &World, friends: &[(NodeIndex, NodeIndex)]) -> Result<(), String> {
        let _ = (world, friends);
        Ok(())
    }
}

impl World {
    pub(super) fn observe(&mut self, observation: &Observation<'_>) {
        if self.is_honest(observation.peer()) {
            self.ask_invariants(|invariant, world| invariant.observe(observation, world));
        }
    }

    /// Lets every invariant check the end of the run.
    pub fn conclude(&mut self, friends: &[(NodeIndex, NodeIndex)]) {
        self.ask_invariants(|invariant, world| invariant.conclude(world, friends));
    }

    fn ask_invariants(&mut self, mut question: impl FnMut(&mut dyn Invariant, &Self) -> Result<(), String>) {
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
