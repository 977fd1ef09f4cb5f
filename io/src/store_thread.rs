//! [`StoreThread`]: a store blocks, so it lives on a thread of its own, which serves requests in order. A fetch therefore
//! sees every commit that was requested before it.
//!
//! The first error is the last completion of a run. The thread discards the requests behind it, because the node that made
//! them is about to be dropped. [`StoreThread::image`] begins the next run and reopens the store first.
//!
//! Between two requests the thread lets the store wipe what was deleted, once that is due.

use std::future::poll_fn;
use std::panic::resume_unwind;
use std::sync::mpsc::{self as blocking, RecvTimeoutError};
use std::task::{Context, Poll, ready};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use futures::StreamExt as _;
use futures::channel::{mpsc, oneshot};
use sotto_core::row::{Batch, Image, Query, RowStore};
use sotto_core::{CommitId, FetchId, Input, Millis};

enum StoreRequest<E> {
    Image(oneshot::Sender<Result<Image, E>>),
    Commit(CommitId, Batch),
    Fetch(FetchId, Query),
}

/// The driver's end of the thread. Dropping it waits for the thread, so the store is closed afterwards.
pub(crate) struct StoreThread<S: RowStore> {
    requests: Option<blocking::Sender<StoreRequest<S::Error>>>,
    /// `Stored`, `Fetched`, or the error that ends the run.
    completions: mpsc::UnboundedReceiver<Result<Input, S::Error>>,
    thread: Option<JoinHandle<Result<(), S::Error>>>,
    /// Requests without a completion.
    pending: usize,
}

impl<S: RowStore> StoreThread<S> {
    pub fn spawn(store: S) -> std::io::Result<Self> {
        let (requests, request_receiver) = blocking::channel();
        // Neither channel needs a bound: a node has one commit in flight, and fetches only for commands that it holds.
        let (completion_sender, completions) = mpsc::unbounded();
        let thread = thread::Builder::new()
            .name("sotto-store".into())
            .spawn(move || serve(store, &request_receiver, &completion_sender))?;
        Ok(Self {
            requests: Some(requests),
            completions,
            thread: Some(thread),
            pending: 0,
        })
    }

    /// Begins a run: the rows to open the node with.
    pub async fn image(&mut self) -> Result<Image, S::Error> {
        let (sender, image) = oneshot::channel();
        self.request(StoreRequest::Image(sender));
        let image = self.received(image.await.ok());
        // By now the thread has completed everything that an earlier run requested.
        while self.completions.try_recv().is_ok() {}
        self.pending = 0;
        image
    }

    pub fn commit(&mut self, id: CommitId, batch: Batch) {
        self.pending += 1;
        self.request(StoreRequest::Commit(id, batch));
    }

    pub fn fetch(&mut self, id: FetchId, query: Query) {
        self.pending += 1;
        self.request(StoreRequest::Fetch(id, query));
    }

    /// The next completion.
    pub fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Result<Input, S::Error>> {
        let completion = ready!(self.completions.poll_next_unpin(cx));
        self.pending = self.pending.saturating_sub(1);
        Poll::Ready(self.received(completion))
    }

    /// The next completion. Dropping this future loses nothing.
    pub async fn next(&mut self) -> Result<Input, S::Error> {
        poll_fn(|cx| self.poll_next(cx)).await
    }

    /// Whether a completion is still to come.
    pub const fn has_pending(&self) -> bool {
        self.pending > 0
    }

    /// Serves the pending requests, then closes the store.
    pub async fn close(mut self) -> Result<(), S::Error> {
        self.requests = None;
        while self.completions.next().await.is_some() {}
        self.thread.take().map_or(Ok(()), join)
    }

    fn request(&self, request: StoreRequest<S::Error>) {
        // A thread that is gone has panicked; `received` passes the panic on.
        let _ = self.requests.as_ref().map(|requests| requests.send(request));
    }

    fn received<T>(&mut self, result: Option<Result<T, S::Error>>) -> Result<T, S::Error> {
        result.unwrap_or_else(|| {
            let thread = self.thread.take().expect("called only while the thread runs");
            panic!("the store's thread ended by itself: {:?}", join(thread));
        })
    }
}

