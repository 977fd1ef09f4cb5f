//! [`Peer`]: a user of a world, with their node and machine.

use std::fmt;
use std::str::FromStr;

/// A user, their node and their machine, by number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Peer(pub usize);

/// The names of the first peers.
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

/// No peer has that name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownPeer(String);

impl fmt::Display for UnknownPeer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no peer is called `{}`; peers are {}", self.0, NAMES.join(", "))
    }
}

impl FromStr for Peer {
    type Err = UnknownPeer;

    fn from_str(name: &str) -> Result<Self, UnknownPeer> {
        let place = NAMES.iter().position(|known| *known == name);
        place.map(Peer).ok_or_else(|| UnknownPeer(name.to_owned()))
    }
}
