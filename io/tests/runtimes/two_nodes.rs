//! Two complete nodes on SQLCipher files and Unix sockets.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use futures::FutureExt as _;
use sotto_core::row::{
    Batch, Change, DeliveryState, Image, Key, MessageKey, MessageWithDelivery, Query, RowStore, Rows,
};
use sotto_core::{Command, FriendCode, Limits, MessageId, Millis, NewMessage, OnionAddress, Refusal, Reply, Status};
use sotto_io::{NodeConfig, NodeHandle, Wiretap};
use sotto_io_sqlcipher::{Store, StoreError, StoreKey};
use tempfile::TempDir;

use crate::local::folder;
use crate::test_runtime::{TestRuntime, on_each_runtime};

on_each_runtime![
    contacts_exchange_messages_and_nothing_readable_is_sent_or_stored,
    a_full_disk_delays_messages_and_loses_none,
    a_driver_that_crashes_again_and_again_loses_no_message,
];

const PATIENCE: Duration = Duration::from_mins(2);
const POLL_INTERVAL: Duration = Duration::from_millis(5);

/// A folder with the stores of two profiles, the bytes that they sent, and the messages that they received.
struct Testbed {
    folder: TempDir,
    sent_bytes: Arc<Mutex<Vec<u8>>>,
    received: Received,
}

struct TestNode<R: TestRuntime> {
    handle: NodeHandle,
    task: R::Task<StoreError>,
    address: OnionAddress,
    /// Set, the next commit fails as on a full disk.
    full: Arc<AtomicBool>,
}

/// A SQLCipher store that records the keys of received messages, and can fail one commit as on a full disk.
struct RecordingStore {
    store: Store,
    received: Received,
    full: Arc<AtomicBool>,
}

type Received = Arc<Mutex<BTreeSet<MessageKey>>>;

impl RowStore for RecordingStore {
    type Error = StoreError;

    fn image(&mut self) -> Result<Image, StoreError> {
        self.store.image()
    }

    fn commit(&mut self, batch: &Batch) -> Result<(), StoreError> {
        if self.full.swap(false, Ordering::Relaxed) {
            return Err(StoreError::Full { path: "disk".into() });
        }
        self.store.commit(batch)?;
        let keys = batch.changes.iter().map(Change::key);
        let received = keys.filter_map(|key| match key {
            Key::Message(key) if key.is_from_peer() => Some(key),
            _ => None,
        });
        self.received.lock().expect("received").extend(received);
        Ok(())
    }

    fn fetch(&mut self, query: &Query) -> Result<Rows, StoreError> {
        self.store.fetch(query)
    }

    fn reopen(&mut self) -> Result<(), StoreError> {
        self.store.reopen()
    }

    fn close(self) -> Result<(), StoreError> {
        self.store.close()
    }

    fn is_transient(error: &StoreError) -> bool {
        Store::is_transient(error)
    }
}

impl Testbed {
    fn new() -> Self {
        Self {
            folder: folder(),
            sent_bytes: Arc::default(),
            received: Arc::default(),
        }
    }

    fn store(&self, name: &str) -> Store {
        let path = self.folder.path().join(name);
        let key = StoreKey::new([7; 32], [9; 16]);
        if path.exists() {
            Store::open(&path, &key)
        } else {
            Store::create(&path, &key)
        }
        .expect("a store")
    }

    async fn start<R: TestRuntime>(&self, name: &str) -> TestNode<R> {
        let full = Arc::default();
        let store = RecordingStore {
            store: self.store(name),
            received: self.received.clone(),
            full: Arc::clone(&full),
        };
        let sent_bytes = self.sent_bytes.clone();
        let wiretap = Wiretap::new(move |bytes| sent_bytes.lock().expect("sent bytes").extend_from_slice(bytes));
        let transport = R::local(self.folder.path().join("network")).with_wiretap(wiretap);
        let limits = Limits {
            retry_first: Millis(50),
            retry_cap: Millis(200),
            ..Limits::default()
        };
        let config = NodeConfig {
            store,
            transport: Arc::new(transport),
            limits,
        };
        let (handle, task) = R::start(config).await.expect("starts");
        let Ok(Ok(Reply::Identity { address, .. })) = handle.command(Command::Identity).await else {
            panic!("no identity");
        };
        TestNode {
            handle,
            task,
            address,
            full,
        }
    }

