//! The one task that keeps a node on Tor. It makes a client, bootstraps it and lets it be [online](crate::online), and
//! makes another one when that is wanted.

use std::convert::Infallible;
use std::fs;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use arti_client::{BootstrapBehavior, TorClient};
use futures::channel::oneshot;
use futures::future::{self, Either, FutureExt as _};
use tor_rtcompat::Runtime;
use tracing::warn;

use crate::bootstrap::{Unfinished, bootstrap};
use crate::config::{Chain, resolve, state_dir};
use crate::heal::millis;
use crate::network::{Disturbance, now};
use crate::online::online;
use crate::remains::Remains;
use crate::shared::{Client, Shared};
use crate::status::{Phase, Problem, Status};
use crate::ward::Ward;

/// Runs until `stop` is dropped; drops `running` when nothing is left.
pub(crate) async fn keep<R: Runtime>(
    shared: Arc<Shared<R>>,
    mut stop: oneshot::Receiver<Infallible>,
    running: oneshot::Sender<Infallible>,
) {
    let mut keeper = Keeper {
        ward: Ward::new(Arc::clone(&shared)),
        stillborn: 0,
    };
    loop {
        let mut remains = Remains::default();
        let ended = match future::select(pin!(keeper.live(&mut remains)), &mut stop).await {
            Either::Left((pause, _)) => Some(pause),
            Either::Right(_) => None,
        };
        shared.clients.set(Client::Awaited);
        remains.let_go(&shared).await;
        let Some(pause) = ended else { break };
        if let Either::Right(_) = future::select(pin!(keeper.rest(pause)), &mut stop).await {
            break;
        }
    }
    shared.clients.set(Client::Stopped);
    shared.status.update(|status| *status = Status::stopped());
    drop(keeper);
    drop(shared);
    drop(running);
}

struct Keeper<R: Runtime> {
    ward: Ward<R>,
    /// Clients in a row that could not be started.
    stillborn: u32,
}

impl<R: Runtime> Keeper<R> {
    /// The life of one client, which ends with how long to wait for the next one.
    async fn live(&mut self, remains: &mut Remains) -> Duration {
        self.ward.healer.withdrawn();
        let shared = Arc::clone(&self.ward.shared);
        shared.status.update(|status| {
            status.phase = Phase::Bootstrapping { doing: String::new() };
            status.percent = 0;
        });
        let client = match create(&shared) {
            Ok(client) => client,
            Err(problem) => return self.not_started(problem),
        };
        remains.gone = Some(client.wait_for_stop().boxed());
        match bootstrap(&mut self.ward, &client, remains).await {
            Ok(()) => {
                self.stillborn = 0;
                // A profile's circuits are its own, whoever else may use this client one day.
                online(&mut self.ward, client.isolated_client()).await;
                Duration::ZERO
            }
            Err(Unfinished::Disturbed) => Duration::ZERO,
            Err(Unfinished::Failed(problem)) => self.not_started(problem),
        }
    }

    /// Lets time pass, unless the machine wakes or comes into another network.
    async fn rest(&mut self, pause: Duration) {
        let shared = Arc::clone(&self.ward.shared);
        let end = now().after(millis(pause));
        loop {
            if let Some(Disturbance::Moved | Disturbance::Slept) = self.ward.look() {
                return;
            }
            let left = Duration::from_millis(end.since(now()).0);
            if left.is_zero() {
                return;
            }
            shared.runtime.sleep(left.min(shared.limits.watch)).await;
        }
    }

    fn not_started(&mut self, problem: String) -> Duration {
        let shared = &self.ward.shared;
        let limits = &shared.limits;
        let pause = limits
            .restart
            .saturating_mul(1 << self.stillborn.min(16))
            .min(limits.probe_retry_cap);
        self.stillborn += 1;
        warn!(problem, "Tor does not start; trying again in {} s", pause.as_secs());
        shared
            .status
            .update(|status| status.problem = Some(Problem::Client(problem)));
        pause
    }
}

fn create<R: Runtime>(shared: &Shared<R>) -> Result<Arc<TorClient<R>>, String> {
    // What is remembered of introduction points goes with keys that were only in memory.
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
        .map_err(|error| Chain(&error).to_string())
}
