//! The loop. One task owns the node: it carries out all that the node wants, sleeps until something happens, and tells
//! it. What else has happened meanwhile is told in the same round, a share of each kind, so that one commit serves
//! many inputs, and no kind of input can keep the others waiting.

use std::collections::{BTreeMap, HashMap};
use std::future::{poll_fn, ready};
use std::panic::resume_unwind;

use sotto_core::row::Image;
use sotto_core::{Command, CommandId, Entropy, Input, Intake, Limits, LinkId, Node, Notice, OpenError, Output};
use sotto_io_sqlcipher::StoreError;
use tokio::sync::{broadcast, mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::task::coop::consume_budget;

use crate::clock::Clock;
use crate::handle::{Answer, Request};
use crate::link::Link;
use crate::storage::StoreThread;
use crate::timer::Timer;
use crate::{DriverError, Listener, Offline, Stream, Transport};

/// Inputs of each kind that one round takes.
const SHARE: usize = 32;

/// Links' inputs that may wait for the driver. The links take turns, so this bounds what they hold together.
const WAITING_INPUTS: usize = 16;

/// One run of a node, from its opening to a shutdown or to the store's first error.
pub(crate) struct Driver<'a> {
    node: Node,
    clock: Clock,
    timer: Timer,
    storage: &'a mut StoreThread,
    requests: &'a mut mpsc::Receiver<Request>,
    notices: &'a broadcast::Sender<Notice>,
    transport: &'a dyn Transport,
    listener: Box<dyn Listener>,
    links: BTreeMap<LinkId, Link>,
    tasks: JoinSet<()>,
    inputs: mpsc::Receiver<Input>,
    inputs_of_links: mpsc::Sender<Input>,
    askers: HashMap<CommandId, oneshot::Sender<Answer>>,
    commands: u64,
    accepted: u64,
    stopping: bool,
}

impl<'a> Driver<'a> {
    /// Opens a node on what is durable, and listens under its address.
    pub async fn open(
        storage: &'a mut StoreThread,
        requests: &'a mut mpsc::Receiver<Request>,
        notices: &'a broadcast::Sender<Notice>,
        transport: &'a dyn Transport,
        limits: &Limits,
    ) -> Result<Self, DriverError> {
        let mut clock = Clock::default();
        let mut image = storage.image().await?;
        if image.identity.is_none() {
            image = bear(image, storage, limits, &mut clock).await?;
        }
        let identity = image.identity.as_ref().ok_or(OpenError::Damaged("identity"))?;
        let listener = transport.listen(identity)?;
        // What an earlier run made durable without coming to tell.
        let _ = notices.send(Notice::Logged(image.last_event));
        let (inputs_of_links, inputs) = mpsc::channel(WAITING_INPUTS);
        Ok(Self {
            node: Node::open(image, entropy()?, limits.clone(), clock.now())?,
            clock,
            timer: Timer::new().map_err(DriverError::Timer)?,
            storage,
            requests,
            notices,
            transport,
            listener,
            links: BTreeMap::new(),
            tasks: JoinSet::new(),
            inputs,
            inputs_of_links,
            askers: HashMap::new(),
            commands: 0,
            accepted: 0,
            stopping: false,
        })
    }

    /// Runs until a shutdown is asked for and done.
    pub async fn run(mut self) -> Result<(), StoreError> {
        while !self.stopping {
            self.perform();
            let now = self.clock.now();
            self.timer.set(self.node.deadline().map(|deadline| deadline.at), now);
            let welcome = self.node.intake() == Intake::Welcome;
            tokio::select! {
                completion = self.storage.next() => self.tell(completion?),
                () = self.timer.expired() => self.tell(Input::Tick),
                request = self.requests.recv() => self.take(request.unwrap_or(Request::Shutdown)),
                stream = poll_fn(|cx| self.listener.poll_accept(cx)), if welcome => self.accept(stream),
                Some(input) = self.inputs.recv(), if welcome => self.tell_of_link(input),
                // A link that panicked would never be `Closed`; better no node than one that waits for it.
                Some(ended) = self.tasks.join_next() => ended.unwrap_or_else(|panic| resume_unwind(panic.into_panic())),
            }
            self.gather()?;
            // A flood must not keep the runtime from everything else.
            consume_budget().await;
        }
        self.stop().await
    }

