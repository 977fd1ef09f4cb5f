//! [`Supervisor`], the one task that keeps a node on Tor. It creates a client, bootstraps it, keeps it
//! [online](crate::online_client), and replaces it when that is needed.

use std::convert::Infallible;
use std::fs;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use arti_client::{BootstrapBehavior, TorClient};
use futures::channel::oneshot;
use futures::future::{self, Either, FutureExt as _};
use tor_rtcompat::{Runtime, SleepProvider as _};
use tracing::warn;

use crate::bootstrap::{BootstrapError, bootstrap};
use crate::client_teardown::ClientTeardown;
use crate::config::{ErrorChain, resolve, state_dir};
use crate::limits::millis;
use crate::network_monitor::{NetworkChange, now};
use crate::online_client::keep_online;
use crate::reachability_state::ReachabilityState;
use crate::shared_state::{ClientState, SharedState};
use crate::status::{TorPhase, TorProblem, TorStatus};
use crate::tor_clock::TorRuntime;

/// Runs until the sender of `stop` is dropped. Drops `running` when nothing of it is left.
pub(crate) async fn supervise<R: Runtime>(
    shared: Arc<SharedState<R>>,
    mut stop: oneshot::Receiver<Infallible>,
    running: oneshot::Sender<Infallible>,
) {
    let mut supervisor = Supervisor {
        state: ReachabilityState::new(Arc::clone(&shared)),
        failed_starts: 0,
    };
    loop {
        let mut teardown = ClientTeardown::default();
        let delay = match future::select(pin!(supervisor.run_client(&mut teardown)), &mut stop).await {
            Either::Left((delay, _)) => Some(delay),
            Either::Right(_) => None,
        };
        shared.client.set(ClientState::Pending);
        teardown.finish(&shared).await;
        let Some(delay) = delay else { break };
        if let Either::Right(_) = future::select(pin!(supervisor.wait(delay)), &mut stop).await {
            break;
        }
    }
    shared.client.set(ClientState::Stopped);
    shared.status.update(|status| *status = TorStatus::stopped());
    drop(supervisor);
    drop(shared);
    drop(running);
}

struct Supervisor<R: Runtime> {
    state: ReachabilityState<R>,
    /// Consecutive clients that could not be started.
    failed_starts: u32,
}

impl<R: Runtime> Supervisor<R> {
    /// Runs one client to its end. Returns the delay before the next one.
    async fn run_client(&mut self, teardown: &mut ClientTeardown) -> Duration {
        self.state.recovery.withdrawn();
        let shared = Arc::clone(&self.state.shared);
        shared.status.update(|status| {
            status.phase = TorPhase::Bootstrapping { doing: String::new() };
            status.percent = 0;
        });
        let client = match create(&shared) {
            Ok(client) => client,
            Err(problem) => return self.start_failed(problem),
        };
        teardown.stopped = Some(client.wait_for_stop().boxed());
        match bootstrap(&mut self.state, &client, teardown).await {
            Ok(()) => {
                self.failed_starts = 0;
                // Isolated, so that a profile's circuits stay its own even if others use this client one day.
                keep_online(&mut self.state, client.isolated_client()).await;
                Duration::ZERO
            }
            Err(BootstrapError::NetworkChanged) => Duration::ZERO,
            Err(BootstrapError::Failed(problem)) => self.start_failed(problem),
        }
    }

    /// Ends early when the machine resumes or its network changes.
    async fn wait(&mut self, delay: Duration) {
        let shared = Arc::clone(&self.state.shared);
        let end = now().after(millis(delay));
        loop {
            if let Some(NetworkChange::Moved | NetworkChange::Resumed) = self.state.check_network() {
                return;
            }
            let left = Duration::from_millis(end.since(now()).0);
            if left.is_zero() {
                return;
            }
            let sleep = left.min(shared.limits.network_check_interval);
            shared.runtime.sleep(sleep).await;
        }
    }

    fn start_failed(&mut self, problem: String) -> Duration {
        let shared = &self.state.shared;
        let limits = &shared.limits;
        let delay = limits
            .restart_delay
            .saturating_mul(1 << self.failed_starts.min(16))
            .min(limits.probe_retry_cap);
        self.failed_starts += 1;
        warn!(problem, "Tor does not start; trying again in {} s", delay.as_secs());
        shared
            .status
            .update(|status| status.problem = Some(TorProblem::Client(problem)));
        delay
    }
}

fn create<R: Runtime>(shared: &SharedState<R>) -> Result<Arc<TorClient<TorRuntime<R>>>, String> {
    // The keys of old introduction points were only in memory, so arti's record of these points is useless without them.
    let state = state_dir(&shared.table, &shared.folder);
    match fs::remove_dir_all(state.join("hss")) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.to_string()),
        _ => {}
    }
    let config = resolve(&shared.table, &shared.folder, &state).map_err(|error| error.to_string())?;
    TorClient::with_runtime(shared.runtime.clone())
        .config(config)
        .bootstrap_behavior(BootstrapBehavior::Manual)
        .create_unbootstrapped()
        .map_err(|error| ErrorChain(&error).to_string())
}
