//! Sotto's fuzz targets. A target is a function of any bytes: it does with them what a stranger, a friend gone bad, a damaged
//! disk or a slip of the keyboard could, and panics if a property does not hold that is to hold whatever the bytes are.
//!
//! Not to panic is the least of these properties. What is read is written back the same; what was not said is not heard; a
//! friend notices nothing of a stranger; a model says what a conversation must look like.
//!
//! `fuzz/` makes a libFuzzer program of each target and keeps its corpus; `tests/replay.rs` plays the whole corpus, and
//! changes of it, with every `cargo test`.

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
mod input;
mod mutation;
mod person;
#[cfg(feature = "apps")]
mod request;
mod scene;
mod session;
mod signal;
mod store;
mod stranger;
mod world;

pub use mutation::mutations;

/// What is done with bytes.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// Its name: of its folder in the corpus, and of its program.
    pub name: &'static str,
    /// Plays bytes; panics if something does not hold.
    pub run: fn(&[u8]),
    /// What fuzzing starts from, made anew so that it keeps its meaning when a format changes.
    pub seeds: fn() -> Vec<Vec<u8>>,
    /// How many changed inputs every `cargo test` plays: what takes a second or two.
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
}

impl Target {
    /// The one of that name.
    pub fn named(name: &str) -> Option<&'static Self> {
        TARGETS.iter().find(|target| target.name == name)
    }
}

/// Plays bytes with the target of that name.
///
/// # Panics
///
/// When something does not hold that is to hold, and when no target has the name.
pub fn run(name: &str, bytes: &[u8]) {
    let target = Target::named(name).unwrap_or_else(|| panic!("no target is called {name}"));
    (target.run)(bytes);
}
