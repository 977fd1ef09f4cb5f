//! Network faults of scenarios, and the cut that a choice can make.

use sotto_core::{Cause, Millis};

use super::{Phase, Side, Stream, StreamId, pair};
use crate::node_index::NodeIndex;
use crate::world::World;

impl World {
    /// Partitions two peers: they cannot reach each other, and their streams are cut.
    pub fn partition(&mut self, a: NodeIndex, b: NodeIndex) {
        self.timeline.fault(self.now, &[a, b], || "partitioned".to_owned());
        self.network.partitioned.insert(pair(a, b));
        self.cut(a, b);
    }

    /// Ends all partitions, refusals and small pieces.
    pub fn heal(&mut self) {
        self.network.partitioned.clear();
        self.network.refusals.clear();
        self.network.longest_piece = 0;
    }

    /// Refuses the next dials of a peer.
    pub fn refuse_dials(&mut self, peer: NodeIndex, how_many: u32) {
        self.network.refusals.insert(peer, how_many);
    }

    /// Delivers bytes in pieces no longer than this.
    pub fn split_bytes(&mut self, longest: usize) {
        self.network.longest_piece = longest;
    }

    /// Cuts every stream between two peers. Bytes in transit are lost.
    pub fn cut(&mut self, a: NodeIndex, b: NodeIndex) {
        self.timeline.fault(self.now, &[a, b], || "cut".to_owned());
        for stream in self.streams_between(a, b) {
            self.cut_stream(stream);
        }
    }

    /// Every stream between two peers stops carrying bytes, and neither end is told.
    pub fn silence(&mut self, a: NodeIndex, b: NodeIndex) {
        self.timeline
            .fault(self.now, &[a, b], || "stream dies silently".to_owned());
        for id in self.streams_between(a, b) {
            match self.network.streams.get_mut(&id) {
                Some(stream) if stream.dialer.phase == Phase::Up => {
                    stream.cut = true;
                    stream.silent = true;
                }
                // A dial always completes.
                _ => self.cut_stream(id),
            }
        }
    }

    /// How many streams are up between two peers.
    pub fn links_between(&self, a: NodeIndex, b: NodeIndex) -> usize {
        let up = |id: &StreamId| self.network.streams.get(id).is_some_and(|stream| !stream.cut);
        self.streams_between(a, b).into_iter().filter(up).count()
    }

    fn streams_between(&self, a: NodeIndex, b: NodeIndex) -> Vec<StreamId> {
        let between = |stream: &Stream| {
            let listener = stream.listener.as_ref();
            listener.is_some_and(|end| pair(end.peer, stream.dialer.peer) == pair(a, b))
        };
        let streams = self.network.streams.iter();
        streams
            .filter(|(_, stream)| between(stream))
            .map(|(id, _)| *id)
            .collect()
    }

    pub(super) fn cut_stream(&mut self, id: StreamId) {
        if let Some(stream) = self.network.streams.get_mut(&id) {
            stream.cut = true;
        }
        for side in [Side::Dialer, Side::Listener] {
            // One end may learn of it minutes after the other.
            let unaware = if self.chance("half-open", 4) {
                Millis::minutes(4)
            } else {
                Millis(0)
            };
            self.close(id, side, Cause::Ended, unaware);
        }
    }
}
