//! What a case plays on: a driver under test, the store, the network and perhaps the node that are played to it, and the
//! wait for what must come of it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use sotto_core::row::{Batch, Row};
use sotto_core::{Command, Entropy, Input, Limits, Machine, Millis, Node, Notice, Now, Output, Refusal, Reply};

use super::puppet::{Alarm, Puppet};
use super::{Asked, Book, Driver, Friend, InFlight, Life, Network, Open, Rig, Running, Shelf};
use crate::disk::Disk;

/// Between two looks.
const LOOK: Duration = Duration::from_micros(300);

/// A driver, and all that is around it.
pub struct Stage<'d> {
    driver: &'d dyn Driver,
    open: Arc<Open>,
    /// The bounds of its node.
    pub limits: Limits,
    /// Its store.
    pub shelf: Shelf,
    /// Its network.
    pub network: Network,
    /// Its life, if it is a future.
    pub life: Life,
    /// What it did.
    pub book: Book,
    /// Its node, if that is played.
    pub puppet: Puppet,
    /// The other person, who takes every call.
    pub friend: Option<Friend>,
    /// Notices so far.
    pub notices: Vec<Notice>,
    running: Option<Box<dyn Running>>,
    questions: Vec<Question>,
}

/// A command that was given. `None` is a node that stopped before it answered.
enum Question {
    Open(Asked),
    Answered(Option<Result<Reply, Refusal>>),
}

/// Names a question.
#[derive(Clone, Copy, Debug)]
pub struct Ask(usize);

impl<'d> Stage<'d> {
    /// With a node that the case plays. Its store holds an identity.
    pub fn with_puppet(driver: &'d dyn Driver) -> Self {
        let puppet = Puppet::default();
        let played = puppet.clone();
        let open = move |_, _, _, _| Ok(Box::new(played.clone()) as Box<dyn Machine>);
        let mut stage = Self::new(driver, newborn(1), Limits::default(), Arc::new(open));
        stage.puppet = puppet;
        stage.start();
        stage
    }

    /// With a real node on those rows, not started yet.
    pub fn with_node(driver: &'d dyn Driver, disk: Disk, limits: Limits) -> Self {
        Self::with_clock(driver, disk, limits, |now| now)
    }

    /// With a real node that is shown other clocks than the driver's.
    pub fn with_clock(
        driver: &'d dyn Driver,
        disk: Disk,
        limits: Limits,
        clock: impl Fn(Now) -> Now + Send + Sync + 'static,
    ) -> Self {
        let clock = Arc::new(clock);
        let open = move |image, entropy, limits, now| {
            let node = Node::open(image, entropy, limits, clock(now))?;
            let clock = Arc::clone(&clock);
            Ok(Box::new(Reclocked { node, clock }) as Box<dyn Machine>)
        };
        Self::new(driver, disk, limits, Arc::new(open))
    }

    /// With a node of the case's own making, not started yet.
    pub fn new(driver: &'d dyn Driver, disk: Disk, limits: Limits, open: Arc<Open>) -> Self {
        Self {
            driver,
            open,
            limits,
            shelf: Shelf::of(disk),
            network: Network::default(),
            life: Life::default(),
            book: Book::default(),
            puppet: Puppet::default(),
            friend: None,
            notices: Vec::new(),
            running: None,
            questions: Vec::new(),
        }
    }

    /// Starts the driver.
    pub fn start(&mut self) {
        let (open, book, shelf) = (Arc::clone(&self.open), self.book.clone(), self.shelf.clone());
        let watched = move |image, entropy, limits, now| {
            let machine = open(image, entropy, limits, now)?;
            Ok(Box::new(book.watch(machine, shelf.clone())) as Box<dyn Machine>)
        };
        let rig = Rig {
            shelf: self.shelf.clone(),
            network: self.network.clone(),
            limits: self.limits.clone(),
            open: Arc::new(watched),
            life: self.life.clone(),
        };
        self.running = Some(self.driver.start(rig));
        self.until("it listens, or has died", |stage| {
            stage.network.listening().is_some() || stage.life.is_over()
        });
    }

    /// Starts it again, on the same rows, after a crash or a shutdown.
    pub fn restart(&mut self) {
        self.shelf = Shelf::of(self.shelf.disk());
        self.network = Network::default();
        self.life = Life::default();
        self.book = Book::default();
        self.questions.clear();
        let _ = self.friend.as_mut().map(Friend::cut);
        self.start();
    }

    /// The played node wants these, and then answers.
    pub fn want(&mut self, outputs: impl IntoIterator<Item = Output>) -> Ask {
        self.puppet.prepare(outputs);
        self.ask(Puppet::pull())
    }

    /// The played node sets its deadline.
    pub fn set_alarm(&mut self, alarm: Alarm) -> Ask {
        self.puppet.set_alarm(alarm);
        self.ask(Puppet::pull())
    }

    /// Gives a command.
    pub fn ask(&mut self, command: Command) -> Ask {
        let running = self.running.as_ref().expect("it runs");
        self.questions.push(Question::Open(running.command(command)));
        self.look();
        Ask(self.questions.len() - 1)
    }

