//! The daemon over its real socket: what it does, and what no client can make it do.

mod agents;
mod conversation;
mod events;
mod hostile;
mod lifecycle;
mod order;
mod refusals;
mod support;
