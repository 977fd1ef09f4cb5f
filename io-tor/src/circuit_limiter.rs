//! [`CircuitLimiter`] bounds the rendezvous circuits of the onion service. Any client can request a rendezvous, and can
//! request again. So when there are too many, the oldest circuit that carries no stream is closed for a new one.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures::channel::oneshot;

use crate::TorLimits;

/// The circuits by age, the oldest first: those that are being built, and those that are open.
#[derive(Default)]
pub(crate) struct CircuitLimiter(BTreeMap<u64, Circuit>);

struct Circuit {
    usage: Arc<CircuitUsage>,
    /// Dropped, it closes the circuit.
    #[expect(dead_code, reason = "its drop is its use")]
    keep_open: oneshot::Sender<Infallible>,
}

/// What a circuit is used for. The task that serves the circuit writes it; the limiter reads it.
#[derive(Default)]
pub(crate) struct CircuitUsage {
    established: AtomicBool,
    /// Cloned into each half of an open stream.
    pub streams: Arc<()>,
}

impl CircuitUsage {
    /// The rendezvous is complete.
    pub fn set_established(&self) {
        self.established.store(true, Ordering::Relaxed);
    }

    fn is_established(&self) -> bool {
        self.established.load(Ordering::Relaxed)
    }

    /// Whether a stream is open.
    pub fn has_streams(&self) -> bool {
        Arc::strong_count(&self.streams) > 1
    }
}

impl CircuitLimiter {
    /// Whether one more circuit can be admitted, possibly in place of another.
    pub fn has_capacity(&self, limits: &TorLimits) -> bool {
        self.0.len() < limits.max_circuits || self.0.values().any(|circuit| !circuit.usage.has_streams())
    }

    /// Admits one more circuit. The receiver ends when the circuit is to be closed. The oldest circuit gives way, because it
    /// had the longest time to be established and used: a client that comes between two requests of a flood is served before
    /// its turn to give way.
    pub fn admit(&mut self, id: u64, limits: &TorLimits) -> (Arc<CircuitUsage>, oneshot::Receiver<Infallible>) {
        if let Some(oldest) = self.to_displace(limits) {
            self.0.remove(&oldest);
        }
        let usage = Arc::<CircuitUsage>::default();
        let (keep_open, closed) = oneshot::channel();
        let circuit = Circuit {
            usage: Arc::clone(&usage),
            keep_open,
        };
        self.0.insert(id, circuit);
        (usage, closed)
    }

    /// The circuit is closed.
    pub fn release(&mut self, id: u64) {
        self.0.remove(&id);
    }

    fn to_displace(&self, limits: &TorLimits) -> Option<u64> {
        let being_built = self.0.values().filter(|circuit| !circuit.usage.is_established());
        if being_built.count() >= limits.max_pending_rendezvous {
            self.oldest(|usage| !usage.is_established())
        } else if self.0.len() >= limits.max_circuits {
            self.oldest(|usage| !usage.has_streams())
        } else {
            None
        }
    }

    fn oldest(&self, matches: impl Fn(&CircuitUsage) -> bool) -> Option<u64> {
        let oldest = self.0.iter().find(|(_, circuit)| matches(&circuit.usage));
        oldest.map(|(id, _)| *id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: TorLimits = TorLimits {
        max_circuits: 4,
        max_pending_rendezvous: 2,
        ..TorLimits::DEFAULT
    };

    type Admitted = (Arc<CircuitUsage>, oneshot::Receiver<Infallible>);

    #[derive(Default)]
    struct TestLimiter {
        limiter: CircuitLimiter,
        next: u64,
    }

    impl TestLimiter {
        fn admit(&mut self) -> Admitted {
            assert!(self.limiter.has_capacity(&LIMITS));
            self.next += 1;
            self.limiter.admit(self.next, &LIMITS)
        }

        fn admit_established(&mut self) -> Admitted {
            let (usage, closed) = self.admit();
            usage.set_established();
            (usage, closed)
        }
    }

    fn is_displaced(closed: &mut oneshot::Receiver<Infallible>) -> bool {
        closed.try_recv().is_err()
    }

    #[test]
    fn a_flood_of_requests_displaces_the_oldest_circuits_that_are_being_built() {
        let mut limiter = TestLimiter::default();
        let (_, mut contact) = limiter.admit_established();
        let mut flood: Vec<_> = (0..20).map(|_| limiter.admit().1).collect();
        assert!(!is_displaced(&mut contact));
        let open = flood.iter_mut().map(|closed| !is_displaced(closed));
        assert!(open.eq([false; 18].into_iter().chain([true; 2])));
    }

    #[test]
    fn circuits_without_streams_are_displaced_and_those_with_streams_are_not() {
        let mut limiter = TestLimiter::default();
        let (usage, mut contact) = limiter.admit_established();
        let stream = Arc::clone(&usage.streams);
        let mut idle: Vec<_> = (0..20).map(|_| limiter.admit_established().1).collect();
        assert!(!is_displaced(&mut contact));
        let open = idle.iter_mut().map(|closed| !is_displaced(closed));
        assert!(open.eq([false; 17].into_iter().chain([true; 3])));
        drop(stream);
        drop(limiter.admit_established());
        assert!(is_displaced(&mut contact));
    }

    #[test]
    fn there_is_no_capacity_while_every_circuit_carries_a_stream() {
        let mut limiter = TestLimiter::default();
        let circuits: Vec<_> = (0..LIMITS.max_circuits).map(|_| limiter.admit_established()).collect();
        let streams: Vec<_> = circuits.iter().map(|(usage, _)| Arc::clone(&usage.streams)).collect();
        assert!(!limiter.limiter.has_capacity(&LIMITS));
        drop(streams);
        assert!(limiter.limiter.has_capacity(&LIMITS));
    }
}
