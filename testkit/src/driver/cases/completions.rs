//! Every output that starts work has exactly one completion, and `Closed` is a link's last input.

use std::time::Duration;

use sotto_core::row::{ConsumerRow, ContentType, MessageKey, MessageRow, Query, Row};
use sotto_core::{
    Cause, CommitId, EventSeq, FetchId, Input, LinkId, MessageId, OnionAddress, OnionSecret, Output, Reply, Wall,
};

use crate::driver::harness::{Harness, batch};
use crate::driver::{DialAttempt, Driver, PeerStream};

const LINK: LinkId = LinkId::Dialled(1);
const OTHER: LinkId = LinkId::Dialled(2);

pub fn peer(seed: u8) -> OnionAddress {
    OnionSecret::from_seed(&[seed; 32]).address()
}

pub fn row(number: u64) -> Row {
    Row::Consumer(ConsumerRow {
        name: format!("consumer {number}"),
        acknowledged: EventSeq(number),
    })
}

pub fn commit(number: u64) -> Output {
    Output::Commit(CommitId(number), batch(row(number)))
}

/// Bytes in which a lost, repeated or moved piece shows.
pub fn counted(length: u32) -> Vec<u8> {
    (0..length / 4).flat_map(u32::to_le_bytes).collect()
}

/// A stream that the node has dialled.
pub fn dialled(harness: &mut Harness<'_>, link: LinkId) -> PeerStream {
    harness.emit([Output::Dial(link, peer(9))]);
    let peer_stream = next_dial(harness).accept();
    harness.until_input(&Input::Connected(link));
    peer_stream
}

/// A stream that a peer has opened.
pub fn accepted(harness: &mut Harness<'_>) -> (LinkId, PeerStream) {
    let is_accepted = |input: &Input| matches!(input, Input::Accepted(..));
    let before = harness.log.count(is_accepted);
    let peer_stream = harness.network.connect();
    harness.until("a peer is accepted", |harness| harness.log.count(is_accepted) > before);
    let inputs = harness.log.inputs();
    let newest = inputs.iter().rev().find_map(|(input, _)| match input {
        Input::Accepted(id, _) => Some(*id),
        _ => None,
    });
    (newest.expect("accepted"), peer_stream)
}

fn next_dial(harness: &mut Harness<'_>) -> DialAttempt {
    let mut dial = None;
    harness.until("the driver dials", |harness| {
        dial = harness.network.next_dial();
        dial.is_some()
    });
    dial.expect("the driver dials")
}

pub fn received(harness: &Harness<'_>, link: LinkId) -> Vec<u8> {
    let of_link = |(input, _)| match input {
        Input::Received(id, bytes) if id == link => Some(bytes),
        _ => None,
    };
    harness.log.inputs().into_iter().filter_map(of_link).flatten().collect()
}

fn closed(harness: &Harness<'_>, link: LinkId) -> Option<Cause> {
    harness.log.inputs().into_iter().find_map(|(input, _)| match input {
        Input::Closed(id, cause) if id == link => Some(cause),
        _ => None,
    })
}

fn until_closed(harness: &mut Harness<'_>, link: LinkId) -> Cause {
    harness.until("the link is closed", |harness| closed(harness, link).is_some());
    closed(harness, link).expect("closed")
}

pub fn every_commit_is_stored_once(driver: &dyn Driver) {
    let mut harness = Harness::with_scripted_node(driver);
    for number in 1..=10 {
        harness.emit([commit(number)]);
        harness.until_input(&Input::Stored(CommitId(number)));
    }
    harness.until_completed();
    assert_eq!(harness.log.count(|input| matches!(input, Input::Stored(_))), 10);
    harness.shut_down();
}

