//! Disks that do not do as they are told. A store that cannot write or read says so, and the driver's part is then always
//! the same: drop the node, and open it again from what is there, after a while. So whatever is wrong with a disk is a
//! crash to the node; what differs is for how long it cannot come back, and whether the last batch is there.
//!
//! A store that somebody else has open is [`Trouble::Busy`]; a second node of one store is in `twice`.

use sotto_core::Millis;

use super::{Happening, InFlight, Peer, World};

/// Whoever looks after the daemon starts it again this long after it has ended with an error.
const PATIENCE: Millis = Millis::seconds(30);
/// How long trouble lasts that chance makes. The first is over with the one thing that went wrong.
const LASTING: [Millis; 4] = [Millis(0), Millis::minutes(1), Millis::minutes(10), Millis::hours(2)];

/// What is wrong with a disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// Nothing can be written, for want of room. All can be read.
    Full,
    /// Somebody else has the store: it can be neither opened, nor read, nor written.
    Busy,
    /// Nothing can be read. What is written is there.
    Unreadable,
    /// Writing ends with an error, and may have been done all the same.
    Failing,
}

/// What a driver does with a disk.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Errand {
    Opening,
    Reading,
    Writing,
}

impl Trouble {
    const ALL: [Self; 4] = [Self::Full, Self::Busy, Self::Unreadable, Self::Failing];

    fn is_in_the_way_of(self, errand: Errand) -> bool {
        match self {
            Self::Full | Self::Failing => errand == Errand::Writing,
            Self::Busy => true,
            Self::Unreadable => errand != Errand::Writing,
        }
    }
}

impl World {
    /// Something is wrong with a disk from now on.
    pub fn break_disk(&mut self, peer: Peer, trouble: Trouble) {
        self.trouble(peer, trouble, Millis(u64::MAX));
    }

    /// It does as it is told again.
    pub fn mend_disk(&mut self, peer: Peer) {
        self.hosts[peer.0].trouble = None;
    }

    fn trouble(&mut self, peer: Peer, trouble: Trouble, until: Millis) {
        self.trace
            .fault(self.now, &[peer], || format!("has a disk that is {trouble:?}"));
        self.hosts[peer.0].trouble = Some((trouble, until));
    }

    /// Whether the disk will not do this now, as the story or chance has it.
    pub(super) fn disk_refuses(&mut self, peer: Peer, errand: Errand) -> bool {
        if self.trouble_now(peer).is_none() && errand != Errand::Opening && self.by_chance("disk trouble", 200) {
            let trouble = Trouble::ALL[self.pick("trouble", Trouble::ALL.len())];
            let lasting = if self.punctual {
                0
            } else {
                self.pick("lasting", LASTING.len())
            };
            self.trouble(peer, trouble, Millis(self.now.0 + LASTING[lasting].0));
        }
        self.trouble_now(peer)
            .is_some_and(|trouble| trouble.is_in_the_way_of(errand))
    }

    fn trouble_now(&self, peer: Peer) -> Option<Trouble> {
        self.hosts[peer.0]
            .trouble
            .filter(|(_, until)| self.now <= *until)
            .map(|(trouble, _)| trouble)
    }

    /// The disk has refused: the driver ends, and is started again later.
    pub(super) fn driver_ends(&mut self, peer: Peer) {
        let failing = self.trouble_now(peer) == Some(Trouble::Failing);
        let in_flight = if failing && self.by_chance("torn commit", 2) {
            InFlight::Durable
        } else {
            InFlight::Lost
        };
        self.trace.fault(self.now, &[peer], || {
            format!("ends with an error of its store; a commit in flight is {in_flight:?}")
        });
        self.die(peer, in_flight);
        self.start_later(peer);
    }

    pub(super) fn start_later(&mut self, peer: Peer) {
        let happening = Happening::PowerOn(peer, self.hosts[peer.0].incarnation);
        self.soon(PATIENCE, happening);
    }
}
