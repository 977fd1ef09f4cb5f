//! Drivers that are wrong, so that it is seen that the suite can fail: each is a right driver with something between it and
//! its node, or its owner, that bends what passes in one way.

use std::cell::Cell;
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use sotto_core::row::Rows;
use sotto_core::{
    Cause, Command, CommitId, Deadline, Input, Intake, LinkId, Machine, Monotonic, Notice, Now, Output, Wall,
};

use super::{Asked, CASES, Driver, InFlight, Rig, Running, Shelf};

/// What is wrong with a driver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Broken {
    AcksBeforeDurable,
    StoresTwice,
    NeverStores,
    FetchesBeforeItCommits,
    FetchesNothing,
    ForgetsToFetch,
    ConnectsTwice,
    ForgetsRefusedDials,
    DrainsTwice,
    NeverDrains,
    ClosesTwice,
    HearsAfterTheEnd,
    SwapsBytes,
    CutsLastWords,
    NumbersLinksAlike,
    IgnoresIntake,
    TakesOneOutput,
    TicksEarly,
    NeverTicks,
    KeepsItsFirstDeadline,
    ClockGoesBack,
    WallClockStands,
    CrashesToShutDown,
    NeverShutsDown,
    SurvivesCrashes,
    LosesNotices,
}

/// Each, a case that finds it out, and what that says of it.
pub const FOUND_OUT: &[(Broken, &str, &str)] = &[
    (
        Broken::AcksBeforeDurable,
        "nothing_is_stored_before_it_is_durable",
        "is not durable",
    ),
    (
        Broken::AcksBeforeDurable,
        "nothing_is_shown_before_it_is_durable",
        "is not durable",
    ),
    (
        Broken::AcksBeforeDurable,
        "it_dies_at_any_commit_and_comes_back_as_it_was_durable",
        "is not durable",
    ),
    (
        Broken::StoresTwice,
        "every_commit_is_stored_once",
        "nothing called for Stored",
    ),
    (Broken::NeverStores, "every_commit_is_stored_once", "it tells Stored"),
    (
        Broken::FetchesBeforeItCommits,
        "every_fetch_is_answered_once_and_sees_the_commits_before_it",
        "what was committed before is seen",
    ),
    (
        Broken::FetchesNothing,
        "every_fetch_is_answered_once_and_sees_the_commits_before_it",
        "what the store never said",
    ),
    (
        Broken::ForgetsToFetch,
        "every_fetch_is_answered_once_and_sees_the_commits_before_it",
        "all that is open is completed",
    ),
    (
        Broken::ConnectsTwice,
        "every_dial_connects_or_closes_once",
        "nothing called for Connected",
    ),
    (
        Broken::ForgetsRefusedDials,
        "every_dial_connects_or_closes_once",
        "every dial has ended",
    ),
    (
        Broken::DrainsTwice,
        "every_transmit_is_drained_or_closed_once",
        "nothing called for Drained",
    ),
    (
        Broken::NeverDrains,
        "every_transmit_is_drained_or_closed_once",
        "both are drained",
    ),
    (
        Broken::ClosesTwice,
        "closed_is_the_last_word_on_a_link",
        "nothing called for Closed",
    ),
    (
        Broken::HearsAfterTheEnd,
        "closed_is_the_last_word_on_a_link",
        "nothing called for Received",
    ),
    (
        Broken::SwapsBytes,
        "bytes_arrive_whole_and_in_order_both_ways",
        "what the peer wrote",
    ),
    (
        Broken::CutsLastWords,
        "a_hangup_closes_the_link_after_its_last_words",
        "bytes of",
    ),
    (
        Broken::NumbersLinksAlike,
        "closed_is_the_last_word_on_a_link",
        "nothing called for Accepted",
    ),
    (
        Broken::IgnoresIntake,
        "a_busy_node_is_fed_no_bytes",
        "a busy node is fed bytes",
    ),
    (
        Broken::TakesOneOutput,
        "everything_wanted_is_done_before_it_sleeps",
        "the command is answered",
    ),
    (
        Broken::TicksEarly,
        "a_tick_comes_at_the_deadline_and_not_before",
        "nothing called for Tick",
    ),
    (
        Broken::NeverTicks,
        "a_tick_comes_at_the_deadline_and_not_before",
        "it ticks",
    ),
    (
        Broken::NeverTicks,
        "inputs_do_not_put_a_deadline_off",
        "it ticks although",
    ),
    (
        Broken::KeepsItsFirstDeadline,
        "a_deadline_that_moves_is_followed",
        "the nearer one counts",
    ),
    (
        Broken::ClockGoesBack,
        "both_clocks_are_told_as_they_are",
        "the monotonic clock went back",
    ),
    (Broken::WallClockStands, "both_clocks_are_told_as_they_are", "Now {"),
    (
        Broken::CrashesToShutDown,
        "commands_before_a_shutdown_are_answered",
        "answered by",
    ),
    (
        Broken::NeverShutsDown,
        "a_shutdown_closes_links_and_store",
        "it listens no more",
    ),
    (
        Broken::CrashesToShutDown,
        "what_is_being_said_is_said_before_a_shutdown_ends",
        "bytes of",
    ),
    (
        Broken::SurvivesCrashes,
        "nothing_of_it_is_left_after_a_crash",
        "it listens no more",
    ),
    (
        Broken::LosesNotices,
        "everything_wanted_is_done_before_it_sleeps",
        "all notices are out",
    ),
];

/// How often a wrong driver has to pass a case to be taken for a right one.
const ATTEMPTS: usize = 10;

/// Breaks a right driver in every way but those in `except`, and sees that the suite finds each out.
pub fn every_broken_driver_is_found_out(driver: &dyn Driver, except: &[Broken]) {
    thread::scope(|all| {
        for (broken, name, says) in FOUND_OUT.iter().filter(|(broken, ..)| !except.contains(broken)) {
            all.spawn(move || {
                let case = CASES.iter().find(|case| case.name == *name).expect("a case");
                let bent = Bent {
                    driver,
                    broken: *broken,
                };
                // A wrong driver on a busy machine may be late to go wrong, and lucky, but not again and again.
                let attempt = || catch_unwind(AssertUnwindSafe(|| (case.run)(&bent)));
                let failure = (0..ATTEMPTS).find_map(|_| attempt().err());
                let panic = failure.unwrap_or_else(|| panic!("{broken:?} passes {name}"));
                let text = panic.downcast_ref::<String>().map(String::as_str);
                let text = text.or(panic.downcast_ref::<&str>().copied()).unwrap_or_default();
                assert!(
                    text.contains(says),
                    "{broken:?} fails {name} for another reason: {text}"
                );
            });
        }
    });
}

/// A right driver, bent.
struct Bent<'d> {
    driver: &'d dyn Driver,
    broken: Broken,
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
