//! Two whole nodes on real SQLCipher files and Unix sockets.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use futures::FutureExt as _;
use sotto_core::row::{Batch, Change, DeliveryState, Image, Key, MessageKey, MessageWithDelivery, Query, Rows};
use sotto_core::{
    Command, Direction, Draft, FriendCode, Limits, MessageId, Millis, OnionAddress, Refusal, Reply, Status,
};
use sotto_io::{Config, NodeHandle, Storage, Wiretap};
use sotto_io_sqlcipher::{Store, StoreError, StoreKey};
use tempfile::TempDir;

use crate::support::{Host, on_each_runtime};

on_each_runtime![
    friends_talk_and_nothing_readable_crosses_or_stays,
    a_full_disk_delays_a_talk_and_loses_nothing_of_it,
    a_driver_that_dies_again_and_again_loses_nothing,
];

const PATIENCE: Duration = Duration::from_mins(2);
const LOOK_AGAIN: Duration = Duration::from_millis(5);

/// A machine with two profiles on it: what crossed a socket, and the messages that either received.
struct Machine {
    folder: TempDir,
    crossed: Arc<Mutex<Vec<u8>>>,
    received: Received,
}

struct Person<H: Host> {
    handle: NodeHandle,
    task: H::Task,
    address: OnionAddress,
    /// Makes the disk full for the next commit.
    full: Arc<AtomicBool>,
}

/// A real store that counts the messages that came in, and whose disk can be full for one commit.
struct Watched {
    store: Store,
    received: Received,
    full: Arc<AtomicBool>,
}

type Received = Arc<Mutex<BTreeSet<MessageKey>>>;

impl Storage for Watched {
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
            Key::Message(key) if key.direction == Direction::In => Some(key),
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

    fn close(self: Box<Self>) -> Result<(), StoreError> {
        self.store.close()
    }
}

