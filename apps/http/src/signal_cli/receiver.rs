//! [`Receivers`]: the clients that receive, and what is acknowledged for them. All read as one consumer, so the log is
//! acknowledged as far as each of them has received it.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde_json::Value;
use sotto_api::{Acknowledge, Error, Kind, Subscribe, all};
use sotto_client::Client;
use tokio::time::{Instant, interval, sleep_until};

use super::{SURFACE, SignalCli};
use crate::event_stream::{ChunkSender, ClientGone};

/// How long a connection must stand after an event was written before the event counts as received. A client that was
/// killed is gone within it; what it had read but not handled comes again.
const RECEIVED_AFTER: Duration = Duration::from_secs(15);

/// How often a comment shows that the connection is alive.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// Events that are written within this time are received together, so that a long log is not a long list here.
const TOGETHER: Duration = Duration::from_secs(1);

/// The clients that receive now, each with how far it has.
#[derive(Debug, Default)]
pub(super) struct Receivers {
    received: Mutex<BTreeMap<u64, u64>>,
    last: AtomicU64,
}

/// A client that receives.
struct Receiver<'a> {
    receivers: &'a Receivers,
    number: u64,
}

impl Receivers {
    fn join(&self, since: u64) -> Receiver<'_> {
        let number = self.last.fetch_add(1, Ordering::Relaxed);
        self.lock().insert(number, since);
        Receiver {
            receivers: self,
            number,
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<u64, u64>> {
        // The map is never left half changed.
        self.received.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Receiver<'_> {
    /// Takes note that this client has received up to `seq`. Returns how far all have.
    fn note_received(&self, seq: u64) -> u64 {
        let mut received = self.receivers.lock();
        received.insert(self.number, seq);
        received.values().copied().min().unwrap_or(seq)
    }
}

impl Drop for Receiver<'_> {
    fn drop(&mut self) {
        self.receivers.lock().remove(&self.number);
    }
}

/// What was written and is not received yet, in the order of the log.
#[derive(Debug, Default)]
struct Unreceived(VecDeque<Written>);

/// Events that are received together.
#[derive(Debug)]
struct Written {
    first_at: Instant,
    last_at: Instant,
    /// The last of them.
    seq: u64,
}

impl Unreceived {
    /// Takes note of the next event. One without an envelope was not written, so it is received with what is before it.
    fn add(&mut self, seq: u64, is_written: bool) {
        let now = Instant::now();
        match self.0.back_mut() {
            Some(last) if !is_written => last.seq = seq,
            Some(last) if now < last.first_at + TOGETHER => (last.last_at, last.seq) = (now, seq),
            _ => self.0.push_back(Written {
                first_at: now,
                last_at: now,
                seq,
            }),
        }
    }

    /// When the next events count as received.
    fn next(&self) -> Option<Instant> {
        self.0.front().map(|first| first.last_at + RECEIVED_AFTER)
    }

    /// Takes what counts as received by now: the last event of it.
    fn take_received(&mut self) -> Option<u64> {
        let mut last = None;
        while self.next().is_some_and(|at| at <= Instant::now()) {
            last = self.0.pop_front().map(|written| written.seq);
        }
        last
    }
}

/// Why a stream of envelopes ends.
#[derive(Debug)]
pub(super) enum Ended {
    /// The client has disconnected, or does not read.
    ClientGone,
    /// The daemon cannot go on.
    Failed(Error),
}

impl From<ClientGone> for Ended {
    fn from(_: ClientGone) -> Self {
        Self::ClientGone
    }
}

impl From<Error> for Ended {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

impl SignalCli {
    /// Sends envelopes, each as `format` writes it, until the client is gone. `comment` keeps the connection alive.
    pub(super) async fn receive(
        &self,
        account: Option<&str>,
        sender: &ChunkSender,
        format: impl Fn(&Value) -> String,
        comment: Option<&'static str>,
    ) -> Result<(), Ended> {
        let account = account.unwrap_or(&self.account);
        let mut calls = self.session().await?;
        let (mut events, mut last) = self.subscribe(None).await?;
        let receiver = self.receivers.join(last);
        let mut unreceived = Unreceived::default();
        let mut alive = interval(KEEP_ALIVE);
        alive.reset();
        loop {
            let next = unreceived.next();
            tokio::select! {
                event = events.event() => match event {
                    Ok(event) => {
                        let envelope = self.envelope(&mut calls, &event, account).await?;
                        let is_written = envelope.is_some();
                        if let Some(envelope) = envelope {
                            sender.send(format(&envelope)).await?;
                        }
                        if let Some(seq) = event.seq {
                            last = seq;
                            unreceived.add(seq, is_written);
                        }
                    }
                    // Its client reads more slowly than the daemon waits. What comes next is in the log.
                    Err(error) if matches!(error.kind(), Kind::Lagged | Kind::NoDaemon) => {
                        (events, last) = self.subscribe(Some(last)).await?;
                    }
                    Err(error) => return Err(error.into()),
                },
                () = sleep_until(next.unwrap_or_else(Instant::now)), if next.is_some() => {
                    if let Some(received) = unreceived.take_received() {
                        let seq = receiver.note_received(received);
                        let consumer = SURFACE.to_owned();
                        calls.call::<all::EventsAck>(&Acknowledge { consumer, seq }).await?;
                    }
                }
                _ = alive.tick() => match comment {
                    Some(comment) => sender.send(comment).await?,
                    None if sender.is_closed() => return Err(Ended::ClientGone),
                    None => {}
                },
            }
        }
    }

