//! What must hold in every world, one property per file. Each invariant observes everything that happens, and checks
//! the world at the end of the run. A violation ends the run.
//!
//! | property | holds | source of truth |
//! |---|---|---|
//! | `durable_first` | always | the disks |
//! | `one_ciphertext` | always | sealed outbox rows, over all disks that ever were |
//! | `one_plaintext` | always | transparent ciphertexts, over all disks that ever were |
//! | `fresh_keys` | always | the first bytes of every link |
//! | `authenticity` | always | what was ever on the author's disk |
//! | `stable_sessions` | always | events, and who has edited a disk or removed a contact |
//! | `consent` | always | commands and invites |
//! | `no_duplicate` | always | `message.received` events |
//! | `order` | always | the sender's disk |
//! | `event_log` | always | the disks |
//! | `features` | always | transparent ciphertexts, and the disks |
//! | `atomicity` | whenever a node is opened | its disk |
//! | `retention` | always | the disks |
//! | `quota` | always | the disks |
//! | `deadlines` | always | what a node waits for, on its disk and in its links |
//! | `contract` | always | outputs and inputs |
//! | `bounded` | always | outputs and batches |
//! | `dial_rate` | always | dials |
//! | `secrets` | always | what outputs show when they are printed |
//! | `no_loss` | in the end | the ledger of what users were promised |
//! | `convergence` | in the end | the disks |
//!
//! Three more properties need a world that can still act, and are part of every run (`world::user`): `check_recovery`
//! (recovery is replay: a reopened node answers as the one before it), `check_no_peer_faults` (honest nodes count no
//! faults of each other), and `check_quiescence` (without faults and commands nothing happens).
//!
//! With a byzantine node (`ByzantineFault`) all of this holds for the honest nodes, and is checked for them alone.

mod atomicity;
mod authenticity;
mod bounded;
mod consent;
mod contract;
mod convergence;
mod deadlines;
mod dial_rate;
mod durable_first;
mod event_log;
mod features;
mod fresh_keys;
mod no_duplicate;
mod no_loss;
mod one_ciphertext;
mod one_plaintext;
mod order;
mod quota;
mod retention;
mod secrets;
mod stable_sessions;

use sotto_core::ConversationId;
use sotto_core::row::Batch;

use crate::node_index::NodeIndex;
use crate::world::World;
use crate::world::{Invariant, Observation};

/// All invariants.
pub fn all() -> Vec<Box<dyn Invariant>> {
    let mut all = without_ledger();
    all.push(Box::new(no_loss::NoLoss));
    all
}

/// All but the one that judges by what users were promised. The ledger of a branch does not know what its disks hold.
pub fn without_ledger() -> Vec<Box<dyn Invariant>> {
    vec![
        Box::<durable_first::DurableFirst>::default(),
        Box::<one_ciphertext::OneCiphertext>::default(),
        Box::<one_plaintext::OnePlaintext>::default(),
        Box::<fresh_keys::FreshKeys>::default(),
        Box::<authenticity::Authenticity>::default(),
        Box::<stable_sessions::StableSessions>::default(),
        Box::<consent::Consent>::default(),
        Box::<no_duplicate::NoDuplicate>::default(),
        Box::<order::Order>::default(),
        Box::<event_log::EventLog>::default(),
        Box::<features::Features>::default(),
        Box::<atomicity::Atomicity>::default(),
        Box::<quota::Quota>::default(),
        Box::<retention::Retention>::default(),
        Box::<deadlines::Deadlines>::default(),
        Box::<contract::Contract>::default(),
        Box::<bounded::Bounded>::default(),
        Box::<dial_rate::DialRate>::default(),
        Box::<secrets::Secrets>::default(),
        Box::new(convergence::Convergence),
    ]
}

/// The peer of this direct conversation, if its node keeps the protocol: no property of the protocol holds for the
/// others.
fn honest(conversation: impl Into<ConversationId>, world: &World) -> Option<NodeIndex> {
    let peer = conversation.into().peer().and_then(|contact| world.find(contact));
    peer.filter(|peer| world.is_honest(*peer))
}

/// The rows that a batch writes.
fn written(batch: &Batch) -> impl Iterator<Item = &sotto_core::row::Row> {
    use sotto_core::row::Change;
    batch.changes.iter().filter_map(|change| match change {
        Change::Put(row) | Change::Insert(row) => Some(row),
        Change::Delete(_) => None,
    })
}
