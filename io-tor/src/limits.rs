//! [`TorLimits`]: the timeouts, intervals and counts of the transport.

use std::time::Duration;

use sotto_core::Millis;

/// Timeouts, intervals and counts. The defaults suit the Tor network; tests on a private network use shorter ones.
#[derive(Clone, Debug)]
pub struct TorLimits {
    /// How long a dial waits for Tor to become usable.
    pub bootstrap_timeout: Duration,
    /// How long a dial may take once Tor is usable: descriptor, introduction, rendezvous, stream.
    pub dial_timeout: Duration,
    /// After this time without an answer a dial begins another attempt beside the first, with circuits and a descriptor of
    /// its own.
    pub hedge_delay: Duration,
    /// How long a probe may take.
    pub probe_timeout: Duration,
    /// From a successful probe to the next one, give or take a fifth.
    pub probe_interval: Duration,
    /// From the first failed probe to the next one; doubles with each failure, give or take a fifth.
    pub probe_retry: Duration,
    /// The upper bound of this doubling.
    pub probe_retry_cap: Duration,
    /// The maximum of the random delay from listening to publishing.
    pub publish_stagger: Duration,
    /// After this time a service is probed even if arti does not report it as published.
    pub publish_timeout: Duration,
    /// The interval of checks whether the machine was suspended or its network changed.
    pub network_check_interval: Duration,
    /// The delay after a client that could not start; doubles up to `probe_retry_cap`.
    pub restart_delay: Duration,
    /// Open rendezvous circuits. For one more, the oldest without a stream is closed.
    pub max_circuits: usize,
    /// Rendezvous circuits that are being built. For one more, the oldest is given up.
    pub max_pending_rendezvous: usize,
    /// How long a rendezvous may take.
    pub rendezvous_timeout: Duration,
    /// A circuit without a stream is closed after at least this time, and at most twice this time.
    pub circuit_idle_timeout: Duration,
    /// Open streams on one circuit. A circuit on which more are requested is closed.
    pub streams_per_circuit: u32,
}

impl TorLimits {
    /// For the Tor network.
    pub const DEFAULT: Self = Self {
        bootstrap_timeout: Duration::from_secs(90),
        dial_timeout: Duration::from_mins(1),
        hedge_delay: Duration::from_secs(20),
        probe_timeout: Duration::from_mins(1),
        probe_interval: Duration::from_mins(20),
        probe_retry: Duration::from_secs(15),
        probe_retry_cap: Duration::from_mins(15),
        publish_stagger: Duration::from_secs(3),
        publish_timeout: Duration::from_secs(90),
        network_check_interval: Duration::from_secs(10),
        restart_delay: Duration::from_secs(5),
        max_circuits: 256,
        max_pending_rendezvous: 16,
        rendezvous_timeout: Duration::from_mins(1),
        circuit_idle_timeout: Duration::from_secs(30),
        streams_per_circuit: 8,
    };
}

impl Default for TorLimits {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// A span in the unit of core's clocks.
pub(crate) fn millis(span: Duration) -> Millis {
    Millis(u64::try_from(span.as_millis()).unwrap_or(u64::MAX))
}
