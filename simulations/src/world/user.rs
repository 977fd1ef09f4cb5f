//! What users do: the verbs of scenarios. A user who gets no reply because of a crash issues the command again.

use sotto_core::row::{DeliveryState, MessageKey, Relationship};
use sotto_core::{Command, FriendCode, MessageId, Millis, NewMessage, Refusal, Reply, Status};

use super::{NodeIndex, UserCommand, World};

/// Without faults everything is over after the longest wait between two dials.
const SOON: Millis = Millis::hours(1);
/// Inputs that a node may get in an hour without traffic.
const INPUTS_AT_REST: u64 = 8;

impl World {
    /// Issues a command without waiting for the reply. Returns its place in the world's list.
    pub fn submit(&mut self, peer: NodeIndex, command: Command) -> usize {
        self.user_commands.push(UserCommand {
            peer,
            command,
            attempts: 0,
            reply: None,
        });
        let ask = self.user_commands.len() - 1;
        self.hosts[peer.0].user_commands.push(ask);
        self.issue(ask);
        ask
    }

    /// A command, and its reply if there is one.
    pub fn user_command(&self, ask: usize) -> &UserCommand {
        &self.user_commands[ask]
    }

    /// Issues a command and waits for the reply.
    pub fn call(&mut self, peer: NodeIndex, command: Command) -> Result<Reply, Refusal> {
        let ask = self.submit(peer, command);
        self.until("a reply", |world| world.user_commands[ask].reply.is_some());
        self.user_commands[ask].reply.clone().expect("just waited for")
    }

    /// As `call`, for a command that must succeed, unless it has succeeded before a crash.
    pub fn call_ok(&mut self, peer: NodeIndex, command: Command) {
        let what = format!("{command:?}");
        let answer = self.call(peer, command);
        let repeated = self.user_commands.last().is_some_and(|ask| ask.attempts > 1);
        if let Err(refusal) = answer
            && !repeated
        {
            self.fail(format_args!("{peer} refuses {what}: {refusal}"));
        }
    }

    /// `from` asks `to` to be a contact, by address alone.
    pub fn request(&mut self, from: NodeIndex, to: NodeIndex) {
        let address = self.address(to);
        self.call_ok(from, add_contact(FriendCode { address, invite: None }));
    }

    /// `peer` accepts the request of `from`.
    pub fn accept_contact(&mut self, peer: NodeIndex, from: NodeIndex) {
        let contact = self.address(from);
        self.call_ok(peer, Command::AcceptContact { contact, petname: None });
    }

    /// Waits until `to` has the request.
    pub fn until_requested(&mut self, from: NodeIndex, to: NodeIndex) {
        self.until("the request arrives", |world| {
            world.relationship(to, from) == Some(Relationship::Asking)
        });
    }

    /// Waits until both are contacts of each other.
    pub fn until_friends(&mut self, a: NodeIndex, b: NodeIndex) {
        self.until("both are friends", |world| world.are_friends(a, b));
    }

    /// From strangers to friends.
    pub fn befriend(&mut self, a: NodeIndex, b: NodeIndex) {
        self.request(a, b);
        self.until_requested(a, b);
        self.accept_contact(b, a);
        self.until_friends(a, b);
    }

    /// A message with an idempotency key, so that it can be sent again after a crash.
    pub fn new_message(&self, to: NodeIndex, text: &str) -> NewMessage {
        NewMessage {
            hops: 0,
            idempotency_key: Some(format!("command {}", self.user_commands.len())),
            ..NewMessage::plain(self.address(to), text)
        }
    }

    /// Sends a text without waiting for the reply.
    pub fn submit_text(&mut self, from: NodeIndex, to: NodeIndex, text: &str) {
        let new_message = self.new_message(to, text);
        self.submit(from, Command::Send(new_message));
    }

    /// Sends a text. It is durable with the sender when this returns.
    pub fn send_text(&mut self, from: NodeIndex, to: NodeIndex, text: &str) -> MessageId {
        let new_message = self.new_message(to, text);
        self.send(from, new_message)
    }

    /// Sends a message. It is durable with the sender when this returns.
    pub fn send(&mut self, from: NodeIndex, new_message: NewMessage) -> MessageId {
        match self.call(from, Command::Send(new_message)) {
            Ok(Reply::Message { id, .. }) => id,
            other => self.fail(format_args!("{from} cannot send: {other:?}")),
        }
    }

    /// Sends a text and waits until its sender knows that it is delivered.
    pub fn deliver_text(&mut self, from: NodeIndex, to: NodeIndex, text: &str) -> MessageId {
        let id = self.send_text(from, to, text);
        self.until_delivered(from, to, id);
        id
    }

    /// Waits until the sender knows that a message is delivered.
    pub fn until_delivered(&mut self, from: NodeIndex, to: NodeIndex, id: MessageId) {
        self.until("the message is delivered", |world| {
            matches!(
                world.state(from, to, id),
                Some(DeliveryState::Delivered | DeliveryState::Read)
            )
        });
    }

    /// Waits until the receiver has a message, whether or not its sender knows.
    pub fn until_received(&mut self, from: NodeIndex, to: NodeIndex, id: MessageId) {
        self.until("the message is received", |world| {
            world.received(from, to, id).is_some()
        });
    }

    /// `reader` marks messages of `author` as read, with a receipt.
    pub fn mark_read(&mut self, reader: NodeIndex, author: NodeIndex, ids: &[MessageId]) {
        let contact = self.address(author);
        let command = Command::MarkRead {
            conversation: contact.into(),
            author: contact,
            ids: ids.to_vec(),
            receipt: true,
        };
        self.call_ok(reader, command);
    }

