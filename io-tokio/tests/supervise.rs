//! Runs of a node under stores that fail: what `start` reports itself, what passes, what does not, and how it all ends.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll};
use std::time::Duration;

use sotto_core::row::{Batch, IdentityRow, Image, Query, Rows};
use sotto_core::{Command, FriendCode, Notice, OnionAddress, OnionSecret, Reply};
use sotto_io_sqlcipher::StoreError;
use sotto_io_tokio::{
    Config, Dialling, DriverError, ListenError, Listener, Local, NodeHandle, Offline, Stopped, Storage, Stream,
    Transport, start,
};
use sotto_testkit::disk::Disk;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};

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

type Task = JoinHandle<Result<(), DriverError>>;

async fn run(shelf: &Shelf) -> (NodeHandle, Task) {
    start(Config::new(shelf.clone(), Offline)).await.expect("starts")
}

async fn ended(task: Task) -> Result<(), DriverError> {
    timeout(Duration::from_secs(3600), task)
        .await
        .expect("ends in time")
        .expect("does not panic")
}

fn set_name(name: &str) -> Command {
    Command::SetName(name.into())
}

#[tokio::test]
async fn a_first_start_makes_an_identity_that_the_next_one_finds() {
    let shelf = Shelf::default();
    let mut addresses = Vec::new();
    for _ in 0..2 {
        let (handle, task) = run(&shelf).await;
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
        ended(task).await.expect("in order");
    }
    assert_eq!(addresses[0], addresses[1]);
}

#[tokio::test]
async fn what_is_wrong_at_the_start_is_for_start_to_say() {
    let shelf = Shelf::default();
    shelf.fail("image", full());
    let error = start(Config::new(shelf.clone(), Offline)).await.expect_err("no image");
    assert!(
        matches!(error, DriverError::Store(StoreError::Full { .. })),
        "{error:?}"
    );
    assert_eq!(shelf.inner().calls, ["image", "close"], "and the store is closed");

    let file = tempfile::NamedTempFile::new().expect("a file");
    let error = start(Config::new(Shelf::default(), Local::new(file.path())))
        .await
        .expect_err("no directory");
    assert!(
        matches!(error, DriverError::Listen(ListenError::Io { .. })),
        "{error:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_fault_that_passes_costs_the_open_commands_and_nothing_else() {
    let shelf = Shelf::default();
    let (handle, task) = run(&shelf).await;
    let mut notices = handle.subscribe();
    assert_eq!(handle.command(set_name("before")).await, Ok(Ok(Reply::Done)));
    shelf.fail("commit", full());
    assert_eq!(handle.command(set_name("lost")).await, Err(Stopped));
    assert_eq!(shelf.name(), "before");

    assert!(
        matches!(notices.recv().await, Ok(Notice::Logged(_))),
        "a hint to look again, when it is back"
    );
    assert_eq!(handle.command(set_name("after")).await, Ok(Ok(Reply::Done)));
    assert_eq!((shelf.name().as_str(), shelf.count("reopen")), ("after", 1));
    handle.shutdown().await;
    ended(task).await.expect("in order");
}

#[tokio::test(start_paused = true)]
async fn waits_double_up_to_a_minute_and_commands_meanwhile_are_told() {
    let shelf = Shelf::default();
    let (handle, task) = run(&shelf).await;
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
    ended(task).await.expect("in order");
}

#[tokio::test]
async fn a_fault_that_does_not_pass_ends_the_node() {
    let shelf = Shelf::default();
    let (handle, task) = run(&shelf).await;
    shelf.fail("commit", damaged());
    assert_eq!(handle.command(set_name("a")).await, Err(Stopped));
    let error = ended(task).await.expect_err("damaged");
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
    let (handle, task) = run(&shelf).await;
    shelf.fail("commit", full());
    assert_eq!(handle.command(set_name("a")).await, Err(Stopped));
    let began = Instant::now();
    handle.shutdown().await;
    ended(task).await.expect("in order");
    assert_eq!(began.elapsed(), Duration::ZERO);
}

#[tokio::test]
#[expect(clippy::await_holding_lock, reason = "held, it is what the store's thread waits for")]
async fn a_shutdown_commits_and_answers_what_was_asked_before_it() {
    let shelf = Shelf::default();
    let (handle, task) = run(&shelf).await;
    let disk_is_slow = shelf.clone();
    let held = disk_is_slow.inner();
    let asked: Vec<_> = (0..20)
        .map(|number| {
            let handle = handle.clone();
            tokio::spawn(async move { handle.command(set_name(&number.to_string())).await })
        })
        .collect();
    // Each task has sent its command, in order, once it has been polled.
    tokio::task::yield_now().await;
    let asked_to_stop = tokio::spawn({
        let handle = handle.clone();
        async move { handle.shutdown().await }
    });
    tokio::task::yield_now().await;
    assert!(!asked_to_stop.is_finished());
    drop(held);
    asked_to_stop.await.expect("shut down");
    for answer in asked {
        assert_eq!(answer.await.expect("answered"), Ok(Ok(Reply::Done)));
    }
    ended(task).await.expect("in order");
    assert_eq!(shelf.name(), "19");
    assert_eq!(shelf.inner().calls.last(), Some(&"close"));
    assert!(
        shelf.count("commit") < 10,
        "what waits for a commit shares the next one"
    );
    assert_eq!(handle.command(Command::Status).await, Err(Stopped));
}

#[tokio::test]
async fn without_handles_the_node_shuts_down() {
    let shelf = Shelf::default();
    let (handle, task) = run(&shelf).await;
    drop(handle);
    ended(task).await.expect("in order");
    assert_eq!(shelf.count("close"), 1);
}

#[tokio::test]
async fn an_aborted_task_has_closed_its_store_when_it_is_gone() {
    let shelf = Shelf::default();
    let (handle, task) = run(&shelf).await;
    assert_eq!(handle.command(set_name("a")).await, Ok(Ok(Reply::Done)));
    task.abort();
    assert!(task.await.expect_err("aborted").is_cancelled());
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
        Poll::Ready(Stream::new(futures_util::io::empty(), futures_util::io::sink()))
    }
}

#[tokio::test]
async fn a_crowd_of_strangers_does_not_keep_commands_commits_or_a_shutdown_waiting() {
    let shelf = Shelf::default();
    let (handle, task) = start(Config::new(shelf.clone(), Crowd)).await.expect("starts");
    for number in 0..50 {
        let answer = timeout(Duration::from_secs(60), handle.command(set_name(&number.to_string())));
        assert_eq!(answer.await.expect("answered in time"), Ok(Ok(Reply::Done)));
    }
    timeout(Duration::from_secs(60), handle.shutdown())
        .await
        .expect("ends in time");
    ended(task).await.expect("in order");
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

#[tokio::test]
async fn a_panic_in_a_link_is_not_swallowed() {
    let shelf = Shelf::default();
    let (handle, task) = start(Config::new(shelf.clone(), Broken)).await.expect("starts");
    let code = FriendCode {
        address: OnionSecret::from_seed(&[3; 32]).address(),
        invite: None,
    };
    let ask = Command::AddContact {
        code,
        petname: None,
        note: String::new(),
    };
    let _ = handle.command(ask).await;
    let panic = timeout(Duration::from_secs(60), task)
        .await
        .expect("in time")
        .expect_err("panics")
        .into_panic();
    assert_eq!(panic.downcast_ref::<&str>(), Some(&"a bug in a dial"));
    assert_eq!(shelf.count("close"), 1);
}
