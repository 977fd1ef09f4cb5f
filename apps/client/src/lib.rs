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
