//! The rows of the status panel: the network as it is now, and all that `sotto doctor` finds, each finding with what to do about it; and
//! [`StatusClock`]: when the status is read.

use std::cmp::Reverse;

use sotto_api::{self as api, Finding, Verdict};

use super::dialog::{Choice, Row};
use super::{App, Connection, next_minute};
use crate::action::Action;
use crate::when;

/// The least time between two looks at a network that comes up.
const SOON: u64 = 1000;

/// It is looked at again after this part of the time for which it has not changed: one that does not come up wakes nothing for long.
const PART: u64 = 8;

/// How old the status may be while the user does something: that a daemon does not answer is noticed by asking.
const OLD: u64 = 10_000;

/// When the status of the node is read: with each minute of the clock; more often while the network comes up; and when the user comes back.
#[derive(Debug, Default)]
pub(super) struct StatusClock {
    due: u64,
    /// When it was asked for.
    asked: u64,
    /// When it has changed.
    changed: u64,
}

impl StatusClock {
    /// When it is read without a key being pressed.
    pub const fn due(&self) -> u64 {
        self.due
    }

    /// Whether it is to be read now. `used` says when the user did something.
    pub fn strikes(&mut self, reachable: bool, used: u64, now: u64) -> bool {
        let comes_back = used >= self.asked + OLD;
        let strikes = now >= self.due || comes_back;
        if strikes {
            self.asked = now;
            let soon = now + (now.saturating_sub(self.changed) / PART).max(SOON);
            let minute = next_minute(now);
            self.due = if reachable { minute } else { soon.min(minute) };
        }
        strikes
    }

    /// The network is another than before, and may be another again soon.
    pub fn changed(&mut self, reachable: bool, now: u64) {
        self.changed = now;
        if !reachable {
            self.due = self.due.min(now + SOON);
        }
    }
}

impl App {
    pub(super) fn status_rows(&self) -> Vec<Row> {
        let up = matches!(self.connection, Connection::Up);
        let Some(status) = self.status.as_ref().filter(|_| up) else {
            return vec![
                Row::new("No daemon answers", "", Choice::Nothing),
                Row::new("Start one in this terminal", "", Choice::StartDaemon),
            ];
        };
        let mut rows = self.network_rows(status);
        rows.push(Row::heading("Checks"));
        match &self.doctor {
            Some(report) => rows.extend(finding_rows(report)),
            None => rows.push(Row::new("Checking…", "", Choice::Nothing)),
        }
        rows.push(Row::heading("Program"));
        let faults = status.peer_faults;
        rows.push(fact("Refused from peers", format!("{faults} frames and links")));
        let place = if self.hosting { ", in this terminal" } else { "" };
        rows.push(fact("Daemon", format!("process {}{place}", status.pid)));
        rows.push(fact("Data", status.data_dir.clone()));
        let ours = env!("CARGO_PKG_VERSION");
        rows.push(fact(
            "Version",
            if status.version == ours {
                status.version.clone()
            } else {
                format!("{}; this interface is of {ours}: restart the daemon", status.version)
            },
        ));
        rows
    }

    /// The network, and whether contacts come through it.
    fn network_rows(&self, status: &api::Status) -> Vec<Row> {
        let network = &status.network;
        let phase = match network.phase {
            api::Phase::Starting => "starting",
            api::Phase::Offline => "this computer has no network",
            api::Phase::Bootstrapping => "connecting to Tor",
            api::Phase::Publishing => "publishing the onion service",
            api::Phase::Ready => "up",
            api::Phase::Stopping => "stopping",
        };
        let mut rows = vec![fact(
            "Network",
            format!("{} · {phase} · {} %", network.kind, network.percent),
        )];
        rows.extend(network.doing.iter().map(|doing| fact("Now", doing.clone())));
        rows.extend(
            network
                .problem
                .iter()
                .map(|problem| fact("What is wrong", problem.clone())),
        );
        let proven = network.proven_at.map(|at| when::moment(at, self.time(), &self.zone));
        let reachable = match (network.reachability, proven) {
            (api::Reachability::Reachable, Some(at)) => format!("yes, proven at {at}"),
            (api::Reachability::Reachable, None) => String::from("yes"),
            (api::Reachability::Degraded, _) => String::from("it was, but the last probe failed; it is tried again"),
            (api::Reachability::Unreachable, _) => String::from("no: probes fail"),
            (api::Reachability::Unknown, _) => String::from("not proven yet"),
        };
        rows.push(fact("Contacts can reach you", reachable));
        rows.push(fact(
            "Links",
            format!("{} up, {} being made", status.links, status.dials),
        ));
        rows
    }
}

/// What was found, the worst first.
fn finding_rows(report: &api::DoctorReport) -> Vec<Row> {
    let mut findings: Vec<&Finding> = report.findings.iter().collect();
    findings.sort_by_key(|finding| Reverse(finding.verdict));
    findings.into_iter().map(finding_row).collect()
}

fn finding_row(finding: &Finding) -> Row {
    let word = match finding.verdict {
        Verdict::Good => "ok",
        Verdict::Careful => "look",
        Verdict::Bad => "wrong",
    };
    let (choice, remedy) = match (finding.subject.as_str(), &finding.contact) {
        ("outbox", _) if finding.verdict != Verdict::Good => {
            (Choice::Act(Action::Outbox), "/outbox shows for which contacts, and why")
        }
        ("requests", _) => (Choice::Act(Action::Requests), "/requests shows them"),
        (_, Some(who)) => (Choice::Open(who.contact.clone()), finding.hint.as_str()),
        _ => (Choice::Nothing, finding.hint.as_str()),
    };
    let detail = if remedy.is_empty() {
        finding.said.clone()
    } else {
        format!("{}. {}", finding.said.trim_end_matches('.'), capitalized(remedy))
    };
    Row::new(format!("{word}  {}", finding.subject), detail, choice)
}

fn capitalized(text: &str) -> String {
    // A command stays as it is typed.
    if text.starts_with("chmod ") || text.starts_with("sotto ") {
        return format!("Run: {text}");
    }
    let mut letters = text.chars();
    let first = letters.next().map(|first| first.to_uppercase().to_string());
    first.unwrap_or_default() + letters.as_str()
}

/// A row that is only read.
fn fact(name: &str, value: String) -> Row {
    Row::new(name, value, Choice::Nothing)
}
