//! [`Trial`]: a session of the interface in memory, in which anything can happen, with what must hold of every frame. This crate's tests
//! use it, and, with the feature `testing`, the fuzz target `tui`.

pub mod anything;
pub mod daemon;
pub mod fixtures;
pub mod session;

use crossterm::event::Event;

pub use anything::{COMMANDS, Happening, Setting, Trial};

/// What is typed while the terminal is asked about its background, as bytes: the program reads them by itself then.
pub fn typed_meanwhile(bytes: &[u8]) -> Vec<Event> {
    crate::background::read(bytes).events
}
