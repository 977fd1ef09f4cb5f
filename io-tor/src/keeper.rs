//! The one task that keeps a node on Tor. It makes a client, bootstraps it and lets it be [online](crate::online), and
//! makes another one when that is wanted. Between any two clients, and at the end, nothing of arti is left running.

use std::convert::Infallible;
use std::fs;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use arti_client::config::Reconfigure;
use arti_client::config::dir::DirMgrConfig;
use arti_client::status::{BlockageKind, BootstrapStatus};
use arti_client::{BootstrapBehavior, TorClient};
use futures::channel::oneshot;
use futures::future::{self, BoxFuture, Either, FutureExt as _};
use futures::select_biased;
use futures::stream::StreamExt as _;
use tor_rtcompat::{Runtime, SleepProviderExt as _};
use tracing::{debug, warn};

use crate::client::{Client, Shared};
use crate::clock;
use crate::config::{Chain, resolve, state_dir};
use crate::heal::Healer;
use crate::network::{Disturbance, Network, Watch, now};
use crate::online::online;
use crate::status::{Phase, Problem, Status};

/// arti's tasks end when they notice that their client is gone: looked for so often, in such pauses. A client through
/// which somebody was dialled is remembered by one of them for ten minutes (tor-hsclient 0.47,
/// `RETAIN_CIRCUIT_AFTER_LAST_USE`), and with it the lock on guards and timeouts, which a next client then only reads. That
/// is not worth waiting for.
const LET_GO: (i32, Duration) = (10, Duration::from_millis(100));

/// Runs until `stop` is dropped; drops `running` when nothing is left.
pub(crate) async fn keep<R: Runtime>(
    shared: Arc<Shared<R>>,
    mut stop: oneshot::Receiver<Infallible>,
    running: oneshot::Sender<Infallible>,
) {
    let mut keeper = Keeper {
        healer: Healer::new(&shared.limits),
        watch: Watch::new(Network::here(), now()),
        stillborn: 0,
        shared: Arc::clone(&shared),
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
        if let Either::Right(_) = future::select(pin!(shared.runtime.sleep(pause)), &mut stop).await {
            break;
        }
    }
    shared.clients.set(Client::Stopped);
    shared.status.update(|status| *status = Status::stopped());
    drop(keeper);
    drop(shared);
    drop(running);
}

/// What is left of a client that was dropped, until its tasks have noticed.
#[derive(Default)]
struct Remains {
    /// Ends when arti has let go of the folder.
    gone: Option<BoxFuture<'static, ()>>,
    /// Tells the directory manager of a new configuration, if there still is one.
    reconfigure: Option<Reconfiguring>,
}

type Reconfiguring = Box<dyn Fn(&DirMgrConfig) + Send>;

impl Remains {
    fn of<R: Runtime>(&mut self, client: &TorClient<R>) {
        if let (None, Ok(directory)) = (&self.reconfigure, client.dirmgr()) {
            let directory = Arc::downgrade(&directory);
            self.reconfigure = Some(Box::new(move |config| {
                if let Some(directory) = directory.upgrade() {
                    drop(directory.reconfigure(config, Reconfigure::WarnOnFailures));
                }
            }));
        }
    }

    /// The task that keeps the vanguards waits for news of the directory and holds on to the directory manager meanwhile,
    /// which would be for ever (tor-guardmgr 0.47, `VanguardMgr::run_once`): so it is given some. A parameter that nobody
    /// knows does no harm.
    async fn let_go<R: Runtime>(self, shared: &Shared<R>) {
        let Some(mut gone) = self.gone else { return };
        let mut config = shared.config.dir_mgr_config().ok();
        let (times, pause) = LET_GO;
        for time in 0..times {
            if let (Some(reconfigure), Some(config)) = (&self.reconfigure, &mut config) {
                config.override_net_params.set("sotto".to_owned(), time % 2);
                reconfigure(config);
            }
            if shared.runtime.timeout(pause, &mut gone).await.is_ok() {
                return;
            }
        }
        debug!("arti has not let go of its folder yet");
    }
}

pub(crate) struct Keeper<R: Runtime> {
    pub shared: Arc<Shared<R>>,
    pub healer: Healer,
    pub watch: Watch,
    /// Clients in a row that could not be started.
    stillborn: u32,
}

