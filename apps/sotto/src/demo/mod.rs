//! `sotto demo`: two complete nodes on this machine become friends and talk, as two daemons of this very program, each
//! with its own encrypted store. An eavesdropper sits on the wire between them. What the demo then claims it has looked
//! up: the bytes on the wire, the bytes on disk, the state of every message on both participants.
//!
//! With `--network tor` the two are onion services in a private Tor network on this machine. There is no eavesdropper then:
//! the wire carries Tor's own encryption.

mod eavesdropper;
mod lines;
mod network;
mod participant;
mod proof;
mod report;
mod sandbox;
mod script;
mod search;
mod stage;

use clap::Args;
use sotto_api::{Error, Kind};
use sotto_cli::Context;
use sotto_cli::{Outcome, Stop};
use sotto_daemon::Network;
use tokio::signal::unix::{SignalKind, signal};

use network::NetworkKind;
use report::Report;
use sandbox::Sandbox;

pub use eavesdropper::Eavesdropper;
pub use search::{Searched, Secrets};
pub use stage::Stage;

/// `sotto demo`
#[derive(Args, Debug)]
pub struct Demo {}

/// How the demo ended.
enum End {
    /// The script ended, or failed.
    Played(Result<(), Stop>),
    /// A signal, by its number.
    Interrupted(u8),
    /// It hung.
    TooLong,
}

impl Demo {
    /// Runs the script, and clears the sandbox however it ends.
    pub fn run(self, context: &Context) -> Outcome {
        let Self {} = self;
        let report = Report::new(context.output);
        let sandbox = Sandbox::new()?;
        let kind = match context.global.network.as_deref().map(str::parse).transpose() {
            Ok(Some(Network::Tor)) => NetworkKind::Tor,
            Ok(Some(Network::Local(_)) | None) => NetworkKind::Sockets,
            Err(why) => return Err(Error::new(Kind::Usage, why).into()),
        };
        let end = watch(&report, &sandbox, kind);
        let cleared = sandbox.clear();
        match end? {
            End::Played(Ok(())) => {
                cleared?;
                Ok(report.finish()?)
            }
            End::Played(Err(stop)) => Err(stop),
            End::Interrupted(signal) => Err(Stop::Exit(128 + signal)),
            End::TooLong => {
                let why = format!("the demo did not finish within {} s", kind.longest().as_secs());
                Err(Error::new(Kind::WaitEnded, why)
                    .hint("a machine with less to do plays it in time")
                    .into())
            }
        }
    }
}

/// Runs the script on a thread of its own, so that a signal ends the demo at any moment.
fn watch(report: &Report, sandbox: &Sandbox, kind: NetworkKind) -> Result<End, Error> {
    let failed = |error: std::io::Error| Error::io("signals", &error);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(failed)?;
    runtime.block_on(async {
        let mut interrupt = signal(SignalKind::interrupt()).map_err(failed)?;
        let mut terminate = signal(SignalKind::terminate()).map_err(failed)?;
        let mut hangup = signal(SignalKind::hangup()).map_err(failed)?;
        let (ended, end) = tokio::sync::oneshot::channel();
        let (report, sandbox) = (report.clone(), sandbox.clone());
        std::thread::spawn(move || {
            // The receiver is gone if the demo was interrupted.
            let _ = ended.send(script::play(&report, &sandbox, kind));
        });
        Ok(tokio::select! {
            played = end => End::Played(played.unwrap_or_else(|_| Err(Error::internal("the demo panicked").into()))),
            _ = interrupt.recv() => End::Interrupted(2),
            _ = hangup.recv() => End::Interrupted(1),
            _ = terminate.recv() => End::Interrupted(15),
            () = tokio::time::sleep(kind.longest()) => End::TooLong,
        })
    })
}
