//! The example's driver keeps the driver's contract.

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
use sotto_testkit::driver::broken::{self, Broken};
use sotto_testkit::driver::{Arrivals, Asked, Driver, Failed, Network, Rig, Running, Shelf, Step, replay};

#[path = "../examples/threads/main.rs"]
mod example;
use example::{handle, setup};

struct Threads;

impl Driver for Threads {
    fn start(&self, rig: Rig) -> Box<dyn Running> {
        let open = rig.open;
        Box::new(handle::start(setup::Setup {
            store: Box::new(Played(rig.shelf)),
            network: Arc::new(Played(rig.network)),
            limits: rig.limits,
            open: Box::new(move |image, entropy, limits, now| open(image, entropy, limits, now)),
        }))
    }
}

impl Running for handle::Handle {
    fn command(&self, command: Command) -> Asked {
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
        handle::Handle::shut_down(*self).expect("in order");
    }

    fn crash(self: Box<Self>) {
        // It may have died of its store.
        let _ = self.halt();
    }
}

/// What the suite plays, in the driver's own terms.
struct Played<T>(T);

fn failed(_: Failed) -> StoreError {
    StoreError::Full { path: "shelf".into() }
}

impl setup::Storage for Played<Shelf> {
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

impl setup::Network for Played<Network> {
    fn listen(&self, identity: &IdentityRow) -> io::Result<Arc<dyn setup::Listener>> {
        Ok(Arc::new(Played(self.0.listen(identity))))
    }

    fn dial(&self, peer: OnionAddress) -> io::Result<UnixStream> {
        self.0.dial(peer).wait()
    }
}

impl setup::Listener for Played<Arrivals> {
    fn accept(&self) -> Option<UnixStream> {
        self.0.wait()
    }

    fn close(&self) {
        self.0.close();
    }
}

sotto_testkit::driver_contract!(Threads);

#[test]
fn every_broken_driver_is_found_out() {
    // Its store is on the node's own thread: while a commit is in flight, nothing is fed at all.
    broken::every_broken_driver_is_found_out(&Threads, &[Broken::IgnoresIntake]);
}

#[test]
fn recorded_runs_give_the_same_outputs_as_in_the_simulator() {
    for recording in sotto_simulations::recordings() {
        replay(&Threads, &recording);
    }
}

#[test]
fn a_recording_of_something_else_is_not_reproduced() {
    let recording = &sotto_simulations::recordings()[0];
    let places = (0..recording.steps.len()).filter(|at| matches!(recording.steps[*at], Step::Wanted(_)));
    for at in places.step_by(7) {
        let mut other = recording.clone();
        other.steps.remove(at);
        let replayed = catch_unwind(|| replay(&Threads, &other));
        assert!(replayed.is_err(), "step {at} is not missed");
    }
}

#[test]
fn the_example_is_a_conversation() {
    example::main().expect("they talk");
}
