//! [`World`]: nodes in this process with stores on disk, on a clock that is turned by hand. A history of days is made in a moment, by
//! the protocol itself: what is in the stores afterwards is what such days leave there.

use std::path::Path;

use sotto_api::Error;
use sotto_core::{
    Cause, CircuitId, Command, CommandId, Entropy, Input, Limits, LinkId, Millis, Monotonic, Node, Now, OnionAddress,
    Output, Refusal, Reply, Wall,
};
use sotto_io_sqlcipher::{Store, StoreKey};

/// The nodes, and the links between them.
pub(super) struct World {
    now: Now,
    people: Vec<Person>,
    /// Each link has two ends: a person, and that node's number for it.
    links: Vec<[(usize, LinkId); 2]>,
    accepted: u64,
}

struct Person {
    node: Node,
    store: Store,
    address: OnionAddress,
    is_online: bool,
    commands: u64,
    reply: Option<Result<Reply, Refusal>>,
}

impl World {
    /// Without a node, at that moment.
    pub const fn at(start: Wall) -> Self {
        Self {
            now: Now {
                monotonic: Monotonic(0),
                wall: start,
            },
            people: Vec::new(),
            links: Vec::new(),
            accepted: 0,
        }
    }

    /// The time.
    pub const fn wall(&self) -> Wall {
        self.now.wall
    }

    /// A person with a new identity that claims this name, and whose store is a new file. The same seed is the same identity.
    pub fn person(&mut self, name: &str, seed: u8, database: &Path, key: &StoreKey) -> Result<OnionAddress, Error> {
        let mut store = Store::create(database, key).map_err(failed)?;
        let image = store.image().map_err(failed)?;
        let entropy = Entropy::from_seed([seed; 32]);
        let node = Node::open(image, entropy, Limits::default(), self.now).map_err(failed)?;
        let place = self.people.len();
        self.people.push(Person {
            node,
            store,
            // Until it has said its own.
            address: sotto_core::OnionSecret::from_seed(&[seed; 32]).address(),
            is_online: true,
            commands: 0,
            reply: None,
        });
        match self.command(place, Command::Identity)? {
            Reply::Identity { address, .. } => self.people[place].address = address,
            reply => return Err(unexpected(&reply)),
        }
        self.command(place, Command::SetName(name.to_owned()))?;
        Ok(self.people[place].address)
    }

    /// The person's address.
    pub fn address(&self, place: usize) -> OnionAddress {
        self.people[place].address
    }

    /// Carries out a command, and all that follows from it.
    pub fn command(&mut self, place: usize, command: Command) -> Result<Reply, Error> {
        let person = &mut self.people[place];
        person.commands += 1;
        let id = CommandId(person.commands);
        person.node.handle(Input::Command(id, command), self.now);
        self.run()?;
        match self.people[place].reply.take() {
            Some(Ok(reply)) => Ok(reply),
            Some(Err(refusal)) => Err(failed(refusal)),
            None => Err(Error::internal("a node does not answer")),
        }
    }

    /// Takes a person off the network, or back.
    pub fn set_online(&mut self, place: usize, is_online: bool) -> Result<(), Error> {
        self.people[place].is_online = is_online;
        if is_online {
            self.command(place, Command::NetworkChanged)?;
            return Ok(());
        }
        let (cut, kept) = (self.links.drain(..)).partition(|ends| ends.iter().any(|(person, _)| *person == place));
        self.links = kept;
        for ends in cut {
            for (person, id) in ends {
                self.input(person, Input::Closed(id, Cause::Ended));
            }
        }
        self.run()
    }

    /// Lets time pass, one deadline after the other.
    pub fn pass(&mut self, span: Millis) -> Result<(), Error> {
        let end = self.now.monotonic.after(span);
        loop {
            let deadlines = self.people.iter().filter_map(|person| person.node.deadline());
            let next = deadlines.map(|deadline| deadline.at).min();
            let at = next.map_or(end, |at| at.min(end)).max(self.now.monotonic);
            self.turn_to(at);
            for place in 0..self.people.len() {
                self.input(place, Input::Tick);
            }
            self.run()?;
            if at >= end {
                return Ok(());
            }
            // A deadline that is due again at once would be a busy loop.
            self.turn_to(at.after(Millis(1)));
        }
    }

    /// Ends every node, and closes its store.
    pub fn close(mut self) -> Result<(), Error> {
        for place in 0..self.people.len() {
            self.set_online(place, false)?;
        }
        for person in self.people {
            person.store.close().map_err(failed)?;
        }
        Ok(())
    }

    fn turn_to(&mut self, at: Monotonic) {
        self.now.wall = self.now.wall.after(at.since(self.now.monotonic));
        self.now.monotonic = at;
    }

    fn input(&mut self, place: usize, input: Input) {
        self.people[place].node.handle(input, self.now);
    }

    /// Until every node is idle.
    fn run(&mut self) -> Result<(), Error> {
        let mut moved = true;
        while moved {
            moved = false;
            for place in 0..self.people.len() {
                while let Some(output) = self.people[place].node.poll() {
                    self.carry_out(place, output)?;
                    moved = true;
                }
            }
        }
        Ok(())
    }

    fn carry_out(&mut self, place: usize, output: Output) -> Result<(), Error> {
        let person = &mut self.people[place];
        match output {
            Output::Commit(id, batch) => {
                person.store.commit(&batch).map_err(failed)?;
                self.input(place, Input::Stored(id));
            }
            Output::Fetch(id, query) => {
                let rows = person.store.fetch(&query).map_err(failed)?;
                self.input(place, Input::Fetched(id, rows));
            }
            Output::Reply(_, reply) => person.reply = Some(reply),
            Output::Notify(_) => {}
            Output::Dial(id, address) => self.dial(place, id, address),
            Output::Transmit(id, bytes) => {
                if let Some((other, far)) = self.far_end(place, id) {
                    self.input(other, Input::Received(far, bytes));
                }
                self.input(place, Input::Drained(id));
            }
            Output::Hangup(id) => {
                if let Some((other, far)) = self.far_end(place, id) {
                    self.links.retain(|ends| !ends.contains(&(place, id)));
                    self.input(other, Input::Closed(far, Cause::Ended));
                }
                self.input(place, Input::Closed(id, Cause::HungUp));
            }
        }
        Ok(())
    }

    fn dial(&mut self, place: usize, id: LinkId, address: OnionAddress) {
        let online = |person: &Person| person.is_online && person.address == address;
        match self.people.iter().position(online) {
            Some(other) if self.people[place].is_online => {
                self.accepted += 1;
                let far = LinkId::Accepted(self.accepted);
                self.links.push([(place, id), (other, far)]);
                self.input(place, Input::Connected(id));
                self.input(other, Input::Accepted(far, CircuitId(self.accepted)));
            }
            _ => self.input(place, Input::Closed(id, Cause::Unreachable)),
        }
    }

    fn far_end(&self, place: usize, id: LinkId) -> Option<(usize, LinkId)> {
        let link = self.links.iter().find(|ends| ends.contains(&(place, id)))?;
        link.iter().copied().find(|end| *end != (place, id))
    }
}

/// A node's reply is of another kind than its command's: a bug.
pub(super) fn unexpected(reply: &Reply) -> Error {
    Error::internal(format!("the scenario's node answers {reply:?}"))
}

fn failed(error: impl std::fmt::Display) -> Error {
    Error::internal(format!("the scenario cannot be played: {error}"))
}
