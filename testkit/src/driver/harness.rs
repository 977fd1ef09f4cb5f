//! [`Harness`]: a driver under test with a fake store, a fake network and a real or a scripted node, and the waiting for what
//! the driver must do.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use sotto_core::row::{Batch, Row};
use sotto_core::{Command, Input, Limits, Machine, Millis, Node, Notice, Now, Output, Refusal, Reply};

use super::scripted_node::{DeadlineChange, ScriptedNode};
use super::{
    CallLog, Driver, FakeNetwork, FakeStore, InFlight, Open, PeerNode, PendingReply, RunningNode, Setup, TaskLifetime,
};
use crate::host::Host;
use crate::memory_store::MemoryStore;

/// Time between two checks of a condition.
const POLL_INTERVAL: Duration = Duration::from_micros(300);

/// A driver under test and its environment.
pub struct Harness<'d> {
    driver: &'d dyn Driver,
    open: Arc<Open>,
    /// The limits of its node.
    pub limits: Limits,
    /// Its store.
    pub store: FakeStore,
    /// Its network.
    pub network: FakeNetwork,
    /// Its lifetime, if it is a future.
    pub lifetime: TaskLifetime,
    /// Its inputs and outputs.
    pub log: CallLog,
    /// Its node, if that is scripted.
    pub script: ScriptedNode,
    /// The other node, which accepts every dial.
    pub peer: Option<PeerNode>,
    /// Notices so far.
    pub notices: Vec<Notice>,
    running: Option<Box<dyn RunningNode>>,
    commands: Vec<CommandState>,
}

/// A command that was given. The reply is `None` if the node stopped before it replied.
enum CommandState {
    Pending(PendingReply),
    Replied(Option<Result<Reply, Refusal>>),
}

/// Names a command that was given.
#[derive(Clone, Copy, Debug)]
pub struct CommandHandle(usize);

impl<'d> Harness<'d> {
    /// A harness with a scripted node, started. The store holds an identity.
    pub fn with_scripted_node(driver: &'d dyn Driver) -> Self {
        let script = ScriptedNode::default();
        let node = script.clone();
        let open = move |_, _, _, _| Ok(Box::new(node.clone()) as Box<dyn Machine>);
        let mut harness = Self::new(driver, new_identity_store(1), Limits::default(), Arc::new(open));
        harness.script = script;
        harness.start();
        harness
    }

    /// A harness with a real node on these rows, not started yet.
    pub fn with_node(driver: &'d dyn Driver, disk: MemoryStore, limits: Limits) -> Self {
        Self::with_clock(driver, disk, limits, |now| now)
    }

    /// A harness with a real node whose clocks are changed by `clock`, not started yet.
    pub fn with_clock(
        driver: &'d dyn Driver,
        disk: MemoryStore,
        limits: Limits,
        clock: impl Fn(Now) -> Now + Send + Sync + 'static,
    ) -> Self {
        let clock = Arc::new(clock);
        let open = move |image, entropy, limits, now| {
            let node = Node::open(image, entropy, limits, clock(now))?;
            let clock = Arc::clone(&clock);
            Ok(Box::new(ReclockedNode { node, clock }) as Box<dyn Machine>)
        };
        Self::new(driver, disk, limits, Arc::new(open))
    }

    /// A harness with the node that `open` makes, not started yet.
    pub fn new(driver: &'d dyn Driver, disk: MemoryStore, limits: Limits, open: Arc<Open>) -> Self {
        Self {
            driver,
            open,
            limits,
            store: FakeStore::of(disk),
            network: FakeNetwork::default(),
            lifetime: TaskLifetime::default(),
            log: CallLog::default(),
            script: ScriptedNode::default(),
            peer: None,
            notices: Vec::new(),
            running: None,
            commands: Vec::new(),
        }
    }

    /// Starts the driver.
    pub fn start(&mut self) {
        let (open, log, store) = (Arc::clone(&self.open), self.log.clone(), self.store.clone());
        let checked = move |image, entropy, limits, now| {
            let machine = open(image, entropy, limits, now)?;
            Ok(Box::new(log.check(machine, store.clone())) as Box<dyn Machine>)
        };
        let setup = Setup {
            store: self.store.clone(),
            network: self.network.clone(),
            limits: self.limits.clone(),
            open: Arc::new(checked),
            lifetime: self.lifetime.clone(),
        };
        self.running = Some(self.driver.start(setup));
        self.until("the driver listens or has ended", |harness| {
            harness.network.listening().is_some() || harness.lifetime.is_over()
        });
    }

    /// Starts the driver again on the same rows, after a crash or a shutdown.
    pub fn restart(&mut self) {
        self.store = FakeStore::of(self.store.disk());
        self.network = FakeNetwork::default();
        self.lifetime = TaskLifetime::default();
        self.log = CallLog::default();
        self.commands.clear();
        let _ = self.peer.as_mut().map(PeerNode::cut);
        self.start();
    }

    /// Gives the scripted node these outputs, followed by a reply.
    pub fn emit(&mut self, outputs: impl IntoIterator<Item = Output>) -> CommandHandle {
        self.script.prepare(outputs);
        self.command(ScriptedNode::trigger())
    }

    /// Changes the deadline of the scripted node.
    pub fn set_deadline(&mut self, change: DeadlineChange) -> CommandHandle {
        self.script.set_deadline(change);
        self.command(ScriptedNode::trigger())
    }

