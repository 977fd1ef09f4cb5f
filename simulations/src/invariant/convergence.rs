//! In a quiescent world two friends agree on being friends, on the epoch of their session, and on all cursors. No
//! pre-key offer, request or outbox row is left.

use sotto_core::row::{Key, Relationship};

use super::{Invariant, Observation};
use crate::node_index::NodeIndex;
use crate::world::World;

pub struct Convergence;

impl Invariant for Convergence {
    fn name(&self) -> &'static str {
        "convergence"
    }

    fn observe(&mut self, _: &Observation<'_>, _: &World) -> Result<(), String> {
        Ok(())
    }

    fn conclude(&mut self, world: &World, friends: &[(NodeIndex, NodeIndex)]) -> Result<(), String> {
        for (a, b) in friends.iter().flat_map(|(a, b)| [(*a, *b), (*b, *a)]) {
            let disk = world.disk(a);
            if world.relationship(a, b) != Some(Relationship::Friend) {
                return Err(format!("{a} sees {b} as {:?}", world.relationship(a, b)));
            }
            let (Some(ours), Some(theirs)) = (world.cursors(a, b), world.cursors(b, a)) else {
                return Err(format!("{a} and {b} are friends without cursors"));
            };
            let sides = (ours.session_epoch, ours.sent, ours.acknowledged);
            if sides != (theirs.session_epoch, theirs.received, theirs.received) {
                return Err(format!("{a} has {ours:?}, but {b} has {theirs:?}"));
            }
            let address = world.address(b);
            if disk.row(&Key::Session(address)).is_none() {
                return Err(format!("{a} has no session with {b}"));
            }
            if world.waiting(a, b) > 0 {
                return Err(format!("{} outbox rows are left at {a} for {b}", world.waiting(a, b)));
            }
            for left_over in [Key::PreKeyOffer(address), Key::Request(address)] {
                if disk.row(&left_over).is_some() {
                    return Err(format!("{a} still has {left_over:?}"));
                }
            }
        }
        Ok(())
    }
}
