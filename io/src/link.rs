//! One link: a future that opens the stream if need be, then reads and writes at once until either ends it. All that it
//! has to say is an [`Input`], and `Closed` is said after reader and writer are gone: so it is the last word, and there
//! is one, however the link ended.

use std::convert::Infallible;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use futures::channel::{mpsc, oneshot};
use futures::future::{Either, select};
use futures::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use futures::{SinkExt as _, StreamExt as _};
use sotto_core::{Cause, Input, LinkId};

use crate::runtime::either;
use crate::{Runtime, Stream};

/// Most that is read at once.
const CHUNK: usize = 16 * 1024;

/// How long the bytes of an open `Transmit` may still take after a hangup, and the peer's last bytes after it has
/// stopped to listen.
const LINGER: Duration = Duration::from_secs(5);

/// The driver's hold on a link. Dropping it hangs up.
pub(crate) struct Link {
    writes: mpsc::Sender<Vec<u8>>,
    _hangup: oneshot::Sender<Infallible>,
}

impl Link {
    /// The link to be held, and the future that is to be run for it. `opening` is the dial, for a link that has none
    /// yet.
    pub fn new<O>(
        id: LinkId,
        opening: O,
        mut inputs: mpsc::Sender<Input>,
        runtime: Arc<dyn Runtime>,
    ) -> (Self, impl Future<Output = ()> + Send)
    where
        O: Future<Output = io::Result<Stream>> + Send + Unpin,
    {
        let (writes, orders) = mpsc::channel(0);
        let (hold, hangup) = oneshot::channel();
        let life = async move {
            let cause = live(id, opening, orders, hangup, &inputs, &*runtime).await;
            // Nobody listens any more if the driver was dropped.
            let _ = inputs.feed(Input::Closed(id, cause)).await;
        };
        (Self { writes, _hangup: hold }, life)
    }

    /// Begins to write; `Drained` will say when that is done.
    pub fn transmit(&mut self, bytes: Vec<u8>) {
        match self.writes.try_send(bytes) {
            Err(error) if error.is_full() => unreachable!("a node has one open Transmit on a link"),
            // A link that has ended: its `Closed` is on the way.
            Ok(()) | Err(_) => {}
        }
    }
}

async fn live(
    id: LinkId,
    opening: impl Future<Output = io::Result<Stream>> + Unpin,
    writes: mpsc::Receiver<Vec<u8>>,
    mut hangup: oneshot::Receiver<Infallible>,
    inputs: &mpsc::Sender<Input>,
    runtime: &dyn Runtime,
) -> Cause {
    let opened = match select(opening, &mut hangup).await {
        Either::Left((opened, _)) => opened,
        Either::Right(_) => return Cause::HungUp,
    };
    let Stream { reader, writer } = match opened {
        Ok(stream) => stream,
        Err(error) => {
            tracing::debug!(?id, %error, "no stream");
            return match error.kind() {
                io::ErrorKind::NetworkDown | io::ErrorKind::NetworkUnreachable => Cause::Ended,
                _ => Cause::Unreachable,
            };
        }
    };
    if matches!(id, LinkId::Dialled(_)) && inputs.clone().feed(Input::Connected(id)).await.is_err() {
        return Cause::HungUp;
    }
    let patience = async {
        let _ = hangup.await;
        runtime.sleep(LINGER).await;
        Cause::HungUp
    };
    let reading = read(id, reader, inputs.clone());
    let writing = write(id, writer, writes, inputs.clone(), runtime);
    either(writing, either(reading, patience)).await
}

/// Hands over one chunk and waits until it is taken, before it reads the next.
async fn read(id: LinkId, mut reader: impl AsyncRead + Unpin, mut inputs: mpsc::Sender<Input>) -> Cause {
    let mut buffer = vec![0; CHUNK];
    while let Ok(length @ 1..) = reader.read(&mut buffer).await {
        let chunk = buffer[..length].to_vec();
        if inputs.send(Input::Received(id, chunk)).await.is_err() {
            break;
        }
    }
    Cause::Ended
}

