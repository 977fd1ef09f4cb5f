//! [`Daemon`]: a node, its read side, and the JSON-RPC server on the profile's socket.
//!
//! It starts in the order lock, key, store, node, socket, so that a client that can connect finds all of them; it stops in
//! the reverse order. Everything runs on one thread, except the store, the queries and Tor, which block and have threads of
//! their own.

mod api_error;
mod authority;
mod call;
mod client_queue;
mod config;
mod connection;
mod doctor;
mod endpoints;
mod event_watch;
mod free_space;
mod handler;
mod harden;
mod host;
mod init;
mod key;
mod log;
mod network;
mod notifications;
mod page;
mod people;
mod prompt;
mod read_pool;
pub mod resolve;
mod server;
mod service;
mod signals;
mod subscription;
mod view;

use std::env;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use sotto_api::{Error, Kind, Time};
use sotto_client::{Lock, Profile};
use sotto_core::{Command, Limits, Millis, OnionAddress, Reply};
use sotto_io_sqlcipher::{Store, StoreError};
use sotto_io_tokio::{DriverError, NodeHandle, NodeTask, Transport};
use tokio::sync::{mpsc, watch};
use tokio::task::{JoinError, JoinHandle, JoinSet};

use authority::Authority;
use endpoints::Endpoints;
use event_watch::EventWatch;
use free_space::FreeSpace;
use network::NetworkHandle;
use notifications::Notifications;
use page::PageCache;
use people::People;
use read_pool::{ReadPool, ReadThread};
use server::Server;
use service::{ConsumerLocks, Service, unexpected};
use signals::Signals;

pub use config::{Config, Network, Reads, template};
pub use connection::{LINE_LIMIT, RequestLine, RequestLines};
pub use doctor::examine_files;
pub use harden::close_memory;
pub use host::Host;
pub use init::{Backup, init, restore};
pub use key::{KeySource, is_named as key_is_named};
pub use log::Log;
pub use prompt::ask;

/// What differs from the configuration.
#[derive(Clone, Default)]
pub struct Options {
    /// The network, in place of the configured one: `tor` or `local:DIR`.
    pub network: Option<String>,
    /// The transport, in place of that of the network. Tests watch the bytes with it.
    pub transport: Option<Arc<dyn Transport>>,
    /// Where the store's key is.
    pub key: KeySource,
    /// Where the log goes, in place of the configured file.
    pub log_file: Option<PathBuf>,
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("network", &self.network)
            .field("key", &self.key)
            .finish_non_exhaustive()
    }
}

/// Runs a daemon in this process until a client or a signal stops it.
pub fn run(profile: &Profile, options: Options) -> Result<(), Error> {
    profile.require()?;
    harden::harden()?;
    let config = configured(profile, &options)?;
    let log = &config.log_file.map_or(Log::Stderr, Log::File);
    let log_handle = Arc::new(log::start(log, &config.log_level)?);
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Error::io("no runtime", &error))?
        .block_on(async {
            let signals = Signals::listen(log)?;
            let daemon = Daemon::start(profile, options).await?;
            // Every file is open or known by an absolute path. The folder of the caller can be unmounted.
            env::set_current_dir("/").map_err(|error| Error::io("/", &error))?;
            let stop = daemon.service.stop.clone();
            let log_handle = log_handle.clone();
            tokio::spawn(async move {
                signals.end_requested(|| log_handle.reopen()).await;
                stop.send_modify(|stop| *stop = true);
            });
            daemon.finished().await
        })
}

/// A daemon that runs as tasks of the current runtime.
#[derive(Debug)]
pub struct Daemon {
    service: Arc<Service>,
    node: NodeHandle,
    driver: NodeTask<Store>,
    server: JoinHandle<()>,
    read_threads: [ReadThread; 2],
    /// What the server relies on: they end with the node, or by a panic.
    followers: JoinSet<()>,
    network: NetworkHandle,
    // Last, so that the lock is held until everything else has ended.
    lock: Lock,
}

