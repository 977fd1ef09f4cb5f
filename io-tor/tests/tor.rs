//! [`Tor`] on a private Tor network: transports on tokio and on smol bootstrap, reach each other, prove that they can be
//! reached, return under their address after a restart, and recover from failures. Needs the package `tor`; run with
//! `cargo test -p sotto-io-tor --features tor`.

mod observing_service;

use std::future::poll_fn;
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, SystemTime};

use futures::channel::oneshot;
use futures::io::{AsyncReadExt as _, AsyncWriteExt as _};
use futures::stream::StreamExt as _;
use sotto_core::row::IdentityRow;
use sotto_core::{Availability, OnionAddress, Wall};
use sotto_io::{ListenError, Stream, Transport as _};
use sotto_io_tor::{Reachability, Remedy, Tor, TorLimits, TorPhase, TorProblem, TorStatus, runtime};
use sotto_testkit::key_search::assert_no_key_in;
use sotto_tor_network::TorNetwork;
use tempfile::TempDir;
use toml::Table;
use tor_rtcompat::{
    Runtime, RuntimeSubstExt as _, SleepProvider, SleepProviderExt as _, SpawnExt as _, ToplevelBlockOn as _,
};
use tracing_subscriber::EnvFilter;

use observing_service::ObservingService;

/// Long, because the machine that runs this may be busy.
const PATIENCE: Duration = Duration::from_mins(2);

fn identity(seed: u8) -> IdentityRow {
    IdentityRow {
        onion_seed: [seed; 32],
        signal_identity: Vec::new(),
        registration_id: 1,
        name: String::new(),
        created_at: Wall(0),
        availability: Availability::default(),
        default_timer: 0,
    }
}

fn short_limits() -> TorLimits {
    TorLimits {
        probe_interval: Duration::from_secs(5),
        probe_retry: Duration::from_secs(2),
        network_check_interval: Duration::from_secs(1),
        publish_stagger: Duration::ZERO,
        publish_timeout: Duration::from_secs(20),
        ..TorLimits::DEFAULT
    }
}

/// The network of all tests that do it no harm; each has identities of its own. It is never dropped: it ends with this process.
fn shared_network() -> &'static TorNetwork {
    static NETWORK: LazyLock<TorNetwork> =
        LazyLock::new(|| TorNetwork::start().unwrap_or_else(|error| panic!("{error}")));
    &NETWORK
}

/// Runs `test` on tokio, with smol's executor on a thread of its own.
fn with_runtimes<F: Future<Output = ()>>(
    test: impl FnOnce(tor_rtcompat::tokio::TokioRustlsRuntime, tor_rtcompat::smol::SmolRustlsRuntime) -> F,
) {
    // `RUST_LOG=sotto_io_tor=debug,tor_hsservice=debug` shows what arti does. Fails if an earlier test has set it up.
    drop(
        tracing_subscriber::fmt()
            .with_env_filter(EnvFilter::from_default_env())
            .with_test_writer()
            .try_init(),
    );
    let tokio = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime");
    let smol = runtime::smol().expect("smol");
    let (end, ended) = oneshot::channel::<()>();
    let executor = smol.clone();
    let thread = std::thread::spawn(move || executor.block_on(ended).is_err());
    tokio.block_on(async { test(runtime::tokio().expect("tokio"), smol).await });
    drop(end);
    thread.join().expect("smol's thread");
}

/// Waits for a status.
async fn until<R: Runtime>(runtime: &R, tor: &Tor<R>, matches: impl Fn(&TorStatus) -> bool) -> TorStatus {
    let mut changes = tor.status_changes();
    let waiting = async {
        while let Some(status) = changes.next().await {
            println!(
                "{:?}: {status}",
                SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap()
            );
            if matches(&status) {
                return status;
            }
        }
        panic!("Tor has ended");
    };
    runtime
        .timeout(PATIENCE, waiting)
        .await
        .unwrap_or_else(|_| panic!("after {PATIENCE:?}: {}", tor.status()))
}

