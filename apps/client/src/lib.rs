//! The typed client of a daemon's socket: [`Client`] for async programs on tokio, [`blocking::Client`] for all others.
//! [`Profile`] says where the socket of a profile is, and [`Lock`] which process serves it.
//!
//! One request is under way at a time. Events of a subscription may come between a request and its answer; they are kept
//! until [`Client::event`] asks for them. No call waits for a daemon that has stopped answering.

pub mod blocking;
mod lock;
pub mod private;
mod process;
mod profile;
mod repeat;
mod stream;
mod token;

use std::collections::VecDeque;
use std::io;
use std::path::Path;
use std::time::Duration;

use futures::StreamExt as _;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sotto_api::rpc::{FromDaemon, Id, Notification, Outcome, Request};
use sotto_api::{Error, Event, EventNotification, Kind, Method, OpenSession, Secret, Session, all};
use tokio::net::UnixStream;
use tokio_util::codec::{FramedRead, LinesCodec, LinesCodecError};

use process::{DaemonProcess, SilenceTimer};
use repeat::is_repeatable;
use stream::{Incoming, Outgoing};

pub use lock::Lock;
pub use profile::Profile;
pub use token::read_token;

/// How long a request may take beyond the time that it is to wait for: the backup of a large store, on a slow disk.
const OVERDUE: Duration = Duration::from_mins(15);

/// How long a request waits if it does not say: the longest of the defaults.
const DEFAULT_WAIT: u64 = 30;

/// A connection to a daemon.
#[derive(Debug)]
pub struct Client {
    connection: Connection,
    daemon: DaemonProcess,
    timer: SilenceTimer,
}

/// The lines of a connection.
#[derive(Debug)]
struct Connection {
    // Without a limit: the daemon is trusted, and a page of long messages is a long line.
    lines: FramedRead<Incoming, LinesCodec>,
    writer: Outgoing,
    last_id: u64,
    /// The last request was written whole, and has no answer yet.
    awaits: bool,
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
            // The queue of connections that it has not accepted is full.
            io::ErrorKind::WouldBlock => process::silent(None),
            _ => Error::io(socket.display(), &error),
        })?;
        let daemon = DaemonProcess::of(socket, &stream);
        let (reader, writer) = stream::ends(stream).map_err(|error| Error::io(socket.display(), &error))?;
        let connection = Connection {
            lines: FramedRead::new(reader, LinesCodec::new()),
            writer,
            last_id: 0,
            awaits: false,
            events: VecDeque::new(),
        };
        Ok(Self {
            connection,
            daemon,
            timer: SilenceTimer::new(),
        })
    }

    /// The process of the daemon, where the operating system tells it.
    pub const fn process(&self) -> Option<u32> {
        self.daemon.id
    }

    /// How long this connection may be silent before the daemon is asked, by another one, whether it answers at all: 10 s if nothing
    /// is said. An interface that waits for events all day is woken by each question.
    pub const fn set_silence(&mut self, silence: Duration) {
        self.daemon.silence = silence;
    }

    /// Says which surface this connection is, and with whose token. Without it, the daemon takes this for a client without a
    /// token.
    pub async fn open_session(&mut self, surface: &str, token: Option<Secret>) -> Result<Session, Error> {
        let params = OpenSession {
            surface: Some(surface.to_owned()),
            token,
        };
        self.call::<all::SessionOpen>(&params).await
    }

    /// Sends a request and waits for its answer, for as long as the daemon answers other connections. The answer to a call
    /// that was given up is passed over by the next one.
    ///
    /// A connection may break. Then the error says by `retryable` whether the request may be made again on another connection: it
    /// has not reached the daemon, or comes to the same if it is carried out twice.
    pub async fn call<M: Method>(&mut self, params: &M::Params) -> Result<M::Result, Error> {
        let longest = wait(params)? + OVERDUE;
        let answer = self.connection.exchange::<M>(params);
        let answer = self.daemon.at_most(longest, &mut self.timer, answer).await;
        match answer.unwrap_or_else(|| Err(self.daemon.overdue(M::NAME))) {
            Err(error) if error.kind() == Kind::NoDaemon && self.connection.awaits && !is_repeatable::<M>(params) => {
                Err(in_doubt(error, M::NAME))
            }
            outcome => outcome,
        }
    }

    /// As [`call`](Self::call), but waits no longer than `patience`.
    pub async fn call_within<M: Method>(&mut self, params: &M::Params, patience: Duration) -> Result<M::Result, Error> {
        self.daemon
            .within(patience, self.connection.exchange::<M>(params))
            .await
    }

    /// Passes a line of requests on as it is, and returns the line that answers it, if one does (`answered`). Waits for as long
    /// as the daemon answers other connections. A client that forwards does not call.
    pub async fn forward(&mut self, line: &str, answered: bool) -> Result<Option<String>, Error> {
        let forwarded = self.connection.forward(line, answered);
        self.daemon.while_alive(&mut self.timer, forwarded).await
    }

    /// The next event of a subscription; waits for it, for as long as the daemon answers other connections. May be given up
    /// at any time without losing an event.
    pub async fn event(&mut self) -> Result<Event, Error> {
        let event = self.connection.event();
        self.daemon.while_alive(&mut self.timer, event).await
    }

    /// No request follows soon: until then, no timer of this connection wakes the program up.
    pub fn rest(&mut self) {
        self.timer = SilenceTimer::new();
    }

    /// Whether the next event is here already.
    pub fn has_event(&self) -> bool {
        !self.connection.events.is_empty() || self.connection.lines.read_buffer().contains(&b'\n')
    }
}

