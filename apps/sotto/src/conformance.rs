//! `sotto conformance`: tests any implementation against the clauses of the protocol. It needs no daemon and no profile of
//! its own, and knows only the address of its target.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use serde::Serialize;
use sotto_api::{Error, Kind};
use sotto_cli::Context;
use sotto_cli::output::{self, Tone};
use sotto_cli::{Outcome, Stop};
use sotto_conformance::{
    self as conformance, CaseResult, Options, Outcome as Case, Report, SocksTarget, Target, UnixTarget,
};
use sotto_core::{FriendCode, OnionAddress};
use sotto_daemon::{Config, Network};

/// How long a target on this machine may take for what it owes, and one on Tor; in seconds.
const PATIENCE: (u64, u64) = (5, 20);

/// `sotto conformance`
#[derive(Args, Debug)]
#[command(after_help = "\
Use a target that was made for the test: some of the tester's identities stay its friends. Give --address twice, with two \
friend codes from `sotto identity --invite`, so that no case is left out. The exit code is 0 if every case has passed, and \
1 if one has not.")]
pub struct Conformance {
    /// The target: a friend code with an invite (twice, with another), or a bare address
    #[arg(long = "address", value_name = "CODE", required = true)]
    addresses: Vec<FriendCode>,
    /// Reach it through the SOCKS port of a running Tor
    #[arg(long, value_name = "IP:PORT", conflicts_with = "socket")]
    socks: Option<SocketAddr>,
    /// Reach it at this Unix socket
    #[arg(long, value_name = "PATH")]
    socket: Option<PathBuf>,
    /// Seconds to wait for each answer that the protocol requires, 1 to 25 [default: 5, on Tor 20]
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=25))]
    patience: Option<u64>,
    /// Also run the cases that take minutes: stalled handshakes, silent links
    #[arg(long)]
    slow: bool,
}

/// What is printed with `--json`.
#[derive(Debug, Serialize)]
struct Findings {
    address: String,
    passed: bool,
    cases: Vec<Finding>,
}

/// The result of one case: the requirement of its clause, and for a failed case what differs from it.
#[derive(Debug, Serialize)]
struct Finding {
    id: &'static str,
    section: &'static str,
    requirement: &'static str,
    outcome: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    expected: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    observed: Option<String>,
}

impl Conformance {
    /// Runs the cases.
    pub fn run(self, context: &Context) -> Outcome {
        let address = self.address()?;
        let target = self.target(context, address)?;
        // A target that cannot be reached would fail every case, which says nothing about it.
        if let Err(error) = target.open() {
            let hint = "start it with sotto daemon start, or say where it is with --socket or --socks";
            return Err(
                Error::new(Kind::Network, format!("{address} cannot be reached: {error}"))
                    .hint(hint)
                    .into(),
            );
        }
        let mut section = "";
        let report = conformance::run(&*target, &self.options(address)?, |result| {
            let heading = std::mem::replace(&mut section, result.section) != result.section;
            if !context.output.json {
                // A reader that has seen enough does not end the run: the exit code counts.
                let _ = output::print(&line(result, heading));
            }
        });
        if context.output.json {
            output::object(&findings(address, &report))?;
        } else {
            output::print(&format!("\n{report}\n"))?;
        }
        if report.passed() { Ok(()) } else { Err(Stop::Exit(1)) }
    }

    fn address(&self) -> Result<OnionAddress, Stop> {
        match &self.addresses[..] {
            [first, rest @ ..] if rest.iter().all(|code| code.address == first.address) => Ok(first.address),
            _ => Err(Stop::usage("every --address must name the same target")),
        }
    }

    fn target(&self, context: &Context, address: OnionAddress) -> Result<Box<dyn Target>, Stop> {
        if let Some(proxy) = self.socks {
            return Ok(Box::new(SocksTarget::new(proxy, address)));
        }
        if let Some(path) = &self.socket {
            return Ok(Box::new(UnixTarget(path.clone())));
        }
        match network(context)? {
            Network::Local(folder) => Ok(Box::new(UnixTarget(folder.join(address.to_string())))),
            Network::Tor => {
                let error = Error::new(
                    Kind::Usage,
                    "on Tor it needs the SOCKS port of a running Tor: --socks IP:PORT",
                );
                Err(error
                    .hint("Debian's tor listens on 127.0.0.1:9050, Tor Browser on 127.0.0.1:9150")
                    .into())
            }
        }
    }

    fn options(&self, address: OnionAddress) -> Result<Options, Stop> {
        let invites = self.addresses.iter().filter_map(|code| code.invite).collect();
        let mut seed = [0; 32];
        getrandom::fill(&mut seed).map_err(|error| Error::internal(error.to_string()))?;
        let usual = if self.socks.is_some() { PATIENCE.1 } else { PATIENCE.0 };
        Ok(Options {
            timeout: Duration::from_secs(self.patience.unwrap_or(usual)),
            slow: self.slow,
            ..Options::new(address, invites, seed)
        })
    }
}

/// Where contacts are reached, if nothing else is said.
fn network(context: &Context) -> Result<Network, Stop> {
    match &context.global.network {
        Some(network) => Ok(network.parse().map_err(|why: String| Error::new(Kind::Usage, why))?),
        None => Ok(Config::load(&context.profile()?.config_file())?.network),
    }
}

fn line(result: &CaseResult, heading: bool) -> String {
    let tone = match result.outcome {
        Case::Passed => Tone::Good,
        Case::Failed(_) => Tone::Bad,
        Case::Slow | Case::NoInvite => Tone::Warning,
    };
    let text = result.to_string();
    let (mark, rest) = text.trim_start().split_once(' ').unwrap_or((&text, ""));
    let heading = if heading {
        format!("\n  {}\n", Tone::Strong.paint(result.section))
    } else {
        String::new()
    };
    format!("{heading}    {} {rest}\n", tone.paint(mark))
}

fn findings(address: OnionAddress, report: &Report) -> Findings {
    let finding = |result: &CaseResult| {
        let (outcome, failure) = match &result.outcome {
            Case::Passed => ("passed", None),
            Case::Failed(failure) => ("failed", Some(failure)),
            Case::Slow => ("slow", None),
            Case::NoInvite => ("uninvited", None),
        };
        Finding {
            id: result.id,
            section: result.section,
            requirement: result.claim,
            outcome,
            expected: failure.map(|failure| failure.expected.clone()),
            observed: failure.map(|failure| failure.actual.clone()),
        }
    };
    Findings {
        address: address.to_string(),
        passed: report.passed(),
        cases: report.results.iter().map(finding).collect(),
    }
}
