//! How long things may take, and how many there may be.

use std::time::Duration;

/// Spans and counts; the defaults are right for the Tor network, and tests on a private one are quicker.
#[derive(Clone, Debug)]
pub struct Limits {
    /// A dial waits this long for Tor to become usable.
    pub bootstrap_wait: Duration,
    /// A dial takes no longer than this once Tor is usable: descriptor, introduction, rendezvous, stream.
    pub dial: Duration,
    /// A dial that has not been answered for this long begins another try beside it, with circuits and a descriptor of its
    /// own.
    pub hedge: Duration,
    /// A probe takes no longer than this.
    pub probe: Duration,
    /// From one proof to the next probe, give or take a fifth.
    pub probe_interval: Duration,
    /// From the first failed probe to the next one; doubles with each failure, give or take a fifth.
    pub probe_retry: Duration,
    /// Where the doubling ends.
    pub probe_retry_cap: Duration,
    /// From listening to publishing, at most; a random part of it.
    pub stagger: Duration,
    /// A service that arti does not call published after this long is probed all the same.
    pub publish: Duration,
    /// How often to look whether the machine slept or its network changed.
    pub watch: Duration,
    /// From a client that could not start to the next try; doubles up to `probe_retry_cap`.
    pub restart: Duration,
    /// Rendezvous circuits at once. For one more, the oldest that carries nothing is closed.
    pub circuits: usize,
    /// Rendezvous being made at once. For one more, the oldest is given up.
    pub rendezvous: usize,
    /// A rendezvous takes no longer than this.
    pub rendezvous_wait: Duration,
    /// A circuit that carries no stream is closed after at least this and at most twice this.
    pub circuit_idle: Duration,
    /// Streams on one circuit at once; a circuit that asks for more is closed.
    pub streams_per_circuit: u32,
}

impl Limits {
    /// For the Tor network.
    pub const DEFAULT: Self = Self {
        bootstrap_wait: Duration::from_secs(90),
        dial: Duration::from_mins(1),
        hedge: Duration::from_secs(20),
        probe: Duration::from_mins(1),
        probe_interval: Duration::from_mins(20),
        probe_retry: Duration::from_secs(15),
        probe_retry_cap: Duration::from_mins(15),
        stagger: Duration::from_secs(3),
        publish: Duration::from_secs(90),
        watch: Duration::from_secs(10),
        restart: Duration::from_secs(5),
        circuits: 256,
        rendezvous: 16,
        rendezvous_wait: Duration::from_mins(1),
        circuit_idle: Duration::from_secs(30),
        streams_per_circuit: 8,
    };
}

impl Default for Limits {
    fn default() -> Self {
        Self::DEFAULT
    }
}