/// Listens, and echoes every stream, until the returned value is dropped.
fn echo<R: Runtime>(runtime: &R, tor: &Tor<R>, identity: &IdentityRow) -> impl Sized + use<R> {
    let mut listener = tor.listen(identity).expect("no other listener");
    let spawner = runtime.clone();
    let serving = async move {
        loop {
            let Stream {
                mut reader, mut writer, ..
            } = poll_fn(|cx| listener.poll_accept(cx)).await;
            let echoing = async move {
                let mut buffer = [0; 4096];
                while let Ok(length @ 1..) = reader.read(&mut buffer).await {
                    if writer
                        .write_all(&buffer[..length])
                        .await
                        .and(writer.flush().await)
                        .is_err()
                    {
                        break;
                    }
                }
            };
            spawner.spawn(echoing).expect("a runtime");
        }
    };
    runtime.spawn_with_handle(serving).expect("a runtime")
}

/// Dials the peer, sends 200 kB, and receives the echo.
async fn exchange<R: Runtime>(tor: &Tor<R>, peer: OnionAddress) -> io::Result<()> {
    let Stream {
        mut reader, mut writer, ..
    } = tor.dial(peer).await?;
    let sent: Vec<u8> = (0..200_000_u32).map(|n| n.to_le_bytes()[n as usize % 3]).collect();
    let mut received = vec![0; sent.len()];
    let sending = async {
        writer.write_all(&sent).await?;
        writer.flush().await
    };
    futures::try_join!(sending, reader.read_exact(&mut received))?;
    assert!(sent == received);
    Ok(())
}

/// Repeats [`exchange`] until it succeeds, as a node would dial.
async fn exchange_with_retries<R: Runtime>(runtime: &R, tor: &Tor<R>, peer: OnionAddress) {
    let attempts = async {
        while let Err(error) = exchange(tor, peer).await {
            println!("{error}");
            runtime.sleep(Duration::from_millis(500)).await;
        }
    };
    runtime.timeout(PATIENCE, attempts).await.expect("an answer in time");
}

#[test]
fn nodes_on_two_runtimes_reach_each_other_and_return_after_a_restart() {
    let table = shared_network().arti_config();
    with_runtimes(async |tokio, smol| {
        let folders = [(); 2].map(|()| TempDir::new().expect("a folder"));
        let [ada, bob] = [identity(1), identity(2)];

        // Both listen before their clients are bootstrapped.
        let a = Tor::start(tokio.clone(), folders[0].path(), table.clone(), short_limits()).expect("ada");
        let b = Tor::start(smol.clone(), folders[1].path(), table.clone(), short_limits()).expect("bob");
        let ada_listens = echo(&tokio, &a, &ada);
        let bob_listens = echo(&smol, &b, &bob);
        assert!(matches!(a.listen(&ada), Err(ListenError::AddressInUse(_))));
        let proven = |status: &TorStatus| status.reachability == Reachability::Reachable;
        let status = until(&tokio, &a, proven).await;
        assert_eq!(
            (status.phase, status.percent, status.problem),
            (TorPhase::Online, 100, None)
        );
        assert!(status.proven_at > Some(Wall(0)) && status.network_changes > 0);
        until(&smol, &b, proven).await;

        exchange(&a, bob.address()).await.expect("tokio to smol");
        exchange(&b, ada.address()).await.expect("smol to tokio");
        assert_no_key_in(folders[0].path(), &ada.onion_seed);
        assert_no_key_in(folders[1].path(), &bob.onion_seed);

        // Probes go on by themselves.
        let again = until(&tokio, &a, |now| now.proven_at > status.proven_at).await;
        assert_eq!(again.reachability, Reachability::Reachable);

        // Bob's transport is restarted. What Ada's client remembers of his service is useless then, and her dial starts afresh.
        drop(bob_listens);
        b.close().await;
        assert_eq!(b.status().phase, TorPhase::Stopped);
        assert!(exchange(&b, ada.address()).await.is_err());
        assert_no_key_in(folders[1].path(), &bob.onion_seed);
        let b = Tor::start(smol.clone(), folders[1].path(), table.clone(), short_limits()).expect("bob again");
        let bob_listens = echo(&smol, &b, &bob);
        until(&smol, &b, proven).await;
        exchange_with_retries(&tokio, &a, bob.address()).await;

        // A closed listener.
        drop(ada_listens);
        let closed = until(&tokio, &a, |status| status.reachability == Reachability::Unknown).await;
        assert_eq!(closed.phase, TorPhase::Online);
        assert!(exchange(&b, ada.address()).await.is_err());

        drop(bob_listens);
        a.close().await;
        b.close().await;
        assert_no_key_in(folders[0].path(), &ada.onion_seed);
        assert_no_key_in(folders[1].path(), &bob.onion_seed);
    });
}

