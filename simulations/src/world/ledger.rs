//! What users asked and were answered, and what must have become of every message in the end. The model that a world is
//! judged by.

use std::collections::BTreeSet;

use sotto_core::row::FailReason;
use sotto_core::{Command, MessageId, Refusal, Reply};

use super::{Peer, World};

/// A user's wish, asked again after a crash until there is an answer.
pub struct Ask {
    /// Whose.
    pub peer: Peer,
    /// For what.
    pub command: Command,
    /// How often it was asked: after a crash, a refusal may mean that the first time did it.
    pub times: u32,
    /// The answer.
    pub answer: Option<Result<Reply, Refusal>>,
}

/// What must have become of a message in the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// Once with the receiver, and its sender knows.
    Delivered,
    /// Once with the receiver; what the sender knows of it went with a disk.
    Received,
    /// Its sender sees it as delivered, and the receiver has nothing: the receiver blocks the sender.
    Swallowed,
    /// Not sent: given up, for a reason.
    Failed(FailReason),
    /// Not sent: taken back.
    Cancelled,
    /// It was delivered, and is in no row of either.
    Vanished,
    /// The receiver had it and lost it with a disk.
    Forgotten,
}

/// A message that its sender was told is durable.
#[derive(Clone, Debug)]
pub struct Sent {
    /// Who wrote it.
    pub from: Peer,
    /// To whom.
    pub to: Peer,
    /// Its name.
    pub id: MessageId,
    /// What it says.
    pub text: String,
    /// What must become of it.
    pub fate: Fate,
}

/// Everything that was promised.
#[derive(Default)]
pub(super) struct Ledger {
    pub sent: Vec<Sent>,
    tampered: BTreeSet<Peer>,
    retried: BTreeSet<MessageId>,
    imposed_upon: BTreeSet<Peer>,
}

impl Ledger {
    pub(super) fn tampered(&mut self, peer: Peer) {
        self.tampered.insert(peer);
    }

    pub(super) fn may_complain(&self, peer: Peer) -> bool {
        self.imposed_upon.contains(&peer)
    }
}

impl World {
    /// The story asks more of that peer's node than it may, and the node may count that as faults.
    pub fn impose_upon(&mut self, peer: Peer) {
        self.ledger.imposed_upon.insert(peer);
    }

    /// Every message that its sender was told is durable.
    pub fn sent(&self) -> &[Sent] {
        &self.ledger.sent
    }

    /// Whether somebody changed that disk behind its node's back.
    pub fn was_tampered_with(&self, peer: Peer) -> bool {
        self.ledger.tampered.contains(&peer)
    }

    /// Whether a message was queued again after it had failed, and so has lost its place in the order.
    pub fn was_retried(&self, id: MessageId) -> bool {
        self.ledger.retried.contains(&id)
    }

    /// What must become of a message.
    pub fn expect(&mut self, id: MessageId, fate: Fate) {
        match self.ledger.sent.iter_mut().find(|sent| sent.id == id) {
            Some(sent) => sent.fate = fate,
            None => self.fail(format_args!("{id} was never promised")),
        }
    }

    /// A node's answer to a user.
    pub(super) fn answered(&mut self, ask: usize, answer: Result<Reply, Refusal>) {
        let peer = self.asks[ask].peer;
        match (&self.asks[ask].command, &answer) {
            (Command::Identity, Ok(Reply::Identity { address, .. })) => {
                let address = *address;
                let known = self.hosts[peer.0].address.replace(address);
                if known.is_some_and(|known| known != address) {
                    self.fail(format_args!("{peer} has become somebody else"));
                }
                self.listen(peer, address);
            }
            (Command::Send(draft), Ok(Reply::Message { id, .. })) => {
                let contact = draft
                    .conversation
                    .peer()
                    .expect("worlds have direct conversations alone");
                let (id, to, text) = (*id, self.peer_at(contact), draft.text.clone());
                let known = self.ledger.sent.iter().find(|sent| sent.id == id);
                match known {
                    // The same wish once more.
                    Some(sent) if (sent.from, sent.to, &sent.text) == (peer, to, &text) => {}
                    Some(_) => self.fail(format_args!("{peer} has given the id {id} to two messages")),
                    None => self.ledger.sent.push(Sent {
                        from: peer,
                        to,
                        id,
                        text,
                        fate: Fate::Delivered,
                    }),
                }
            }
            (Command::RetryMessage { id, .. }, Ok(_)) => {
                self.ledger.retried.insert(*id);
            }
            _ => {}
        }
        self.asks[ask].answer = Some(answer);
    }
}
