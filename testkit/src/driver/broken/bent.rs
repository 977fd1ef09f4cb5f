//! A right driver, bent.

use std::cell::Cell;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use sotto_core::row::Rows;
use sotto_core::{
    Cause, Command, CommitId, Deadline, Input, Intake, LinkId, Machine, Monotonic, Notice, Now, Output, Wall,
};

use super::Broken;
use crate::driver::{Asked, Driver, InFlight, Rig, Running, Shelf};

/// It, and how.
pub(super) struct Bent<'d> {
    pub driver: &'d dyn Driver,
    pub broken: Broken,
}

impl Driver for Bent<'_> {
    fn start(&self, rig: Rig) -> Box<dyn Running> {
        let (broken, open) = (self.broken, Arc::clone(&rig.open));
        let open = move |image, entropy, limits, now| {
            let node = BentNode {
                node: open(image, entropy, limits, now)?,
                broken,
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
        let shelf = rig.shelf.clone();
        let running = self.driver.start(Rig {
            open: Arc::new(open),
            ..rig
        });
        Box::new(BentOwner {
            running,
            shelf,
            broken: self.broken,
        })
    }

    fn patience(&self) -> Duration {
        Duration::from_secs(2)
    }
}

struct BentOwner {
    running: Box<dyn Running>,
    shelf: Shelf,
    broken: Broken,
}

impl Running for BentOwner {
    fn command(&self, command: Command) -> Asked {
        self.running.command(command)
    }

    fn notice(&mut self) -> Option<Notice> {
        self.running.notice().filter(|_| self.broken != Broken::LosesNotices)
    }

    fn shut_down(self: Box<Self>) {
        match self.broken {
            Broken::CrashesToShutDown => {
                self.shelf.cut_power(InFlight::Lost);
                self.running.crash();
            }
            Broken::NeverShutsDown => std::mem::forget(self.running),
            _ => self.running.shut_down(),
        }
    }

    fn crash(self: Box<Self>) {
        match self.broken {
            Broken::SurvivesCrashes => std::mem::forget(self.running),
            _ => self.running.crash(),
        }
    }
}

struct BentNode {
    node: Box<dyn Machine>,
    broken: Broken,
    /// Whether an output was taken since the last input.
    taken: bool,
    /// Outputs that others have overtaken.
    held: VecDeque<Output>,
    acked: Option<CommitId>,
    inputs: u64,
    first: Now,
    latest: Now,
    deadline: Cell<Option<Deadline>>,
}

impl BentNode {
    fn bend_now(&self, now: Now) -> Now {
        match self.broken {
            Broken::ClockGoesBack if self.inputs.is_multiple_of(2) => Now {
                monotonic: Monotonic(now.monotonic.0.saturating_sub(1000)),
                ..now
            },
            Broken::WallClockStands => Now {
                wall: Wall(self.first.wall.0),
                ..now
            },
            _ => now,
        }
    }
}

impl Machine for BentNode {
    fn handle(&mut self, mut input: Input, now: Now) {
        self.inputs += 1;
        self.taken = false;
        let now = self.bend_now(now);
        self.latest = now;
        let twice = match (self.broken, &mut input) {
            (Broken::AcksBeforeDurable, Input::Stored(id)) if self.acked == Some(*id) => return,
            (Broken::NeverStores, Input::Stored(_))
            | (Broken::NeverDrains, Input::Drained(_))
            | (Broken::ForgetsToFetch, Input::Fetched(..))
            | (Broken::ForgetsRefusedDials, Input::Closed(_, Cause::Unreachable)) => return,
            (Broken::FetchesNothing, Input::Fetched(_, rows)) => {
                *rows = Rows::default();
                None
            }
            (Broken::SwapsBytes, Input::Received(_, bytes)) => {
                let end = bytes.len() - 1;
                bytes.swap(0, end);
                None
            }
            (
                Broken::NumbersLinksAlike,
                Input::Accepted(id @ LinkId::Accepted(_))
                | Input::Received(id @ LinkId::Accepted(_), _)
                | Input::Closed(id @ LinkId::Accepted(_), _),
            ) => {
                *id = LinkId::Accepted(0);
                None
            }
            (Broken::StoresTwice, Input::Stored(_))
            | (Broken::ConnectsTwice, Input::Connected(_))
            | (Broken::DrainsTwice, Input::Drained(_))
            | (Broken::ClosesTwice, Input::Closed(..)) => Some(input.clone()),
            (Broken::HearsAfterTheEnd, Input::Closed(id, _)) => Some(Input::Received(*id, vec![1])),
            (Broken::TicksEarly, Input::Command(..)) => Some(Input::Tick),
            _ => None,
        };
        self.node.handle(input, now);
        if let Some(input) = twice {
            self.node.handle(input, now);
        }
    }

    fn poll(&mut self) -> Option<Output> {
        if let Some(held) = self.held.pop_front() {
            return Some(held);
        }
        if self.broken == Broken::TakesOneOutput && std::mem::replace(&mut self.taken, true) {
            return None;
        }
        let output = self.node.poll()?;
        match (self.broken, &output) {
            (Broken::AcksBeforeDurable, Output::Commit(id, _)) => {
                self.acked = Some(*id);
                self.node.handle(Input::Stored(*id), self.latest);
            }
            (Broken::FetchesBeforeItCommits, Output::Commit(..)) => {
                let overtaking = self.node.poll();
                self.held.push_back(output);
                return overtaking.or_else(|| self.held.pop_front());
            }
            (Broken::CutsLastWords, Output::Transmit(..)) => match self.node.poll() {
                Some(Output::Hangup(id)) => return Some(Output::Hangup(id)),
                next => self.held.extend(next),
            },
            _ => {}
        }
        Some(output)
    }

    fn deadline(&self) -> Option<Deadline> {
        let deadline = self.node.deadline();
        match self.broken {
            Broken::NeverTicks => None,
            Broken::KeepsItsFirstDeadline => {
                self.deadline.set(self.deadline.get().or(deadline));
                self.deadline.get()
            }
            _ => deadline,
        }
    }

    fn intake(&self) -> Intake {
        match self.broken {
            Broken::IgnoresIntake => Intake::Welcome,
            _ => self.node.intake(),
        }
    }
}
