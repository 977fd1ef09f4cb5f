//! [`Signals`]: `SIGTERM` and `SIGINT` end the daemon, `SIGHUP` has it open its log anew. A signal that the parent process
//! made this one ignore stays ignored: `nohup` and the background jobs of a shell rely on it.

use std::fs;
use std::future::pending;
use std::io::{self, IsTerminal as _};

use sotto_api::Error;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::Log;

/// The signals of this process from its start on.
pub(crate) struct Signals {
    terminate: Option<Signal>,
    interrupt: Option<Signal>,
    hangup: Option<Signal>,
    /// The log is on a terminal. A hangup says that the user has closed it.
    on_terminal: bool,
}

impl Signals {
    /// Listens from now on.
    pub fn listen(log: &Log) -> Result<Self, Error> {
        // Read before the first handler is in place.
        let ignored = ignored();
        let listen = |kind: SignalKind| {
            if ignored & bit(kind) != 0 {
                return Ok(None);
            }
            let listened = signal(kind).map(Some);
            listened.map_err(|error: io::Error| Error::io("cannot listen for signals", &error))
        };
        Ok(Self {
            terminate: listen(SignalKind::terminate())?,
            interrupt: listen(SignalKind::interrupt())?,
            hangup: listen(SignalKind::hangup())?,
            on_terminal: *log == Log::Stderr && io::stderr().is_terminal(),
        })
    }

    /// Resolves at the first signal that asks the process to end. Calls `reopen` for each that asks for a fresh log.
    pub async fn end_requested(mut self, reopen: impl Fn()) {
        loop {
            tokio::select! {
                () = next(&mut self.terminate) => return,
                () = next(&mut self.interrupt) => return,
                () = next(&mut self.hangup) => {
                    if self.on_terminal {
                        return;
                    }
                    reopen();
                    tracing::info!("the log was opened anew");
                }
            }
        }
    }
}

async fn next(signal: &mut Option<Signal>) {
    match signal {
        Some(signal) => drop(signal.recv().await),
        None => pending().await,
    }
}

/// The signals that this process ignores, one bit each. Only Linux tells; elsewhere none is taken to be ignored.
fn ignored() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
        .unwrap_or(0)
}

const fn bit(kind: SignalKind) -> u64 {
    1 << (kind.as_raw_value() - 1)
}
