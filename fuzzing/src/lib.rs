//! Sotto's fuzz targets. A target is a function of any bytes. It uses them as a stranger, a contact that violates the protocol, a
//! damaged disk or a mistyped command line would, and panics if a property does not hold.
//!
//! The properties are stronger than the absence of panics: a value that is read is written back the same; what was not sent is not
//! received; a contact is not affected by a stranger; a model predicts a conversation.
//!
//! `fuzz/` makes a libFuzzer program of each target and keeps its corpus. `tests/replay.rs` runs the whole corpus, and changes of it,
//! with every `cargo test`.

mod acquaintance;
mod address;
#[cfg(feature = "apps")]
mod arguments;
mod bundle;
mod ciphertext;
#[cfg(feature = "apps")]
mod config;
mod content;
mod frame;
mod friend;
mod handshake;
#[cfg(feature = "apps")]
mod http;
mod input;
#[cfg(feature = "apps")]
mod mcp;
mod mutation;
mod person;
#[cfg(feature = "apps")]
mod request;
mod scene;
#[cfg(feature = "apps")]
mod scope;
mod session;
mod signal;
#[cfg(feature = "apps")]
mod signal_cli;
mod store;
mod stranger;
#[cfg(feature = "apps")]
mod surfaces;
#[cfg(feature = "apps")]
mod terminal;
#[cfg(feature = "apps")]
mod tui;
mod world;

pub use mutation::mutations;

/// A fuzz target.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// The name of the target, its corpus folder and its program.
    pub name: &'static str,
    /// Runs bytes; panics if a property does not hold.
    pub run: fn(&[u8]),
    /// The inputs from which fuzzing starts, made by code so that they keep their meaning when a format changes.
    pub seeds: fn() -> Vec<Vec<u8>>,
    /// How many changed inputs every `cargo test` runs, in a second or two.
    pub changes: usize,
}

macro_rules! targets {
    ($($(#[$attribute:meta])* $name:ident $changes:literal)*) => {
        /// Every target.
        pub const TARGETS: &[Target] = &[$(
            $(#[$attribute])*
            Target {
                name: stringify!($name),
                run: $name::run,
                seeds: $name::seeds,
                changes: $changes,
            },
        )*];
    };
}

targets! {
    address 2000
    frame 4000
    handshake 1000
    stranger 300
    acquaintance 300
    content 300
    friend 300
    ciphertext 1500
    bundle 800
    session 800
    world 120
    store 300
    person 200
    #[cfg(feature = "apps")]
    request 2000
    #[cfg(feature = "apps")]
    config 600
    #[cfg(feature = "apps")]
    arguments 1500
    #[cfg(feature = "apps")]
    mcp 2000
    #[cfg(feature = "apps")]
    http 4000
    #[cfg(feature = "apps")]
    signal_cli 3000
    #[cfg(feature = "apps")]
    scope 2000
    #[cfg(feature = "apps")]
    tui 60
}

impl Target {
    /// The target of this name.
    pub fn named(name: &str) -> Option<&'static Self> {
        TARGETS.iter().find(|target| target.name == name)
    }
}

/// Runs bytes with the target of this name.
///
/// # Panics
///
/// When a property does not hold, and when no target has the name.
pub fn run(name: &str, bytes: &[u8]) {
    let target = Target::named(name).unwrap_or_else(|| panic!("no target is called {name}"));
    (target.run)(bytes);
}
