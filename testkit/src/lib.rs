//! What Sotto's tests, simulations and benchmarks share.

pub mod disk;
pub mod hostile;
pub mod pair;
pub mod strategies;
pub mod vectors;
