//! What every part of a node is built on: the gate, alarms, token buckets, randomness and limits, and the [`Context`] that
//! holds them.
//!
//! [`Context`]: context::Context

pub(crate) mod alarms;
pub(crate) mod context;
pub(crate) mod entropy;
pub(crate) mod gate;
pub(crate) mod limits;
pub(crate) mod rate;
pub(crate) mod sure_time;