pub fn every_fetch_completes_once_and_sees_earlier_commits(driver: &dyn Driver) {
    let mut harness = Harness::with_scripted_node(driver);
    let message = |number: u8| {
        let key = MessageKey::direct(peer(9), peer(9), MessageId([number; 16]));
        let row = MessageRow {
            key,
            order: EventSeq(u64::from(number)),
            text: format!("message {number}"),
            content_type: ContentType::Plain,
            thread: None,
            reply_to: None,
            ttl: 0,
            sent_at: Wall(0),
            at: Wall(0),
            edited_at: None,
            deleted_at: None,
            hops: 0,
        };
        (
            Query::Messages(vec![key]),
            Output::Commit(CommitId(u64::from(number)), batch(Row::Message(row))),
        )
    };
    for number in 1..=5 {
        let (query, commit) = message(number);
        let first = u64::from(number) * 10;
        let fetches = (first..first + 4).map(|id| Output::Fetch(FetchId(id), query.clone()));
        let command = harness.emit([commit].into_iter().chain(fetches));
        harness.expect_reply(command);
        harness.until_completed();
    }
    let inputs = harness.log.inputs();
    let answers: Vec<_> = inputs
        .iter()
        .filter(|(input, _)| matches!(input, Input::Fetched(..)))
        .collect();
    assert_eq!(answers.len(), 20);
    for (input, _) in answers {
        let Input::Fetched(id, rows) = input else { continue };
        let text = rows.messages.first().map(|found| found.message.text.clone());
        assert_eq!(
            text,
            Some(format!("message {}", id.0 / 10)),
            "the fetch sees the commits before it"
        );
    }
    harness.shut_down();
}

pub fn every_dial_connects_or_closes_once(driver: &dyn Driver) {
    let mut harness = Harness::with_scripted_node(driver);
    let links = [1, 2, 3, 4].map(LinkId::Dialled);
    harness.emit(links.map(|link| Output::Dial(link, peer(9))));
    let dials = [(); 4].map(|()| next_dial(&mut harness));
    let mut accepted = Vec::new();
    for (number, dial) in dials.into_iter().enumerate() {
        assert_eq!(dial.peer, peer(9));
        if number % 2 == 0 {
            accepted.push(dial.accept());
        } else {
            dial.refuse();
        }
    }
    harness.until("every dial has ended", |harness| {
        harness
            .log
            .count(|input| matches!(input, Input::Connected(_) | Input::Closed(..)))
            == 4
    });
    let refused = harness
        .log
        .count(|input| matches!(input, Input::Closed(_, Cause::Unreachable)));
    assert_eq!(refused, 2);
    harness.shut_down();
}

pub fn a_hangup_during_a_dial_closes_the_link(driver: &dyn Driver) {
    let mut harness = Harness::with_scripted_node(driver);
    harness.emit([Output::Dial(LINK, peer(9))]);
    let dial = next_dial(&mut harness);
    harness.emit([Output::Hangup(LINK)]);
    assert_eq!(until_closed(&mut harness, LINK), Cause::HungUp);
    // The dial succeeds too late: the node gets no input about this stream.
    let mut late = dial.accept();
    late.write(b"hello?");
    harness.let_pass(Duration::from_millis(5));
    let done = harness.emit([]);
    harness.expect_reply(done);
    harness.shut_down();
}

pub fn every_transmit_is_drained_or_closed_once(driver: &dyn Driver) {
    let mut harness = Harness::with_scripted_node(driver);
    let mut one = dialled(&mut harness, LINK);
    let (two, mut other) = accepted(&mut harness);
    let drained = |harness: &Harness<'_>, link| harness.log.count(|input| *input == Input::Drained(link));
    for round in 1..=20 {
        harness.emit([
            Output::Transmit(LINK, counted(4 * round)),
            Output::Transmit(two, counted(4 * round)),
        ]);
        harness.until("both are drained", |harness| {
            drained(harness, LINK) == round as usize && drained(harness, two) == round as usize
        });
    }
    let all: Vec<u8> = (1..=20).flat_map(|round| counted(4 * round)).collect();
    harness.until("the bytes are there", |_| {
        one.read().received == all && other.read().received == all
    });

    // PeerStream more than a socket holds, and a peer that goes instead of reading it.
    harness.emit([Output::Transmit(LINK, counted(8 << 20))]);
    harness.until("the driver writes", |harness| {
        harness.log.open().contains("transmitting: true")
    });
    drop(one);
    until_closed(&mut harness, LINK);
    harness.until_completed();
    assert_eq!(drained(&harness, LINK), 20, "no Drained for a stream that has ended");
    harness.shut_down();
}

