//! [`serve`]: one client's connection. Requests start in the order in which they arrived, so two sends on one connection are
//! two messages in that order. A result that takes time (`events.wait`, a send that waits for delivery) does not hold up
//! the requests after it. No line can end the connection: one that is too long is reported and passed over without being held.

use std::io;
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures::{FutureExt as _, StreamExt as _};
use serde_json::Value;
use sotto_api::rpc::{Id, Incoming, Request, Response, parse};
use sotto_api::{Error, Kind, Method as _, all};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_util::bytes::BytesMut;
use tokio_util::codec::{Decoder, FramedRead, LinesCodec, LinesCodecError};

use super::call::{Call, Session};
use super::client_queue::{self, AfterWrite, ClientGone, ClientQueue};
use super::handler::{Handled, PendingResult, dispatch};
use super::notifications::FocusGuard;
use super::service::{ConsumerLock, Service};
use super::subscription::{self, Subscription};

/// Longest request line, without its end.
pub const LINE_LIMIT: usize = 1 << 20;

/// Pending results of one connection.
const WAITS: usize = 64;

/// Sends of one connection whose commit is still to come. The next one waits.
const COMMITS: usize = 256;

/// Subscriptions of one connection.
const SUBSCRIPTIONS: usize = 16;

/// How long pending results are waited for once the client has closed its side.
const LAST_WAITS: Duration = Duration::from_mins(1);

/// How long queued lines are still written once the daemon stops.
const CLOSING: Duration = Duration::from_secs(1);

/// Serves a client until it disconnects, is dropped as too slow, or the daemon stops.
pub(crate) async fn serve<R, W>(reader: R, writer: W, peer: Option<u32>, service: Arc<Service>, patience: Duration)
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
{
    let (client, writing) = client_queue::channel(writer, patience);
    let mut writing = pin!(writing);
    let mut stopping = service.stopping();
    let goodbye = {
        let connection = Connection {
            service,
            session: Arc::new(Session::new(peer)),
            client,
            waits: JoinSet::new(),
            commits: JoinSet::new(),
            subscriptions: JoinSet::new(),
            locks: Vec::new(),
            focus: None,
        };
        tokio::select! {
            () = &mut writing => return,
            _ = connection.read(reader) => patience,
            _ = stopping.wait_for(|stopping| *stopping) => patience.min(CLOSING),
        }
    };
    // All senders are dropped, so the writer ends after the last line, or after it has reported `lagged`.
    let _ = timeout(goodbye, writing).await;
}

struct Connection {
    service: Arc<Service>,
    session: Arc<Session>,
    client: ClientQueue,
    waits: JoinSet<()>,
    /// Sends whose commit is still to come.
    commits: JoinSet<()>,
    subscriptions: JoinSet<()>,
    /// Of the consumers as which this client is receiving.
    locks: Vec<ConsumerLock>,
    /// What the user looks at through this client.
    focus: Option<FocusGuard>,
}

impl Connection {
    async fn read<R: AsyncRead + Unpin>(mut self, reader: R) -> Result<(), ClientGone> {
        let mut lines = FramedRead::new(reader, RequestLines::default());
        while let Some(line) = lines.next().await {
            match line.map_err(|_| ClientGone)? {
                RequestLine::Whole(line) if line.trim_ascii().is_empty() => {}
                RequestLine::Whole(line) => self.take(parse(&line)).await?,
                RequestLine::NotText => {
                    let error = Error::new(Kind::ParseError, "the line is not UTF-8");
                    self.client.push(&Response::nameless(error), None).await?;
                }
                RequestLine::TooLong => {
                    let why = format!("the line is longer than {LINE_LIMIT} bytes and was ignored");
                    let response = Response::nameless(Error::new(Kind::InvalidRequest, why));
                    self.client.push(&response, None).await?;
                }
            }
            while self.waits.try_join_next().is_some() {}
        }
        self.subscriptions.abort_all();
        self.locks.clear();
        self.focus = None;
        while self.commits.join_next().await.is_some() {}
        let _ = timeout(LAST_WAITS, async { while self.waits.join_next().await.is_some() {} }).await;
        Ok(())
    }

