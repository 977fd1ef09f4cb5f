//! `sotto mcp` through the real program: clients that write lines, daemons on the local network.

#[path = "../end_to_end/world.rs"]
#[expect(dead_code, reason = "the end-to-end tests use all of it")]
mod world;

mod agent;
mod asking;
mod channel;
mod client;
mod complaints;
mod crashes;
mod hook;
mod install;
mod protocol;
mod resources;
mod tools;
