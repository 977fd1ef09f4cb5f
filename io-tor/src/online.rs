//! A client that is bootstrapped: the service is launched for whoever listens, tried through its own address, and healed.

use std::path::PathBuf;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use arti_client::TorClient;
use arti_client::status::BootstrapStatus;
use futures::future::{self, BoxFuture, Either, Fuse, FutureExt as _};
use futures::select_biased;
use futures::stream::StreamExt as _;
use sotto_core::{Millis, Monotonic};
use tor_hsservice::status::{OnionServiceStatus, State};
use tor_rtcompat::Runtime;
use tracing::{debug, info, warn};

use crate::bootstrap::blocked;
use crate::clock;
use crate::heal::millis;
use crate::network::{Disturbance, Network, clocks, now};
use crate::probe::{dice, probe};
use crate::service::{Door, Service, trouble};
use crate::shared::Client;
use crate::status::{Phase, Problem, Reachability, Remedy};
use crate::ward::Ward;

/// From a bootstrap, which may have been with what was in the folder, until the directory must be a fresh one.
const SETTLED: Duration = Duration::from_mins(3);

/// Ends when a fresh client is wanted.
pub(crate) async fn online<R: Runtime>(ward: &mut Ward<R>, client: Arc<TorClient<R>>) {
    let shared = Arc::clone(&ward.shared);
    shared.clients.set(Client::Ready(Arc::clone(&client)));
    shared.status.update(|status| {
        status.percent = 100;
        status.disturbances += 1;
    });
    info!("Tor can be used");

    let mut events = client.bootstrap_events().fuse();
    let mut doors = shared.door.changes();
    let mut online = Online {
        born: ward.watch.network(),
        since: now(),
        next_look: now().after(millis(shared.limits.watch)),
        bootstrap: client.bootstrap_status(),
        missing: ward.shared.missing_programs(),
        door: None,
        serial: 0,
        published: false,
        doubt: None,
        refused: None,
        cause: String::new(),
        launch_at: None,
        service: None,
        probing: Fuse::terminated(),
        ward,
        client,
    };
    loop {
        online.tell();
        let mut alarm = pin!(shared.runtime.sleep(online.pause()).fuse());
        let mut word = match &mut online.service {
            Some((service, _)) => Either::Left(service.statuses.next()),
            None => Either::Right(future::pending()),
        }
        .fuse();
        let wanted = select_biased! {
            door = doors.next().fuse() => online.opened(door.flatten()),
            event = events.select_next_some() => {
                online.bootstrap = event;
                Wanted::Nothing
            }
            word = word => online.heard(word),
            result = &mut online.probing => online.probed(result),
            () = alarm => online.looked(),
        };
        if let Wanted::FreshClient = wanted {
            return;
        }
        online.try_address();
    }
}

/// Whether this client is still good.
enum Wanted {
    Nothing,
    FreshClient,
}

struct Online<'a, R: Runtime> {
    ward: &'a mut Ward<R>,
    client: Arc<TorClient<R>>,
    /// The network in which the client was bootstrapped.
    born: Network,
    since: Monotonic,
    next_look: Monotonic,
    bootstrap: BootstrapStatus,
    /// Programs without which no relay can be reached, at the last look.
    missing: Vec<PathBuf>,
    door: Option<Arc<Door>>,
    /// When to launch the service.
    launch_at: Option<Monotonic>,
    /// With when it was launched.
    service: Option<(Service, Monotonic)>,
    /// Services that this client has launched.
    serial: u32,
    /// What arti found wrong with the service since the latest proof.
    doubt: Option<String>,
    published: bool,
    /// Why it could not be launched.
    refused: Option<String>,
    probing: Fuse<BoxFuture<'static, Result<(), String>>>,
    /// Why the latest probe failed.
    cause: String,
}