    async fn take(&mut self, incoming: Incoming) -> Result<(), ClientGone> {
        match incoming {
            Incoming::One(Err(response)) => self.client.push(&*response, None).await,
            Incoming::One(Ok(request)) => self.one(request).await,
            Incoming::Batch(requests) => self.batch(requests).await,
        }
    }

    async fn one(&mut self, request: Request) -> Result<(), ClientGone> {
        let Request { id, method, params, .. } = request;
        // Whatever is not a send finds what was sent before.
        if method != all::Send::NAME {
            while self.commits.join_next().await.is_some() {}
        }
        let answer = catch_panic(dispatch(&self.service, &self.session, &method, params)).await;
        // A notification has no response, so what only a response could carry is dropped.
        let Some(id) = id else { return Ok(()) };
        match answer {
            Ok(Handled::Done(value)) => self.answer(id, Ok(value), None).await,
            Ok(Handled::AfterWrite(value, after)) => self.answer(id, Ok(value), Some(after)).await,
            Ok(Handled::Locked(value, lock)) => {
                self.locks.push(lock);
                self.answer(id, Ok(value), None).await
            }
            Ok(Handled::Unlocked(value, consumer)) => {
                self.locks.retain(|lock| lock.consumer != consumer);
                self.answer(id, Ok(value), None).await
            }
            Ok(Handled::Focused(value, focus)) => {
                self.focus = Some(focus);
                self.answer(id, Ok(value), None).await
            }
            Ok(Handled::Committing(result)) => {
                while self.commits.try_join_next().is_some() {}
                while self.commits.len() >= COMMITS {
                    self.commits.join_next().await;
                }
                let client = self.client.clone();
                self.commits.spawn(async move {
                    let _ = client.push(&Response::new(id, catch_panic(result).await), None).await;
                });
                Ok(())
            }
            Ok(Handled::Pending(result)) if self.waits.len() < WAITS => {
                let client = self.client.clone();
                self.waits.spawn(async move {
                    let _ = client.push(&Response::new(id, catch_panic(result).await), None).await;
                });
                Ok(())
            }
            Ok(Handled::Pending(_)) => self.answer(id, Err(too_many("pending requests", WAITS)), None).await,
            Ok(Handled::Subscribed(value, subscription)) => match self.check_subscriptions() {
                Ok(()) => {
                    self.answer(id, Ok(value), None).await?;
                    self.subscribe(subscription);
                    Ok(())
                }
                Err(error) => self.answer(id, Err(error), None).await,
            },
            Err(error) => self.answer(id, Err(error), None).await,
        }
    }

    /// Carries out a batch in order, and answers it in one line once the last result is there.
    async fn batch(&mut self, requests: Vec<Result<Request, Box<Response>>>) -> Result<(), ClientGone> {
        while self.commits.join_next().await.is_some() {}
        let mut answers = Batch::default();
        let mut subscriptions = Vec::new();
        for request in requests {
            let Request { id, method, params, .. } = match request {
                Ok(request) => request,
                Err(response) => {
                    answers.ready.push(*response);
                    continue;
                }
            };
            let answer = catch_panic(dispatch(&self.service, &self.session, &method, params)).await;
            let Some(id) = id else { continue };
            match answer {
                Ok(Handled::Done(value)) => answers.ready.push(Response::new(id, Ok(value))),
                Ok(Handled::AfterWrite(value, after)) => {
                    answers.ready.push(Response::new(id, Ok(value)));
                    answers.after_writes.push(after);
                }
                Ok(Handled::Locked(value, lock)) => {
                    self.locks.push(lock);
                    answers.ready.push(Response::new(id, Ok(value)));
                }
                Ok(Handled::Unlocked(value, consumer)) => {
                    self.locks.retain(|lock| lock.consumer != consumer);
                    answers.ready.push(Response::new(id, Ok(value)));
                }
                Ok(Handled::Focused(value, focus)) => {
                    self.focus = Some(focus);
                    answers.ready.push(Response::new(id, Ok(value)));
                }
                Ok(Handled::Committing(result)) => answers.ready.push(Response::new(id, catch_panic(result).await)),
                Ok(Handled::Pending(result)) => answers.wait(id, result),
                Ok(Handled::Subscribed(value, subscription)) => match self.check_subscriptions() {
                    Ok(()) if subscriptions.len() < SUBSCRIPTIONS => {
                        answers.ready.push(Response::new(id, Ok(value)));
                        subscriptions.push(subscription);
                    }
                    Ok(()) => answers
                        .ready
                        .push(Response::new(id, Err(too_many("subscriptions", SUBSCRIPTIONS)))),
                    Err(error) => answers.ready.push(Response::new(id, Err(error))),
                },
                Err(error) => answers.ready.push(Response::new(id, Err(error))),
            }
        }
        if answers.waiting.is_empty() {
            answers.send(&self.client).await?;
        } else if self.waits.len() < WAITS {
            let client = self.client.clone();
            self.waits.spawn(async move {
                let _ = answers.send(&client).await;
            });
        } else {
            self.client
                .push(&Response::nameless(too_many("pending requests", WAITS)), None)
                .await?;
        }
        for subscription in subscriptions {
            self.subscribe(subscription);
        }
        Ok(())
    }

