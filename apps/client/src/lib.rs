//! The typed client of a daemon's socket: [`Client`] for async programs on tokio, [`blocking::Client`] for all others.
//! [`Profile`] says where the socket of a profile is, and [`Lock`] which process serves it.
//!
//! One request is under way at a time. Events of a subscription may come between a request and its answer; they are kept
//! until [`Client::event`] asks for them.

pub mod blocking;
mod lock;
mod profile;

use std::collections::VecDeque;
use std::io;
use std::path::Path;

use futures::StreamExt as _;
use serde::de::DeserializeOwned;
use serde_json::Value;
use sotto_api::rpc::{FromDaemon, Id, Notification, Outcome, Request};
use sotto_api::{Error, Event, EventNotification, Kind, Method};
use tokio::io::AsyncWriteExt as _;
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio_util::codec::{FramedRead, LinesCodec, LinesCodecError};

pub use lock::Lock;
pub use profile::Profile;

/// A connection to a daemon.
#[derive(Debug)]
pub struct Client {
    // Without a limit: the daemon is trusted, and a page of long messages is a long line.
    lines: FramedRead<OwnedReadHalf, LinesCodec>,
    writer: OwnedWriteHalf,
    last_id: u64,
    /// Events that came while an answer was awaited.
    events: VecDeque<Event>,
}

impl Client {
    /// Connects to the daemon that listens at `socket`.
    pub async fn connect(socket: &Path) -> Result<Self, Error> {
        let stream = UnixStream::connect(socket).await.map_err(|error| match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => {
                Error::new(Kind::NoDaemon, format!("no daemon answers at {}", socket.display()))
            }
            _ => Error::io(socket.display(), &error),
        })?;
        let (reader, writer) = stream.into_split();
        Ok(Self {
            lines: FramedRead::new(reader, LinesCodec::new()),
            writer,
            last_id: 0,
            events: VecDeque::new(),
        })
    }

    /// Sends a request and waits for its answer. The answer to a call that was given up is passed over by the next one.
    pub async fn call<M: Method>(&mut self, params: &M::Params) -> Result<M::Result, Error> {
        self.last_id += 1;
        let id = Id::from(self.last_id);
        let request = Request::new(id.clone(), M::NAME, params);
        let mut line = serde_json::to_vec(&request).map_err(|error| Error::internal(error.to_string()))?;
        line.push(b'\n');
        self.writer.write_all(&line).await.map_err(|error| lost(&error))?;
        loop {
            match self.next().await? {
                FromDaemon::Notification(notification) => self.events.extend(event(notification)?),
                // An error without an id is about the connection as a whole.
                FromDaemon::Response(response) if response.id == id || response.id.is_null() => {
                    return match response.outcome {
                        Outcome::Result(result) => typed(result),
                        Outcome::Error(error) => Err(error),
                    };
                }
                FromDaemon::Response(_) => {}
            }
        }
    }

    /// The next event of a subscription; waits for it. May be given up at any time without losing an event.
    pub async fn event(&mut self) -> Result<Event, Error> {
        loop {
            if let Some(event) = self.events.pop_front() {
                return Ok(event);
            }
            match self.next().await? {
                FromDaemon::Notification(notification) => self.events.extend(event(notification)?),
                FromDaemon::Response(response) => {
                    if let Outcome::Error(error) = response.outcome {
                        return Err(error);
                    }
                }
            }
        }
    }

    /// Whether the next event is here already.
    pub fn has_event(&self) -> bool {
        !self.events.is_empty() || self.lines.read_buffer().contains(&b'\n')
    }

    async fn next(&mut self) -> Result<FromDaemon, Error> {
        match self.lines.next().await {
            Some(Ok(line)) => serde_json::from_str(&line).map_err(|error| unreadable(&error)),
            None => Err(Error::new(Kind::NoDaemon, "the daemon ended the connection")),
            Some(Err(LinesCodecError::Io(error))) => Err(lost(&error)),
            Some(Err(error @ LinesCodecError::MaxLineLengthExceeded)) => Err(unreadable(&error)),
        }
    }
}

/// The event in a notification; none if the notification is of another kind.
fn event(notification: Notification<Value>) -> Result<Option<Event>, Error> {
    match notification.method.as_str() {
        "events.event" => Ok(Some(typed::<EventNotification>(notification.params)?.event)),
        "lagged" | "events.failed" => Err(typed::<Error>(notification.params)?),
        _ => Ok(None),
    }
}