impl<R: Runtime> Keeper<R> {
    /// The life of one client, which ends with how long to wait for the next one.
    async fn live(&mut self, remains: &mut Remains) -> Duration {
        self.healer.withdrawn();
        self.shared.status.update(|status| {
            status.phase = Phase::Bootstrapping { doing: String::new() };
            status.percent = 0;
        });
        let client = match create(&self.shared) {
            Ok(client) => client,
            Err(problem) => return self.not_started(problem),
        };
        remains.gone = Some(client.wait_for_stop().boxed());
        match self.bootstrap(&client, remains).await {
            Ok(()) => {
                self.stillborn = 0;
                // A profile's circuits are its own, whoever else may use this client one day.
                online(self, client.isolated_client()).await;
                Duration::ZERO
            }
            Err(pause) => pause,
        }
    }

    fn not_started(&mut self, problem: String) -> Duration {
        let limits = &self.shared.limits;
        let pause = limits
            .restart
            .saturating_mul(1 << self.stillborn.min(16))
            .min(limits.probe_retry_cap);
        self.stillborn += 1;
        warn!(problem, "Tor does not start; trying again in {} s", pause.as_secs());
        self.shared
            .status
            .update(|status| status.problem = Some(Problem::Client(problem)));
        pause
    }

    async fn bootstrap(&mut self, client: &TorClient<R>, remains: &mut Remains) -> Result<(), Duration> {
        let shared = Arc::clone(&self.shared);
        let mut events = client.bootstrap_events().fuse();
        let mut latest = client.bootstrap_status();
        // To its end: a bootstrap that is dropped half-way cannot be taken up again.
        let mut bootstrap = pin!(client.bootstrap().fuse());
        let mut look = pin!(shared.runtime.sleep(shared.limits.watch).fuse());
        loop {
            select_biased! {
                result = bootstrap => {
                    remains.of(client);
                    return result.map_err(|error| self.not_started(report(&error)));
                }
                event = events.select_next_some() => latest = event,
                () = look => {
                    look.set(shared.runtime.sleep(shared.limits.watch).fuse());
                    if let Some(Disturbance::Moved | Disturbance::Slept) = self.look() {
                        // What was begun there goes nowhere here, and arti's own patience is long.
                        return Err(Duration::ZERO);
                    }
                }
            }
            remains.of(client);
            let problem = self.bootstrap_problem(client, &latest);
            shared.status.update(|status| {
                status.percent = percent(&latest);
                status.phase = match problem {
                    Some(Problem::NoNetwork) => Phase::Offline,
                    _ => Phase::Bootstrapping { doing: doing(&latest) },
                };
                status.problem = problem;
            });
        }
    }

    fn bootstrap_problem(&self, client: &TorClient<R>, latest: &BootstrapStatus) -> Option<Problem> {
        let missing = self.shared.missing_programs();
        if !missing.is_empty() {
            return Some(Problem::MissingPrograms(missing));
        }
        if self.watch.network().is_down() && !latest.ready_for_traffic() {
            return Some(Problem::NoNetwork);
        }
        clock::trouble(client, false).or_else(|| blocked(latest))
    }

    /// Whether the machine has slept or moved since the last look.
    pub fn look(&mut self) -> Option<Disturbance> {
        let disturbance = self.watch.look(Network::here(), now(), self.shared.limits.watch);
        if let Some(disturbance) = disturbance {
            debug!(?disturbance, "the network may be another one");
        }
        disturbance
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
        .map_err(|error| report(&error))
}

/// An error of arti's with its causes, which say more than it does itself.
fn report(error: &dyn std::error::Error) -> String {
    Chain(error).to_string()
}

fn percent(status: &BootstrapStatus) -> u8 {
    // Rounded down: what is not finished is not 100 %.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a clamped fraction, and floats saturate"
    )]
    let percent = (status.as_frac().clamp(0.0, 1.0) * 100.0) as u8;
    percent
}

/// arti's words, without the percentage that it begins them with.
fn doing(status: &BootstrapStatus) -> String {
    let text = status.to_string();
    match text.split_once("%: ") {
        Some((_, doing)) => doing.to_owned(),
        None => text,
    }
}

/// What arti says is in its way.
pub(crate) fn blocked(status: &BootstrapStatus) -> Option<Problem> {
    let blockage = status.blocked()?;
    in_the_way(&blockage.kind(), blockage.message().to_string())
}

fn in_the_way(kind: &BlockageKind, message: String) -> Option<Problem> {
    match kind {
        BlockageKind::Disabled => None,
        BlockageKind::Filtering => Some(Problem::Filtered),
        BlockageKind::ClockSkewed => Some(Problem::Clock(message)),
        BlockageKind::CantBootstrap => Some(Problem::Directory(message)),
        _ => Some(Problem::Unreachable),
    }
}
