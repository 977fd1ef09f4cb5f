//! Commit, then show: every effect of a node is on its disk first. Replies and hints are checked as they come out.
//! Frames are encrypted, so they are checked by what the peer makes durable because of them: an acknowledgement that
//! one node has noted is never ahead of what the other has stored, and a message never arrives before its author has
//! stored it.

use std::collections::{BTreeMap, BTreeSet};

use sotto_core::row::{Batch, DeliveryState, Key, Row};
use sotto_core::{MessageId, Notice, Output, Reply, SessionEpoch};

use super::{Invariant, Observation, honest, written};
use crate::node_index::NodeIndex;
use crate::world::World;

#[derive(Default)]
pub struct DurableFirst {
    /// Messages that were ever durable with their author, and with their receiver.
    authored: BTreeSet<(NodeIndex, MessageId)>,
    received: BTreeSet<(NodeIndex, MessageId)>,
    /// A peer whose disk was edited is exempt in all epochs up to this one.
    excused: BTreeMap<NodeIndex, SessionEpoch>,
}

impl Invariant for DurableFirst {
    fn name(&self) -> &'static str {
        "commit, then show"
    }

    fn observe(&mut self, observation: &Observation<'_>, world: &World) -> Result<(), String> {
        match observation {
            Observation::Opening(peer) => self.note_messages(*peer, world.disk(*peer).rows()),
            Observation::Tampered(peer) => {
                let session_epochs =
                    world
                        .peers()
                        .flat_map(|peer| world.disk(peer).rows())
                        .filter_map(|row| match row {
                            Row::Cursors(row) => Some(row.session_epoch),
                            Row::PreKeyOffer(row) => Some(row.session_epoch),
                            _ => None,
                        });
                self.excused.insert(*peer, session_epochs.max().unwrap_or_default());
            }
            Observation::Output(peer, Output::Reply(_, Ok(reply))) => self.check_reply(*peer, reply, world)?,
            Observation::Output(peer, Output::Notify(Notice::Logged(seq)))
                if world.disk(*peer).row(&Key::Event(*seq)).is_none() =>
            {
                return Err(format!("{peer} announces event {}, which is not on its disk", seq.0));
            }
            Observation::Durable(peer, batch) => {
                self.note_messages(*peer, written(batch));
                self.check_batch(*peer, batch, world)?;
            }
            _ => {}
        }
        Ok(())
    }
}

impl DurableFirst {
    fn note_messages<'a>(&mut self, peer: NodeIndex, rows: impl Iterator<Item = &'a Row>) {
        for row in rows {
            if let Row::Message(row) = row {
                let set = if row.key.is_from_peer() {
                    &mut self.received
                } else {
                    &mut self.authored
                };
                set.insert((peer, row.key.id));
            }
        }
    }

    fn check_batch(&self, peer: NodeIndex, batch: &Batch, world: &World) -> Result<(), String> {
        for row in written(batch) {
            match row {
                Row::Cursors(ours) => {
                    let Some(other) = honest(ours.contact, world) else {
                        continue;
                    };
                    let Some(theirs) = world.cursors(other, peer) else {
                        continue;
                    };
                    let excused = self
                        .excused
                        .get(&other)
                        .is_some_and(|until| ours.session_epoch <= *until);
                    if theirs.session_epoch != ours.session_epoch || excused {
                        continue;
                    }
                    if ours.acknowledged > theirs.received || ours.received > theirs.sent {
                        return Err(format!("{peer} has {ours:?}, but {other} has stored only {theirs:?}"));
                    }
                }
                Row::Message(row) if row.key.is_from_peer() => {
                    let Some(author) = honest(row.key.conversation, world) else {
                        continue;
                    };
                    if !self.authored.contains(&(author, row.key.id)) {
                        return Err(format!(
                            "{peer} has message {}, which {author} has never stored",
                            row.key.id
                        ));
                    }
                }
                Row::Delivery(row) if !row.key.is_from_peer() => {
                    let Some(receiver) = honest(row.key.conversation, world) else {
                        continue;
                    };
                    let shown = matches!(row.state, DeliveryState::Delivered | DeliveryState::Read);
                    let blocked = world.contact(receiver, peer).is_some_and(|contact| contact.blocked);
                    if shown && !blocked && !self.received.contains(&(receiver, row.key.id)) {
                        let id = row.key.id;
                        return Err(format!(
                            "{peer} sees {id} as delivered, which {receiver} has never stored"
                        ));
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// What a reply names is on the disk.
    fn check_reply(&self, peer: NodeIndex, reply: &Reply, world: &World) -> Result<(), String> {
        let disk = world.disk(peer);
        let there = match reply {
            Reply::Message { id, .. } => self.authored.contains(&(peer, *id)) || self.received.contains(&(peer, *id)),
            Reply::Contact(address) => disk.row(&Key::Contact(*address)).is_some(),
            Reply::Invite(code) => code.invite.is_some_and(|token| disk.row(&Key::Invite(token)).is_some()),
            Reply::Invites(rows) => rows.iter().all(|row| disk.row(&Key::Invite(row.token)).is_some()),
            Reply::Identity { .. } => disk.row(&Key::Identity).is_some(),
            Reply::DefaultTimer(seconds) => {
                matches!(disk.row(&Key::Identity), Some(Row::Identity(row)) if row.default_timer == *seconds)
            }
            Reply::Acknowledged(seq) => disk
                .rows()
                .any(|row| matches!(row, Row::Consumer(row) if row.acknowledged >= *seq)),
            Reply::Done | Reply::SafetyNumber(_) | Reply::Timers(_) | Reply::Peers(_) | Reply::Status(_) => true,
        };
        if there {
            Ok(())
        } else {
            Err(format!("{peer} answers {reply:?}, which is not on its disk"))
        }
    }
}