    async fn answer(&self, id: Id, outcome: Result<Value, Error>, after: Option<AfterWrite>) -> Result<(), ClientGone> {
        self.client.push(&Response::new(id, outcome), after).await
    }

    fn check_subscriptions(&mut self) -> Result<(), Error> {
        while self.subscriptions.try_join_next().is_some() {}
        if self.subscriptions.len() < SUBSCRIPTIONS {
            Ok(())
        } else {
            Err(too_many("subscriptions", SUBSCRIPTIONS))
        }
    }

    fn subscribe(&mut self, subscription: Subscription) {
        let call = Arc::new(Call::new(&self.service, &self.session));
        let client = self.client.clone();
        self.subscriptions.spawn(subscription::run(call, client, subscription));
    }
}

/// The responses to a batch.
#[derive(Default)]
struct Batch {
    ready: Vec<Response>,
    waiting: JoinSet<Response>,
    after_writes: Vec<AfterWrite>,
}

impl Batch {
    fn wait(&mut self, id: Id, result: PendingResult<Value>) {
        self.waiting
            .spawn(async move { Response::new(id, catch_panic(result).await) });
    }

    async fn send(mut self, client: &ClientQueue) -> Result<(), ClientGone> {
        while let Some(response) = self.waiting.join_next().await {
            self.ready.extend(response.ok());
        }
        if self.ready.is_empty() {
            return Ok(());
        }
        let Self {
            ready, after_writes, ..
        } = self;
        let after: AfterWrite = Box::pin(async move {
            for after in after_writes {
                after.await;
            }
        });
        client.push(&ready, Some(after)).await
    }
}

/// A panic as the error that the request gets, because its client would wait for the answer for ever.
async fn catch_panic<T>(request: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    AssertUnwindSafe(request).catch_unwind().await.unwrap_or_else(|_| {
        // Standard error has the panic's message.
        tracing::error!("a request has crashed");
        Err(Error::internal("the request has crashed"))
    })
}

fn too_many(what: &str, limit: usize) -> Error {
    Error::new(
        Kind::RateLimited,
        format!("one connection may have {limit} {what} at once"),
    )
}

/// A line that a client sent.
#[derive(Debug, PartialEq, Eq)]
pub enum RequestLine {
    /// Its text, without the end. The last one may have had none.
    Whole(String),
    /// It is not UTF-8.
    NotText,
    /// Longer than [`LINE_LIMIT`].
    TooLong,
}

/// Decodes lines. What is wrong with one is an item and not an error: after an error the stream counts as ended, and a
/// line that has come already would stay unread.
#[derive(Debug)]
pub struct RequestLines(LinesCodec);

impl Default for RequestLines {
    fn default() -> Self {
        Self(LinesCodec::new_with_max_length(LINE_LIMIT))
    }
}

impl Decoder for RequestLines {
    type Item = RequestLine;
    type Error = io::Error;

    fn decode(&mut self, bytes: &mut BytesMut) -> io::Result<Option<RequestLine>> {
        item(self.0.decode(bytes))
    }

    fn decode_eof(&mut self, bytes: &mut BytesMut) -> io::Result<Option<RequestLine>> {
        item(self.0.decode_eof(bytes))
    }
}

