//! Runs of a node under stores that fail: what `start` reports itself, what passes, what does not, and how it all ends.

use std::collections::{BTreeMap, VecDeque};
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll};
use std::time::Duration;

use futures::StreamExt as _;
use futures::channel::mpsc::{UnboundedReceiver, UnboundedSender, unbounded};
use futures::future::{FutureExt as _, join, join_all};
use futures::io::{empty, sink};
use sotto_core::row::{Batch, IdentityRow, Image, Query, Rows};
use sotto_core::{Command, FriendCode, Notice, OnionAddress, OnionSecret, Reply};
use sotto_io::{
    Config, Dialling, DriverError, ListenError, Listener, NodeHandle, Offline, Stopped, Storage, Stream, Transport,
};
use sotto_io_sqlcipher::StoreError;
use sotto_testkit::disk::Disk;
use tokio::time::{Instant, sleep};

use crate::support::{Host, Tokio, on_each_runtime};

on_each_runtime![
    a_first_start_makes_an_identity_that_the_next_one_finds,
    what_is_wrong_at_the_start_is_for_start_to_say,
    a_fault_that_passes_costs_the_open_commands_and_nothing_else,
    a_fault_that_does_not_pass_ends_the_node,
    a_shutdown_commits_and_answers_what_was_asked_before_it,
    without_handles_the_node_shuts_down,
    a_killed_node_has_closed_its_store_when_it_is_gone,
    a_crowd_of_strangers_does_not_keep_commands_commits_or_a_shutdown_waiting,
    a_panic_in_a_link_is_not_swallowed,
    a_node_hears_from_its_listener_that_the_network_is_another_one,
];

/// A store whose rows, faults and calls the test holds in its hand.
#[derive(Clone, Default)]
struct Shelf(Arc<Mutex<Inner>>);

#[derive(Default)]
struct Inner {
    disk: Disk,
    faults: BTreeMap<&'static str, VecDeque<StoreError>>,
    calls: Vec<&'static str>,
}

impl Shelf {
    /// While it is held, the store's thread waits.
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().expect("shelf")
    }

    fn fail(&self, call: &'static str, error: StoreError) {
        self.inner().faults.entry(call).or_default().push_back(error);
    }

    fn call<T>(&self, call: &'static str, done: impl FnOnce(&mut Disk) -> T) -> Result<T, StoreError> {
        let mut inner = self.inner();
        inner.calls.push(call);
        match inner.faults.get_mut(call).and_then(VecDeque::pop_front) {
            Some(fault) => Err(fault),
            None => Ok(done(&mut inner.disk)),
        }
    }

    fn count(&self, call: &str) -> usize {
        self.inner().calls.iter().filter(|made| **made == call).count()
    }

    fn name(&self) -> String {
        self.inner().disk.image().identity.expect("an identity").name.clone()
    }
}

impl Storage for Shelf {
    fn image(&mut self) -> Result<Image, StoreError> {
        self.call("image", |disk| disk.image())
    }

    fn commit(&mut self, batch: &Batch) -> Result<(), StoreError> {
        self.call("commit", |disk| disk.apply(batch.clone()))
    }

    fn fetch(&mut self, query: &Query) -> Result<Rows, StoreError> {
        self.call("fetch", |disk| disk.fetch(query))
    }

    fn reopen(&mut self) -> Result<(), StoreError> {
        self.call("reopen", |_| ())
    }

    fn close(self: Box<Self>) -> Result<(), StoreError> {
        self.call("close", |_| ())
    }
}

fn full() -> StoreError {
    StoreError::Full { path: "shelf".into() }
}

fn damaged() -> StoreError {
    StoreError::Damaged {
        path: "shelf".into(),
        detail: "mice".into(),
    }
}

async fn run<H: Host>(shelf: &Shelf) -> (NodeHandle, H::Task) {
    H::start(Config::new(shelf.clone(), Offline)).await.expect("starts")
}

fn set_name(name: &str) -> Command {
    Command::SetName(name.into())
}

async fn a_first_start_makes_an_identity_that_the_next_one_finds<H: Host>() {
    let shelf = Shelf::default();
    let mut addresses = Vec::new();
    for _ in 0..2 {
        let (handle, task) = run::<H>(&shelf).await;
        let stored = shelf
            .inner()
            .disk
            .image()
            .identity
            .expect("durable before anything else")
            .address();
        match handle.command(Command::Identity).await {
            Ok(Ok(Reply::Identity { address, .. })) => assert_eq!(address, stored),
            other => panic!("{other:?}"),
        }
        addresses.push(stored);
        handle.shutdown().await;
        H::join(task).await.expect("in order");
    }
    assert_eq!(addresses[0], addresses[1]);
}

