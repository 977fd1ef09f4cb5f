//! On a private Tor network: nodes on tokio and on smol are bootstrapped, reach each other, prove that they can be
//! reached, come back under their address, and heal. Needs the package `tor`; run with
//! `cargo test -p sotto-io-tor --features tor`.

mod stranger;

use std::future::poll_fn;
use std::io;
use std::path::Path;
use std::time::Duration;

use futures::channel::oneshot;
use futures::io::{AsyncReadExt as _, AsyncWriteExt as _};
use futures::stream::StreamExt as _;
use sotto_core::row::IdentityRow;
use sotto_core::{OnionAddress, Wall};
use sotto_io::{ListenError, Stream, Transport as _};
use sotto_io_tor::{Limits, Phase, Problem, Reachability, Remedy, Status, Tor, runtime};
use sotto_testkit::key_search::assert_no_key_in;
use sotto_tor_network::TorNetwork;
use tempfile::TempDir;
use toml::Table;
use tor_rtcompat::{Runtime, SleepProviderExt as _, SpawnExt as _, ToplevelBlockOn as _};
use tracing_subscriber::EnvFilter;

use stranger::Stranger;

/// The machine that runs this may have much else to do.
const PATIENCE: Duration = Duration::from_mins(2);

fn identity(seed: u8) -> IdentityRow {
    IdentityRow {
        onion_seed: [seed; 32],
        signal_identity: Vec::new(),
        registration_id: 1,
        name: String::new(),
        created_at: Wall(0),
    }
}

fn quick() -> Limits {
    Limits {
        probe_interval: Duration::from_secs(5),
        probe_retry: Duration::from_secs(2),
        watch: Duration::from_secs(1),
        stagger: Duration::ZERO,
        publish: Duration::from_secs(20),
        ..Limits::DEFAULT
    }
}

/// Runs `story` on tokio, with smol's executor at hand on a thread of its own.
fn stage<F: Future<Output = ()>>(
    story: impl FnOnce(tor_rtcompat::tokio::TokioRustlsRuntime, tor_rtcompat::smol::SmolRustlsRuntime) -> F,
) {
    // `RUST_LOG=sotto_io_tor=debug,tor_hsservice=debug` shows what arti is at; there may be several tests.
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
    tokio.block_on(async { story(runtime::tokio().expect("tokio"), smol).await });
    drop(end);
    thread.join().expect("smol's thread");
}

