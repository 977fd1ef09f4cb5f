//! [`NetworkHandle`]: the daemon's transport and its status.
//!
//! Tor has a runtime and a thread of its own, because reading a directory of thousands of relays keeps a thread busy, and
//! clients must not wait for that.

use std::fmt;
use std::sync::Arc;

use futures::StreamExt as _;
use sotto_core::Command;
use sotto_io_tokio::{Local, NodeHandle, Transport};
use sotto_io_tor::{Reachability, StartError, Tor, TorLimits, TorPhase, TorProblem, TorStatus, TorStatusChanges};
use tokio::runtime::Runtime;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tor_rtcompat::tokio::TokioRustlsRuntime;

use sotto_api::{self as api, Error, Kind};
use sotto_client::Profile;

use crate::config::{Config, Network};
use crate::view;

/// A network that starts or runs.
pub(crate) struct NetworkHandle {
    pub transport: Arc<dyn Transport>,
    status: watch::Receiver<api::Network>,
    tor: Option<TorThread>,
}

struct TorThread {
    tor: Tor<TokioRustlsRuntime>,
    /// Until it is dropped.
    runtime: Option<Runtime>,
}

impl NetworkHandle {
    /// A network whose transport exists already.
    pub fn given(transport: Arc<dyn Transport>, network: &Network) -> Self {
        Self {
            transport,
            status: watch::channel(up(network)).1,
            tor: None,
        }
    }

    /// The one that the configuration names. One of the `tasks` follows its status.
    pub fn start(profile: &Profile, config: &Config, tasks: &mut JoinSet<()>) -> Result<Self, Error> {
        if let Network::Local(directory) = &config.network {
            return Ok(Self::given(Arc::new(Local::new(directory)), &config.network));
        }
        let failed = |error: std::io::Error| Error::io("no runtime for Tor", &error);
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("sotto-tor")
            .enable_all()
            .build()
            .map_err(failed)?;
        let tor = {
            let _inside = runtime.enter();
            let arti = sotto_io_tor::runtime::tokio().map_err(failed)?;
            Tor::start(arti, &profile.tor_folder(), config.tor.clone(), TorLimits::default())
        };
        let tor = tor.map_err(|error| match &error {
            StartError::Config(_) => Error::new(Kind::Config, format!("{}: {error}", profile.config_file().display())),
            StartError::Folder { .. } => Error::new(Kind::Io, error.to_string()),
            StartError::Runtime => Error::internal(error.to_string()),
        })?;
        let (board, status) = watch::channel(seen(&tor.status()));
        tasks.spawn(follow(tor.status_changes(), board));
        Ok(Self {
            transport: Arc::new(tor.clone()),
            status,
            tor: Some(TorThread {
                tor,
                runtime: Some(runtime),
            }),
        })
    }

    /// Its status, now and later.
    pub fn status(&self) -> watch::Receiver<api::Network> {
        self.status.clone()
    }

    /// Returns when a part of it has crashed.
    pub async fn crashed(&self) {
        match &self.tor {
            Some(thread) => thread.tor.ended().await,
            None => std::future::pending().await,
        }
    }

    /// Tells the node, in one of the `tasks`, what Tor shows: that the clock is right, and that another machine answers at this
    /// node's address. Each run of the node is told anew.
    pub fn inform(&self, node: NodeHandle, tasks: &mut JoinSet<()>) {
        let Some(thread) = &self.tor else { return };
        let mut changes = thread.tor.status_changes();
        let mut notices = node.subscribe();
        let mut status = thread.tor.status();
        tasks.spawn(async move {
            loop {
                let shown = [
                    (status.clock_confirmed, Command::ConfirmClock),
                    (
                        status.problem == Some(TorProblem::AnotherNode),
                        Command::IdentityElsewhere,
                    ),
                ];
                for (_, command) in shown.into_iter().filter(|(shown, _)| *shown) {
                    // Between two runs there is no node to tell.
                    let _ = node.command(command).await;
                }
                tokio::select! {
                    changed = changes.next() => match changed {
                        Some(changed) => status = changed,
                        None => return,
                    },
                    missed = notices.missed() => if missed.is_none() { return },
                }
            }
        });
    }

    /// Shuts it down.
    pub async fn close(self) {
        if let Some(thread) = self.tor {
            thread.tor.close().await;
        }
    }
}

impl Drop for TorThread {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            // Its threads end by themselves. tokio panics if a task waits for them.
            runtime.shutdown_background();
        }
    }
}

impl fmt::Debug for NetworkHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NetworkHandle")
            .field("status", &self.status)
            .finish_non_exhaustive()
    }
}

/// Publishes each change of the status.
async fn follow(mut changes: TorStatusChanges, board: watch::Sender<api::Network>) {
    while let Some(status) = changes.next().await {
        board.send_replace(seen(&status));
    }
}

/// A network without phases.
fn up(network: &Network) -> api::Network {
    api::Network {
        kind: network.to_string(),
        phase: api::Phase::Ready,
        percent: 100,
        doing: None,
        reachable: true,
        reachability: api::Reachability::Reachable,
        proven_at: None,
        problem: None,
    }
}

fn seen(status: &TorStatus) -> api::Network {
    let reachability = match status.reachability {
        Reachability::Unknown => api::Reachability::Unknown,
        Reachability::Reachable => api::Reachability::Reachable,
        Reachability::Degraded => api::Reachability::Degraded,
        Reachability::Unreachable => api::Reachability::Unreachable,
    };
    let (phase, doing) = match &status.phase {
        TorPhase::Stopped => (api::Phase::Starting, None),
        TorPhase::Offline => (api::Phase::Offline, None),
        TorPhase::Bootstrapping { doing } => (
            api::Phase::Bootstrapping,
            Some(doing.clone()).filter(|doing| !doing.is_empty()),
        ),
        TorPhase::Publishing => (api::Phase::Publishing, None),
        TorPhase::Online => (api::Phase::Ready, None),
    };
    api::Network {
        kind: Network::Tor.to_string(),
        phase,
        percent: status.percent,
        doing,
        reachable: reachability == api::Reachability::Reachable,
        reachability,
        proven_at: status.proven_at.map(view::time),
        problem: status.problem.as_ref().map(ToString::to_string),
    }
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;
    use tokio::time::timeout;

    use super::*;

    #[tokio::test]
    async fn a_crash_of_tors_task_is_noticed() {
        let folder = TempDir::new().expect("a folder");
        let profile = Profile::locate(Some(folder.path()), None).expect("a profile");
        let mut tasks = JoinSet::new();
        let mut network = NetworkHandle::start(&profile, &Config::default(), &mut tasks).expect("it starts");
        let soon = std::time::Duration::from_millis(50);
        assert!(timeout(soon, network.crashed()).await.is_err(), "it runs");
        // Its task is dropped in the middle, as by a panic.
        let runtime = network
            .tor
            .as_mut()
            .and_then(|thread| thread.runtime.take())
            .expect("a runtime");
        runtime.shutdown_background();
        timeout(std::time::Duration::from_secs(20), network.crashed())
            .await
            .expect("it is noticed");
    }
}
