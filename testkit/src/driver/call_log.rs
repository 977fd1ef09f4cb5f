//! [`CallLog`]: every input that a driver gives its node and every output that it takes, each checked against the contract
//! when it happens.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use sotto_core::row::{Batch, Query};
use sotto_core::{CommitId, Deadline, FetchId, Input, Intake, Machine, Now, Output};

use super::FakeStore;
use super::contract::Contract;

/// The log of one case. Clones share it.
#[derive(Clone, Default)]
pub struct CallLog(Arc<Mutex<Inner>>);

#[derive(Default)]
struct Inner {
    inputs: Vec<(Input, Now)>,
    /// Fresh entropy, and how many inputs were before it. It is in no other list: how often it comes is the driver's choice.
    entropy: Vec<(usize, [u8; 32])>,
    runs: u32,
    open: String,
    asleep: bool,
    violation: Option<String>,
    /// After this many inputs the node is halted.
    halts_after: Option<usize>,
}

impl CallLog {
    /// Every input so far, over all runs of the node.
    pub fn inputs(&self) -> Vec<(Input, Now)> {
        self.inner().inputs.clone()
    }

    /// How many inputs satisfy the predicate.
    pub fn count(&self, predicate: impl Fn(&Input) -> bool) -> usize {
        self.inner().inputs.iter().filter(|(input, _)| predicate(input)).count()
    }

    /// How many inputs there were.
    pub fn input_count(&self) -> usize {
        self.inner().inputs.len()
    }

    /// The fresh entropy that came, each with the number of inputs before it.
    pub fn entropy(&self) -> Vec<(usize, [u8; 32])> {
        self.inner().entropy.clone()
    }

    /// How often a node was opened.
    pub fn runs(&self) -> u32 {
        self.inner().runs
    }

    /// The outputs of the present run that have no completion yet.
    pub fn open(&self) -> String {
        self.inner().open.clone()
    }

    /// Whether the driver has taken every output.
    pub fn is_asleep(&self) -> bool {
        self.inner().asleep
    }

    /// The first violation of the contract.
    pub fn violation(&self) -> Option<String> {
        self.inner().violation.clone()
    }

    /// Halts the node after this many inputs: it ignores further inputs and has no more outputs.
    pub fn halt_after(&self, inputs: usize) {
        self.inner().halts_after = Some(inputs);
    }

    /// Cancels a halt that has not happened yet. Returns whether the node runs.
    pub fn cancel_halt(&self) -> bool {
        let mut inner = self.inner();
        if !inner.is_halted() {
            inner.halts_after = None;
        }
        inner.halts_after.is_none()
    }

    /// Whether the node is halted.
    pub fn is_halted(&self) -> bool {
        self.inner().is_halted()
    }

    /// Checks what happens to a node that was just opened.
    pub(super) fn check(&self, machine: Box<dyn Machine>, store: FakeStore) -> CheckedNode {
        let mut inner = self.inner();
        inner.runs += 1;
        inner.open.clear();
        CheckedNode {
            machine,
            contract: Contract::default(),
            commits: BTreeMap::new(),
            queries: BTreeMap::new(),
            run: inner.runs,
            log: self.clone(),
            store,
        }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().expect("call log")
    }
}

impl Inner {
    fn is_halted(&self) -> bool {
        self.halts_after.is_some_and(|inputs| self.inputs.len() >= inputs)
    }

    fn violated(&mut self, what: String) {
        self.violation.get_or_insert(what);
    }
}

/// A node whose inputs and outputs are logged and checked.
pub(super) struct CheckedNode {
    machine: Box<dyn Machine>,
    contract: Contract,
    commits: BTreeMap<CommitId, Batch>,
    queries: BTreeMap<FetchId, Query>,
    run: u32,
    log: CallLog,
    store: FakeStore,
}

impl CheckedNode {
    /// Checks an input against the contract and against the store.
    fn check(&mut self, input: &Input, now: Now) -> Result<(), String> {
        self.contract
            .input(input, now, self.machine.deadline(), self.machine.intake())?;
        match input {
            Input::Stored(id) => {
                let batch = self.commits.remove(id).unwrap_or_default();
                let holds = self.store.holds(&batch);
                holds
                    .then_some(())
                    .ok_or_else(|| format!("{id:?} is reported as stored and is not durable"))
            }
            Input::Fetched(id, rows) => {
                let query = self.queries.remove(id);
                let answered = query.is_some_and(|query| self.store.answered(&query, rows));
                answered
                    .then_some(())
                    .ok_or_else(|| format!("{id:?} is completed with rows that the store did not return"))
            }
            _ => Ok(()),
        }
    }
}

impl Machine for CheckedNode {
    fn handle(&mut self, input: Input, now: Now) {
        let log = self.log.clone();
        if log.is_halted() {
            return;
        }
        let checked = self.check(&input, now);
        let mut inner = log.inner();
        inner.asleep = false;
        if inner.runs != self.run {
            inner.violated("a node gets an input after another one was opened".to_owned());
        }
        if let Err(violation) = checked {
            // The node itself may panic on this input.
            inner.violated(violation);
            return;
        }
        if let Input::Entropy(fresh) = input {
            let before = inner.inputs.len();
            inner.entropy.push((before, fresh));
        } else {
            inner.inputs.push((input.clone(), now));
        }
        inner.open = self.contract.open();
        drop(inner);
        self.machine.handle(input, now);
    }

    fn poll(&mut self) -> Option<Output> {
        let output = self.machine.poll().filter(|_| !self.log.is_halted());
        match &output {
            Some(Output::Commit(id, batch)) => _ = self.commits.insert(*id, batch.clone()),
            Some(Output::Fetch(id, query)) => _ = self.queries.insert(*id, query.clone()),
            _ => {}
        }
        let _ = output.as_ref().map(|output| self.contract.output(output));
        let mut inner = self.log.inner();
        inner.asleep = output.is_none();
        inner.open = self.contract.open();
        output
    }

    fn deadline(&self) -> Option<Deadline> {
        self.machine.deadline().filter(|_| !self.log.is_halted())
    }

    fn intake(&self) -> Intake {
        self.machine.intake()
    }
}
