//! The read side on a thread of its own: queries block, and the daemon's one thread must not.

use std::sync::mpsc::{self, Sender};
use std::thread::{self, JoinHandle};

use sotto_api::Error;
use sotto_io_sqlcipher::{Reader, StoreError};
use tokio::sync::oneshot;

use super::fault;

type Job = Box<dyn FnOnce(&Reader) + Send>;

/// What people and programs read.
#[derive(Debug)]
pub(crate) struct ReadPool {
    // Clients wait for their answers one by one, so the number of clients bounds this queue.
    jobs: Sender<Option<Job>>,
}

/// The archive's thread.
#[derive(Debug)]
pub(crate) struct ReadThread {
    jobs: Sender<Option<Job>>,
    thread: JoinHandle<()>,
}

impl ReadPool {
    /// Starts the thread.
    pub fn start(reader: Reader) -> Result<(Self, ReadThread), Error> {
        let (jobs, inbox) = mpsc::channel::<Option<Job>>();
        let thread = thread::Builder::new()
            .name("sotto-archive".into())
            .spawn(move || inbox.into_iter().map_while(|job| job).for_each(|job| job(&reader)))
            .map_err(|error| Error::io("no thread for the archive", &error))?;
        Ok((Self { jobs: jobs.clone() }, ReadThread { jobs, thread }))
    }

    /// Answers a query, after those asked before.
    pub async fn read<T, Q>(&self, query: Q) -> Result<T, Error>
    where
        T: Send + 'static,
        Q: FnOnce(&Reader) -> Result<T, StoreError> + Send + 'static,
    {
        let (answer, answered) = oneshot::channel();
        let job: Job = Box::new(move |reader| drop(answer.send(query(reader))));
        // A thread that is gone has dropped the job, and with it the answer.
        let _ = self.jobs.send(Some(job));
        match answered.await {
            Ok(Ok(found)) => Ok(found),
            Ok(Err(error)) => Err(fault::store(&error)),
            Err(_) => Err(Error::internal("the archive's thread is gone")),
        }
    }
}

impl ReadThread {
    /// Answers what was asked before, then closes the reader. A store can be closed in order only once its readers are.
    pub fn close(self) {
        let _ = self.jobs.send(None);
        // A panic has been reported by then, and there is nothing to do about it.
        let _ = self.thread.join();
    }
}
