//! Feature sets of nodes. They can change whenever a node starts, as with another version of the program.

use sotto_core::feature::IGNORABLE_CONTENTS;

use super::{ByzantineFault, NodeIndex, World};

/// The first is the product's own. No version has the features 900 and 901.
const FEATURE_SETS: [&[u32]; 5] = [
    &[IGNORABLE_CONTENTS],
    &[],
    &[900],
    &[IGNORABLE_CONTENTS, 900, 901],
    &[1, 2, 3, 4, 5, IGNORABLE_CONTENTS],
];

impl World {
    /// Chooses the features of a node that starts.
    pub(super) fn choose_features(&mut self, peer: NodeIndex) {
        let set = FEATURE_SETS[self.choose("features", FEATURE_SETS.len())];
        self.hosts[peer.0].features = set.to_vec();
    }

    /// The features of a peer's node, in order.
    pub fn features(&self, peer: NodeIndex) -> &[u32] {
        &self.hosts[peer.0].features
    }

    /// Whether an unsupported message may be stored by that peer's node. Otherwise all contents of unknown kinds are
    /// ignorable, and the node knows what that means.
    pub fn may_show_unsupported(&self, peer: NodeIndex) -> bool {
        match self.byzantine {
            Some((_, ByzantineFault::SendsInvalidContents)) => true,
            Some((_, ByzantineFault::SendsNewerContents)) => !self.features(peer).contains(&IGNORABLE_CONTENTS),
            _ => false,
        }
    }
}
