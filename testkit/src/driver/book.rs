//! What the suite writes down of a driver: every input that it gives a node and every output that it takes, each held
//! against the contract as it comes.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use sotto_core::row::{Batch, Query};
use sotto_core::{CommitId, Deadline, FetchId, Input, Intake, Machine, Now, Output};

use super::Shelf;
use super::contract::Contract;

/// A case's notes. Clones are the same book.
#[derive(Clone, Default)]
pub struct Book(Arc<Mutex<Pages>>);

#[derive(Default)]
struct Pages {
    told: Vec<(Input, Now)>,
    runs: u32,
    open: String,
    asleep: bool,
    breach: Option<String>,
    /// After so many inputs, the node's machine stands still.
    halts_after: Option<usize>,
}

impl Book {
    /// Every input so far, over all runs of the node.
    pub fn told(&self) -> Vec<(Input, Now)> {
        self.pages().told.clone()
    }

    /// How many inputs satisfy that.
    pub fn count(&self, such: impl Fn(&Input) -> bool) -> usize {
        self.pages().told.iter().filter(|(input, _)| such(input)).count()
    }

    /// How many inputs there were.
    pub fn inputs(&self) -> usize {
        self.pages().told.len()
    }

    /// How often a node was opened.
    pub fn runs(&self) -> u32 {
        self.pages().runs
    }

    /// What the present run's outputs still wait for.
    pub fn open(&self) -> String {
        self.pages().open.clone()
    }

    /// Whether the driver has taken everything that the node wants.
    pub fn is_asleep(&self) -> bool {
        self.pages().asleep
    }

    /// What the driver did that it may not do.
    pub fn breach(&self) -> Option<String> {
        self.pages().breach.clone()
    }

    /// Halts the node's machine once it has been told so much: nothing comes from it any more.
    pub fn halt_after(&self, inputs: usize) {
        self.pages().halts_after = Some(inputs);
    }

    /// Lets it run on, unless it stands still already; whether it runs.
    pub fn spare(&self) -> bool {
        let mut pages = self.pages();
        if !pages.is_halted() {
            pages.halts_after = None;
        }
        pages.halts_after.is_none()
    }

    /// Whether it stands still.
    pub fn is_halted(&self) -> bool {
        self.pages().is_halted()
    }

    /// Watches a node that was just opened.
    pub(super) fn watch(&self, machine: Box<dyn Machine>, shelf: Shelf) -> Watched {
        let mut pages = self.pages();
        pages.runs += 1;
        pages.open.clear();
        Watched {
            machine,
            contract: Contract::default(),
            commits: BTreeMap::new(),
            queries: BTreeMap::new(),
            run: pages.runs,
            book: self.clone(),
            shelf,
        }
    }

    fn pages(&self) -> MutexGuard<'_, Pages> {
        self.0.lock().expect("book")
    }
}

impl Pages {
    fn is_halted(&self) -> bool {
        self.halts_after.is_some_and(|inputs| self.told.len() >= inputs)
    }

    fn breach(&mut self, what: String) {
        self.breach.get_or_insert(what);
    }
}

/// A node, and who watches what is done with it.
pub(super) struct Watched {
    machine: Box<dyn Machine>,
    contract: Contract,
    commits: BTreeMap<CommitId, Batch>,
    queries: BTreeMap<FetchId, Query>,
    run: u32,
    book: Book,
    shelf: Shelf,
}

impl Watched {
    /// What the contract says, and what only the store knows.
    fn judge(&mut self, input: &Input, now: Now) -> Result<(), String> {
        self.contract
            .told(input, now, self.machine.deadline(), self.machine.intake())?;
        match input {
            Input::Stored(id) => {
                let batch = self.commits.remove(id).unwrap_or_default();
                let holds = self.shelf.holds(&batch);
                holds
                    .then_some(())
                    .ok_or_else(|| format!("{id:?} is not durable, and is said to be"))
            }
            Input::Fetched(id, rows) => {
                let query = self.queries.remove(id);
                let answered = query.is_some_and(|query| self.shelf.answered(&query, rows));
                answered
                    .then_some(())
                    .ok_or_else(|| format!("{id:?} is answered with what the store never said"))
            }
            _ => Ok(()),
        }
    }
}

impl Machine for Watched {
    fn handle(&mut self, input: Input, now: Now) {
        let book = self.book.clone();
        if book.is_halted() {
            return;
        }
        let verdict = self.judge(&input, now);
        let mut pages = book.pages();
        pages.asleep = false;
        if pages.runs != self.run {
            pages.breach("a node is told something after another one was opened".to_owned());
        }
        if let Err(breach) = verdict {
            // The node itself may not survive it.
            pages.breach(breach);
            return;
        }
        pages.told.push((input.clone(), now));
        pages.open = self.contract.open();
        drop(pages);
        self.machine.handle(input, now);
    }

    fn poll(&mut self) -> Option<Output> {
        let output = self.machine.poll().filter(|_| !self.book.is_halted());
        match &output {
            Some(Output::Commit(id, batch)) => _ = self.commits.insert(*id, batch.clone()),
            Some(Output::Fetch(id, query)) => _ = self.queries.insert(*id, query.clone()),
            _ => {}
        }
        let _ = output.as_ref().map(|output| self.contract.wanted(output));
        let mut pages = self.book.pages();
        pages.asleep = output.is_none();
        pages.open = self.contract.open();
        output
    }

    fn deadline(&self) -> Option<Deadline> {
        self.machine.deadline().filter(|_| !self.book.is_halted())
    }

    fn intake(&self) -> Intake {
        self.machine.intake()
    }
}
