//! The terminal interface.
mod action;