/// Dials until a stream opens, as a node would.
async fn dial_with_retries<R: Runtime>(runtime: &R, tor: &Tor<R>, peer: OnionAddress) -> Stream {
    let attempts = async {
        loop {
            match tor.dial(peer).await {
                Ok(stream) => return stream,
                Err(error) => println!("{error}"),
            }
            runtime.sleep(Duration::from_millis(500)).await;
        }
    };
    runtime.timeout(PATIENCE, attempts).await.expect("an answer in time")
}

/// Streams to one address share a circuit in arti, even after failures on it, unless their isolation tokens differ: so after
/// a failure the peer gets another token.
#[test]
fn a_dial_that_fails_on_a_circuit_is_repeated_on_another_one() {
    let table = shared_network().arti_config();
    with_runtimes(async |tokio, _| {
        let folders = [(); 2].map(|()| TempDir::new().expect("a folder"));
        let zoe = identity(5);
        let service = ObservingService::start(&tokio, folders[0].path(), &table, &zoe).await;
        let a = Tor::start(tokio.clone(), folders[1].path(), table.clone(), short_limits()).expect("ada");

        let first = dial_with_retries(&tokio, &a, zoe.address()).await;
        assert_eq!((service.observed().circuits.len(), service.observed().rejected), (1, 0));
        // The open stream keeps the first circuit in use, on both sides.
        let second = dial_with_retries(&tokio, &a, zoe.address()).await;
        let observed = service.observed();
        assert!(observed.rejected > 0, "it arrived on the first circuit: {observed:?}");
        assert!(
            observed.circuits.len() == 2 && observed.circuits[0] != observed.circuits[1],
            "{observed:?}"
        );
        drop((first, second));
        a.close().await;
    });
}

/// Whether a client holds the lock on the folder.
fn is_locked(folder: &Path) -> bool {
    let lock = std::fs::File::open(folder.join("state/state/state.lock"));
    lock.is_ok_and(|lock| lock.try_lock().is_err())
}

#[test]
fn after_every_remedy_the_service_answers() {
    apply_every_remedy(&identity(3), &shared_network().arti_config());
}

#[test]
fn after_every_remedy_the_service_answers_behind_a_bridge() {
    let mut table = shared_network().arti_config();
    let cache = &table["tor_network"]["fallback_caches"][0];
    let text = |value: &toml::Value| value.as_str().expect("a string").to_owned();
    // Any relay serves as a bridge without a pluggable transport.
    let bridge = format!("{} {}", text(&cache["orports"][0]), text(&cache["rsa_identity"]));
    let bridges = Table::from_iter([("bridges".to_owned(), vec![bridge].into())]);
    table.insert("bridges".to_owned(), bridges.into());
    apply_every_remedy(&identity(9), &table);
}

