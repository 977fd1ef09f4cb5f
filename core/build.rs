//! Compiles `proto/` with the `protoc` that `.cargo/config.toml` names.

use std::io::Result;

fn main() -> Result<()> {
    prost_build::Config::new().compile_protos(&["proto/link.proto", "proto/content.proto"], &["proto"])
}