async fn write(
    id: LinkId,
    mut writer: impl AsyncWrite + Unpin,
    mut writes: mpsc::Receiver<Vec<u8>>,
    mut inputs: mpsc::Sender<Input>,
    runtime: &dyn Runtime,
) -> Cause {
    while let Some(bytes) = writes.next().await {
        let written = async { writer.write_all(&bytes).await.and(writer.flush().await) };
        if written.await.is_err() {
            // What they sent before they went is still to be read; the reader then ends the link.
            runtime.sleep(LINGER).await;
            return Cause::Ended;
        }
        if inputs.feed(Input::Drained(id)).await.is_err() {
            break;
        }
    }
    let _ = writer.close().await;
    Cause::HungUp
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};
    use std::net::Shutdown;
    use std::os::fd::OwnedFd;
    use std::os::unix::net::UnixListener;
    use std::path::PathBuf;

    use futures::future::BoxFuture;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex, split};
    use tokio::net::UnixStream;
    use tokio::task::JoinHandle;
    use tokio::time::{Instant, timeout};
    use tokio_util::compat::{TokioAsyncReadCompatExt as _, TokioAsyncWriteCompatExt as _};

    use super::*;
    use crate::{Dialling, Incoming, Watch};

    const DIALLED: LinkId = LinkId::Dialled(7);
    const ACCEPTED: LinkId = LinkId::Accepted(7);

    /// tokio, because its clock can be stopped. A link only sleeps.
    struct Sleeper;

    impl Runtime for Sleeper {
        fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
            Box::pin(tokio::time::sleep(duration))
        }

        fn watch(&self, _: OwnedFd) -> io::Result<Watch> {
            unreachable!()
        }

        fn connect(&self, _: PathBuf) -> Dialling {
            unreachable!()
        }

        fn accept(&self, _: UnixListener) -> io::Result<Incoming> {
            unreachable!()
        }
    }

    struct Bench {
        link: Option<Link>,
        task: JoinHandle<()>,
        inputs: mpsc::Receiver<Input>,
    }

    impl Bench {
        fn run(id: LinkId, opening: impl Future<Output = io::Result<Stream>> + Send + 'static) -> Self {
            let (to, inputs) = mpsc::channel(0);
            let (link, life) = Link::new(id, Box::pin(opening), to, Arc::new(Sleeper));
            Self {
                link: Some(link),
                task: tokio::spawn(life),
                inputs,
            }
        }

        /// A link over a pipe that holds `room` bytes each way, and its far end.
        fn accepted(room: usize) -> (Self, DuplexStream) {
            let (near, far) = duplex(room);
            let (reader, writer) = split(near);
            (
                Self::run(ACCEPTED, ready(Ok(Stream::new(reader.compat(), writer.compat_write())))),
                far,
            )
        }

        fn transmit(&mut self, bytes: impl Into<Vec<u8>>) {
            self.link.as_mut().expect("not hung up").transmit(bytes.into());
        }

        fn hang_up(&mut self) {
            self.link = None;
        }

        async fn next(&mut self) -> Option<Input> {
            timeout(Duration::from_mins(1), self.inputs.next())
                .await
                .expect("an input in time")
        }

        /// All that is still to come: what was received, the other inputs but the last, and the cause in the last.
        async fn rest(mut self) -> (Vec<u8>, Vec<Input>, Cause) {
            let (mut received, mut others) = (Vec::new(), Vec::new());
            loop {
                match self.next().await.expect("a link ends with `Closed`") {
                    Input::Received(_, bytes) => received.extend(bytes),
                    Input::Closed(_, cause) => {
                        assert!(self.next().await.is_none(), "`Closed` is the last word");
                        self.task.await.expect("the task ends");
                        return (received, others, cause);
                    }
                    other => others.push(other),
                }
            }
        }
    }

    #[tokio::test]
    async fn a_failed_dial_is_closed_as_unreachable_and_nothing_else() {
        let bench = Bench::run(DIALLED, ready(Err(io::ErrorKind::ConnectionRefused.into())));
        let (_, others, cause) = bench.rest().await;
        assert!(others.is_empty(), "{others:?}");
        assert_eq!(cause, Cause::Unreachable);
    }

    #[tokio::test]
    async fn without_a_network_nothing_is_said_of_the_peer() {
        for kind in [io::ErrorKind::NetworkDown, io::ErrorKind::NetworkUnreachable] {
            let (_, others, cause) = Bench::run(DIALLED, ready(Err(kind.into()))).rest().await;
            assert!(others.is_empty(), "{others:?}");
            assert_eq!(cause, Cause::Ended);
        }
    }

    #[tokio::test]
    async fn a_dial_can_be_hung_up() {
        let mut bench = Bench::run(DIALLED, pending());
        bench.hang_up();
        let (_, others, cause) = bench.rest().await;
        assert!(others.is_empty(), "{others:?}");
        assert_eq!(cause, Cause::HungUp);
    }

    #[tokio::test]
    async fn a_dialled_link_connects_first_and_ends_with_the_peers_last_byte() {
        let (near, mut far) = duplex(64);
        let (reader, writer) = split(near);
        let mut bench = Bench::run(DIALLED, ready(Ok(Stream::new(reader.compat(), writer.compat_write()))));
        assert!(matches!(bench.next().await, Some(Input::Connected(DIALLED))));
        let sent: Vec<u8> = (0..=255).cycle().take(100_000).collect();
        let peer = tokio::spawn({
            let sent = sent.clone();
            async move { far.write_all(&sent).await }
        });
        let (received, others, cause) = bench.rest().await;
        peer.await.expect("peer").expect("written");
        assert!(
            received == sent && others.is_empty(),
            "{} bytes, {others:?}",
            received.len()
        );
        assert_eq!(cause, Cause::Ended);
    }

    #[tokio::test]
    async fn a_transmit_is_drained_and_a_hangup_ends_the_stream_behind_it() {
        let (mut bench, mut far) = Bench::accepted(1024);
        bench.transmit(*b"one");
        assert!(matches!(bench.next().await, Some(Input::Drained(ACCEPTED))));
        bench.transmit(*b"two");
        bench.hang_up();
        let mut heard = String::new();
        far.read_to_string(&mut heard).await.expect("heard");
        assert_eq!(heard, "onetwo");
        let (_, others, cause) = bench.rest().await;
        assert!(matches!(others[..], [Input::Drained(ACCEPTED)]), "{others:?}");
        assert_eq!(cause, Cause::HungUp);
    }

    #[tokio::test]
    async fn bytes_under_way_survive_a_hangup() {
        let (mut bench, mut far) = Bench::accepted(8);
        bench.transmit(vec![5; 10_000]);
        bench.hang_up();
        let mut heard = Vec::new();
        let (_, (_, _, cause)) = tokio::join!(far.read_to_end(&mut heard), bench.rest());
        assert!(heard == [5; 10_000], "{} bytes", heard.len());
        assert_eq!(cause, Cause::HungUp);
    }

    #[tokio::test(start_paused = true)]
    async fn a_peer_that_does_not_read_cannot_hold_up_a_hangup() {
        let (mut bench, far) = Bench::accepted(8);
        bench.transmit(vec![0; 10_000]);
        assert!(
            timeout(Duration::from_hours(1), bench.inputs.next()).await.is_err(),
            "drained into nowhere"
        );
        let began = Instant::now();
        bench.hang_up();
        let (_, others, cause) = bench.rest().await;
        assert!(others.is_empty(), "{others:?}");
        assert_eq!((cause, began.elapsed().as_secs()), (Cause::HungUp, LINGER.as_secs()));
        drop(far);
    }

    #[tokio::test]
    async fn a_dead_link_closes_an_open_transmit() {
        let (mut bench, far) = Bench::accepted(8);
        bench.transmit(vec![0; 10_000]);
        drop(far);
        let (_, others, cause) = bench.rest().await;
        assert!(others.is_empty(), "{others:?}");
        assert_eq!(cause, Cause::Ended);
    }

    #[tokio::test]
    async fn the_last_words_of_a_peer_that_stopped_listening_are_heard() {
        let (near, far) = UnixStream::pair().expect("pair");
        let (reader, writer) = near.into_split();
        let mut bench = Bench::run(ACCEPTED, ready(Ok(Stream::new(reader.compat(), writer.compat_write()))));
        let far = far.into_std().expect("std");
        far.shutdown(Shutdown::Read).expect("shutdown");
        bench.transmit(*b"too late");
        // The write has failed once the link waits again; only then does the peer say its last words.
        tokio::task::yield_now().await;
        assert!(bench.inputs.try_recv().is_err());
        io::Write::write_all(&mut &far, b"bye").expect("written");
        drop(far);
        let (received, others, cause) = bench.rest().await;
        assert!(others.is_empty(), "{others:?}");
        assert_eq!((&received[..], cause), (&b"bye"[..], Cause::Ended));
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_is_read_ahead_of_a_node_that_takes_nothing() {
        let (mut bench, mut far) = Bench::accepted(1024);
        let flood = vec![1; 1 << 20];
        let mut sent = 0;
        while let Ok(more) = timeout(Duration::from_secs(1), far.write(&flood[sent..])).await {
            sent += more.expect("written");
        }
        // One chunk that waits to be taken, and the pipe itself.
        assert!(sent <= CHUNK + 1024, "{sent} bytes taken");
        assert!(bench.next().await.is_some());
        assert!(
            timeout(Duration::from_secs(1), far.write(&flood)).await.is_ok(),
            "goes on when the node does"
        );
    }
}