impl Connection {
    async fn exchange<M: Method>(&mut self, params: &M::Params) -> Result<M::Result, Error> {
        self.last_id += 1;
        let id = Id::from(self.last_id);
        let request = Request::new(id.clone(), M::NAME, params);
        let mut line = serde_json::to_vec(&request).map_err(|error| Error::internal(error.to_string()))?;
        line.push(b'\n');
        // A daemon that turns clients away says why and does not read. Its reason counts, not the broken pipe.
        self.awaits = false;
        let written = self.writer.write_all(&line).await;
        self.awaits = written.is_ok();
        loop {
            let line = self.next_line().await;
            let line = line.map_err(|error| written.as_ref().map_or_else(lost, |()| error))?;
            // Nearly every line, so it is read as what it must be, at once.
            if let Ok(answer) = serde_json::from_str::<TypedResponse<M::Result>>(&line)
                && answer.id == id
            {
                self.awaits = false;
                return Ok(answer.result);
            }
            match from_daemon(&line)? {
                FromDaemon::Notification(notification) => self.events.extend(event(notification)?),
                // An error without an id is about the connection as a whole.
                FromDaemon::Response(response) if response.id == id || response.id.is_null() => {
                    self.awaits = false;
                    return match response.outcome {
                        Outcome::Result(result) => typed(result),
                        Outcome::Error(error) => Err(error),
                    };
                }
                FromDaemon::Response(_) => {}
            }
        }
    }

    async fn forward(&mut self, line: &str, answered: bool) -> Result<Option<String>, Error> {
        let written = self.writer.write_all(format!("{line}\n").as_bytes()).await;
        if !answered {
            return written.map(|()| None).map_err(|error| lost(&error));
        }
        loop {
            let line = self.next_line().await;
            let line = line.map_err(|error| written.as_ref().map_or_else(lost, |()| error))?;
            if serde_json::from_str::<Notification<IgnoredAny>>(&line).is_err() {
                return Ok(Some(line));
            }
        }
    }