    /// The answer, once it is there; `Some(None)` if the node stopped before.
    pub fn answer(&self, ask: Ask) -> Option<&Option<Result<Reply, Refusal>>> {
        match &self.questions[ask.0] {
            Question::Open(_) => None,
            Question::Answered(answer) => Some(answer),
        }
    }

    /// Waits for an answer, and expects it to be a good one.
    pub fn answered(&mut self, ask: Ask) -> Reply {
        self.until("the command is answered", |stage| stage.answer(ask).is_some());
        match self.answer(ask) {
            Some(Some(Ok(reply))) => reply.clone(),
            other => panic!("answered by {other:?}"),
        }
    }

    /// Gives a command until a node answers it.
    pub fn insist(&mut self, command: &Command) -> Result<Reply, Refusal> {
        loop {
            let ask = self.ask(command.clone());
            self.until("the command is answered", |stage| stage.answer(ask).is_some());
            match self.answer(ask) {
                Some(Some(answer)) => return answer.clone(),
                _ => self.pause(LOOK),
            }
        }
    }

    /// Waits until the driver has told that.
    pub fn until_told(&mut self, input: &Input) {
        self.until(&format!("it tells {input:?}"), |stage| {
            stage.book.count(|told| told == input) > 0
        });
    }

    /// Waits until every output is completed.
    pub fn until_done(&mut self) {
        self.until("all that is open is completed", |stage| {
            stage.book.is_asleep() && stage.book.open().is_empty()
        });
    }

    /// Waits.
    pub fn until(&mut self, what: &str, mut come: impl FnMut(&mut Self) -> bool) {
        let began = Instant::now();
        loop {
            self.look();
            if let Some(breach) = self.book.breach() {
                panic!("the contract is broken: {breach}");
            }
            if come(self) {
                return;
            }
            let waited = began.elapsed();
            assert!(
                waited < self.driver.patience(),
                "not within {waited:?}: {what}; open: [{}]",
                self.book.open()
            );
            thread::sleep(LOOK);
        }
    }

    /// Lets time pass in which a wrong driver may go wrong.
    pub fn pause(&mut self, span: Duration) {
        let end = Instant::now() + span;
        self.until("time passes", |_| Instant::now() >= end);
    }

    /// Begins the orderly end.
    pub fn shutting_down(&mut self) -> JoinHandle<()> {
        let running = self.running.take().expect("it runs");
        thread::spawn(move || running.shut_down())
    }

    /// Waits for the end.
    pub fn ended(&mut self, ending: JoinHandle<()>) {
        self.until("it ends", |_| ending.is_finished());
        ending.join().expect("it does not panic");
    }

    /// Ends in order.
    pub fn shut_down(&mut self) {
        let ending = self.shutting_down();
        self.ended(ending);
    }

    /// Kills the driver.
    pub fn crash(&mut self, in_flight: InFlight) {
        self.shelf.cut_power(in_flight);
        self.network.cut();
        self.running.take().expect("it runs").crash();
        self.look();
    }

    fn look(&mut self) {
        for question in &mut self.questions {
            if let Question::Open(asked) = question
                && let Poll::Ready(answer) = asked.as_mut().poll(&mut Context::from_waker(Waker::noop()))
            {
                *question = Question::Answered(answer);
            }
        }
        if let Some(running) = &mut self.running {
            self.notices.extend(std::iter::from_fn(|| running.notice()));
        }
        if let Some(friend) = &mut self.friend {
            while let Some(call) = self.network.call() {
                friend.accept(call);
            }
            friend.pump(&self.network);
        }
    }
}

impl Drop for Stage<'_> {
    fn drop(&mut self) {
        self.shelf.cut_power(InFlight::Lost);
        self.network.cut();
        if let Some(running) = self.running.take() {
            // A case that has failed already says why; what its end says as well is not to hide that.
            let _ = catch_unwind(AssertUnwindSafe(|| running.crash()));
        }
    }
}

/// A node that is shown other clocks than its driver reads.
struct Reclocked<C> {
    node: Node,
    clock: Arc<C>,
}

impl<C: Fn(Now) -> Now + Send + Sync> Machine for Reclocked<C> {
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

/// The rows of a node that has just been made.
pub fn newborn(seed: u8) -> Disk {
    let mut disk = Disk::default();
    let mut node: Node = Node::open(
        disk.image(),
        Entropy::from_seed([seed; 32]),
        Limits::default(),
        Now::default(),
    )
    .expect("an empty image");
    while let Some(output) = node.poll() {
        if let Output::Commit(id, batch) = output {
            disk.apply(batch);
            node.handle(Input::Stored(id), Now::default());
        }
    }
    disk
}

/// A batch of one row.
pub fn batch(row: Row) -> Batch {
    Batch {
        changes: vec![sotto_core::row::Change::Put(row)],
    }
}

/// Bounds under which nobody waits long.
pub fn hasty() -> Limits {
    Limits {
        retry_first: Millis(20),
        retry_cap: Millis(100),
        ..Limits::default()
    }
}
