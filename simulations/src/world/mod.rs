//! The world: nodes, their machines, the network between them, and one queue of what happens next.

mod cipher;
mod host;
mod ledger;
mod malice;
mod network;
mod power;
mod recorder;
mod storage;
mod story;
mod twice;
mod view;
mod watch;
mod weather;
mod witness;

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use sotto_core::{CommitId, FetchId, Input, Limits, Millis, row::Query};
use sotto_testkit::disk::Disk;

use crate::choice::Choices;
use crate::fingerprint::Fingerprint;
use crate::peer::Peer;
use crate::timeline::{Timeline, clock};

pub use cipher::Cipher;
use host::Host;
pub use host::OutputMoment;
use ledger::Ledger;
pub use ledger::{Ask, Fate, Sent};
pub use malice::Malice;
use network::{Network, Side, WireId};
pub use power::{CrashPoint, InFlight};
use recorder::Recorder;
use storage::Errand;
pub use storage::Trouble;
pub use story::add;
pub use watch::{Invariant, Seen};

/// Nodes, machines, network, time, and what watches them.
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub struct World {
    cipher: Cipher,
    limits: Limits,
    seed: u64,
    choices: Choices,
    began: Millis,
    now: Millis,
    happened: u64,
    queue: Queue,
    hosts: Vec<Host>,
    network: Network,
    /// Who means ill, if anybody does, and how.
    malicious: Option<(Peer, Malice)>,
    /// Everybody's onion seeds, for whoever means ill.
    keys: malice::Keys,
    /// Where a node dies, until it has.
    pub(crate) crash: Option<CrashPoint>,
    /// The crash that is happening takes along what is on its way.
    cuts: bool,
    asks: Vec<Ask>,
    ledger: Ledger,
    invariants: Vec<Box<dyn Invariant>>,
    fingerprint: Option<Fingerprint>,
    trace: Timeline,
    recorder: Option<Recorder>,
    /// The story is over: no more faults.
    calm: bool,
    /// There are none at all but those that the story tells of, so it can be told how long things take.
    pub(crate) gentle: bool,
    /// The story is about when things happen: chance leaves clocks alone.
    pub(crate) punctual: bool,
    /// Rules that all nodes break.
    #[cfg(feature = "sabotage")]
    pub(crate) broken: u64,
}

/// What is going to happen. Whatever names an incarnation is void once that one is gone.
#[derive(Debug)]
enum Happening {
    /// The machine comes back.
    PowerOn(Peer, u32),
    /// The driver asks what the node wants, after it has let some time pass.
    Drain(Peer, u32),
    /// The node's deadline has come.
    Tick(Peer, u32),
    /// The batch in flight reaches the disk.
    Durable(Peer, u32, CommitId),
    /// The disk answers, once the commit that was in flight at the time of the question is done.
    Answer(Peer, u32, FetchId, Query, Option<CommitId>),
    /// A dial reaches the one who is called.
    Called(WireId),
    /// The answer reaches the dialler.
    Connected(WireId),
    /// Bytes reach one end.
    Bytes(WireId, Side, Vec<u8>),
    /// One end's transmit is taken.
    Drained(WireId, Side),
    /// The stream ends for one end.
    Closed(WireId, Side, sotto_core::Cause),
}

/// Happenings by time; at the same time, first come, first served.
#[derive(Default)]
struct Queue {
    happenings: BTreeMap<(Millis, u64), Happening>,
    seq: u64,
}

impl Queue {
    fn at(&mut self, when: Millis, happening: Happening) {
        self.seq += 1;
        self.happenings.insert((when, self.seq), happening);
    }

    fn next_before(&mut self, end: Millis) -> Option<((Millis, u64), Happening)> {
        let entry = self.happenings.first_entry()?;
        let when = *entry.key();
        (when.0 <= end).then(|| (when, entry.remove()))
    }

    /// Later, and in the place among its equals that it had.
    fn put_off(&mut self, until: Millis, place: u64, happening: Happening) {
        self.happenings.insert((until, place), happening);
    }
}

impl World {
    /// A world of new nodes, one per given disk, all switched on. What the disks hold was written in `era` earlier worlds:
    /// no two eras share randomness. The invariants are to hold in it.
    pub fn new(
        cipher: Cipher,
        disks: Vec<Disk>,
        era: u32,
        limits: Limits,
        seed: u64,
        choices: Choices,
        invariants: Vec<Box<dyn Invariant>>,
    ) -> Self {
        let hosts = disks.into_iter().map(|disk| Host::new(disk, era)).collect::<Vec<_>>();
        Self {
            cipher,
            limits,
            seed,
            choices,
            // An era's clocks start after those of the era before.
            began: Millis::hours(1000 * u64::from(era)),
            now: Millis::hours(1000 * u64::from(era)),
            happened: 0,
            queue: Queue::default(),
            hosts,
            network: Network::default(),
            malicious: None,
            keys: malice::Keys::default(),
            crash: None,
            cuts: false,
            asks: Vec::new(),
            ledger: Ledger::default(),
            invariants,
            fingerprint: None,
            trace: Timeline::default(),
            recorder: None,
            calm: false,
            gentle: false,
            punctual: false,
            #[cfg(feature = "sabotage")]
            broken: 0,
        }
    }

