//! The methods of a running node as a trait, so that a driver can also be given a node that is watched, recorded, or played
//! by a test.

use crate::node::Node;
use crate::session::Ratchet;
use crate::{Deadline, Input, Intake, Now, Output};

/// What a driver drives: a [`Node`]; in tests of drivers, something that takes its place.
pub trait Machine: Send {
    /// As [`Node::handle`].
    fn handle(&mut self, input: Input, now: Now);
    /// As [`Node::poll`].
    fn poll(&mut self) -> Option<Output>;
    /// As [`Node::deadline`].
    fn deadline(&self) -> Option<Deadline>;
    /// As [`Node::intake`].
    fn intake(&self) -> Intake;
}

impl<R> Machine for Node<R>
where
    R: Ratchet<Session: Send> + Send,
{
    fn handle(&mut self, input: Input, now: Now) {
        self.handle(input, now);
    }

    fn poll(&mut self) -> Option<Output> {
        self.poll()
    }

    fn deadline(&self) -> Option<Deadline> {
        self.deadline()
    }

    fn intake(&self) -> Intake {
        self.intake()
    }
}
