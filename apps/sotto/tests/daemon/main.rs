//! The daemon, spoken to over its real socket: what it does, and what it does not let anybody do to it.

mod conversation;
mod events;
mod hostile;
mod lifecycle;
mod refusals;
mod support;
