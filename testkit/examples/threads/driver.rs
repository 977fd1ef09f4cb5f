//! A whole driver on plain threads and blocking sockets, as a starting point for other drivers. The contract is in the documentation
//! of [`sotto_core`].
//!
//! One thread owns the node and the store. Every other thread sends it [`Event`]s through one bounded channel. A sender waits when the
//! channel is full, and so does the peer behind it.
//!
//! | duty of a driver | here |
//! |---|---|
//! | a commit is durable before `Stored`; after a failed one the node is opened again | `perform`, `supervise` |
//! | each output that starts work has one completion, and `Closed` is a link's last input | `perform`, `on_event` |
//! | the monotonic clock never goes back | `now` |
//! | every output is carried out before it sleeps, until the deadline at most | `run` |
//! | fresh entropy is the first input after it has slept | `run` |
//! | a busy node receives no bytes | `run`, and the channel |

use std::collections::HashMap;
use std::io;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, SyncSender};
use std::thread;
use std::time::{Duration, SystemTime};

use rustix::time::{ClockId, clock_gettime};
use sotto_core::row::RowStore;
use sotto_core::{
    Cause, CircuitId, CommandId, Entropy, Input, Intake, LinkId, Machine, Millis, Monotonic, Notice, Now, Output, Wall,
};

use super::event::{CommandReply, Event, Failure};
use super::link::Link;
use super::setup::{Listener, Network, Setup};

/// Inputs between two rounds of outputs, so that one commit serves many inputs.
const BATCH: usize = 64;
/// Longest sleep, because the channel's clock does not count suspended time.
const LONGEST_SLEEP: Millis = Millis::minutes(1);
/// Pause after a failure of the store.
const RECOVERY: Duration = Duration::from_millis(100);

/// Runs a node, and opens it again on its durable rows after each failure of the store.
pub fn supervise<S: RowStore>(
    mut setup: Setup<S>,
    sender: &SyncSender<Event>,
    events: &Receiver<Event>,
    notices: &SyncSender<Notice>,
) -> Result<(), Failure> {
    for run in 0.. {
        let mut seed = [0; 32];
        getrandom::fill(&mut seed)?;
        let image = setup.store.image()?;
        let driver = Driver {
            node: (setup.open)(image, Entropy::from_seed(seed), setup.limits.clone(), now())?,
            store: &mut setup.store,
            network: &setup.network,
            listener: None,
            links: HashMap::new(),
            pending: HashMap::new(),
            run,
            commands: 0,
            accepted: 0,
            sender,
            events,
            notices,
        };
        match driver.run() {
            Ok(Event::Halt) => return Ok(()),
            Ok(_) => break,
            Err(error) if error.is::<S::Error>() => eprintln!("the node is opened again: {error}"),
            Err(error) => return Err(error),
        }
        thread::sleep(RECOVERY);
        setup.store.reopen()?;
    }
    Ok(setup.store.close()?)
}

struct Driver<'a, S: RowStore> {
    node: Box<dyn Machine>,
    store: &'a mut S,
    network: &'a Arc<dyn Network>,
    listener: Option<Arc<dyn Listener>>,
    links: HashMap<LinkId, Link>,
    pending: HashMap<CommandId, Sender<CommandReply>>,
    run: u32,
    commands: u64,
    accepted: u64,
    sender: &'a SyncSender<Event>,
    events: &'a Receiver<Event>,
    notices: &'a SyncSender<Notice>,
}