    /// The messages of a profile that is not running, in the order of `keys`.
    fn messages(&self, name: &str, keys: &[MessageKey]) -> Vec<MessageWithDelivery> {
        let mut found = self
            .store(name)
            .fetch(&Query::Messages(keys.to_vec()))
            .expect("fetched")
            .messages;
        found.sort_by_key(|found| keys.iter().position(|key| *key == found.message.key));
        found
    }

    fn files(folder: &Path) -> Vec<u8> {
        let entries = std::fs::read_dir(folder)
            .expect("a folder")
            .map(|entry| entry.expect("an entry").path());
        entries
            .filter(|path| path.is_file())
            .flat_map(|path| std::fs::read(path).expect("a file"))
            .collect()
    }
}

impl<R: TestRuntime> TestNode<R> {
    async fn command(&self, command: Command) -> Result<Reply, Refusal> {
        self.handle.command(command).await.expect("running")
    }

    async fn send(&self, contact: OnionAddress, text: &str, key: &str) -> Option<MessageId> {
        let new_message = NewMessage {
            hops: 0,
            idempotency_key: Some(key.into()),
            ..NewMessage::plain(contact, text)
        };
        match self.handle.command(Command::Send(new_message)).await.ok()? {
            Ok(Reply::Message { id, .. }) => Some(id),
            other => panic!("{other:?}"),
        }
    }

    /// Returns when the outbox is empty.
    async fn deliver_all(&self) {
        let began = Instant::now();
        loop {
            match self.command(Command::Status).await {
                Ok(Reply::Status(Status { queued: 0, .. })) => return,
                Ok(Reply::Status(status)) => assert!(began.elapsed() < PATIENCE, "{status:?}"),
                other => panic!("{other:?}"),
            }
            R::sleep(POLL_INTERVAL).await;
        }
    }

    async fn become_contacts(&self, other: &Self) {
        let code = FriendCode {
            address: other.address,
            invite: None,
        };
        let add = Command::AddContact {
            code,
            petname: None,
            note: "it is me".into(),
        };
        assert_eq!(self.command(add).await, Ok(Reply::Contact(other.address)));
        let began = Instant::now();
        loop {
            match other
                .command(Command::AcceptContact {
                    contact: self.address,
                    petname: None,
                })
                .await
            {
                Ok(Reply::Contact(_)) => break,
                refused => assert!(began.elapsed() < PATIENCE, "{refused:?}"),
            }
            R::sleep(POLL_INTERVAL).await;
        }
        self.deliver_all().await;
        other.deliver_all().await;
    }

    async fn shut_down(self) {
        self.handle.shutdown().await;
        R::join(self.task).await.expect("in order");
    }

    /// Leaves what `kill -9` leaves: what is committed.
    async fn crash(self) {
        R::kill(self.task).await;
    }
}

fn keys(contact: OnionAddress, author: OnionAddress, ids: &[MessageId]) -> Vec<MessageKey> {
    ids.iter().map(|&id| MessageKey::direct(contact, author, id)).collect()
}

fn texts(messages: &[MessageWithDelivery]) -> Vec<&str> {
    assert!(messages.is_sorted_by_key(|found| found.message.order), "out of order");
    messages.iter().map(|found| &*found.message.text).collect()
}

