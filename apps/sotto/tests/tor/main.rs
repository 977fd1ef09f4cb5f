//! Over Tor, end to end: nodes on a Tor network of our own, as they are in the field. One side of a talk is the program
//! `sotto`, which runs on tokio; the other is a node on smol, in a process of its own as well. Needs the package `tor`.

#[path = "../clock/mod.rs"]
mod clock;
mod conformance;
mod crashes;
mod daemon;
mod demo;
#[path = "../environment/mod.rs"]
mod environment;
mod node;
mod progress;
mod relays;
mod smol_node;
mod strangers;
mod talks;
mod trouble;
mod visitor;
