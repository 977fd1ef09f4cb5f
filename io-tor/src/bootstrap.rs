//! [`bootstrap`] takes a new client to the point where it can be used, and reports its progress and its obstacles in the
//! status.

use std::pin::pin;
use std::sync::Arc;

use arti_client::TorClient;
use arti_client::status::{BlockageKind, BootstrapStatus};
use futures::future::FutureExt as _;
use futures::select_biased;
use futures::stream::StreamExt as _;
use tor_rtcompat::{Runtime, SleepProvider as _};

use crate::client_teardown::ClientTeardown;
use crate::clock_skew::{self, DirectoryAge};
use crate::config::ErrorChain;
use crate::network_monitor::NetworkChange;
use crate::reachability_state::ReachabilityState;
use crate::status::{TorPhase, TorProblem};
use crate::tor_clock::TorRuntime;

/// Why a client cannot be used.
pub(crate) enum BootstrapError {
    /// The network has changed meanwhile.
    NetworkChanged,
    /// arti gave up; its error text.
    Failed(String),
}

pub(crate) async fn bootstrap<R: Runtime>(
    state: &mut ReachabilityState<R>,
    client: &TorClient<TorRuntime<R>>,
    teardown: &mut ClientTeardown,
) -> Result<(), BootstrapError> {
    let shared = Arc::clone(&state.shared);
    let interval = shared.limits.network_check_interval;
    let mut events = client.bootstrap_events().fuse();
    let mut latest = client.bootstrap_status();
    // Polled to its end: a bootstrap that is dropped half-way cannot be resumed.
    let mut bootstrap = pin!(client.bootstrap().fuse());
    let mut next_check = pin!(shared.runtime.sleep(interval).fuse());
    loop {
        select_biased! {
            result = bootstrap => {
                teardown.track_directory(client);
                return result.map_err(|error| BootstrapError::Failed(ErrorChain(&error).to_string()));
            }
            event = events.select_next_some() => latest = event,
            () = next_check => {
                next_check.set(shared.runtime.sleep(interval).fuse());
                if let Some(NetworkChange::Moved | NetworkChange::Resumed) = state.check_network() {
                    // Connections of the old network lead nowhere, and arti's timeouts are long.
                    return Err(BootstrapError::NetworkChanged);
                }
            }
        }
        teardown.track_directory(client);
        let problem = obstacle(state, client, &latest);
        shared.status.update(|status| {
            status.percent = percent(&latest);
            status.phase = match problem {
                Some(TorProblem::NoNetwork) => TorPhase::Offline,
                _ => TorPhase::Bootstrapping { doing: doing(&latest) },
            };
            status.problem = problem;
        });
    }
}

fn obstacle<R: Runtime>(
    state: &ReachabilityState<R>,
    client: &TorClient<TorRuntime<R>>,
    latest: &BootstrapStatus,
) -> Option<TorProblem> {
    let missing = state.shared.missing_programs();
    if !missing.is_empty() {
        return Some(TorProblem::MissingPrograms(missing));
    }
    if state.monitor.addresses().are_absent() && !latest.ready_for_traffic() {
        return Some(TorProblem::NoNetwork);
    }
    clock_skew::problem(client, &state.shared.clock, DirectoryAge::MayBeCached).or_else(|| blockage(latest))
}

/// What arti reports as blocking it.
pub(crate) fn blockage(status: &BootstrapStatus) -> Option<TorProblem> {
    let blockage = status.blocked()?;
    let message = blockage.message().to_string();
    match blockage.kind() {
        BlockageKind::Disabled => None,
        BlockageKind::Filtering => Some(TorProblem::Filtered),
        BlockageKind::ClockSkewed => Some(TorProblem::Clock(message)),
        BlockageKind::CantBootstrap => Some(TorProblem::Directory(message)),
        _ => Some(TorProblem::Unreachable),
    }
}

fn percent(status: &BootstrapStatus) -> u8 {
    // Rounded down: 100 % means finished.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a clamped fraction, and floats saturate"
    )]
    let percent = (status.as_frac().clamp(0.0, 1.0) * 100.0) as u8;
    percent
}

/// arti's text, without the percentage at its beginning.
fn doing(status: &BootstrapStatus) -> String {
    let text = status.to_string();
    match text.split_once("%: ") {
        Some((_, doing)) => doing.to_owned(),
        None => text,
    }
}
