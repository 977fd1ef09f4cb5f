//! [`LinkHandle`] and the task of one link: a future that opens the stream, then reads and writes at once until either ends
//! the link. The task reports by [`Input`]s. It sends `Closed` after reader and writer are dropped, so `Closed` is the last
//! input of a link, and there is exactly one, however the link ended.

use std::convert::Infallible;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use futures::channel::{mpsc, oneshot};
use futures::future::{Either, select};
use futures::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use futures::{SinkExt as _, StreamExt as _};
use sotto_core::{Cause, Input, LinkId};

use crate::runtime::first_of;
use crate::{Runtime, Stream};

/// Bytes of one read, at most.
const CHUNK: usize = 16 * 1024;

/// After a hangup, how long the pending `Transmit` may still take. After a failed write, how long the peer's last bytes are
/// still read.
const LINGER: Duration = Duration::from_secs(5);

/// The driver's end of a link. Dropping it hangs up.
pub(crate) struct LinkHandle {
    writes: mpsc::Sender<Vec<u8>>,
    _hangup: oneshot::Sender<Infallible>,
}

impl LinkHandle {
    /// The handle of a link, and its task. `opening` resolves to the link's stream: a dial, or a stream that was accepted.
    pub fn new<O>(
        id: LinkId,
        opening: O,
        mut inputs: mpsc::Sender<Input>,
        runtime: Arc<dyn Runtime>,
    ) -> (Self, impl Future<Output = ()> + Send)
    where
        O: Future<Output = io::Result<Stream>> + Send + Unpin,
    {
        let (writes, write_receiver) = mpsc::channel(0);
        let (hangup_sender, hangup) = oneshot::channel();
        let task = async move {
            let cause = run(id, opening, write_receiver, hangup, &inputs, &*runtime).await;
            // Fails only if the driver was dropped.
            let _ = inputs.feed(Input::Closed(id, cause)).await;
        };
        let handle = Self {
            writes,
            _hangup: hangup_sender,
        };
        (handle, task)
    }

    /// Begins to write; `Drained` reports the end of it.
    pub fn transmit(&mut self, bytes: Vec<u8>) {
        match self.writes.try_send(bytes) {
            Err(error) if error.is_full() => unreachable!("a node has one Transmit in flight on a link"),
            // A link that has ended: its `Closed` is on the way.
            Ok(()) | Err(_) => {}
        }
    }
}

async fn run(
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
    let Stream { reader, writer, .. } = match opened {
        Ok(stream) => stream,
        Err(error) => {
            tracing::debug!(?id, %error, "no stream");
            return dial_failure(error.kind());
        }
    };
    if matches!(id, LinkId::Dialled(_)) && inputs.clone().feed(Input::Connected(id)).await.is_err() {
        return Cause::HungUp;
    }
    let hung_up = async {
        let _ = hangup.await;
        runtime.sleep(LINGER).await;
        Cause::HungUp
    };
    let reading = read(id, reader, inputs.clone());
    let writing = write(id, writer, writes, inputs.clone(), runtime);
    first_of(writing, first_of(reading, hung_up)).await
}

/// Without a network of our own, a dial proves nothing about the peer.
const fn dial_failure(kind: io::ErrorKind) -> Cause {
    match kind {
        io::ErrorKind::NetworkDown | io::ErrorKind::NetworkUnreachable => Cause::Ended,
        _ => Cause::Unreachable,
    }
}

