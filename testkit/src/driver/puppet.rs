//! A node that the suite plays: it wants what the case says, when the case says it.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard};

use sotto_core::{
    Command, CommitId, Deadline, DeadlineReason, Input, Intake, Machine, Millis, Monotonic, Now, Output, Reply,
};

/// The case's hold on it. Clones hold the same one.
#[derive(Clone, Default)]
pub struct Puppet(Arc<Mutex<Strings>>);

#[derive(Default)]
struct Strings {
    /// To be wanted at the next pull.
    next: Vec<Output>,
    wanted: VecDeque<Output>,
    alarm: Option<Alarm>,
    deadline: Option<Monotonic>,
    /// Ticks that a deadline outlasts.
    ticks: u32,
    busy_until: Option<CommitId>,
}

/// What its deadline is to be.
#[derive(Clone, Copy, Debug)]
pub enum Alarm {
    /// None.
    Off,
    /// So long after the pull.
    After(Millis),
    /// In the past, for so many ticks.
    Overdue(u32),
}

impl Puppet {
    /// What it will want when it is pulled next.
    pub fn prepare(&self, outputs: impl IntoIterator<Item = Output>) {
        self.strings().next.extend(outputs);
    }

    /// What its deadline will be when it is pulled next.
    pub fn set_alarm(&self, alarm: Alarm) {
        self.strings().alarm = Some(alarm);
    }

    /// It will be busy from then on, until that commit is stored.
    pub fn busy_until(&self, commit: CommitId) {
        self.strings().busy_until = Some(commit);
    }

    /// The command that pulls. Any other is only answered.
    pub fn pull() -> Command {
        Command::SetName("pull".to_owned())
    }

    /// Its deadline.
    pub fn deadline(&self) -> Option<Monotonic> {
        self.strings().deadline
    }

    fn strings(&self) -> MutexGuard<'_, Strings> {
        self.0.lock().expect("puppet")
    }
}

impl Machine for Puppet {
    fn handle(&mut self, input: Input, now: Now) {
        let mut strings = self.strings();
        match input {
            Input::Command(id, command) => {
                if command == Self::pull() {
                    let next = std::mem::take(&mut strings.next);
                    strings.wanted.extend(next);
                    match strings.alarm.take() {
                        None => {}
                        Some(Alarm::Off) => strings.deadline = None,
                        Some(Alarm::After(span)) => strings.deadline = Some(now.monotonic.after(span)),
                        Some(Alarm::Overdue(ticks)) => {
                            strings.ticks = ticks - 1;
                            strings.deadline = Some(Monotonic(0));
                        }
                    }
                }
                strings.wanted.push_back(Output::Reply(id, Ok(Reply::Done)));
            }
            Input::Tick if strings.ticks > 0 => strings.ticks -= 1,
            Input::Tick => strings.deadline = None,
            Input::Stored(id) if strings.busy_until == Some(id) => strings.busy_until = None,
            _ => {}
        }
    }

    fn poll(&mut self) -> Option<Output> {
        self.strings().wanted.pop_front()
    }

    fn deadline(&self) -> Option<Deadline> {
        let at = self.strings().deadline?;
        Some(Deadline {
            at,
            reason: DeadlineReason::Retry,
        })
    }

    fn intake(&self) -> Intake {
        match self.strings().busy_until {
            Some(_) => Intake::Busy,
            None => Intake::Welcome,
        }
    }
}