fn typed<T: DeserializeOwned>(value: Value) -> Result<T, Error> {
    serde_json::from_value(value).map_err(|error| unreadable(&error))
}

fn unreadable(error: &dyn std::error::Error) -> Error {
    Error::internal(format!("the daemon's answer cannot be read: {error}"))
        .hint("the daemon may be of another version: sotto daemon stop, then sotto daemon start")
}

fn lost(error: &io::Error) -> Error {
    Error::new(Kind::NoDaemon, format!("the connection to the daemon broke: {error}"))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::json;
    use sotto_api::{Body, Nothing, all};
    use tokio::io::{AsyncBufReadExt as _, BufReader};
    use tokio::net::UnixListener;
    use tokio::time::timeout;

    use super::*;

    /// A client, and the daemon's end of its connection.
    async fn pair() -> (Client, BufReader<UnixStream>) {
        let folder = tempfile::tempdir().expect("a folder");
        let socket = folder.path().join("socket");
        let listener = UnixListener::bind(&socket).expect("a socket");
        let (client, accepted) = tokio::join!(Client::connect(&socket), listener.accept());
        (
            client.expect("connected"),
            BufReader::new(accepted.expect("a client").0),
        )
    }

    fn gap(to: u64) -> String {
        let event = json!({ "seq": to, "at": "2026-01-31T09:05:07.250Z", "type": "gap", "from": 1, "to": to });
        let params = json!({ "subscription": 1, "event": event });
        format!(
            "{}\n",
            json!({ "jsonrpc": "2.0", "method": "events.event", "params": params })
        )
    }

    fn to(event: &Event) -> u64 {
        match event.body {
            Body::Gap { to, .. } => to,
            _ => panic!("{event:?} is no gap"),
        }
    }

    #[tokio::test]
    async fn an_event_that_comes_before_an_answer_is_kept() {
        let (mut client, mut daemon) = pair().await;
        let answers = async {
            let mut request = String::new();
            daemon.read_line(&mut request).await.expect("a request");
            assert_eq!(
                request.trim_end(),
                r#"{"jsonrpc":"2.0","id":1,"method":"daemon.stop","params":{}}"#
            );
            let lines = gap(1) + &gap(2) + "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}\n";
            daemon.write_all(lines.as_bytes()).await.expect("written");
        };
        let nothing = Nothing {};
        let (done, ()) = tokio::join!(client.call::<all::DaemonStop>(&nothing), answers);
        done.expect("an answer");
        assert!(client.has_event());
        for expected in [1, 2] {
            assert_eq!(to(&client.event().await.expect("an event")), expected);
        }
        assert!(!client.has_event());
    }

    #[tokio::test]
    async fn an_event_that_is_waited_for_in_vain_is_not_lost_by_halves() {
        let (mut client, mut daemon) = pair().await;
        let line = gap(7);
        let (first, second) = line.split_at(20);
        daemon.write_all(first.as_bytes()).await.expect("written");
        let early = timeout(Duration::from_millis(50), client.event()).await;
        assert!(early.is_err(), "half a line is no event");
        daemon.write_all(second.as_bytes()).await.expect("written");
        assert_eq!(to(&client.event().await.expect("an event")), 7);
    }

    #[tokio::test]
    async fn the_answer_to_a_call_that_was_given_up_is_passed_over() {
        let (mut client, mut daemon) = pair().await;
        let nothing = Nothing {};
        let early = timeout(Duration::from_millis(50), client.call::<all::DaemonStop>(&nothing)).await;
        assert!(early.is_err(), "no answer came");
        let lines = "{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":-32603,\"message\":\"late\",\"data\":{\"kind\":\"internal\",\"retryable\":false,\"hint\":\"\"}}}\n{\"jsonrpc\":\"2.0\",\"id\":2,\"result\":{}}\n";
        daemon.write_all(lines.as_bytes()).await.expect("written");
        client
            .call::<all::DaemonStop>(&nothing)
            .await
            .expect("the second answer");
    }

    #[tokio::test]
    async fn the_reason_of_an_end_is_the_error() {
        let (mut client, mut daemon) = pair().await;
        let lagged = Notification::new("lagged", Error::new(Kind::Lagged, "too slow"));
        let line = serde_json::to_string(&lagged).expect("JSON") + "\n";
        daemon.write_all(line.as_bytes()).await.expect("written");
        assert_eq!(client.event().await.expect_err("dropped").kind(), Kind::Lagged);
        drop(daemon);
        assert_eq!(client.event().await.expect_err("gone").kind(), Kind::NoDaemon);
    }
}