    /// Takes what is ready, without waiting.
    fn gather(&mut self) -> Result<(), StoreError> {
        for _ in 0..SHARE {
            let mut quiet = true;
            if let Some(completion) = self.storage.try_next() {
                self.tell(completion?);
                quiet = false;
            }
            if !self.stopping
                && let Ok(request) = self.requests.try_recv()
            {
                self.take(request);
                quiet = false;
            }
            if self.node.intake() == Intake::Welcome
                && let Ok(input) = self.inputs.try_recv()
            {
                self.tell_of_link(input);
                quiet = false;
            }
            if quiet {
                break;
            }
        }
        Ok(())
    }

    fn tell(&mut self, input: Input) {
        self.node.handle(input, self.clock.now());
    }

    fn take(&mut self, request: Request) {
        match request {
            Request::Command(command, asker) => self.command(command, asker),
            Request::Shutdown => self.stopping = true,
        }
    }

    fn command(&mut self, command: Command, asker: oneshot::Sender<Answer>) {
        let id = CommandId(self.commands);
        self.commands += 1;
        self.askers.insert(id, asker);
        self.tell(Input::Command(id, command));
    }

    fn accept(&mut self, stream: Stream) {
        let id = LinkId::Accepted(self.accepted);
        self.accepted += 1;
        self.hold(id, ready(Ok(stream)));
        self.tell(Input::Accepted(id));
    }

    fn tell_of_link(&mut self, input: Input) {
        if let Input::Closed(id, _) = input {
            self.links.remove(&id);
        }
        self.tell(input);
    }

    fn hold(&mut self, id: LinkId, opening: impl Future<Output = std::io::Result<Stream>> + Send + 'static) {
        let (link, task) = Link::new(id, opening, self.inputs_of_links.clone());
        self.links.insert(id, link);
        self.tasks.spawn(task);
    }

    /// Carries out everything that the node wants by now.
    fn perform(&mut self) {
        while let Some(output) = self.node.poll() {
            match output {
                Output::Commit(id, batch) => self.storage.commit(id, batch),
                Output::Fetch(id, query) => self.storage.fetch(id, query),
                Output::Dial(id, peer) => self.hold(id, self.transport.dial(peer)),
                // A link that is not held any more has its `Closed` on the way, which completes these two as well.
                Output::Transmit(id, bytes) => self.links.get(&id).map_or((), |link| link.transmit(bytes)),
                Output::Hangup(id) => drop(self.links.remove(&id)),
                // Whoever asked, or listened, may have gone.
                Output::Reply(id, answer) => {
                    let _ = self.askers.remove(&id).map(|asker| asker.send(answer));
                }
                Output::Notify(notice) => {
                    let _ = self.notices.send(notice);
                }
            }
        }
    }

    /// The orderly end of a run: nothing comes in any more, what is staged is committed and told, links are hung up.
    async fn stop(mut self) -> Result<(), StoreError> {
        self.listener = Box::new(Offline);
        self.perform();
        while self.storage.is_working() {
            let completion = self.storage.next().await?;
            self.tell(completion);
            self.perform();
        }
        self.links.clear();
        // The links still write what they were given, but have nobody to tell.
        drop(self.inputs);
        while self.tasks.join_next().await.is_some() {}
        Ok(())
    }
}

/// A first start is a node that crashes right after its first commit: the identity is durable before anything listens
/// under its address, and every other start is the same.
async fn bear(
    image: Image,
    storage: &mut StoreThread,
    limits: &Limits,
    clock: &mut Clock,
) -> Result<Image, DriverError> {
    let mut newborn: Node = Node::open(image, entropy()?, limits.clone(), clock.now())?;
    while let Some(output) = newborn.poll() {
        if let Output::Commit(id, batch) = output {
            storage.commit(id, batch);
            storage.next().await?;
        }
    }
    Ok(storage.image().await?)
}

fn entropy() -> Result<Entropy, DriverError> {
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).map_err(DriverError::Entropy)?;
    Ok(Entropy::from_seed(seed))
}