/// Hands over one chunk and waits until the node takes it before it reads the next.
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
            // The peer's last bytes may still be unread; the reader ends the link when it has read them.
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
    use crate::{AsyncDescriptor, DialFuture, Incoming};

    const DIALLED: LinkId = LinkId::Dialled(7);
    const ACCEPTED: LinkId = LinkId::Accepted(7);

    /// tokio, because its clock can be paused. A link needs only `sleep` of a runtime.
    struct SleepOnly;

    impl Runtime for SleepOnly {
        fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
            Box::pin(tokio::time::sleep(duration))
        }

        fn register(&self, _: OwnedFd) -> io::Result<AsyncDescriptor> {
            unreachable!()
        }

        fn connect(&self, _: PathBuf) -> DialFuture {
            unreachable!()
        }

        fn accept(&self, _: UnixListener) -> io::Result<Incoming> {
            unreachable!()
        }
    }

    /// A link under test.
    struct TestLink {
        handle: Option<LinkHandle>,
        task: JoinHandle<()>,
        inputs: mpsc::Receiver<Input>,
    }

    impl TestLink {
        fn run(id: LinkId, opening: impl Future<Output = io::Result<Stream>> + Send + 'static) -> Self {
            let (input_sender, inputs) = mpsc::channel(0);
            let (handle, task) = LinkHandle::new(id, Box::pin(opening), input_sender, Arc::new(SleepOnly));
            Self {
                handle: Some(handle),
                task: tokio::spawn(task),
                inputs,
            }
        }

        /// A link over a pipe of this capacity each way, and the far end of the pipe.
        fn accepted(capacity: usize) -> (Self, DuplexStream) {
            let (near, far) = duplex(capacity);
            let (reader, writer) = split(near);
            (
                Self::run(ACCEPTED, ready(Ok(Stream::new(reader.compat(), writer.compat_write())))),
                far,
            )
        }

        fn transmit(&mut self, bytes: impl Into<Vec<u8>>) {
            self.handle.as_mut().expect("not hung up").transmit(bytes.into());
        }

        fn hang_up(&mut self) {
            self.handle = None;
        }

        async fn next(&mut self) -> Option<Input> {
            timeout(Duration::from_mins(1), self.inputs.next())
                .await
                .expect("no input in time")
        }

        /// The remaining inputs: the received bytes, the other inputs, and the cause in `Closed`.
        async fn remaining(mut self) -> (Vec<u8>, Vec<Input>, Cause) {
            let (mut received, mut others) = (Vec::new(), Vec::new());
            loop {
                match self.next().await.expect("a link ends with `Closed`") {
                    Input::Received(_, bytes) => received.extend(bytes),
                    Input::Closed(_, cause) => {
                        assert!(self.next().await.is_none(), "`Closed` is the last input");
                        self.task.await.expect("the task ends");
                        return (received, others, cause);
                    }
                    other => others.push(other),
                }
            }
        }
    }

    #[tokio::test]
    async fn a_failed_dial_is_closed_as_unreachable_with_no_other_input() {
        let link = TestLink::run(DIALLED, ready(Err(io::ErrorKind::ConnectionRefused.into())));
        let (_, others, cause) = link.remaining().await;
        assert!(others.is_empty(), "{others:?}");
        assert_eq!(cause, Cause::Unreachable);
    }

    #[tokio::test]
    async fn without_a_network_a_dial_says_nothing_about_the_peer() {
        for kind in [io::ErrorKind::NetworkDown, io::ErrorKind::NetworkUnreachable] {
            let (_, others, cause) = TestLink::run(DIALLED, ready(Err(kind.into()))).remaining().await;
            assert!(others.is_empty(), "{others:?}");
            assert_eq!(cause, Cause::Ended);
        }
    }

    #[tokio::test]
    async fn a_dial_can_be_hung_up() {
        let mut link = TestLink::run(DIALLED, pending());
        link.hang_up();
        let (_, others, cause) = link.remaining().await;
        assert!(others.is_empty(), "{others:?}");
        assert_eq!(cause, Cause::HungUp);
    }

    #[tokio::test]
    async fn a_dialled_link_connects_first_and_ends_with_the_peers_last_byte() {
        let (near, mut far) = duplex(64);
        let (reader, writer) = split(near);
        let mut link = TestLink::run(DIALLED, ready(Ok(Stream::new(reader.compat(), writer.compat_write()))));
        assert!(matches!(link.next().await, Some(Input::Connected(DIALLED))));
        let sent: Vec<u8> = (0..=255).cycle().take(100_000).collect();
        let peer = tokio::spawn({
            let sent = sent.clone();
            async move { far.write_all(&sent).await }
        });
        let (received, others, cause) = link.remaining().await;
        peer.await.expect("peer").expect("written");
        assert!(
            received == sent && others.is_empty(),
            "{} bytes, {others:?}",
            received.len()
        );
        assert_eq!(cause, Cause::Ended);
    }

    #[tokio::test]
    async fn a_transmit_is_drained_and_a_hangup_ends_the_stream_after_it() {
        let (mut link, mut far) = TestLink::accepted(1024);
        link.transmit(*b"one");
        assert!(matches!(link.next().await, Some(Input::Drained(ACCEPTED))));
        link.transmit(*b"two");
        link.hang_up();
        let mut far_read = String::new();
        far.read_to_string(&mut far_read).await.expect("read");
        assert_eq!(far_read, "onetwo");
        let (_, others, cause) = link.remaining().await;
        assert!(matches!(others[..], [Input::Drained(ACCEPTED)]), "{others:?}");
        assert_eq!(cause, Cause::HungUp);
    }

    #[tokio::test]
    async fn bytes_in_flight_survive_a_hangup() {
        let (mut link, mut far) = TestLink::accepted(8);
        link.transmit(vec![5; 10_000]);
        link.hang_up();
        let mut far_read = Vec::new();
        let (_, (_, _, cause)) = tokio::join!(far.read_to_end(&mut far_read), link.remaining());
        assert!(far_read == [5; 10_000], "{} bytes", far_read.len());
        assert_eq!(cause, Cause::HungUp);
    }

    #[tokio::test(start_paused = true)]
    async fn a_peer_that_does_not_read_cannot_delay_a_hangup() {
        let (mut link, far) = TestLink::accepted(8);
        link.transmit(vec![0; 10_000]);
        assert!(
            timeout(Duration::from_hours(1), link.inputs.next()).await.is_err(),
            "`Drained`, though nothing was read"
        );
        let began = Instant::now();
        link.hang_up();
        let (_, others, cause) = link.remaining().await;
        assert!(others.is_empty(), "{others:?}");
        assert_eq!((cause, began.elapsed().as_secs()), (Cause::HungUp, LINGER.as_secs()));
        drop(far);
    }

    #[tokio::test]
    async fn a_dead_link_closes_a_transmit_in_flight() {
        let (mut link, far) = TestLink::accepted(8);
        link.transmit(vec![0; 10_000]);
        drop(far);
        let (_, others, cause) = link.remaining().await;
        assert!(others.is_empty(), "{others:?}");
        assert_eq!(cause, Cause::Ended);
    }

    #[tokio::test]
    async fn the_last_bytes_of_a_peer_that_stopped_reading_are_received() {
        let (near, far) = UnixStream::pair().expect("pair");
        let (reader, writer) = near.into_split();
        let mut link = TestLink::run(ACCEPTED, ready(Ok(Stream::new(reader.compat(), writer.compat_write()))));
        let far = far.into_std().expect("std");
        far.shutdown(Shutdown::Read).expect("shutdown");
        link.transmit(*b"too late");
        // The link yields after its write has failed; only then does the peer send its last bytes.
        tokio::task::yield_now().await;
        assert!(link.inputs.try_recv().is_err());
        io::Write::write_all(&mut &far, b"bye").expect("written");
        drop(far);
        let (received, others, cause) = link.remaining().await;
        assert!(others.is_empty(), "{others:?}");
        assert_eq!((&received[..], cause), (&b"bye"[..], Cause::Ended));
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_is_read_ahead_of_a_node_that_takes_no_input() {
        let (mut link, mut far) = TestLink::accepted(1024);
        let flood = vec![1; 1 << 20];
        let mut sent = 0;
        while let Ok(more) = timeout(Duration::from_secs(1), far.write(&flood[sent..])).await {
            sent += more.expect("written");
        }
        // One chunk that waits for the node, and the pipe itself.
        assert!(sent <= CHUNK + 1024, "{sent} bytes taken");
        assert!(link.next().await.is_some());
        assert!(
            timeout(Duration::from_secs(1), far.write(&flood)).await.is_ok(),
            "reading continues when the node takes input"
        );
    }
}
