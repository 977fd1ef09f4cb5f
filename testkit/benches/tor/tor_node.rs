//! A node with a store, on tokio and Tor.

use std::time::Duration;

use futures::StreamExt as _;
use sotto_core::{Command, NewMessage, OnionAddress, Reply, Status};
use sotto_io_sqlcipher::{Store, StoreKey};
use sotto_io_tokio::{NodeConfig, NodeHandle, start};
use sotto_io_tor::{Reachability, Tor, TorLimits, runtime};
use tempfile::TempDir;
use toml::Table;
use tor_rtcompat::tokio::TokioRustlsRuntime;

use crate::timed;

pub struct TorNode {
    pub node: NodeHandle,
    pub tor: Tor<TokioRustlsRuntime>,
    pub address: OnionAddress,
    /// From the start of a client without a directory to the proof that its service is reachable.
    pub reachable_after: Duration,
    _folder: TempDir,
}

impl TorNode {
    pub async fn start(table: &Table) -> Self {
        let folder = TempDir::new().expect("a folder");
        let store = Store::create(&folder.path().join("sotto.db"), &StoreKey::new([1; 32], [2; 16])).expect("a store");
        let limits = TorLimits {
            publish_stagger: Duration::ZERO,
            ..TorLimits::DEFAULT
        };
        let (reachable_after, (tor, node)) = timed(async {
            let runtime = runtime::tokio().expect("tokio");
            let tor = Tor::start(runtime, &folder.path().join("tor"), table.clone(), limits).expect("Tor starts");
            let (node, _) = start(NodeConfig::new(store, tor.clone())).await.expect("a node");
            let mut changes = tor.status_changes();
            while changes.next().await.expect("Tor runs").reachability != Reachability::Reachable {}
            (tor, node)
        })
        .await;
        let Ok(Ok(Reply::Identity { address, .. })) = node.command(Command::Identity).await else {
            panic!("no identity")
        };
        Self {
            node,
            tor,
            address,
            reachable_after,
            _folder: folder,
        }
    }

    /// Returns when both are contacts and a first message was delivered.
    pub async fn befriend(&self, other: &Self) {
        let invite = other.ask(Command::CreateInvite).await;
        let Reply::Invite(code) = invite else {
            panic!("{invite:?}")
        };
        self.ask(Command::AddContact {
            code,
            petname: None,
            note: String::new(),
        })
        .await;
        self.deliver(other, "hello", 1).await;
    }

    /// Shuts down.
    pub async fn shut_down(self) {
        self.node.shutdown().await;
        self.tor.close().await;
    }

    /// The time from sending the first of `count` messages until the last is delivered.
    pub async fn deliver(&self, to: &Self, text: &str, count: u32) -> Duration {
        let mut notices = self.node.subscribe();
        let sending = async {
            for _ in 0..count {
                self.ask(Command::Send(new_message(to.address, text))).await;
            }
            while self.queued().await > 0 {
                let _ = notices.next().await.expect("the node runs");
            }
        };
        timed(sending).await.0
    }

    async fn queued(&self) -> usize {
        match self.ask(Command::Status).await {
            Reply::Status(Status { queued, .. }) => queued,
            other => panic!("{other:?}"),
        }
    }

    async fn ask(&self, command: Command) -> Reply {
        self.node
            .command(command)
            .await
            .expect("the node runs")
            .expect("granted")
    }
}

fn new_message(contact: OnionAddress, text: &str) -> NewMessage {
    NewMessage::plain(contact, text)
}
