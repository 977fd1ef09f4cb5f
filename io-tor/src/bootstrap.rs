//! From a client to one that can be used, with a word about how far it is and what is in its way.

use std::pin::pin;
use std::sync::Arc;

use arti_client::TorClient;
use arti_client::status::{BlockageKind, BootstrapStatus};
use futures::future::FutureExt as _;
use futures::select_biased;
use futures::stream::StreamExt as _;
use tor_rtcompat::Runtime;

use crate::clock;
use crate::config::Chain;
use crate::network::Disturbance;
use crate::remains::Remains;
use crate::status::{Phase, Problem};
use crate::ward::Ward;

/// Why a client cannot be used.
pub(crate) enum Unfinished {
    /// The network is another one.
    Disturbed,
    /// arti has given up, in its words.
    Failed(String),
}

/// Tells of it on the way.
pub(crate) async fn bootstrap<R: Runtime>(
    ward: &mut Ward<R>,
    client: &TorClient<R>,
    remains: &mut Remains,
) -> Result<(), Unfinished> {
    let shared = Arc::clone(&ward.shared);
    let mut events = client.bootstrap_events().fuse();
    let mut latest = client.bootstrap_status();
    // To its end: a bootstrap that is dropped half-way cannot be taken up again.
    let mut bootstrap = pin!(client.bootstrap().fuse());
    let mut look = pin!(shared.runtime.sleep(shared.limits.watch).fuse());
    loop {
        select_biased! {
            result = bootstrap => {
                remains.of(client);
                return result.map_err(|error| Unfinished::Failed(Chain(&error).to_string()));
            }
            event = events.select_next_some() => latest = event,
            () = look => {
                look.set(shared.runtime.sleep(shared.limits.watch).fuse());
                if let Some(Disturbance::Moved | Disturbance::Slept) = ward.look() {
                    // What was begun there goes nowhere here, and arti's own patience is long.
                    return Err(Unfinished::Disturbed);
                }
            }
        }
        remains.of(client);
        let problem = obstacle(ward, client, &latest);
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

fn obstacle<R: Runtime>(ward: &Ward<R>, client: &TorClient<R>, latest: &BootstrapStatus) -> Option<Problem> {
    let missing = ward.shared.missing_programs();
    if !missing.is_empty() {
        return Some(Problem::MissingPrograms(missing));
    }
    if ward.watch.network().is_down() && !latest.ready_for_traffic() {
        return Some(Problem::NoNetwork);
    }
    clock::trouble(client, false).or_else(|| blocked(latest))
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
