//! Supervision of a node whose store fails: which errors `start` returns, which are transient, which end the node, and how
//! a node shuts down.

use std::collections::{BTreeMap, VecDeque};
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll};
use std::time::Duration;

use futures::StreamExt as _;
use futures::channel::mpsc::{UnboundedReceiver, UnboundedSender, unbounded};
use futures::future::{FutureExt as _, join, join_all};
use futures::io::{empty, sink};
use sotto_core::row::{Batch, IdentityRow, Image, Query, RowStore, Rows};
use sotto_core::{
    ApplicationEvent, Command, ConversationId, EventSeq, FriendCode, Notice, OnionAddress, OnionSecret, Reply,
};
use sotto_io::{
    DialFuture, DriverError, ListenError, Listener, Missed, NodeConfig, NodeHandle, Offline, Stopped, Stream, Transport,
};
use sotto_testkit::memory_store::MemoryStore;
use tokio::time::{Instant, sleep};

use crate::test_runtime::{TestRuntime, Tokio, on_each_runtime};

on_each_runtime![
    a_first_start_makes_an_identity_that_the_next_one_finds,
    start_returns_its_own_errors,
    a_transient_error_fails_the_pending_commands_and_nothing_else,
    a_permanent_error_ends_the_node,
    a_subscriber_that_lags_behind_is_told_so,
    a_shutdown_commits_and_replies_to_earlier_commands,
    without_handles_the_node_shuts_down,
    a_killed_node_has_closed_its_store_when_it_is_gone,
    a_flood_of_connections_does_not_delay_commands_commits_or_a_shutdown,
    a_panic_in_a_dial_ends_the_node,
    a_network_change_makes_the_node_dial_again,
];

/// A store in memory. The test injects its errors and reads its calls.
#[derive(Clone, Default)]
struct FaultyStore(Arc<Mutex<Inner>>);

#[derive(Debug, thiserror::Error)]
enum Fault {
    #[error("transient")]
    Transient,
    #[error("permanent")]
    Permanent,
}

#[derive(Default)]
struct Inner {
    disk: MemoryStore,
    faults: BTreeMap<&'static str, VecDeque<Fault>>,
    calls: Vec<&'static str>,
}

impl FaultyStore {
    /// While the guard lives, the store's thread waits.
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().expect("store")
    }

    fn fail(&self, call: &'static str, error: Fault) {
        self.inner().faults.entry(call).or_default().push_back(error);
    }

    fn call<T>(&self, call: &'static str, apply: impl FnOnce(&mut MemoryStore) -> T) -> Result<T, Fault> {
        let mut inner = self.inner();
        inner.calls.push(call);
        match inner.faults.get_mut(call).and_then(VecDeque::pop_front) {
            Some(fault) => Err(fault),
            None => Ok(apply(&mut inner.disk)),
        }
    }

    fn count(&self, call: &str) -> usize {
        self.inner().calls.iter().filter(|made| **made == call).count()
    }

    fn name(&self) -> String {
        self.inner().disk.image().identity.expect("an identity").name.clone()
    }
}

impl RowStore for FaultyStore {
    type Error = Fault;

    fn image(&mut self) -> Result<Image, Fault> {
        self.call("image", |disk| MemoryStore::image(disk))
    }

    fn commit(&mut self, batch: &Batch) -> Result<(), Fault> {
        self.call("commit", |disk| disk.apply(batch.clone()))
    }

    fn fetch(&mut self, query: &Query) -> Result<Rows, Fault> {
        self.call("fetch", |disk| MemoryStore::fetch(disk, query))
    }

    fn reopen(&mut self) -> Result<(), Fault> {
        self.call("reopen", |_| ())
    }

    fn close(self) -> Result<(), Fault> {
        self.call("close", |_| ())
    }

    fn is_transient(error: &Fault) -> bool {
        matches!(error, Fault::Transient)
    }
}

async fn start<R: TestRuntime>(store: &FaultyStore) -> (NodeHandle, R::Task<Fault>) {
    R::start(NodeConfig::new(store.clone(), Offline)).await.expect("starts")
}

