//! The protobuf messages of `proto/`, as prost compiles them.

#![allow(missing_docs, clippy::pedantic, clippy::module_inception, reason = "generated")]

/// Frames on a link.
pub mod link {
    include!(concat!(env!("OUT_DIR"), "/sotto.link.v1.rs"));
}

/// What a Signal ciphertext holds.
pub mod content {
    include!(concat!(env!("OUT_DIR"), "/sotto.content.v1.rs"));
}