impl Daemon {
    /// Starts it; when this returns, clients can connect. Deriving the key blocks for a moment.
    pub async fn start(profile: &Profile, options: Options) -> Result<Self, Error> {
        profile.require()?;
        let config = configured(profile, &options)?;
        let lock = Lock::acquire(&profile.lock_file())?;
        let (store, owner) = key::open(&options.key, &config, &profile.database(), Store::open)?;
        let people = store.people_version();
        let pool = || ReadPool::start(store.reader().map_err(|error| api_error::store(&error))?);
        let (reads, read_thread) = pool()?;
        let authority = Authority::load(&reads, owner, config.reads).await?;
        let (backups, backup_thread) = pool()?;
        let mut followers = JoinSet::new();
        let network = match options.transport {
            Some(transport) => NetworkHandle::given(transport, &config.network),
            None => NetworkHandle::start(profile, &config, &mut followers)?,
        };
        let limits = limits(&config);
        let driven = sotto_io_tokio::NodeConfig {
            store,
            transport: network.transport.clone(),
            limits,
        };
        let (node, mut driver) = sotto_io_tokio::start(driven)
            .await
            .map_err(|error| api_error::driver(&error))?;
        let pools = [reads, backups];
        let parts = Parts {
            config,
            node: node.clone(),
            pools,
            people: People::new(people),
            authority,
        };
        let (service, server) = match serve(profile, parts, &network, &mut followers, &lock).await {
            Ok(started) => started,
            Err(error) => {
                // The address and the store are free again before the error is returned, so that the next start finds them.
                node.shutdown().await;
                let _ = (&mut driver).await;
                network.close().await;
                return Err(error);
            }
        };
        Ok(Self {
            service,
            node,
            driver,
            server,
            read_threads: [read_thread, backup_thread],
            followers,
            network,
            lock,
        })
    }

    /// Asks it to stop; [`finished`](Self::finished) returns when it has.
    pub fn stop(&self) {
        self.service.stop.send_modify(|stop| *stop = true);
    }

    /// Returns when it has stopped cleanly, or the error that ended it. A part that crashes ends all of them, because a
    /// process that holds the profile must serve it.
    pub async fn finished(mut self) -> Result<(), Error> {
        let end = self.end().await;
        let Self {
            service,
            node,
            driver,
            server,
            read_threads,
            followers,
            network,
            lock,
        } = self;
        service.stop.send_modify(|stop| *stop = true);
        drop(service);
        if !server.is_finished() {
            // All clients are gone, so no error here can be reported.
            let _ = server.await;
        }
        for thread in read_threads {
            thread.close();
        }
        let (node_end, crash) = match end {
            End::Node(node_end) => (node_end, None),
            End::Requested => (shut_down(&node, driver).await, None),
            End::Crashed(part, error) => (shut_down(&node, driver).await, Some(crashed(part, error))),
        };
        drop(followers);
        network.close().await;
        drop(lock);
        match (crash, node_end) {
            (Some(crash), _) => Err(crash),
            (None, Ok(Ok(()))) => {
                tracing::info!("the daemon has ended");
                Ok(())
            }
            (None, Ok(Err(error))) => {
                // The message may name an address. The caller gets it, the log does not.
                let error = api_error::driver(&error);
                tracing::error!(kind = ?error.kind(), "the node has stopped for good");
                Err(error)
            }
            (None, Err(error)) => Err(crashed("the node", Some(error))),
        }
    }

    /// The first end of any part.
    async fn end(&mut self) -> End {
        let mut stopping = self.service.stopping();
        let [reads, backups] = &mut self.read_threads;
        tokio::select! {
            biased;
            _ = stopping.wait_for(|stopping| *stopping) => End::Requested,
            // Before the followers, which end with it.
            ended = &mut self.driver => End::Node(ended),
            ended = &mut self.server => match ended {
                // It ends only when asked to. A stop from another thread wakes one task after the other, and this one may be
                // the later.
                Ok(()) => End::Requested,
                Err(error) => End::Crashed("the server", Some(error)),
            },
            () = reads.ended() => End::Crashed("the thread for queries", None),
            () = self.network.crashed() => End::Crashed("Tor's task", None),
            () = backups.ended() => End::Crashed("the thread for backups", None),
            error = first_panic(&mut self.followers) => End::Crashed("a follower of the node", Some(error)),
        }
    }
}