impl<S: RowStore> Driver<'_, S> {
    /// Runs until the end. Returns how it ends.
    fn run(mut self) -> Result<Event, Failure> {
        self.perform()?;
        self.listen()?;
        loop {
            self.perform()?;
            let sleep = self
                .node
                .deadline()
                .map_or(LONGEST_SLEEP, |deadline| deadline.at.since(now().monotonic));
            let mut next = self
                .events
                .recv_timeout(Duration::from_millis(sleep.min(LONGEST_SLEEP).0))
                .ok();
            // The machine may have been copied in the meantime.
            let mut fresh = [0; 32];
            getrandom::fill(&mut fresh)?;
            self.input(Input::Entropy(fresh));
            if sleep == Millis(0) {
                self.input(Input::Tick);
            }
            let mut batch = BATCH;
            while let Some(event) = next {
                match event {
                    Event::ShutDown => return self.stop(),
                    Event::Halt => return Ok(Event::Halt),
                    event => self.on_event(event),
                }
                batch -= 1;
                let more = batch > 0 && self.node.intake() == Intake::Welcome;
                next = more.then(|| self.events.try_recv().ok()).flatten();
            }
        }
    }

    /// Carries out every output.
    fn perform(&mut self) -> Result<(), S::Error> {
        while let Some(output) = self.node.poll() {
            match output {
                Output::Commit(id, batch) => {
                    self.store.commit(&batch)?;
                    self.input(Input::Stored(id));
                }
                Output::Fetch(id, query) => {
                    let rows = self.store.fetch(&query)?;
                    self.input(Input::Fetched(id, rows));
                }
                Output::Dial(id, peer) => {
                    let network = Arc::clone(self.network);
                    self.open_link(id, move || network.dial(peer));
                }
                // A link that is gone was `Closed`, which completes these two as well.
                Output::Transmit(id, bytes) => self.links.get(&id).map_or((), |link| link.transmit(bytes)),
                Output::Hangup(id) => {
                    if self.links.get(&id).is_some_and(|link| !link.hang_up()) {
                        self.links.remove(&id);
                        self.input(Input::Closed(id, Cause::HungUp));
                    }
                }
                // The receiver of a reply or a notice may be gone.
                Output::Reply(id, reply) => {
                    if let Some(sender) = self.pending.remove(&id) {
                        let _ = sender.send(reply);
                    }
                }
                Output::Notify(notice) => {
                    let _ = self.notices.try_send(notice);
                }
            }
        }
        Ok(())
    }

    fn input(&mut self, input: Input) {
        self.node.handle(input, now());
    }

    fn on_event(&mut self, event: Event) {
        match event {
            Event::Command(command, sender) => {
                self.commands += 1;
                let id = CommandId(self.commands);
                self.pending.insert(id, sender);
                self.input(Input::Command(id, command));
            }
            Event::Stream(run, stream) if run == self.run => {
                self.accepted += 1;
                let id = LinkId::Accepted(self.accepted);
                self.open_link(id, move || Ok(stream));
                self.input(Input::Accepted(id, CircuitId(self.accepted)));
            }
            Event::Link(run, id, input) if run == self.run && self.links.contains_key(&id) => {
                if matches!(input, Input::Closed(..)) {
                    self.links.remove(&id);
                }
                self.input(input);
            }
            // An input of a link that was closed.
            _ => {}
        }
    }

    fn open_link(&mut self, id: LinkId, open: impl FnOnce() -> io::Result<UnixStream> + Send + 'static) {
        let (run, sender) = (self.run, self.sender.clone());
        let link = Link::new(id, open, move |input| {
            let _ = sender.send(Event::Link(run, id, input));
        });
        self.links.insert(id, link);
    }

    /// Listens. The first commit was the identity's, so the address is durable before a peer can reach it.
    fn listen(&mut self) -> Result<(), Failure> {
        let identity = self.store.image()?.identity.ok_or("the node has no identity")?;
        let listener = self.network.listen(&identity)?;
        self.listener = Some(Arc::clone(&listener));
        let (run, sender) = (self.run, self.sender.clone());
        thread::spawn(move || {
            while let Some(stream) = listener.accept() {
                let _ = sender.send(Event::Stream(run, stream));
            }
        });
        Ok(())
    }

    /// Shuts down: links are closed after their pending bytes.
    fn stop(mut self) -> Result<Event, Failure> {
        let _ = self.listener.take().map(|listener| listener.close());
        self.perform()?;
        self.links.retain(|_, link| link.hang_up());
        while !self.links.is_empty() {
            if let Event::Link(run, id, Input::Closed(..)) = self.events.recv()?
                && run == self.run
            {
                self.links.remove(&id);
            }
        }
        Ok(Event::ShutDown)
    }
}

impl<S: RowStore> Drop for Driver<'_, S> {
    fn drop(&mut self) {
        let _ = self.listener.take().map(|listener| listener.close());
    }
}

fn now() -> Now {
    let boot = clock_gettime(ClockId::Boottime);
    let wall = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    Now {
        monotonic: Monotonic(u64::try_from(boot.tv_sec * 1000 + boot.tv_nsec / 1_000_000).unwrap_or(0)),
        wall: Wall(u64::try_from(wall.as_millis()).unwrap_or(u64::MAX)),
    }
}
