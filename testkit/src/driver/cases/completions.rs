//! Every output that starts work has exactly one completion, and `Closed` is a link's last word.

use std::time::Duration;

use sotto_core::row::{ConsumerRow, ContentType, MessageKey, MessageRow, Query, Row};
use sotto_core::{
    Cause, CommitId, EventSeq, FetchId, Input, LinkId, MessageId, OnionAddress, OnionSecret, Output, Reply, Wall,
};

use crate::driver::stage::{Stage, batch};
use crate::driver::{Driver, Far, Ring};

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

/// Bytes in which a lost, doubled or moved piece shows.
pub fn counted(length: u32) -> Vec<u8> {
    (0..length / 4).flat_map(u32::to_le_bytes).collect()
}

/// A stream that the node has dialled.
pub fn dialled(stage: &mut Stage<'_>, link: LinkId) -> Far {
    stage.want([Output::Dial(link, peer(9))]);
    let far = called(stage).answer();
    stage.until_told(&Input::Connected(link));
    far
}

/// A stream on which a peer has come.
pub fn accepted(stage: &mut Stage<'_>) -> (LinkId, Far) {
    let is_accepted = |input: &Input| matches!(input, Input::Accepted(_));
    let before = stage.book.count(is_accepted);
    let far = stage.network.connect();
    stage.until("a peer is let in", |stage| stage.book.count(is_accepted) > before);
    let told = stage.book.told();
    let newest = told.iter().rev().find_map(|(input, _)| match input {
        Input::Accepted(id) => Some(*id),
        _ => None,
    });
    (newest.expect("let in"), far)
}

fn called(stage: &mut Stage<'_>) -> Ring {
    let mut call = None;
    stage.until("it dials", |stage| {
        call = stage.network.call();
        call.is_some()
    });
    call.expect("it dials")
}

pub fn received(stage: &Stage<'_>, link: LinkId) -> Vec<u8> {
    let of_link = |(input, _)| match input {
        Input::Received(id, bytes) if id == link => Some(bytes),
        _ => None,
    };
    stage.book.told().into_iter().filter_map(of_link).flatten().collect()
}

fn closed(stage: &Stage<'_>, link: LinkId) -> Option<Cause> {
    stage.book.told().into_iter().find_map(|(input, _)| match input {
        Input::Closed(id, cause) if id == link => Some(cause),
        _ => None,
    })
}

fn until_closed(stage: &mut Stage<'_>, link: LinkId) -> Cause {
    stage.until("the link is closed", |stage| closed(stage, link).is_some());
    closed(stage, link).expect("closed")
}

pub fn every_commit_is_stored_once(driver: &dyn Driver) {
    let mut stage = Stage::with_puppet(driver);
    for number in 1..=10 {
        stage.want([commit(number)]);
        stage.until_told(&Input::Stored(CommitId(number)));
    }
    stage.until_done();
    assert_eq!(stage.book.count(|input| matches!(input, Input::Stored(_))), 10);
    stage.shut_down();
}

pub fn every_fetch_is_answered_once_and_sees_the_commits_before_it(driver: &dyn Driver) {
    let mut stage = Stage::with_puppet(driver);
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
        let ask = stage.want([commit].into_iter().chain(fetches));
        stage.answered(ask);
        stage.until_done();
    }
    let told = stage.book.told();
    let answers: Vec<_> = told
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
            "what was committed before is seen"
        );
    }
    stage.shut_down();
}

pub fn every_dial_connects_or_closes_once(driver: &dyn Driver) {
    let mut stage = Stage::with_puppet(driver);
    let links = [1, 2, 3, 4].map(LinkId::Dialled);
    stage.want(links.map(|link| Output::Dial(link, peer(9))));
    let calls = [(); 4].map(|()| called(&mut stage));
    let mut answered = Vec::new();
    for (number, call) in calls.into_iter().enumerate() {
        assert_eq!(call.peer, peer(9));
        if number % 2 == 0 {
            answered.push(call.answer());
        } else {
            call.refuse();
        }
    }
    stage.until("every dial has ended", |stage| {
        stage
            .book
            .count(|input| matches!(input, Input::Connected(_) | Input::Closed(..)))
            == 4
    });
    let refused = stage
        .book
        .count(|input| matches!(input, Input::Closed(_, Cause::Unreachable)));
    assert_eq!(refused, 2);
    stage.shut_down();
}

pub fn a_link_that_is_hung_up_while_it_is_dialled_is_closed(driver: &dyn Driver) {
    let mut stage = Stage::with_puppet(driver);
    stage.want([Output::Dial(LINK, peer(9))]);
    let call = called(&mut stage);
    stage.want([Output::Hangup(LINK)]);
    assert_eq!(until_closed(&mut stage, LINK), Cause::HungUp);
    // Too late; whatever becomes of this stream, the node hears nothing of it.
    let mut late = call.answer();
    late.say(b"hello?");
    stage.pause(Duration::from_millis(5));
    let done = stage.want([]);
    stage.answered(done);
    stage.shut_down();
}

