//! What happened in a run, for a person who looks for a fault: every input and output in a line (`full`); what matters of
//! it, a column for each peer (`columns`); or the same as a sequence diagram (`mermaid`).

mod columns;
mod full;
mod mermaid;
mod story;
mod words;

use std::collections::BTreeMap;

use sotto_core::{Input, Millis, OnionAddress, Output};

use crate::peer::Peer;

/// The moments of a run; kept only when somebody will read them.
#[derive(Clone, Debug, Default)]
pub struct Timeline {
    moments: Option<Vec<Moment>>,
    people: usize,
    addresses: BTreeMap<OnionAddress, Peer>,
}

/// Something that happened.
#[derive(Clone, Debug)]
struct Moment {
    at: Millis,
    what: What,
}

#[derive(Clone, Debug)]
enum What {
    /// A machine is on from now on, or off.
    Power(Peer, bool),
    /// The story says so.
    Remark(String),
    /// Something bad for these, or for all if there are none.
    Fault(Vec<Peer>, String),
    /// Chance has chosen something bad.
    Chance(&'static str, u32),
    /// A node was told something, perhaps over a stream.
    Input(Peer, Option<Other>, Input),
    /// A node wants something, its so-manieth wish, perhaps over a stream.
    Output(Peer, u64, Option<Other>, Output),
}

/// The other end of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Other {
    /// Whose.
    pub peer: Peer,
    /// Of which stream.
    pub wire: u64,
}

impl Timeline {
    /// Keeps moments from now on.
    pub fn keep(&mut self) {
        self.moments.get_or_insert_default();
    }

    /// Whether it does.
    pub fn is_kept(&self) -> bool {
        self.moments.is_some()
    }

    /// That is somebody's address.
    pub fn introduce(&mut self, peer: Peer, address: OnionAddress) {
        self.people = self.people.max(peer.0 + 1);
        self.addresses.insert(address, peer);
    }

    fn moment(&mut self, at: Millis, what: impl FnOnce() -> What) {
        if let Some(moments) = &mut self.moments {
            moments.push(Moment { at, what: what() });
        }
    }

    /// A machine is switched on or off.
    pub fn power(&mut self, now: Millis, peer: Peer, on: bool) {
        self.people = self.people.max(peer.0 + 1);
        self.moment(now, || What::Power(peer, on));
    }

    /// The story says so.
    pub fn remark(&mut self, now: Millis, remark: impl FnOnce() -> String) {
        self.moment(now, || What::Remark(remark()));
    }

    /// Something bad happens to these.
    pub fn fault(&mut self, now: Millis, peers: &[Peer], fault: impl FnOnce() -> String) {
        self.moment(now, || What::Fault(peers.to_vec(), fault()));
    }

    /// Chance has chosen something that is not harmless.
    pub fn chance(&mut self, now: Millis, label: &'static str, value: u32) {
        if value > 0 {
            self.moment(now, || What::Chance(label, value));
        }
    }

    /// A node is told something.
    pub fn input(&mut self, now: Millis, peer: Peer, other: Option<Other>, input: &Input) {
        self.moment(now, || What::Input(peer, other, input.clone()));
    }

    /// A node wants something, its `index`-th wish.
    pub fn output(&mut self, now: Millis, peer: Peer, index: u64, other: Option<Other>, output: &Output) {
        self.moment(now, || What::Output(peer, index, other, output.clone()));
    }

    /// When the first thing happened; people count from there.
    fn began(&self) -> Millis {
        let first = self.moments.iter().flatten().next();
        first.map_or(Millis(0), |moment| moment.at)
    }

    fn moments(&self) -> impl Iterator<Item = &Moment> {
        self.moments.iter().flatten()
    }
}

/// A moment as people write it: `12.345`, `1h02m03.456` or `3d04h05m`.
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
