//! The command line's end of the daemon's socket: a plain blocking stream, one line out, one line back. No runtime, so
//! that a command costs a process start and one round trip.

use std::collections::VecDeque;
use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;

use serde::de::{DeserializeOwned, IgnoredAny};
use serde::{Deserialize, Serialize};

use crate::api::{Error, Event, Happening, Kind, Method};

/// A connection to a daemon.
#[derive(Debug)]
pub struct Client {
    reader: BufReader<UnixStream>,
    last_id: u64,
    /// Events that came while an answer was awaited.
    events: VecDeque<Event>,
}

#[derive(Serialize)]
struct Request<'a, P> {
    jsonrpc: &'static str,
    id: u64,
    method: &'static str,
    params: &'a P,
}

#[derive(Deserialize)]
struct Response<R> {
    id: Option<u64>,
    result: Option<R>,
    error: Option<Error>,
}

/// What a line is, before its content is known.
#[derive(Deserialize)]
struct Head {
    method: Option<String>,
    id: Option<IgnoredAny>,
}

#[derive(Deserialize)]
struct Notification<P> {
    params: P,
}

impl Client {
    /// Connects to the daemon that listens at `socket`.
    pub fn connect(socket: &Path) -> Result<Self, Error> {
        let stream = UnixStream::connect(socket).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => {
                Error::new(Kind::NoDaemon, format!("no daemon answers at {}", socket.display()))
            }
            _ => Error::io(socket.display(), &error),
        })?;
        Ok(Self {
            reader: BufReader::new(stream),
            last_id: 0,
            events: VecDeque::new(),
        })
    }

    /// Asks for one thing and waits for the answer.
    pub fn call<M: Method>(&mut self, params: &M::Params) -> Result<M::Result, Error> {
        self.last_id += 1;
        let request = Request {
            jsonrpc: "2.0",
            id: self.last_id,
            method: M::NAME,
            params,
        };
        let mut line = serde_json::to_vec(&request).map_err(|error| Error::internal(error.to_string()))?;
        line.push(b'\n');
        self.reader.get_mut().write_all(&line).map_err(|error| lost(&error))?;
        loop {
            let line = self.line()?;
            if is_notification(&line)? {
                self.events.extend(event(&line)?);
                continue;
            }
            let response: Response<M::Result> = parse(&line)?;
            if response.id.is_none_or(|id| id == self.last_id) {
                return match (response.result, response.error) {
                    (Some(result), None) => Ok(result),
                    (_, Some(error)) => Err(error),
                    (None, None) => Err(Error::internal("the daemon's answer has neither a result nor an error")),
                };
            }
        }
    }

    /// The next event of a subscription; waits for it.
    pub fn event(&mut self) -> Result<Event, Error> {
        loop {
            if let Some(event) = self.events.pop_front() {
                return Ok(event);
            }
            let line = self.line()?;
            if is_notification(&line)? {
                self.events.extend(event(&line)?);
            } else if let Response::<IgnoredAny> { error: Some(error), .. } = parse(&line)? {
                return Err(error);
            }
        }
    }

    /// Whether the next event is here already.
    pub fn has_event(&self) -> bool {
        !self.events.is_empty() || self.reader.buffer().contains(&b'\n')
    }

    fn line(&mut self) -> Result<Vec<u8>, Error> {
        let mut line = Vec::new();
        match self.reader.read_until(b'\n', &mut line) {
            Ok(0) => Err(Error::new(Kind::NoDaemon, "the daemon ended the connection")),
            Ok(_) => Ok(line),
            Err(error) => Err(lost(&error)),
        }
    }
}

fn is_notification(line: &[u8]) -> Result<bool, Error> {
    let head: Head = parse(line)?;
    Ok(head.method.is_some() && head.id.is_none())
}

/// The event in a notification; none if the notification is of another kind.
fn event(line: &[u8]) -> Result<Option<Event>, Error> {
    let head: Head = parse(line)?;
    match head.method.as_deref() {
        Some("events.event") => Ok(Some(parse::<Notification<Happening>>(line)?.params.event)),
        Some("lagged" | "events.failed") => Err(parse::<Notification<Error>>(line)?.params),
        _ => Ok(None),
    }
}

fn parse<T: DeserializeOwned>(line: &[u8]) -> Result<T, Error> {
    serde_json::from_slice(line).map_err(|error| {
        Error::internal(format!("the daemon's answer cannot be read: {error}"))
            .hint("the daemon may be of another version: sotto daemon stop, then sotto daemon start")
    })
}

fn lost(error: &io::Error) -> Error {
    Error::new(Kind::NoDaemon, format!("the connection to the daemon broke: {error}"))
}