/// Waits until the status is as wanted.
async fn until<R: Runtime>(runtime: &R, tor: &Tor<R>, wanted: impl Fn(&Status) -> bool) -> Status {
    let mut changes = tor.status_changes();
    let waiting = async {
        while let Some(status) = changes.next().await {
            println!(
                "{:?}: {status}",
                std::time::SystemTime::now()
                    .duration_since(std::time::UNIX_EPOCH)
                    .unwrap()
            );
            if wanted(&status) {
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

/// Listens, and says back whatever is said, until the returned value is dropped.
fn echo<R: Runtime>(runtime: &R, tor: &Tor<R>, identity: &IdentityRow) -> impl Sized + use<R> {
    let mut listener = tor.listen(identity).expect("nobody else listens");
    let spawner = runtime.clone();
    let serving = async move {
        loop {
            let Stream { mut reader, mut writer } = poll_fn(|cx| listener.poll_accept(cx)).await;
            let answering = async move {
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
            spawner.spawn(answering).expect("a runtime");
        }
    };
    runtime.spawn_with_handle(serving).expect("a runtime")
}

/// Says something long, and hears it.
async fn talk<R: Runtime>(tor: &Tor<R>, peer: OnionAddress) -> io::Result<()> {
    let Stream { mut reader, mut writer } = tor.dial(peer).await?;
    let said: Vec<u8> = (0..200_000_u32).map(|n| n.to_le_bytes()[n as usize % 3]).collect();
    let mut heard = vec![0; said.len()];
    let saying = async {
        writer.write_all(&said).await?;
        writer.flush().await
    };
    futures::try_join!(saying, reader.read_exact(&mut heard))?;
    assert!(said == heard);
    Ok(())
}

/// Tries for a while, as a node would.
async fn talk_at_last<R: Runtime>(runtime: &R, tor: &Tor<R>, peer: OnionAddress) {
    let trying = async {
        while let Err(error) = talk(tor, peer).await {
            println!("{error}");
            runtime.sleep(Duration::from_millis(500)).await;
        }
    };
    runtime.timeout(PATIENCE, trying).await.expect("it answers at last");
}

#[test]
fn two_runtimes_reach_each_other_and_come_back() {
    let network = TorNetwork::start().unwrap_or_else(|error| panic!("{error}"));
    let table = network.arti_config();
    stage(async |tokio, smol| {
        let folders = [(); 2].map(|()| TempDir::new().expect("a folder"));
        let [ada, bob] = [identity(1), identity(2)];

        // Listening, before there is a network to be reached in.
        let a = Tor::start(tokio.clone(), folders[0].path(), table.clone(), quick()).expect("ada");
        let b = Tor::start(smol.clone(), folders[1].path(), table.clone(), quick()).expect("bob");
        let ada_listens = echo(&tokio, &a, &ada);
        let bob_listens = echo(&smol, &b, &bob);
        assert!(matches!(a.listen(&ada), Err(ListenError::AddressInUse(_))));
        let proven = |status: &Status| status.reachability == Reachability::Reachable;
        let status = until(&tokio, &a, proven).await;
        assert_eq!(
            (status.phase, status.percent, status.problem),
            (Phase::Online, 100, None)
        );
        assert!(status.proven_at > Some(Wall(0)) && status.disturbances > 0);
        until(&smol, &b, proven).await;

        talk(&a, bob.address()).await.expect("tokio to smol");
        talk(&b, ada.address()).await.expect("smol to tokio");
        assert_no_key_in(folders[0].path(), &ada.onion_seed);
        assert_no_key_in(folders[1].path(), &bob.onion_seed);

        // What was proven is proven again, without anybody asking.
        let again = until(&tokio, &a, |now| now.proven_at > status.proven_at).await;
        assert_eq!(again.reachability, Reachability::Reachable);

        // Bob goes for a while. What Ada remembers of him is of no use when he is back, and she finds out.
        drop(bob_listens);
        b.close().await;
        assert_eq!(b.status().phase, Phase::Stopped);
        assert!(talk(&b, ada.address()).await.is_err());
        assert_no_key_in(folders[1].path(), &bob.onion_seed);
        let b = Tor::start(smol.clone(), folders[1].path(), table.clone(), quick()).expect("bob again");
        let bob_listens = echo(&smol, &b, &bob);
        until(&smol, &b, proven).await;
        talk_at_last(&tokio, &a, bob.address()).await;

        // A door that is closed.
        drop(ada_listens);
        let closed = until(&tokio, &a, |status| status.reachability == Reachability::Unknown).await;
        assert_eq!(closed.phase, Phase::Online);
        assert!(talk(&b, ada.address()).await.is_err());

        drop(bob_listens);
        a.close().await;
        b.close().await;
        assert_no_key_in(folders[0].path(), &ada.onion_seed);
        assert_no_key_in(folders[1].path(), &bob.onion_seed);
    });
}

/// Dials for a while, as a node would.
async fn dial_at_last<R: Runtime>(runtime: &R, tor: &Tor<R>, peer: OnionAddress) -> Stream {
    let trying = async {
        loop {
            match tor.dial(peer).await {
                Ok(stream) => return stream,
                Err(error) => println!("{error}"),
            }
            runtime.sleep(Duration::from_millis(500)).await;
        }
    };
    runtime.timeout(PATIENCE, trying).await.expect("it answers at last")
}

/// Streams to two addresses share no circuit in any case. To one address arti opens them all on the same circuit, whatever
/// becomes of them there, unless they come with different tokens: after a failure the contact has another one.
#[test]
fn a_dial_that_fails_on_a_circuit_is_made_on_another_one() {
    let network = TorNetwork::start().unwrap_or_else(|error| panic!("{error}"));
    let table = network.arti_config();
    stage(async |tokio, _| {
        let folders = [(); 2].map(|()| TempDir::new().expect("a folder"));
        let zoe = identity(5);
        let stranger = Stranger::start(&tokio, folders[0].path(), &table, &zoe).await;
        let a = Tor::start(tokio.clone(), folders[1].path(), table.clone(), quick()).expect("ada");

        let first = dial_at_last(&tokio, &a, zoe.address()).await;
        assert_eq!((stranger.seen().circuits.len(), stranger.seen().refused), (1, 0));
        // What is open keeps its circuit in use, on both sides.
        let second = dial_at_last(&tokio, &a, zoe.address()).await;
        let seen = stranger.seen();
        assert!(
            seen.refused > 0,
            "it came on the circuit that there was first: {seen:?}"
        );
        assert!(
            seen.circuits.len() == 2 && seen.circuits[0] != seen.circuits[1],
            "{seen:?}"
        );
        drop((first, second));
        a.close().await;
    });
}

/// Whether a client is at work in the folder.
fn is_held(folder: &Path) -> bool {
    let lock = std::fs::File::open(folder.join("state/state/state.lock"));
    lock.is_ok_and(|lock| lock.try_lock().is_err())
}

#[test]
fn every_remedy_leaves_a_service_that_answers() {
    let network = TorNetwork::start().unwrap_or_else(|error| panic!("{error}"));
    every_remedy(&network, &network.arti_config());
}

#[test]
fn every_remedy_leaves_a_service_that_answers_behind_a_bridge() {
    let network = TorNetwork::start().unwrap_or_else(|error| panic!("{error}"));
    let mut table = network.arti_config();
    let cache = &table["tor_network"]["fallback_caches"][0];
    let word = |value: &toml::Value| value.as_str().expect("a word").to_owned();
    // Any relay will do, without a transport.
    let bridge = format!("{} {}", word(&cache["orports"][0]), word(&cache["rsa_identity"]));
    let bridges = Table::from_iter([("bridges".to_owned(), vec![bridge].into())]);
    table.insert("bridges".to_owned(), bridges.into());
    every_remedy(&network, &table);
}

/// Climbs the ladder for nothing, as a client that is configured like this.
fn every_remedy(network: &TorNetwork, ada_is_by: &Table) {
    let table = network.arti_config();
    stage(async |tokio, smol| {
        let folders = [(); 2].map(|()| TempDir::new().expect("a folder"));
        let ada = identity(3);
        // No probe can come home in this time.
        let limits = Limits {
            probe: Duration::from_millis(1),
            probe_retry: Duration::from_secs(5),
            probe_retry_cap: Duration::from_secs(10),
            ..quick()
        };
        let a = Tor::start(tokio.clone(), folders[0].path(), ada_is_by.clone(), limits).expect("ada");
        let b = Tor::start(smol.clone(), folders[1].path(), table.clone(), quick()).expect("bob");
        let _listens = echo(&tokio, &a, &ada);
        // arti remembers a client through which somebody was reached, and with it the lock on its folder.
        talk_at_last(&tokio, &a, ada.address()).await;
        for wanted in [Remedy::Republish, Remedy::NewIntroductionPoints, Remedy::FreshClient] {
            // On a busy machine the ladder may be climbed faster than we look.
            let status = until(
                &tokio,
                &a,
                |status| matches!(&status.problem, Some(Problem::Probe { remedy: Some(remedy), .. }) if *remedy >= wanted),
            )
            .await;
            assert_eq!(status.reachability, Reachability::Unreachable);
            talk_at_last(&smol, &b, ada.address()).await;
            assert_no_key_in(folders[0].path(), &ada.onion_seed);
        }
        a.close().await;
        b.close().await;
        assert_no_key_in(folders[0].path(), &ada.onion_seed);
    });
}

#[test]
fn it_is_reachable_again_after_a_relay_has_died() {
    let mut network = TorNetwork::start().unwrap_or_else(|error| panic!("{error}"));
    let table = network.arti_config();
    stage(async |tokio, smol| {
        let folders = [(); 2].map(|()| TempDir::new().expect("a folder"));
        let ada = identity(4);
        let a = Tor::start(tokio.clone(), folders[0].path(), table.clone(), quick()).expect("ada");
        let b = Tor::start(smol.clone(), folders[1].path(), table.clone(), quick()).expect("bob");
        let _listens = echo(&tokio, &a, &ada);
        until(&tokio, &a, |status| status.reachability == Reachability::Reachable).await;
        talk(&b, ada.address()).await.expect("before");

        // One of nine, for the consensus goes on listing it: on the public network it would be gone within the hour, while
        // arti goes on choosing it here for as long as its vanguards last.
        network.kill_relay(0);
        let killed = a.status().proven_at;
        talk_at_last(&smol, &b, ada.address()).await;
        let healed = until(&tokio, &a, |now| {
            now.proven_at > killed && now.reachability == Reachability::Reachable
        })
        .await;
        assert_eq!(healed.problem, None);
        a.close().await;
        b.close().await;
    });
}

#[test]
fn what_is_in_the_way_is_said() {
    stage(async |tokio, _| {
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
        let tor = Tor::start(tokio.clone(), folder.path(), table, quick()).expect("Tor");
        let status = until(&tokio, &tor, |status| status.problem.is_some()).await;
        assert_eq!(
            status.problem,
            Some(Problem::MissingPrograms(vec!["/nowhere/obfs4proxy".into()]))
        );
        let waiting = Limits {
            bootstrap_wait: Duration::from_millis(100),
            ..quick()
        };
        tor.close().await;

        let tor = Tor::start(tokio.clone(), folder.path(), nowhere(), waiting).expect("Tor");
        let error = tor.dial(identity(9).address()).await.expect_err("not bootstrapped");
        assert_eq!(error.kind(), io::ErrorKind::NetworkDown);
        tor.close().await;
    });
}

/// A network of one directory, at whose address nobody is.
fn nowhere() -> Table {
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
fn a_client_that_has_only_bootstrapped_leaves_nothing_behind() {
    let network = TorNetwork::start().unwrap_or_else(|error| panic!("{error}"));
    stage(async |tokio, smol| {
        let folders = [(); 2].map(|()| TempDir::new().expect("a folder"));
        let a = Tor::start(tokio.clone(), folders[0].path(), network.arti_config(), quick()).expect("ada");
        let b = Tor::start(smol.clone(), folders[1].path(), network.arti_config(), quick()).expect("bob");
        until(&tokio, &a, Status::is_online).await;
        until(&smol, &b, Status::is_online).await;
        assert!(folders.iter().all(|folder| is_held(folder.path())));
        a.close().await;
        b.close().await;
        assert!(!folders.iter().any(|folder| is_held(folder.path())));
    });
}
