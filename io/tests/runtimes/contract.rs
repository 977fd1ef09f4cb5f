//! The driver passes the suite of the driver's contract (`sotto_testkit::driver`) on each runtime. Here are the adapters
//! between the driver's types and those of the suite.

use std::io;
use std::marker::PhantomData;
use std::os::unix::net::UnixStream;
use std::sync::{Arc, mpsc};
use std::task::{Context, Poll, ready};
use std::thread::{self, JoinHandle};

use futures::FutureExt as _;
use futures::channel::oneshot;
use futures::executor::block_on;
use futures::future::{Either, select};
use futures::io::AsyncReadExt as _;
use sotto_core::row::IdentityRow;
use sotto_core::{Command, Notice, OnionAddress};
use sotto_io::{DialFuture, ListenError, Listener, NodeConfig, NodeHandle, Notices, Stream, Transport, open_with};
use sotto_testkit::driver::{self, Driver, FakeNetwork, IncomingStreams, PendingReply, RunningNode, Setup, replay};
use tokio_util::compat::{TokioAsyncReadCompatExt as _, TokioAsyncWriteCompatExt as _};

use crate::test_runtime::{Smol, TestRuntime, Tokio};

/// A runtime that can drive an open socket of the suite.
trait SocketRuntime: TestRuntime {
    fn stream(socket: UnixStream) -> io::Result<Stream>;
}

impl SocketRuntime for Tokio {
    fn stream(socket: UnixStream) -> io::Result<Stream> {
        socket.set_nonblocking(true)?;
        let (reader, writer) = tokio::net::UnixStream::from_std(socket)?.into_split();
        Ok(Stream::new(reader.compat(), writer.compat_write()))
    }
}

impl SocketRuntime for Smol {
    fn stream(socket: UnixStream) -> io::Result<Stream> {
        let (reader, writer) = smol::Async::new(socket)?.split();
        Ok(Stream::new(reader, writer))
    }
}

/// The driver under test, on the runtime `R`. Each node has a thread of its own.
struct DriverOn<R>(PhantomData<fn() -> R>);

struct DriverThread {
    handle: NodeHandle,
    notices: Notices,
    kill: oneshot::Sender<()>,
    thread: JoinHandle<()>,
}

impl<R: SocketRuntime> Driver for DriverOn<R> {
    fn start(&self, setup: Setup) -> Box<dyn RunningNode> {
        let (handle_sender, handle_receiver) = mpsc::channel();
        let (kill, killed) = oneshot::channel();
        let thread = thread::spawn(move || {
            R::block_on(async {
                let config = NodeConfig {
                    store: setup.store,
                    transport: Arc::new(Adapter::<_, R>::new(setup.network)),
                    limits: setup.limits,
                };
                let (handle, driver) = open_with(config, R::Runtime::default(), setup.open)
                    .await
                    .expect("opens");
                handle_sender.send(handle).expect("the test waits for it");
                match select(Box::pin(setup.lifetime.of(driver)), killed).await {
                    Either::Left((Some(Ok(())), _)) => {}
                    // Dropped by the test case, or ended by the power cut that precedes a kill.
                    Either::Left((ended, killed)) => assert!(killed.await.is_ok(), "{ended:?}"),
                    Either::Right((_, driver)) => drop(driver),
                }
            });
        });
        let handle: NodeHandle = handle_receiver.recv().expect("it starts");
        let notices = handle.subscribe();
        Box::new(DriverThread {
            handle,
            notices,
            kill,
            thread,
        })
    }
}

impl RunningNode for DriverThread {
    fn command(&self, command: Command) -> PendingReply {
        let handle = self.handle.clone();
        Box::pin(async move { handle.command(command).await.ok() })
    }

    fn notice(&mut self) -> Option<Notice> {
        // What was missed shows in the log, which the suite looks at as well.
        self.notices.next().now_or_never().flatten()?.ok()
    }

    fn shut_down(self: Box<Self>) {
        block_on(self.handle.shutdown());
        self.thread.join().expect("in order");
    }

    fn crash(self: Box<Self>) {
        let _ = self.kill.send(());
        self.thread.join().expect("killed");
    }
}

/// A type of the suite as the driver's own.
struct Adapter<T, R>(T, PhantomData<fn() -> R>);

impl<T, R> Adapter<T, R> {
    const fn new(inner: T) -> Self {
        Self(inner, PhantomData)
    }
}

impl<R: SocketRuntime> Transport for Adapter<FakeNetwork, R> {
    fn listen(&self, identity: &IdentityRow) -> Result<Box<dyn Listener>, ListenError> {
        Ok(Box::new(Adapter::<_, R>::new(self.0.listen(identity))))
    }

    fn dial(&self, peer: OnionAddress) -> DialFuture {
        let dial = self.0.dial(peer);
        Box::pin(async move { R::stream(dial.await?) })
    }
}

impl<R: SocketRuntime> Listener for Adapter<IncomingStreams, R> {
    fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<Stream> {
        Poll::Ready(R::stream(ready!(self.0.poll_next(cx))).expect("a socket"))
    }
}

#[test]
fn every_mutant_is_detected() {
    driver::mutants::every_mutant_is_detected(&DriverOn::<Tokio>(PhantomData), &[]);
}

#[test]
fn a_crash_at_any_poll_completes_nothing_twice() {
    driver::a_crash_at_any_poll_completes_nothing_twice(&DriverOn::<Tokio>(PhantomData));
    driver::a_crash_at_any_poll_completes_nothing_twice(&DriverOn::<Smol>(PhantomData));
}

#[test]
fn recorded_runs_give_the_same_outputs_as_in_the_simulator() {
    for recording in sotto_simulations::recordings() {
        replay(&DriverOn::<Tokio>(PhantomData), &recording);
        replay(&DriverOn::<Smol>(PhantomData), &recording);
    }
}

mod on_tokio {
    sotto_testkit::driver_contract!(super::DriverOn::<super::Tokio>(super::PhantomData));
}

mod on_smol {
    sotto_testkit::driver_contract!(super::DriverOn::<super::Smol>(super::PhantomData));
}
