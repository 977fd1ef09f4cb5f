//! What goes to one client: a short queue of lines and one writer. Whoever puts a line in waits for room, but only so long;
//! a client that does not read by then is told `lagged` and dropped. The event log keeps what it missed.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::sync::{Notify, mpsc};
use tokio::time::timeout;

use crate::api::{Error, Kind};
use crate::rpc::Notification;

/// Lines that may wait for the writer.
const QUEUE: usize = 16;

/// Something to be done once a line has been written.
pub(crate) type Then = Pin<Box<dyn Future<Output = ()> + Send>>;

struct Outgoing {
    line: Vec<u8>,
    then: Option<Then>,
}

/// The way to a client. Cheap to clone; when the last one is dropped, the writer ends after the lines that wait.
#[derive(Clone)]
pub(crate) struct Client {
    queue: mpsc::Sender<Outgoing>,
    lagged: Arc<Notify>,
    patience: Duration,
}

/// The client is gone, or as good as gone.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Gone;

/// A client and its writer.
pub(crate) fn channel<W: AsyncWrite + Unpin>(stream: W, patience: Duration) -> (Client, impl Future<Output = ()>) {
    let (queue, lines) = mpsc::channel(QUEUE);
    let lagged = Arc::new(Notify::new());
    let client = Client {
        queue,
        lagged: lagged.clone(),
        patience,
    };
    (client, async move {
        // A client that is gone has nobody to be told.
        let _ = write(stream, lines, &lagged, patience).await;
    })
}

impl Client {
    /// Puts a line in, and afterwards `then`.
    pub async fn push(&self, message: &impl Serialize, then: Option<Then>) -> Result<(), Gone> {
        let mut line = serde_json::to_vec(message).unwrap_or_else(|error| {
            // Types of the API have nothing that JSON cannot say; a bug there must not end the connection.
            tracing::error!(%error, "an answer could not be written down");
            Vec::from("null")
        });
        line.push(b'\n');
        match timeout(self.patience, self.queue.send(Outgoing { line, then })).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(Gone),
            Err(_) => {
                self.lagged.notify_one();
                Err(Gone)
            }
        }
    }
}

async fn write<W: AsyncWrite + Unpin>(
    mut stream: W,
    mut lines: mpsc::Receiver<Outgoing>,
    lagged: &Notify,
    patience: Duration,
) -> io::Result<()> {
    while let Some(Outgoing { line, then }) = lines.recv().await {
        let mut rest = line.as_slice();
        while !rest.is_empty() {
            tokio::select! {
                written = stream.write(rest) => match written? {
                    0 => return Err(io::ErrorKind::WriteZero.into()),
                    written => rest = &rest[written..],
                },
                () = lagged.notified() => {
                    return timeout(patience, farewell(&mut stream, rest)).await.unwrap_or(Ok(()));
                }
            }
        }
        if let Some(then) = then {
            then.await;
        }
    }
    stream.shutdown().await
}

/// Ends the line that is half written, and says why no other follows.
async fn farewell<W: AsyncWrite + Unpin>(stream: &mut W, rest: &[u8]) -> io::Result<()> {
    let why = Error::new(Kind::Lagged, "this client did not read fast enough, and is dropped");
    let mut line = serde_json::to_vec(&Notification::new("lagged", why))?;
    line.push(b'\n');
    stream.write_all(rest).await?;
    stream.write_all(&line).await?;
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
    async fn a_client_that_does_not_read_is_told_and_dropped_and_holds_nobody_up() {
        let (ours, theirs) = tokio::io::duplex(64);
        let (client, writing) = channel(ours, PATIENCE);
        let writing = tokio::spawn(writing);
        let began = Instant::now();
        let mut pushed = 0;
        while client.push(&json!({ "number": pushed }), None).await.is_ok() {
            pushed += 1;
            assert!(pushed < 1000, "the queue has no bound");
        }
        assert!(began.elapsed() <= PATIENCE + Duration::from_secs(1));

        // It wakes up, and finds whole lines, then the reason, then the end.
        let mut lines = BufReader::new(theirs).lines();
        let mut numbers = Vec::new();
        let mut last = Value::Null;
        while let Some(line) = lines.next_line().await.expect("memory cannot fail") {
            last = serde_json::from_str(&line).expect("a whole line");
            numbers.extend(last["number"].as_u64());
        }
        assert_eq!(numbers, (0..numbers.len() as u64).collect::<Vec<_>>());
        assert_eq!(
            (&last["method"], &last["params"]["data"]["kind"]),
            (&json!("lagged"), &json!("lagged"))
        );
        writing.await.expect("it ended");
    }

    #[tokio::test(start_paused = true)]
    async fn what_follows_a_line_happens_only_once_it_is_written() {
        let (ours, theirs) = tokio::io::duplex(4);
        let (client, writing) = channel(ours, PATIENCE);
        let writing = tokio::spawn(writing);
        let (done, mut is_done) = tokio::sync::oneshot::channel();
        let then: Then = Box::pin(async move { drop(done.send(())) });
        client.push(&json!("a long line"), Some(then)).await.expect("room");
        tokio::task::yield_now().await;
        assert!(is_done.try_recv().is_err(), "half a line is not a line");
        let mut line = String::new();
        BufReader::new(theirs)
            .read_line(&mut line)
            .await
            .expect("memory cannot fail");
        is_done.await.expect("it is done");
        drop(client);
        writing.await.expect("it ended");
    }
}
