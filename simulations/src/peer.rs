//! Who lives in a world.

use std::fmt;
use std::str::FromStr;

/// One of the world's people, with their node and machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Peer(pub usize);

/// What the first of them are called.
pub const NAMES: [&str; 8] = ["alice", "bob", "carol", "dave", "erin", "frank", "grace", "heidi"];
/// The first.
pub const ALICE: Peer = Peer(0);
/// The second.
pub const BOB: Peer = Peer(1);
/// The third.
pub const CAROL: Peer = Peer(2);

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match NAMES.get(self.0) {
            Some(name) => f.pad(name),
            None => f.pad(&format!("peer-{}", self.0)),
        }
    }
}

/// Nobody has that name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Nobody(String);

impl fmt::Display for Nobody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "nobody is called `{}`; people are {}", self.0, NAMES.join(", "))
    }
}

impl FromStr for Peer {
    type Err = Nobody;

    fn from_str(name: &str) -> Result<Self, Nobody> {
        let place = NAMES.iter().position(|known| *known == name);
        place.map(Peer).ok_or_else(|| Nobody(name.to_owned()))
    }
}
