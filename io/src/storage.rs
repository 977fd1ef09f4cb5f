//! The store's thread. A store blocks, so it lives on one thread of its own, which does what it is asked in order: a
//! fetch sees every commit before it. The first error is the last answer of a run; what was asked after it is passed
//! over, because the node that asked is about to be dropped, and [`StoreThread::image`] begins the next run with the
//! store opened afresh.

use std::future::poll_fn;
use std::panic::resume_unwind;
use std::sync::mpsc as blocking;
use std::task::{Context, Poll, ready};
use std::thread::{self, JoinHandle};

use futures::StreamExt as _;
use futures::channel::{mpsc, oneshot};
use sotto_core::row::{Batch, Image, Query, Rows};
use sotto_core::{CommitId, FetchId, Input};
use sotto_io_sqlcipher::{Store, StoreError};

/// What a driver asks of a store. [`Store`] is the one; tests have others that fail when told to.
pub trait Storage: Send {
    /// All hot rows.
    fn image(&mut self) -> Result<Image, StoreError>;
    /// Makes the batch durable, all or nothing.
    fn commit(&mut self, batch: &Batch) -> Result<(), StoreError>;
    /// Reads cold rows.
    fn fetch(&mut self, query: &Query) -> Result<Rows, StoreError>;
    /// After an error: forgets everything that is not on the disk, as a new process would.
    fn reopen(&mut self) -> Result<(), StoreError>;
    /// The orderly end.
    fn close(self: Box<Self>) -> Result<(), StoreError>;
}

impl Storage for Store {
    fn image(&mut self) -> Result<Image, StoreError> {
        self.image()
    }

    fn commit(&mut self, batch: &Batch) -> Result<(), StoreError> {
        self.commit(batch)
    }

    fn fetch(&mut self, query: &Query) -> Result<Rows, StoreError> {
        self.fetch(query)
    }

    fn reopen(&mut self) -> Result<(), StoreError> {
        self.reopen()
    }

    fn close(self: Box<Self>) -> Result<(), StoreError> {
        (*self).close()
    }
}

enum Order {
    Image(oneshot::Sender<Result<Image, StoreError>>),
    Commit(CommitId, Batch),
    Fetch(FetchId, Query),
}

/// The way to the store. Dropping it waits for the thread, so that afterwards the store is closed.
pub(crate) struct StoreThread {
    orders: Option<blocking::Sender<Order>>,
    /// `Stored`, `Fetched`, or the error that ends the run.
    completions: mpsc::UnboundedReceiver<Result<Input, StoreError>>,
    thread: Option<JoinHandle<Result<(), StoreError>>>,
    open: usize,
}

impl StoreThread {
    pub fn spawn(store: Box<dyn Storage>) -> std::io::Result<Self> {
        let (orders, inbox) = blocking::channel();
        // Neither channel needs a bound: a node has one commit in flight, and fetches only for commands it holds.
        let (outbox, completions) = mpsc::unbounded();
        let thread = thread::Builder::new()
            .name("sotto-store".into())
            .spawn(move || serve(store, &inbox, &outbox))?;
        Ok(Self {
            orders: Some(orders),
            completions,
            thread: Some(thread),
            open: 0,
        })
    }

    /// Begins a run: what the node is to be opened with.
    pub async fn image(&mut self) -> Result<Image, StoreError> {
        let (answer, image) = oneshot::channel();
        self.order(Order::Image(answer));
        let image = self.answered(image.await.ok());
        // The thread has answered everything that an earlier run still had open.
        while self.completions.try_recv().is_ok() {}
        self.open = 0;
        image
    }

    pub fn commit(&mut self, id: CommitId, batch: Batch) {
        self.open += 1;
        self.order(Order::Commit(id, batch));
    }

    pub fn fetch(&mut self, id: FetchId, query: Query) {
        self.open += 1;
        self.order(Order::Fetch(id, query));
    }

    /// The next completion.
    pub fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Result<Input, StoreError>> {
        let completion = ready!(self.completions.poll_next_unpin(cx));
        self.open = self.open.saturating_sub(1);
        Poll::Ready(self.answered(completion))
    }

    /// The next completion. May be dropped and called again.
    pub async fn next(&mut self) -> Result<Input, StoreError> {
        poll_fn(|cx| self.poll_next(cx)).await
    }

    /// Whether a completion is still to come.
    pub const fn is_working(&self) -> bool {
        self.open > 0
    }

    /// Does what is still open, then closes the store.
    pub async fn close(mut self) -> Result<(), StoreError> {
        self.orders = None;
        while self.completions.next().await.is_some() {}
        self.thread.take().map_or(Ok(()), end)
    }

    fn order(&self, order: Order) {
        // A thread that is gone has panicked; `answered` passes that on.
        let _ = self.orders.as_ref().map(|orders| orders.send(order));
    }

    fn answered<T>(&mut self, answer: Option<Result<T, StoreError>>) -> Result<T, StoreError> {
        answer.unwrap_or_else(|| {
            let thread = self.thread.take().expect("asked only while the thread runs");
            panic!("the store's thread ended by itself: {:?}", end(thread));
        })
    }
}

impl Drop for StoreThread {
    fn drop(&mut self) {
        self.orders = None;
        if let Some(thread) = self.thread.take()
            && let Err(panic) = thread.join()
            && !thread::panicking()
        {
            resume_unwind(panic);
        }
    }
}

fn end(thread: JoinHandle<Result<(), StoreError>>) -> Result<(), StoreError> {
    thread.join().unwrap_or_else(|panic| resume_unwind(panic))
}

