//! The terminal interface.
mod action;
mod host;

pub use host::{Host, KeyNeed, NewKey};
