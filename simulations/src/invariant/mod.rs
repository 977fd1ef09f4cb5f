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

use std::fmt;

use sotto_core::row::Batch;
use sotto_core::{Input, OnionAddress, Output};

use crate::{Peer, World};

/// Something that happens.
pub enum Seen<'a> {
    /// A node is about to be opened.
    Opening(Peer),
    /// Somebody has changed a disk behind its node's back.
    Tampered(Peer),
    /// A node is about to be told something.
    Input(Peer, &'a Input),
    /// A node wants something, which has not been done yet.
    Output(Peer, &'a Output),
    /// A node wants no more for now; that was so many outputs.
    Drained(Peer, usize),
    /// A batch is about to reach the disk.
    Committing(Peer, &'a Batch),
    /// It has.
    Durable(Peer, &'a Batch),
}

impl Seen<'_> {
    /// Whom it concerns.
    pub fn whose(&self) -> Peer {
        match self {
            Self::Opening(peer)
            | Self::Tampered(peer)
            | Self::Input(peer, _)
            | Self::Output(peer, _)
            | Self::Drained(peer, _)
            | Self::Committing(peer, _)
            | Self::Durable(peer, _) => *peer,
        }
    }
}

/// A property of worlds.
pub trait Invariant {
    /// Its name.
    fn name(&self) -> &'static str;

    /// Looks at something that happens. An error says how it breaks the property.
    fn observe(&mut self, seen: &Seen<'_>, world: &World) -> Result<(), String>;

    /// Looks at a world that has come to rest, and in which these are friends.
    fn conclude(&mut self, world: &World, friends: &[(Peer, Peer)]) -> Result<(), String> {
        let _ = (world, friends);
        Ok(())
    }
}

/// All of them.
#[derive(Default)]
pub struct Invariants(Vec<Box<dyn Invariant>>);

/// A property that does not hold.
#[derive(Debug)]
pub struct Broken {
    name: &'static str,
    how: String,
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is broken: {}", self.name, self.how)
    }
}

impl Invariants {
    /// The table.
    pub fn all() -> Self {
        Self(vec![
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
        ])
    }

    /// Shows them what happens.
    pub fn observe(&mut self, seen: &Seen<'_>, world: &World) -> Result<(), Broken> {
        self.ask(|invariant| invariant.observe(seen, world))
    }

    /// Asks for the last word.
    pub fn conclude(&mut self, world: &World, friends: &[(Peer, Peer)]) -> Result<(), Broken> {
        self.ask(|invariant| invariant.conclude(world, friends))
    }

    fn ask(&mut self, mut question: impl FnMut(&mut dyn Invariant) -> Result<(), String>) -> Result<(), Broken> {
        for invariant in &mut self.0 {
            let name = invariant.name();
            question(invariant.as_mut()).map_err(|how| Broken { name, how })?;
        }
        Ok(())
    }
}

/// Whose address that is, if they keep the rules: nobody else can be held to them.
fn honest(address: OnionAddress, world: &World) -> Option<Peer> {
    world.find(address).filter(|peer| world.is_honest(*peer))
}

/// The rows that a batch writes.
fn written(batch: &Batch) -> impl Iterator<Item = &sotto_core::row::Row> {
    use sotto_core::row::Change;
    batch.changes.iter().filter_map(|change| match change {
        Change::Put(row) | Change::Insert(row) => Some(row),
        Change::Delete(_) => None,
    })
}
