//! Environment faults beyond single streams: the latencies of Tor, onion services that cannot be found for a while
//! after a start, bytes changed in transit, clocks that jump or drift, suspended machines.

use sotto_core::Millis;

use super::host::Host;
use super::network::{Side, StreamId};
use super::{NodeIndex, SimEvent, World};

/// How long a dial to an onion service takes, in milliseconds: deciles of published measurements (mean 7.4 s, from 1.4
/// to 80.7 s). The first entry is a dial without Tor.
const RENDEZVOUS: [u64; 11] = [400, 1400, 2300, 3100, 3900, 4700, 5600, 6800, 8600, 13_000, 80_700];
/// One way through six relays, in milliseconds.
const LATENCY: [u64; 5] = [40, 150, 300, 700, 2500];
/// From the start until others find the descriptor. The mean is 39 s.
const BOOTSTRAP: [Millis; 4] = [
    Millis(0),
    Millis::seconds(15),
    Millis::seconds(40),
    Millis::seconds(150),
];
/// How far a wall clock can be off, in milliseconds. Any two differ by less than the day after which messages expire.
const JUMPS: [i64; 6] = [0, -1000, 1000, -3_600_000, 600_000, -43_200_000];
/// How much faster a machine's clock can run, in millionths.
const DRIFTS: [i64; 3] = [0, -200, 200];
const SUSPENSIONS: [Millis; 4] = [
    Millis::seconds(20),
    Millis::minutes(4),
    Millis::hours(1),
    Millis::hours(3),
];

impl World {
    /// How long this dial takes.
    pub(super) fn rendezvous(&mut self) -> Millis {
        if self.faults_over {
            return Millis(RENDEZVOUS[0]);
        }
        Millis(RENDEZVOUS[self.choose("rendezvous", RENDEZVOUS.len())])
    }

    /// How long these bytes take.
    pub(super) fn latency(&mut self) -> Millis {
        if self.faults_over {
            return Millis(LATENCY[0]);
        }
        Millis(LATENCY[self.choose("latency", LATENCY.len())])
    }

    pub(super) fn choose(&mut self, label: &'static str, among: usize) -> usize {
        let chosen = self.choices.choose(label, u32::try_from(among).expect("a short table"));
        self.timeline.chance(self.now, label, chosen);
        chosen as usize
    }

    /// Faults of a machine that starts: its service is found later, and its features and clocks may differ.
    pub(super) fn apply_boot_faults(&mut self, peer: NodeIndex) {
        if self.faults_over {
            return;
        }
        let hidden = BOOTSTRAP[self.choose("bootstrap", BOOTSTRAP.len())];
        self.hosts[peer.0].published_from = Millis(self.now.0 + hidden.0);
        self.choose_features(peer);
        self.hosts[peer.0].drift = DRIFTS[self.choose("drift", DRIFTS.len())];
        if self.chance("clock at start", 8) {
            self.set_clock(peer);
        }
    }

    fn set_clock(&mut self, peer: NodeIndex) {
        if self.timing_sensitive {
            return;
        }
        let offset = JUMPS[self.choose("clock", JUMPS.len())];
        self.timeline
            .fault(self.now, &[peer], || format!("has its clock set {offset} ms off"));
        self.hosts[peer.0].wall_offset = offset;
    }

    /// Faults before an input: the wall clock may jump, and the machine may be suspended.
    pub(super) fn apply_clock_faults(&mut self, peer: NodeIndex) {
        if self.network.has_small_pieces() {
            return; // one choice for each byte would be too many
        }
        if self.chance("clock jump", 150) {
            self.set_clock(peer);
        }
        if self.chance("suspend", 400) && !self.timing_sensitive {
            let span = SUSPENSIONS[self.choose("suspend time", SUSPENSIONS.len())];
            self.suspend(peer, span);
        }
    }

    /// Suspends a machine: it processes nothing, and its clocks go on.
    pub fn suspend(&mut self, peer: NodeIndex, span: Millis) {
        self.timeline
            .fault(self.now, &[peer], || format!("is suspended for {span}"));
        let host = &mut self.hosts[peer.0];
        // A second suspension does not end the first one early.
        host.suspended_until = host.suspended_until.max(Millis(self.now.0 + span.0));
    }

    /// Until when the machine of this event is suspended, if it is.
    pub(super) fn suspension_end(&self, event: &SimEvent) -> Option<Millis> {
        let peer = match event {
            SimEvent::PowerOn(peer, _)
            | SimEvent::Drain(peer, _)
            | SimEvent::Tick(peer, _)
            | SimEvent::Durable(peer, ..)
            | SimEvent::Fetched(peer, ..) => *peer,
            // A dial to a suspended machine fails.
            SimEvent::DialArrives(_) => return None,
            SimEvent::DialAnswered(stream) => self.network.peer_of(*stream, Side::Dialer)?,
            SimEvent::Bytes(stream, side, _) | SimEvent::Drained(stream, side) | SimEvent::Closed(stream, side, _) => {
                self.network.peer_of(*stream, *side)?
            }
        };
        let until = self.hosts[peer.0].suspended_until;
        (until > self.now).then_some(until)
    }

    /// Lets time pass until no machine is suspended.
    pub(super) fn resume_all(&mut self) {
        let latest = self.hosts.iter().map(|host| host.suspended_until).max();
        if let Some(latest) = latest.filter(|latest| *latest > self.now) {
            self.advance(Millis(latest.0 - self.now.0));
        }
    }

    /// An attacker on the path changes bytes. It can do no more than end a link.
    pub(super) fn corrupt_in_transit(&mut self, id: StreamId, side: Side, mut bytes: Vec<u8>) -> Vec<Vec<u8>> {
        if self.network.has_small_pieces() || !self.chance("hostile bytes", 150) {
            return vec![bytes];
        }
        self.timeline
            .fault(self.now, &[], || format!("bytes of stream {id} are tampered with"));
        let place = self.choose("hostile place", bytes.len());
        match self.choose("hostile change", 5) {
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
            // Bytes of another link, or earlier bytes of this one.
            _ => {
                let old = self.network.earlier_bytes(id, side);
                vec![old.unwrap_or_else(|| bytes.clone()), bytes]
            }
        }
    }
}

impl Host {
    /// The span that the machine's clock measures for a true span.
    pub(super) fn measured(&self, span: u64) -> u64 {
        let drift = i128::from(span) * i128::from(self.drift) / 1_000_000;
        span.saturating_add_signed(i64::try_from(drift).unwrap_or_default())
    }

    /// The shortest true span for which the machine's clock measures this span.
    pub(super) fn true_span(&self, measured: u64) -> u64 {
        let mut span = measured;
        while self.measured(span) < measured {
            span += (measured - self.measured(span)).max(1);
        }
        span
    }
}
