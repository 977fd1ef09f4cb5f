//! Links between nodes of one machine: each listens on a Unix socket, named by its onion address, in one directory.
//!
//! A process that was killed leaves its socket behind. Who may replace it is settled under a lock on the directory: a
//! socket that nobody answers is dead, one that somebody answers is not, and between that question and our own
//! listening nobody else gets a turn.

use std::fmt;
use std::fs::{self, DirBuilder, File, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, FileTypeExt as _, MetadataExt as _, PermissionsExt as _};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures::future::{BoxFuture, FutureExt as _};
use futures::stream::StreamExt as _;
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketAddrUnix, SocketType};
use sotto_core::OnionAddress;
use sotto_core::row::IdentityRow;

use crate::{Dialling, Incoming, ListenError, Listener, Runtime, Stream, Transport, Wiretap};

/// Room for a path in `sockaddr_un`, with its final zero.
const SUN_PATH: usize = if cfg!(target_os = "linux") { 108 } else { 104 };

/// Rest after the operating system refused to accept (out of descriptors, mostly).
const REFUSED: Duration = Duration::from_secs(1);

/// The transport of one directory, on the runtime `R`.
#[derive(Clone)]
pub struct Local<R> {
    runtime: Arc<R>,
    directory: PathBuf,
    wiretap: Option<Wiretap>,
}

impl<R: Runtime + Default> Local<R> {
    /// Made, for the owner alone, when the first node listens in it.
    pub fn new(directory: impl Into<PathBuf>) -> Self {
        Self::on(R::default(), directory)
    }
}

impl<R: Runtime> Local<R> {
    /// For a runtime of which there is more than one.
    pub fn on(runtime: R, directory: impl Into<PathBuf>) -> Self {
        Self {
            runtime: Arc::new(runtime),
            directory: directory.into(),
            wiretap: None,
        }
    }

    /// Shows all bytes of this node's streams to `wiretap`.
    #[must_use]
    pub fn with_wiretap(self, wiretap: Wiretap) -> Self {
        Self {
            wiretap: Some(wiretap),
            ..self
        }
    }
}

impl<R> fmt::Debug for Local<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Local").field(&self.directory).finish()
    }
}

impl<R: Runtime> Transport for Local<R> {
    fn listen(&self, identity: &IdentityRow) -> Result<Box<dyn Listener>, ListenError> {
        let (socket, listener) = claim(&self.directory, identity.address())?;
        let incoming = self.runtime.accept(listener).map_err(|source| ListenError::Io {
            directory: self.directory.clone(),
            source,
        })?;
        Ok(Box::new(LocalListener {
            socket,
            incoming,
            wiretap: self.wiretap.clone(),
            runtime: self.runtime.clone(),
            rest: None,
        }))
    }

    fn dial(&self, peer: OnionAddress) -> Dialling {
        let Self {
            runtime,
            directory,
            wiretap,
        } = self;
        let (runtime, directory, wiretap) = (runtime.clone(), directory.clone(), wiretap.clone());
        Box::pin(async move {
            let place = Place::new(&directory, peer)?;
            let stream = runtime.connect(place.path.clone()).await?;
            Ok(tapped(stream, wiretap.as_ref()))
        })
    }
}

struct LocalListener<R> {
    // Before the sockets, so that the name goes while ours is still alive, and nobody takes it for dead.
    #[expect(dead_code, reason = "removed when dropped")]
    socket: Socket,
    incoming: Incoming,
    wiretap: Option<Wiretap>,
    runtime: Arc<R>,
    rest: Option<BoxFuture<'static, ()>>,
}

impl<R: Runtime> Listener for LocalListener<R> {
    fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<Stream> {
        loop {
            if let Some(rest) = &mut self.rest {
                ready!(rest.poll_unpin(cx));
                self.rest = None;
            }
            match ready!(self.incoming.poll_next_unpin(cx)).expect("without an end") {
                Ok(stream) => return Poll::Ready(tapped(stream, self.wiretap.as_ref())),
                Err(error) => {
                    tracing::warn!(%error, "cannot accept a local stream");
                    self.rest = Some(self.runtime.sleep(REFUSED));
                }
            }
        }
    }
}

