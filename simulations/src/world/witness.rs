//! What a world tells its timeline: who is at the other end of a stream, and whose address is whose.

use sotto_core::{Input, LinkId, Output};

use super::network::WireId;
use super::{Peer, World};
use crate::timeline::{Other, Timeline};

impl World {
    /// What has happened so far, if it is kept.
    pub fn timeline(&self) -> Timeline {
        let mut timeline = self.trace.clone();
        for peer in self.peers() {
            if let Some(address) = self.hosts[peer.0].address {
                timeline.introduce(peer, address);
            }
        }
        timeline
    }

    /// The story has something to say.
    pub(crate) fn remark(&mut self, remark: impl FnOnce() -> String) {
        self.trace.remark(self.now, remark);
    }

    pub(super) fn witness_input(&mut self, peer: Peer, input: &Input) {
        if self.trace.is_kept() {
            let other = match input {
                Input::Accepted(link)
                | Input::Connected(link)
                | Input::Received(link, _)
                | Input::Drained(link)
                | Input::Closed(link, _) => self.other_end(peer, *link),
                Input::Command(..) | Input::Stored(_) | Input::Fetched(..) | Input::Tick => None,
            };
            self.trace.input(self.now, peer, other, input);
        }
    }

    pub(super) fn witness_output(&mut self, peer: Peer, index: u64, output: &Output) {
        if self.trace.is_kept() {
            let other = match output {
                Output::Transmit(link, _) | Output::Hangup(link) => self.other_end(peer, *link),
                Output::Commit(..) | Output::Fetch(..) | Output::Dial(..) | Output::Reply(..) | Output::Notify(_) => {
                    None
                }
            };
            self.trace.output(self.now, peer, index, other, output);
        }
    }

    fn other_end(&self, peer: Peer, link: LinkId) -> Option<Other> {
        let (wire, side): (WireId, _) = *self.hosts[peer.0].links.get(&link)?;
        let there = self
            .network
            .peer_of(wire, side.other())
            .or_else(|| self.network.called_by(wire));
        there.map(|peer| Other { peer, wire })
    }
}