impl<S: RowStore> Drop for StoreThread<S> {
    fn drop(&mut self) {
        self.requests = None;
        if let Some(thread) = self.thread.take()
            && let Err(panic) = thread.join()
            && !thread::panicking()
        {
            resume_unwind(panic);
        }
    }
}

fn join<E>(thread: JoinHandle<Result<(), E>>) -> Result<(), E> {
    thread.join().unwrap_or_else(|panic| resume_unwind(panic))
}

/// The thread's loop, which ends when the [`StoreThread`] drops its sender.
fn serve<S: RowStore>(
    mut store: S,
    requests: &blocking::Receiver<StoreRequest<S::Error>>,
    completions: &mpsc::UnboundedSender<Result<Input, S::Error>>,
) -> Result<(), S::Error> {
    let mut failed = false;
    while let Some(request) = next_request(&mut store, requests, failed) {
        let completion = match request {
            StoreRequest::Image(sender) => {
                let reopened = if failed { store.reopen() } else { Ok(()) };
                let image = reopened.and_then(|()| store.image());
                failed = image.is_err();
                let _ = sender.send(image);
                continue;
            }
            StoreRequest::Commit(..) | StoreRequest::Fetch(..) if failed => continue,
            StoreRequest::Commit(id, batch) => store.commit(&batch).map(|()| Input::Stored(id)),
            StoreRequest::Fetch(id, query) => store.fetch(&query).map(|rows| Input::Fetched(id, rows)),
        };
        failed = completion.is_err();
        // The receiver is gone if the driver was dropped.
        let _ = completions.unbounded_send(completion);
    }
    store.close()
}

