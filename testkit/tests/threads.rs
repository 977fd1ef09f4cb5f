//! The driver of `examples/threads` passes the driver suite.

use std::future::poll_fn;
use std::io;
use std::os::unix::net::UnixStream;
use std::panic::catch_unwind;
use std::sync::Arc;
use std::sync::mpsc::TryRecvError;
use std::task::Poll;

use sotto_core::row::{Batch, IdentityRow, Image, Query, Rows};
use sotto_core::{Command, Notice, OnionAddress};
use sotto_io_sqlcipher::StoreError;
use sotto_testkit::driver::mutants::{self, Mutation};
use sotto_testkit::driver::{
    Driver, FakeNetwork, FakeStore, IncomingStreams, PendingReply, RunningNode, Setup, Step, StoreFailed, replay,
};

#[path = "../examples/threads/main.rs"]
mod example;
use example::{handle, setup};

struct Threads;

impl Driver for Threads {
    fn start(&self, setup: Setup) -> Box<dyn RunningNode> {
        let open = setup.open;
        Box::new(handle::start(setup::Setup {
            store: Box::new(Adapter(setup.store)),
            network: Arc::new(Adapter(setup.network)),
            limits: setup.limits,
            open: Box::new(move |image, entropy, limits, now| open(image, entropy, limits, now)),
        }))
    }
}

impl RunningNode for handle::Handle {
    fn command(&self, command: Command) -> PendingReply {
        let answer = handle::Handle::command(self, command);
        Box::pin(poll_fn(move |_| match answer.try_recv() {
            Ok(answer) => Poll::Ready(Some(answer)),
            Err(TryRecvError::Disconnected) => Poll::Ready(None),
            Err(TryRecvError::Empty) => Poll::Pending,
        }))
    }

    fn notice(&mut self) -> Option<Notice> {
        self.notices.try_recv().ok()
    }

    fn shut_down(self: Box<Self>) {
        handle::Handle::shut_down(*self).expect("the shutdown succeeds");
    }

    fn crash(self: Box<Self>) {
        // Its store may have failed.
        let _ = self.halt();
    }
}

/// A fake of the suite as a part of this driver.
struct Adapter<T>(T);

fn failed(_: StoreFailed) -> StoreError {
    StoreError::Full {
        path: "fake store".into(),
    }
}

impl setup::Storage for Adapter<FakeStore> {
    fn image(&mut self) -> Result<Image, StoreError> {
        self.0.image().map_err(failed)
    }

    fn commit(&mut self, batch: &Batch) -> Result<(), StoreError> {
        self.0.commit(batch).map_err(failed)
    }

    fn fetch(&mut self, query: &Query) -> Result<Rows, StoreError> {
        self.0.fetch(query).map_err(failed)
    }

    fn reopen(&mut self) -> Result<(), StoreError> {
        self.0.reopen().map_err(failed)
    }

    fn close(self: Box<Self>) -> Result<(), StoreError> {
        self.0.close().map_err(failed)
    }
}

impl setup::Network for Adapter<FakeNetwork> {
    fn listen(&self, identity: &IdentityRow) -> io::Result<Arc<dyn setup::Listener>> {
        Ok(Arc::new(Adapter(self.0.listen(identity))))
    }

    fn dial(&self, peer: OnionAddress) -> io::Result<UnixStream> {
        self.0.dial(peer).wait()
    }
}

impl setup::Listener for Adapter<IncomingStreams> {
    fn accept(&self) -> Option<UnixStream> {
        self.0.wait()
    }

    fn close(&self) {
        self.0.close();
    }
}

sotto_testkit::driver_contract!(Threads);

#[test]
fn every_mutant_is_detected() {
    // The store is on the node's thread: while a commit is in flight the node gets no input at all.
    mutants::every_mutant_is_detected(&Threads, &[Mutation::IgnoresIntake]);
}

#[test]
fn recorded_runs_give_the_same_outputs_as_in_the_simulator() {
    for recording in sotto_simulations::recordings() {
        replay(&Threads, &recording);
    }
}

#[test]
fn a_changed_recording_is_not_reproduced() {
    let recording = &sotto_simulations::recordings()[0];
    let places = (0..recording.steps.len()).filter(|at| matches!(recording.steps[*at], Step::Output(_)));
    for at in places.step_by(7) {
        let mut other = recording.clone();
        other.steps.remove(at);
        let replayed = catch_unwind(|| replay(&Threads, &other));
        assert!(replayed.is_err(), "the missing step {at} is not noticed");
    }
}

#[test]
fn the_example_is_a_conversation() {
    example::main().expect("the conversation succeeds");
}
