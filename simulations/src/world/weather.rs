//! What chance does beyond single streams: a network as slow as Tor, services that are not to be found for a while after a
//! start, bytes that somebody has had their hands on, clocks that jump or drift, machines that are put to sleep.

use sotto_core::Millis;

use super::host::Host;
use super::network::{Side, WireId};
use super::{Happening, Peer, World};

/// How long onion services take to be reached, in milliseconds: deciles of what was published (mean 7.4 s, from 1.4 to
/// 80.7 s). The first is not Tor.
const RENDEZVOUS: [u64; 11] = [400, 1400, 2300, 3100, 3900, 4700, 5600, 6800, 8600, 13_000, 80_700];
/// One way through six relays, in milliseconds.
const LATENCY: [u64; 5] = [40, 150, 300, 700, 2500];
/// From the start until the descriptor is found by others; the mean is 39 s.
const BOOTSTRAP: [Millis; 4] = [
    Millis(0),
    Millis::seconds(15),
    Millis::seconds(40),
    Millis::seconds(150),
];
/// What a wall clock may be off by. From any to any other is less than the day in which messages expire.
const JUMPS: [i64; 6] = [0, -1000, 1000, -3_600_000, 600_000, -43_200_000];
/// How fast a machine's clock may run, in millionths.
const DRIFTS: [i64; 3] = [0, -200, 200];
const NAPS: [Millis; 4] = [
    Millis::seconds(20),
    Millis::minutes(4),
    Millis::hours(1),
    Millis::hours(3),
];

impl World {
    /// How long this dial takes to reach the other side.
    pub(super) fn rendezvous(&mut self) -> Millis {
        if self.calm {
            return Millis(RENDEZVOUS[0]);
        }
        Millis(RENDEZVOUS[self.pick("rendezvous", RENDEZVOUS.len())])
    }

    /// How long these bytes are on their way.
    pub(super) fn latency(&mut self) -> Millis {
        if self.calm {
            return Millis(LATENCY[0]);
        }
        Millis(LATENCY[self.pick("latency", LATENCY.len())])
    }

    pub(super) fn pick(&mut self, label: &'static str, among: usize) -> usize {
        let picked = self.choices.choose(label, u32::try_from(among).expect("a short table"));
        self.trace.chance(self.now, label, picked);
        picked as usize
    }

    /// A machine comes up: its service is found some time later, and its clock may be another.
    pub(super) fn come_up(&mut self, peer: Peer) {
        if self.calm {
            return;
        }
        let hidden = BOOTSTRAP[self.pick("bootstrap", BOOTSTRAP.len())];
        self.hosts[peer.0].found_from = Millis(self.now.0 + hidden.0);
        self.hosts[peer.0].drift = DRIFTS[self.pick("drift", DRIFTS.len())];
        if self.by_chance("clock at start", 8) {
            self.set_clock(peer);
        }
    }

    fn set_clock(&mut self, peer: Peer) {
        if self.punctual {
            return;
        }
        let offset = JUMPS[self.pick("clock", JUMPS.len())];
        self.trace
            .fault(self.now, &[peer], || format!("has its clock set, {offset} ms off"));
        self.hosts[peer.0].wall_offset = offset;
    }

    /// Before a machine is told something: its clock may jump, or its lid be closed.
    pub(super) fn meddle(&mut self, peer: Peer) {
        if self.network.splits() {
            return; // each of single bytes would be a chance
        }
        if self.by_chance("clock jump", 150) {
            self.set_clock(peer);
        }
        if self.by_chance("suspend", 400) && !self.punctual {
            let nap = NAPS[self.pick("nap", NAPS.len())];
            self.put_to_sleep(peer, nap);
        }
    }

    /// A machine's lid is closed for a while: nothing happens on it, and its clocks go on.
    pub fn put_to_sleep(&mut self, peer: Peer, nap: Millis) {
        self.trace
            .fault(self.now, &[peer], || format!("falls asleep for {nap}"));
        let host = &mut self.hosts[peer.0];
        // One who sleeps already does not wake up earlier for that.
        host.asleep_until = host.asleep_until.max(Millis(self.now.0 + nap.0));
    }

    /// Until when whoever this concerns is asleep, if they are.
    pub(super) fn asleep(&self, happening: &Happening) -> Option<Millis> {
        let peer = match happening {
            Happening::PowerOn(peer, _)
            | Happening::Drain(peer, _)
            | Happening::Tick(peer, _)
            | Happening::Durable(peer, ..)
            | Happening::Answer(peer, ..) => *peer,
            // Whoever calls one who sleeps gives up.
            Happening::Called(_) => return None,
            Happening::Connected(wire) => self.network.peer_of(*wire, Side::Dialler)?,
            Happening::Bytes(wire, side, _) | Happening::Drained(wire, side) | Happening::Closed(wire, side, _) => {
                self.network.peer_of(*wire, *side)?
            }
        };
        let until = self.hosts[peer.0].asleep_until;
        (until > self.now).then_some(until)
    }

    /// Lets time pass until everybody is awake.
    pub(super) fn wake_everybody(&mut self) {
        let latest = self.hosts.iter().map(|host| host.asleep_until).max();
        if let Some(latest) = latest.filter(|latest| *latest > self.now) {
            self.pass(Millis(latest.0 - self.now.0));
        }
    }

    /// Somebody between the two has bytes in hand. What comes of it is the end of a link at most.
    pub(super) fn tampered_with(&mut self, id: WireId, side: Side, mut bytes: Vec<u8>) -> Vec<Vec<u8>> {
        if self.network.splits() || !self.by_chance("hostile bytes", 150) {
            return vec![bytes];
        }
        self.trace
            .fault(self.now, &[], || format!("bytes of stream {id} are tampered with"));
        let place = self.pick("hostile place", bytes.len());
        match self.pick("hostile deed", 5) {
            0 => {
                bytes[place] ^= 1 << (place % 8);
                vec![bytes]
            }
            1 => Vec::new(),
            2 => vec![bytes.clone(), bytes],
            3 => {
                bytes.truncate(place);
                if bytes.is_empty() { Vec::new() } else { vec![bytes] }
            }
            // What was said on another link, or earlier on this one.
            _ => {
                let old = self.network.overheard(id, side);
                vec![old.unwrap_or_else(|| bytes.clone()), bytes]
            }
        }
    }
}

impl Host {
    /// What the machine's clock makes of a span of true time.
    pub(super) fn measured(&self, span: u64) -> u64 {
        let drift = i128::from(span) * i128::from(self.drift) / 1_000_000;
        span.saturating_add_signed(i64::try_from(drift).unwrap_or_default())
    }

    /// The shortest true time in which the machine's clock measures a span.
    pub(super) fn true_span(&self, measured: u64) -> u64 {
        let mut span = measured;
        while self.measured(span) < measured {
            span += (measured - self.measured(span)).max(1);
        }
        span
    }
}
