//! [`Ledger`]: the model that a world is judged by. It holds what users were promised, and what must have happened to
//! every message in the end.

use std::collections::BTreeSet;

use sotto_core::row::FailReason;
use sotto_core::{Command, MessageId, Refusal, Reply};

use super::{NodeIndex, World};

/// A user's command. It is issued again after a crash until there is a reply.
pub struct UserCommand {
    /// Whose.
    pub peer: NodeIndex,
    /// Which command.
    pub command: Command,
    /// How often it was issued. After a crash, a refusal may mean that the first attempt succeeded.
    pub attempts: u32,
    /// The reply.
    pub reply: Option<Result<Reply, Refusal>>,
}

/// What must have happened to a message in the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// The receiver has it once, and its sender knows.
    Delivered,
    /// The receiver has it once. The sender's disk has lost its state.
    Received,
    /// The sender sees it as delivered, and the receiver has nothing: the receiver blocks the sender.
    Swallowed,
    /// Not sent: failed for this reason.
    Failed(FailReason),
    /// Not sent: cancelled.
    Cancelled,
    /// It was delivered, and neither disk holds it any more.
    Vanished,
    /// It was not sent, and the sender's disk does not hold it any more.
    VanishedUnsent,
    /// It was delivered, and the receiver's user has erased it there.
    Erased,
    /// The receiver's disk has lost it.
    Forgotten,
}

/// A message that its sender was told is durable.
#[derive(Clone, Debug)]
pub struct Sent {
    /// The author.
    pub from: NodeIndex,
    /// The receiver.
    pub to: NodeIndex,
    /// Its id.
    pub id: MessageId,
    /// Its text.
    pub text: String,
    /// What must happen to it.
    pub fate: Fate,
}

/// Everything that was promised.
#[derive(Default)]
pub(super) struct Ledger {
    pub sent: Vec<Sent>,
    tampered: BTreeSet<NodeIndex>,
    retried: BTreeSet<MessageId>,
    overloaded: BTreeSet<NodeIndex>,
}

impl Ledger {
    pub(super) fn tampered(&mut self, peer: NodeIndex) {
        self.tampered.insert(peer);
    }

    pub(super) fn is_overloaded(&self, peer: NodeIndex) -> bool {
        self.overloaded.contains(&peer)
    }
}

impl World {
    /// The scenario exceeds the limits of that peer's node, which may count this as faults of its peers.
    pub fn overload(&mut self, peer: NodeIndex) {
        self.ledger.overloaded.insert(peer);
    }

    /// Every message that its sender was told is durable.
    pub fn sent(&self) -> &[Sent] {
        &self.ledger.sent
    }

    /// Whether that disk was edited while its node was off.
    pub fn was_disk_edited(&self, peer: NodeIndex) -> bool {
        self.ledger.tampered.contains(&peer)
    }

    /// Whether a message was queued again after it had failed, and so has lost its place in the order.
    pub fn was_retried(&self, id: MessageId) -> bool {
        self.ledger.retried.contains(&id)
    }

    /// Sets what must happen to a message.
    pub fn expect(&mut self, id: MessageId, fate: Fate) {
        match self.ledger.sent.iter_mut().find(|sent| sent.id == id) {
            Some(sent) => sent.fate = fate,
            None => self.fail(format_args!("{id} was never promised")),
        }
    }

    /// Takes a node's reply to its user.
    pub(super) fn answered(&mut self, ask: usize, answer: Result<Reply, Refusal>) {
        let peer = self.user_commands[ask].peer;
        match (&self.user_commands[ask].command, &answer) {
            (Command::Identity, Ok(Reply::Identity { address, .. })) => {
                let address = *address;
                let known = self.hosts[peer.0].address.replace(address);
                if known.is_some_and(|known| known != address) {
                    self.fail(format_args!("{peer} has another address than before"));
                }
                self.listen(peer, address);
            }
            (Command::Send(new_message), Ok(Reply::Message { id, .. })) => {
                let contact = new_message
                    .conversation
                    .peer()
                    .expect("worlds have direct conversations alone");
                let (id, to, text) = (*id, self.peer_at(contact), new_message.text.clone());
                let known = self.ledger.sent.iter().find(|sent| sent.id == id);
                match known {
                    // The same command again.
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
        self.user_commands[ask].reply = Some(answer);
    }
}
