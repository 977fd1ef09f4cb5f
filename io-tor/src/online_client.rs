//! [`OnlineClient`]: a bootstrapped client. While a listener is open, it launches the onion service, probes the node's own
//! address, and applies the remedies of [`Recovery`](crate::recovery::Recovery).

use std::path::PathBuf;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use arti_client::TorClient;
use arti_client::status::BootstrapStatus;
use futures::future::{self, BoxFuture, Either, Fuse, FusedFuture as _, FutureExt as _};
use futures::select_biased;
use futures::stream::StreamExt as _;
use sotto_core::{Millis, Monotonic};
use tor_hsservice::status::{OnionServiceStatus, State};
use tor_rtcompat::{Runtime, SleepProvider as _};
use tracing::{debug, info, warn};

use crate::bootstrap::blockage;
use crate::clock_skew::{self, DirectoryAge};
use crate::limits::millis;
use crate::network_monitor::{NetworkChange, SourceAddresses, now};
use crate::onion_service::{OnionListener, OnionService, reported_problem};
use crate::reachability_state::ReachabilityState;
use crate::self_probe::{self, ProbeFailure, random_u64};
use crate::shared_state::ClientState;
use crate::status::{Reachability, Remedy, TorPhase, TorProblem};
use crate::tor_clock::TorRuntime;

/// A bootstrap may have used the directory in the folder. After this time the client must have a new one.
const DIRECTORY_FETCH: Duration = Duration::from_mins(3);

/// Uses the client until a fresh one is needed.
pub(crate) async fn keep_online<R: Runtime>(state: &mut ReachabilityState<R>, client: Arc<TorClient<TorRuntime<R>>>) {
    let shared = Arc::clone(&state.shared);
    shared.client.set(ClientState::Ready(Arc::clone(&client)));
    shared.status.update(|status| {
        status.percent = 100;
        status.network_changes += 1;
    });
    info!("Tor can be used");

    let mut bootstrap_events = client.bootstrap_events().fuse();
    let mut listener_changes = shared.listener.changes();
    let mut online = OnlineClient::new(state, client);
    loop {
        online.update_status();
        let mut timer = pin!(shared.runtime.sleep(online.until_next_action()).fuse());
        let mut service_status = match &mut online.service {
            Some((service, _)) => Either::Left(service.statuses.next()),
            None => Either::Right(future::pending()),
        }
        .fuse();
        let next = select_biased! {
            listener = listener_changes.next().fuse() => online.listener_changed(listener.flatten()),
            event = bootstrap_events.select_next_some() => {
                online.bootstrap = event;
                Next::KeepClient
            }
            status = service_status => online.service_status_changed(status),
            result = &mut online.probe => online.probe_ended(result),
            () = timer => online.timer_expired(),
        };
        if let Next::ReplaceClient = next {
            return;
        }
        online.start_due_probe();
    }
}

/// What to do with this client after an event.
enum Next {
    KeepClient,
    ReplaceClient,
}

struct OnlineClient<'a, R: Runtime> {
    state: &'a mut ReachabilityState<R>,
    client: Arc<TorClient<TorRuntime<R>>>,
    /// The addresses with which the client was bootstrapped.
    bootstrap_addresses: SourceAddresses,
    online_since: Monotonic,
    next_check: Monotonic,
    bootstrap: BootstrapStatus,
    /// The pluggable transport programs that were missing at the last check.
    missing_programs: Vec<PathBuf>,
    listener: Option<Arc<OnionListener>>,
    /// When to launch the service.
    launch_at: Option<Monotonic>,
    /// The service, and when it was launched.
    service: Option<(OnionService, Monotonic)>,
    /// How many services this client has launched.
    launches: u32,
    published: bool,
    /// The problem of the service that arti has reported since the last successful probe.
    reported_problem: Option<String>,
    /// Why the service could not be launched.
    launch_error: Option<String>,
    probe: Fuse<BoxFuture<'static, Result<(), ProbeFailure>>>,
    /// Why the last probe failed.
    probe_error: String,
}

impl<'a, R: Runtime> OnlineClient<'a, R> {
    fn new(state: &'a mut ReachabilityState<R>, client: Arc<TorClient<TorRuntime<R>>>) -> Self {
        Self {
            bootstrap_addresses: state.monitor.addresses(),
            online_since: now(),
            next_check: now().after(millis(state.shared.limits.network_check_interval)),
            bootstrap: client.bootstrap_status(),
            missing_programs: state.shared.missing_programs(),
            listener: None,
            launch_at: None,
            service: None,
            launches: 0,
            published: false,
            reported_problem: None,
            launch_error: None,
            probe: Fuse::terminated(),
            probe_error: String::new(),
            state,
            client,
        }
    }

