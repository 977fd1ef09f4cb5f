//! [`Driver`], the loop of one run. One task owns the node. In each round it carries out the node's outputs, sets the timer
//! to the node's deadline, and hands the node its next inputs: a bounded share of each kind, so that one commit serves many
//! inputs and no kind of input can starve another.

use std::collections::{BTreeMap, HashMap};
use std::future::{poll_fn, ready};
use std::task::{Context, Poll};

use futures::channel::{mpsc, oneshot};
use futures::future::{BoxFuture, FutureExt as _};
use futures::stream::{FuturesUnordered, StreamExt as _};
use sotto_core::row::RowStore;
use sotto_core::{CircuitId, Command, CommandId, Input, Intake, LinkId, Machine, Output};

use crate::clock::Clock;
use crate::environment::{Environment, OpenedNode};
use crate::handle::{CommandResult, HandleRequest};
use crate::link::LinkHandle;
use crate::{DeadlineTimer, DialFuture, Listener, Offline, Stream};

/// Inputs of each kind in one round.
const SHARE: usize = 32;

/// Rounds in one poll, after which the driver yields to the runtime's other tasks. Without this a flood of inputs would
/// keep them from running.
const ROUNDS: usize = 8;

/// One run of a node: from its opening to a shutdown, or to the store's first error.
pub(crate) struct Driver<'a, S: RowStore> {
    environment: &'a mut Environment<S>,
    node: Box<dyn Machine>,
    clock: Clock,
    timer: DeadlineTimer,
    listener: Box<dyn Listener>,
    links: BTreeMap<LinkId, LinkHandle>,
    /// One future for each link, polled here and not spawned, so that a panic in one is a panic of the driver. A link that
    /// vanished without its `Closed` would leave the node waiting without end.
    link_tasks: FuturesUnordered<BoxFuture<'static, ()>>,
    link_inputs: mpsc::Receiver<Input>,
    link_input_sender: mpsc::Sender<Input>,
    pending_replies: HashMap<CommandId, oneshot::Sender<CommandResult>>,
    next_command: u64,
    next_accepted: u64,
    state: RunState,
}

#[derive(PartialEq, Eq)]
enum RunState {
    Running,
    ShuttingDown,
}

/// Whether a round handed the node any input.
#[derive(PartialEq, Eq)]
enum Round {
    Idle,
    Busy,
}

impl<'a, S: RowStore> Driver<'a, S> {
    pub fn new(environment: &'a mut Environment<S>, opened: OpenedNode) -> Self {
        let OpenedNode {
            node,
            clock,
            timer,
            listener,
        } = opened;
        // Without capacity: each link has at most one input waiting here, and continues when it is taken.
        let (link_input_sender, link_inputs) = mpsc::channel(0);
        Self {
            environment,
            node,
            clock,
            timer,
            listener,
            links: BTreeMap::new(),
            link_tasks: FuturesUnordered::new(),
            link_inputs,
            link_input_sender,
            pending_replies: HashMap::new(),
            next_command: 0,
            next_accepted: 0,
            state: RunState::Running,
        }
    }

    /// Runs until a shutdown is complete.
    pub async fn run(mut self) -> Result<(), S::Error> {
        poll_fn(|cx| self.poll(cx)).await?;
        self.shut_down().await
    }

