//! [`NodeIndex`]: a node of a world, with its user and machine, by number.

use std::fmt;
use std::str::FromStr;

/// A node with its user and its machine, by number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeIndex(pub usize);

/// The names of the first nodes.
pub const NAMES: [&str; 8] = ["alice", "bob", "carol", "dave", "erin", "frank", "grace", "heidi"];
/// The first.
pub const ALICE: NodeIndex = NodeIndex(0);
/// The second.
pub const BOB: NodeIndex = NodeIndex(1);
/// The third.
pub const CAROL: NodeIndex = NodeIndex(2);

impl fmt::Display for NodeIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match NAMES.get(self.0) {
            Some(name) => f.pad(name),
            None => f.pad(&format!("node-{}", self.0)),
        }
    }
}

/// No node has that name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownNode(String);

impl fmt::Display for UnknownNode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no node is called `{}`; nodes are {}", self.0, NAMES.join(", "))
    }
}

impl FromStr for NodeIndex {
    type Err = UnknownNode;

    fn from_str(name: &str) -> Result<Self, UnknownNode> {
        let place = NAMES.iter().position(|known| *known == name);
        place.map(NodeIndex).ok_or_else(|| UnknownNode(name.to_owned()))
    }
}
