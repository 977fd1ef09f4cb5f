//! [`DaemonProcess`]: the process at the other end of a connection, and whether it answers. A stopped or hung process still
//! has an open socket: connections succeed, and no answer ever comes.

use std::future::Future;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::time::Duration;

use futures::future::{Either, select};
use sotto_api::{Error, Kind, Nothing, all};
use tokio::net::UnixStream;
use tokio::time::timeout;

use crate::Client;

/// The longest silence on a connection, if nothing else is said, before a second one asks whether the daemon answers at all.
const SILENCE: Duration = Duration::from_secs(10);

/// How long the daemon may take to answer the second connection.
const PROBE: Duration = Duration::from_secs(5);

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
    pub async fn while_alive<T>(&self, waiting: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
        let mut waiting = pin!(waiting);
        loop {
            if let Ok(outcome) = timeout(self.silence, &mut waiting).await {
                return outcome;
            }
            match select(&mut waiting, pin!(self.probe())).await {
                Either::Left((outcome, _)) => return outcome,
                Either::Right((alive, _)) => alive?,
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
            client.exchange::<all::IdentityShow>(&Nothing {}).await
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
