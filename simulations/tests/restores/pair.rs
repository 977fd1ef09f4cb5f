//! [`Pair`]: how two nodes stand with each other, by what their disks say.

use std::collections::BTreeSet;
use std::fmt;

use sotto_core::row::{CursorsRow, Key, Relationship, Row};
use sotto_core::{InviteToken, OnionAddress, SessionEpoch};
use sotto_simulations::{ALICE, BOB, NodeIndex, World};
use sotto_testkit::memory_store::MemoryStore;

/// What one peer can be to the other, in the words of the table.
pub const RELATIONSHIPS: [&str; 7] = [
    "asking",
    "declined",
    "friend",
    "request declined",
    "request delivered",
    "requested",
    "stranger",
];

/// Both sides in words, the one that comes first in the alphabet first.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Pair {
    pub sides: [String; 2],
    /// Who is which side.
    pub peers: [NodeIndex; 2],
}

impl fmt::Display for Pair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} | {}", self.sides[0], self.sides[1])
    }
}

/// What one disk says of the other peer.
struct Side {
    relationship: Option<Relationship>,
    offered: Option<SessionEpoch>,
    /// The invite that goes with our request.
    token: Option<InviteToken>,
    /// The invites that we have given away, and that were not used.
    invites: BTreeSet<InviteToken>,
    /// The cursors, if there is a session.
    session: Option<CursorsRow>,
}

impl Side {
    fn of(disk: &MemoryStore, other: OnionAddress) -> Self {
        let (relationship, token) = match disk.row(&Key::Contact(other)) {
            Some(Row::Contact(row)) => (Some(row.relationship), row.invite),
            _ => (None, None),
        };
        let offered = match disk.row(&Key::PreKeyOffer(other)) {
            Some(Row::PreKeyOffer(row)) => Some(row.session_epoch),
            _ => None,
        };
        let cursors = match disk.row(&Key::Cursors(other)) {
            Some(Row::Cursors(row)) => Some(*row),
            _ => None,
        };
        let session = cursors.filter(|_| disk.row(&Key::Session(other)).is_some());
        Self {
            relationship,
            token,
            invites: disk.image().invites.into_iter().map(|row| row.token).collect(),
            offered,
            session,
        }
    }

    fn describe(&self, other: &Self) -> String {
        let relationship = match self.relationship {
            None | Some(Relationship::Stranger) => "stranger",
            Some(Relationship::Requested) => "requested",
            Some(Relationship::RequestDelivered) => "request delivered",
            Some(Relationship::RequestDeclined) => "request declined",
            Some(Relationship::Asking) => "asking",
            Some(Relationship::Declined) => "declined",
            Some(Relationship::Friend) => "friend",
        };
        let invite = if self.token.is_some_and(|token| other.invites.contains(&token)) {
            ", valid invite"
        } else {
            ""
        };
        format!("{relationship}{invite}{}{}", self.offer(other), self.session(other))
    }

    /// Whether an offer is outstanding; and whether the other side holds a session that it has opened, and whether that
    /// session was used beyond its opening.
    fn offer(&self, other: &Self) -> &'static str {
        match (self.offered, other.session) {
            (None, _) => "",
            (Some(offered), Some(theirs)) if offered == theirs.session_epoch => {
                if theirs.received == 0 && theirs.acknowledged == 0 {
                    ", offer taken"
                } else {
                    ", offer spent"
                }
            }
            (Some(_), _) => ", offer",
        }
    }

    /// The session, compared with the other side's.
    fn session(&self, other: &Self) -> &'static str {
        let (Some(ours), Some(theirs)) = (self.session, other.session) else {
            return if self.session.is_some() { ", session" } else { "" };
        };
        if ours.session_epoch != theirs.session_epoch {
            return if ours.session_epoch < theirs.session_epoch {
                ", older session"
            } else {
                ", newer session"
            };
        }
        if ours.sent < theirs.received || ours.received < theirs.acknowledged {
            return ", older cursors";
        }
        if theirs.sent < ours.received || theirs.received < ours.acknowledged {
            return ", newer cursors";
        }
        ", same session"
    }
}

impl Pair {
    /// How the disks of a world's two peers stand.
    pub fn of(world: &World, disks: [&MemoryStore; 2]) -> Self {
        let alice = Side::of(disks[0], world.address(BOB));
        let bob = Side::of(disks[1], world.address(ALICE));
        let (ours, theirs) = (alice.describe(&bob), bob.describe(&alice));
        if ours <= theirs {
            Self {
                sides: [ours, theirs],
                peers: [ALICE, BOB],
            }
        } else {
            Self {
                sides: [theirs, ours],
                peers: [BOB, ALICE],
            }
        }
    }
}
