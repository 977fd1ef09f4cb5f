//! The store that the suite plays: rows in memory, every call counted, and a commit that takes as long, or fails, as the
//! case wants.

use std::collections::VecDeque;
use std::error::Error;
use std::fmt;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::Duration;

use sotto_core::row::{Batch, Change, Image, Query, Row, RowStore, Rows};

use crate::disk::Disk;

/// The store cannot: the disk is full, or there is no power. A driver has an error of its own for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Failed;

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the store fails, as the test case demands")
    }
}

impl Error for Failed {}

/// What becomes of a commit in flight when the power goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InFlight {
    /// Nothing of it is there.
    Lost,
    /// It is durable; nobody has been told.
    Durable,
}

/// A store for a driver under test. Clones are the same store. The methods that take `&self` and can fail are the driver's,
/// to be called as its own store's would be; they block.
#[derive(Clone, Default)]
pub struct Shelf(Arc<(Mutex<Inner>, Condvar)>);

#[derive(Default)]
struct Inner {
    disk: Disk,
    /// Commits that still pass before one waits.
    passing: Option<usize>,
    waiting: Option<Batch>,
    /// The text of a message whose commit is to fail.
    doomed: Option<String>,
    power: Power,
    committed: Vec<Batch>,
    answered: VecDeque<(Query, Rows)>,
    calls: Vec<Call>,
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
pub enum Call {
    Image,
    Commit,
    Fetch,
    Reopen,
    Close,
}

impl Shelf {
    /// A store that already holds something.
    pub fn of(disk: Disk) -> Self {
        let shelf = Self::default();
        shelf.inner().disk = disk;
        shelf
    }

    /// All hot rows.
    pub fn image(&self) -> Result<Image, Failed> {
        self.call(Call::Image).map(|inner| inner.disk.image())
    }

    /// Makes a batch durable, once the case lets it.
    pub fn commit(&self, batch: &Batch) -> Result<(), Failed> {
        let mut inner = self.call(Call::Commit)?;
        if inner.doomed.take_if(|text| says(batch, text)).is_some() {
            return Err(Failed);
        }
        inner.waiting = Some(batch.clone());
        let (_, changed) = &*self.0;
        while inner.passing == Some(0) && inner.power == Power::On {
            inner = changed.wait(inner).expect("shelf");
        }
        inner.passing = inner.passing.map(|passing| passing.saturating_sub(1));
        inner.waiting = None;
        if inner.power == Power::Off(InFlight::Lost) {
            return Err(Failed);
        }
        inner.disk.apply(batch.clone());
        inner.committed.push(batch.clone());
        if inner.power == Power::On { Ok(()) } else { Err(Failed) }
    }

    /// Reads cold rows.
    pub fn fetch(&self, query: &Query) -> Result<Rows, Failed> {
        let mut inner = self.call(Call::Fetch)?;
        let rows = inner.disk.fetch(query);
        inner.answered.push_back((query.clone(), rows.clone()));
        Ok(rows)
    }

    /// Forgets what is not durable: here, nothing.
    pub fn reopen(&self) -> Result<(), Failed> {
        self.call(Call::Reopen).map(drop)
    }

    /// The orderly end.
    pub fn close(&self) -> Result<(), Failed> {
        self.call(Call::Close).map(drop)
    }

    /// From now on, commits wait.
    pub fn hold(&self) {
        self.hold_after(0);
    }

    /// So many commits still pass; the next one waits.
    pub fn hold_after(&self, commits: usize) {
        self.inner().passing = Some(commits);
    }

    /// They wait no longer.
    pub fn release(&self) {
        self.inner().passing = None;
        self.0.1.notify_all();
    }

    /// The commit of a message with this text fails, once, and leaves nothing behind.
    pub fn fail_commit_of(&self, text: &str) {
        self.inner().doomed = Some(text.to_owned());
    }

    /// No call succeeds any more; what becomes of a commit that waits is for the case to say.
    pub fn cut_power(&self, in_flight: InFlight) {
        self.inner().power = Power::Off(in_flight);
        self.0.1.notify_all();
    }

    /// The batch of a commit that waits.
    pub fn waiting(&self) -> Option<Batch> {
        self.inner().waiting.clone()
    }

    /// What is durable.
    pub fn disk(&self) -> Disk {
        self.inner().disk.clone()
    }

    /// Every batch that has been made durable, in order.
    pub fn committed(&self) -> Vec<Batch> {
        self.inner().committed.clone()
    }

    /// Whether the batch has been made durable.
    pub fn holds(&self, batch: &Batch) -> bool {
        self.inner().committed.iter().rev().any(|committed| committed == batch)
    }

    /// Whether it gave that answer.
    pub fn answered(&self, query: &Query, rows: &Rows) -> bool {
        self.inner()
            .answered
            .iter()
            .rev()
            .any(|(asked, told)| (asked, told) == (query, rows))
    }

    /// How often that was called.
    pub fn count(&self, call: Call) -> usize {
        self.inner().calls.iter().filter(|made| **made == call).count()
    }

    /// The last call.
    pub fn last_call(&self) -> Option<Call> {
        self.inner().calls.last().copied()
    }

    fn call(&self, call: Call) -> Result<MutexGuard<'_, Inner>, Failed> {
        let mut inner = self.inner();
        inner.calls.push(call);
        if inner.power == Power::On {
            Ok(inner)
        } else {
            Err(Failed)
        }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.0.lock().expect("shelf")
    }
}

/// For drivers that run on any [`RowStore`]. Every failure is transient, so that such a driver opens its node again.
impl RowStore for Shelf {
    type Error = Failed;

    fn image(&mut self) -> Result<Image, Failed> {
        Self::image(self)
    }

    fn commit(&mut self, batch: &Batch) -> Result<(), Failed> {
        Self::commit(self, batch)
    }

    fn fetch(&mut self, query: &Query) -> Result<Rows, Failed> {
        Self::fetch(self, query)
    }

    fn reopen(&mut self) -> Result<(), Failed> {
        Self::reopen(self)
    }

    fn close(self) -> Result<(), Failed> {
        Self::close(&self)
    }

    fn is_transient(_: &Failed) -> bool {
        true
    }
}

fn says(batch: &Batch, text: &str) -> bool {
    batch.changes.iter().any(|change| match change {
        Change::Put(Row::Message(row)) | Change::Insert(Row::Message(row)) => row.text == text,
        _ => false,
    })
}

/// How long a wrong driver is given to go wrong where a right one has nothing to do. No right driver fails however long.
pub(super) const TEMPTATION: Duration = Duration::from_millis(20);