fn set_name(name: &str) -> Command {
    Command::SetName(name.into())
}

async fn a_first_start_makes_an_identity_that_the_next_one_finds<R: TestRuntime>() {
    let store = FaultyStore::default();
    let mut addresses = Vec::new();
    for _ in 0..2 {
        let (handle, task) = start::<R>(&store).await;
        let stored = store
            .inner()
            .disk
            .image()
            .identity
            .expect("durable before the node listens")
            .address();
        match handle.command(Command::Identity).await {
            Ok(Ok(Reply::Identity { address, .. })) => assert_eq!(address, stored),
            other => panic!("{other:?}"),
        }
        addresses.push(stored);
        handle.shutdown().await;
        R::join(task).await.expect("in order");
    }
    assert_eq!(addresses[0], addresses[1]);
}

async fn start_returns_its_own_errors<R: TestRuntime>() {
    let store = FaultyStore::default();
    store.fail("image", Fault::Transient);
    let error = R::start(NodeConfig::new(store.clone(), Offline))
        .await
        .map(drop)
        .expect_err("no image");
    assert!(matches!(error, DriverError::Store(Fault::Transient)), "{error:?}");
    assert_eq!(store.inner().calls, ["image", "close"], "and the store is closed");

    let file = tempfile::NamedTempFile::new().expect("a file");
    let error = R::start(NodeConfig::new(FaultyStore::default(), R::local(file.path())))
        .await
        .map(drop)
        .expect_err("no directory");
    assert!(
        matches!(error, DriverError::Listen(ListenError::Io { .. })),
        "{error:?}"
    );
}

async fn a_transient_error_fails_the_pending_commands_and_nothing_else<R: TestRuntime>() {
    let store = FaultyStore::default();
    let (handle, task) = start::<R>(&store).await;
    let mut notices = handle.subscribe();
    assert_eq!(handle.command(set_name("before")).await, Ok(Ok(Reply::Done)));
    store.fail("commit", Fault::Transient);
    assert_eq!(handle.command(set_name("lost")).await, Err(Stopped));
    assert_eq!(store.name(), "before");

    assert!(
        matches!(notices.next().await, Some(Ok(Notice::Logged(_)))),
        "a hint to read the log again"
    );
    assert_eq!(notices.next().await, Some(Err(Missed)), "and to tell the node again");
    assert_eq!(handle.command(set_name("after")).await, Ok(Ok(Reply::Done)));
    assert_eq!((store.name().as_str(), store.count("reopen")), ("after", 1));
    handle.shutdown().await;
    R::join(task).await.expect("in order");
}

async fn a_subscriber_that_lags_behind_is_told_so<R: TestRuntime>() {
    let (handle, task) = start::<R>(&FaultyStore::default()).await;
    let mut notices = handle.subscribe();
    let event = ApplicationEvent {
        conversation: ConversationId::Direct(OnionSecret::from_seed(&[7; 32]).address()),
        subject: [0; 16],
        code: 0,
    };
    for _ in 0..300 {
        let log = Command::PutRecords {
            records: Vec::new(),
            event: Some(event),
        };
        assert_eq!(handle.command(log).await, Ok(Ok(Reply::Done)));
    }
    handle.shutdown().await;
    assert_eq!(notices.next().await, Some(Err(Missed)), "the first ones are gone");
    let mut last = None;
    while let Some(notice) = notices.next().await {
        last = Some(notice);
    }
    assert_eq!(last, Some(Ok(Notice::Logged(EventSeq(300)))), "the last ones are not");
    R::join(task).await.expect("in order");
}