/// Makes probes fail, so that a client with this configuration applies all remedies, and reaches its service after each.
fn apply_every_remedy(ada: &IdentityRow, ada_table: &Table) {
    let table = shared_network().arti_config();
    with_runtimes(async |tokio, smol| {
        let folders = [(); 2].map(|()| TempDir::new().expect("a folder"));
        // Too short for any probe.
        let limits = TorLimits {
            probe_timeout: Duration::from_millis(1),
            probe_retry: Duration::from_secs(5),
            probe_retry_cap: Duration::from_secs(10),
            ..short_limits()
        };
        let a = Tor::start(tokio.clone(), folders[0].path(), ada_table.clone(), limits).expect("ada");
        let b = Tor::start(smol.clone(), folders[1].path(), table.clone(), short_limits()).expect("bob");
        let _listens = echo(&tokio, &a, ada);
        // After a dial arti keeps the client in memory for a while, and with it the lock on its folder.
        exchange_with_retries(&tokio, &a, ada.address()).await;
        for wanted in [Remedy::Republish, Remedy::NewIntroductionPoints, Remedy::FreshClient] {
            // On a busy machine a later remedy may follow before this test sees the first.
            let status = until(
                &tokio,
                &a,
                |status| matches!(&status.problem, Some(TorProblem::Probe { remedy: Some(remedy), .. }) if *remedy >= wanted),
            )
            .await;
            assert_eq!(status.reachability, Reachability::Unreachable);
            exchange_with_retries(&smol, &b, ada.address()).await;
            assert_no_key_in(folders[0].path(), &ada.onion_seed);
        }
        a.close().await;
        b.close().await;
        assert_no_key_in(folders[0].path(), &ada.onion_seed);
    });
}

#[test]
fn a_node_is_reachable_again_after_a_relay_has_died() {
    let mut network = TorNetwork::start().unwrap_or_else(|error| panic!("{error}"));
    let table = network.arti_config();
    with_runtimes(async |tokio, smol| {
        let folders = [(); 2].map(|()| TempDir::new().expect("a folder"));
        let ada = identity(4);
        let a = Tor::start(tokio.clone(), folders[0].path(), table.clone(), short_limits()).expect("ada");
        let b = Tor::start(smol.clone(), folders[1].path(), table.clone(), short_limits()).expect("bob");
        let _listens = echo(&tokio, &a, &ada);
        until(&tokio, &a, |status| status.reachability == Reachability::Reachable).await;
        exchange(&b, ada.address()).await.expect("before");

        // Only one of nine, because the consensus still lists it: arti keeps choosing it as long as its vanguards last. On the
        // public network it would disappear from the consensus within the hour.
        network.kill_relay(0);
        let killed = a.status().proven_at;
        exchange_with_retries(&smol, &b, ada.address()).await;
        let recovered = until(&tokio, &a, |now| {
            now.proven_at > killed && now.reachability == Reachability::Reachable
        })
        .await;
        assert_eq!(recovered.problem, None);
        a.close().await;
        b.close().await;
    });
}

#[test]
fn the_status_names_the_obstacle() {
    with_runtimes(async |tokio, _| {
        let folder = TempDir::new().expect("a folder");
        let table: Table = r#"
            [bridges]
            bridges = ["obfs4 192.0.2.55:38114 316E643333645F6D79216558614D3931657A5F5F cert=YXJlIGZyZXF1ZW50bHkgZnVsbCBvZiBsaXR0bGUgbWVzc2FnZXMgeW91IGNhbiBmaW5kLg iat-mode=0"]
            [[bridges.transports]]
            protocols = ["obfs4"]
            path = "/nowhere/obfs4proxy"
        "#
        .parse()
        .expect("TOML");
        let tor = Tor::start(tokio.clone(), folder.path(), table, short_limits()).expect("Tor");
        let status = until(&tokio, &tor, |status| status.problem.is_some()).await;
        assert_eq!(
            status.problem,
            Some(TorProblem::MissingPrograms(vec!["/nowhere/obfs4proxy".into()]))
        );
        let impatient = TorLimits {
            bootstrap_timeout: Duration::from_millis(100),
            ..short_limits()
        };
        tor.close().await;

        let tor = Tor::start(tokio.clone(), folder.path(), unreachable_network(), impatient).expect("Tor");
        let error = tor.dial(identity(9).address()).await.expect_err("not bootstrapped");
        assert_eq!(error.kind(), io::ErrorKind::NetworkDown);
        tor.close().await;
    });
}

/// A network with one directory cache, at whose address no process listens.
fn unreachable_network() -> Table {
    r#"
        [tor_network]
        authorities.v3idents = ["316E643333645F6D79216558614D3931657A5F5F"]
        [[tor_network.fallback_caches]]
        rsa_identity = "316E643333645F6D79216558614D3931657A5F5F"
        ed_identity = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
        orports = ["127.0.0.1:1"]
    "#
    .parse()
    .expect("TOML")
}

