//! `sotto status` and `sotto presence`.

use clap::{Args, ValueEnum};
use sotto_api::{self as api, Availability, Phase, Reachability, all};

use super::context::Context;
use super::output::{Table, Tone, moment, who};
use super::stop::Outcome;

/// `sotto presence`
#[derive(Args, Debug)]
pub struct Presence {
    /// How contacts see you from now on; without it, shows who is online
    #[arg(value_enum)]
    show: Option<Show>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Show {
    Online,
    Away,
    Invisible,
}

impl Presence {
    /// Sets the user's presence, or shows that of contacts.
    pub fn run(self, context: &Context) -> Outcome {
        let mut client = context.client()?;
        let Some(show) = self.show else {
            let peers = client.call::<all::NodePresence>(&api::PresenceQuery::default())?;
            return Ok(context.output.emit(&peers, table)?);
        };
        let show = match show {
            Show::Online => Availability::Online,
            Show::Away => Availability::Away,
            Show::Invisible => Availability::Invisible,
        };
        let done = client.call::<all::NodeAvailability>(&api::SetAvailability { show })?;
        Ok(context.output.emit(&done, |_| String::new())?)
    }
}

fn table(peers: &api::PresenceList) -> String {
    if peers.peers.is_empty() {
        return String::new();
    }
    let mut table = Table::new(&["NAME", "PRESENCE", "AS OF"]);
    for peer in &peers.peers {
        let (tone, presence) = match peer.presence {
            _ if peer.typing => (Tone::Good, "typing"),
            api::Presence::Online => (Tone::Good, "online"),
            api::Presence::Away => (Tone::Warning, "away"),
            api::Presence::Offline => (Tone::Faint, "offline"),
            api::Presence::Unknown => (Tone::Faint, "unknown"),
        };
        table.row([
            (
                Tone::Author,
                who(
                    peer.who.petname.as_deref(),
                    peer.who.claimed_name.as_deref(),
                    &peer.who.contact,
                ),
            )
                .into(),
            (tone, presence).into(),
            peer.as_of.map(moment).unwrap_or_default().into(),
        ]);
    }
    table.render()
}

/// `sotto status`
pub fn status(context: &Context) -> Outcome {
    let status = context.client()?.call::<all::NodeStatus>(&api::Nothing {})?;
    Ok(context.output.emit(&status, |status| status_table(status).render())?)
}

const fn shown(availability: Availability) -> &'static str {
    match availability {
        Availability::Online => "online",
        Availability::Away => "away",
        Availability::Invisible => "invisible",
    }
}

/// How often peers broke the protocol, and how.
fn faults(status: &api::Status) -> String {
    let kinds: Vec<String> = status
        .peer_faults_by_kind
        .iter()
        .map(|(kind, count)| format!("{count} {}", kind.replace('_', " ")))
        .collect();
    format!("{} ({})", status.peer_faults, kinds.join(", "))
}

/// The state of the network, and when contacts were last shown to come through it.
fn network(network: &api::Network) -> String {
    let proven = network.proven_at.map(|at| format!(", checked {}", moment(at)));
    network.words() + &proven.unwrap_or_default()
}

/// A status as a person reads it.
pub fn status_table(status: &api::Status) -> Table {
    let tone = match (status.network.phase, status.network.reachability) {
        (Phase::Ready, Reachability::Reachable) => Tone::Good,
        (Phase::Ready, Reachability::Unreachable) => Tone::Bad,
        _ => Tone::Warning,
    };
    let mut table = Table::bare();
    table
        .pair(
            "daemon",
            format!(
                "version {}, process {}, since {}",
                status.version,
                status.pid,
                moment(status.started_at)
            ),
        )
        .pair("onion", status.onion.as_str())
        .pair("shown as", shown(status.availability))
        .pair("network", (tone, network(&status.network)));
    if let Some(problem) = &status.network.problem {
        table.pair("", (Tone::Bad, problem.as_str()));
    }
    table
        .pair("links", status.links.to_string())
        .pair("outbox", status.queued.to_string())
        .pair("requests", status.requests.to_string());
    if status.clock_doubted {
        let said = "far ahead of when the node last ran; running timers wait until it is confirmed";
        table.pair("clock", (Tone::Warning, said));
    }
    if let Some(shown) = &status.elsewhere {
        let said = format!("{}, last seen {}", shown.words(), moment(shown.at));
        table.pair("identity", (Tone::Bad, said));
        table.pair("", (Tone::Faint, api::Elsewhere::HINT));
    }
    if status.storage.paused_contacts > 0 {
        let said = format!(
            "{} paused: sotto friends list shows why",
            status.storage.paused_contacts
        );
        table.pair("contacts", (Tone::Bad, said));
    }
    if status.peer_faults > 0 {
        table.pair("peer faults", faults(status));
    }
    if status.log_lines_dropped > 0 {
        let said = format!("{} lines could not be written", status.log_lines_dropped);
        table.pair("log", (Tone::Warning, said));
    }
    for endpoint in &status.endpoints {
        table.pair(&endpoint.surface, endpoint.at.as_str());
    }
    table.pair("folder", status.data_dir.as_str());
    table
}
