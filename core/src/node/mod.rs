//! The node: five methods over everything else.

use crate::row::Image;
use crate::{Deadline, Entropy, Input, Intake, Limits, Now, Output};

/// A node that a driver runs.
pub struct Node {}

/// The image cannot be a node's.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// A row does not hold what its type says.
    #[error("the store's {0} is damaged")]
    Damaged(&'static str),
}

impl Node {
    /// Starts from what is durable: the first start and recovery from a crash are this one call.
    pub fn open(image: Image, entropy: Entropy, limits: Limits, now: Now) -> Result<Self, OpenError> {
        let _ = (image, entropy, limits, now);
        Ok(Self {})
    }

    /// Takes one input. Total: nothing that a peer sends can make it fail or panic.
    pub fn handle(&mut self, input: Input, now: Now) {
        let _ = (input, now);
    }

    /// The next thing to do, in order.
    pub fn poll(&mut self) -> Option<Output> {
        None
    }

    /// When `Input::Tick` is next useful, and what for.
    pub fn deadline(&self) -> Option<Deadline> {
        None
    }

    /// Whether bulk input is welcome.
    pub fn intake(&self) -> Intake {
        Intake::Welcome
    }
}
