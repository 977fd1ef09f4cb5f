//! The start of the network: a bar on a terminal, one JSON object a line for a program.

use std::io::{self, Write as _};
use std::time::{Duration, Instant};

use serde_json::json;
use sotto_api::{self as api, Error, Kind, Phase, all};
use sotto_client::blocking::Client;

use crate::context::Context;
use crate::output::{self, Tone, line};
use crate::stop::Stop;

/// Pause between two requests for the status.
const PAUSE: Duration = Duration::from_millis(200);
const BAR: usize = 24;

/// Follows the network until peers can reach this node. False if that takes too long.
pub fn follow(context: &Context, client: &mut Client, patience: Duration) -> Result<bool, Stop> {
    let mut shown = Shown::new(context);
    let end = Instant::now() + patience;
    loop {
        let network = client.call::<all::NodeStatus>(&api::Nothing {})?.network;
        shown.show(&network)?;
        if network.phase == Phase::Ready && network.reachable {
            return Ok(true);
        }
        if network.phase == Phase::Stopping {
            return Err(Error::new(Kind::NoDaemon, "the daemon is stopping").into());
        }
        if Instant::now() >= end {
            return Ok(false);
        }
        std::thread::sleep(PAUSE);
    }
}

/// The progress as it is shown.
struct Shown<'c> {
    context: &'c Context,
    last: Option<api::Network>,
    open: bool,
}

impl<'c> Shown<'c> {
    const fn new(context: &'c Context) -> Self {
        Self {
            context,
            last: None,
            open: false,
        }
    }

    fn show(&mut self, network: &api::Network) -> io::Result<()> {
        if self.last.as_ref() == Some(network) {
            return Ok(());
        }
        self.last = Some(network.clone());
        let output = self.context.output;
        if output.json {
            return output::object(&json!({ "type": "network", "network": network }));
        }
        if output.quiet || !output.interactive {
            return Ok(());
        }
        self.open = true;
        let tone = if network.problem.is_some() {
            Tone::Bad
        } else {
            Tone::Faint
        };
        let said = tone.paint(&said(network));
        // Back to the line's beginning, and what stood there is erased. That is no look, so anstream must not drop it. What
        // cannot be shown is no reason to fail.
        let _ = write!(io::stderr(), "\r\x1b[2K{} ", bar(network));
        let mut terminal = anstream::stderr();
        let _ = write!(terminal, "{said}").and_then(|()| terminal.flush());
        Ok(())
    }
}

impl Drop for Shown<'_> {
    fn drop(&mut self) {
        if self.open {
            let _ = writeln!(io::stderr().lock());
        }
    }
}

fn bar(network: &api::Network) -> String {
    let full = usize::from(network.percent.min(100)) * BAR / 100;
    format!(
        "[{}{}] {:>3} %",
        "#".repeat(full),
        "-".repeat(BAR - full),
        network.percent
    )
}

fn said(network: &api::Network) -> String {
    let text = match (&network.problem, &network.doing, network.phase) {
        (Some(problem), ..) => problem.as_str(),
        (None, Some(doing), _) => doing.as_str(),
        (None, None, Phase::Starting | Phase::Bootstrapping) => "connecting to the Tor network",
        (None, None, Phase::Offline) => "waiting for a network",
        (None, None, Phase::Publishing) => "publishing your address",
        (None, None, Phase::Ready) if network.reachable => "peers can reach you",
        (None, None, Phase::Ready) => "checking that peers can reach you",
        (None, None, Phase::Stopping) => "stopping",
    };
    // One line of a terminal; a longer one could not be taken back.
    line(text).chars().take(44).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use sotto_api::Reachability;

    #[test]
    fn a_bar_is_as_full_as_the_percentage() {
        let network = |percent, doing: Option<&str>| api::Network {
            kind: "tor".into(),
            phase: Phase::Bootstrapping,
            percent,
            doing: doing.map(Into::into),
            reachable: false,
            reachability: Reachability::Unknown,
            proven_at: None,
            problem: None,
        };
        assert_eq!(bar(&network(0, None)), format!("[{}]   0 %", "-".repeat(24)));
        assert_eq!(
            bar(&network(50, None)),
            format!("[{}{}]  50 %", "#".repeat(12), "-".repeat(12))
        );
        assert_eq!(bar(&network(100, None)), format!("[{}] 100 %", "#".repeat(24)));
        assert_eq!(said(&network(1, Some("a\u{1b}[2Jb"))), "a[2Jb");
        assert!(said(&network(1, Some(&"x".repeat(500)))).len() < 60);
    }
}