    /// A connection that gets the events after a position, else after what the consumer has acknowledged; and that position.
    async fn subscribe(&self, since: Option<u64>) -> Result<(Client, u64), Error> {
        let mut events = self.session().await?;
        let subscribe = Subscribe {
            consumer: Some(SURFACE.to_owned()),
            since,
            ..Subscribe::default()
        };
        let subscribed = events.call::<all::EventsSubscribe>(&subscribe).await?;
        Ok((events, subscribed.since))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use sotto_api::{Secret, Time};
    use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
    use tokio::net::{UnixListener, UnixStream};
    use tokio::sync::mpsc;
    use tokio::time::advance;

    use super::*;
    use crate::server::Disconnect;
    use crate::signal_cli::timestamps::Timestamps;

    /// Messages in the daemon's log.
    const LOG: u64 = 6000;

    /// After so many events, the daemon takes a subscriber for too slow.
    const LAGS: u64 = 5000;

    /// A daemon. It tells what is acknowledged.
    async fn daemon(listener: UnixListener, acknowledged: mpsc::UnboundedSender<u64>) {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream, acknowledged.clone()));
        }
    }

    async fn serve(stream: UnixStream, acknowledged: mpsc::UnboundedSender<u64>) {
        let (reader, mut writer) = stream.into_split();
        let mut lines = BufReader::new(reader).lines();
        while let Ok(Some(line)) = lines.next_line().await {
            let request: Value = serde_json::from_str(&line).expect("JSON");
            let params = &request["params"];
            let since = params["since"].as_u64().unwrap_or_default();
            let mut events = String::new();
            let result = match request["method"].as_str().expect("a method") {
                "session.open" => json!({
                    "principal": "agent", "ask_in_client": false, "sends_need_approval": false, "owner_passphrase": true,
                }),
                "events.subscribe" => {
                    events.extend((since + 1..=LOG.min(since + LAGS)).map(event));
                    json!({ "subscription": 1, "since": since })
                }
                "events.ack" => {
                    acknowledged
                        .send(params["seq"].as_u64().expect("a number"))
                        .expect("a test");
                    params.clone()
                }
                _ => json!({}),
            };
            let lags = !events.is_empty() && since + LAGS < LOG;
            if lags {
                events += &line_of("lagged", &json!(Error::new(Kind::Lagged, "too slow")));
            }
            let answer = json!({ "jsonrpc": "2.0", "id": request["id"], "result": result });
            let lines = format!("{answer}\n{events}");
            if writer.write_all(lines.as_bytes()).await.is_err() || lags {
                return;
            }
        }
    }

    fn line_of(method: &str, params: &Value) -> String {
        format!("{}\n", json!({ "jsonrpc": "2.0", "method": method, "params": params }))
    }

    /// The event of that number: the same message every time, which has its timestamp from the first time on.
    fn event(seq: u64) -> String {
        let at = Time::from_millis(0);
        let message = json!({
            "id": "message", "conversation": "bob", "from": "bob", "petname": "bob", "claimed_name": null, "verified": false,
            "text": "hello", "content_type": "plain", "thread": null, "reply_to": null, "sent_at": at, "received_at": at,
            "expires_at": null, "ttl": 0, "direction": "in", "state": "delivered", "state_at": at, "edited_at": null,
            "deleted_at": null, "reactions": [],
        });
        let event = json!({
            "seq": seq, "at": Time::from_millis(seq), "type": "message.received", "id": "message", "conversation": "bob",
            "author": "bob", "message": message,
        });
        line_of("events.event", &json!({ "subscription": 1, "event": event }))
    }

    #[tokio::test(start_paused = true)]
    async fn a_long_log_is_passed_on_without_a_pause_also_by_a_subscription_that_lags() {
        let folder = tempfile::tempdir().expect("a folder");
        let socket = folder.path().join("socket");
        let listener = UnixListener::bind(&socket).expect("a socket");
        let (acknowledged, mut acknowledgements) = mpsc::unbounded_channel();
        tokio::spawn(daemon(listener, acknowledged));
        let signal_cli = SignalCli {
            socket,
            token: Secret::from("token"),
            account: String::from("alice"),
            timestamps: tokio::sync::Mutex::new(Timestamps::default()),
            receivers: Receivers::default(),
        };
        let (sender, mut chunks) = ChunkSender::channel(Disconnect::default());
        let began = Instant::now();
        tokio::spawn(async move { signal_cli.receive(None, &sender, Value::to_string, None).await });
        for seq in 1..=LOG {
            let chunk = chunks.recv().await.expect("it goes on");
            let envelope: Value = serde_json::from_slice(&chunk).expect("JSON");
            assert_eq!(envelope["envelope"]["serverReceivedTimestamp"], json!(seq));
        }
        assert!(began.elapsed() < RECEIVED_AFTER, "{:?}", began.elapsed());
        while acknowledgements.recv().await.expect("it goes on") < LOG {}
        assert!(began.elapsed() >= RECEIVED_AFTER, "{:?}", began.elapsed());
    }

    #[tokio::test(start_paused = true)]
    async fn events_are_received_some_time_after_the_last_one_that_was_written_with_them() {
        let mut unreceived = Unreceived::default();
        assert_eq!(unreceived.next(), None);
        unreceived.add(1, true);
        advance(TOGETHER / 2).await;
        unreceived.add(2, true);
        advance(TOGETHER).await;
        unreceived.add(3, false);
        unreceived.add(4, true);
        unreceived.add(5, false);
        assert_eq!(unreceived.0.len(), 2);
        advance(RECEIVED_AFTER.saturating_sub(TOGETHER)).await;
        assert_eq!(unreceived.take_received(), Some(3), "the third was not written");
        assert_eq!(unreceived.take_received(), None);
        advance(TOGETHER).await;
        assert_eq!(unreceived.take_received(), Some(5));
        assert_eq!(unreceived.next(), None);
    }
}
