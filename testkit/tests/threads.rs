//! The driver of `examples/threads` passes the driver suite.

use std::future::poll_fn;
use std::io;
use std::os::unix::net::UnixStream;
use std::panic::catch_unwind;
use std::sync::Arc;
use std::sync::mpsc::TryRecvError;
use std::task::Poll;

use sotto_core::row::IdentityRow;
use sotto_core::{Command, Notice, OnionAddress};
use sotto_testkit::driver::mutants::{self, Mutation};
use sotto_testkit::driver::{Driver, FakeNetwork, IncomingStreams, PendingReply, RunningNode, Setup, Step, replay};

#[path = "../examples/threads/main.rs"]
mod example;
use example::{handle, setup};

struct Threads;

impl Driver for Threads {
    fn start(&self, setup: Setup) -> Box<dyn RunningNode> {
        let open = setup.open;
        Box::new(handle::start(setup::Setup {
            store: setup.store,
            network: Arc::new(Adapter(setup.network)),
            limits: setup.limits,
            open: Box::new(move |image, entropy, limits, now| open(image, entropy, limits, now)),
        }))
    }
}

impl RunningNode for handle::Handle {
    fn command(&self, command: Command) -> PendingReply {
        let reply = handle::Handle::command(self, command);
        Box::pin(poll_fn(move |_| match reply.try_recv() {
            Ok(reply) => Poll::Ready(Some(reply)),
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
