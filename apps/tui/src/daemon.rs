//! [`Daemon`]: the connections of the interface to the daemon. One has the events; each [`Lane`] of requests has its own, so
//! that a slow search holds up no message. All of it runs beside the task that owns the terminal and talks to it by
//! [`Report`]s. A daemon that goes away is connected to again.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use sotto_api::{self as api, Error, Event, Kind, Secret, all};
use sotto_client::Client;
use tokio::sync::{Mutex, mpsc, oneshot, watch};
use tokio::time::{sleep, timeout};

use crate::app::Purpose;
use crate::request::{Answer, Lane, Request};

/// Between two attempts to connect.
const PAUSE: Duration = Duration::from_millis(250);

/// The longest silence of a daemon that owes an answer, before another connection asks whether it answers at all.
const SILENCE: Duration = Duration::from_secs(5);

/// How long the end of the interface waits for what was to be changed before.
const PATIENCE: Duration = Duration::from_secs(2);

/// Events that wait for the task of the terminal. A daemon drops a client that does not read; here nothing is lost by
/// waiting, because the daemon's queue is long, and what it drops is read again after the next connect.
const EVENTS: usize = 1024;

/// What the connections report.
#[derive(Debug)]
pub enum Report {
    /// Events are received from now on; what came before has to be read.
    Connected {
        /// Without the owner's passphrase, what the user sends waits for approval: the profile has agents.
        owner_needed: bool,
        /// The profile has a passphrase, so that there is something to lock the interface with.
        lockable: bool,
    },
    /// No daemon answers, and why. It is tried again.
    Disconnected(Error),
    /// Something happened.
    Event(Box<Event>),
    /// The answer to a request.
    Answer(Purpose, Result<Box<Answer>, Error>),
}

/// A request, and what its answer is for.
#[derive(Debug)]
pub struct Call {
    /// The request.
    pub request: Request,
    /// Comes back with the answer.
    pub purpose: Purpose,
}

/// What a lane is told.
#[derive(Debug)]
enum Order {
    /// Make a request.
    Call(Call),
    /// Say that everything before this has been answered.
    Settle(oneshot::Sender<()>),
}

/// The way to the connections.
#[derive(Debug)]
pub struct Daemon {
    lanes: [mpsc::UnboundedSender<Order>; 3],
    /// The owner's passphrase, with which new connections are unlocked.
    owner: watch::Sender<Option<Secret>>,
}

impl Daemon {
    /// Connects to the daemon at `socket` now and whenever the connection breaks.
    pub fn start(socket: &Path) -> (Self, mpsc::Receiver<Report>) {
        let (reports, received) = mpsc::channel(EVENTS);
        let owner = watch::Sender::new(None);
        let lost = watch::Sender::new(());
        let turn = Arc::new(Mutex::new(()));
        tokio::spawn(events(socket.to_owned(), reports.clone(), lost.subscribe()));
        let lanes = [Lane::Command, Lane::Query, Lane::Slow].map(|_| {
            let (calls, requests) = mpsc::unbounded_channel();
            let connections = Connections {
                socket: socket.to_owned(),
                owner: owner.subscribe(),
                turn: turn.clone(),
                lost: lost.clone(),
            };
            tokio::spawn(lane(connections, requests, reports.clone()));
            calls
        });
        (Self { lanes, owner }, received)
    }

    /// Makes a request; its answer is reported.
    pub fn call(&self, call: Call) {
        // The lanes end with this process only.
        let _ = self.lanes[call.request.lane() as usize].send(Order::Call(call));
    }

    /// Resolves when all that was to be changed has been, or when the daemon takes too long.
    pub fn settled(&self) -> impl Future<Output = ()> + use<> {
        let (settled, waits) = oneshot::channel();
        let _ = self.lanes[Lane::Command as usize].send(Order::Settle(settled));
        async {
            let _ = timeout(PATIENCE, waits).await;
        }
    }

    /// Unlocks each connection that is made from now on, and those that are.
    pub fn unlock_with(&self, passphrase: Option<Secret>) {
        self.owner.send_replace(passphrase);
    }
}

