//! [`SelfProbe`] proves that this node can be reached: it opens a stream to the node's own address, over circuits and with a
//! descriptor of its own.
//!
//! The stream goes to a virtual port that is drawn for this one probe, which the listener accepts while the probe lasts. A
//! stream that arrives there proves that the address leads to this very process and not to another one with the same key.
//! The port tells other clients nothing, and the node sees no link.
//!
//! Where that port is refused, a second stream goes to the port of links. If it opens, and no stream has arrived at that port
//! here, then another process with this node's key has answered: nothing else can publish a descriptor at this address.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use arti_client::{IsolationToken, TorClient};
use sotto_core::OnionAddress;
use tor_rtcompat::{Runtime, SleepProviderExt as _};

use crate::PORT;
use crate::onion_stream::{connect, io_error};

/// What the probe and the listener share.
#[derive(Debug, Default)]
pub(crate) struct SelfProbe {
    /// The probe in progress, if there is one.
    probe: Mutex<Option<Probe>>,
    /// The streams that have arrived at the port of links.
    links: AtomicU64,
}

/// Why a probe has failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ProbeFailure {
    /// Another process has answered.
    AnotherNode,
    /// Nothing has answered; how, in arti's words or ours.
    NoAnswer(String),
}

impl fmt::Display for ProbeFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AnotherNode => f.write_str("another machine answers"),
            Self::NoAnswer(cause) => f.write_str(cause),
        }
    }
}

#[derive(Clone, Copy, Debug)]
struct Probe {
    port: u16,
    arrival: Arrival,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Arrival {
    Pending,
    Arrived,
}

impl SelfProbe {
    /// Begins a probe; returns its port, which it draws from `random`.
    fn begin(&self, random: u64) -> u16 {
        let port = probe_port(random);
        let arrival = Arrival::Pending;
        *self.lock() = Some(Probe { port, arrival });
        port
    }

    /// Whether a stream to this port is the probe's; records that it arrived.
    pub fn arrive(&self, port: u16) -> bool {
        match &mut *self.lock() {
            Some(probe) if probe.port == port => {
                probe.arrival = Arrival::Arrived;
                true
            }
            _ => false,
        }
    }

    /// Counts a stream that arrived at the port of links.
    pub fn link_arrived(&self) {
        self.links.fetch_add(1, Ordering::SeqCst);
    }

    fn links(&self) -> u64 {
        self.links.load(Ordering::SeqCst)
    }

    /// Ends the probe.
    fn finish(&self) -> Arrival {
        self.lock().take().map_or(Arrival::Pending, |probe| probe.arrival)
    }

    fn lock(&self) -> MutexGuard<'_, Option<Probe>> {
        self.probe.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A port from 1 to 65535, except the port of links.
fn probe_port(random: u64) -> u16 {
    let drawn = u16::try_from(1 + random % 65_534).expect("at most 65534");
    if drawn >= PORT { drawn + 1 } else { drawn }
}

/// A random number for purposes that need no secrecy; zero if the machine has no randomness.
pub(crate) fn random_u64() -> u64 {
    getrandom::u64().unwrap_or(0)
}

/// Runs one probe of `address`, whose listener shares `probe`.
pub(crate) async fn run<R: Runtime>(
    client: Arc<TorClient<R>>,
    address: OnionAddress,
    probe: Arc<SelfProbe>,
    timeout: Duration,
) -> Result<(), ProbeFailure> {
    let client = client.isolated_client();
    let probing = open_streams(&client, address, &probe);
    let opened = client.runtime().timeout(timeout, probing).await;
    opened.unwrap_or_else(|_| Err(ProbeFailure::NoAnswer("no answer in time".to_owned())))
}

async fn open_streams<R: Runtime>(
    client: &TorClient<R>,
    address: OnionAddress,
    probe: &SelfProbe,
) -> Result<(), ProbeFailure> {
    let port = probe.begin(random_u64());
    // Ends the probe also if this future is dropped.
    let in_progress = ProbeInProgress(probe);
    let opened = connect(client, address, port, IsolationToken::new()).await;
    let error = match (opened, in_progress.0.finish()) {
        (Ok(_), Arrival::Arrived) => return Ok(()),
        (Ok(_), Arrival::Pending) => return Err(ProbeFailure::AnotherNode),
        (Err(error), _) => io_error(&error).to_string(),
    };
    let links = probe.links();
    let opened = connect(client, address, PORT, IsolationToken::new()).await;
    // A peer that has dialed in the meantime leaves it open who has answered; the next probe asks again.
    if opened.is_ok() && probe.links() == links {
        return Err(ProbeFailure::AnotherNode);
    }
    Err(ProbeFailure::NoAnswer(error))
}

struct ProbeInProgress<'a>(&'a SelfProbe);

impl Drop for ProbeInProgress<'_> {
    fn drop(&mut self) {
        self.0.finish();
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn only_a_stream_to_the_drawn_port_counts_and_only_during_the_probe() {
        let probe = SelfProbe::default();
        assert!(!probe.arrive(5));
        let port = probe.begin(7);
        assert!(!probe.arrive(port ^ 1));
        assert_eq!(probe.finish(), Arrival::Pending);
        let port = probe.begin(8);
        assert!(probe.arrive(port));
        assert_eq!(probe.finish(), Arrival::Arrived);
        assert!(!probe.arrive(port));
        assert_eq!(probe.finish(), Arrival::Pending);
    }

    proptest! {
        #[test]
        fn a_probes_port_is_never_the_port_of_links(random in any::<u64>()) {
            let port = probe_port(random);
            prop_assert!(port != 0 && port != PORT);
        }
    }
}
