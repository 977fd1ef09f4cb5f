//! What users do: the verbs in which scenarios are written. A user who gets no answer because of a crash asks again.

use sotto_core::row::{DeliveryState, Standing};
use sotto_core::{Command, Draft, FriendCode, MessageId, Millis, Refusal, Reply, Status};

use super::{Ask, Peer, World};

/// In a world without faults everything is over soon: a longest wait between two dials, and some.
const SOON: Millis = Millis::hours(1);
/// Inputs that a node may be given in an hour in which there is nothing to do.
const INPUTS_AT_REST: u64 = 8;

impl World {
    /// Asks a node for something, and does not wait. Names the question.
    pub fn post(&mut self, peer: Peer, command: Command) -> usize {
        self.asks.push(Ask {
            peer,
            command,
            times: 0,
            answer: None,
        });
        let ask = self.asks.len() - 1;
        self.hosts[peer.0].wishes.push(ask);
        self.put_question(ask);
        ask
    }

    /// A question, and perhaps its answer.
    pub fn asked(&self, ask: usize) -> &Ask {
        &self.asks[ask]
    }

    /// Asks a node for something and waits for the answer.
    pub fn ask(&mut self, peer: Peer, command: Command) -> Result<Reply, Refusal> {
        let ask = self.post(peer, command);
        self.until("an answer", |world| world.asks[ask].answer.is_some());
        self.asks[ask].answer.clone().expect("just waited for")
    }

    /// Asks a node for something that it must not refuse, unless it did it already before a crash.
    pub fn order(&mut self, peer: Peer, command: Command) {
        let what = format!("{command:?}");
        let answer = self.ask(peer, command);
        let repeated = self.asks.last().is_some_and(|ask| ask.times > 1);
        if let Err(refusal) = answer
            && !repeated
        {
            self.fail(format_args!("{peer} refuses {what}: {refusal}"));
        }
    }

    /// `from` asks `to` to be a contact, with a bare address.
    pub fn request(&mut self, from: Peer, to: Peer) {
        let address = self.address(to);
        self.order(from, add(FriendCode { address, invite: None }));
    }

    /// `peer` consents to what `from` asked.
    pub fn consent(&mut self, peer: Peer, from: Peer) {
        let contact = self.address(from);
        self.order(peer, Command::AcceptContact { contact, petname: None });
    }

    /// Waits until a request lies with `to`.
    pub fn until_asked(&mut self, from: Peer, to: Peer) {
        self.until("the request is there", |world| {
            world.standing(to, from) == Some(Standing::Asking)
        });
    }

    /// Waits until both are contacts of each other.
    pub fn until_friends(&mut self, a: Peer, b: Peer) {
        self.until("both are friends", |world| world.are_friends(a, b));
    }

    /// From strangers to friends.
    pub fn befriend(&mut self, a: Peer, b: Peer) {
        self.request(a, b);
        self.until_asked(a, b);
        self.consent(b, a);
        self.until_friends(a, b);
    }

    /// A draft with a key of its own, so that it can be sent again after a crash.
    pub fn draft(&self, to: Peer, text: &str) -> Draft {
        Draft {
            idempotency_key: Some(format!("wish {}", self.asks.len())),
            ..Draft::plain(self.address(to), text)
        }
    }

    /// Sends a text and does not wait for the answer.
    pub fn write(&mut self, from: Peer, to: Peer, text: &str) {
        let draft = self.draft(to, text);
        self.post(from, Command::Send(draft));
    }

    /// Sends a text; it is durable with the sender when this returns.
    pub fn say(&mut self, from: Peer, to: Peer, text: &str) -> MessageId {
        let draft = self.draft(to, text);
        self.send(from, draft)
    }

    /// Sends a draft; it is durable with the sender when this returns.
    pub fn send(&mut self, from: Peer, draft: Draft) -> MessageId {
        match self.ask(from, Command::Send(draft)) {
            Ok(Reply::Message { id, .. }) => id,
            other => self.fail(format_args!("{from} cannot send: {other:?}")),
        }
    }

    /// Sends a text and waits until its sender knows that it is delivered.
    pub fn tell(&mut self, from: Peer, to: Peer, text: &str) -> MessageId {
        let id = self.say(from, to, text);
        self.until_delivered(from, to, id);
        id
    }

    /// Waits until the sender knows that a message is delivered.
    pub fn until_delivered(&mut self, from: Peer, to: Peer, id: MessageId) {
        self.until("the message is delivered", |world| {
            matches!(
                world.state(from, to, id),
                Some(DeliveryState::Delivered | DeliveryState::Read)
            )
        });
    }

    /// Waits until the receiver has a message, whether or not its sender knows.
    pub fn until_received(&mut self, from: Peer, to: Peer, id: MessageId) {
        self.until("the message is received", |world| {
            world.received(from, to, id).is_some()
        });
    }