    /// The driver has begun or stopped to listen.
    fn listener_changed(&mut self, listener: Option<Arc<OnionListener>>) -> Next {
        self.listener = listener;
        self.withdraw();
        // A random delay, so that two profiles that come online together do not publish together, which would link them.
        let stagger = millis(self.state.shared.limits.publish_stagger);
        let delay = Millis(random_u64() % (stagger.0 + 1));
        self.launch_at = self.listener.as_ref().map(|_| now().after(delay));
        Next::KeepClient
    }

    fn withdraw(&mut self) {
        self.state.recovery.withdrawn();
        self.probe = Fuse::terminated();
        self.service = None;
        self.published = false;
        self.reported_problem = None;
        self.launch_error = None;
    }

    /// Launches a new service if there is a listener.
    fn launch(&mut self) {
        self.withdraw();
        self.launch_at = None;
        let Some(listener) = &self.listener else { return };
        self.launches += 1;
        match OnionService::launch(&self.client, listener, &self.state.shared.limits, self.launches) {
            Ok(service) => self.service = Some((service, now())),
            Err(error) => {
                warn!(error, "the onion service cannot be launched");
                self.launch_error = Some(error);
                self.launch_at = Some(now().after(millis(self.state.shared.limits.restart_delay)));
            }
        }
    }

    fn service_status_changed(&mut self, status: Option<OnionServiceStatus>) -> Next {
        let Some(status) = status else {
            // arti's service has ended, and would never report again.
            self.launch();
            return Next::KeepClient;
        };
        debug!(state = ?status.state(), "the onion service");
        match status.state() {
            State::Running | State::DegradedReachable => {
                self.reported_problem = None;
                self.set_published();
            }
            State::Shutdown | State::Bootstrapping => {}
            State::Recovering if !self.published => {}
            // Some directory has refused the descriptor, or some introduction point is gone. There are others, so the probe
            // decides whether the service can be reached.
            _ => {
                self.set_published();
                if let Some(problem) = reported_problem(&status) {
                    self.reported_problem = Some(problem);
                    self.state.recovery.problem_reported(now());
                }
            }
        }
        Next::KeepClient
    }

    fn set_published(&mut self) {
        if !self.published {
            self.published = true;
            self.state.shared.clock.published();
            self.state.recovery.published(now());
        }
    }

    fn timer_expired(&mut self) -> Next {
        let now = now();
        if now >= self.next_check {
            self.next_check = now.after(millis(self.state.shared.limits.network_check_interval));
            self.check_machine(now);
        }
        if self.launch_at.is_some_and(|due| now >= due) {
            self.launch();
        }
        if self.publish_deadline().is_some_and(|deadline| now >= deadline) {
            // The service may be reachable though arti does not report it as published: the probe decides.
            self.set_published();
        }
        Next::KeepClient
    }

    fn check_machine(&mut self, now: Monotonic) {
        self.missing_programs = self.state.shared.missing_programs();
        if self.published {
            self.state.shared.clock.published();
        }
        match self.state.check_network() {
            Some(NetworkChange::Moved | NetworkChange::Resumed) => {
                self.state.recovery.network_changed(now);
                self.probe = Fuse::terminated();
                self.state.shared.status.update(|status| status.network_changes += 1);
            }
            Some(NetworkChange::Lost) | None => {}
        }
    }

    fn start_due_probe(&mut self) {
        let Some(listener) = &self.listener else { return };
        if self.next_probe().is_none_or(|due| due > now()) {
            return;
        }
        let (client, probe) = (Arc::clone(&self.client), Arc::clone(&listener.self_probe));
        let timeout = self.state.shared.limits.probe_timeout;
        self.probe = self_probe::run(client, listener.address, probe, timeout).boxed().fuse();
    }

    /// When the next probe is due, if one can be started.
    fn next_probe(&self) -> Option<Monotonic> {
        let possible = self.probe.is_terminated() && !self.is_offline();
        self.state.recovery.due().filter(|_| possible)
    }

    fn probe_ended(&mut self, result: Result<(), ProbeFailure>) -> Next {
        match result {
            Ok(()) => {
                self.probe_succeeded();
                Next::KeepClient
            }
            Err(ProbeFailure::AnotherNode) => {
                warn!("another machine answers at our own address");
                self.state.recovery.answered_elsewhere(now(), random_u64());
                Next::KeepClient
            }
            Err(ProbeFailure::NoAnswer(error)) => self.probe_failed(error),
        }
    }

    fn probe_succeeded(&mut self) {
        let recovery = &mut self.state.recovery;
        if recovery.reachability() != Reachability::Reachable {
            info!("our own address answers");
        }
        recovery.probe_succeeded(now(), random_u64());
        self.reported_problem = None;
        let wall = self.state.shared.clock.machine_wall();
        self.state.shared.status.update(|status| status.proven_at = Some(wall));
    }