impl<R: Runtime> Online<'_, R> {
    /// Somebody listens, or nobody does any more.
    fn opened(&mut self, door: Option<Arc<Door>>) -> Wanted {
        self.door = door;
        self.withdraw();
        // Two profiles that come online together are not to be seen publishing together.
        let stagger = millis(self.ward.shared.limits.stagger);
        self.launch_at = self
            .door
            .as_ref()
            .map(|_| now().after(Millis(dice() % (stagger.0 + 1))));
        Wanted::Nothing
    }

    fn withdraw(&mut self) {
        self.ward.healer.withdrawn();
        self.probing = Fuse::terminated();
        (self.service, self.doubt, self.published, self.refused) = (None, None, false, None);
    }

    /// The service anew, if anybody listens.
    fn launch(&mut self) {
        self.withdraw();
        self.launch_at = None;
        let Some(door) = &self.door else { return };
        self.serial += 1;
        match Service::launch(&self.client, door, &self.ward.shared.limits, self.serial) {
            Ok(service) => self.service = Some((service, now())),
            Err(problem) => {
                warn!(problem, "the onion service cannot be launched");
                self.refused = Some(problem);
                self.launch_at = Some(now().after(millis(self.ward.shared.limits.restart)));
            }
        }
    }

    /// arti says how the service is.
    fn heard(&mut self, word: Option<OnionServiceStatus>) -> Wanted {
        let Some(word) = word else {
            // Nobody would hear of it any more.
            self.launch();
            return Wanted::Nothing;
        };
        debug!(state = ?word.state(), "the onion service");
        match word.state() {
            State::Running | State::DegradedReachable => {
                self.doubt = None;
                self.publish();
            }
            State::Shutdown | State::Bootstrapping => {}
            State::Recovering if !self.published => {}
            // Some directory has not taken the descriptor, or some introduction point is gone. There are others: what
            // arti takes for unlikely is for the probe to decide.
            _ => {
                self.publish();
                if let Some(trouble) = trouble(&word) {
                    self.doubt = Some(trouble);
                    self.ward.healer.doubted(now());
                }
            }
        }
        Wanted::Nothing
    }

    fn publish(&mut self) {
        if !self.published {
            self.published = true;
            self.ward.healer.published(now());
        }
    }

    /// Time has passed.
    fn looked(&mut self) -> Wanted {
        let now = now();
        if now >= self.next_look {
            self.next_look = now.after(millis(self.ward.shared.limits.watch));
            self.missing = self.ward.shared.missing_programs();
            match self.ward.look() {
                Some(Disturbance::Moved | Disturbance::Slept) => {
                    self.ward.healer.disturbed(now);
                    self.probing = Fuse::terminated();
                    self.ward.shared.status.update(|status| status.disturbances += 1);
                }
                Some(Disturbance::Lost) | None => {}
            }
        }
        if self.launch_at.is_some_and(|due| now >= due) {
            self.launch();
        }
        if self.publishing_ends().is_some_and(|end| now >= end) {
            // It may be reachable whatever arti thinks: see.
            self.publish();
        }
        Wanted::Nothing
    }

    /// Starts a probe if one is due.
    fn try_address(&mut self) {
        let due = self.ward.healer.due().is_some_and(|due| due <= now());
        let Some(door) = self
            .door
            .as_ref()
            .filter(|_| due && !self.is_probing() && !self.is_cut_off())
        else {
            return;
        };
        let (client, knock) = (Arc::clone(&self.client), Arc::clone(&door.knock));
        let wait = self.ward.shared.limits.probe;
        self.probing = probe(client, door.address, knock, wait).boxed().fuse();
    }

    fn probed(&mut self, result: Result<(), String>) -> Wanted {
        let healer = &mut self.ward.healer;
        let cause = match result {
            Ok(()) => {
                if healer.reachability() != Reachability::Reachable {
                    info!("our own address answers");
                }
                healer.proven(now(), dice());
                self.doubt = None;
                let wall = clocks().wall;
                self.ward.shared.status.update(|status| status.proven_at = Some(wall));
                return Wanted::Nothing;
            }
            Err(cause) => cause,
        };
        let remedy = healer.failed(now(), dice());
        let failures = healer.failures();
        let next = remedy.map_or_else(|| "trying again".to_owned(), |remedy| remedy.to_string());
        warn!(cause, failures, "our own address does not answer; {next}");
        self.cause = cause;
        match remedy {
            Some(Remedy::Republish) if self.republish() => Wanted::Nothing,
            Some(Remedy::Republish | Remedy::NewIntroductionPoints) => {
                self.launch();
                Wanted::Nothing
            }
            Some(Remedy::FreshClient) => Wanted::FreshClient,
            None => Wanted::Nothing,
        }
    }

    fn republish(&mut self) -> bool {
        self.service.as_mut().is_some_and(|(service, _)| service.republish())
    }

    /// Until there is something to do.
    fn pause(&self) -> Duration {
        let due = self
            .ward
            .healer
            .due()
            .filter(|_| !self.is_probing() && !self.is_cut_off());
        let next = [Some(self.next_look), self.launch_at, self.publishing_ends(), due]
            .into_iter()
            .flatten()
            .min();
        next.map_or(self.ward.shared.limits.watch, |next| {
            Duration::from_millis(next.since(now()).0)
        })
    }

    fn publishing_ends(&self) -> Option<Monotonic> {
        let (_, launched) = self.service.as_ref().filter(|_| !self.published)?;
        Some(launched.after(millis(self.ward.shared.limits.publish)))
    }

    fn is_probing(&self) -> bool {
        use futures::future::FusedFuture as _;
        !self.probing.is_terminated()
    }

    /// There is no network or no program to reach it with, though a client may have what it needs to begin in its folder.
    /// One that talks to relays without a network (on one machine, with relays of its own) does not miss it.
    fn is_cut_off(&self) -> bool {
        if !self.missing.is_empty() {
            return true;
        }
        let does_without = self.born.is_down() && self.bootstrap.ready_for_traffic();
        self.ward.watch.network().is_down() && !does_without
    }

    /// There has been time for a newer directory than the one that was begun with.
    fn is_settled(&self) -> bool {
        now() >= self.since.after(millis(SETTLED))
    }

    /// Tells how things stand.
    fn tell(&self) {
        let healer = &self.ward.healer;
        let phase = match &self.door {
            _ if self.is_cut_off() => Phase::Offline,
            Some(_) if !self.published => Phase::Publishing,
            _ => Phase::Online,
        };
        let reachability = match healer.reachability() {
            _ if self.door.is_none() || self.is_cut_off() => Reachability::Unknown,
            Reachability::Reachable if self.doubt.is_some() => Reachability::Degraded,
            proven => proven,
        };
        let problem = if !self.missing.is_empty() {
            Some(Problem::MissingPrograms(self.missing.clone()))
        } else if self.is_cut_off() {
            Some(Problem::NoNetwork)
        } else if let Some(clock) = clock::trouble(&self.client, self.is_settled()) {
            Some(clock)
        } else if let Some(refused) = self.refused.clone().or_else(|| self.doubt.clone()) {
            Some(Problem::Service(refused))
        } else if self.door.is_some() && healer.failures() > 0 {
            Some(Problem::Probe {
                failures: healer.failures(),
                cause: self.cause.clone(),
                remedy: healer.remedy(),
            })
        } else {
            blocked(&self.bootstrap)
        };
        self.ward.shared.status.update(|status| {
            if status.phase == Phase::Offline && phase != Phase::Offline {
                status.disturbances += 1;
            }
            status.phase = phase;
            status.reachability = reachability;
            status.problem = problem;
        });
    }
}