#[test]
fn a_client_that_has_only_bootstrapped_leaves_no_task_behind() {
    let table = shared_network().arti_config();
    with_runtimes(async |tokio, smol| {
        let folders = [(); 2].map(|()| TempDir::new().expect("a folder"));
        let a = Tor::start(tokio.clone(), folders[0].path(), table.clone(), short_limits()).expect("ada");
        let b = Tor::start(smol.clone(), folders[1].path(), table.clone(), short_limits()).expect("bob");
        until(&tokio, &a, TorStatus::is_online).await;
        until(&smol, &b, TorStatus::is_online).await;
        assert!(folders.iter().all(|folder| is_locked(folder.path())));
        a.close().await;
        b.close().await;
        assert!(!folders.iter().any(|folder| is_locked(folder.path())));
    });
}

/// A runtime's clock, of which the wall time is off by so many seconds.
#[derive(Clone)]
struct WrongClock<R> {
    machine: R,
    ahead: Arc<AtomicU64>,
}

impl<R: SleepProvider> SleepProvider for WrongClock<R> {
    type SleepFuture = R::SleepFuture;

    fn sleep(&self, duration: Duration) -> Self::SleepFuture {
        self.machine.sleep(duration)
    }

    fn wallclock(&self) -> SystemTime {
        self.machine.wallclock() + Duration::from_secs(self.ahead.load(Ordering::Relaxed))
    }
}

/// Closes the listener and opens another one, with other introduction points, and waits until that is reachable.
async fn listen_anew<R: Runtime, L>(
    runtime: &R,
    tor: &Tor<R>,
    identity: &IdentityRow,
    listens: L,
) -> impl Sized + use<R, L> {
    drop(listens);
    until(runtime, tor, |status| status.reachability == Reachability::Unknown).await;
    let listens = echo(runtime, tor, identity);
    until(runtime, tor, |status| status.reachability == Reachability::Reachable).await;
    listens
}

/// Directories keep the descriptor with the latest date. What was published under a clock that was ahead must not keep clients
/// away when the clock is right again, in the same process or in the next one.
#[test]
fn a_node_whose_clock_was_ahead_is_reachable_after_it_is_set_back() {
    let table = shared_network().arti_config();
    with_runtimes(async |tokio, smol| {
        let folders = [(); 2].map(|()| TempDir::new().expect("a folder"));
        let ada = identity(6);
        let ahead = Arc::new(AtomicU64::new(3600));
        let clock = WrongClock {
            machine: tokio.clone(),
            ahead: Arc::clone(&ahead),
        };
        let wrong = tokio.with_sleep_provider(clock);
        let start = || Tor::start(wrong.clone(), folders[0].path(), table.clone(), short_limits()).expect("ada");
        let proven = |status: &TorStatus| status.reachability == Reachability::Reachable;
        let b = Tor::start(smol.clone(), folders[1].path(), table.clone(), short_limits()).expect("bob");

        let a = start();
        let listens = echo(&wrong, &a, &ada);
        until(&wrong, &a, proven).await;
        exchange_with_retries(&smol, &b, ada.address()).await;

        // Another start under the right clock. Neither the introduction points nor the keys of the first are left.
        ahead.store(0, Ordering::Relaxed);
        drop(listens);
        a.close().await;
        let a = start();
        let listens = echo(&wrong, &a, &ada);
        let status = until(&wrong, &a, proven).await;
        assert_eq!(status.problem, None);
        exchange_with_retries(&smol, &b, ada.address()).await;

        // Ahead again and set back while it runs: the next descriptor is taken, too.
        ahead.store(7200, Ordering::Relaxed);
        let listens = listen_anew(&wrong, &a, &ada, listens).await;
        ahead.store(0, Ordering::Relaxed);
        let _listens = listen_anew(&wrong, &a, &ada, listens).await;
        exchange_with_retries(&smol, &b, ada.address()).await;
        a.close().await;
        b.close().await;
    });
}

