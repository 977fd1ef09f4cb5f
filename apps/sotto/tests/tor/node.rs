//! A node as the tests see it, whatever it runs on: a process that can be killed, an address, and messages.

use std::fmt;
use std::mem;
use std::path::Path;
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sotto_io_sqlcipher::{Store, StoreKey};
use sotto_tor_network::TorNetwork;
use tempfile::TempDir;
use toml::Table;

use crate::daemon::Daemon;
use crate::smol_node::SmolNode;

/// Longer than anything takes unless it hangs. Circuits that lead through dead relays time out one after another, on a
/// machine that may have other things to do.
pub const PATIENCE: Duration = Duration::from_mins(4);
const PAUSE: Duration = Duration::from_millis(50);

/// Sotto, on one runtime or another. Dropped, it is killed.
pub trait Node {
    /// Starts it in its folder, and returns when it can be asked.
    fn start(&mut self);
    /// `kill -9`
    fn kill(&mut self);
    /// Its onion address, as it was when it was first known.
    fn address(&self) -> &str;
    /// Its onion address, as it says itself, running.
    fn says_its_address(&mut self) -> String;
    /// Where it keeps everything.
    fn folder(&self) -> &Path;
    /// The seed of its onion key, out of its store; it must not be running.
    fn seed(&self) -> [u8; 32];
    /// A friend code that is good for one friend.
    fn invite(&mut self) -> String;
    /// Asks the owner of a code to be friends.
    fn befriend(&mut self, code: &str);
    /// Whether both have consented, as far as this side knows.
    fn is_friend(&mut self, of: &str) -> bool;
    /// Queues a text.
    fn send(&mut self, to: &str, text: &str);
    /// The whole conversation, the oldest message first.
    fn history(&mut self, with: &str) -> Vec<Message>;
    /// All that there is to see of it.
    fn picture(&mut self) -> Picture;
}

/// A message, as far as these tests care.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    pub text: String,
    pub progress: Progress,
}

/// Which way it goes, and how far it has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Progress {
    Came,
    Waits,
    Arrived,
}

/// A node, as its owner sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Picture {
    /// Contacts, requests, conversations, outbox, event log, and how much of each there is. Not when a link was last
    /// alive: links come and go, and one that carries nothing for minutes is given up.
    pub kept: Value,
    /// What peers did wrong since its start.
    pub faults: u64,
}

/// What a node runs on.
#[derive(Clone, Copy, Debug)]
pub enum Runtime {
    /// The program `sotto`.
    Tokio,
    /// See [`smol_node`](crate::smol_node).
    Smol,
}

/// A node with a fresh identity, running, in a folder that goes with it.
pub fn node(runtime: Runtime, network: &Table) -> Box<dyn Node> {
    let folder = TempDir::with_prefix("sotto-").expect("a folder");
    let mut node: Box<dyn Node> = match runtime {
        Runtime::Tokio => Box::new(Daemon::new(folder, network)),
        Runtime::Smol => Box::new(SmolNode::new(folder, network)),
    };
    node.start();
    node
}

/// Two who are friends by an invite.
pub fn friends(runtimes: [Runtime; 2], network: &Table) -> [Box<dyn Node>; 2] {
    let mut nodes = runtimes.map(|runtime| node(runtime, network));
    let [one, other] = &mut nodes;
    befriend(&mut **one, &mut **other);
    nodes
}

/// Makes them friends by an invite.
pub fn befriend(one: &mut dyn Node, other: &mut dyn Node) {
    let code = one.invite();
    other.befriend(&code);
    let addresses = [other.address().to_owned(), one.address().to_owned()];
    until("they are friends", || {
        let known = [one.is_friend(&addresses[0]), other.is_friend(&addresses[1])];
        if known == [true; 2] { Ok(()) } else { Err(known) }
    });
}

/// Says something, which arrives.
pub fn tell(from: &mut dyn Node, to: &mut dyn Node, text: &str) {
    from.send(to.address(), text);
    arrived(from, to, &[text]);
}

/// Waits until the last messages that `to` has from `from` are these, and `from` knows it of all that it has sent.
pub fn arrived(from: &mut dyn Node, to: &mut dyn Node, texts: &[&str]) {
    let (sender, receiver) = (from.address().to_owned(), to.address().to_owned());
    until("they come", || {
        let history = to.history(&sender);
        let came: Vec<_> = history.iter().filter(|it| it.progress == Progress::Came).collect();
        let last = &came[came.len().saturating_sub(texts.len())..];
        if last.iter().map(|it| &*it.text).eq(texts.iter().copied()) {
            Ok(())
        } else {
            Err(history)
        }
    });
    until("the sender hears of it", || {
        let history = from.history(&receiver);
        if history.iter().any(|it| it.progress == Progress::Waits) {
            Err(history)
        } else {
            Ok(())
        }
    });
}

/// The picture of a node in which nothing goes on any more.
pub fn at_rest(node: &mut dyn Node) -> Picture {
    const REST: Duration = Duration::from_secs(3);
    let mut last = node.picture();
    until("nothing changes any more", || {
        thread::sleep(REST);
        let before = mem::replace(&mut last, node.picture());
        if before.kept == last.kept { Ok(()) } else { Err(before) }
    });
    last
}

/// The seed of the onion key that is in a store.
pub fn seed_in(database: &Path, key: &StoreKey) -> [u8; 32] {
    let mut store = Store::open(database, key).expect("a store");
    let image = store.image().expect("rows");
    image.identity.expect("an identity").onion_seed
}

/// Looks until it holds.
pub fn until<T, W: fmt::Debug>(what: &str, mut holds: impl FnMut() -> Result<T, W>) -> T {
    let since = Instant::now();
    loop {
        match holds() {
            Ok(held) => return held,
            Err(instead) if since.elapsed() > PATIENCE => panic!("waited in vain until {what}: {instead:#?}"),
            Err(_) => thread::sleep(PAUSE),
        }
    }
}

/// The network of all tests that do it no harm. It is never dropped: it ends with this process.
pub fn shared_network() -> MutexGuard<'static, TorNetwork> {
    static NETWORK: LazyLock<Mutex<TorNetwork>> =
        LazyLock::new(|| Mutex::new(TorNetwork::start().unwrap_or_else(|error| panic!("{error}"))));
    NETWORK.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A network that can be harmed, with relays to spare.
pub fn own_network() -> TorNetwork {
    const RELAYS: usize = 16;
    TorNetwork::start_with(RELAYS).unwrap_or_else(|error| panic!("{error}"))
}
