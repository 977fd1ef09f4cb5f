//! Two nodes in one process talk: SQLCipher stores in a temporary folder, Unix sockets between them, plain threads, no runtime. Run it
//! with `cargo run -p sotto-testkit --example threads`.
//!
//! It is a starting point for programs that cannot use tokio or smol. `driver` is the whole driver, `link` is its part for one stream,
//! `setup` is what it needs of an application, and this file is such an application. The suite `sotto_testkit::driver` checks this
//! driver as it checks the others (`testkit/tests/threads.rs`), and can check yours.

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
use setup::{Listener, Network, Setup};
use sotto_core::row::IdentityRow;
use sotto_core::{Command, ConversationId, FriendCode, Limits, NewMessage, Node, OnionAddress, Reply};
use sotto_io_sqlcipher::{Store, StoreKey};

/// Time between two checks of a condition.
const POLL_INTERVAL: Duration = Duration::from_millis(10);

/// The conversation.
pub(crate) fn main() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let (alice, hers) = new_node(folder.path(), "alice")?;
    let (bob, his) = new_node(folder.path(), "bob")?;

    let code = FriendCode {
        address: his,
        invite: None,
    };
    println!("alice asks {code} to be her friend");
    command(
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
    // Her request may not have arrived yet.
    while command(&bob, consent.clone()).is_err() {
        thread::sleep(POLL_INTERVAL);
    }
    println!("bob accepts");
    for (who, node, to, text) in [
        ("alice", &alice, his, "hello, bob"),
        ("bob", &bob, hers, "hello, alice"),
    ] {
        send(node, to, text)?;
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

/// A node with a new identity, and its address.
fn new_node(folder: &Path, name: &str) -> Result<(Handle, OnionAddress), Box<dyn Error>> {
    let store = Store::create(&folder.join(name), &key())?;
    let node = start(Setup {
        store,
        network: Arc::new(Folder(folder.to_owned())),
        limits: Limits::default(),
        open: Box::new(|image, entropy, limits, now| Ok(Box::new(<Node>::open(image, entropy, limits, now)?))),
    });
    match command(&node, Command::Identity)? {
        Reply::Identity { address, .. } => Ok((node, address)),
        _ => unreachable!("the reply to Identity"),
    }
}

/// A fixed key. A real program has a random one, or derives it from a passphrase.
fn key() -> StoreKey {
    StoreKey::new([1; 32], [2; 16])
}

fn command(node: &Handle, command: Command) -> Result<Reply, Box<dyn Error>> {
    Ok(node.command(command).recv()??)
}

/// Sends a text and waits for its delivery.
fn send(node: &Handle, contact: OnionAddress, text: &str) -> Result<(), Box<dyn Error>> {
    command(node, Command::Send(NewMessage::plain(contact, text)))?;
    while !matches!(command(node, Command::Status)?, Reply::Status(status) if status.queued == 0) {
        thread::sleep(POLL_INTERVAL);
    }
    Ok(())
}

/// A network of Unix sockets in one folder, named by onion address.
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
        // Wakes a thread that waits in `accept`.
        let _ = UnixStream::connect(&self.path);
        let _ = std::fs::remove_file(&self.path);
    }
}
