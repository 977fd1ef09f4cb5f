//! The daemon: a node, its read side, and the socket on which both are served.
//!
//! It comes up in the order lock, key, store, node, socket, so that a client that can connect finds everything there; and
//! goes down the other way round. All of it runs on one thread, but for the store and the archive, which block and have a
//! thread each.

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
mod read_pool;
mod request_line;
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
pub use init::init;
pub use key::KeySource;
pub use log::Log;
pub use request_line::{LINE_LIMIT, Line, RequestLines};

/// What a daemon is run with.
#[derive(Clone, Default)]
pub struct Options {
    /// In place of what the configuration says: `tor` or `local:DIR`.
    pub network: Option<String>,
    /// In place of what follows from the network. For those who want to watch the bytes.
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

/// Runs a daemon in this process until it is told to stop, by its socket or by a signal.
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

/// Resolves at the first signal that asks for an end.
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
    read_thread: ReadThread,
    network: NetworkHandle,
    // Last, so that the lock is held until everything else is gone.
    lock: Lock,
}

impl Daemon {
    /// Brings it up; when this returns, clients can connect. Deriving the key blocks for a moment.
    pub async fn start(profile: &Profile, options: Options) -> Result<Self, Error> {
        profile.require()?;
        let config = configured(profile, &options)?;
        let lock = Lock::acquire(&profile.lock_file())?;
        let key = key::existing(&options.key, &config, &profile.database())?;
        let store = Store::open(&profile.database(), &key).map_err(|error| fault::store(&error))?;
        drop(key);
        let reader = store.reader().map_err(|error| fault::store(&error))?;
        let (reads, read_thread) = ReadPool::start(reader)?;
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
        let (node, driver) = sotto_io_tokio::start(driven)
            .await
            .map_err(|error| fault::driver(&error))?;
        // Subscribed before the log's end is read, so that nothing is between the two.
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
            node: node.clone(),
            network: network.status(),
            reads,
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
        let server = Server::bind(&profile.socket(), &lock)?;
        tracing::info!(address = ?us, network = kind(&app.config.network), "the daemon is up");
        let server = tokio::spawn(server.run(app.clone()));
        Ok(Self {
            app,
            node,
            driver,
            server,
            read_thread,
            network,
            lock,
        })
    }

    /// Asks it to end; [`finished`](Self::finished) says when it has.
    pub fn stop(&self) {
        self.app.stop.send_modify(|stop| *stop = true);
    }

    /// Returns when it has ended in order, or why it has ended otherwise.
    pub async fn finished(self) -> Result<(), Error> {
        let Self {
            app,
            node,
            mut driver,
            server,
            read_thread,
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
        // What fails here has nobody left to be told.
        let _ = server.await;
        read_thread.close();
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
                // What it says may name an address; whoever started us hears it, the log does not.
                let error = fault::driver(&error);
                tracing::error!(kind = ?error.kind(), "the node has stopped for good");
                Err(error)
            }
            Err(error) => Err(Error::internal(format!("the node has crashed: {error}"))),
        }
    }
}

fn configured(profile: &Profile, options: &Options) -> Result<Config, Error> {
    let mut config = Config::load(&profile.config_file())?;
    if let Some(network) = &options.network {
        config.network = network.parse().map_err(|why: String| Error::new(Kind::Usage, why))?;
    }
    Ok(config)
}

/// A directory's name is the owner's business, not the log's.
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