/// The next request, once it is there; `None` when the sender is gone. A store that has failed is not to be called.
fn next_request<S: RowStore>(
    store: &mut S,
    requests: &blocking::Receiver<StoreRequest<S::Error>>,
    failed: bool,
) -> Option<StoreRequest<S::Error>> {
    loop {
        let due = if failed { None } else { store.wipe_due() };
        let Some(due) = due else {
            return requests.recv().ok();
        };
        if due > Millis(0) {
            match requests.recv_timeout(Duration::from_millis(due.0)) {
                Ok(request) => return Some(request),
                Err(RecvTimeoutError::Disconnected) => return None,
                Err(RecvTimeoutError::Timeout) => {}
            }
        }
        store.wipe();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use futures::FutureExt as _;
    use sotto_core::Wall;
    use sotto_core::row::{Change, Key, Rows};

    use super::*;

    type CallLog = Arc<Mutex<Vec<&'static str>>>;

    #[derive(Debug, thiserror::Error)]
    #[error("the batch is empty")]
    struct EmptyBatch;

    /// Logs its calls. The commit of an empty batch fails; a fetch of no messages panics. A wipe is due after the time.
    struct LoggingStore(CallLog, Option<Millis>);

    impl LoggingStore {
        fn spawn() -> (StoreThread<Self>, CallLog) {
            Self::spawn_with(None)
        }

        fn spawn_with(wipe_due: Option<Millis>) -> (StoreThread<Self>, CallLog) {
            let log = CallLog::default();
            let thread = StoreThread::spawn(Self(log.clone(), wipe_due)).expect("thread");
            (thread, log)
        }

        fn log(&self, call: &'static str) {
            self.0.lock().expect("log").push(call);
        }
    }

    impl RowStore for LoggingStore {
        type Error = EmptyBatch;

        fn image(&mut self) -> Result<Image, EmptyBatch> {
            self.log("image");
            Ok(Image::default())
        }

        fn commit(&mut self, batch: &Batch) -> Result<(), EmptyBatch> {
            self.log("commit");
            if batch.changes.is_empty() {
                Err(EmptyBatch)
            } else {
                Ok(())
            }
        }

        fn fetch(&mut self, query: &Query) -> Result<Rows, EmptyBatch> {
            self.log("fetch");
            assert!(
                !matches!(query, Query::Messages(keys) if keys.is_empty()),
                "a query without keys"
            );
            Ok(Rows::default())
        }

        fn wipe_due(&self) -> Option<Millis> {
            self.1
        }

        fn wipe(&mut self) {
            self.log("wipe");
            self.1 = None;
        }

        fn reopen(&mut self) -> Result<(), EmptyBatch> {
            self.log("reopen");
            Ok(())
        }

        fn close(self) -> Result<(), EmptyBatch> {
            self.log("close");
            Ok(())
        }

        fn is_transient(EmptyBatch: &EmptyBatch) -> bool {
            true
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

    fn calls(log: &CallLog) -> Vec<&'static str> {
        log.lock().expect("log").clone()
    }

    #[tokio::test]
    async fn requests_are_served_and_completed_in_order() {
        let (mut store, log) = LoggingStore::spawn();
        store.image().await.expect("image");
        store.commit(CommitId(1), batch());
        store.fetch(FetchId(1), query());
        store.commit(CommitId(2), batch());
        assert!(matches!(store.next().await, Ok(Input::Stored(CommitId(1)))));
        assert!(matches!(store.next().await, Ok(Input::Fetched(FetchId(1), _))));
        assert!(store.has_pending());
        assert!(matches!(store.next().await, Ok(Input::Stored(CommitId(2)))));
        assert!(!store.has_pending());
        store.close().await.expect("close");
        assert_eq!(calls(&log), ["image", "commit", "fetch", "commit", "close"]);
    }

    #[tokio::test]
    async fn the_store_wipes_when_that_is_due_and_requests_do_not_wait_for_it() {
        let (store, log) = LoggingStore::spawn_with(Some(Millis(1)));
        while calls(&log).is_empty() {
            tokio::task::yield_now().await;
        }
        assert_eq!(calls(&log), ["wipe"], "without a request");
        store.close().await.expect("close");

        let (mut store, log) = LoggingStore::spawn_with(Some(Millis::hours(1)));
        store.commit(CommitId(1), batch());
        assert!(matches!(store.next().await, Ok(Input::Stored(CommitId(1)))));
        store.close().await.expect("close");
        assert_eq!(calls(&log), ["commit", "close"]);

        let (mut store, log) = LoggingStore::spawn_with(Some(Millis(0)));
        store.commit(CommitId(1), batch());
        assert!(matches!(store.next().await, Ok(Input::Stored(CommitId(1)))));
        store.close().await.expect("close");
        assert_eq!(calls(&log), ["wipe", "commit", "close"], "requests do not put it off");
    }

    #[tokio::test]
    async fn an_error_is_the_last_completion_of_a_run_and_the_next_run_reopens() {
        let (mut store, log) = LoggingStore::spawn();
        store.image().await.expect("image");
        store.commit(CommitId(1), batch());
        store.commit(CommitId(2), Batch::default());
        store.fetch(FetchId(1), query());
        store.commit(CommitId(3), batch());
        assert!(matches!(store.next().await, Ok(Input::Stored(CommitId(1)))));
        assert!(matches!(store.next().await, Err(EmptyBatch)));

        store.image().await.expect("image");
        assert!(!store.has_pending());
        store.commit(CommitId(1), batch());
        assert!(matches!(store.next().await, Ok(Input::Stored(CommitId(1)))));
        drop(store);
        assert_eq!(
            calls(&log),
            ["image", "commit", "commit", "reopen", "image", "commit", "close"]
        );
    }

    #[tokio::test]
    async fn a_run_gets_no_completion_of_the_run_before() {
        let (mut store, _) = LoggingStore::spawn();
        store.commit(CommitId(1), batch());
        store.commit(CommitId(2), Batch::default());
        store.image().await.expect("image");
        assert!(store.next().now_or_never().is_none());
    }

    #[tokio::test]
    async fn closing_and_dropping_serve_pending_requests_first() {
        for orderly in [true, false] {
            let (mut store, log) = LoggingStore::spawn();
            for id in 1..=100 {
                store.commit(CommitId(id), batch());
            }
            if orderly {
                store.close().await.expect("close");
            } else {
                drop(store);
            }
            let calls = calls(&log);
            assert_eq!((calls.len(), calls.last()), (101, Some(&"close")), "orderly: {orderly}");
        }
    }

    #[tokio::test]
    #[should_panic(expected = "a query without keys")]
    async fn a_panic_of_the_store_is_passed_on() {
        let (mut store, _) = LoggingStore::spawn();
        store.fetch(FetchId(1), Query::Messages(Vec::new()));
        let _ = store.next().await;
    }
}