async fn what_is_wrong_at_the_start_is_for_start_to_say<H: Host>() {
    let shelf = Shelf::default();
    shelf.fail("image", full());
    let error = H::start(Config::new(shelf.clone(), Offline))
        .await
        .map(drop)
        .expect_err("no image");
    assert!(
        matches!(error, DriverError::Store(StoreError::Full { .. })),
        "{error:?}"
    );
    assert_eq!(shelf.inner().calls, ["image", "close"], "and the store is closed");

    let file = tempfile::NamedTempFile::new().expect("a file");
    let error = H::start(Config::new(Shelf::default(), H::local(file.path())))
        .await
        .map(drop)
        .expect_err("no directory");
    assert!(
        matches!(error, DriverError::Listen(ListenError::Io { .. })),
        "{error:?}"
    );
}

async fn a_fault_that_passes_costs_the_open_commands_and_nothing_else<H: Host>() {
    let shelf = Shelf::default();
    let (handle, task) = run::<H>(&shelf).await;
    let mut notices = handle.subscribe();
    assert_eq!(handle.command(set_name("before")).await, Ok(Ok(Reply::Done)));
    shelf.fail("commit", full());
    assert_eq!(handle.command(set_name("lost")).await, Err(Stopped));
    assert_eq!(shelf.name(), "before");

    assert!(
        matches!(notices.next().await, Some(Notice::Logged(_))),
        "a hint to look again, when it is back"
    );
    assert_eq!(handle.command(set_name("after")).await, Ok(Ok(Reply::Done)));
    assert_eq!((shelf.name().as_str(), shelf.count("reopen")), ("after", 1));
    handle.shutdown().await;
    H::join(task).await.expect("in order");
}

// How long it waits is no affair of the runtime; tokio has the clock that can be stopped.
#[tokio::test(start_paused = true)]
async fn waits_double_up_to_a_minute_and_commands_meanwhile_are_told() {
    let shelf = Shelf::default();
    let (handle, task) = run::<Tokio>(&shelf).await;
    shelf.fail("commit", full());
    for _ in 0..8 {
        shelf.fail("reopen", full());
    }
    let began = Instant::now();
    assert_eq!(handle.command(set_name("a")).await, Err(Stopped));
    while handle.command(set_name("a")).await == Err(Stopped) {
        sleep(Duration::from_millis(10)).await;
    }
    let waits = 1 + 2 + 4 + 8 + 16 + 32 + 60 + 60 + 60;
    assert_eq!((began.elapsed().as_secs(), shelf.count("reopen")), (waits, 9));
    handle.shutdown().await;
    Tokio::join(task).await.expect("in order");
}

