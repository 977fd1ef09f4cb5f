//! Large worlds of friends, without the hours of first contacts: their disks hold what nodes would have written, for
//! the transparent ratchet.

use sotto_core::row::{
    Batch, Change, ContactRow, CursorsRow, IdentityRow, Relationship, Retry, Row, SessionRow, Verification,
};
use sotto_core::{Availability, Entropy, OnionAddress, OnionSecret, Ratchet, SessionEpoch, Wall};
use sotto_testkit::memory_store::MemoryStore;
use sotto_testkit::transparent::{Session, Transparent};

const MADE_AT: Wall = Wall(1_800_000_000_000);

struct Person {
    address: OnionAddress,
    identity: IdentityRow,
    ratchet: Transparent,
    rows: Vec<Row>,
}

impl Person {
    fn new(number: usize, entropy: &mut Entropy) -> Self {
        let (signal_identity, registration_id) = Transparent::generate(entropy);
        let onion_seed = entropy.bytes();
        let identity = IdentityRow {
            onion_seed,
            signal_identity: signal_identity.to_vec(),
            registration_id,
            name: format!("person {number}"),
            created_at: MADE_AT,
            availability: Availability::default(),
            default_timer: 0,
        };
        Self {
            address: OnionSecret::from_seed(&onion_seed).address(),
            ratchet: Transparent::open(&signal_identity, registration_id).expect("just made"),
            rows: vec![Row::Identity(identity.clone())],
            identity,
        }
    }

    fn befriend(&mut self, other: &Person, session: &Session) {
        let contact = other.address;
        self.rows.push(Row::Contact(ContactRow {
            address: contact,
            relationship: Relationship::Friend,
            petname: String::new(),
            claimed_name: other.identity.name.clone(),
            note: String::new(),
            invite: None,
            identity_key: Some(other.ratchet.identity_key().to_vec()),
            verification: Verification::Unverified,
            blocked: false,
            removed_by_peer: false,
            features: None,
            created_at: MADE_AT,
            last_seen: None,
            retry: Retry::default(),
        }));
        self.rows.push(Row::Session(SessionRow {
            contact,
            record: Transparent::encode(session).to_vec(),
        }));
        self.rows.push(Row::Cursors(CursorsRow {
            contact,
            session_epoch: SessionEpoch(1),
            sent: 1,
            acknowledged: 1,
            received: 1,
            stored: 0,
        }));
    }
}

/// The disks of `people` peers in a ring. Each has `contacts` friends (an even number): its neighbours on both sides.
pub fn ring(people: usize, contacts: usize) -> Vec<MemoryStore> {
    let mut entropy = Entropy::from_seed(*b"a population of friends in a rin");
    let mut all: Vec<Person> = (0..people).map(|number| Person::new(number, &mut entropy)).collect();
    for number in 0..people {
        for step in 1..=contacts / 2 {
            let other = (number + step) % people;
            let [one, two] = all
                .get_disjoint_mut([number, other])
                .expect("more people than contacts");
            let [ours, theirs] = sessions(one, two, &mut entropy);
            one.befriend(two, &ours);
            two.befriend(one, &theirs);
        }
    }
    all.into_iter()
        .map(|person| {
            let mut disk = MemoryStore::default();
            disk.apply(Batch {
                changes: person.rows.into_iter().map(Change::Put).collect(),
            });
            disk
        })
        .collect()
}

/// Two ends of a session over which one message went each way.
fn sessions(one: &Person, two: &Person, entropy: &mut Entropy) -> [Session; 2] {
    let prekeys = two.ratchet.generate_prekeys(entropy);
    let opened = one
        .ratchet
        .initiate(&two.address, &prekeys.bundle, MADE_AT, entropy)
        .expect("a good bundle");
    let first = one
        .ratchet
        .encrypt(&two.address, opened, b"first", MADE_AT, entropy)
        .expect("a new session");
    let theirs = two
        .ratchet
        .accept(&one.address, &prekeys.secrets, &first.ciphertext, entropy)
        .expect("the first message");
    let reply = two
        .ratchet
        .encrypt(&one.address, theirs.session, b"reply", MADE_AT, entropy)
        .expect("an open session");
    let ours = one
        .ratchet
        .decrypt(&two.address, &first.session, &reply.ciphertext, entropy)
        .expect("the reply");
    [ours.session, reply.session]
}

#[cfg(test)]
mod tests {
    use sotto_core::{Limits, Millis};

    use super::*;
    use crate::choice::Choices;
    use crate::invariant;
    use crate::node_index::NodeIndex;
    use crate::world::{Cipher, World};

    #[test]
    fn they_are_friends_as_any() {
        let mut world = World::new(
            Cipher::Transparent,
            ring(5, 4),
            1,
            Limits::default(),
            1,
            Choices::harmless(),
            invariant::all(),
        );
        world.start();
        let friends: Vec<_> = world.pairs().into_iter().filter(|(a, b)| a < b).collect();
        for (from, to) in &friends {
            world.deliver_text(*from, *to, "as if we had always known each other");
        }
        world.quiesce(&friends);
        world.advance(Millis::hours(1));
        world.conclude(&friends);
        assert_eq!(world.received_texts(NodeIndex(0), NodeIndex(4)).len(), 1);
    }
}