fn item(decoded: Result<Option<String>, LinesCodecError>) -> io::Result<Option<RequestLine>> {
    match decoded {
        Ok(line) => Ok(line.map(RequestLine::Whole)),
        Err(LinesCodecError::MaxLineLengthExceeded) => Ok(Some(RequestLine::TooLong)),
        Err(LinesCodecError::Io(error)) if error.kind() == io::ErrorKind::InvalidData => Ok(Some(RequestLine::NotText)),
        Err(LinesCodecError::Io(error)) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use serde_json::json;
    use sotto_io_tokio::Offline;
    use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
    use tokio::time::sleep;

    use super::*;
    use crate::KeySource;
    use crate::{Daemon, Options, init};
    use sotto_client::Profile;

    const PATIENCE: Duration = Duration::from_secs(10);

    #[tokio::test(start_paused = true)]
    async fn a_client_that_asks_without_reading_is_told_and_dropped() {
        let folder = tempfile::tempdir().expect("a folder");
        let profile = Profile::locate(Some(folder.path()), None).expect("a profile");
        let key = KeySource {
            key_file: Some(folder.path().join("key")),
            no_input: true,
            ..KeySource::default()
        };
        // `init` brings its own runtime.
        thread::scope(|scope| {
            scope
                .spawn(|| init(&profile, "", None, &key).expect("a new identity"))
                .join()
                .expect("no panic");
        });
        let options = Options {
            transport: Some(Arc::new(Offline)),
            key,
            ..Options::default()
        };
        let daemon = Daemon::start(&profile, options).await.expect("a daemon");

        let (ours, theirs) = tokio::io::duplex(1 << 16);
        let (reader, writer) = tokio::io::split(ours);
        let conversation = tokio::spawn(serve(reader, writer, None, daemon.service.clone(), PATIENCE));
        let (reader, mut writer) = tokio::io::split(theirs);
        let line = format!("{}\n", json!({ "jsonrpc": "2.0", "id": 1, "method": "rpc.discover" }));
        writer.write_all(line.repeat(100).as_bytes()).await.expect("room");
        // The client reads late, but in time to get the reason.
        sleep(PATIENCE + Duration::from_secs(5)).await;

        let mut lines = BufReader::new(reader).lines();
        let mut read = Vec::new();
        while let Some(line) = lines.next_line().await.expect("memory cannot fail") {
            read.push(serde_json::from_str::<Value>(&line).expect("a whole line"));
        }
        let last = read.pop().expect("at least one line");
        assert_eq!(last["method"], "lagged", "{last}");
        assert!(read.len() < 100 && read.iter().all(|answer| answer["id"] == 1));
        conversation.await.expect("it has ended");
        daemon.stop();
        daemon.finished().await.expect("in order");
    }

    async fn lines(bytes: &[u8]) -> Vec<RequestLine> {
        FramedRead::new(bytes, RequestLines::default())
            .map(|line| line.expect("memory cannot fail"))
            .collect()
            .await
    }

    fn whole(text: &str) -> RequestLine {
        RequestLine::Whole(text.to_owned())
    }

    #[tokio::test]
    async fn lines_end_with_either_end_and_the_last_needs_none() {
        let found = lines(b"a\nbc\r\n\nd").await;
        assert_eq!(found, ["a", "bc", "", "d"].map(whole));
        assert!(lines(b"").await.is_empty());
    }

    #[tokio::test]
    async fn a_line_over_the_limit_is_passed_over_and_the_next_one_read() {
        let mut bytes = vec![b'x'; LINE_LIMIT];
        bytes.extend_from_slice(b"\n");
        bytes.extend(vec![b'y'; LINE_LIMIT + 1]);
        bytes.extend_from_slice(b"\nz\n");
        bytes.extend(vec![b'w'; 3 * LINE_LIMIT]);
        let longest = whole(&"x".repeat(LINE_LIMIT));
        assert_eq!(
            lines(&bytes).await,
            [longest, RequestLine::TooLong, whole("z"), RequestLine::TooLong]
        );
    }

    #[tokio::test]
    async fn a_line_that_is_not_text_is_reported_and_the_next_one_read() {
        assert_eq!(lines(b"\xff\xfe\nz\n").await, [RequestLine::NotText, whole("z")]);
    }
}
