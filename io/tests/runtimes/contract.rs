//! The driver keeps the driver's contract, on each runtime: `sotto_testkit::driver` is the suite, this is its glue.

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
use sotto_core::row::{Batch, IdentityRow, Image, Query, Rows};
use sotto_core::{Command, Notice, OnionAddress};
use sotto_io::{Config, Dialling, ListenError, Listener, NodeHandle, Notices, Storage, Stream, Transport, open_with};
use sotto_io_sqlcipher::StoreError;
use sotto_testkit::driver::{self, Arrivals, Asked, Driver, Failed, Network, Rig, Running, Shelf, replay};
use tokio_util::compat::{TokioAsyncReadCompatExt as _, TokioAsyncWriteCompatExt as _};

use crate::support::{Host, Smol, Tokio};

/// A runtime that can take a socket over.
trait Adopt: Host {
    fn adopt(socket: UnixStream) -> io::Result<Stream>;
}

impl Adopt for Tokio {
    fn adopt(socket: UnixStream) -> io::Result<Stream> {
        socket.set_nonblocking(true)?;
        let (reader, writer) = tokio::net::UnixStream::from_std(socket)?.into_split();
        Ok(Stream::new(reader.compat(), writer.compat_write()))
    }
}

impl Adopt for Smol {
    fn adopt(socket: UnixStream) -> io::Result<Stream> {
        let (reader, writer) = smol::Async::new(socket)?.split();
        Ok(Stream::new(reader, writer))
    }
}

/// The driver on a runtime, which has a thread of its own.
struct On<H>(PhantomData<fn() -> H>);

struct Run {
    handle: NodeHandle,
    notices: Notices,
    kill: oneshot::Sender<()>,
    thread: JoinHandle<()>,
}

impl<H: Adopt> Driver for On<H> {
    fn start(&self, rig: Rig) -> Box<dyn Running> {
        let (up, is_up) = mpsc::channel();
        let (kill, killed) = oneshot::channel();
        let thread = thread::spawn(move || {
            H::block_on(async {
                let config = Config {
                    store: Box::new(Played::<_, H>::new(rig.shelf)),
                    transport: Arc::new(Played::<_, H>::new(rig.network)),
                    limits: rig.limits,
                };
                let (handle, life) = open_with(config, H::Runtime::default(), rig.open).await.expect("opens");
                up.send(handle).expect("waited for");
                match select(Box::pin(rig.life.of(life)), killed).await {
                    Either::Left((Some(Ok(())), _)) => {}
                    // Dropped by the case, or dead of the power cut that comes before a kill.
                    Either::Left((ended, killed)) => assert!(killed.await.is_ok(), "{ended:?}"),
                    Either::Right((_, life)) => drop(life),
                }
            });
        });
        let handle: NodeHandle = is_up.recv().expect("it starts");
        let notices = handle.subscribe();
        Box::new(Run {
            handle,
            notices,
            kill,
            thread,
        })
    }
}

impl Running for Run {
    fn command(&self, command: Command) -> Asked {
        let handle = self.handle.clone();
        Box::pin(async move { handle.command(command).await.ok() })
    }

    fn notice(&mut self) -> Option<Notice> {
        self.notices.next().now_or_never().flatten()
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

/// What the suite plays, in the driver's own terms.
struct Played<T, H>(T, PhantomData<fn() -> H>);

impl<T, H> Played<T, H> {
    const fn new(played: T) -> Self {
        Self(played, PhantomData)
    }
}

fn failed(_: Failed) -> StoreError {
    StoreError::Full { path: "shelf".into() }
}

impl<H> Storage for Played<Shelf, H> {
    fn image(&mut self) -> Result<Image, StoreError> {
        self.0.image().map_err(failed)
    }

    fn commit(&mut self, batch: &Batch) -> Result<(), StoreError> {
        self.0.commit(batch).map_err(failed)
    }

    fn fetch(&mut self, query: &Query) -> Result<Rows, StoreError> {
        self.0.fetch(query).map_err(failed)
    }

    fn reopen(&mut self) -> Result<(), StoreError> {
        self.0.reopen().map_err(failed)
    }

    fn close(self: Box<Self>) -> Result<(), StoreError> {
        self.0.close().map_err(failed)
    }
}

impl<H: Adopt> Transport for Played<Network, H> {
    fn listen(&self, identity: &IdentityRow) -> Result<Box<dyn Listener>, ListenError> {
        Ok(Box::new(Played::<_, H>::new(self.0.listen(identity))))
    }

    fn dial(&self, peer: OnionAddress) -> Dialling {
        let dial = self.0.dial(peer);
        Box::pin(async move { H::adopt(dial.await?) })
    }
}

impl<H: Adopt> Listener for Played<Arrivals, H> {
    fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<Stream> {
        Poll::Ready(H::adopt(ready!(self.0.poll_next(cx))).expect("a socket"))
    }
}

#[test]
fn every_broken_driver_is_found_out() {
    driver::broken::every_broken_driver_is_found_out(&On::<Tokio>(PhantomData), &[]);
}

#[test]
fn it_dies_at_any_poll_and_completes_nothing_twice() {
    driver::it_dies_at_any_poll_and_completes_nothing_twice(&On::<Tokio>(PhantomData));
    driver::it_dies_at_any_poll_and_completes_nothing_twice(&On::<Smol>(PhantomData));
}

#[test]
fn recorded_runs_give_the_same_outputs_as_in_the_simulator() {
    for recording in sotto_simulations::recordings() {
        replay(&On::<Tokio>(PhantomData), &recording);
        replay(&On::<Smol>(PhantomData), &recording);
    }
}

mod on_tokio {
    sotto_testkit::driver_contract!(super::On::<super::Tokio>(super::PhantomData));
}

mod on_smol {
    sotto_testkit::driver_contract!(super::On::<super::Smol>(super::PhantomData));
}