/// Two machines with one profile, and then one of them is stopped.
#[test]
fn another_process_that_answers_at_the_own_address_is_found_and_its_end_heals() {
    let table = shared_network().arti_config();
    with_runtimes(async |tokio, smol| {
        let folders = [(); 3].map(|()| TempDir::new().expect("a folder"));
        let ada = identity(7);
        let a = Tor::start(tokio.clone(), folders[0].path(), table.clone(), short_limits()).expect("the first");
        let first_listens = echo(&tokio, &a, &ada);
        let proven = |status: &TorStatus| status.reachability == Reachability::Reachable;
        until(&tokio, &a, proven).await;

        // The second publishes later, so clients reach it.
        let b = Tor::start(smol.clone(), folders[1].path(), table.clone(), short_limits()).expect("the second");
        let second_listens = echo(&smol, &b, &ada);
        let found = until(&tokio, &a, |status| status.problem == Some(TorProblem::AnotherNode)).await;
        assert_eq!(found.reachability, Reachability::Unreachable);

        drop(second_listens);
        b.close().await;
        let healed = until(&tokio, &a, |status| proven(status) && status.problem.is_none()).await;
        assert!(healed.proven_at > found.proven_at);
        let c = Tor::start(tokio.clone(), folders[2].path(), table.clone(), short_limits()).expect("a client");
        exchange_with_retries(&tokio, &c, ada.address()).await;
        drop(first_listens);
        a.close().await;
        c.close().await;
    });
}

/// The relays that a service in this folder has as introduction points, by their places in the network.
fn introduction_points(network: &TorNetwork, folder: &Path) -> Vec<usize> {
    let services = std::fs::read_dir(folder.join("state/hss")).expect("a service");
    let records: String = services
        .filter_map(|service| std::fs::read_to_string(service.ok()?.path().join("ipts.json")).ok())
        .collect();
    let is_one = |relay: &sotto_tor_network::Tor| {
        let identity = network.folder().join(relay.nickname()).join("fingerprint-ed25519");
        let line = std::fs::read_to_string(identity).expect("a key");
        let identity = line
            .split_whitespace()
            .last()
            .expect("a key")
            .trim_end_matches('=')
            .to_owned();
        records.contains(&identity)
    };
    let relays = network.relays().iter().enumerate();
    relays
        .filter(|(_, relay)| is_one(relay))
        .map(|(place, _)| place)
        .collect()
}

/// All introduction points at once. The descriptor that clients have leads nowhere then.
#[test]
fn a_node_is_reachable_again_after_its_introduction_points_have_died() {
    let mut network = TorNetwork::start_with(16).unwrap_or_else(|error| panic!("{error}"));
    let table = network.arti_config();
    with_runtimes(async |tokio, smol| {
        let folders = [(); 2].map(|()| TempDir::new().expect("a folder"));
        let ada = identity(8);
        let a = Tor::start(tokio.clone(), folders[0].path(), table.clone(), short_limits()).expect("ada");
        let b = Tor::start(smol.clone(), folders[1].path(), table.clone(), short_limits()).expect("bob");
        let _listens = echo(&tokio, &a, &ada);
        until(&tokio, &a, |status| status.reachability == Reachability::Reachable).await;
        exchange_with_retries(&smol, &b, ada.address()).await;

        let points = introduction_points(&network, folders[0].path());
        assert!(points.len() >= 2, "{points:?}");
        for point in &points {
            network.kill_relay(*point);
        }
        let lost = until(&tokio, &a, |status| status.reachability != Reachability::Reachable).await;
        let healed = until(&tokio, &a, |now| {
            now.proven_at > lost.proven_at && now.reachability == Reachability::Reachable
        })
        .await;
        assert_eq!(healed.problem, None);
        exchange_with_retries(&smol, &b, ada.address()).await;
        let left = introduction_points(&network, folders[0].path());
        assert!(
            left.iter().any(|point| !points.contains(point)),
            "{points:?}, then {left:?}"
        );
        a.close().await;
        b.close().await;
    });
}