type NodeEnd = Result<Result<(), DriverError<StoreError>>, JoinError>;

/// Why a daemon ends.
enum End {
    /// A client or a signal asked for it.
    Requested,
    /// The node has ended.
    Node(NodeEnd),
    /// Another part has ended, though it was not asked to.
    Crashed(&'static str, Option<JoinError>),
}

async fn shut_down(node: &NodeHandle, driver: NodeTask<Store>) -> NodeEnd {
    node.shutdown().await;
    driver.await
}

fn crashed(part: &'static str, error: Option<JoinError>) -> Error {
    tracing::error!(part, "a part of the daemon has crashed");
    let why = error.map_or_else(String::new, |error| format!(": {error}"));
    Error::internal(format!("{part} has crashed{why}"))
}

/// Resolves when one of the tasks has panicked.
async fn first_panic(tasks: &mut JoinSet<()>) -> JoinError {
    loop {
        match tasks.join_next().await {
            Some(Err(error)) => return error,
            Some(Ok(())) => {}
            None => std::future::pending().await,
        }
    }
}

/// What a service is made of.
struct Parts {
    config: Config,
    node: NodeHandle,
    /// For queries, and for backups.
    pools: [ReadPool; 2],
    people: People,
    authority: Authority,
}

/// Starts the server for a node that runs.
async fn serve(
    profile: &Profile,
    parts: Parts,
    network: &NetworkHandle,
    followers: &mut JoinSet<()>,
    lock: &Lock,
) -> Result<(Arc<Service>, JoinHandle<()>), Error> {
    let Parts {
        config,
        node,
        pools: [reads, backups],
        people,
        authority,
    } = parts;
    // Subscribed before the end of the log is read, so that no event is missed between the two.
    let notices = node.subscribe();
    let newest = reads
        .read(|reader| reader.events(sotto_core::EventSeq(u64::MAX), 0))
        .await?
        .last;
    let us = own_address(&node).await?;
    let free_space = FreeSpace {
        node: node.clone(),
        reads: reads.clone(),
        folder: profile.folder().to_owned(),
        reserve: limits(&config).reserve,
    };
    followers.spawn(free_space.watch());
    network.inform(node.clone(), followers);
    let endpoints = Endpoints::bind(&config, lock).await?;
    let (announcements, announced) = mpsc::channel(authority::WAITING);
    let notifications = Notifications::load(&reads).await?;
    let service = Arc::new(Service {
        endpoints: endpoints.list(),
        node,
        network: network.status(),
        events: EventWatch::start(notices, newest.0, reads.clone(), followers),
        reads,
        backups,
        profile: profile.clone(),
        us,
        started_at: Time::now(),
        stop: watch::Sender::new(false),
        subscriptions: AtomicU64::new(0),
        consumer_locks: ConsumerLocks::default(),
        pages: PageCache::default(),
        people,
        config,
        authority,
        announcements,
        notifications,
        storage_turn: tokio::sync::Mutex::default(),
        petname_turn: tokio::sync::Mutex::default(),
    });
    if let Err(error) = service.send_what_was_allowed().await {
        tracing::warn!(kind = ?error.kind(), "what was allowed cannot be sent yet");
    }
    followers.spawn(service.clone().watch_approvals());
    followers.spawn(service.clone().send_announced(announced));
    followers.spawn(service.clone().notify(newest));
    service.set_configured_availability().await?;
    let server = Server::bind(&profile.socket(), lock)?;
    tracing::info!(network = kind(&service.config.network), "the daemon has started");
    let server = tokio::spawn(server.run(service.clone()));
    if let Err(error) = endpoints.serve(&profile.socket(), followers).await {
        server.abort();
        return Err(error);
    }
    Ok((service, server))
}

async fn own_address(node: &NodeHandle) -> Result<OnionAddress, Error> {
    match node.command(Command::Identity).await.map_err(api_error::stopped)? {
        Ok(Reply::Identity { address, .. }) => Ok(address),
        Ok(reply) => Err(unexpected(&reply)),
        Err(refusal) => Err(api_error::refusal(&refusal)),
    }
}

fn configured(profile: &Profile, options: &Options) -> Result<Config, Error> {
    let mut config = Config::load(&profile.config_file())?;
    if let Some(log_file) = &options.log_file {
        config.log_file = Some(std::path::absolute(log_file).map_err(|error| Error::io(log_file.display(), &error))?);
    }
    if let Some(network) = &options.network {
        config.network = network.parse().map_err(|why: String| Error::new(Kind::Usage, why))?;
    }
    if let Network::Local(folder) = &mut config.network {
        // The daemon leaves the folder that it was started in.
        *folder = std::path::absolute(&folder).map_err(|error| Error::io(folder.display(), &error))?;
    }
    Ok(config)
}

/// The kind of network for the log, which must not name the user's folders.
const fn kind(network: &Network) -> &'static str {
    match network {
        Network::Tor => "tor",
        Network::Local(_) => "local",
    }
}

