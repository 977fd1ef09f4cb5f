//! Two copies of one node: of its store, on two machines, and of the running machine itself.

use std::collections::BTreeSet;

use sotto_core::row::{DeliveryState, Event, Key, MessageKey, Row};
use sotto_core::{
    CircuitId, Command, Elsewhere, Entropy, Input, Limits, LinkId, Millis, NewMessage, Node, Now, Output, Reply, Status,
};
use sotto_testkit::host::Host;
use sotto_testkit::memory_store::MemoryStore;
use sotto_testkit::pair::{A, B, Pair};

/// Ada's two machines and Bob. One of Ada's is in the pair, the other one is asleep.
struct Machines {
    pair: Pair<MemoryStore>,
    asleep: Host,
}

impl Machines {
    /// The store is copied when the two are friends and have talked.
    fn new() -> Self {
        let mut pair = Pair::new([MemoryStore::default(), MemoryStore::default()], 1, &Limits::default());
        pair.befriend();
        pair.send_text(A, "before the copy");
        pair.send_text(B, "before the copy, too");
        let copy = pair.sides[A].store.clone();
        let asleep = Host::open(copy, [77; 32], &Limits::default(), pair.now);
        Self { pair, asleep }
    }

    /// The other machine of Ada's is linked with Bob from now on.
    fn switch(&mut self) {
        self.pair.cut();
        self.pair.run();
        std::mem::swap(&mut self.pair.sides[A], &mut self.asleep);
        self.pair.pass(Millis::minutes(1));
    }

    fn told(&self) -> [usize; 3] {
        let told = |host: &Host| {
            let elsewhere = |event: &&Event| matches!(event, Event::IdentityElsewhere { .. });
            host.store.events().filter(elsewhere).count()
        };
        [&self.pair.sides[A], &self.asleep, &self.pair.sides[B]].map(told)
    }
}

fn status(pair: &mut Pair<MemoryStore>, side: usize) -> Status {
    match pair.command(side, Command::Status) {
        Ok(Reply::Status(status)) => status,
        other => panic!("no status: {other:?}"),
    }
}

#[test]
fn two_machines_with_one_store_are_both_told_and_what_each_sends_arrives_once() {
    let mut machines = Machines::new();
    let bob = machines.pair.sides[B].address;
    let mut sent = BTreeSet::from(["before the copy".to_owned()]);
    for round in 0..6 {
        for text in ["one", "two", "three"].map(|text| format!("{text} of round {round}")) {
            let id = machines.pair.send_text(A, &text);
            machines.pair.pass(Millis::minutes(1));
            let key = MessageKey::direct(bob, machines.pair.sides[A].address, id);
            let state = match machines.pair.sides[A].store.row(&Key::Delivery(key)) {
                Some(Row::Delivery(row)) => row.state,
                other => panic!("no state: {other:?}"),
            };
            assert_eq!(state, DeliveryState::Delivered, "{text}");
            sent.insert(text);
        }
        let answer = format!("answer {round}");
        machines.pair.send_text(B, &answer);
        machines.pair.pass(Millis::minutes(1));
        let received = machines.pair.received_texts(A);
        assert_eq!(received.last(), Some(&answer.as_str()), "whichever machine is linked");
        machines.switch();
    }
    let mut received = machines.pair.received_texts(B);
    received.sort_unstable();
    assert!(received.iter().eq(&sent), "{received:?}");
    // Each of the two machines knows within its second link, and says so once a day. Bob's node is alone with its identity.
    assert_eq!(machines.told(), [1, 1, 0]);
    for _ in 0..2 {
        let shown = status(&mut machines.pair, A)
            .elsewhere
            .map(|elsewhere| elsewhere.shown_by);
        assert_eq!(shown, Some(bob));
        machines.switch();
    }
    assert_eq!(status(&mut machines.pair, B).elsewhere, None);
    // The other one has been stopped.
    machines.pair.pass(Millis::hours(25));
    assert_eq!(status(&mut machines.pair, A).elsewhere, None);
}

/// A backup that is restored, again and again, on either side, is no second machine.
#[test]
fn a_restored_store_is_no_second_machine() {
    let mut pair = Pair::new([MemoryStore::default(), MemoryStore::default()], 1, &Limits::default());
    pair.befriend();
    for round in 0_u8..8 {
        let side = usize::from(round % 2);
        let backup = pair.sides[side].store.clone();
        for _ in 0..3 {
            pair.send_text(A, "one way");
            pair.send_text(B, "the other way");
        }
        pair.sides[side].store = backup;
        pair.reopen(side, 100 + round, &Limits::default());
        pair.send_text(A, "after it");
        pair.send_text(B, "after it");
        pair.pass(Millis::minutes(20));
    }
    for side in [A, B] {
        assert_eq!(status(&mut pair, side).elsewhere, None);
        let elsewhere = |event: &&Event| matches!(event, Event::IdentityElsewhere { .. });
        assert_eq!(pair.sides[side].store.events().filter(elsewhere).count(), 0);
    }
}

