//! The network that the suite plays: the driver's streams are Unix sockets whose other ends the case holds, and a dial ends
//! when and how the case wants. Each wait can be blocking or polled, so that any kind of driver can do it.

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
pub struct Network(Arc<(Mutex<Inner>, Condvar)>);

#[derive(Default)]
struct Inner {
    /// Counts `listen` and `close`: who listens has the newest number.
    turn: u64,
    listening: Option<OnionAddress>,
    arriving: VecDeque<UnixStream>,
    calls: VecDeque<Ring>,
    wakers: Vec<Waker>,
    cut: bool,
}

impl Network {
    /// The driver listens.
    pub fn listen(&self, identity: &IdentityRow) -> Arrivals {
        let mut inner = self.inner();
        inner.turn += 1;
        inner.listening = Some(identity.address());
        Arrivals {
            turn: inner.turn,
            network: self.clone(),
        }
    }

    /// The driver dials. A dropped [`Dial`] is abandoned.
    pub fn dial(&self, peer: OnionAddress) -> Dial {
        let answer = Arc::default();
        let call = Ring {
            peer,
            answer: Arc::clone(&answer),
        };
        let mut inner = self.inner();
        if inner.cut {
            call.refuse();
        } else {
            inner.calls.push_back(call);
        }
        Dial(answer)
    }

    /// Under which address the driver listens.
    pub fn listening(&self) -> Option<OnionAddress> {
        self.inner().listening
    }

    /// A peer comes; gives its end.
    pub fn connect(&self) -> Far {
        let (near, far) = UnixStream::pair().expect("a pair of sockets");
        let mut inner = self.inner();
        inner.arriving.push_back(near);
        self.wake(&mut inner);
        Far::new(far)
    }

    /// The oldest dial that has not been looked at.
    pub fn call(&self) -> Option<Ring> {
        self.inner().calls.pop_front()
    }

    /// Every dial fails from now on.
    pub fn cut(&self) {
        let mut inner = self.inner();
        inner.cut = true;
        inner.calls.drain(..).for_each(Ring::refuse);
    }

    fn wake(&self, inner: &mut Inner) {
        self.0.1.notify_all();
        inner.wakers.drain(..).for_each(Waker::wake);
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.0.lock().expect("network")
    }
}

/// Where peers' streams arrive. Dropping it ends the listening.
pub struct Arrivals {
    network: Network,
    turn: u64,
}

impl Arrivals {
    /// The next stream, in blocking mode. `None` once it is closed.
    pub fn wait(&self) -> Option<UnixStream> {
        let mut inner = self.network.inner();
        while inner.turn == self.turn {
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

    /// Ends the listening.
    pub fn close(&self) {
        let mut inner = self.network.inner();
        if inner.turn == self.turn {
            inner.turn += 1;
            inner.listening = None;
            self.network.wake(&mut inner);
        }
    }
}

impl Drop for Arrivals {
    fn drop(&mut self) {
        self.close();
    }
}

type Answer = (Mutex<Answered>, Condvar);

#[derive(Default)]
struct Answered {
    stream: Option<io::Result<UnixStream>>,
    waker: Option<Waker>,
}

/// A stream that is being opened; in blocking mode once it is.
pub struct Dial(Arc<Answer>);

impl Dial {
    /// Waits for it on this thread.
    pub fn wait(self) -> io::Result<UnixStream> {
        let (answered, changed) = &*self.0;
        let mut answered = answered.lock().expect("dial");
        loop {
            match answered.stream.take() {
                Some(stream) => return stream,
                None => answered = changed.wait(answered).expect("dial"),
            }
        }
    }
}

impl Future for Dial {
    type Output = io::Result<UnixStream>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut answered = self.0.0.lock().expect("dial");
        if let Some(stream) = answered.stream.take() {
            return Poll::Ready(stream);
        }
        answered.waker = Some(cx.waker().clone());
        Poll::Pending
    }
}

/// A driver's dial, which the case answers.
pub struct Ring {
    /// Whom it dials.
    pub peer: OnionAddress,
    answer: Arc<Answer>,
}

impl Ring {
    /// The dial succeeds; gives the peer's end.
    pub fn answer(self) -> Far {
        let (near, far) = UnixStream::pair().expect("a pair of sockets");
        self.end(Ok(near));
        Far::new(far)
    }

    /// It fails.
    pub fn refuse(self) {
        self.end(Err(ErrorKind::ConnectionRefused.into()));
    }

    fn end(&self, how: io::Result<UnixStream>) {
        let (answered, changed) = &*self.answer;
        let mut answered = answered.lock().expect("dial");
        answered.stream = Some(how);
        changed.notify_all();
        let _ = answered.waker.take().map(Waker::wake);
    }
}

/// A peer's end of a stream.
pub struct Far {
    stream: UnixStream,
    /// All that has been read.
    pub heard: Vec<u8>,
    /// Whether the driver's side has ended the stream.
    pub ended: bool,
    unsaid: Vec<u8>,
}

impl Far {
    fn new(stream: UnixStream) -> Self {
        stream.set_nonblocking(true).expect("a socket");
        Self {
            stream,
            heard: Vec::new(),
            ended: false,
            unsaid: Vec::new(),
        }
    }

    /// Reads what is there.
    pub fn listen(&mut self) -> &mut Self {
        let mut chunk = [0; 16 * 1024];
        while !self.ended {
            match self.stream.read(&mut chunk) {
                Ok(length @ 1..) => self.heard.extend_from_slice(&chunk[..length]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Ok(0) | Err(_) => self.ended = true,
            }
        }
        self
    }

    /// Writes, as far as there is room; the rest with a later call.
    pub fn say(&mut self, bytes: &[u8]) {
        self.unsaid.extend_from_slice(bytes);
        while !self.unsaid.is_empty() {
            match self.stream.write(&self.unsaid) {
                Ok(length) => _ = self.unsaid.drain(..length),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(_) => self.unsaid.clear(),
            }
        }
    }

    /// Bytes for which there was no room yet.
    pub fn unsaid(&self) -> usize {
        self.unsaid.len()
    }

    /// Ends the stream.
    pub fn hang_up(&self) {
        let _ = self.stream.shutdown(Shutdown::Both);
    }
}
