//! The loop. One task owns the node: it carries out all that the node wants, sleeps until something happens, and tells
//! it. What else has happened meanwhile is told in the same round, a share of each kind, so that one commit serves
//! many inputs, and no kind of input can keep the others waiting.

use std::collections::{BTreeMap, HashMap};
use std::future::{poll_fn, ready};
use std::task::{Context, Poll};

use futures::channel::{mpsc, oneshot};
use futures::future::{BoxFuture, FutureExt as _};
use futures::stream::{FuturesUnordered, StreamExt as _};
use sotto_core::{Command, CommandId, Input, Intake, LinkId, Machine, Output};
use sotto_io_sqlcipher::StoreError;

use crate::clock::Clock;
use crate::handle::{Answer, Request};
use crate::link::Link;
use crate::opening::{Means, Opened};
use crate::{Dialling, Listener, Offline, Stream, Timer};

/// Inputs of each kind that one round takes.
const SHARE: usize = 32;

/// Busy rounds after which it is the turn of the runtime's other tasks: a flood must not keep it from everything else.
const ROUNDS: usize = 8;

/// One run of a node, from its opening to a shutdown or to the store's first error.
pub(crate) struct Driver<'a> {
    means: &'a mut Means,
    node: Box<dyn Machine>,
    clock: Clock,
    timer: Timer,
    listener: Box<dyn Listener>,
    links: BTreeMap<LinkId, Link>,
    /// The links' own lives. A panic in one is a panic here: a link that is gone without its `Closed` would be waited
    /// for without end.
    lives: FuturesUnordered<BoxFuture<'static, ()>>,
    inputs: mpsc::Receiver<Input>,
    inputs_of_links: mpsc::Sender<Input>,
    askers: HashMap<CommandId, oneshot::Sender<Answer>>,
    commands: u64,
    accepted: u64,
    stopping: bool,
}

impl<'a> Driver<'a> {
    pub fn new(means: &'a mut Means, opened: Opened) -> Self {
        let Opened {
            node,
            clock,
            timer,
            listener,
        } = opened;
        // The links take turns: each has one input wait here, and is woken when that is taken.
        let (inputs_of_links, inputs) = mpsc::channel(0);
        Self {
            means,
            node,
            clock,
            timer,
            listener,
            links: BTreeMap::new(),
            lives: FuturesUnordered::new(),
            inputs,
            inputs_of_links,
            askers: HashMap::new(),
            commands: 0,
            accepted: 0,
            stopping: false,
        }
    }

    /// Runs until a shutdown is asked for and done.
    pub async fn run(mut self) -> Result<(), StoreError> {
        poll_fn(|cx| self.poll(cx)).await?;
        self.stop().await
    }

    /// Round after round, until nothing is left to do or a shutdown is asked for.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), StoreError>> {
        for _ in 0..ROUNDS {
            self.perform();
            let deadline = self.node.deadline().map(|deadline| deadline.at);
            self.timer.set(deadline, self.clock.now());
            let found = self.gather(cx)?;
            if self.stopping {
                return Poll::Ready(Ok(()));
            }
            if let Found::Nothing = found {
                return Poll::Pending;
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// Tells the node what has happened, a share of each kind. `cx` is woken when more does.
    fn gather(&mut self, cx: &mut Context<'_>) -> Result<Found, StoreError> {
        let mut found = Found::Nothing;
        if self.timer.poll_expired(cx).is_ready() {
            self.tell(Input::Tick);
            found = Found::Something;
        }
        if self.listener.poll_disturbed(cx).is_ready() {
            // It answers that it is done, which nobody waits for.
            let id = self.next_command();
            self.tell(Input::Command(id, Command::NetworkChanged));
            found = Found::Something;
        }
        if self.is_welcome()
            && let Poll::Ready(stream) = self.listener.poll_accept(cx)
        {
            self.accept(stream);
            found = Found::Something;
        }
        for _ in 0..SHARE {
            let mut quiet = true;
            while let Poll::Ready(Some(())) = self.lives.poll_next_unpin(cx) {}
            if let Poll::Ready(completion) = self.means.storage.poll_next(cx) {
                self.tell(completion?);
                quiet = false;
            }
            if !self.stopping
                && let Poll::Ready(request) = self.means.desk.requests.poll_next_unpin(cx)
            {
                self.take(request.unwrap_or(Request::Shutdown));
                quiet = false;
            }
            if self.is_welcome()
                && let Poll::Ready(Some(input)) = self.inputs.poll_next_unpin(cx)
            {
                self.tell_of_link(input);
                quiet = false;
            }
            if quiet {
                break;
            }
            found = Found::Something;
        }
        Ok(found)
    }

    fn is_welcome(&self) -> bool {
        self.node.intake() == Intake::Welcome
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
        let id = self.next_command();
        self.askers.insert(id, asker);
        self.tell(Input::Command(id, command));
    }

    fn next_command(&mut self) -> CommandId {
        let id = CommandId(self.commands);
        self.commands += 1;
        id
    }

    fn accept(&mut self, stream: Stream) {
        let id = LinkId::Accepted(self.accepted);
        self.accepted += 1;
        self.hold(id, Box::pin(ready(Ok(stream))));
        self.tell(Input::Accepted(id));
    }

    fn tell_of_link(&mut self, input: Input) {
        if let Input::Closed(id, _) = input {
            self.links.remove(&id);
        }
        self.tell(input);
    }

    fn hold(&mut self, id: LinkId, opening: Dialling) {
        let (link, life) = Link::new(id, opening, self.inputs_of_links.clone(), self.means.runtime.clone());
        self.links.insert(id, link);
        self.lives.push(life.boxed());
    }

    /// Carries out everything that the node wants by now.
    fn perform(&mut self) {
        while let Some(output) = self.node.poll() {
            match output {
                Output::Commit(id, batch) => self.means.storage.commit(id, batch),
                Output::Fetch(id, query) => self.means.storage.fetch(id, query),
                Output::Dial(id, peer) => self.hold(id, self.means.transport.dial(peer)),
                // A link that is not held any more has its `Closed` on the way, which completes these two as well.
                Output::Transmit(id, bytes) => self.links.get_mut(&id).map_or((), |link| link.transmit(bytes)),
                Output::Hangup(id) => drop(self.links.remove(&id)),
                // Whoever asked may have gone.
                Output::Reply(id, answer) => {
                    let _ = self.askers.remove(&id).map(|asker| asker.send(answer));
                }
                Output::Notify(notice) => self.means.desk.notify(notice),
            }
        }
    }

    /// The orderly end of a run: nothing comes in any more, what is staged is committed and told, links are hung up.
    async fn stop(mut self) -> Result<(), StoreError> {
        self.listener = Box::new(Offline);
        self.perform();
        while self.means.storage.is_working() {
            let completion = self.means.storage.next().await?;
            self.tell(completion);
            self.perform();
        }
        self.links.clear();
        // The links still write what they were given, but have nobody to tell.
        drop(self.inputs);
        while self.lives.next().await.is_some() {}
        Ok(())
    }
}

/// What a round came upon.
enum Found {
    Nothing,
    Something,
}