pub fn bytes_arrive_whole_and_in_order_both_ways(driver: &dyn Driver) {
    let mut harness = Harness::with_scripted_node(driver);
    let mut peer_stream = dialled(&mut harness, LINK);
    let (out, back) = (counted(3 << 20), counted(2 << 20));
    peer_stream.write(&back);
    harness.emit([Output::Transmit(LINK, out.clone())]);
    harness.until("all bytes have arrived", |harness| {
        peer_stream.write(&[]);
        peer_stream.read().received.len() >= out.len()
            && peer_stream.unsent() == 0
            && received(harness, LINK).len() >= back.len()
    });
    assert!(peer_stream.received == out, "what the node wrote");
    assert!(received(&harness, LINK) == back, "what the peer wrote");
    harness.until_input(&Input::Drained(LINK));
    harness.shut_down();
}

pub fn a_hangup_closes_the_link_after_pending_bytes(driver: &dyn Driver) {
    let mut harness = Harness::with_scripted_node(driver);
    let mut peer_stream = dialled(&mut harness, LINK);
    let bytes = counted(1 << 20);
    harness.emit([Output::Transmit(LINK, bytes.clone()), Output::Hangup(LINK)]);
    harness.let_pass(Duration::from_millis(5));
    assert_eq!(closed(&harness, LINK), None, "no bytes of it were read yet");
    harness.until("the stream ends", |_| peer_stream.read().ended);
    assert!(
        peer_stream.received == bytes,
        "{} bytes of {}",
        peer_stream.received.len(),
        bytes.len()
    );
    assert_eq!(until_closed(&mut harness, LINK), Cause::HungUp);
    harness.until_completed();
    harness.shut_down();
}

pub fn closed_is_the_last_input_of_a_link(driver: &dyn Driver) {
    let mut harness = Harness::with_scripted_node(driver);
    for round in 1..=10 {
        let (link, mut peer_stream) = accepted(&mut harness);
        let bytes = counted(1000 * round);
        peer_stream.write(&bytes);
        // Both ends close at once, sometimes while the node writes.
        if round % 2 == 0 {
            harness.emit([Output::Transmit(link, counted(64))]);
        }
        if round % 3 == 0 {
            harness.emit([Output::Hangup(link)]);
        }
        drop(peer_stream);
        until_closed(&mut harness, link);
        if round % 3 != 0 {
            assert!(
                received(&harness, link) == bytes,
                "the bytes of a peer before its end arrive"
            );
        }
    }
    let peer_stream = dialled(&mut harness, OTHER);
    drop(peer_stream);
    assert_eq!(until_closed(&mut harness, OTHER), Cause::Ended);
    harness.until_completed();
    harness.shut_down();
}

pub fn every_output_is_taken_before_the_driver_sleeps(driver: &dyn Driver) {
    let mut harness = Harness::with_scripted_node(driver);
    let commands: Vec<_> = (0..3).map(|_| harness.command(sotto_core::Command::Status)).collect();
    for command in commands {
        assert_eq!(harness.expect_reply(command), Reply::Done);
    }
    // One input with many outputs of every kind, and no later input that would wake the driver again.
    let links: Vec<LinkId> = (1..=8).map(LinkId::Dialled).collect();
    let dials = links.iter().map(|link| Output::Dial(*link, peer(9)));
    let notices = (1..=8).map(|seq| Output::Notify(sotto_core::Notice::Logged(EventSeq(seq))));
    let command = harness.emit(dials.chain(notices));
    harness.expect_reply(command);
    let mut dials = Vec::new();
    harness.until("all dials are made", |harness| {
        dials.extend(std::iter::from_fn(|| harness.network.next_dial()));
        dials.len() == links.len()
    });
    let notice = |seq| sotto_core::Notice::Logged(EventSeq(seq));
    harness.until("every notice is out", |harness| {
        (1..=8).all(|seq| harness.notices.contains(&notice(seq)))
    });
    dials.into_iter().for_each(DialAttempt::refuse);
    harness.until_completed();
    harness.shut_down();
}
