//! [`SealedBefore`]: what was sealed in the life that the old stores have forgotten. A message key covers one text in that life
//! and in all that follows from its disks, unless the ciphertext never came where it was sent to, or came to a disk that has
//! forgotten it, too: then no one who is left could tell.

use std::collections::BTreeMap;
use std::rc::Rc;

use sotto_core::SessionEpoch;
use sotto_core::row::{Change, Key, Row};
use sotto_simulations::{ALICE, BOB, Invariant, NodeIndex, Observation, World};
use sotto_testkit::memory_store::MemoryStore;
use sotto_testkit::transparent::{Peek, peek};

/// A chain and a number in it, which name a key.
type MessageKey = ([u8; 33], u32);

/// What a key covers, and under which number the peer was to receive it.
struct Sealed {
    plaintext: Vec<u8>,
    session_epoch: SessionEpoch,
    sequence: u64,
}

/// What was sealed in a life.
#[derive(Clone, Default)]
pub struct SealedBefore(Rc<BTreeMap<MessageKey, Sealed>>);

impl SealedBefore {
    /// What is sealed on any of these disks.
    pub fn on<'a>(disks: impl Iterator<Item = &'a MemoryStore>) -> Self {
        let mut sealed = BTreeMap::new();
        for disk in disks {
            for row in disk.rows() {
                let Row::Outbox(row) = row else { continue };
                let Some(Row::Cursors(cursors)) = disk.row(&Key::Cursors(row.contact)) else {
                    continue;
                };
                let Some(body) = &row.sealed else { continue };
                let Some(Peek {
                    chain,
                    number,
                    plaintext,
                }) = peek(&body.ciphertext)
                else {
                    continue;
                };
                sealed.entry((chain, number)).or_insert(Sealed {
                    plaintext,
                    session_epoch: cursors.session_epoch,
                    sequence: body.sequence,
                });
            }
        }
        Self(Rc::new(sealed))
    }

    /// The invariant for a branch that begins with these disks.
    pub fn invariant(&self, world: &World, disks: [&MemoryStore; 2]) -> Box<dyn Invariant> {
        let cursors = |disk: &MemoryStore, other: NodeIndex| match disk.row(&Key::Cursors(world.address(other))) {
            Some(Row::Cursors(row)) => Some((row.session_epoch, row.received)),
            _ => None,
        };
        Box::new(OneText {
            before: self.clone(),
            received: [cursors(disks[0], BOB), cursors(disks[1], ALICE)],
        })
    }
}

struct OneText {
    before: SealedBefore,
    /// By receiver: how far it had come in which session.
    received: [Option<(SessionEpoch, u64)>; 2],
}

impl Invariant for OneText {
    fn name(&self) -> &'static str {
        "one text per key, over old stores"
    }

    fn observe(&mut self, observation: &Observation<'_>, _: &World) -> Result<(), String> {
        let Observation::Durable(peer, batch) = observation else {
            return Ok(());
        };
        for change in &batch.changes {
            let Change::Put(Row::Outbox(row)) = change else {
                continue;
            };
            let Some(now) = row.sealed.as_ref().and_then(|sealed| peek(&sealed.ciphertext)) else {
                continue;
            };
            let Some(before) = self.before.0.get(&(now.chain, now.number)) else {
                continue;
            };
            let came = self.received[1 - peer.0]
                .is_some_and(|(epoch, received)| epoch == before.session_epoch && received >= before.sequence);
            if came && before.plaintext != now.plaintext {
                return Err(format!(
                    "{peer} has sealed another text under a key that the other has opened"
                ));
            }
        }
        Ok(())
    }
}
