//! [`ReadPool`]: queries on the store's read side, on a thread of their own. They block, and the daemon's thread must not.

use std::sync::mpsc::{self, Sender};
use std::thread::{self, JoinHandle};

use sotto_api::Error;
use sotto_io_sqlcipher::{Reader, StoreError};
use tokio::sync::oneshot::{self, Receiver};

use super::api_error;

type Job = Box<dyn FnOnce(&Reader) + Send>;

/// Sends queries to the thread. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct ReadPool {
    // Each client waits for its result before the next query, so the number of clients bounds this queue.
    jobs: Sender<Option<Job>>,
}

/// The thread that runs the queries.
#[derive(Debug)]
pub(crate) struct ReadThread {
    jobs: Sender<Option<Job>>,
    thread: JoinHandle<()>,
    /// Closed by the end of the thread.
    end: Receiver<()>,
}

impl ReadPool {
    /// Starts the thread.
    pub fn start(reader: Reader) -> Result<(Self, ReadThread), Error> {
        let (jobs, inbox) = mpsc::channel::<Option<Job>>();
        let (alive, end) = oneshot::channel();
        let thread = thread::Builder::new()
            .name("sotto-reads".into())
            .spawn(move || {
                // Dropped by a panic too.
                let _alive: oneshot::Sender<()> = alive;
                inbox.into_iter().map_while(|job| job).for_each(|job| job(&reader));
            })
            .map_err(|error| Error::io("no thread for queries", &error))?;
        Ok((Self { jobs: jobs.clone() }, ReadThread { jobs, thread, end }))
    }

    /// Runs a query, after those sent before.
    pub async fn read<T, Q>(&self, query: Q) -> Result<T, Error>
    where
        T: Send + 'static,
        Q: FnOnce(&Reader) -> Result<T, StoreError> + Send + 'static,
    {
        let (answer, answered) = oneshot::channel();
        let job: Job = Box::new(move |reader| drop(answer.send(query(reader))));
        // If the thread has ended, it has dropped the job and with it the sender of the result.
        let _ = self.jobs.send(Some(job));
        match answered.await {
            Ok(Ok(found)) => Ok(found),
            Ok(Err(error)) => Err(api_error::store(&error)),
            Err(_) => Err(Error::internal("the thread for queries has ended")),
        }
    }
}

impl ReadThread {
    /// Resolves when the thread has ended. Before [`close`](Self::close), only a panic ends it.
    pub async fn ended(&mut self) {
        let _ = (&mut self.end).await;
    }

    /// Runs the queries that were sent before, then closes the reader. A store can be closed only after its readers.
    pub fn close(self) {
        let _ = self.jobs.send(None);
        // The panic handler has reported a panic already.
        let _ = self.thread.join();
    }
}