fn limits(config: &Config) -> Limits {
    Limits {
        outbox_expiry: Millis::hours(config.outbox_hours),
        events: config.events_kept,
        contact_quota: config.contact_quota_mib << 20,
        reserve: config.reserve_mib << 20,
        ..Limits::default()
    }
}

#[cfg(test)]
mod tests {
    use sotto_io_tokio::Offline;
    use tempfile::TempDir;

    use super::*;

    /// A daemon without a network, and its profile.
    pub(crate) async fn daemon() -> (Daemon, Profile, TempDir) {
        let folder = TempDir::new().expect("a folder");
        let profile = Profile::locate(Some(&folder.path().join("data")), None).expect("a profile");
        let key = KeySource {
            key_file: Some(folder.path().join("key")),
            no_input: true,
            ..KeySource::default()
        };
        // `init` brings its own runtime.
        std::thread::scope(|scope| {
            let made = scope.spawn(|| init(&profile, "", None, &key).expect("a new identity"));
            made.join().expect("no panic");
        });
        let options = Options {
            transport: Some(Arc::new(Offline)),
            key,
            ..Options::default()
        };
        let daemon = Daemon::start(&profile, options).await.expect("a daemon");
        (daemon, profile, folder)
    }

    async fn crashes(daemon: Daemon, profile: &Profile, part: &str) {
        let error = daemon.finished().await.expect_err("it crashed");
        assert_eq!(error.kind(), Kind::Internal);
        assert!(error.message.starts_with(&format!("{part} has crashed")), "{error}");
        assert_eq!(
            Lock::holder(&profile.lock_file()).expect("readable"),
            None,
            "the profile is free"
        );
    }

    #[tokio::test]
    async fn a_crashed_server_ends_the_daemon() {
        let (mut daemon, profile, _folder) = daemon().await;
        daemon.server.abort();
        daemon.server = tokio::spawn(async { panic!("a test's own") });
        crashes(daemon, &profile, "the server").await;
    }

    #[tokio::test]
    async fn a_server_that_hears_of_the_stop_first_has_not_crashed() {
        let (mut daemon, profile, _folder) = daemon().await;
        daemon.server.abort();
        daemon.server = tokio::spawn(async {});
        daemon.finished().await.expect("a clean end");
        assert_eq!(Lock::holder(&profile.lock_file()).expect("readable"), None);
    }

    #[tokio::test]
    async fn a_crashed_query_ends_the_daemon() {
        let (daemon, profile, _folder) = daemon().await;
        let answer = daemon.service.reads.read::<(), _>(|_| panic!("a test's own")).await;
        assert_eq!(answer.expect_err("no answer").kind(), Kind::Internal);
        crashes(daemon, &profile, "the thread for queries").await;
    }

    #[tokio::test]
    async fn a_crashed_follower_ends_the_daemon() {
        let (mut daemon, profile, _folder) = daemon().await;
        daemon.followers.spawn(async { panic!("a test's own") });
        crashes(daemon, &profile, "a follower of the node").await;
    }
}
