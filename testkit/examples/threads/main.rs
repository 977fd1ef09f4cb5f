//! Two people talk, each with a whole node: SQLCipher stores in a temporary folder, Unix sockets in between, plain threads,
//! no runtime. Run it with `cargo run -p sotto-testkit --example threads`.
//!
//! Whoever embeds Sotto where tokio and smol do not go begins here. `driver` is all that stands between a node and a
//! machine; `link` is what it does for each stream; `setup` says what it wants of an application, and this file is one: where
//! rows are kept, how peers are reached, and what people want. The suite in `sotto_testkit::driver` holds this driver to the same contract as the
//! others (`testkit/tests/threads.rs`), and is there for yours.

mod driver;
mod event;
pub(crate) mod handle;
mod link;
pub(crate) mod setup;

use std::error::Error;
use std::io;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use handle::{Handle, start};
use setup::{Listener, Network, Setup, Storage};
use sotto_core::row::{Batch, IdentityRow, Image, Query, Rows};
use sotto_core::{Command, ConversationId, Draft, FriendCode, Limits, Node, OnionAddress, Reply};
use sotto_io_sqlcipher::{Store, StoreError, StoreKey};

/// Until something that waits for the other side is looked at again.
const LOOK: Duration = Duration::from_millis(10);

/// The conversation.
pub(crate) fn main() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let (alice, hers) = person(folder.path(), "alice")?;
    let (bob, his) = person(folder.path(), "bob")?;

    let code = FriendCode {
        address: his,
        invite: None,
    };
    println!("alice asks {code} to be her friend");
    ask(
        &alice,
        Command::AddContact {
            code,
            petname: Some("bob".into()),
            note: "it is me".into(),
        },
    )?;
    let consent = Command::AcceptContact {
        contact: hers,
        petname: Some("alice".into()),
    };
    // Her request is on its way to him.
    while ask(&bob, consent.clone()).is_err() {
        thread::sleep(LOOK);
    }
    println!("bob accepts");
    for (who, node, to, text) in [
        ("alice", &alice, his, "hello, bob"),
        ("bob", &bob, hers, "hello, alice"),
    ] {
        say(node, to, text)?;
        println!("{who} says {text:?}, and it is delivered");
    }
    alice.shut_down().map_err(|error| error.to_string())?;
    bob.shut_down().map_err(|error| error.to_string())?;

    for name in ["alice", "bob"] {
        let store = Store::open(&folder.path().join(name), &key())?;
        println!("{name} remembers:");
        let with = if name == "alice" { his } else { hers };
        for message in store.reader()?.history(&ConversationId::Direct(with), 10, None)? {
            println!("  {:?} {}", message.direction, message.text);
        }
    }
    Ok(())
}

/// A node of a new identity, and its address.
fn person(folder: &Path, name: &str) -> Result<(Handle, OnionAddress), Box<dyn Error>> {
    let store = Store::create(&folder.join(name), &key())?;
    let node = start(Setup {
        store: Box::new(store),
        network: Arc::new(Folder(folder.to_owned())),
        limits: Limits::default(),
        open: Box::new(|image, entropy, limits, now| Ok(Box::new(<Node>::open(image, entropy, limits, now)?))),
    });
    match ask(&node, Command::Identity)? {
        Reply::Identity { address, .. } => Ok((node, address)),
        _ => unreachable!("who we are"),
    }
}

/// A random key, or one made from a passphrase, in real life.
fn key() -> StoreKey {
    StoreKey::new([1; 32], [2; 16])
}

fn ask(node: &Handle, command: Command) -> Result<Reply, Box<dyn Error>> {
    Ok(node.command(command).recv()??)
}

/// Sends a text, and waits until the other side has it.
fn say(node: &Handle, contact: OnionAddress, text: &str) -> Result<(), Box<dyn Error>> {
    ask(node, Command::Send(Draft::plain(contact, text)))?;
    while !matches!(ask(node, Command::Status)?, Reply::Status(status) if status.queued == 0) {
        thread::sleep(LOOK);
    }
    Ok(())
}

impl Storage for Store {
    fn image(&mut self) -> Result<Image, StoreError> {
        self.image()
    }

    fn commit(&mut self, batch: &Batch) -> Result<(), StoreError> {
        self.commit(batch)
    }

    fn fetch(&mut self, query: &Query) -> Result<Rows, StoreError> {
        self.fetch(query)
    }

    fn reopen(&mut self) -> Result<(), StoreError> {
        self.reopen()
    }

    fn close(self: Box<Self>) -> Result<(), StoreError> {
        (*self).close()
    }
}

/// Peers listen on Unix sockets in one folder, under their addresses.
struct Folder(PathBuf);

struct Socket {
    listener: UnixListener,
    path: PathBuf,
    closed: AtomicBool,
}

impl Network for Folder {
    fn listen(&self, identity: &IdentityRow) -> io::Result<Arc<dyn Listener>> {
        let path = self.0.join(identity.address().to_string());
        let listener = UnixListener::bind(&path)?;
        Ok(Arc::new(Socket {
            listener,
            path,
            closed: AtomicBool::new(false),
        }))
    }

    fn dial(&self, peer: OnionAddress) -> io::Result<UnixStream> {
        UnixStream::connect(self.0.join(peer.to_string()))
    }
}

impl Listener for Socket {
    fn accept(&self) -> Option<UnixStream> {
        let stream = self.listener.accept().ok();
        stream
            .filter(|_| !self.closed.load(Ordering::Relaxed))
            .map(|(stream, _)| stream)
    }

    fn close(&self) {
        self.closed.store(true, Ordering::Relaxed);
        // Wakes whoever waits in `accept`.
        let _ = UnixStream::connect(&self.path);
        let _ = std::fs::remove_file(&self.path);
    }
}