/// Follows the events for as long as the receiver is there.
async fn events(socket: PathBuf, reports: mpsc::Sender<Report>, mut lost: watch::Receiver<()>) {
    loop {
        let Err(error) = follow(&socket, &reports, &mut lost).await else {
            return;
        };
        if reports.send(Report::Disconnected(error)).await.is_err() {
            return;
        }
        sleep(PAUSE).await;
    }
}

/// Ends without an error once the receiver has gone. A silent connection is no reason to ask whether the daemon answers: the requests
/// notice when it does not, and an interface that rests is not waked up.
async fn follow(socket: &Path, reports: &mpsc::Sender<Report>, lost: &mut watch::Receiver<()>) -> Result<(), Error> {
    let (mut client, session) = connect(socket).await?;
    client.set_silence(Duration::MAX);
    lost.mark_unchanged();
    let subscribe = api::Subscribe {
        presence: true,
        ..api::Subscribe::default()
    };
    client.call::<all::EventsSubscribe>(&subscribe).await?;
    let connected = Report::Connected {
        owner_needed: session.sends_need_approval,
        lockable: session.owner_passphrase,
    };
    if reports.send(connected).await.is_err() {
        return Ok(());
    }
    loop {
        let event = tokio::select! {
            event = client.event() => event?,
            Ok(()) = lost.changed() => return Err(Error::new(Kind::NoDaemon, "the daemon does not answer")),
        };
        if reports.send(Report::Event(Box::new(event))).await.is_err() {
            return Ok(());
        }
    }
}

/// What the connection of a lane is made with.
struct Connections {
    socket: PathBuf,
    /// The owner's passphrase.
    owner: watch::Receiver<Option<Secret>>,
    /// Held while a passphrase is tried: the daemon refuses to try two of one process at once.
    turn: Arc<Mutex<()>>,
    /// Told when the daemon does not answer.
    lost: watch::Sender<()>,
}

/// Carries out the requests of one lane, one after the other.
async fn lane(mut connections: Connections, mut orders: mpsc::UnboundedReceiver<Order>, reports: mpsc::Sender<Report>) {
    let mut client: Option<Client> = None;
    while let Some(order) = orders.recv().await {
        let Call { request, purpose } = match order {
            Order::Call(call) => call,
            Order::Settle(settled) => {
                // The one that waited has gone on if it took too long.
                let _ = settled.send(());
                continue;
            }
        };
        let answer = attempt(&mut connections, &mut client, &request).await;
        if answer.as_ref().is_err_and(|error| error.kind() == Kind::NoDaemon) {
            client = None;
            connections.lost.send_replace(());
        }
        if let Some(client) = client.as_mut().filter(|_| orders.is_empty()) {
            client.rest();
        }
        let answer = answer.map(Box::new);
        if reports.send(Report::Answer(purpose, answer)).await.is_err() {
            return;
        }
    }
}

async fn attempt(
    connections: &mut Connections,
    client: &mut Option<Client>,
    request: &Request,
) -> Result<Answer, Error> {
    // Whether the connection is made for this request.
    let fresh = client.is_none();
    match attempt_on(connections, client, request).await {
        // A connection that was idle can be one to a daemon that has been replaced since. What that daemon may have done already is
        // not done again.
        Err(error) if !fresh && error.kind() == Kind::NoDaemon && error.data.retryable => {
            *client = None;
            attempt_on(connections, client, request).await
        }
        answer => answer,
    }
}

async fn attempt_on(
    connections: &mut Connections,
    client: &mut Option<Client>,
    request: &Request,
) -> Result<Answer, Error> {
    let Connections {
        socket, owner, turn, ..
    } = connections;
    let fresh = client.is_none();
    let connection = match client {
        Some(connection) => connection,
        None => client.insert(connect(socket).await?.0),
    };
    let proof = (fresh || owner.has_changed().unwrap_or(false)).then(|| owner.borrow_and_update().clone());
    if let Some(passphrase) = proof.flatten() {
        let _turn = turn.lock().await;
        let unlocked = connection.call::<all::SessionUnlock>(&api::Unlock { passphrase }).await;
        if let Err(error) = unlocked {
            // The next request tries it again on another connection: on this one it would be made without the owner's rights.
            *client = None;
            return Err(error);
        }
    }
    let _turn = match request {
        Request::Unlock(_) => Some(turn.lock().await),
        _ => None,
    };
    request.call(connection).await
}