fn serve(
    mut store: Box<dyn Storage>,
    orders: &blocking::Receiver<Order>,
    completions: &mpsc::UnboundedSender<Result<Input, StoreError>>,
) -> Result<(), StoreError> {
    let mut failed = false;
    for order in orders {
        let completion = match order {
            Order::Image(answer) => {
                let reopened = if failed { store.reopen() } else { Ok(()) };
                let image = reopened.and_then(|()| store.image());
                failed = image.is_err();
                let _ = answer.send(image);
                continue;
            }
            Order::Commit(..) | Order::Fetch(..) if failed => continue,
            Order::Commit(id, batch) => store.commit(&batch).map(|()| Input::Stored(id)),
            Order::Fetch(id, query) => store.fetch(&query).map(|rows| Input::Fetched(id, rows)),
        };
        failed = completion.is_err();
        // Nobody listens any more if the driver was dropped.
        let _ = completions.unbounded_send(completion);
    }
    store.close()
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use futures::FutureExt as _;
    use sotto_core::Wall;
    use sotto_core::row::{Change, Key};

    use super::*;

    type Log = Arc<Mutex<Vec<&'static str>>>;

    /// Writes down what it is asked, and does not survive being asked for the commit of an empty batch.
    struct Recorder(Log);

    impl Recorder {
        fn spawn() -> (StoreThread, Log) {
            let log = Log::default();
            let thread = StoreThread::spawn(Box::new(Self(log.clone()))).expect("thread");
            (thread, log)
        }

        fn log(&self, what: &'static str) {
            self.0.lock().expect("log").push(what);
        }
    }

    impl Storage for Recorder {
        fn image(&mut self) -> Result<Image, StoreError> {
            self.log("image");
            Ok(Image::default())
        }

        fn commit(&mut self, batch: &Batch) -> Result<(), StoreError> {
            self.log("commit");
            if batch.changes.is_empty() {
                Err(StoreError::Full { path: "disk".into() })
            } else {
                Ok(())
            }
        }

        fn fetch(&mut self, query: &Query) -> Result<Rows, StoreError> {
            self.log("fetch");
            assert!(
                !matches!(query, Query::Messages(keys) if keys.is_empty()),
                "asked for nothing"
            );
            Ok(Rows::default())
        }

        fn reopen(&mut self) -> Result<(), StoreError> {
            self.log("reopen");
            Ok(())
        }

        fn close(self: Box<Self>) -> Result<(), StoreError> {
            self.log("close");
            Ok(())
        }
    }

    fn batch() -> Batch {
        Batch {
            changes: vec![Change::Delete(Key::Identity)],
        }
    }

    fn query() -> Query {
        Query::Disappearing {
            until: Wall(0),
            limit: 1,
        }
    }

    fn said(log: &Log) -> Vec<&'static str> {
        log.lock().expect("log").clone()
    }

    #[tokio::test]
    async fn everything_is_done_and_answered_in_order() {
        let (mut store, log) = Recorder::spawn();
        store.image().await.expect("image");
        store.commit(CommitId(1), batch());
        store.fetch(FetchId(1), query());
        store.commit(CommitId(2), batch());
        assert!(matches!(store.next().await, Ok(Input::Stored(CommitId(1)))));
        assert!(matches!(store.next().await, Ok(Input::Fetched(FetchId(1), _))));
        assert!(store.is_working());
        assert!(matches!(store.next().await, Ok(Input::Stored(CommitId(2)))));
        assert!(!store.is_working());
        store.close().await.expect("close");
        assert_eq!(said(&log), ["image", "commit", "fetch", "commit", "close"]);
    }

    #[tokio::test]
    async fn an_error_is_the_last_answer_of_a_run_and_the_next_run_reopens() {
        let (mut store, log) = Recorder::spawn();
        store.image().await.expect("image");
        store.commit(CommitId(1), batch());
        store.commit(CommitId(2), Batch::default());
        store.fetch(FetchId(1), query());
        store.commit(CommitId(3), batch());
        assert!(matches!(store.next().await, Ok(Input::Stored(CommitId(1)))));
        assert!(matches!(store.next().await, Err(StoreError::Full { .. })));

        store.image().await.expect("image");
        assert!(!store.is_working());
        store.commit(CommitId(1), batch());
        assert!(matches!(store.next().await, Ok(Input::Stored(CommitId(1)))));
        drop(store);
        assert_eq!(
            said(&log),
            ["image", "commit", "commit", "reopen", "image", "commit", "close"]
        );
    }

    #[tokio::test]
    async fn a_run_hears_nothing_of_the_one_before() {
        let (mut store, _) = Recorder::spawn();
        store.commit(CommitId(1), batch());
        store.commit(CommitId(2), Batch::default());
        store.image().await.expect("image");
        assert!(store.next().now_or_never().is_none());
    }

    #[tokio::test]
    async fn closing_and_dropping_do_what_is_open_first() {
        for orderly in [true, false] {
            let (mut store, log) = Recorder::spawn();
            for id in 1..=100 {
                store.commit(CommitId(id), batch());
            }
            if orderly {
                store.close().await.expect("close");
            } else {
                drop(store);
            }
            let said = said(&log);
            assert_eq!((said.len(), said.last()), (101, Some(&"close")), "orderly: {orderly}");
        }
    }

    #[tokio::test]
    #[should_panic(expected = "asked for nothing")]
    async fn a_panic_of_the_store_is_passed_on() {
        let (mut store, _) = Recorder::spawn();
        store.fetch(FetchId(1), Query::Messages(Vec::new()));
        let _ = store.next().await;
    }
}