// The delays do not depend on the runtime; tokio has a clock that can be paused.
#[tokio::test(start_paused = true)]
async fn delays_double_up_to_a_minute_and_commands_fail_meanwhile() {
    let store = FaultyStore::default();
    let (handle, task) = start::<Tokio>(&store).await;
    store.fail("commit", Fault::Transient);
    for _ in 0..8 {
        store.fail("reopen", Fault::Transient);
    }
    let began = Instant::now();
    assert_eq!(handle.command(set_name("a")).await, Err(Stopped));
    while handle.command(set_name("a")).await == Err(Stopped) {
        sleep(Duration::from_millis(10)).await;
    }
    let waits = 1 + 2 + 4 + 8 + 16 + 32 + 60 + 60 + 60;
    assert_eq!((began.elapsed().as_secs(), store.count("reopen")), (waits, 9));
    handle.shutdown().await;
    Tokio::join(task).await.expect("in order");
}

async fn a_permanent_error_ends_the_node<R: TestRuntime>() {
    let store = FaultyStore::default();
    let (handle, task) = start::<R>(&store).await;
    store.fail("commit", Fault::Permanent);
    assert_eq!(handle.command(set_name("a")).await, Err(Stopped));
    let error = R::join(task).await.expect_err("permanent");
    assert!(matches!(error, DriverError::Store(Fault::Permanent)), "{error:?}");
    assert_eq!(handle.command(set_name("b")).await, Err(Stopped));
    handle.shutdown().await;
    assert_eq!(store.count("close"), 1);
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_does_not_wait_for_a_store_that_fails() {
    let store = FaultyStore::default();
    let (handle, task) = start::<Tokio>(&store).await;
    store.fail("commit", Fault::Transient);
    assert_eq!(handle.command(set_name("a")).await, Err(Stopped));
    let began = Instant::now();
    handle.shutdown().await;
    Tokio::join(task).await.expect("in order");
    assert_eq!(began.elapsed(), Duration::ZERO);
}

#[expect(clippy::await_holding_lock, reason = "the store's thread waits for it")]
async fn a_shutdown_commits_and_replies_to_earlier_commands<R: TestRuntime>() {
    let store = FaultyStore::default();
    let (handle, task) = start::<R>(&store).await;
    let slow_store = store.clone();
    let guard = slow_store.inner();
    let mut commands = join_all((0..20).map(|number| handle.command(Command::SetName(number.to_string()))));
    // The first poll sends the commands, in order.
    assert!((&mut commands).now_or_never().is_none());
    let mut ended = std::pin::pin!(join(commands, handle.shutdown()));
    let early = R::within(Duration::from_millis(50), &mut ended).await;
    assert!(early.is_none(), "replies, though nothing is stored");
    drop(guard);
    for result in ended.await.0 {
        assert_eq!(result, Ok(Ok(Reply::Done)));
    }
    R::join(task).await.expect("in order");
    assert_eq!(store.name(), "19");
    assert_eq!(store.inner().calls.last(), Some(&"close"));
    assert!(
        store.count("commit") < 10,
        "commands that wait for a commit share the next one"
    );
    assert_eq!(handle.command(Command::Status).await, Err(Stopped));
}

async fn without_handles_the_node_shuts_down<R: TestRuntime>() {
    let store = FaultyStore::default();
    let (handle, task) = start::<R>(&store).await;
    drop(handle);
    R::join(task).await.expect("in order");
    assert_eq!(store.count("close"), 1);
}

async fn a_killed_node_has_closed_its_store_when_it_is_gone<R: TestRuntime>() {
    let store = FaultyStore::default();
    let (handle, task) = start::<R>(&store).await;
    assert_eq!(handle.command(set_name("a")).await, Ok(Ok(Reply::Done)));
    R::kill(task).await;
    assert_eq!(store.inner().calls.last(), Some(&"close"));
    assert_eq!(handle.command(Command::Status).await, Err(Stopped));
}

/// A transport that always has one more connection, which ends at once.
struct ConnectionFlood;

impl Transport for ConnectionFlood {
    fn listen(&self, _: &IdentityRow) -> Result<Box<dyn Listener>, ListenError> {
        Ok(Box::new(Self))
    }

    fn dial(&self, peer: OnionAddress) -> DialFuture {
        Offline.dial(peer)
    }
}

impl Listener for ConnectionFlood {
    fn poll_accept(&mut self, _: &mut Context<'_>) -> Poll<Stream> {
        Poll::Ready(Stream::new(empty(), sink()))
    }
}

async fn a_flood_of_connections_does_not_delay_commands_commits_or_a_shutdown<R: TestRuntime>() {
    let store = FaultyStore::default();
    let (handle, task) = R::start(NodeConfig::new(store.clone(), ConnectionFlood))
        .await
        .expect("starts");
    for number in 0..50 {
        assert_eq!(handle.command(set_name(&number.to_string())).await, Ok(Ok(Reply::Done)));
    }
    handle.shutdown().await;
    R::join(task).await.expect("in order");
}

/// A transport whose dials panic, as a bug in a library would.
struct PanickingTransport;

impl Transport for PanickingTransport {
    fn listen(&self, identity: &IdentityRow) -> Result<Box<dyn Listener>, ListenError> {
        Offline.listen(identity)
    }

    fn dial(&self, _: OnionAddress) -> DialFuture {
        Box::pin(async { panic!("a bug in a dial") })
    }
}

async fn a_panic_in_a_dial_ends_the_node<R: TestRuntime>() {
    let store = FaultyStore::default();
    let (handle, task) = R::start(NodeConfig::new(store.clone(), PanickingTransport))
        .await
        .expect("starts");
    let _ = handle.command(add_contact()).await;
    let panic = AssertUnwindSafe(R::join(task))
        .catch_unwind()
        .await
        .expect_err("panics");
    assert_eq!(panic.downcast_ref::<&str>(), Some(&"a bug in a dial"));
    assert_eq!(store.count("close"), 1);
}

fn add_contact() -> Command {
    let code = FriendCode {
        address: OnionSecret::from_seed(&[3; 32]).address(),
        invite: None,
    };
    Command::AddContact {
        code,
        petname: None,
        note: String::new(),
    }
}

/// A transport whose dials all fail, and whose network changes when the test says so.
struct RoamingTransport {
    dials: UnboundedSender<()>,
    network_changes: Mutex<Option<UnboundedReceiver<()>>>,
}

impl Transport for RoamingTransport {
    fn listen(&self, _: &IdentityRow) -> Result<Box<dyn Listener>, ListenError> {
        let network_changes = self.network_changes.lock().expect("transport").take();
        Ok(Box::new(RoamingListener(network_changes.expect("listens once"))))
    }

    fn dial(&self, peer: OnionAddress) -> DialFuture {
        self.dials.unbounded_send(()).expect("a receiver");
        Offline.dial(peer)
    }
}

struct RoamingListener(UnboundedReceiver<()>);

impl Listener for RoamingListener {
    fn poll_accept(&mut self, _: &mut Context<'_>) -> Poll<Stream> {
        Poll::Pending
    }

    fn poll_network_changed(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        match self.0.poll_next_unpin(cx) {
            Poll::Ready(Some(())) => Poll::Ready(()),
            Poll::Ready(None) | Poll::Pending => Poll::Pending,
        }
    }
}

async fn a_network_change_makes_the_node_dial_again<R: TestRuntime>() {
    let ((dials, mut dialled), (change_network, network_changes)) = (unbounded(), unbounded());
    let transport = RoamingTransport {
        dials,
        network_changes: Mutex::new(Some(network_changes)),
    };
    let (handle, task) = R::start(NodeConfig::new(FaultyStore::default(), transport))
        .await
        .expect("starts");
    assert!(matches!(handle.command(add_contact()).await, Ok(Ok(Reply::Contact(_)))));
    dialled.next().await.expect("a first dial");
    for _ in 0..3 {
        // By the time of this reply the node knows that the dial failed. Its next attempt is half a minute away, or more.
        assert_eq!(handle.command(set_name("a")).await, Ok(Ok(Reply::Done)));
        change_network.unbounded_send(()).expect("a receiver");
        dialled.next().await.expect("another dial");
    }
    handle.shutdown().await;
    R::join(task).await.expect("in order");
}
