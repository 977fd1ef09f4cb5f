//! [`People`]: every peer that a name may mean, kept in memory. Most requests name one, and to list them all takes longer than to
//! store a message.

use std::sync::{Arc, Mutex, PoisonError};

use sotto_api::Error;
use sotto_io_sqlcipher::{PeopleVersion, Reader};

use super::read_pool::ReadPool;
use super::resolve::Candidate;
use super::view;

/// The list, as of the last commit that changed it.
#[derive(Debug)]
pub(crate) struct People {
    version: PeopleVersion,
    /// With the count of `version` from before it was read.
    known: Mutex<Option<(u64, Arc<[Candidate]>)>>,
}

impl People {
    /// Of the store whose changes are counted there.
    pub fn new(version: PeopleVersion) -> Self {
        Self {
            version,
            known: Mutex::default(),
        }
    }

    /// The list, with every change that was reported before.
    pub async fn current(&self, reads: &ReadPool) -> Result<Arc<[Candidate]>, Error> {
        let version = self.version.current();
        // The list is replaced whole, so a poisoned lock is harmless.
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some((of, people)) = known
            && of == version
        {
            return Ok(people);
        }
        let people = reads.read(Reader::people).await?;
        let people: Arc<[Candidate]> = people.into_iter().map(view::candidate).collect();
        *self.known.lock().unwrap_or_else(PoisonError::into_inner) = Some((version, people.clone()));
        Ok(people)
    }
}
