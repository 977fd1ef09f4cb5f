//! The cost of Sotto over Tor: `cargo bench -p sotto-testkit --bench tor`, on a private Tor network (package `tor`).
//!
//! `round_trip` and `bulk` compare a link of Sotto, with its stores, with a bare arti stream of the same client, measured in turns in
//! the same run. The two use different circuits, whose speed varies, so all nodes are created several times and the figures are medians
//! over all rounds. The network is as fast as loopback; on the public one only Sotto's share of the time is the same.

#[path = "../limits/installed.rs"]
mod installed;

mod bare;
mod daemon;
mod tor_node;

use std::time::{Duration, Instant};

use sotto_tor_network::TorNetwork;
use toml::Table;

use bare::Bare;
use tor_node::TorNode;

/// How often circuits are built anew.
const REPETITIONS: usize = 5;
/// Rounds of each comparison on the same circuits.
const ROUNDS: usize = 2;
/// Messages in each round of `round_trip`, one after the other.
const ROUND_TRIPS: u32 = 40;
/// Messages in each round of `bulk`.
const BULK: u32 = 64;
/// The length of a text that nearly fills its record.
const FULL: usize = 23 * 1024;
/// The longest text is padded by half.
const LONGEST: usize = 32 * 1024;

fn main() {
    let network = TorNetwork::start().unwrap_or_else(|error| panic!("{error}"));
    let table = network.arti_config();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let mut measurements = Measurements::default();
    runtime.expect("a runtime").block_on(async {
        for _ in 0..REPETITIONS {
            measurements.measure(&table).await;
        }
    });
    measurements.print();
    daemon::rows(&table);
}

/// The measurements.
#[derive(Default)]
struct Measurements {
    bootstraps: Vec<Duration>,
    dials: Vec<Duration>,
    round_trips: Comparison,
    bulk: Comparison,
    bulk_longest: Comparison,
}

#[derive(Default)]
struct Comparison {
    ours: Vec<Duration>,
    limit: Vec<Duration>,
}

impl Measurements {
    /// Creates two nodes and a bare stream, measures, and ends them.
    async fn measure(&mut self, table: &Table) {
        let [ada, bob] = [TorNode::start(table).await, TorNode::start(table).await];
        self.bootstraps.extend([ada.reachable_after, bob.reachable_after]);
        let mut bare = Bare::from(&ada, table).await;
        self.dials.push(bare.dialled_in);
        ada.befriend(&bob).await;
        for _ in 0..ROUNDS {
            let text = "x".repeat(200);
            for _ in 0..ROUND_TRIPS {
                self.round_trips.ours.push(ada.deliver(&bob, &text, 1).await);
                self.round_trips.limit.push(bare.deliver(512).await);
            }
            // A full window of texts, against as many bytes.
            for (comparison, length) in [(&mut self.bulk, FULL), (&mut self.bulk_longest, LONGEST)] {
                comparison.ours.push(ada.deliver(&bob, &"x".repeat(length), BULK).await);
                comparison.limit.push(bare.deliver(length * BULK as usize).await);
            }
        }
        ada.shut_down().await;
        bob.shut_down().await;
    }

    fn print(self) {
        println!(
            "bootstrap_to_reachable ours={:.1?} (without a directory)",
            median(self.bootstraps)
        );
        println!("dial ours={:.1?} (the first dial of a peer)", median(self.dials));
        let (ours, limit, ratio) = self.round_trips.medians();
        println!("round_trip ours={ours:.1?} limit={limit:.1?} ratio={ratio:.2}");
        for (name, comparison, length) in [("bulk", self.bulk, FULL), ("bulk_longest", self.bulk_longest, LONGEST)] {
            let (ours, limit, ratio) = comparison.medians();
            let bytes = u128::from(BULK) * length as u128;
            let [ours, limit] = [ours, limit].map(|took| bytes * 1_000_000 / 1024 / took.as_micros().max(1));
            println!("{name} ours={ours}KiB/s limit={limit}KiB/s ratio={ratio:.2}");
        }
    }
}

impl Comparison {
    fn medians(self) -> (Duration, Duration, f64) {
        let (ours, limit) = (median(self.ours), median(self.limit));
        (ours, limit, ours.as_secs_f64() / limit.as_secs_f64())
    }
}

fn median(mut took: Vec<Duration>) -> Duration {
    took.sort();
    took[took.len() / 2]
}

async fn timed<T>(work: impl Future<Output = T>) -> (Duration, T) {
    let start = Instant::now();
    let done = work.await;
    (start.elapsed(), done)
}
