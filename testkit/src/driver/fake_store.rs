//! [`FakeStore`]: the store of a driver under test. Rows are in memory, calls are counted, and the case decides how long a
//! commit takes and whether it fails.

use std::collections::VecDeque;
use std::error::Error;
use std::fmt;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::Duration;

use sotto_core::row::{Batch, Change, Image, Query, Row, RowStore, Rows};

use crate::memory_store::MemoryStore;

/// A call failed: the disk is full, or the power is off. The driver maps this to its own error type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoreFailed;

impl fmt::Display for StoreFailed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the test case makes the store fail")
    }
}

impl Error for StoreFailed {}

/// The fate of a commit in flight when the power goes off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InFlight {
    /// No row of it is durable.
    Lost,
    /// It is durable, and the driver was not told.
    Durable,
}

/// A store for a driver under test. Clones are the same store. The methods that return a `Result` are for the driver, in
/// place of those of its own store. They block.
#[derive(Clone, Default)]
pub struct FakeStore(Arc<(Mutex<Inner>, Condvar)>);

#[derive(Default)]
struct Inner {
    disk: MemoryStore,
    /// Commits that pass before one waits.
    passing: Option<usize>,
    waiting: Option<Batch>,
    /// The commit of a message with this text fails.
    failing_text: Option<String>,
    power: Power,
    committed: Vec<Batch>,
    answered: VecDeque<(Query, Rows)>,
    calls: Vec<StoreCall>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Power {
    #[default]
    On,
    Off(InFlight),
}

/// A call that a driver made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is the method of that name")]
pub enum StoreCall {
    Image,
    Commit,
    Fetch,
    Reopen,
    Close,
}

impl FakeStore {
    /// A store with these rows.
    pub fn of(disk: MemoryStore) -> Self {
        let store = Self::default();
        store.inner().disk = disk;
        store
    }

    /// The hot rows.
    pub fn image(&self) -> Result<Image, StoreFailed> {
        self.call(StoreCall::Image).map(|inner| inner.disk.image())
    }

    /// Makes a batch durable, after the case releases it.
    pub fn commit(&self, batch: &Batch) -> Result<(), StoreFailed> {
        let mut inner = self.call(StoreCall::Commit)?;
        if inner.failing_text.take_if(|text| has_text(batch, text)).is_some() {
            return Err(StoreFailed);
        }
        inner.waiting = Some(batch.clone());
        let (_, changed) = &*self.0;
        while inner.passing == Some(0) && inner.power == Power::On {
            inner = changed.wait(inner).expect("fake store");
        }
        inner.passing = inner.passing.map(|passing| passing.saturating_sub(1));
        inner.waiting = None;
        if inner.power == Power::Off(InFlight::Lost) {
            return Err(StoreFailed);
        }
        inner.disk.apply(batch.clone());
        inner.committed.push(batch.clone());
        if inner.power == Power::On {
            Ok(())
        } else {
            Err(StoreFailed)
        }
    }

    /// Reads cold rows.
    pub fn fetch(&self, query: &Query) -> Result<Rows, StoreFailed> {
        let mut inner = self.call(StoreCall::Fetch)?;
        let rows = inner.disk.fetch(query);
        inner.answered.push_back((query.clone(), rows.clone()));
        Ok(rows)
    }

    /// Drops what is not durable. Every row here is durable.
    pub fn reopen(&self) -> Result<(), StoreFailed> {
        self.call(StoreCall::Reopen).map(drop)
    }

    /// Closes the store.
    pub fn close(&self) -> Result<(), StoreFailed> {
        self.call(StoreCall::Close).map(drop)
    }

    /// Makes commits wait from now on.
    pub fn hold(&self) {
        self.hold_after(0);
    }

    /// Lets this many commits pass and makes the next one wait.
    pub fn hold_after(&self, commits: usize) {
        self.inner().passing = Some(commits);
    }

    /// Ends the waiting.
    pub fn release(&self) {
        self.inner().passing = None;
        self.0.1.notify_all();
    }

    /// Makes the commit of a message with this text fail once, without any row of it.
    pub fn fail_commit_of(&self, text: &str) {
        self.inner().failing_text = Some(text.to_owned());
    }

    /// Makes every call fail from now on. `in_flight` decides about a commit that waits.
    pub fn cut_power(&self, in_flight: InFlight) {
        self.inner().power = Power::Off(in_flight);
        self.0.1.notify_all();
    }

    /// The batch of a commit that waits.
    pub fn waiting(&self) -> Option<Batch> {
        self.inner().waiting.clone()
    }

    /// The durable rows.
    pub fn disk(&self) -> MemoryStore {
        self.inner().disk.clone()
    }

    /// Every durable batch, in order.
    pub fn committed(&self) -> Vec<Batch> {
        self.inner().committed.clone()
    }

    /// Whether the batch is durable.
    pub fn holds(&self, batch: &Batch) -> bool {
        self.inner().committed.iter().rev().any(|committed| committed == batch)
    }

    /// Whether it returned these rows for the query.
    pub fn answered(&self, query: &Query, rows: &Rows) -> bool {
        self.inner()
            .answered
            .iter()
            .rev()
            .any(|(of, returned)| (of, returned) == (query, rows))
    }

    /// How often a method was called.
    pub fn count(&self, call: StoreCall) -> usize {
        self.inner().calls.iter().filter(|made| **made == call).count()
    }

    /// The last call.
    pub fn last_call(&self) -> Option<StoreCall> {
        self.inner().calls.last().copied()
    }

    fn call(&self, call: StoreCall) -> Result<MutexGuard<'_, Inner>, StoreFailed> {
        let mut inner = self.inner();
        inner.calls.push(call);
        if inner.power == Power::On {
            Ok(inner)
        } else {
            Err(StoreFailed)
        }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.0.lock().expect("fake store")
    }
}

/// For drivers that run on any [`RowStore`]. Every failure is transient, so that such a driver opens its node again.
impl RowStore for FakeStore {
    type Error = StoreFailed;

    fn image(&mut self) -> Result<Image, StoreFailed> {
        Self::image(self)
    }

    fn commit(&mut self, batch: &Batch) -> Result<(), StoreFailed> {
        Self::commit(self, batch)
    }

    fn fetch(&mut self, query: &Query) -> Result<Rows, StoreFailed> {
        Self::fetch(self, query)
    }

    fn reopen(&mut self) -> Result<(), StoreFailed> {
        Self::reopen(self)
    }

    fn close(self) -> Result<(), StoreFailed> {
        Self::close(&self)
    }

    fn is_transient(_: &StoreFailed) -> bool {
        true
    }
}

fn has_text(batch: &Batch, text: &str) -> bool {
    batch.changes.iter().any(|change| match change {
        Change::Put(Row::Message(row)) | Change::Insert(Row::Message(row)) => row.text == text,
        _ => false,
    })
}

/// How long a case waits for a wrong driver to misbehave where a correct one does nothing. A correct driver passes with any
/// value.
pub(super) const MISBEHAVIOUR_WINDOW: Duration = Duration::from_millis(20);