    fn probe_failed(&mut self, error: String) -> Next {
        let remedy = self.state.recovery.probe_failed(now(), random_u64());
        let failures = self.state.recovery.failures();
        let next = remedy.map_or_else(|| "probing again".to_owned(), |remedy| remedy.to_string());
        warn!(error, failures, "our own address does not answer; next: {next}");
        self.probe_error = error;
        match remedy {
            None => {}
            Some(Remedy::Republish) => {
                if let Err(error) = self.republish() {
                    debug!(error, "the descriptor cannot be republished; launching a new service");
                    self.launch();
                }
            }
            Some(Remedy::NewIntroductionPoints) => self.launch(),
            Some(Remedy::FreshClient) => return Next::ReplaceClient,
        }
        Next::KeepClient
    }

    fn republish(&mut self) -> Result<(), String> {
        let (service, _) = self.service.as_mut().ok_or("there is no service")?;
        service.republish()
    }

    fn until_next_action(&self) -> Duration {
        let times = [
            Some(self.next_check),
            self.launch_at,
            self.publish_deadline(),
            self.next_probe(),
        ];
        let next = times.into_iter().flatten().min().unwrap_or(self.next_check);
        Duration::from_millis(next.since(now()).0)
    }

    /// When a service that arti does not report as published is probed all the same.
    fn publish_deadline(&self) -> Option<Monotonic> {
        let (_, launched) = self.service.as_ref().filter(|_| !self.published)?;
        Some(launched.after(millis(self.state.shared.limits.publish_timeout)))
    }

    /// There is no network, or no program to reach it with. (The client may be bootstrapped all the same, from the directory
    /// in the folder.) A client that reaches relays without any route to the Internet, as on one machine with its own
    /// relays, is not offline.
    fn is_offline(&self) -> bool {
        if !self.missing_programs.is_empty() {
            return true;
        }
        let needs_no_route = self.bootstrap_addresses.are_absent() && self.bootstrap.ready_for_traffic();
        self.state.monitor.addresses().are_absent() && !needs_no_route
    }

    fn update_status(&self) {
        let (phase, reachability, problem) = (self.phase(), self.reachability(), self.problem());
        let clock_confirmed = clock_skew::is_confirmed(&self.client, self.state.shared.clock.machine_wall());
        self.state.shared.status.update(|status| {
            if status.phase == TorPhase::Offline && phase != TorPhase::Offline {
                status.network_changes += 1;
            }
            status.phase = phase;
            status.reachability = reachability;
            status.problem = problem;
            status.clock_confirmed = clock_confirmed;
        });
    }

    fn phase(&self) -> TorPhase {
        match &self.listener {
            _ if self.is_offline() => TorPhase::Offline,
            Some(_) if !self.published => TorPhase::Publishing,
            _ => TorPhase::Online,
        }
    }

    fn reachability(&self) -> Reachability {
        match self.state.recovery.reachability() {
            _ if self.listener.is_none() || self.is_offline() => Reachability::Unknown,
            Reachability::Reachable if self.reported_problem.is_some() => Reachability::Degraded,
            proven => proven,
        }
    }

    /// The first obstacle, from the machine outwards.
    fn problem(&self) -> Option<TorProblem> {
        if !self.missing_programs.is_empty() {
            return Some(TorProblem::MissingPrograms(self.missing_programs.clone()));
        }
        if self.is_offline() {
            return Some(TorProblem::NoNetwork);
        }
        clock_skew::problem(&self.client, &self.state.shared.clock, self.directory_age())
            .or_else(|| self.another_node())
            .or_else(|| self.clock_set_back())
            .or_else(|| self.service_problem())
            .or_else(|| self.probe_problem())
            .or_else(|| blockage(&self.bootstrap))
    }

    fn directory_age(&self) -> DirectoryAge {
        if now() >= self.online_since.after(millis(DIRECTORY_FETCH)) {
            DirectoryAge::MustBeFresh
        } else {
            DirectoryAge::MayBeCached
        }
    }

    fn another_node(&self) -> Option<TorProblem> {
        let answers = self.listener.is_some() && self.state.recovery.is_elsewhere();
        answers.then_some(TorProblem::AnotherNode)
    }

    /// While probes fail, a clock that was set back may explain it.
    fn clock_set_back(&self) -> Option<TorProblem> {
        let fails = self.listener.is_some() && self.state.recovery.failures() > 0;
        let lead = self.state.shared.clock.lead();
        (fails && lead.0 > 0).then(|| TorProblem::ClockSetBack {
            by: Duration::from_millis(lead.0),
        })
    }

    fn service_problem(&self) -> Option<TorProblem> {
        let problem = self.launch_error.as_ref().or(self.reported_problem.as_ref())?;
        Some(TorProblem::Service(problem.clone()))
    }

    fn probe_problem(&self) -> Option<TorProblem> {
        let recovery = &self.state.recovery;
        (self.listener.is_some() && recovery.failures() > 0).then(|| TorProblem::Probe {
            failures: recovery.failures(),
            cause: self.probe_error.clone(),
            remedy: recovery.remedy(),
        })
    }
}
