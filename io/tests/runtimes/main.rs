//! The driver on each runtime: the same tests, once on tokio and once on smol.

mod contract;
mod deadline_timer;
mod local;
mod supervision;
mod test_runtime;
mod two_nodes;
