//! The terminal interface.
pub mod action;
pub mod composer;
mod host;
pub mod keys;
pub mod text;
pub mod theme;

pub use host::{Host, KeyNeed, NewKey};
