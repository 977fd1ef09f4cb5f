//! [`Mutant`]: a correct driver with one mutation.

use std::cell::Cell;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use sotto_core::row::Rows;
use sotto_core::{
    Cause, Command, CommitId, Deadline, Input, Intake, LinkId, Machine, Monotonic, Notice, Now, Output, Wall,
};

use super::Mutation;
use crate::driver::{Driver, FakeStore, InFlight, PendingReply, RunningNode, Setup};

/// A driver and its mutation.
pub(super) struct Mutant<'d> {
    pub driver: &'d dyn Driver,
    pub mutation: Mutation,
}

impl Driver for Mutant<'_> {
    fn start(&self, setup: Setup) -> Box<dyn RunningNode> {
        let (mutation, open) = (self.mutation, Arc::clone(&setup.open));
        let open = move |image, entropy, limits, now| {
            let node = MutantNode {
                node: open(image, entropy, limits, now)?,
                mutation,
                taken: false,
                held: VecDeque::new(),
                acked: None,
                inputs: 0,
                first: now,
                latest: now,
                deadline: Cell::new(None),
            };
            Ok(Box::new(node) as Box<dyn Machine>)
        };
        let store = setup.store.clone();
        let running = self.driver.start(Setup {
            open: Arc::new(open),
            ..setup
        });
        Box::new(MutantRunningNode {
            running,
            store,
            mutation: self.mutation,
        })
    }

    fn timeout(&self) -> Duration {
        Duration::from_secs(2)
    }
}

struct MutantRunningNode {
    running: Box<dyn RunningNode>,
    store: FakeStore,
    mutation: Mutation,
}

impl RunningNode for MutantRunningNode {
    fn command(&self, command: Command) -> PendingReply {
        self.running.command(command)
    }

    fn notice(&mut self) -> Option<Notice> {
        self.running
            .notice()
            .filter(|_| self.mutation != Mutation::LosesNotices)
    }

    fn shut_down(self: Box<Self>) {
        match self.mutation {
            Mutation::CrashesOnShutdown => {
                self.store.cut_power(InFlight::Lost);
                self.running.crash();
            }
            Mutation::NeverShutsDown => std::mem::forget(self.running),
            _ => self.running.shut_down(),
        }
    }

    fn crash(self: Box<Self>) {
        match self.mutation {
            Mutation::SurvivesCrashes => std::mem::forget(self.running),
            _ => self.running.crash(),
        }
    }
}

struct MutantNode {
    node: Box<dyn Machine>,
    mutation: Mutation,
    /// Whether the driver took an output since the last input.
    taken: bool,
    /// Outputs that are given after a later one.
    held: VecDeque<Output>,
    acked: Option<CommitId>,
    inputs: u64,
    first: Now,
    latest: Now,
    deadline: Cell<Option<Deadline>>,
}

impl MutantNode {
    fn mutate_clock(&self, now: Now) -> Now {
        match self.mutation {
            Mutation::MonotonicGoesBack if self.inputs.is_multiple_of(2) => Now {
                monotonic: Monotonic(now.monotonic.0.saturating_sub(1000)),
                ..now
            },
            Mutation::WallClockStops => Now {
                wall: Wall(self.first.wall.0),
                ..now
            },
            _ => now,
        }
    }
}

impl Machine for MutantNode {
    fn handle(&mut self, mut input: Input, now: Now) {
        self.inputs += 1;
        self.taken = false;
        let now = self.mutate_clock(now);
        self.latest = now;
        let extra = match (self.mutation, &mut input) {
            (Mutation::StoredBeforeDurable, Input::Stored(id)) if self.acked == Some(*id) => return,
            (Mutation::NeverStores, Input::Stored(_))
            | (Mutation::NeverDrains, Input::Drained(_))
            | (Mutation::NeverFetches, Input::Fetched(..))
            | (Mutation::IgnoresRefusedDials, Input::Closed(_, Cause::Unreachable))
            | (Mutation::NeverReseeds, Input::Entropy(_)) => return,
            (Mutation::ReseedsWithTheSame, Input::Entropy(fresh)) => {
                *fresh = [1; 32];
                None
            }
            (Mutation::FetchesEmptyRows, Input::Fetched(_, rows)) => {
                *rows = Rows::default();
                None
            }
            (Mutation::SwapsBytes, Input::Received(_, bytes)) => {
                let end = bytes.len() - 1;
                bytes.swap(0, end);
                None
            }
            (
                Mutation::ReusesLinkIds,
                Input::Accepted(id @ LinkId::Accepted(_), _)
                | Input::Received(id @ LinkId::Accepted(_), _)
                | Input::Closed(id @ LinkId::Accepted(_), _),
            ) => {
                *id = LinkId::Accepted(0);
                None
            }
            (Mutation::StoresTwice, Input::Stored(_))
            | (Mutation::ConnectsTwice, Input::Connected(_))
            | (Mutation::DrainsTwice, Input::Drained(_))
            | (Mutation::ClosesTwice, Input::Closed(..)) => Some(input.clone()),
            (Mutation::ReceivesAfterClosed, Input::Closed(id, _)) => Some(Input::Received(*id, vec![1])),
            (Mutation::TicksEarly, Input::Command(..)) => Some(Input::Tick),
            _ => None,
        };
        self.node.handle(input, now);
        if let Some(input) = extra {
            self.node.handle(input, now);
        }
    }

    fn poll(&mut self) -> Option<Output> {
        if let Some(held) = self.held.pop_front() {
            return Some(held);
        }
        if self.mutation == Mutation::TakesOneOutputPerInput && std::mem::replace(&mut self.taken, true) {
            return None;
        }
        let output = self.node.poll()?;
        match (self.mutation, &output) {
            (Mutation::StoredBeforeDurable, Output::Commit(id, _)) => {
                self.acked = Some(*id);
                self.node.handle(Input::Stored(*id), self.latest);
            }
            (Mutation::FetchesBeforeCommit, Output::Commit(..)) => {
                let overtaking = self.node.poll();
                self.held.push_back(output);
                return overtaking.or_else(|| self.held.pop_front());
            }
            (Mutation::DropsPendingBytes, Output::Transmit(..)) => match self.node.poll() {
                Some(Output::Hangup(id)) => return Some(Output::Hangup(id)),
                next => self.held.extend(next),
            },
            _ => {}
        }
        Some(output)
    }

    fn deadline(&self) -> Option<Deadline> {
        let deadline = self.node.deadline();
        match self.mutation {
            Mutation::NeverTicks => None,
            Mutation::KeepsFirstDeadline => {
                self.deadline.set(self.deadline.get().or(deadline));
                self.deadline.get()
            }
            _ => deadline,
        }
    }

    fn intake(&self) -> Intake {
        match self.mutation {
            Mutation::IgnoresIntake => Intake::Welcome,
            _ => self.node.intake(),
        }
    }
}