fn tapped(stream: Stream, wiretap: Option<&Wiretap>) -> Stream {
    match wiretap {
        None => stream,
        Some(wiretap) => wiretap.tap(stream),
    }
}

/// A socket's name in a form short enough for the system.
struct Place {
    path: PathBuf,
    /// What a path through `/proc/self/fd` leads through.
    _directory: Option<File>,
}

impl Place {
    fn new(directory: &Path, address: OnionAddress) -> io::Result<Self> {
        let name = address.to_string();
        let path = directory.join(&name);
        if path.as_os_str().len() < SUN_PATH {
            return Ok(Self { path, _directory: None });
        }
        #[cfg(target_os = "linux")]
        {
            use std::os::fd::AsRawFd as _;
            let directory = File::open(directory)?;
            let path = PathBuf::from(format!("/proc/self/fd/{}/{name}", directory.as_raw_fd()));
            Ok(Self {
                path,
                _directory: Some(directory),
            })
        }
        #[cfg(not(target_os = "linux"))]
        Err(io::ErrorKind::InvalidFilename.into())
    }
}

/// Our socket in the directory. Dropping it removes the file, unless it is no longer ours.
struct Socket {
    path: PathBuf,
    inode: (u64, u64),
}

impl Drop for Socket {
    fn drop(&mut self) {
        if inode(&self.path).is_ok_and(|found| found == self.inode) {
            let _ = fs::remove_file(&self.path);
        }
    }
}

fn inode(path: &Path) -> io::Result<(u64, u64)> {
    let metadata = fs::symlink_metadata(path)?;
    Ok((metadata.dev(), metadata.ino()))
}

fn claim(directory: &Path, address: OnionAddress) -> Result<(Socket, UnixListener), ListenError> {
    let path = directory.join(address.to_string());
    let in_directory = |source: io::Error| match source.kind() {
        io::ErrorKind::InvalidFilename => ListenError::PathTooLong {
            directory: directory.to_owned(),
        },
        _ => ListenError::Io {
            directory: directory.to_owned(),
            source,
        },
    };

    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(directory)
        .map_err(in_directory)?;
    let turn = File::open(directory).map_err(in_directory)?;
    turn.lock().map_err(in_directory)?;
    let place = Place::new(directory, address).map_err(in_directory)?;
    match probe(&place.path).map_err(in_directory)? {
        Found::Nothing => {}
        Found::Dead => fs::remove_file(&path).map_err(in_directory)?,
        Found::Alive => return Err(ListenError::AddressInUse(address)),
    }
    let listener = UnixListener::bind(&place.path).map_err(in_directory)?;
    listener.set_nonblocking(true).map_err(in_directory)?;
    fs::set_permissions(&path, Permissions::from_mode(0o600)).map_err(in_directory)?;
    let inode = inode(&path).map_err(in_directory)?;
    Ok((Socket { path, inode }, listener))
}

enum Found {
    Nothing,
    Dead,
    Alive,
}

/// Asks a socket whether anybody answers. Whoever does sees a stream that ends at once.
fn probe(path: &Path) -> io::Result<Found> {
    match fs::symlink_metadata(path) {
        Ok(metadata) if !metadata.file_type().is_socket() => {
            let what = "our socket's name is taken by something that is not a socket";
            return Err(io::Error::new(io::ErrorKind::AlreadyExists, what));
        }
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Found::Nothing),
        Err(error) => return Err(error),
    }
    let socket = rustix::net::socket(AddressFamily::UNIX, SocketType::STREAM, None)?;
    // A listener that is alive but does not get to accept must not hold us up.
    rustix::io::ioctl_fionbio(&socket, true)?;
    match rustix::net::connect(&socket, &SocketAddrUnix::new(path)?) {
        Ok(()) | Err(Errno::AGAIN | Errno::INPROGRESS) => Ok(Found::Alive),
        Err(Errno::CONNREFUSED) => Ok(Found::Dead),
        Err(error) => Err(error.into()),
    }
}
