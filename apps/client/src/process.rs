//! [`DaemonProcess`]: the process at the other end of a connection, and whether it answers. A stopped or hung process still
//! has an open socket: connections succeed, and no answer ever comes.

use std::future::Future;
use std::path::{Path, PathBuf};
use std::pin::{Pin, pin};
use std::time::Duration;

use futures::future::{Either, select};
use sotto_api::{Error, Kind, Nothing, all};
use tokio::net::UnixStream;
use tokio::time::{Instant, Sleep, sleep, timeout};

use crate::Client;

/// The longest silence on a connection, if nothing else is said, before a second one asks whether the daemon answers at all.
const SILENCE: Duration = Duration::from_secs(10);

/// Longer than any connection lasts.
const FAR: Duration = Duration::from_hours(24 * 365);

/// How long the daemon may take to answer the second connection.
const PROBE: Duration = Duration::from_secs(5);

/// Expires when a connection has been silent for too long. There is one for all requests of a connection: a timer that is set anew
/// is put into the runtime's list, which wakes its reactor up; one that waits already is set to later for nothing.
#[derive(Debug)]
pub(crate) struct SilenceTimer(Pin<Box<Sleep>>);

impl SilenceTimer {
    /// A timer that waits for nothing yet, in the context of the runtime that is to serve it.
    pub fn new() -> Self {
        Self(Box::pin(sleep(Duration::ZERO)))
    }

    /// Expires after this time from now on.
    fn set(&mut self, after: Duration) -> Pin<&mut Sleep> {
        let timer = &mut self.0;
        // The clock does not count further than some centuries.
        timer.as_mut().reset(Instant::now() + after.min(FAR));
        timer.as_mut()
    }
}

/// The process that listens on a daemon's socket.
#[derive(Clone, Debug)]
pub(crate) struct DaemonProcess {
    socket: PathBuf,
    /// Its number, where the operating system tells it.
    pub id: Option<u32>,
    /// The longest silence before it is asked whether it answers at all.
    pub silence: Duration,
}

impl DaemonProcess {
    /// The process at the other end of `stream`, which is connected to `socket`.
    pub fn of(socket: &Path, stream: &UnixStream) -> Self {
        let id = stream.peer_cred().ok().and_then(|peer| peer.pid());
        Self {
            socket: socket.to_owned(),
            id: id.and_then(|id| u32::try_from(id).ok()),
            silence: SILENCE,
        }
    }

    /// Waits for what a connection brings, for as long as the daemon answers another connection.
    pub async fn while_alive<T>(
        &self,
        timer: &mut SilenceTimer,
        waiting: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        let answer = self.at_most(Duration::MAX, timer, waiting).await;
        answer.unwrap_or_else(|| Err(self.silent()))
    }

    /// The same, but no longer than `longest`: then `None`.
    pub async fn at_most<T>(
        &self,
        longest: Duration,
        timer: &mut SilenceTimer,
        waiting: impl Future<Output = Result<T, Error>>,
    ) -> Option<Result<T, Error>> {
        let began = Instant::now();
        let mut waiting = pin!(waiting);
        loop {
            let left = longest.saturating_sub(began.elapsed());
            match select(&mut waiting, timer.set(self.silence.min(left))).await {
                Either::Left((outcome, _)) => return Some(outcome),
                Either::Right(_) if left <= self.silence => return None,
                Either::Right(_) => {}
            }
            match select(&mut waiting, pin!(self.probe())).await {
                Either::Left((outcome, _)) => return Some(outcome),
                Either::Right((Err(silent), _)) => return Some(Err(silent)),
                Either::Right((Ok(()), _)) => {}
            }
        }
    }

    /// Waits for what a connection brings, but only so long.
    pub async fn within<T>(
        &self,
        patience: Duration,
        waiting: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        timeout(patience, waiting).await.unwrap_or_else(|_| Err(self.silent()))
    }

    /// Asks for anything. A refusal is an answer too.
    async fn probe(&self) -> Result<(), Error> {
        let ask = async {
            let mut client = Client::connect(&self.socket).await?;
            client.connection.exchange::<all::IdentityShow>(&Nothing {}).await
        };
        match timeout(PROBE, ask).await {
            Ok(Err(error)) if error.kind() == Kind::NoDaemon => Err(self.silent()),
            Ok(Ok(_) | Err(_)) => Ok(()),
            Err(_) => Err(self.silent()),
        }
    }

    fn silent(&self) -> Error {
        silent(self.id)
    }

    /// The daemon answers others, but a request has had no answer for too long.
    pub fn overdue(&self, method: &str) -> Error {
        Error::internal(format!(
            "{} has not answered {method}, but answers other requests",
            name(self.id)
        ))
    }
}

/// The daemon holds its socket and says nothing.
pub(crate) fn silent(process: Option<u32>) -> Error {
    Error::new(Kind::NoDaemon, format!("{} does not answer", name(process)))
        .hint("sotto daemon stop ends it; sotto doctor checks everything else")
}

fn name(process: Option<u32>) -> String {
    process.map_or_else(|| String::from("the daemon"), |id| format!("the daemon (process {id})"))
}
