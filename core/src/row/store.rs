//! [`RowStore`], the contract between a driver and whatever keeps its rows.
//!
//! It stands here, beside the rows, so that a driver and a store both depend on core and neither on the other: the driver
//! in `sotto-io` runs on SQLCipher, on a fake of testkit, or on another database, and none of them sees the driver.

use std::error::Error;

use super::{Batch, Image, Query, Rows};
use crate::Millis;

/// A store of one node's rows. All calls may block, and all come from one thread.
///
/// A store obeys the two rules of [this module](super). After an error the driver makes no call but
/// [`reopen`](Self::reopen) or [`close`](Self::close).
pub trait RowStore: Send + 'static {
    /// Why a call failed.
    type Error: Error + Send + Sync + 'static;

    /// All hot rows.
    fn image(&mut self) -> Result<Image, Self::Error>;

    /// Makes the batch durable, all of it or none. When this returns, a power cut cannot undo it.
    fn commit(&mut self, batch: &Batch) -> Result<(), Self::Error>;

    /// Reads cold rows, as of the last commit.
    fn fetch(&mut self, query: &Query) -> Result<Rows, Self::Error>;

    /// When [`wipe`](Self::wipe) is to be called, from now on: committed batches have taken text away that is still somewhere
    /// in the files. `None` if there is none. A store that leaves none keeps this.
    fn wipe_due(&self) -> Option<Millis> {
        None
    }

    /// Wipes such text, in a step of its own, so that no commit waits for it: a peer can cause it, and it may read all that
    /// there is. What is in the way now is tried again later; [`wipe_due`](Self::wipe_due) says when.
    fn wipe(&mut self) {}

    /// Called after an error: forgets every state that is not durable, as a new process would.
    fn reopen(&mut self) -> Result<(), Self::Error>;

    /// Closes the store in order.
    fn close(self) -> Result<(), Self::Error>;

    /// Whether the cause of an error may pass without a person's help, so that [`reopen`](Self::reopen) is worth trying:
    /// true for a full disk, false for a wrong key.
    fn is_transient(error: &Self::Error) -> bool;
}
