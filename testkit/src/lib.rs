//! What Sotto's tests, simulations and benchmarks share.

pub mod bystanders;
pub mod driver;
pub mod host;
pub mod hostile;
pub mod key_search;
pub mod memory_store;
pub mod pair;
pub mod strategies;
pub mod transparent;
pub mod vectors;
