//! [`Peers`]: nodes in this process, contacts of a home, on its network.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::channel;
use std::thread;
use std::time::{Duration, Instant};

use futures::channel::oneshot;
use futures_executor::block_on;
use serde_json::json;
use sotto_core::{Command, NewMessage, OnionAddress, Reply};
use sotto_io_tokio::{Local, NodeConfig, NodeHandle, start};
use sotto_testkit::memory_store::MemoryStore;

use crate::installed::Home;

/// How long the peers may take to agree with the daemon, or to deliver what they have sent.
const PATIENCE: Duration = Duration::from_mins(2);

/// Between two looks.
const LOOK: Duration = Duration::from_millis(20);

/// Nodes that run on one thread until this is dropped.
pub struct Peers {
    nodes: Vec<(OnionAddress, NodeHandle)>,
    to: OnionAddress,
    // The thread ends with it.
    _runs: oneshot::Sender<()>,
}

impl Peers {
    /// As many contacts of a home whose daemon runs.
    pub fn of(home: &Home, count: usize) -> Self {
        let identity = home.call("identity.show", &json!({}));
        let address = identity["onion"].as_str().expect("an address");
        let (runs, ended) = oneshot::channel();
        let nodes = run(&home.local_network(), count, ended);
        let peers = Self {
            nodes,
            to: address.parse().expect("an address"),
            _runs: runs,
        };
        for (address, _) in &peers.nodes {
            home.call("friends.add", &json!({ "code": address.to_string() }));
        }
        for (_, node) in &peers.nodes {
            peers.accept(node);
        }
        peers
    }

    /// Their addresses.
    pub fn addresses(&self) -> impl Iterator<Item = OnionAddress> {
        self.nodes.iter().map(|(address, _)| *address)
    }

    fn accept(&self, node: &NodeHandle) {
        let start = Instant::now();
        loop {
            let accept = Command::AcceptContact {
                contact: self.to,
                petname: None,
            };
            match block_on(node.command(accept)).expect("it runs") {
                Ok(_) => return,
                Err(refusal) => assert!(start.elapsed() < PATIENCE, "no request has come: {refusal}"),
            }
            thread::sleep(LOOK);
        }
    }

    /// Has a peer send a message.
    pub fn send(&self, peer: usize, number: u64) {
        let (_, node) = &self.nodes[peer % self.nodes.len()];
        send(node, self.to, number);
    }

    /// Returns when all that was sent is acknowledged.
    pub fn await_delivery(&self) {
        let start = Instant::now();
        for (_, node) in &self.nodes {
            loop {
                match block_on(node.command(Command::Status)).expect("it runs") {
                    Ok(Reply::Status(status)) if status.queued == 0 => break,
                    _ => assert!(start.elapsed() < PATIENCE, "not delivered"),
                }
                thread::sleep(LOOK);
            }
        }
    }

    /// Has all of them send in turns, with a pause after each message, until the flow is ended.
    pub fn flow(&self, pause: Duration) -> Flow {
        let (nodes, to) = (self.nodes.clone(), self.to);
        let ends = Arc::new(AtomicBool::new(false));
        let ended = ends.clone();
        let thread = thread::spawn(move || {
            let start = Instant::now();
            let mut sent = 0;
            for (number, (_, node)) in (1..).zip(nodes.iter().cycle()) {
                if ended.load(Ordering::Relaxed) {
                    break;
                }
                send(node, to, u64::from(number));
                sent = number;
                thread::sleep((pause * number).saturating_sub(start.elapsed()));
            }
            f64::from(sent) / start.elapsed().as_secs_f64()
        });
        Flow { ends, thread }
    }
}

/// Messages that are sent meanwhile.
pub struct Flow {
    ends: Arc<AtomicBool>,
    thread: thread::JoinHandle<f64>,
}

impl Flow {
    /// Ends it. Returns how many were sent a second.
    pub fn end(self) -> f64 {
        self.ends.store(true, Ordering::Relaxed);
        self.thread.join().expect("it ends")
    }
}

fn send(node: &NodeHandle, to: OnionAddress, number: u64) {
    let message = NewMessage::plain(to, format!("{number:<200}"));
    let sent = block_on(node.submit(Command::Send(message)));
    // The reply comes once it is queued; nothing waits for it.
    drop(sent.expect("it runs"));
}

/// Starts nodes on a thread of their own.
fn run(network: &Path, count: usize, ended: oneshot::Receiver<()>) -> Vec<(OnionAddress, NodeHandle)> {
    let network = network.to_owned();
    let (started, nodes) = channel();
    thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.expect("a runtime").block_on(async {
            for _ in 0..count {
                let config = NodeConfig::new(MemoryStore::default(), Local::new(&network));
                let (node, _) = start(config).await.expect("it starts");
                let Ok(Ok(Reply::Identity { address, .. })) = node.command(Command::Identity).await else {
                    panic!("a node has no identity");
                };
                started.send((address, node)).expect("it is waited for");
            }
            drop(started);
            let _ = ended.await;
        });
    });
    nodes.iter().collect()
}