impl Machine {
    fn new() -> Self {
        Self {
            folder: tempfile::tempdir().expect("a folder"),
            crossed: Arc::default(),
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

    async fn start<H: Host>(&self, name: &str) -> Person<H> {
        let full = Arc::default();
        let store = Watched {
            store: self.store(name),
            received: self.received.clone(),
            full: Arc::clone(&full),
        };
        let crossed = self.crossed.clone();
        let wiretap = Wiretap::new(move |bytes| crossed.lock().expect("crossed").extend_from_slice(bytes));
        let transport = H::local(self.folder.path().join("network")).with_wiretap(wiretap);
        let limits = Limits {
            retry_first: Millis(50),
            retry_cap: Millis(200),
            ..Limits::default()
        };
        let config = Config {
            store: Box::new(store),
            transport: Arc::new(transport),
            limits,
        };
        let (handle, task) = H::start(config).await.expect("starts");
        let Ok(Ok(Reply::Identity { address, .. })) = handle.command(Command::Identity).await else {
            panic!("no identity");
        };
        Person {
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

impl<H: Host> Person<H> {
    async fn ask(&self, command: Command) -> Result<Reply, Refusal> {
        self.handle.command(command).await.expect("running")
    }

    async fn send(&self, contact: OnionAddress, text: &str, key: &str) -> Option<MessageId> {
        let draft = Draft {
            idempotency_key: Some(key.into()),
            ..Draft::plain(contact, text)
        };
        match self.handle.command(Command::Send(draft)).await.ok()? {
            Ok(Reply::Message { id, .. }) => Some(id),
            other => panic!("{other:?}"),
        }
    }

    /// Until nothing waits in the outbox.
    async fn sent_all(&self) {
        let began = Instant::now();
        loop {
            match self.ask(Command::Status).await {
                Ok(Reply::Status(Status { queued: 0, .. })) => return,
                Ok(Reply::Status(status)) => assert!(began.elapsed() < PATIENCE, "{status:?}"),
                other => panic!("{other:?}"),
            }
            H::sleep(LOOK_AGAIN).await;
        }
    }

    async fn befriend(&self, other: &Self) {
        let code = FriendCode {
            address: other.address,
            invite: None,
        };
        let ask = Command::AddContact {
            code,
            petname: None,
            note: "it is me".into(),
        };
        assert_eq!(self.ask(ask).await, Ok(Reply::Contact(other.address)));
        let began = Instant::now();
        loop {
            match other
                .ask(Command::AcceptContact {
                    contact: self.address,
                    petname: None,
                })
                .await
            {
                Ok(Reply::Contact(_)) => break,
                refused => assert!(began.elapsed() < PATIENCE, "{refused:?}"),
            }
            H::sleep(LOOK_AGAIN).await;
        }
        self.sent_all().await;
        other.sent_all().await;
    }

    async fn shut_down(self) {
        self.handle.shutdown().await;
        H::join(self.task).await.expect("in order");
    }

    /// What `kill -9` leaves: whatever was committed.
    async fn crash(self) {
        H::kill(self.task).await;
    }
}

fn keys(contact: OnionAddress, direction: Direction, ids: &[MessageId]) -> Vec<MessageKey> {
    ids.iter().map(|&id| MessageKey { contact, direction, id }).collect()
}

fn texts(messages: &[MessageWithDelivery]) -> Vec<&str> {
    assert!(messages.is_sorted_by_key(|found| found.message.order), "out of order");
    messages.iter().map(|found| &*found.message.text).collect()
}

async fn friends_talk_and_nothing_readable_crosses_or_stays<H: Host>() {
    let machine = Machine::new();
    let (alice, bob) = (machine.start::<H>("alice.db").await, machine.start::<H>("bob.db").await);
    alice.befriend(&bob).await;

    let long = "a long secret ".repeat(1500);
    let said: Vec<String> = (0..10)
        .map(|_| "ok".into())
        .chain([long, "the last secret".into()])
        .collect();
    let mut ids = Vec::new();
    for (number, text) in said.iter().enumerate() {
        ids.push(
            alice
                .send(bob.address, text, &number.to_string())
                .await
                .expect("queued"),
        );
    }
    let answer = bob.send(alice.address, "a secret back", "1").await.expect("queued");
    alice.sent_all().await;
    bob.sent_all().await;
    let (a, b) = (alice.address, bob.address);
    alice.shut_down().await;
    bob.shut_down().await;

    let sent = machine.messages("alice.db", &keys(b, Direction::Out, &ids));
    assert_eq!(texts(&sent), said);
    let delivered = |found: &MessageWithDelivery| found.delivery.as_ref().map(|row| row.state);
    assert!(
        sent.iter()
            .all(|found| delivered(found) == Some(DeliveryState::Delivered)),
        "{sent:?}"
    );
    assert_eq!(texts(&machine.messages("bob.db", &keys(a, Direction::In, &ids))), said);
    assert_eq!(
        texts(&machine.messages("alice.db", &keys(b, Direction::In, &[answer]))),
        ["a secret back"]
    );

    let crossed = machine.crossed.lock().expect("crossed");
    assert!(crossed.len() > 2 * 20_000, "{} bytes crossed", crossed.len());
    for (place, bytes) in [("socket", &*crossed), ("files", &Machine::files(machine.folder.path()))] {
        assert!(!bytes.windows(6).any(|window| window == b"secret"), "{place}");
    }
    let network = machine.folder.path().join("network");
    assert_eq!(
        std::fs::read_dir(network).expect("a folder").count(),
        0,
        "sockets are removed"
    );
}

async fn a_full_disk_delays_a_talk_and_loses_nothing_of_it<H: Host>() {
    let machine = Machine::new();
    let (alice, bob) = (machine.start::<H>("alice.db").await, machine.start::<H>("bob.db").await);
    alice.befriend(&bob).await;
    let (a, b) = (alice.address, bob.address);

    let mut ids = vec![alice.send(b, "one", "one").await.expect("queued")];
    alice.sent_all().await;
    bob.full.store(true, Ordering::Relaxed);
    ids.push(alice.send(b, "two", "two").await.expect("queued"));
    alice.sent_all().await;
    assert!(!bob.full.load(Ordering::Relaxed), "a commit was refused");
    alice.shut_down().await;
    bob.shut_down().await;
    assert_eq!(
        texts(&machine.messages("bob.db", &keys(a, Direction::In, &ids))),
        ["one", "two"]
    );
}

async fn a_driver_that_dies_again_and_again_loses_nothing<H: Host>() {
    const MESSAGES: usize = 120;
    const LIVES: usize = 6;
    let machine = Machine::new();
    let (mut alice, bob) = (machine.start::<H>("alice.db").await, machine.start::<H>("bob.db").await);
    alice.befriend(&bob).await;
    let (a, b) = (alice.address, bob.address);

    let said: Vec<String> = (0..MESSAGES).map(|number| format!("message {number}")).collect();
    let (mut from_alice, mut from_bob) = (Vec::new(), Vec::new());
    for (number, text) in said.iter().enumerate() {
        from_bob.push(bob.send(a, text, text).await.expect("queued"));
        if number % (MESSAGES / LIVES) == 7 {
            // Dies with this command open; whether it was carried out, only asking again can tell.
            let handle = alice.handle.clone();
            let mut unanswered = Box::pin(handle.command(Command::SetName("somebody".into())));
            let answered = (&mut unanswered).now_or_never();
            alice.crash().await;
            if answered.is_none() {
                let _ = unanswered.await;
            }
            alice = machine.start("alice.db").await;
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
    alice.sent_all().await;
    bob.sent_all().await;
    alice.shut_down().await;
    bob.shut_down().await;

    assert_eq!(
        texts(&machine.messages("bob.db", &keys(a, Direction::In, &from_alice))),
        said
    );
    assert_eq!(
        texts(&machine.messages("alice.db", &keys(b, Direction::In, &from_bob))),
        said
    );
    // Each of them came in once: by no other id, and on neither side.
    assert_eq!(machine.received.lock().expect("received").len(), 2 * MESSAGES);
}