    /// `reader` reads what `author` wrote, and says so.
    pub fn read(&mut self, reader: Peer, author: Peer, ids: &[MessageId]) {
        let contact = self.address(author);
        let command = Command::MarkRead {
            conversation: contact.into(),
            author: contact,
            ids: ids.to_vec(),
            receipt: true,
        };
        self.order(reader, command);
    }

    /// Waits until all users have all answers and nothing waits with one of these friends for another.
    pub fn until_at_rest(&mut self, friends: &[(Peer, Peer)]) {
        self.until("all is at rest", |world| world.is_at_rest(friends));
    }

    /// Whether that is so.
    pub fn is_at_rest(&self, friends: &[(Peer, Peer)]) -> bool {
        let done = |a: Peer, b: Peer| self.waiting(a, b) == 0 && self.are_friends(a, b);
        self.is_answered()
            && self.peers().all(|peer| self.is_on(peer) && !self.is_committing(peer))
            && friends.iter().all(|(a, b)| done(*a, *b) && done(*b, *a))
    }

    /// The story is over: no more faults, everybody is on, and all comes to rest.
    pub fn settle(&mut self, friends: &[(Peer, Peer)]) {
        self.calm = true;
        self.heal();
        self.wake_everybody();
        for peer in self.peers().collect::<Vec<_>>() {
            self.mend_disk(peer);
            self.hosts[peer.0].found_from = self.now;
            self.switch_on(peer);
        }
        self.soon_enough("all is at rest", |world| world.is_at_rest(friends));
    }

    /// Friends say a last word to each other, over new links: what was still on its way has come or gone by then.
    pub fn say_goodbye(&mut self, friends: &[(Peer, Peer)]) {
        self.pass(Millis::minutes(10));
        for (a, b) in friends {
            for (from, to) in [(*a, *b), (*b, *a)] {
                let id = self.say(from, to, &format!("goodbye {to}"));
                self.soon_enough("the last word is delivered", |world| {
                    world.state(from, to, id) == Some(DeliveryState::Delivered)
                });
            }
        }
    }

    /// Without faults and without wishes, silence follows: links that are idle end, and then nothing happens any more.
    pub fn rest(&mut self) {
        self.pass(Millis::hours(1));
        let before: Vec<u64> = self.peers().map(|peer| self.inputs(peer)).collect();
        self.pass(Millis::hours(1));
        for (peer, before) in self.peers().zip(before) {
            let inputs = self.inputs(peer) - before;
            if inputs > INPUTS_AT_REST {
                self.fail(format_args!(
                    "{peer} was given {inputs} inputs in an hour in which nothing was to be done"
                ));
            }
        }
    }

    /// Recovery is replay: a node that is opened from its disk answers as the one before it, which has seen everything happen.
    pub fn check_memory(&mut self) {
        for peer in self.peers().collect::<Vec<_>>() {
            let before = self.memory(peer);
            self.restart(peer);
            let after = self.memory(peer);
            if before != after {
                self.fail(format_args!("{peer} remembers {after:?}, and knew {before:?}"));
            }
        }
    }

    fn memory(&mut self, peer: Peer) -> Vec<Result<Reply, Refusal>> {
        let others = self.peers().filter(|other| *other != peer);
        let contacts: Vec<_> = others.map(|other| self.address(other)).collect();
        let mut answers = vec![self.ask(peer, Command::Identity)];
        for contact in contacts {
            answers.push(self.ask(peer, Command::SafetyNumber(contact)));
            // A timer as it is changes nothing, and both sides' are told.
            let ours = self.find(contact).map_or(0, |other| self.timer(peer, other, peer));
            answers.push(self.ask(peer, Command::SetTimer(contact.into(), ours)));
        }
        answers.push(self.ask(peer, Command::Status).map(|reply| match reply {
            Reply::Status(status) => Reply::Status(Status {
                queued: status.queued,
                ..Status::default()
            }),
            other => other,
        }));
        answers
    }

    /// Nobody here breaks a rule of the protocol, so no node has seen one broken.
    pub fn check_manners(&mut self) {
        for peer in self.peers().collect::<Vec<_>>() {
            if self.ledger.may_complain(peer) {
                continue;
            }
            match self.ask(peer, Command::Status) {
                Ok(Reply::Status(status)) if status.peer_faults == 0 => {}
                other => self.fail(format_args!("{peer} has seen faults of honest peers: {other:?}")),
            }
        }
    }

    /// As `until`, for what must not take long.
    fn soon_enough(&mut self, what: &str, so: impl Fn(&Self) -> bool) {
        let end = Millis(self.now.0 + SOON.0);
        while !so(self) {
            if !self.step(end) {
                self.fail(format_args!("waited an hour without faults in vain: {what}"));
            }
        }
    }
}

/// The wish for a contact.
pub fn add(code: FriendCode) -> Command {
    Command::AddContact {
        code,
        petname: None,
        note: "it is me".to_owned(),
    }
}
