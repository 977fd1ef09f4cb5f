//! What must hold in every world, one property a file. Each watches everything that happens, and has the last word when
//! the world has come to rest. A broken one ends the run.
//!
//! | property | holds | source of truth |
//! |---|---|---|
//! | `durable_first` | always | the disks |
//! | `one_ciphertext` | always | sealed outbox rows, over all disks that ever were |
//! | `one_plaintext` | always | transparent ciphertexts, over all disks that ever were |
//! | `fresh_keys` | always | the first bytes of every link |
//! | `authenticity` | always | what was ever on the author's disk |
//! | `steady_sessions` | always | events, and who changed a disk or removed a contact |
//! | `consent` | always | commands and invites |
//! | `no_duplicate` | always | `message.received` events |
//! | `order` | always | the sender's disk |
//! | `event_log` | always | the disks |
//! | `wholeness` | whenever a node is opened | its disk |
//! | `leftovers` | always | the disks |
//! | `deadlines` | always | what a node waits for, on its disk and in its links |
//! | `contract` | always | outputs and inputs |
//! | `bounded` | always | outputs and batches |
//! | `pace` | always | dials |
//! | `secrets` | always | what outputs show when they are printed |
//! | `no_loss` | in the end | the ledger of what users were promised |
//! | `convergence` | in the end | the disks |
//!
//! Three more need a world that can still act, and are parts of every run (`world::story`): `check_memory` (recovery is
//! replay: a node that is opened anew answers as the one before), `check_manners` (honest nodes see no faults), and `rest`
//! (without faults and wishes there is silence).
//!
//! Where somebody means ill (`Malice`), all of it holds for the others, and of them alone.

mod authenticity;
mod bounded;
mod consent;
mod contract;
mod convergence;
mod deadlines;
mod durable_first;
mod event_log;
mod fresh_keys;
mod leftovers;
mod no_duplicate;
mod no_loss;
mod one_ciphertext;
mod one_plaintext;
mod order;
mod pace;
mod secrets;
mod steady_sessions;
mod wholeness;

use sotto_core::ConversationId;
use sotto_core::row::Batch;

use crate::world::{Invariant, Seen};
use crate::{Peer, World};

/// The table.
pub fn all() -> Vec<Box<dyn Invariant>> {
    vec![
        Box::<durable_first::DurableFirst>::default(),
        Box::<one_ciphertext::OneCiphertext>::default(),
        Box::<one_plaintext::OnePlaintext>::default(),
        Box::<fresh_keys::FreshKeys>::default(),
        Box::<authenticity::Authenticity>::default(),
        Box::<steady_sessions::SteadySessions>::default(),
        Box::<consent::Consent>::default(),
        Box::<no_duplicate::NoDuplicate>::default(),
        Box::<order::Order>::default(),
        Box::<event_log::EventLog>::default(),
        Box::<wholeness::Wholeness>::default(),
        Box::<leftovers::Leftovers>::default(),
        Box::<deadlines::Deadlines>::default(),
        Box::<contract::Contract>::default(),
        Box::<bounded::Bounded>::default(),
        Box::<pace::Pace>::default(),
        Box::<secrets::Secrets>::default(),
        Box::new(no_loss::NoLoss),
        Box::new(convergence::Convergence),
    ]
}

/// Whose address that is, if they keep the rules: nobody else can be held to them.
fn honest(conversation: impl Into<ConversationId>, world: &World) -> Option<Peer> {
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
