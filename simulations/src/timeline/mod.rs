//! [`Timeline`]: what happened in a run, to find a fault: every input and output (`full`), the main events with one
//! column for each peer (`columns`), or the same as a sequence diagram (`mermaid`).

mod columns;
mod full;
mod lines;
mod mermaid;
mod phrases;

use std::collections::BTreeMap;

use sotto_core::{Input, Millis, OnionAddress, Output};

use crate::node_index::NodeIndex;

/// The moments of a run, if they are kept.
#[derive(Clone, Debug, Default)]
pub struct Timeline {
    moments: Option<Vec<Moment>>,
    people: usize,
    addresses: BTreeMap<OnionAddress, NodeIndex>,
}

/// Something that happened.
#[derive(Clone, Debug)]
struct Moment {
    at: Millis,
    what: MomentKind,
}

#[derive(Clone, Debug)]
enum MomentKind {
    /// A machine was switched on, or off.
    Power(NodeIndex, bool),
    /// A note of the scenario.
    Note(String),
    /// A fault for these peers, or for all if there are none.
    Fault(Vec<NodeIndex>, String),
    /// A choice that is not harmless.
    Chance(&'static str, u32),
    /// An input of a node, with the remote end of its stream.
    Input(NodeIndex, Option<RemoteEnd>, Input),
    /// An output of a node, its number, and the remote end of its stream.
    Output(NodeIndex, u64, Option<RemoteEnd>, Output),
}

/// The remote end of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RemoteEnd {
    /// Whose.
    pub peer: NodeIndex,
    /// Of which stream.
    pub stream: u64,
}

impl Timeline {
    /// Keeps moments from now on.
    pub fn keep(&mut self) {
        self.moments.get_or_insert_default();
    }

    /// Whether moments are kept.
    pub fn is_kept(&self) -> bool {
        self.moments.is_some()
    }

    /// Names the peer at an address.
    pub fn introduce(&mut self, peer: NodeIndex, address: OnionAddress) {
        self.people = self.people.max(peer.0 + 1);
        self.addresses.insert(address, peer);
    }

    fn moment(&mut self, at: Millis, what: impl FnOnce() -> MomentKind) {
        if let Some(moments) = &mut self.moments {
            moments.push(Moment { at, what: what() });
        }
    }

    /// A machine is switched on or off.
    pub fn power(&mut self, now: Millis, peer: NodeIndex, on: bool) {
        self.people = self.people.max(peer.0 + 1);
        self.moment(now, || MomentKind::Power(peer, on));
    }

    /// Adds a note of the scenario.
    pub fn note(&mut self, now: Millis, note: impl FnOnce() -> String) {
        self.moment(now, || MomentKind::Note(note()));
    }

    /// Adds a fault for these peers.
    pub fn fault(&mut self, now: Millis, peers: &[NodeIndex], fault: impl FnOnce() -> String) {
        self.moment(now, || MomentKind::Fault(peers.to_vec(), fault()));
    }

    /// Adds a choice, unless it is harmless.
    pub fn chance(&mut self, now: Millis, label: &'static str, value: u32) {
        if value > 0 {
            self.moment(now, || MomentKind::Chance(label, value));
        }
    }

    /// Adds an input.
    pub fn input(&mut self, now: Millis, peer: NodeIndex, other: Option<RemoteEnd>, input: &Input) {
        self.moment(now, || MomentKind::Input(peer, other, input.clone()));
    }

    /// Adds an output.
    pub fn output(&mut self, now: Millis, peer: NodeIndex, index: u64, other: Option<RemoteEnd>, output: &Output) {
        self.moment(now, || MomentKind::Output(peer, index, other, output.clone()));
    }

    /// The time of the first moment. Times are shown relative to it.
    fn began(&self) -> Millis {
        let first = self.moments.iter().flatten().next();
        first.map_or(Millis(0), |moment| moment.at)
    }

    fn moments(&self) -> impl Iterator<Item = &Moment> {
        self.moments.iter().flatten()
    }
}

/// A span of time as `12.345`, `1h02m03.456` or `3d04h05m`.
pub fn clock(span: Millis) -> String {
    let (seconds, millis) = (span.0 / 1000, span.0 % 1000);
    let (minutes, hours, days) = (seconds / 60 % 60, seconds / 3600 % 24, seconds / 86_400);
    match seconds {
        0..60 => format!("{seconds}.{millis:03}"),
        60..3600 => format!("{minutes}m{:02}.{millis:03}", seconds % 60),
        3600..86_400 => format!("{hours}h{minutes:02}m{:02}.{millis:03}", seconds % 60),
        _ => format!("{days}d{hours:02}h{minutes:02}m{:02}", seconds % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_written_as_people_do() {
        for (millis, written) in [
            (7, "0.007"),
            (61_250, "1m01.250"),
            (3_723_004, "1h02m03.004"),
            (273_900_000, "3d04h05m00"),
        ] {
            assert_eq!(clock(Millis(millis)), written);
        }
    }
}
