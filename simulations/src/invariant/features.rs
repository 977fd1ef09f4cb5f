//! A content that needs a feature is sealed only for a peer whose last Hello had that feature. A content of an unknown kind that
//! is ignorable is never stored as an unsupported message. In a quiescent world the features of a friend are known. The
//! transparent ratchet shows what was sealed.

use std::collections::BTreeSet;

use prost::Message as _;
use sotto_core::feature::IGNORABLE_CONTENTS;
use sotto_core::row::{ContentType, Key, OutboxRow, Row};
use sotto_core::wire::content::Content;
use sotto_testkit::transparent::peek;

use super::{Invariant, Observation, written};
use crate::node_index::NodeIndex;
use crate::world::World;

#[derive(Default)]
pub struct Features {
    /// By chain and number: the ciphertexts that were checked. A row is written again when its peer may have lost a feature.
    checked: BTreeSet<([u8; 33], u32)>,
}

impl Invariant for Features {
    fn name(&self) -> &'static str {
        "features"
    }

    fn observe(&mut self, observation: &Observation<'_>, world: &World) -> Result<(), String> {
        let Observation::Durable(peer, batch) = observation else {
            return Ok(());
        };
        for row in written(batch) {
            match row {
                Row::Outbox(row) => self.check_sealed(*peer, row, world)?,
                Row::Message(row)
                    if row.content_type == ContentType::Unsupported && !world.may_show_unsupported(*peer) =>
                {
                    return Err(format!(
                        "{peer} stores {:?} as unsupported, which is ignorable",
                        row.key
                    ));
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn conclude(&mut self, world: &World, friends: &[(NodeIndex, NodeIndex)]) -> Result<(), String> {
        for (a, b) in friends.iter().flat_map(|(a, b)| [(*a, *b), (*b, *a)]) {
            let known = world.contact(a, b).and_then(|row| row.features.as_deref());
            if known != Some(world.features(b)) {
                return Err(format!("{a} has {known:?} for {b}, who has {:?}", world.features(b)));
            }
        }
        Ok(())
    }
}

impl Features {
    fn check_sealed(&mut self, peer: NodeIndex, row: &OutboxRow, world: &World) -> Result<(), String> {
        let Some(sealed) = row.sealed.as_ref().and_then(|sealed| peek(&sealed.ciphertext)) else {
            return Ok(());
        };
        if !self.checked.insert((sealed.chain, sealed.number)) {
            return Ok(());
        }
        let Some(needed) = Content::decode(sealed.plaintext.as_slice())
            .ok()
            .and_then(|content| needed(&content))
        else {
            return Ok(());
        };
        let known = match world.disk(peer).row(&Key::Contact(row.contact)) {
            Some(Row::Contact(contact)) => contact.features.as_deref().unwrap_or_default(),
            _ => &[],
        };
        if known.contains(&needed) {
            return Ok(());
        }
        Err(format!(
            "{peer} has sealed a content that needs feature {needed} for {:?}, who has {known:?}",
            row.contact
        ))
    }
}

/// The feature that a peer needs to process a content.
fn needed(content: &Content) -> Option<u32> {
    (content.ignorable || content.kind.is_none()).then_some(IGNORABLE_CONTENTS)
}
