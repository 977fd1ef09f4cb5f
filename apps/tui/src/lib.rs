//! The terminal interface.
pub mod action;
pub mod composer;
pub mod emoji;
mod host;
pub mod keys;
pub mod markdown;
#[cfg(test)]
mod reference;
pub mod text;
pub mod theme;

pub use host::{Host, KeyNeed, NewKey};