    /// Gives a command.
    pub fn command(&mut self, command: Command) -> CommandHandle {
        let running = self.running.as_ref().expect("the driver runs");
        self.commands.push(CommandState::Pending(running.command(command)));
        self.poll();
        CommandHandle(self.commands.len() - 1)
    }

    /// The reply, if it is there. `Some(None)` if the node stopped before it replied.
    pub fn reply(&self, command: CommandHandle) -> Option<&Option<Result<Reply, Refusal>>> {
        match &self.commands[command.0] {
            CommandState::Pending(_) => None,
            CommandState::Replied(reply) => Some(reply),
        }
    }

    /// Waits for a reply that is no refusal.
    pub fn expect_reply(&mut self, command: CommandHandle) -> Reply {
        self.until("the command gets its reply", |harness| harness.reply(command).is_some());
        match self.reply(command) {
            Some(Some(Ok(reply))) => reply.clone(),
            other => panic!("the reply is {other:?}"),
        }
    }

    /// Gives a command until a node replies.
    pub fn command_until_replied(&mut self, command: &Command) -> Result<Reply, Refusal> {
        loop {
            let command = self.command(command.clone());
            self.until("the command gets its reply", |harness| harness.reply(command).is_some());
            match self.reply(command) {
                Some(Some(reply)) => return reply.clone(),
                _ => self.let_pass(POLL_INTERVAL),
            }
        }
    }

    /// Waits for an input.
    pub fn until_input(&mut self, input: &Input) {
        self.until(&format!("the input {input:?}"), |harness| {
            harness.log.count(|given| given == input) > 0
        });
    }

    /// Waits until every output has its completion.
    pub fn until_completed(&mut self) {
        self.until("every output is completed", |harness| {
            harness.log.is_asleep() && harness.log.open().is_empty()
        });
    }

    /// Waits for a condition. Panics when the driver violates the contract, or after [`Driver::timeout`].
    pub fn until(&mut self, what: &str, mut condition: impl FnMut(&mut Self) -> bool) {
        let start = Instant::now();
        loop {
            self.poll();
            if let Some(violation) = self.log.violation() {
                panic!("the contract is violated: {violation}");
            }
            if condition(self) {
                return;
            }
            let waited = start.elapsed();
            assert!(
                waited < self.driver.timeout(),
                "not within {waited:?}: {what}; open: [{}]",
                self.log.open()
            );
            thread::sleep(POLL_INTERVAL);
        }
    }

    /// Lets time pass, in which a wrong driver may misbehave.
    pub fn let_pass(&mut self, span: Duration) {
        let end = Instant::now() + span;
        self.until("time passes", |_| Instant::now() >= end);
    }

    /// Begins a shutdown.
    pub fn begin_shutdown(&mut self) -> JoinHandle<()> {
        let running = self.running.take().expect("the driver runs");
        thread::spawn(move || running.shut_down())
    }

    /// Waits for the end of a shutdown.
    pub fn join(&mut self, shutdown: JoinHandle<()>) {
        self.until("the shutdown ends", |_| shutdown.is_finished());
        shutdown.join().expect("the driver does not panic");
    }

    /// Shuts the driver down.
    pub fn shut_down(&mut self) {
        let shutdown = self.begin_shutdown();
        self.join(shutdown);
    }

    /// Kills the driver.
    pub fn crash(&mut self, in_flight: InFlight) {
        self.store.cut_power(in_flight);
        self.network.cut();
        self.running.take().expect("the driver runs").crash();
        self.poll();
    }

    fn poll(&mut self) {
        for command in &mut self.commands {
            if let CommandState::Pending(reply) = command
                && let Poll::Ready(reply) = reply.as_mut().poll(&mut Context::from_waker(Waker::noop()))
            {
                *command = CommandState::Replied(reply);
            }
        }
        if let Some(running) = &mut self.running {
            self.notices.extend(std::iter::from_fn(|| running.notice()));
        }
        if let Some(peer) = &mut self.peer {
            while let Some(dial) = self.network.next_dial() {
                peer.accept(dial);
            }
            peer.run(&self.network);
        }
    }
}

impl Drop for Harness<'_> {
    fn drop(&mut self) {
        self.store.cut_power(InFlight::Lost);
        self.network.cut();
        if let Some(running) = self.running.take() {
            // A second panic would hide why the case failed.
            let _ = catch_unwind(AssertUnwindSafe(|| running.crash()));
        }
    }
}

/// A node whose clocks differ from those that its driver reads.
struct ReclockedNode<C> {
    node: Node,
    clock: Arc<C>,
}

impl<C: Fn(Now) -> Now + Send + Sync> Machine for ReclockedNode<C> {
    fn handle(&mut self, input: Input, now: Now) {
        self.node.handle(input, (self.clock)(now));
    }

    fn poll(&mut self) -> Option<Output> {
        self.node.poll()
    }

    fn deadline(&self) -> Option<sotto_core::Deadline> {
        self.node.deadline()
    }

    fn intake(&self) -> sotto_core::Intake {
        self.node.intake()
    }
}

/// The rows of a new node.
pub fn new_identity_store(seed: u8) -> MemoryStore {
    <Host>::open(MemoryStore::default(), [seed; 32], &Limits::default(), Now::default()).store
}

/// A batch of one row.
pub fn batch(row: Row) -> Batch {
    Batch {
        changes: vec![sotto_core::row::Change::Put(row)],
    }
}

/// Limits with short retries.
pub fn fast_retry() -> Limits {
    Limits {
        retry_first: Millis(20),
        retry_cap: Millis(100),
        ..Limits::default()
    }
}
