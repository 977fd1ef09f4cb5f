//! What Sotto costs over Tor: `cargo bench -p sotto-testkit --bench tor`, on a Tor network of its own (package `tor`).
//!
//! `round_trip` and `bulk` compare a link of Sotto's, its stores included, with a bare arti stream from the same
//! client, measured in turns in the same run; the figures are medians. The network is as fast as loopback: on the public
//! one everything takes longer, but for what Sotto adds.

#[path = "../limits/installed.rs"]
mod installed;

mod bare;
mod daemon;
mod person;

use std::time::{Duration, Instant};

use sotto_testkit::tor_network::TorNetwork;

use bare::Bare;
use person::Person;

/// Rounds of each comparison.
const ROUNDS: usize = 5;
/// Messages in each round of `round_trip`, one after the other.
const ROUND_TRIPS: u32 = 40;
/// Messages in each round of `bulk`.
const BULK: u32 = 64;
/// Records come in sizes, and a text of this length nearly fills its own.
const FULL: usize = 23 * 1024;
/// The longest text that there is is padded by half.
const LONGEST: usize = 32 * 1024;

fn main() {
    let network = TorNetwork::start().unwrap_or_else(|error| panic!("{error}"));
    let table = network.arti_config();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(async {
        let ada = Person::born(&table).await;
        let bob = Person::born(&table).await;
        let bootstraps = [&ada, &bob].map(|it| format!("{:.1?}", it.reachable_after));
        println!("bootstrap_to_reachable ours={} (from nothing)", bootstraps.join(","));

        let mut bare = Bare::from(&ada, &table).await;
        println!("dial ours={:.1?} (to one who was never dialled)", bare.dialled_in);
        ada.befriend(&bob).await;

        let text = "x".repeat(200);
        let (mut ours, mut limit) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            for _ in 0..ROUND_TRIPS {
                ours.push(ada.deliver(&bob, &text, 1).await);
                limit.push(bare.deliver(512).await);
            }
        }
        let (ours, limit) = (median(ours), median(limit));
        println!(
            "round_trip ours={ours:.1?} limit={limit:.1?} ratio={:.2}",
            ratio(ours, limit)
        );

        for (name, length) in [("bulk", FULL), ("bulk_longest", LONGEST)] {
            bulk(name, length, [&ada, &bob], &mut bare).await;
        }
    });
    daemon::rows(&table);
}

/// Texts of one length, as many at once as there may be, beside as many bytes.
async fn bulk(name: &str, length: usize, [from, to]: [&Person; 2], bare: &mut Bare) {
    let text = "x".repeat(length);
    let bytes = length * BULK as usize;
    let (mut ours, mut limit) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        ours.push(from.deliver(to, &text, BULK).await);
        limit.push(bare.deliver(bytes).await);
    }
    let (ours, limit) = (median(ours), median(limit));
    let rate = |took: Duration| u128::from(bytes as u64) * 1_000_000 / 1024 / took.as_micros().max(1);
    let (fast, fastest) = (rate(ours), rate(limit));
    println!(
        "{name} ours={fast}KiB/s limit={fastest}KiB/s ratio={:.2}",
        ratio(ours, limit)
    );
}

fn ratio(ours: Duration, limit: Duration) -> f64 {
    ours.as_secs_f64() / limit.as_secs_f64()
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