/// The other one's user is told what may be missing, whichever side it is, and though that side has sent nothing.
#[test]
fn a_restored_store_is_told_to_the_other_user_once() {
    for (side, cuts) in [(A, false), (B, false), (A, true), (B, true)] {
        let mut pair = Pair::new([MemoryStore::default(), MemoryStore::default()], 1, &Limits::default());
        pair.befriend();
        for _ in 0..3 {
            pair.send_text(side, "before the backup");
        }
        let backup = pair.sides[side].store.clone();
        pair.send_text(side, "after the backup");
        pair.sides[side].store = backup;
        pair.reopen(side, 100, &Limits::default());
        pair.send_text(side, "after the restore");
        if cuts {
            pair.cut();
        }
        pair.pass(Millis::minutes(20));
        let contact = pair.sides[side].address;
        let told = pair.sides[1 - side].store.events();
        let told = told.filter(|event| **event == Event::ContactRolledBack { contact });
        assert_eq!(told.count(), 1, "of {side}, cut: {cuts}");
        assert_eq!(pair.received_texts(1 - side).last(), Some(&"after the restore"));
    }
}

#[test]
fn what_answers_at_the_own_address_is_told_once_a_day() {
    let mut pair = Pair::new([MemoryStore::default(), MemoryStore::default()], 1, &Limits::default());
    let ours = pair.sides[A].address;
    for minutes in [0, 10, 10, 26 * 60] {
        pair.pass(Millis::minutes(minutes));
        assert_eq!(pair.command(A, Command::IdentityElsewhere), Ok(Reply::Done));
        let at = pair.now.wall;
        assert_eq!(status(&mut pair, A).elsewhere, Some(Elsewhere { shown_by: ours, at }));
    }
    let told = Event::IdentityElsewhere { shown_by: ours };
    assert_eq!(pair.sides[A].store.events().filter(|event| **event == told).count(), 2);
}

/// The bytes that a node sends: those of a dial, and those of a text on a link that was there before.
fn said(pair: &mut Pair<MemoryStore>, fresh: Option<[u8; 32]>) -> Vec<Vec<u8>> {
    let mut said = Vec::new();
    let (bob, now) = (pair.sides[B].address, pair.now);
    let host = &mut pair.sides[A];
    if let Some(fresh) = fresh {
        host.node.handle(Input::Entropy(fresh), now);
    }
    // A peer that dials gets our key of this handshake, too.
    host.node
        .handle(Input::Accepted(LinkId::Accepted(900), CircuitId(900)), now);
    host.submit(Command::Send(NewMessage::plain(bob, "a text")), now);
    while let Some(output) = host.poll(now) {
        match output {
            sotto_testkit::host::LinkOutput::Dial(id, _) => host.node.handle(Input::Connected(id), now),
            sotto_testkit::host::LinkOutput::Transmit(_, bytes) => said.push(bytes),
            sotto_testkit::host::LinkOutput::Hangup(_) => {}
        }
    }
    said
}

/// A machine that is cloned, or a snapshot that is restored twice: both nodes have the same rows and the same generator.
#[test]
fn copies_of_a_running_machine_part_with_the_first_fresh_entropy_and_only_then() {
    let copy = || {
        let mut pair = Pair::new([MemoryStore::default(), MemoryStore::default()], 1, &Limits::default());
        pair.befriend();
        pair.reachable = false;
        pair.cut();
        pair.run();
        pair
    };
    let continued = |fresh| said(&mut copy(), fresh);
    let (same, one, other) = (continued(None), continued(Some([1; 32])), continued(Some([2; 32])));
    assert_eq!(same, continued(None), "without fresh entropy both say the same");
    assert_eq!(one, continued(Some([1; 32])), "to the byte, given the same inputs");
    assert!(!one.is_empty() && one.iter().all(|bytes| !other.contains(bytes) && !same.contains(bytes)));
}

/// New identities, invites and ids come from the generator as well.
#[test]
fn what_a_copy_makes_is_its_own() {
    let now = Now::default();
    let made = |fresh: [u8; 32]| {
        let mut store = MemoryStore::default();
        let mut node: Node =
            Node::open(store.image(), Entropy::from_seed([7; 32]), Limits::default(), now).expect("an empty store");
        node.handle(Input::Entropy(fresh), now);
        node.handle(Input::Command(sotto_core::CommandId(1), Command::CreateInvite), now);
        loop {
            match node.poll().expect("a reply") {
                Output::Commit(id, batch) => {
                    store.apply(batch);
                    node.handle(Input::Stored(id), now);
                }
                Output::Reply(_, reply) => return reply.expect("an invite"),
                _ => {}
            }
        }
    };
    assert_ne!(made([1; 32]), made([2; 32]));
    assert_eq!(made([1; 32]), made([1; 32]));
}