    async fn event(&mut self) -> Result<Event, Error> {
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

    async fn next(&mut self) -> Result<FromDaemon, Error> {
        let line = self.next_line().await?;
        from_daemon(&line)
    }

    async fn next_line(&mut self) -> Result<String, Error> {
        match self.lines.next().await {
            Some(Ok(line)) => Ok(line),
            None => Err(Error::new(Kind::NoDaemon, "the daemon ended the connection")),
            Some(Err(LinesCodecError::Io(error))) => Err(lost(&error)),
            Some(Err(error @ LinesCodecError::MaxLineLengthExceeded)) => Err(unreadable(&error)),
        }
    }
}

/// How long a request is to wait by itself: its parameter `timeout`.
fn wait(params: &impl Serialize) -> Result<Duration, Error> {
    let params = serde_json::to_value(params).map_err(|error| Error::internal(error.to_string()))?;
    let seconds = params.get("timeout").and_then(Value::as_u64).unwrap_or(DEFAULT_WAIT);
    Ok(Duration::from_secs(seconds))
}

/// A response with a result.
#[derive(Deserialize)]
struct TypedResponse<R> {
    id: Id,
    result: R,
}

fn from_daemon(line: &str) -> Result<FromDaemon, Error> {
    serde_json::from_str(line).map_err(|error| unreadable(&error))
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

/// The connection broke after the request had gone.
fn in_doubt(error: Error, method: &str) -> Error {
    let mut error = error.hint(format!("{method} may have been carried out: look before you repeat it"));
    error.data.retryable = false;
    error
}

fn lost(error: &io::Error) -> Error {
    Error::new(Kind::NoDaemon, format!("the connection to the daemon broke: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use sotto_api::rpc::{JsonLine as _, Response};
    use sotto_api::{Body, Nothing};
    use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
    use tokio::net::UnixListener;
    use tokio::time::timeout;

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
    async fn a_daemon_that_does_not_answer_is_named_and_not_waited_for() {
        let folder = tempfile::tempdir().expect("a folder");
        let socket = folder.path().join("socket");
        let listener = UnixListener::bind(&socket).expect("a socket");
        let mut client = Client::connect(&socket).await.expect("a queue of connections");
        let process = std::process::id();
        assert_eq!(client.process(), Some(process));
        tokio::time::pause();
        // Longer than the daemon may be silent: whether it answers decides.
        let params = sotto_api::WaitEvents {
            timeout: Some(3600),
            ..Default::default()
        };
        let began = tokio::time::Instant::now();
        let waits = [
            client.call::<all::EventsWait>(&params).await.map(drop),
            client.event().await.map(drop),
            client.call::<all::DaemonStop>(&Nothing {}).await.map(drop),
        ];
        assert!(began.elapsed() < Duration::from_mins(1));
        for wait in waits {
            let error = wait.expect_err("no answer came");
            let said = format!("the daemon (process {process}) does not answer");
            assert_eq!((error.kind(), error.message), (Kind::NoDaemon, said));
        }
        drop(listener);
    }

    #[tokio::test]
    async fn the_reason_why_a_client_is_turned_away_comes_before_the_broken_pipe() {
        let (mut client, mut daemon) = pair().await;
        let refused = Response::nameless(Error::new(Kind::Refused, "another user's"));
        let line = refused.line().expect("JSON") + "\n";
        daemon.write_all(line.as_bytes()).await.expect("written");
        drop(daemon);
        for expected in [Kind::Refused, Kind::NoDaemon] {
            let error = client.call::<all::DaemonStop>(&Nothing {}).await.expect_err("refused");
            assert_eq!(error.kind(), expected, "{error}");
        }
    }

    #[tokio::test]
    async fn a_request_that_may_have_been_carried_out_is_repeated_only_if_that_changes_nothing() {
        // The daemon reads the request, and ends before it answers.
        async fn unanswered<M: Method>(params: &M::Params) -> Error {
            let (mut client, mut daemon) = pair().await;
            let ends = async {
                let mut request = String::new();
                daemon.read_line(&mut request).await.expect("a request");
                drop(daemon);
            };
            let (answer, ()) = tokio::join!(client.call::<M>(params), ends);
            answer.map(drop).expect_err("no answer")
        }
        let error = unanswered::<all::IdentityInvite>(&Nothing {}).await;
        assert_eq!((error.kind(), error.data.retryable), (Kind::NoDaemon, false), "{error}");
        assert_eq!(
            error.data.hint,
            "identity.invite may have been carried out: look before you repeat it"
        );
        let error = unanswered::<all::IdentityShow>(&Nothing {}).await;
        assert_eq!((error.kind(), error.data.retryable), (Kind::NoDaemon, true), "{error}");

        // It has ended before the request.
        let (mut client, daemon) = pair().await;
        drop(daemon);
        let error = client.call::<all::IdentityInvite>(&Nothing {}).await.expect_err("gone");
        assert_eq!((error.kind(), error.data.retryable), (Kind::NoDaemon, true), "{error}");
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
