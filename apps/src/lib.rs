//! Sotto's programs: the typed API, the daemon that serves it, and what speaks it.

pub mod api;