async fn a_fault_that_does_not_pass_ends_the_node<H: Host>() {
    let shelf = Shelf::default();
    let (handle, task) = run::<H>(&shelf).await;
    shelf.fail("commit", damaged());
    assert_eq!(handle.command(set_name("a")).await, Err(Stopped));
    let error = H::join(task).await.expect_err("damaged");
    assert!(
        matches!(error, DriverError::Store(StoreError::Damaged { .. })),
        "{error:?}"
    );
    assert_eq!(handle.command(set_name("b")).await, Err(Stopped));
    handle.shutdown().await;
    assert_eq!(shelf.count("close"), 1);
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_does_not_wait_for_a_store_that_fails() {
    let shelf = Shelf::default();
    let (handle, task) = run::<Tokio>(&shelf).await;
    shelf.fail("commit", full());
    assert_eq!(handle.command(set_name("a")).await, Err(Stopped));
    let began = Instant::now();
    handle.shutdown().await;
    Tokio::join(task).await.expect("in order");
    assert_eq!(began.elapsed(), Duration::ZERO);
}

#[expect(clippy::await_holding_lock, reason = "held, it is what the store's thread waits for")]
async fn a_shutdown_commits_and_answers_what_was_asked_before_it<H: Host>() {
    let shelf = Shelf::default();
    let (handle, task) = run::<H>(&shelf).await;
    let disk_is_slow = shelf.clone();
    let held = disk_is_slow.inner();
    let mut asked = join_all((0..20).map(|number| handle.command(Command::SetName(number.to_string()))));
    // Each command is on its way, in order, once it has been polled.
    assert!((&mut asked).now_or_never().is_none());
    let asked_to_stop = handle.shutdown();
    let answered = join(asked, asked_to_stop);
    let mut answered = std::pin::pin!(answered);
    let early = H::within(Duration::from_millis(50), &mut answered).await;
    assert!(early.is_none(), "answered, though nothing is stored");
    drop(held);
    for answer in answered.await.0 {
        assert_eq!(answer, Ok(Ok(Reply::Done)));
    }
    H::join(task).await.expect("in order");
    assert_eq!(shelf.name(), "19");
    assert_eq!(shelf.inner().calls.last(), Some(&"close"));
    assert!(
        shelf.count("commit") < 10,
        "what waits for a commit shares the next one"
    );
    assert_eq!(handle.command(Command::Status).await, Err(Stopped));
}

async fn without_handles_the_node_shuts_down<H: Host>() {
    let shelf = Shelf::default();
    let (handle, task) = run::<H>(&shelf).await;
    drop(handle);
    H::join(task).await.expect("in order");
    assert_eq!(shelf.count("close"), 1);
}

async fn a_killed_node_has_closed_its_store_when_it_is_gone<H: Host>() {
    let shelf = Shelf::default();
    let (handle, task) = run::<H>(&shelf).await;
    assert_eq!(handle.command(set_name("a")).await, Ok(Ok(Reply::Done)));
    H::kill(task).await;
    assert_eq!(shelf.inner().calls.last(), Some(&"close"));
    assert_eq!(handle.command(Command::Status).await, Err(Stopped));
}

/// Strangers without end, each of whom leaves at once.
struct Crowd;

impl Transport for Crowd {
    fn listen(&self, _: &IdentityRow) -> Result<Box<dyn Listener>, ListenError> {
        Ok(Box::new(Self))
    }

    fn dial(&self, peer: OnionAddress) -> Dialling {
        Offline.dial(peer)
    }
}

impl Listener for Crowd {
    fn poll_accept(&mut self, _: &mut Context<'_>) -> Poll<Stream> {
        Poll::Ready(Stream::new(empty(), sink()))
    }
}

async fn a_crowd_of_strangers_does_not_keep_commands_commits_or_a_shutdown_waiting<H: Host>() {
    let shelf = Shelf::default();
    let (handle, task) = H::start(Config::new(shelf.clone(), Crowd)).await.expect("starts");
    for number in 0..50 {
        assert_eq!(handle.command(set_name(&number.to_string())).await, Ok(Ok(Reply::Done)));
    }
    handle.shutdown().await;
    H::join(task).await.expect("in order");
}

/// A transport whose dials panic, as a library's bug would.
struct Broken;

impl Transport for Broken {
    fn listen(&self, identity: &IdentityRow) -> Result<Box<dyn Listener>, ListenError> {
        Offline.listen(identity)
    }

    fn dial(&self, _: OnionAddress) -> Dialling {
        Box::pin(async { panic!("a bug in a dial") })
    }
}

async fn a_panic_in_a_link_is_not_swallowed<H: Host>() {
    let shelf = Shelf::default();
    let (handle, task) = H::start(Config::new(shelf.clone(), Broken)).await.expect("starts");
    let _ = handle.command(add_somebody()).await;
    let panic = AssertUnwindSafe(H::join(task))
        .catch_unwind()
        .await
        .expect_err("panics");
    assert_eq!(panic.downcast_ref::<&str>(), Some(&"a bug in a dial"));
    assert_eq!(shelf.count("close"), 1);
}

fn add_somebody() -> Command {
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

/// A transport without a network, until there is another one.
struct Roaming {
    dials: UnboundedSender<()>,
    disturbances: Mutex<Option<UnboundedReceiver<()>>>,
}

impl Transport for Roaming {
    fn listen(&self, _: &IdentityRow) -> Result<Box<dyn Listener>, ListenError> {
        let disturbances = self.disturbances.lock().expect("transport").take();
        Ok(Box::new(Ear(disturbances.expect("listens once"))))
    }

    fn dial(&self, peer: OnionAddress) -> Dialling {
        self.dials.unbounded_send(()).expect("heard");
        Offline.dial(peer)
    }
}

struct Ear(UnboundedReceiver<()>);

impl Listener for Ear {
    fn poll_accept(&mut self, _: &mut Context<'_>) -> Poll<Stream> {
        Poll::Pending
    }

    fn poll_disturbed(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        match self.0.poll_next_unpin(cx) {
            Poll::Ready(Some(())) => Poll::Ready(()),
            Poll::Ready(None) | Poll::Pending => Poll::Pending,
        }
    }
}

async fn a_node_hears_from_its_listener_that_the_network_is_another_one<H: Host>() {
    let ((dials, mut dialled), (disturb, disturbances)) = (unbounded(), unbounded());
    let transport = Roaming {
        dials,
        disturbances: Mutex::new(Some(disturbances)),
    };
    let (handle, task) = H::start(Config::new(Shelf::default(), transport))
        .await
        .expect("starts");
    assert!(matches!(
        handle.command(add_somebody()).await,
        Ok(Ok(Reply::Contact(_)))
    ));
    dialled.next().await.expect("a first dial");
    for _ in 0..3 {
        // When this is answered, the node has heard that the dial has failed. It would wait half a minute, and then longer.
        assert_eq!(handle.command(set_name("a")).await, Ok(Ok(Reply::Done)));
        disturb.unbounded_send(()).expect("heard");
        dialled.next().await.expect("another one");
    }
    handle.shutdown().await;
    H::join(task).await.expect("in order");
}
