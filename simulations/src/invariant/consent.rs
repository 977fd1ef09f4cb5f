//! A peer becomes a contact only if the user has asked for it, accepted it, or invited it.

use std::collections::BTreeSet;

use sotto_core::row::{Relationship, Row};
use sotto_core::{Command, Input, OnionAddress, Output, Reply};

use super::{Invariant, Observation, written};
use crate::node_index::NodeIndex;
use crate::world::World;

#[derive(Default)]
pub struct Consent {
    wanted: BTreeSet<(NodeIndex, OnionAddress)>,
    /// Who has issued invites, how many, and who has used one.
    invites: BTreeSet<(NodeIndex, [u8; 16])>,
    came: BTreeSet<(NodeIndex, OnionAddress)>,
}

impl Invariant for Consent {
    fn name(&self) -> &'static str {
        "consent"
    }

    fn observe(&mut self, observation: &Observation<'_>, world: &World) -> Result<(), String> {
        match observation {
            Observation::Opening(peer) => {
                for row in world.disk(*peer).rows() {
                    if let Row::Contact(row) = row
                        && row.relationship == Relationship::Friend
                    {
                        self.wanted.insert((*peer, row.address));
                    }
                }
            }
            // An older disk may have forgotten what its user has done, and know again what was used.
            Observation::Tampered(peer) => {
                for row in world.disk(*peer).rows() {
                    match row {
                        Row::Contact(row)
                            if matches!(
                                row.relationship,
                                Relationship::Friend | Relationship::Requested | Relationship::RequestDelivered
                            ) =>
                        {
                            self.wanted.insert((*peer, row.address));
                        }
                        Row::Invite(row) => _ = self.invites.insert((*peer, row.token.0)),
                        _ => {}
                    }
                }
            }
            Observation::Input(peer, Input::Command(_, command)) => {
                let contact = match command {
                    Command::AddContact { code, .. } => code.address,
                    Command::AcceptContact { contact, .. } => *contact,
                    _ => return Ok(()),
                };
                self.wanted.insert((*peer, contact));
            }
            Observation::Output(peer, Output::Reply(_, Ok(Reply::Invite(code)))) => {
                self.invites.extend(code.invite.map(|token| (*peer, token.0)));
            }
            Observation::Durable(peer, batch) => {
                for row in written(batch) {
                    let Row::Contact(row) = row else { continue };
                    let asked_for = || self.wanted.contains(&(*peer, row.address));
                    if row.relationship == Relationship::Friend && !asked_for() {
                        self.came.insert((*peer, row.address));
                        let came = self.came.iter().filter(|(to, _)| to == peer).count();
                        let invites = self.invites.iter().filter(|(by, _)| by == peer).count();
                        if came > invites {
                            return Err(format!("{peer} has the contact {:?} without consent", row.address));
                        }
                    }
                }
            }
            _ => {}
        }
        Ok(())
    }
}
