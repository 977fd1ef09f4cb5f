//! Nobody becomes a contact whom the person did not ask for, accept, or invite.

use std::collections::BTreeSet;

use sotto_core::row::{Row, Standing};
use sotto_core::{Command, Input, OnionAddress, Output, Reply};

use super::{Invariant, Seen, written};
use crate::{Peer, World};

#[derive(Default)]
pub struct Consent {
    wanted: BTreeSet<(Peer, OnionAddress)>,
    /// Who has given an invite away, how many, and who came with one.
    invites: BTreeSet<(Peer, [u8; 16])>,
    came: BTreeSet<(Peer, OnionAddress)>,
}

impl Invariant for Consent {
    fn name(&self) -> &'static str {
        "consent"
    }

    fn observe(&mut self, seen: &Seen<'_>, world: &World) -> Result<(), String> {
        match seen {
            Seen::Opening(peer) => {
                for row in world.disk(*peer).rows() {
                    if let Row::Contact(row) = row
                        && row.standing == Standing::Friend
                    {
                        self.wanted.insert((*peer, row.address));
                    }
                }
            }
            Seen::Input(peer, Input::Command(_, command)) => {
                let whom = match command {
                    Command::AddContact { code, .. } => code.address,
                    Command::AcceptContact { contact, .. } => *contact,
                    _ => return Ok(()),
                };
                self.wanted.insert((*peer, whom));
            }
            Seen::Output(peer, Output::Reply(_, Ok(Reply::Invite(code)))) => {
                self.invites.extend(code.invite.map(|token| (*peer, token.0)));
            }
            Seen::Durable(peer, batch) => {
                for row in written(batch) {
                    let Row::Contact(row) = row else { continue };
                    let asked_for = || self.wanted.contains(&(*peer, row.address));
                    if row.standing == Standing::Friend && !asked_for() {
                        self.came.insert((*peer, row.address));
                        let came = self.came.iter().filter(|(to, _)| to == peer).count();
                        let invites = self.invites.iter().filter(|(by, _)| by == peer).count();
                        if came > invites {
                            return Err(format!(
                                "{peer} is given {:?} for a contact, and never wanted it",
                                row.address
                            ));
                        }
                    }
                }
            }
            _ => {}
        }
        Ok(())
    }
}
