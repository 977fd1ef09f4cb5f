//! What Sotto's tests, simulations and benchmarks share.

#[cfg(feature = "protocol")]
pub mod disk;
#[cfg(feature = "protocol")]
pub mod driver;
#[cfg(feature = "protocol")]
pub mod hostile;
#[cfg(any(feature = "protocol", feature = "wire"))]
pub mod noise;
#[cfg(feature = "protocol")]
pub mod pair;
#[cfg(feature = "protocol")]
pub mod strategies;
#[cfg(feature = "tor-network")]
pub mod tor_network;
#[cfg(feature = "protocol")]
pub mod transparent;
#[cfg(feature = "protocol")]
pub mod vectors;
#[cfg(feature = "wire")]
pub mod wire;
