//! What a world adds to its [`Timeline`]: the remote end of each stream, and the names of addresses.

use sotto_core::{Input, LinkId, Output};

use super::network::StreamId;
use super::{NodeIndex, World};
use crate::timeline::{RemoteEnd, Timeline};

impl World {
    /// The timeline so far, if it is kept.
    pub fn timeline(&self) -> Timeline {
        let mut timeline = self.timeline.clone();
        for peer in self.peers() {
            if let Some(address) = self.hosts[peer.0].address {
                timeline.introduce(peer, address);
            }
        }
        timeline
    }

    /// Adds a note of the scenario.
    pub(crate) fn note(&mut self, note: impl FnOnce() -> String) {
        self.timeline.note(self.now, note);
    }

    pub(super) fn record_input(&mut self, peer: NodeIndex, input: &Input) {
        if self.timeline.is_kept() {
            let other = match input {
                Input::Accepted(link, _)
                | Input::Connected(link)
                | Input::Received(link, _)
                | Input::Drained(link)
                | Input::Closed(link, _) => self.other_end(peer, *link),
                Input::Command(..) | Input::Stored(_) | Input::Fetched(..) | Input::Entropy(_) | Input::Tick => None,
            };
            self.timeline.input(self.now, peer, other, input);
        }
    }

    pub(super) fn record_output(&mut self, peer: NodeIndex, index: u64, output: &Output) {
        if self.timeline.is_kept() {
            let other = match output {
                Output::Transmit(link, _) | Output::Hangup(link) => self.other_end(peer, *link),
                Output::Commit(..) | Output::Fetch(..) | Output::Dial(..) | Output::Reply(..) | Output::Notify(_) => {
                    None
                }
            };
            self.timeline.output(self.now, peer, index, other, output);
        }
    }

    fn other_end(&self, peer: NodeIndex, link: LinkId) -> Option<RemoteEnd> {
        let (stream, side): (StreamId, _) = *self.hosts[peer.0].links.get(&link)?;
        let there = self
            .network
            .peer_of(stream, side.other())
            .or_else(|| self.network.dialed_peer(stream));
        there.map(|peer| RemoteEnd { peer, stream })
    }
}