    /// `author` edits a message to `to`.
    pub fn edit_message(&mut self, author: NodeIndex, to: NodeIndex, id: MessageId, text: &str) {
        let contact = self.address(to);
        let text = text.to_owned();
        self.call_ok(
            author,
            Command::EditMessage {
                conversation: contact.into(),
                id,
                text,
            },
        );
    }

    /// `author` deletes a message to `to`.
    pub fn delete_message(&mut self, author: NodeIndex, to: NodeIndex, id: MessageId) {
        let contact = self.address(to);
        self.call_ok(
            author,
            Command::DeleteMessage {
                conversation: contact.into(),
                id,
            },
        );
    }

    /// `reader` reacts to a message of `author`.
    pub fn react(&mut self, reader: NodeIndex, author: NodeIndex, id: MessageId, emoji: Option<&str>) {
        let contact = self.address(author);
        let emoji = emoji.map(str::to_owned);
        self.call_ok(
            reader,
            Command::React {
                message: MessageKey::direct(contact, contact, id),
                emoji,
            },
        );
    }

    /// Waits until all commands have a reply and no outbox row is left between these friends.
    pub fn until_quiescent(&mut self, friends: &[(NodeIndex, NodeIndex)]) {
        self.until("the world is quiescent", |world| world.is_quiescent(friends));
    }

    /// Whether this is so now.
    pub fn is_quiescent(&self, friends: &[(NodeIndex, NodeIndex)]) -> bool {
        let done = |a: NodeIndex, b: NodeIndex| self.waiting(a, b) == 0 && self.are_friends(a, b);
        self.all_answered()
            && self.peers().all(|peer| self.is_on(peer) && !self.is_committing(peer))
            && friends.iter().all(|(a, b)| done(*a, *b) && done(*b, *a))
    }

    /// Ends all faults, starts all machines, and waits until the world is quiescent.
    pub fn quiesce(&mut self, friends: &[(NodeIndex, NodeIndex)]) {
        self.faults_over = true;
        self.heal();
        self.resume_all();
        for peer in self.peers().collect::<Vec<_>>() {
            self.repair_disk(peer);
            self.hosts[peer.0].published_from = self.now;
            self.switch_on(peer);
        }
        self.until_soon("the world is quiescent", |world| world.is_quiescent(friends));
    }

    /// Friends exchange a last text over new links. What was in transit has arrived or is lost by then.
    pub fn exchange_final_texts(&mut self, friends: &[(NodeIndex, NodeIndex)]) {
        self.advance(Millis::minutes(10));
        for (a, b) in friends {
            for (from, to) in [(*a, *b), (*b, *a)] {
                let id = self.send_text(from, to, &format!("goodbye {to}"));
                self.until_soon("the final text is delivered", |world| {
                    world.state(from, to, id) == Some(DeliveryState::Delivered)
                });
            }
        }
    }

    /// Without faults and commands nothing happens any more, once idle links have ended.
    pub fn check_quiescence(&mut self) {
        self.advance(Millis::hours(1));
        let before: Vec<u64> = self.peers().map(|peer| self.inputs(peer)).collect();
        self.advance(Millis::hours(1));
        for (peer, before) in self.peers().zip(before) {
            let inputs = self.inputs(peer) - before;
            if inputs > INPUTS_AT_REST {
                self.fail(format_args!(
                    "{peer} was given {inputs} inputs in an hour without traffic"
                ));
            }
        }
    }

    /// Recovery is replay: a reopened node answers as the one before it, which has processed every input.
    pub fn check_recovery(&mut self) {
        for peer in self.peers().collect::<Vec<_>>() {
            let before = self.recovered_answers(peer);
            self.restart(peer);
            let after = self.recovered_answers(peer);
            if before != after {
                self.fail(format_args!(
                    "{peer} answers {after:?} after a restart, and {before:?} before"
                ));
            }
        }
    }

    fn recovered_answers(&mut self, peer: NodeIndex) -> Vec<Result<Reply, Refusal>> {
        let others = self.peers().filter(|other| *other != peer);
        let contacts: Vec<_> = others.map(|other| self.address(other)).collect();
        let mut answers = vec![self.call(peer, Command::Identity)];
        for contact in contacts {
            answers.push(self.call(peer, Command::SafetyNumber(contact)));
            // Setting a timer to its present value changes nothing and returns both sides' timers.
            let ours = self.find(contact).map_or(0, |other| self.timer(peer, other, peer));
            answers.push(self.call(peer, Command::SetTimer(contact.into(), ours)));
        }
        answers.push(self.call(peer, Command::Status).map(|reply| match reply {
            Reply::Status(status) => Reply::Status(Status {
                queued: status.queued,
                ..Status::default()
            }),
            other => other,
        }));
        answers
    }

    /// All peers keep the protocol, so no node has counted a fault of a peer.
    pub fn check_no_peer_faults(&mut self) {
        for peer in self.peers().collect::<Vec<_>>() {
            if self.ledger.is_overloaded(peer) {
                continue;
            }
            match self.call(peer, Command::Status) {
                Ok(Reply::Status(status)) if status.peer_faults == 0 => {}
                other => self.fail(format_args!("{peer} has counted faults of honest peers: {other:?}")),
            }
        }
    }

    /// As `until`, for what must happen within an hour.
    fn until_soon(&mut self, what: &str, so: impl Fn(&Self) -> bool) {
        let end = Millis(self.now.0 + SOON.0);
        while !so(self) {
            if !self.step(end) {
                self.fail(format_args!("an hour without faults was not enough: {what}"));
            }
        }
    }
}

/// The command that adds a contact.
pub fn add_contact(code: FriendCode) -> Command {
    Command::AddContact {
        code,
        petname: None,
        note: "it is me".to_owned(),
    }
}