pub fn every_transmit_is_drained_or_closed_once(driver: &dyn Driver) {
    let mut stage = Stage::with_puppet(driver);
    let mut one = dialled(&mut stage, LINK);
    let (two, mut other) = accepted(&mut stage);
    let drained = |stage: &Stage<'_>, link| stage.book.count(|input| *input == Input::Drained(link));
    for round in 1..=20 {
        stage.want([
            Output::Transmit(LINK, counted(4 * round)),
            Output::Transmit(two, counted(4 * round)),
        ]);
        stage.until("both are drained", |stage| {
            drained(stage, LINK) == round as usize && drained(stage, two) == round as usize
        });
    }
    let all: Vec<u8> = (1..=20).flat_map(|round| counted(4 * round)).collect();
    stage.until("the bytes are there", |_| {
        one.listen().heard == all && other.listen().heard == all
    });

    // Far more than a socket holds, and a peer that goes instead of reading it.
    stage.want([Output::Transmit(LINK, counted(8 << 20))]);
    stage.until("it writes", |stage| stage.book.open().contains("transmitting: true"));
    drop(one);
    until_closed(&mut stage, LINK);
    stage.until_done();
    assert_eq!(drained(&stage, LINK), 20, "a peer that is gone has not taken it");
    stage.shut_down();
}

pub fn bytes_arrive_whole_and_in_order_both_ways(driver: &dyn Driver) {
    let mut stage = Stage::with_puppet(driver);
    let mut far = dialled(&mut stage, LINK);
    let (out, back) = (counted(3 << 20), counted(2 << 20));
    far.say(&back);
    stage.want([Output::Transmit(LINK, out.clone())]);
    stage.until("all of it has crossed", |stage| {
        far.say(&[]);
        far.listen().heard.len() >= out.len() && far.unsaid() == 0 && received(stage, LINK).len() >= back.len()
    });
    assert!(far.heard == out, "what the node wrote");
    assert!(received(&stage, LINK) == back, "what the peer wrote");
    stage.until_told(&Input::Drained(LINK));
    stage.shut_down();
}

pub fn a_hangup_closes_the_link_after_its_last_words(driver: &dyn Driver) {
    let mut stage = Stage::with_puppet(driver);
    let mut far = dialled(&mut stage, LINK);
    let words = counted(1 << 20);
    stage.want([Output::Transmit(LINK, words.clone()), Output::Hangup(LINK)]);
    stage.pause(Duration::from_millis(5));
    assert_eq!(closed(&stage, LINK), None, "no bytes of it were read yet");
    stage.until("the stream ends", |_| far.listen().ended);
    assert!(far.heard == words, "{} bytes of {}", far.heard.len(), words.len());
    assert_eq!(until_closed(&mut stage, LINK), Cause::HungUp);
    stage.until_done();
    stage.shut_down();
}

pub fn closed_is_the_last_word_on_a_link(driver: &dyn Driver) {
    let mut stage = Stage::with_puppet(driver);
    for round in 1..=10 {
        let (link, mut far) = accepted(&mut stage);
        let words = counted(1000 * round);
        far.say(&words);
        // Both ends at once, sometimes while the node is writing.
        if round % 2 == 0 {
            stage.want([Output::Transmit(link, counted(64))]);
        }
        if round % 3 == 0 {
            stage.want([Output::Hangup(link)]);
        }
        drop(far);
        until_closed(&mut stage, link);
        if round % 3 != 0 {
            assert!(
                received(&stage, link) == words,
                "what a peer says before it goes is heard"
            );
        }
    }
    let far = dialled(&mut stage, OTHER);
    drop(far);
    assert_eq!(until_closed(&mut stage, OTHER), Cause::Ended);
    stage.until_done();
    stage.shut_down();
}

pub fn everything_wanted_is_done_before_it_sleeps(driver: &dyn Driver) {
    let mut stage = Stage::with_puppet(driver);
    let asks: Vec<_> = (0..3).map(|_| stage.ask(sotto_core::Command::Status)).collect();
    for ask in asks {
        assert_eq!(stage.answered(ask), Reply::Done);
    }
    // One input, many outputs of every kind; nothing else happens meanwhile that could wake the driver again.
    let links: Vec<LinkId> = (1..=8).map(LinkId::Dialled).collect();
    let dials = links.iter().map(|link| Output::Dial(*link, peer(9)));
    let notices = (1..=8).map(|seq| Output::Notify(sotto_core::Notice::Logged(EventSeq(seq))));
    let ask = stage.want(dials.chain(notices));
    stage.answered(ask);
    let mut calls = Vec::new();
    stage.until("all dials are made", |stage| {
        calls.extend(std::iter::from_fn(|| stage.network.call()));
        calls.len() == links.len()
    });
    let heard = |seq| sotto_core::Notice::Logged(EventSeq(seq));
    stage.until("all notices are out", |stage| {
        (1..=8).all(|seq| stage.notices.contains(&heard(seq)))
    });
    calls.into_iter().for_each(Ring::refuse);
    stage.until_done();
    stage.shut_down();
}