async fn connect(socket: &Path) -> Result<(Client, api::Session), Error> {
    let mut client = Client::connect(socket).await?;
    client.set_silence(SILENCE);
    let session = client.open_session("tui", None).await?;
    Ok((client, session))
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
    use tokio::net::{UnixListener, UnixStream};

    use super::*;

    /// Answers what a connection asks, and ends it at an invite.
    async fn answer(stream: UnixStream, invites: Arc<AtomicUsize>) {
        let mut stream = BufReader::new(stream);
        let mut line = String::new();
        while stream.read_line(&mut line).await.is_ok_and(|read| read > 0) {
            if line.contains("identity.invite") {
                invites.fetch_add(1, Ordering::Relaxed);
                return;
            }
            let id = line.split("\"id\":").nth(1).and_then(|rest| rest.split(',').next());
            let result = if line.contains("events.subscribe") {
                r#"{"subscription":1,"since":0}"#
            } else if line.contains("session.open") {
                r#"{"principal":"unscoped","ask_in_client":false,"sends_need_approval":false,"owner_passphrase":false}"#
            } else {
                r#"{"onion":"o","friend_code":"c","name":"","fingerprint":"f"}"#
            };
            let id = id.expect("a request");
            let answer = format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"result\":{result}}}\n");
            stream.write_all(answer.as_bytes()).await.expect("written");
            line.clear();
        }
    }

    /// A request that was made again on a replaced connection made two invites.
    #[tokio::test]
    async fn an_invite_that_may_have_been_made_is_not_made_again() {
        let folder = tempfile::tempdir().expect("a folder");
        let socket = folder.path().join("socket");
        let listener = UnixListener::bind(&socket).expect("a socket");
        let invites = Arc::new(AtomicUsize::new(0));
        let made = invites.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(answer(stream, made.clone()));
            }
        });
        let mut client = None;
        let (_keep, owner) = watch::channel(None);
        let mut connections = Connections {
            socket,
            owner,
            turn: Arc::default(),
            lost: watch::Sender::new(()),
        };
        let identity = Request::Identity(api::Nothing {});
        attempt(&mut connections, &mut client, &identity)
            .await
            .expect("an answer");
        let invite = Request::Invite(api::Nothing {});
        let error = attempt(&mut connections, &mut client, &invite).await;
        let error = error.map(drop).expect_err("no answer");
        assert_eq!((error.kind(), error.data.retryable), (Kind::NoDaemon, false), "{error}");
        assert_eq!(invites.load(Ordering::Relaxed), 1);
    }

    #[tokio::test]
    async fn when_a_request_finds_no_daemon_the_events_are_followed_anew() {
        let folder = tempfile::tempdir().expect("a folder");
        let socket = folder.path().join("socket");
        let listener = UnixListener::bind(&socket).expect("a socket");
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(answer(stream, Arc::default()));
            }
        });
        let (daemon, mut reports) = Daemon::start(&socket);
        let first = reports.recv().await;
        assert!(matches!(first, Some(Report::Connected { .. })), "{first:?}");
        daemon.call(Call {
            request: Request::Invite(api::Nothing {}),
            purpose: Purpose::Invite,
        });
        // The answer and the events come from different tasks.
        let mut names: Vec<_> = Vec::new();
        for _ in 0..3 {
            let report = timeout(Duration::from_secs(20), reports.recv()).await;
            names.push(match report.expect("in time").expect("a report") {
                Report::Connected { .. } => "connected",
                Report::Disconnected(_) => "disconnected",
                Report::Answer(..) => "answer",
                Report::Event(_) => "event",
            });
        }
        names.retain(|name| *name != "answer");
        assert_eq!(names, ["disconnected", "connected"]);
    }
}