    /// Ready when a shutdown is requested.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.reseed();
        for _ in 0..ROUNDS {
            self.carry_out_outputs();
            let deadline = self.node.deadline().map(|deadline| deadline.at);
            self.timer.set(deadline, self.clock.now());
            let round = self.take_inputs(cx)?;
            if self.state == RunState::ShuttingDown {
                return Poll::Ready(Ok(()));
            }
            if round == Round::Idle {
                return Poll::Pending;
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// The machine may have been copied since the last poll. A machine whose generator fails at one moment keeps the stream that
    /// it has, which was seeded at the opening.
    fn reseed(&mut self) {
        let mut fresh = [0; 32];
        if getrandom::fill(&mut fresh).is_ok() {
            self.handle(Input::Entropy(fresh));
        }
    }

    /// Hands the node a share of each kind of input. Registers `cx` for those of which there are none yet.
    fn take_inputs(&mut self, cx: &mut Context<'_>) -> Result<Round, S::Error> {
        let mut round = Round::Idle;
        if self.timer.poll_expired(cx).is_ready() {
            self.handle(Input::Tick);
            round = Round::Busy;
        }
        if self.listener.poll_network_changed(cx).is_ready() {
            // No caller waits for the reply to this command.
            let id = self.new_command_id();
            self.handle(Input::Command(id, Command::NetworkChanged));
            round = Round::Busy;
        }
        if self.takes_bulk_input()
            && let Poll::Ready(stream) = self.listener.poll_accept(cx)
        {
            self.accept(stream);
            round = Round::Busy;
        }
        for _ in 0..SHARE {
            if self.take_one_of_each(cx)? == Round::Idle {
                break;
            }
            round = Round::Busy;
        }
        Ok(round)
    }

    /// One completion of the store, one request of a handle and one input of a link.
    fn take_one_of_each(&mut self, cx: &mut Context<'_>) -> Result<Round, S::Error> {
        let mut round = Round::Idle;
        while let Poll::Ready(Some(())) = self.link_tasks.poll_next_unpin(cx) {}
        if let Poll::Ready(completion) = self.environment.store.poll_next(cx) {
            self.handle(completion?);
            round = Round::Busy;
        }
        if self.state == RunState::Running
            && let Poll::Ready(request) = self.environment.inbox.requests.poll_next_unpin(cx)
        {
            // `None`: the last handle was dropped.
            self.handle_request(request.unwrap_or(HandleRequest::Shutdown));
            round = Round::Busy;
        }
        if self.takes_bulk_input()
            && let Poll::Ready(Some(input)) = self.link_inputs.poll_next_unpin(cx)
        {
            self.handle_link_input(input);
            round = Round::Busy;
        }
        Ok(round)
    }

    fn takes_bulk_input(&self) -> bool {
        self.node.intake() == Intake::Welcome
    }

    fn handle(&mut self, input: Input) {
        self.node.handle(input, self.clock.now());
    }

    fn handle_request(&mut self, request: HandleRequest) {
        match request {
            HandleRequest::Command(command, reply) => {
                let id = self.new_command_id();
                self.pending_replies.insert(id, reply);
                self.handle(Input::Command(id, command));
            }
            HandleRequest::Shutdown => self.state = RunState::ShuttingDown,
        }
    }

    fn handle_link_input(&mut self, input: Input) {
        if let Input::Closed(id, _) = input {
            self.links.remove(&id);
        }
        self.handle(input);
    }

    fn new_command_id(&mut self) -> CommandId {
        let id = CommandId(self.next_command);
        self.next_command += 1;
        id
    }

    fn accept(&mut self, stream: Stream) {
        let id = LinkId::Accepted(self.next_accepted);
        // A stream of which the transport knows nothing is alone on its circuit.
        let circuit = stream.circuit.unwrap_or(CircuitId(self.next_accepted));
        self.next_accepted += 1;
        self.add_link(id, Box::pin(ready(Ok(stream))));
        self.handle(Input::Accepted(id, circuit));
    }

    fn add_link(&mut self, id: LinkId, opening: DialFuture) {
        let runtime = self.environment.runtime.clone();
        let (handle, task) = LinkHandle::new(id, opening, self.link_input_sender.clone(), runtime);
        self.links.insert(id, handle);
        self.link_tasks.push(task.boxed());
    }

    /// Carries out every output that the node has so far.
    fn carry_out_outputs(&mut self) {
        while let Some(output) = self.node.poll() {
            match output {
                Output::Commit(id, batch) => self.environment.store.commit(id, batch),
                Output::Fetch(id, query) => self.environment.store.fetch(id, query),
                Output::Dial(id, peer) => self.add_link(id, self.environment.transport.dial(peer)),
                // A link without a handle has ended. Its `Closed`, which is on the way, completes these two as well.
                Output::Transmit(id, bytes) => self.links.get_mut(&id).map_or((), |link| link.transmit(bytes)),
                Output::Hangup(id) => drop(self.links.remove(&id)),
                Output::Reply(id, result) => {
                    if let Some(reply) = self.pending_replies.remove(&id) {
                        // The caller may have stopped waiting.
                        let _ = reply.send(result);
                    }
                }
                Output::Notify(notice) => self.environment.inbox.notify(notice),
            }
        }
    }

    /// The orderly end of a run: takes no further input from outside, completes what is staged, hangs up all links.
    async fn shut_down(mut self) -> Result<(), S::Error> {
        self.listener = Box::new(Offline);
        self.carry_out_outputs();
        while self.environment.store.has_pending() {
            let completion = self.environment.store.next().await?;
            self.handle(completion);
            self.carry_out_outputs();
        }
        self.links.clear();
        // The links finish their writes; their inputs have no receiver any more.
        drop(self.link_inputs);
        while self.link_tasks.next().await.is_some() {}
        Ok(())
    }
}
