//! [`Daemon`]: a node, its read side, and the JSON-RPC server on the profile's socket.
//!
//! It starts in the order lock, key, store, node, socket, so that a client that can connect finds all of them; it stops in
//! the reverse order. Everything runs on one thread, except the store, the queries and Tor, which block and have threads of
//! their own.

mod app;
mod client_queue;
mod config;
mod connection;
mod event_watch;
mod fault;
mod handler;
mod harden;
mod init;
mod key;
mod log;
mod network;
mod page;
mod private;
mod prompt;
mod read_pool;
pub mod resolve;
mod server;
mod subscription;
mod view;

use std::fmt;
use std::future::Future;
use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use sotto_api::{Error, Kind, Time};
use sotto_client::{Lock, Profile};
use sotto_core::{Command, Limits, Millis, Reply};
use sotto_io_sqlcipher::Store;
use sotto_io_tokio::{NodeHandle, NodeTask, Transport};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use app::{App, ConsumerLocks, unexpected};
use event_watch::EventWatch;
use network::NetworkHandle;
use read_pool::{ReadPool, ReadThread};
use server::Server;

pub use config::{Config, Network, template};
pub use connection::{LINE_LIMIT, RequestLine, RequestLines};
pub use init::{init, restore};
pub use key::{KeySource, check_file as check_key_file};
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
pub fn run(profile: &Profile, options: Options, log: &Log) -> Result<(), Error> {
    profile.require()?;
    harden::harden()?;
    let config = configured(profile, &options)?;
    log::start(log, &config.log_level)?;
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Error::io("no runtime", &error))?
        .block_on(async {
            let signals = signals()?;
            let daemon = Daemon::start(profile, options).await?;
            let stop = daemon.app.stop.clone();
            tokio::spawn(async move {
                signals.await;
                stop.send_modify(|stop| *stop = true);
            });
            daemon.finished().await
        })
}

/// Resolves at the first signal that asks the process to end.
fn signals() -> Result<impl Future<Output = ()>, Error> {
    let listen = |kind| signal(kind).map_err(|error: io::Error| Error::io("cannot listen for signals", &error));
    let mut terminate = listen(SignalKind::terminate())?;
    let mut interrupt = listen(SignalKind::interrupt())?;
    let mut hangup = listen(SignalKind::hangup())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
            _ = hangup.recv() => {}
        }
    })
}

/// A daemon that runs as tasks of the current runtime.
#[derive(Debug)]
pub struct Daemon {
    app: Arc<App>,
    node: NodeHandle,
    driver: NodeTask<Store>,
    server: JoinHandle<()>,
    read_threads: [ReadThread; 2],
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
        let store = key::open(&options.key, &config, &profile.database())?;
        let pool = || ReadPool::start(store.reader().map_err(|error| fault::store(&error))?);
        let (reads, read_thread) = pool()?;
        let (backups, backup_thread) = pool()?;
        let network = match options.transport {
            Some(transport) => NetworkHandle::given(transport, &config.network),
            None => NetworkHandle::start(profile, &config)?,
        };
        let limits = limits(&config);
        let driven = sotto_io_tokio::NodeConfig {
            store,
            transport: network.transport.clone(),
            limits,
        };
        let (node, mut driver) = sotto_io_tokio::start(driven)
            .await
            .map_err(|error| fault::driver(&error))?;
        let (app, server) = match serve(profile, config, node.clone(), [reads, backups], &network, &lock).await {
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
            app,
            node,
            driver,
            server,
            read_threads: [read_thread, backup_thread],
            network,
            lock,
        })
    }

    /// Asks it to stop; [`finished`](Self::finished) returns when it has.
    pub fn stop(&self) {
        self.app.stop.send_modify(|stop| *stop = true);
    }

    /// Returns when it has stopped cleanly, or the error that ended it.
    pub async fn finished(self) -> Result<(), Error> {
        let Self {
            app,
            node,
            mut driver,
            server,
            read_threads,
            network,
            lock,
        } = self;
        let mut stopping = app.stopping();
        let failed = tokio::select! {
            _ = stopping.wait_for(|stopping| *stopping) => None,
            ended = &mut driver => Some(ended),
        };
        app.stop.send_modify(|stop| *stop = true);
        drop(app);
        // All clients are gone, so no error here can be reported.
        let _ = server.await;
        for thread in read_threads {
            thread.close();
        }
        let ended = if let Some(ended) = failed {
            ended
        } else {
            node.shutdown().await;
            driver.await
        };
        network.close().await;
        drop(lock);
        match ended {
            Ok(Ok(())) => {
                tracing::info!("the daemon has ended");
                Ok(())
            }
            Ok(Err(error)) => {
                // The message may name an address. The caller gets it, the log does not.
                let error = fault::driver(&error);
                tracing::error!(kind = ?error.kind(), "the node has stopped for good");
                Err(error)
            }
            Err(error) => Err(Error::internal(format!("the node has crashed: {error}"))),
        }
    }
}

/// Starts the server for a node that runs.
async fn serve(
    profile: &Profile,
    config: Config,
    node: NodeHandle,
    [reads, backups]: [ReadPool; 2],
    network: &NetworkHandle,
    lock: &Lock,
) -> Result<(Arc<App>, JoinHandle<()>), Error> {
    // Subscribed before the end of the log is read, so that no event is missed between the two.
    let notices = node.subscribe();
    let newest = reads
        .read(|reader| reader.events(sotto_core::EventSeq(u64::MAX), 0))
        .await?
        .last;
    let us = match node.command(Command::Identity).await.map_err(fault::stopped)? {
        Ok(Reply::Identity { address, .. }) => address,
        Ok(reply) => return Err(unexpected(&reply)),
        Err(refusal) => return Err(fault::refusal(&refusal)),
    };
    let app = Arc::new(App {
        node,
        network: network.status(),
        reads,
        backups,
        events: EventWatch::start(notices, newest.0),
        folder: profile.folder().to_owned(),
        us,
        started_at: Time::now(),
        stop: watch::Sender::new(false),
        subscriptions: AtomicU64::new(0),
        consumer_locks: ConsumerLocks::default(),
        config,
    });
    app.command(Command::SetAvailability(view::availability(app.config.availability)))
        .await?;
    let server = Server::bind(&profile.socket(), lock)?;
    tracing::info!(address = ?us, network = kind(&app.config.network), "the daemon has started");
    let server = tokio::spawn(server.run(app.clone()));
    Ok((app, server))
}

fn configured(profile: &Profile, options: &Options) -> Result<Config, Error> {
    let mut config = Config::load(&profile.config_file())?;
    if let Some(network) = &options.network {
        config.network = network.parse().map_err(|why: String| Error::new(Kind::Usage, why))?;
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
        ..Limits::default()
    }
}
