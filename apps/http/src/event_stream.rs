//! [`start`]: the event log as server-sent events. Each event's `id` is its number in the log, so a client that connects again
//! goes on after the last one that it has seen (`Last-Event-ID`). Nothing is acknowledged here: `events.ack` does that.

use std::convert::Infallible;
use std::fmt::Write as _;
use std::time::Duration;

use futures::stream;
use http_body_util::{BodyExt as _, StreamBody};
use hyper::Response;
use hyper::body::{Bytes, Frame};
use hyper::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName, HeaderValue};
use sotto_api::{Error, Event, Subscribe, all};
use sotto_client::Client;
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tokio::time::{interval, timeout};

use super::request::Body;
use super::server::Disconnect;

/// The header with which a client goes on.
pub(crate) const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// How often a comment shows that the stream is alive, and finds out that the client is gone.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// How long a client may leave events unread.
const PATIENCE: Duration = Duration::from_secs(10);

/// Chunks that may wait for the connection.
const QUEUE: usize = 16;

/// A part of a stream of events that is sent as a whole.
pub(crate) type Chunk = Bytes;

/// Sends chunks to a client, and disconnects one that does not read.
#[derive(Debug)]
pub(crate) struct ChunkSender {
    queue: mpsc::Sender<Chunk>,
    disconnect: Disconnect,
}

/// The client has disconnected, or does not read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ClientGone;

impl ChunkSender {
    /// A sender, and what it sends. `disconnect` ends the connection of a client that does not read.
    pub fn channel(disconnect: Disconnect) -> (Self, mpsc::Receiver<Chunk>) {
        let (queue, chunks) = mpsc::channel(QUEUE);
        (Self { queue, disconnect }, chunks)
    }

    /// Whether the client has disconnected.
    pub fn is_closed(&self) -> bool {
        self.queue.is_closed()
    }

    /// Ends the connection. What is queued is not written any more.
    pub fn disconnect(&self) {
        self.disconnect.now();
    }

    /// Sends a chunk.
    pub async fn send(&self, chunk: impl Into<Chunk>) -> Result<(), ClientGone> {
        match timeout(PATIENCE, self.queue.send(chunk.into())).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(ClientGone),
            Err(_) => {
                self.disconnect.now();
                Err(ClientGone)
            }
        }
    }
}

/// The response that a stream of events is, and what sends to it. It begins with a comment, so that the client has the headers
/// at once.
pub(crate) fn response(disconnect: Disconnect) -> (Response<Body>, ChunkSender) {
    let (sender, mut chunks) = ChunkSender::channel(disconnect);
    // There is room: it is the first.
    let _ = sender.queue.try_send(Chunk::from_static(b":\n\n"));
    let frames = stream::poll_fn(move |context| {
        chunks
            .poll_recv(context)
            .map(|chunk| chunk.map(|chunk| Ok::<_, Infallible>(Frame::data(chunk))))
    });
    let mut response = Response::new(StreamBody::new(frames).boxed_unsync());
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    (response, sender)
}

/// Subscribes to the log and answers with the stream of its events.
pub(crate) async fn start(
    mut client: Client,
    consumer: Option<String>,
    since: Option<u64>,
    disconnect: Disconnect,
    place: OwnedSemaphorePermit,
) -> Result<Response<Body>, Error> {
    let subscribe = Subscribe {
        consumer,
        since,
        presence: false,
    };
    client.call::<all::EventsSubscribe>(&subscribe).await?;
    let (response, sender) = response(disconnect);
    tokio::spawn(async move {
        let _place = place;
        // The client is gone, or has been told the error.
        let _ = run(client, sender).await;
    });
    Ok(response)
}

async fn run(mut client: Client, sender: ChunkSender) -> Result<(), ClientGone> {
    let mut alive = interval(KEEP_ALIVE);
    alive.reset();
    loop {
        tokio::select! {
            event = client.event() => match event {
                Ok(event) => sender.send(chunk(&event)).await?,
                Err(error) => {
                    // EventSource connects again after this, with the last event's id.
                    let error = serde_json::to_string(&error).unwrap_or_default();
                    sender.send(format!("event: error\ndata: {error}\n\n")).await?;
                    return Ok(());
                }
            },
            _ = alive.tick() => sender.send(Chunk::from_static(b":\n\n")).await?,
        }
    }
}

/// An event as it is sent. JSON is one line, so no text of a peer can begin a field of the stream.
fn chunk(event: &Event) -> String {
    let mut chunk = String::new();
    if let Some(seq) = event.seq {
        let _ = writeln!(chunk, "id: {seq}");
    }
    // Every event can be written as JSON.
    let data = serde_json::to_string(event).unwrap_or_default();
    let _ = write!(chunk, "event: {}\ndata: {data}\n\n", event.body.type_name());
    chunk
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt as _;
    use sotto_api::{Body, Time};
    use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
    use tokio::net::UnixListener;
    use tokio::time::Instant;

    #[test]
    fn an_event_is_one_chunk_with_its_number() {
        let gap = Event {
            seq: Some(9),
            at: Time::from_millis(0),
            body: Body::Gap { from: 3, to: 9 },
        };
        assert_eq!(
            chunk(&gap),
            "id: 9\nevent: gap\ndata: {\"seq\":9,\"at\":\"1970-01-01T00:00:00.000Z\",\"type\":\"gap\",\"from\":3,\"to\":9}\n\n"
        );
    }

    #[test]
    fn the_client_has_something_at_once() {
        let (response, _sender) = response(Disconnect::default());
        let mut body = response.into_body();
        let first = body.frame().now_or_never();
        let data = first
            .flatten()
            .and_then(Result::ok)
            .and_then(|frame| frame.into_data().ok());
        assert_eq!(data.as_deref(), Some(&b":\n\n"[..]), "without an event");
    }

    /// A daemon that answers whether it is there, and tells no event.
    async fn quiet_daemon(listener: UnixListener) {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let (reader, mut writer) = stream.into_split();
                let mut lines = BufReader::new(reader).lines();
                while let Ok(Some(_)) = lines.next_line().await {
                    let answer = b"{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}\n";
                    writer.write_all(answer).await.expect("it listens");
                }
            });
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_comment_comes_every_fifteen_seconds_also_without_events() {
        let folder = tempfile::tempdir().expect("a folder");
        let socket = folder.path().join("socket");
        let listener = UnixListener::bind(&socket).expect("a socket");
        tokio::spawn(quiet_daemon(listener));
        let client = Client::connect(&socket).await.expect("connected");
        let (sender, mut chunks) = ChunkSender::channel(Disconnect::default());
        let began = Instant::now();
        tokio::spawn(run(client, sender));
        for comments in 1..=4 {
            assert_eq!(chunks.recv().await.as_deref(), Some(&b":\n\n"[..]));
            assert_eq!(began.elapsed().as_secs(), 15 * comments);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_does_not_read_is_disconnected() {
        let disconnect = Disconnect::default();
        let (_response, sender) = response(disconnect.clone());
        let mut sent = 0;
        while sender.send(Chunk::from_static(b"x")).await.is_ok() {
            sent += 1;
        }
        assert_eq!(sent, QUEUE - 1, "the first place has the comment");
        disconnect.requested().await;
    }
}
