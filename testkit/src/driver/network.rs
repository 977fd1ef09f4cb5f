//! [`FakeNetwork`]: the network of a driver under test. The driver's streams are Unix sockets of which the case holds the other
//! ends, and the case ends each dial. Every wait can be blocking or polled, so that it suits drivers on threads and futures.

use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::pin::Pin;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::task::{Context, Poll, Waker};

use sotto_core::OnionAddress;
use sotto_core::row::IdentityRow;

/// A network for a driver under test. Clones are the same network.
#[derive(Clone, Default)]
pub struct FakeNetwork(Arc<(Mutex<Inner>, Condvar)>);

#[derive(Default)]
struct Inner {
    /// Counts `listen` and `close`. The present listener has the newest number.
    changes: u64,
    listening: Option<OnionAddress>,
    arriving: VecDeque<UnixStream>,
    dials: VecDeque<DialAttempt>,
    wakers: Vec<Waker>,
    cut: bool,
}

impl FakeNetwork {
    /// The driver listens.
    pub fn listen(&self, identity: &IdentityRow) -> IncomingStreams {
        let mut inner = self.inner();
        inner.changes += 1;
        inner.listening = Some(identity.address());
        IncomingStreams {
            changes: inner.changes,
            network: self.clone(),
        }
    }

    /// The driver dials. To drop the [`PendingDial`] abandons the dial.
    pub fn dial(&self, peer: OnionAddress) -> PendingDial {
        let result = Arc::default();
        let attempt = DialAttempt {
            peer,
            result: Arc::clone(&result),
        };
        let mut inner = self.inner();
        if inner.cut {
            attempt.refuse();
        } else {
            inner.dials.push_back(attempt);
        }
        PendingDial(result)
    }

    /// The address at which the driver listens.
    pub fn listening(&self) -> Option<OnionAddress> {
        self.inner().listening
    }

    /// A peer connects. Returns its end.
    pub fn connect(&self) -> PeerStream {
        let (near, peer_stream) = UnixStream::pair().expect("a pair of sockets");
        let mut inner = self.inner();
        inner.arriving.push_back(near);
        self.wake(&mut inner);
        PeerStream::new(peer_stream)
    }

    /// The oldest dial that the case has not taken.
    pub fn next_dial(&self) -> Option<DialAttempt> {
        self.inner().dials.pop_front()
    }

    /// Every dial fails from now on.
    pub fn cut(&self) {
        let mut inner = self.inner();
        inner.cut = true;
        inner.dials.drain(..).for_each(DialAttempt::refuse);
    }

    fn wake(&self, inner: &mut Inner) {
        self.0.1.notify_all();
        inner.wakers.drain(..).for_each(Waker::wake);
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.0.lock().expect("network")
    }
}

/// The driver's listener. Dropping it ends listening.
pub struct IncomingStreams {
    network: FakeNetwork,
    changes: u64,
}

impl IncomingStreams {
    /// The next stream, in blocking mode. `None` after `close`.
    pub fn wait(&self) -> Option<UnixStream> {
        let mut inner = self.network.inner();
        while inner.changes == self.changes {
            match inner.arriving.pop_front() {
                Some(stream) => return Some(stream),
                None => inner = self.network.0.1.wait(inner).expect("network"),
            }
        }
        None
    }

    /// The next stream, in blocking mode.
    pub fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<UnixStream> {
        let mut inner = self.network.inner();
        if let Some(stream) = inner.arriving.pop_front() {
            return Poll::Ready(stream);
        }
        inner.wakers.push(cx.waker().clone());
        Poll::Pending
    }

    /// Ends listening.
    pub fn close(&self) {
        let mut inner = self.network.inner();
        if inner.changes == self.changes {
            inner.changes += 1;
            inner.listening = None;
            self.network.wake(&mut inner);
        }
    }
}

impl Drop for IncomingStreams {
    fn drop(&mut self) {
        self.close();
    }
}

type DialResult = (Mutex<DialState>, Condvar);

#[derive(Default)]
struct DialState {
    stream: Option<io::Result<UnixStream>>,
    waker: Option<Waker>,
}

/// A dial of the driver. Its stream is in blocking mode.
pub struct PendingDial(Arc<DialResult>);

impl PendingDial {
    /// Waits for the stream on this thread.
    pub fn wait(self) -> io::Result<UnixStream> {
        let (state, changed) = &*self.0;
        let mut state = state.lock().expect("dial");
        loop {
            match state.stream.take() {
                Some(stream) => return stream,
                None => state = changed.wait(state).expect("dial"),
            }
        }
    }
}

impl Future for PendingDial {
    type Output = io::Result<UnixStream>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut state = self.0.0.lock().expect("dial");
        if let Some(stream) = state.stream.take() {
            return Poll::Ready(stream);
        }
        state.waker = Some(cx.waker().clone());
        Poll::Pending
    }
}

/// The case's side of a dial.
pub struct DialAttempt {
    /// The dialled address.
    pub peer: OnionAddress,
    result: Arc<DialResult>,
}

impl DialAttempt {
    /// Accepts it. Returns the peer's end.
    pub fn accept(self) -> PeerStream {
        let (near, peer_stream) = UnixStream::pair().expect("a pair of sockets");
        self.finish(Ok(near));
        PeerStream::new(peer_stream)
    }

    /// Refuses it.
    pub fn refuse(self) {
        self.finish(Err(ErrorKind::ConnectionRefused.into()));
    }

    fn finish(&self, stream: io::Result<UnixStream>) {
        let (state, changed) = &*self.result;
        let mut state = state.lock().expect("dial");
        state.stream = Some(stream);
        changed.notify_all();
        let _ = state.waker.take().map(Waker::wake);
    }
}

/// A peer's end of a stream.
pub struct PeerStream {
    stream: UnixStream,
    /// Everything that was read.
    pub received: Vec<u8>,
    /// Whether the driver ended the stream.
    pub ended: bool,
    unsent: Vec<u8>,
}

impl PeerStream {
    fn new(stream: UnixStream) -> Self {
        stream.set_nonblocking(true).expect("a socket");
        Self {
            stream,
            received: Vec::new(),
            ended: false,
            unsent: Vec::new(),
        }
    }

    /// Reads what has arrived.
    pub fn read(&mut self) -> &mut Self {
        let mut chunk = [0; 16 * 1024];
        while !self.ended {
            match self.stream.read(&mut chunk) {
                Ok(length @ 1..) => self.received.extend_from_slice(&chunk[..length]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Ok(0) | Err(_) => self.ended = true,
            }
        }
        self
    }

    /// Writes as much as fits. A later call writes the rest.
    pub fn write(&mut self, bytes: &[u8]) {
        self.unsent.extend_from_slice(bytes);
        while !self.unsent.is_empty() {
            match self.stream.write(&self.unsent) {
                Ok(length) => _ = self.unsent.drain(..length),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(_) => self.unsent.clear(),
            }
        }
    }

    /// Bytes that did not fit yet.
    pub fn unsent(&self) -> usize {
        self.unsent.len()
    }

    /// Ends the stream.
    pub fn hang_up(&self) {
        let _ = self.stream.shutdown(Shutdown::Both);
    }
}
