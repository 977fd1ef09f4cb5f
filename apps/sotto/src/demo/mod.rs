//! `sotto demo`: two complete nodes on this machine become friends and talk, as two daemons of this very program, each
//! with its own encrypted store. An eavesdropper sits on the wire between them. What the demo then claims it has looked
//! up: the bytes on the wire, the bytes on disk, the state of every message on both sides.
//!
//! With `--network tor` the two are onion services, and what is between them is a whole Tor network on this machine. Nobody
//! can sit on a wire there who would not have to break Tor first, so the eavesdropper has the day off.

mod eavesdropper;
mod lines;
mod proof;
mod report;
mod script;
mod search;
mod side;
mod stage;
mod way;

use clap::Args;
use sotto_api::{Error, Kind};
use sotto_cli::Context;
use sotto_cli::{Outcome, Stop};
use sotto_daemon::Network;
use tokio::signal::unix::{SignalKind, signal};

use report::Report;
use stage::Stage;
use way::WayKind;

pub use eavesdropper::Eavesdropper;
pub use search::{Searched, Secrets};

/// `sotto demo`
#[derive(Args, Debug)]
pub struct Demo {}

/// How the performance ended.
enum End {
    /// It played to its end, or failed.
    Played(Result<(), Stop>),
    /// A signal, by its number.
    Interrupted(u8),
    /// It hung.
    TooLong,
}

impl Demo {
    /// Performs it, and clears the stage however it ends.
    pub fn run(self, context: &Context) -> Outcome {
        let Self {} = self;
        let report = Report::new(context.output);
        let stage = Stage::new()?;
        let kind = match context.global.network.as_deref().map(str::parse).transpose() {
            Ok(Some(Network::Tor)) => WayKind::Tor,
            Ok(Some(Network::Local(_)) | None) => WayKind::Sockets,
            Err(why) => return Err(Error::new(Kind::Usage, why).into()),
        };
        let end = watch(&report, &stage, kind);
        let cleared = stage.clear();
        match end? {
            End::Played(Ok(())) => {
                cleared?;
                Ok(report.finish()?)
            }
            End::Played(Err(stop)) => Err(stop),
            End::Interrupted(signal) => Err(Stop::Exit(128 + signal)),
            End::TooLong => {
                let why = format!("the demo did not finish within {} s", kind.longest().as_secs());
                Err(Error::new(Kind::WaitEnded, why).into())
            }
        }
    }
}

/// Plays the script on a thread of its own, so that a signal ends the demo at any moment.
fn watch(report: &Report, stage: &Stage, kind: WayKind) -> Result<End, Error> {
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
        let (report, stage) = (report.clone(), stage.clone());
        std::thread::spawn(move || {
            // Nobody listens any more if the demo was interrupted.
            let _ = ended.send(script::play(&report, &stage, kind));
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
