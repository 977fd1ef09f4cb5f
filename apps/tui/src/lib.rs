//! The terminal interface: a client of the daemon like the others. [`run`] owns the terminal; `app::App` is the state, without
//! I/O; `view` draws it; `daemon` has the connections.

mod action;
mod app;
mod backend;
mod background;
mod clipboard;
mod composer;
mod config;
mod daemon;
mod editor;
mod emoji;
mod host;
mod keys;
mod linear;
mod markdown;
mod palette;
mod passphrase;
mod query;
#[cfg(test)]
mod reference;
mod request;
mod run;
mod terminal;
#[cfg(any(test, feature = "testing"))]
#[doc(hidden)]
pub mod testing;
#[cfg(test)]
mod tests;
mod text;
mod theme;
mod view;
mod when;

pub use host::{Host, KeyNeed, NewKey};
pub use run::{End, Options, check_config, run};
pub use terminal::{check as check_terminal, is_there};
