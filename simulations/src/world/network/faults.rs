//! What stories do to the network, and the cut that chance makes, too.

use sotto_core::{Cause, Millis};

use super::{Phase, Side, Wire, WireId, pair};
use crate::{Peer, World};

impl World {
    /// Two cannot reach each other from now on, and what is between them is cut.
    pub fn part(&mut self, a: Peer, b: Peer) {
        self.trace.fault(self.now, &[a, b], || "parted".to_owned());
        self.network.apart.insert(pair(a, b));
        self.cut(a, b);
    }

    /// All can reach all again, and nothing is refused or split any more.
    pub fn heal(&mut self) {
        self.network.apart.clear();
        self.network.refusals.clear();
        self.network.piece = 0;
    }

    /// The next dials of a peer are refused.
    pub fn refuse_dials(&mut self, peer: Peer, how_many: u32) {
        self.network.refusals.insert(peer, how_many);
    }

    /// Bytes arrive in pieces no longer than this.
    pub fn split_bytes(&mut self, longest: usize) {
        self.network.piece = longest;
    }

    /// Cuts every stream between two; what is on its way is lost.
    pub fn cut(&mut self, a: Peer, b: Peer) {
        self.trace.fault(self.now, &[a, b], || "cut".to_owned());
        for wire in self.wires_between(a, b) {
            self.cut_wire(wire);
        }
    }

    /// Every stream between two dies, and neither end is told.
    pub fn silence(&mut self, a: Peer, b: Peer) {
        self.trace.fault(self.now, &[a, b], || "silent".to_owned());
        for id in self.wires_between(a, b) {
            match self.network.wires.get_mut(&id) {
                Some(wire) if wire.dialler.phase == Phase::Up => {
                    wire.cut = true;
                    wire.silent = true;
                }
                // A dial always comes to an end.
                _ => self.cut_wire(id),
            }
        }
    }

    /// How many streams are up between two.
    pub fn links_between(&self, a: Peer, b: Peer) -> usize {
        let up = |id: &WireId| self.network.wires.get(id).is_some_and(|wire| !wire.cut);
        self.wires_between(a, b).into_iter().filter(up).count()
    }

    fn wires_between(&self, a: Peer, b: Peer) -> Vec<WireId> {
        let between = |wire: &Wire| {
            let listener = wire.listener.as_ref();
            listener.is_some_and(|end| pair(end.peer, wire.dialler.peer) == pair(a, b))
        };
        let wires = self.network.wires.iter();
        wires.filter(|(_, wire)| between(wire)).map(|(id, _)| *id).collect()
    }

    pub(super) fn cut_wire(&mut self, id: WireId) {
        if let Some(wire) = self.network.wires.get_mut(&id) {
            wire.cut = true;
        }
        for side in [Side::Dialler, Side::Listener] {
            // One end may learn of it long after the other.
            let unaware = if self.by_chance("half-open", 4) {
                Millis::minutes(4)
            } else {
                Millis(0)
            };
            self.close(id, side, Cause::Ended, unaware);
        }
    }
}