    /// Keeps a hash over all outputs from now on.
    pub fn keep_fingerprint(&mut self) {
        self.fingerprint.get_or_insert_default();
    }

    /// Keeps a line for everything that happens from now on.
    pub fn keep_trace(&mut self) {
        self.trace.keep();
    }

    /// Switches everybody on and learns their addresses.
    pub fn begin(&mut self) {
        for peer in self.peers().collect::<Vec<_>>() {
            self.switch_on(peer);
            self.post(peer, sotto_core::Command::Identity);
        }
        // Counted on from whom it was last seen of: worlds can be large.
        let known = Cell::new(0);
        self.until("everybody knows their own address", |world| {
            let more = world.hosts[known.get()..].iter();
            known.set(known.get() + more.take_while(|host| host.address.is_some()).count());
            known.get() == world.hosts.len()
        });
    }

    /// Lets time pass.
    pub fn pass(&mut self, span: Millis) {
        let end = Millis(self.now.0 + span.0);
        while self.step(end) {}
        self.now = end;
    }

    /// Lets time pass until it is so. Fails if it is not within three days.
    pub fn until(&mut self, what: &str, so: impl Fn(&Self) -> bool) {
        let end = Millis(self.now.0 + Millis::hours(72).0);
        while !so(self) {
            if !self.step(end) {
                self.fail(format_args!("waited three days in vain: {what}"));
            }
        }
    }

    /// Makes the next thing happen, unless that would be after `end`.
    fn step(&mut self, end: Millis) -> bool {
        let Some(((when, place), happening)) = self.queue.next_before(end) else {
            return false;
        };
        self.now = when;
        if let Some(until) = self.asleep(&happening) {
            self.queue.put_off(until, place, happening);
            return true;
        }
        self.happened += 1;
        match happening {
            Happening::PowerOn(peer, incarnation) if self.is(peer, incarnation) => self.switch_on(peer),
            Happening::Drain(peer, incarnation) if self.is(peer, incarnation) => {
                self.drain(peer);
                self.feed_backlog(peer);
            }
            Happening::Tick(peer, incarnation) if self.is(peer, incarnation) => self.tick(peer),
            Happening::Durable(peer, incarnation, commit) if self.is(peer, incarnation) => {
                if self.disk_refuses(peer, Errand::Writing) {
                    self.driver_ends(peer);
                } else {
                    self.make_durable(peer);
                    self.feed(peer, Input::Stored(commit));
                    self.feed_backlog(peer);
                }
            }
            Happening::Answer(peer, incarnation, fetch, query, after) if self.is(peer, incarnation) => {
                if self.disk_refuses(peer, Errand::Reading) {
                    self.driver_ends(peer);
                } else {
                    self.answer(peer, fetch, query, after);
                }
            }
            Happening::Called(wire) => self.called(wire),
            Happening::Connected(wire) => self.connected(wire),
            Happening::Bytes(wire, side, bytes) => {
                for piece in self.tampered_with(wire, side, bytes) {
                    self.bytes(wire, side, piece);
                }
            }
            Happening::Drained(wire, side) => self.drained(wire, side),
            Happening::Closed(wire, side, cause) => self.closed(wire, side, cause),
            Happening::PowerOn(..)
            | Happening::Drain(..)
            | Happening::Tick(..)
            | Happening::Durable(..)
            | Happening::Answer(..) => {}
        }
        true
    }

    /// Whether nothing bad happens but what the story tells of.
    pub fn is_gentle(&self) -> bool {
        self.gentle
    }

    /// What runs next on this thread is a node of this world.
    #[cfg(feature = "sabotage")]
    fn arm_sabotage(&self) {
        sotto_core::sabotage::arm(self.broken);
    }

    #[cfg(not(feature = "sabotage"))]
    #[expect(clippy::unused_self, reason = "its twin's signature")]
    fn arm_sabotage(&self) {}

    fn soon(&mut self, delay: Millis, happening: Happening) {
        self.queue.at(Millis(self.now.0 + delay.0), happening);
    }

    /// Something bad, about once in `among` times, while the story runs.
    fn by_chance(&mut self, label: &'static str, among: u32) -> bool {
        let bad = !self.calm && self.choices.rarely(label, among);
        self.trace.chance(self.now, label, bad.into());
        bad
    }

    /// Ends the run: a rule does not hold.
    pub(crate) fn fail(&self, why: fmt::Arguments<'_>) -> ! {
        panic!("at {}: {why}", clock(Millis(self.now.0 - self.began.0)))
    }

    /// Everybody, honest or not.
    pub fn peers(&self) -> impl Iterator<Item = Peer> + use<> {
        (0..self.hosts.len()).map(Peer)
    }

    /// Each two of all who are honest, in both directions.
    pub fn pairs(&self) -> BTreeSet<(Peer, Peer)> {
        let peers = || self.peers().filter(|peer| self.is_honest(*peer));
        peers()
            .flat_map(|a| peers().map(move |b| (a, b)))
            .filter(|(a, b)| a != b)
            .collect()
    }
}
