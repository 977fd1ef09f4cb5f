//! [`ClientQueue`]: a short queue of lines to one client, and its writer. A sender waits for room, but only so long; a client
//! that does not read in time gets `lagged` and is dropped. The event log keeps what it missed.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use sotto_api::rpc::{JsonLine, Notification};
use sotto_api::{Error, Kind};
use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::sync::{Notify, mpsc};
use tokio::time::timeout;

const END: &[u8] = b"\n";

/// Lines that may wait for the writer.
const QUEUE: usize = 16;

/// What is to be done after a line was written. It happens between the line and its end: a client that disconnects before is
/// not taken for one that has the line, and one that has the whole line can rely on what it says.
pub(crate) type AfterWrite = Pin<Box<dyn Future<Output = ()> + Send>>;

struct QueuedLine {
    line: Vec<u8>,
    after: Option<AfterWrite>,
}

/// Sends lines to a client. Cheap to clone; when the last clone is dropped, the writer ends after the queued lines.
#[derive(Clone)]
pub(crate) struct ClientQueue {
    queue: mpsc::Sender<QueuedLine>,
    lagged: Arc<Notify>,
    patience: Duration,
}

/// The client has disconnected, or is being dropped.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ClientGone;

/// The queue of a client, and the future that writes its lines.
pub(crate) fn channel<W: AsyncWrite + Unpin>(stream: W, patience: Duration) -> (ClientQueue, impl Future<Output = ()>) {
    let (queue, lines) = mpsc::channel(QUEUE);
    let lagged = Arc::new(Notify::new());
    let client = ClientQueue {
        queue,
        lagged: lagged.clone(),
        patience,
    };
    (client, async move {
        // If the client has disconnected, no error can be reported to it.
        let _ = write(stream, lines, &lagged, patience).await;
    })
}

impl ClientQueue {
    /// Queues a line, and with it what is to be done once it is written.
    pub async fn push(&self, message: &impl JsonLine, after: Option<AfterWrite>) -> Result<(), ClientGone> {
        let line = message.line().unwrap_or_else(|error| {
            // A bug must not end the connection.
            tracing::error!(%error, "a response cannot be written as JSON");
            String::from("null")
        });
        let line = line.into_bytes();
        match timeout(self.patience, self.queue.send(QueuedLine { line, after })).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(ClientGone),
            Err(_) => {
                self.lagged.notify_one();
                Err(ClientGone)
            }
        }
    }
}

async fn write<W: AsyncWrite + Unpin>(
    mut stream: W,
    mut lines: mpsc::Receiver<QueuedLine>,
    lagged: &Notify,
    patience: Duration,
) -> io::Result<()> {
    while let Some(QueuedLine { mut line, mut after }) = lines.recv().await {
        // One write wakes the client up once. Only if something is to be done before it has the whole line, the end is kept back.
        let end = if after.is_none() {
            line.extend_from_slice(END);
            &[]
        } else {
            END
        };
        for mut rest in [line.as_slice(), end] {
            while !rest.is_empty() {
                tokio::select! {
                    written = stream.write(rest) => match written? {
                        0 => return Err(io::ErrorKind::WriteZero.into()),
                        written => rest = &rest[written..],
                    },
                    () = lagged.notified() => {
                        return timeout(patience, write_lagged(&mut stream, rest)).await.unwrap_or(Ok(()));
                    }
                }
            }
            if let Some(after) = after.take() {
                after.await;
            }
        }
    }
    stream.shutdown().await
}

/// Ends the line that is half written, and says why no other follows.
async fn write_lagged<W: AsyncWrite + Unpin>(stream: &mut W, rest: &[u8]) -> io::Result<()> {
    let why = Error::new(Kind::Lagged, "this client did not read fast enough, and is dropped");
    let line = Notification::new("lagged", why).line()?;
    stream.write_all(rest).await?;
    if !rest.ends_with(END) {
        stream.write_all(END).await?;
    }
    stream.write_all(line.as_bytes()).await?;
    stream.write_all(END).await?;
    stream.shutdown().await
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use tokio::io::{AsyncBufReadExt, BufReader};
    use tokio::time::Instant;

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(10);

    #[tokio::test(start_paused = true)]
    async fn a_client_that_does_not_read_is_told_and_dropped_and_blocks_no_sender() {
        let (ours, theirs) = tokio::io::duplex(64);
        let (client, writing) = channel(ours, PATIENCE);
        let writing = tokio::spawn(writing);
        let began = Instant::now();
        let mut pushed = 0;
        while client.push(&Notification::new("count", pushed), None).await.is_ok() {
            pushed += 1;
            assert!(pushed < 1000, "the queue has no bound");
        }
        assert!(began.elapsed() <= PATIENCE + Duration::from_secs(1));

        // The client reads again, and finds whole lines, then the reason, then the end.
        let mut lines = BufReader::new(theirs).lines();
        let mut numbers = Vec::new();
        let mut last = Value::Null;
        while let Some(line) = lines.next_line().await.expect("memory cannot fail") {
            last = serde_json::from_str(&line).expect("a whole line");
            numbers.extend(last["params"].as_u64());
        }
        assert_eq!(numbers, (0..numbers.len() as u64).collect::<Vec<_>>());
        assert_eq!(
            (&last["method"], &last["params"]["data"]["kind"]),
            (&json!("lagged"), &json!("lagged"))
        );
        writing.await.expect("it ended");
    }

    #[tokio::test(start_paused = true)]
    async fn what_a_line_promises_is_done_once_it_is_written_and_before_it_ends() {
        let (ours, theirs) = tokio::io::duplex(4);
        let (client, writing) = channel(ours, PATIENCE);
        let writing = tokio::spawn(writing);
        let (done, mut is_done) = tokio::sync::oneshot::channel();
        let after: AfterWrite = Box::pin(async move { done.send(()).expect("a receiver") });
        client
            .push(&Notification::new("a long line", ()), Some(after))
            .await
            .expect("room");
        tokio::task::yield_now().await;
        assert!(is_done.try_recv().is_err(), "half a line is not a line");
        let mut line = String::new();
        BufReader::new(theirs)
            .read_line(&mut line)
            .await
            .expect("memory cannot fail");
        assert_eq!(
            line,
            "{\"jsonrpc\":\"2.0\",\"method\":\"a long line\",\"params\":null}\n"
        );
        is_done
            .try_recv()
            .expect("done by the time that the client has the whole line");
        drop(client);
        writing.await.expect("it ended");
    }
}
