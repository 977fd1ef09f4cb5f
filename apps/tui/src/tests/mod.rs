//! Whole sessions of the interface: an [`App`](crate::app::App) is driven by keys and by a daemon in memory, and drawn.

mod actions;
mod behaviour;
mod edits;
mod figures;
mod idle;
mod names;
mod narrated;
mod order;
mod properties;
mod races;
mod scenes;
mod screens;
mod searching;

use crate::testing::{anything, daemon, fixtures, session};