async fn contacts_exchange_messages_and_nothing_readable_is_sent_or_stored<R: TestRuntime>() {
    let testbed = Testbed::new();
    let (alice, bob) = (testbed.start::<R>("alice.db").await, testbed.start::<R>("bob.db").await);
    alice.become_contacts(&bob).await;

    let long = "a long secret ".repeat(1500);
    let bodies: Vec<String> = (0..10)
        .map(|_| "ok".into())
        .chain([long, "the last secret".into()])
        .collect();
    let mut ids = Vec::new();
    for (number, text) in bodies.iter().enumerate() {
        ids.push(
            alice
                .send(bob.address, text, &number.to_string())
                .await
                .expect("queued"),
        );
    }
    let answer = bob.send(alice.address, "a secret back", "1").await.expect("queued");
    alice.deliver_all().await;
    bob.deliver_all().await;
    let (a, b) = (alice.address, bob.address);
    alice.shut_down().await;
    bob.shut_down().await;

    let sent = testbed.messages("alice.db", &keys(b, a, &ids));
    assert_eq!(texts(&sent), bodies);
    let delivered = |found: &MessageWithDelivery| found.delivery.as_ref().map(|row| row.state);
    assert!(
        sent.iter()
            .all(|found| delivered(found) == Some(DeliveryState::Delivered)),
        "{sent:?}"
    );
    assert_eq!(texts(&testbed.messages("bob.db", &keys(a, a, &ids))), bodies);
    assert_eq!(
        texts(&testbed.messages("alice.db", &keys(b, b, &[answer]))),
        ["a secret back"]
    );

    let sent_bytes = testbed.sent_bytes.lock().expect("sent bytes");
    assert!(sent_bytes.len() > 2 * 20_000, "{} bytes sent", sent_bytes.len());
    for (place, bytes) in [
        ("socket", &*sent_bytes),
        ("files", &Testbed::files(testbed.folder.path())),
    ] {
        assert!(!bytes.windows(6).any(|window| window == b"secret"), "{place}");
    }
    let network = testbed.folder.path().join("network");
    assert_eq!(
        std::fs::read_dir(network).expect("a folder").count(),
        0,
        "sockets are removed"
    );
}

async fn a_full_disk_delays_messages_and_loses_none<R: TestRuntime>() {
    let testbed = Testbed::new();
    let (alice, bob) = (testbed.start::<R>("alice.db").await, testbed.start::<R>("bob.db").await);
    alice.become_contacts(&bob).await;
    let (a, b) = (alice.address, bob.address);

    let mut ids = vec![alice.send(b, "one", "one").await.expect("queued")];
    alice.deliver_all().await;
    bob.full.store(true, Ordering::Relaxed);
    ids.push(alice.send(b, "two", "two").await.expect("queued"));
    alice.deliver_all().await;
    assert!(!bob.full.load(Ordering::Relaxed), "a commit was refused");
    alice.shut_down().await;
    bob.shut_down().await;
    assert_eq!(texts(&testbed.messages("bob.db", &keys(a, a, &ids))), ["one", "two"]);
}

async fn a_driver_that_crashes_again_and_again_loses_no_message<R: TestRuntime>() {
    const MESSAGES: usize = 120;
    const RUNS: usize = 6;
    let testbed = Testbed::new();
    let (mut alice, bob) = (testbed.start::<R>("alice.db").await, testbed.start::<R>("bob.db").await);
    alice.become_contacts(&bob).await;
    let (a, b) = (alice.address, bob.address);

    let bodies: Vec<String> = (0..MESSAGES).map(|number| format!("message {number}")).collect();
    let (mut from_alice, mut from_bob) = (Vec::new(), Vec::new());
    for (number, text) in bodies.iter().enumerate() {
        from_bob.push(bob.send(a, text, text).await.expect("queued"));
        if number % (MESSAGES / RUNS) == 7 {
            // Crashes with this command pending. Whether it was carried out is unknown.
            let handle = alice.handle.clone();
            let mut pending = Box::pin(handle.command(Command::SetName("alice".into())));
            let replied = (&mut pending).now_or_never();
            alice.crash().await;
            if replied.is_none() {
                let _ = pending.await;
            }
            alice = testbed.start("alice.db").await;
            assert_eq!(alice.address, a);
        }
        let id = alice.send(b, text, text).await.expect("queued");
        assert_eq!(
            alice.send(b, text, text).await,
            Some(id),
            "the same key is the same message"
        );
        from_alice.push(id);
    }
    alice.deliver_all().await;
    bob.deliver_all().await;
    alice.shut_down().await;
    bob.shut_down().await;

    assert_eq!(texts(&testbed.messages("bob.db", &keys(a, a, &from_alice))), bodies);
    assert_eq!(texts(&testbed.messages("alice.db", &keys(b, b, &from_bob))), bodies);
    // Each message was received once, under one id.
    assert_eq!(testbed.received.lock().expect("received").len(), 2 * MESSAGES);
}
