//! [`Server`] on the Unix socket, which only the owner can open and only the owner is served on.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use sotto_api::rpc::Response;
use sotto_api::{Error, Kind};
use sotto_client::Lock;
use tokio::net::{UnixListener, UnixStream};
use tokio::task::{JoinError, JoinSet};
use tokio::time::sleep;

use super::client_queue;
use super::connection::serve;
use super::service::Service;

/// Clients at the same time.
const CLIENTS: usize = 64;

/// How long a client may leave a full queue unread.
const PATIENCE: Duration = Duration::from_secs(10);

/// Rest after the operating system refused to accept (out of descriptors, mostly).
const REFUSED: Duration = Duration::from_secs(1);

/// Longest path of a Unix socket, without the final zero.
const SOCKET_PATH: usize = if cfg!(target_os = "linux") { 107 } else { 103 };

/// An error if no socket can have that path.
pub(crate) fn check_path(path: &Path) -> Result<(), Error> {
    if path.as_os_str().len() <= SOCKET_PATH {
        return Ok(());
    }
    let message = format!(
        "{} is too long for a socket: at most {SOCKET_PATH} bytes",
        path.display()
    );
    Err(Error::new(Kind::Io, message).hint("choose a shorter --data-dir"))
}

/// A listening socket for this user alone. As no other daemon of the profile runs, an existing one was left behind.
pub(crate) fn private_listener(path: &Path, _held: &Lock) -> Result<UnixListener, Error> {
    let failed = |error: io::Error| Error::io(path.display(), &error);
    check_path(path)?;
    match fs::symlink_metadata(path) {
        Ok(found) if found.file_type().is_socket() => fs::remove_file(path).map_err(failed)?,
        Ok(_) => {
            return Err(Error::new(
                Kind::Io,
                format!("{} exists, and is no socket", path.display()),
            ));
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(failed(error)),
    }
    // Until the permissions are set, the folder keeps others out, and so does the check of each client.
    let listener = UnixListener::bind(path).map_err(failed)?;
    fs::set_permissions(path, Permissions::from_mode(0o600)).map_err(failed)?;
    Ok(listener)
}

/// The listening socket; its file goes with it.
#[derive(Debug)]
pub(crate) struct Server {
    listener: UnixListener,
    path: PathBuf,
}

impl Server {
    /// Listens. The lock shows that no other daemon runs.
    pub fn bind(path: &Path, held: &Lock) -> Result<Self, Error> {
        Ok(Self {
            listener: private_listener(path, held)?,
            path: path.to_owned(),
        })
    }

    /// Serves clients until the daemon stops, then closes their connections.
    pub async fn run(self, service: Arc<Service>) {
        let mut clients = JoinSet::new();
        let mut stopping = service.stopping();
        loop {
            while let Some(ended) = clients.try_join_next() {
                report(ended);
            }
            let accepted = tokio::select! {
                accepted = self.listener.accept() => accepted,
                _ = stopping.wait_for(|stopping| *stopping) => break,
            };
            match accepted {
                Ok((stream, _)) => {
                    if let Err(refusal) = check_client(&stream, clients.len()) {
                        tracing::warn!(why = %refusal, "a client was refused");
                        clients.spawn(refuse(stream, refusal));
                        continue;
                    }
                    let service = service.clone();
                    let process = stream.peer_cred().ok().and_then(|peer| peer.pid());
                    let process = process.and_then(|id| u32::try_from(id).ok());
                    clients.spawn(async move {
                        let (reader, writer) = stream.into_split();
                        serve(reader, writer, process, service, PATIENCE).await;
                    });
                }
                Err(error) => {
                    tracing::warn!(%error, "cannot accept a client");
                    sleep(REFUSED).await;
                }
            }
        }
        drop(self);
        while let Some(ended) = clients.join_next().await {
            report(ended);
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // If the file stays, the next daemon removes it.
        let _ = fs::remove_file(&self.path);
    }
}

/// A crash is a bug, and ends the connection of one client. The others are served on.
fn report(ended: Result<(), JoinError>) {
    if let Err(error) = ended {
        tracing::error!(%error, "a client's connection has crashed");
    }
}

fn check_client(stream: &UnixStream, clients: usize) -> Result<(), Error> {
    let peer = stream
        .peer_cred()
        .map_err(|error| Error::io("a client's credentials", &error))?;
    if peer.uid() != rustix::process::geteuid().as_raw() {
        return Err(Error::new(Kind::Refused, "this daemon belongs to another user")
            .hint("run a daemon of your own: sotto init"));
    }
    if clients >= CLIENTS {
        return Err(Error::new(
            Kind::RateLimited,
            format!("the daemon already serves {CLIENTS} clients"),
        ));
    }
    Ok(())
}

async fn refuse(stream: UnixStream, refusal: Error) {
    let (client, writing) = client_queue::channel(stream, Duration::from_millis(100));
    let refused = Response::nameless(refusal);
    let _ = tokio::join!(writing, async move {
        let _ = client.push(&refused, None).await;
    });
}
