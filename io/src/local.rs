//! [`Local`] carries links between nodes on one machine. Each node listens on a Unix socket in a shared directory; the
//! socket's name is the node's onion address.
//!
//! A process that was killed leaves its socket behind. A node replaces such a socket under a lock on the directory: it
//! connects to the socket, and if the connection is refused, the socket is dead. The lock keeps other nodes out between
//! this check and the node's own `bind`.

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

use crate::{DialFuture, Incoming, ListenError, Listener, Runtime, Stream, Transport, Wiretap};

/// The size of a path in `sockaddr_un`, with its final zero.
const SUN_PATH: usize = if cfg!(target_os = "linux") { 108 } else { 104 };

/// The pause after a failed `accept` (mostly: no descriptors left).
const ACCEPT_BACKOFF: Duration = Duration::from_secs(1);

/// The transport of one directory, on the runtime `R`.
#[derive(Clone)]
pub struct Local<R> {
    runtime: Arc<R>,
    directory: PathBuf,
    wiretap: Option<Wiretap>,
}

impl<R: Runtime + Default> Local<R> {
    /// The directory is created when the first node listens, accessible to its owner alone.
    pub fn new(directory: impl Into<PathBuf>) -> Self {
        Self::with_runtime(R::default(), directory)
    }
}

impl<R: Runtime> Local<R> {
    /// As [`new`](Self::new), for a runtime without a default.
    pub fn with_runtime(runtime: R, directory: impl Into<PathBuf>) -> Self {
        Self {
            runtime: Arc::new(runtime),
            directory: directory.into(),
            wiretap: None,
        }
    }

    /// Shows every byte of this node's streams to `wiretap`.
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
        let (socket, listener) = bind(&self.directory, identity.address())?;
        let incoming = self.runtime.accept(listener).map_err(|source| ListenError::Io {
            directory: self.directory.clone(),
            source,
        })?;
        Ok(Box::new(LocalListener {
            socket,
            incoming,
            wiretap: self.wiretap.clone(),
            runtime: self.runtime.clone(),
            backoff: None,
        }))
    }

    fn dial(&self, peer: OnionAddress) -> DialFuture {
        let Self {
            runtime,
            directory,
            wiretap,
        } = self;
        let (runtime, directory, wiretap) = (runtime.clone(), directory.clone(), wiretap.clone());
        Box::pin(async move {
            let socket = SocketPath::new(&directory, peer)?;
            let stream = runtime.connect(socket.path.clone()).await?;
            Ok(tapped(stream, wiretap.as_ref()))
        })
    }
}

struct LocalListener<R> {
    // The first field, so that the file is removed while the socket still accepts, and no other node finds it dead.
    #[expect(dead_code, reason = "removes the file when it is dropped")]
    socket: SocketFile,
    incoming: Incoming,
    wiretap: Option<Wiretap>,
    runtime: Arc<R>,
    backoff: Option<BoxFuture<'static, ()>>,
}

impl<R: Runtime> Listener for LocalListener<R> {
    fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<Stream> {
        loop {
            if let Some(backoff) = &mut self.backoff {
                ready!(backoff.poll_unpin(cx));
                self.backoff = None;
            }
            match ready!(self.incoming.poll_next_unpin(cx)).expect("a stream without an end") {
                Ok(stream) => return Poll::Ready(tapped(stream, self.wiretap.as_ref())),
                Err(error) => {
                    tracing::warn!(%error, "cannot accept a local stream");
                    self.backoff = Some(self.runtime.sleep(ACCEPT_BACKOFF));
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

/// A path to a socket that fits into `sockaddr_un`.
struct SocketPath {
    path: PathBuf,
    /// The open directory that a path through `/proc/self/fd` names.
    _directory: Option<File>,
}

impl SocketPath {
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

/// The file of this node's socket. Dropping it removes the file, unless another node has replaced it.
struct SocketFile {
    path: PathBuf,
    inode: (u64, u64),
}

impl Drop for SocketFile {
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

/// Binds the address's socket, and replaces a dead one.
fn bind(directory: &Path, address: OnionAddress) -> Result<(SocketFile, UnixListener), ListenError> {
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
    let lock = File::open(directory).map_err(in_directory)?;
    lock.lock().map_err(in_directory)?;
    let socket = SocketPath::new(directory, address).map_err(in_directory)?;
    match state_of(&socket.path).map_err(in_directory)? {
        SocketState::Absent => {}
        SocketState::Dead => fs::remove_file(&path).map_err(in_directory)?,
        SocketState::Alive => return Err(ListenError::AddressInUse(address)),
    }
    let listener = UnixListener::bind(&socket.path).map_err(in_directory)?;
    listener.set_nonblocking(true).map_err(in_directory)?;
    fs::set_permissions(&path, Permissions::from_mode(0o600)).map_err(in_directory)?;
    let inode = inode(&path).map_err(in_directory)?;
    Ok((SocketFile { path, inode }, listener))
}

enum SocketState {
    Absent,
    Dead,
    Alive,
}

/// Connects to a socket to see whether a process listens on it. That process sees a stream that ends at once.
fn state_of(path: &Path) -> io::Result<SocketState> {
    match fs::symlink_metadata(path) {
        Ok(metadata) if !metadata.file_type().is_socket() => {
            let text = "a file that is not a socket has the name of this node's socket";
            return Err(io::Error::new(io::ErrorKind::AlreadyExists, text));
        }
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(SocketState::Absent),
        Err(error) => return Err(error),
    }
    let socket = rustix::net::socket(AddressFamily::UNIX, SocketType::STREAM, None)?;
    // Nonblocking, because `connect` blocks while the backlog of a live listener is full.
    rustix::io::ioctl_fionbio(&socket, true)?;
    match rustix::net::connect(&socket, &SocketAddrUnix::new(path)?) {
        Ok(()) | Err(Errno::AGAIN | Errno::INPROGRESS) => Ok(SocketState::Alive),
        Err(Errno::CONNREFUSED) => Ok(SocketState::Dead),
        Err(error) => Err(error.into()),
    }
}
