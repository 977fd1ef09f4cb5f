//! [`ScriptedNode`]: a node of which the case sets the outputs and the deadline.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard};

use sotto_core::{
    Command, CommitId, Deadline, DeadlineReason, Input, Intake, Machine, Millis, Monotonic, Now, Output, Reply,
};

/// A node whose behaviour the case sets. Clones are the same node.
#[derive(Clone, Default)]
pub struct ScriptedNode(Arc<Mutex<Script>>);

#[derive(Default)]
struct Script {
    /// Outputs of the next trigger.
    next: Vec<Output>,
    outputs: VecDeque<Output>,
    change: Option<DeadlineChange>,
    deadline: Option<Monotonic>,
    /// Ticks for which the deadline stays as it is.
    ticks: u32,
    busy_until: Option<CommitId>,
}

/// A change of the deadline.
#[derive(Clone, Copy, Debug)]
pub enum DeadlineChange {
    /// No deadline.
    Off,
    /// This long after the trigger.
    After(Millis),
    /// In the past, for this many ticks.
    Overdue(u32),
}

impl ScriptedNode {
    /// Adds outputs, which the node has from the next trigger on.
    pub fn prepare(&self, outputs: impl IntoIterator<Item = Output>) {
        self.script().next.extend(outputs);
    }

    /// Changes the deadline at the next trigger.
    pub fn set_deadline(&self, change: DeadlineChange) {
        self.script().change = Some(change);
    }

    /// Makes the node busy until this commit is stored.
    pub fn busy_until(&self, commit: CommitId) {
        self.script().busy_until = Some(commit);
    }

    /// The command that triggers. The node replies to every other command and does nothing else.
    pub fn trigger() -> Command {
        Command::SetName("trigger".to_owned())
    }

    /// The present deadline.
    pub fn deadline(&self) -> Option<Monotonic> {
        self.script().deadline
    }

    fn script(&self) -> MutexGuard<'_, Script> {
        self.0.lock().expect("scripted node")
    }
}

impl Machine for ScriptedNode {
    fn handle(&mut self, input: Input, now: Now) {
        let mut script = self.script();
        match input {
            Input::Command(id, command) => {
                if command == Self::trigger() {
                    let next = std::mem::take(&mut script.next);
                    script.outputs.extend(next);
                    match script.change.take() {
                        None => {}
                        Some(DeadlineChange::Off) => script.deadline = None,
                        Some(DeadlineChange::After(span)) => script.deadline = Some(now.monotonic.after(span)),
                        Some(DeadlineChange::Overdue(ticks)) => {
                            script.ticks = ticks - 1;
                            script.deadline = Some(Monotonic(0));
                        }
                    }
                }
                script.outputs.push_back(Output::Reply(id, Ok(Reply::Done)));
            }
            Input::Tick if script.ticks > 0 => script.ticks -= 1,
            Input::Tick => script.deadline = None,
            Input::Stored(id) if script.busy_until == Some(id) => script.busy_until = None,
            _ => {}
        }
    }

    fn poll(&mut self) -> Option<Output> {
        self.script().outputs.pop_front()
    }

    fn deadline(&self) -> Option<Deadline> {
        let at = self.script().deadline?;
        Some(Deadline {
            at,
            reason: DeadlineReason::Retry,
        })
    }

    fn intake(&self) -> Intake {
        match self.script().busy_until {
            Some(_) => Intake::Busy,
            None => Intake::Welcome,
        }
    }
}
