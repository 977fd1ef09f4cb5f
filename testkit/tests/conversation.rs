//! Conversations of two nodes in one process: every feature of one-to-one messaging without faults.

use std::convert::Infallible;

use sotto_core::row::{
    Batch, Change, DeliveryState, Event, Image, Key, MessageKey, Query, Row, RowStore, Rows, Verification,
};
use sotto_core::{Command, Limits, MessageId, Millis, NewMessage, OnionAddress, Refusal, Reply, Status, Wall};
use sotto_testkit::memory_store::MemoryStore;
use sotto_testkit::pair::{A, B, Pair};
use sotto_testkit::transparent::Transparent;

fn friends() -> Pair<MemoryStore> {
    let mut pair = Pair::new([MemoryStore::default(), MemoryStore::default()], 1, &Limits::default());
    pair.befriend();
    pair
}

fn new_message(contact: OnionAddress, text: &str) -> NewMessage {
    NewMessage::plain(contact, text)
}

fn send(pair: &mut Pair<MemoryStore>, from: usize, new_message: NewMessage) -> MessageId {
    match pair.command(from, Command::Send(new_message)) {
        Ok(Reply::Message { id, .. }) => id,
        other => panic!("not sent: {other:?}"),
    }
}

fn state(pair: &Pair<MemoryStore>, side: usize, id: MessageId) -> Option<DeliveryState> {
    let key = MessageKey::direct(pair.sides[1 - side].address, pair.sides[side].address, id);
    match pair.sides[side].store.row(&Key::Delivery(key)) {
        Some(Row::Delivery(row)) => Some(row.state),
        _ => None,
    }
}

#[test]
fn a_message_is_delivered_and_read() {
    let mut pair = friends();
    let [a, b] = [pair.sides[A].address, pair.sides[B].address];
    let id = send(&mut pair, A, new_message(b, "hello"));
    assert_eq!(pair.received_texts(B), ["hello"]);
    assert_eq!(state(&pair, A, id), Some(DeliveryState::Delivered));
    pair.command(
        B,
        Command::MarkRead {
            conversation: a.into(),
            author: a,
            ids: vec![id],
            receipt: true,
        },
    )
    .unwrap();
    assert_eq!(state(&pair, A, id), Some(DeliveryState::Read));
    send(&mut pair, B, new_message(a, "hello yourself"));
    assert_eq!(pair.received_texts(A), ["hello yourself"]);
}

/// A store that keeps the batches as well, and how many messages each query asked for.
#[derive(Default)]
struct Recorded {
    disk: MemoryStore,
    batches: Vec<Batch>,
    fetched: Vec<usize>,
}

impl RowStore for Recorded {
    type Error = Infallible;

    fn image(&mut self) -> Result<Image, Infallible> {
        Ok(self.disk.image())
    }

    fn commit(&mut self, batch: &Batch) -> Result<(), Infallible> {
        self.batches.push(batch.clone());
        self.disk.commit(batch)
    }

    fn fetch(&mut self, query: &Query) -> Result<Rows, Infallible> {
        if let Query::Messages(keys) = query {
            self.fetched.push(keys.len());
        }
        Ok(self.disk.fetch(query))
    }

    fn reopen(&mut self) -> Result<(), Infallible> {
        Ok(())
    }

    fn close(self) -> Result<(), Infallible> {
        Ok(())
    }

    fn is_transient(error: &Infallible) -> bool {
        match *error {}
    }
}

#[test]
fn what_an_acknowledgement_makes_room_for_is_in_the_same_commit() {
    let mut pair = Pair::new([Recorded::default(), Recorded::default()], 1, &Limits::default());
    pair.befriend();
    pair.sides[A].store.batches.clear();
    let b = pair.sides[B].address;
    for n in 0..200 {
        pair.submit(A, Command::Send(new_message(b, &format!("message {n}"))));
    }
    pair.run();
    let acknowledging = pair.sides[A].store.batches.iter().filter(|batch| {
        let deletes = |change: &Change| matches!(change, Change::Delete(Key::Outbox(..)));
        batch.changes.iter().any(deletes)
    });
    let sealed: Vec<usize> = acknowledging
        .map(|batch| {
            let seals = |change: &&Change| matches!(change, Change::Put(Row::Outbox(row)) if row.sealed.is_some());
            batch.changes.iter().filter(seals).count()
        })
        .collect();
    assert_eq!(sealed, [32, 32, 32, 32, 32, 8, 0], "the window has 32");
    assert_eq!(pair.sides[A].store.disk.waiting(b), 0);
    assert!(pair.sides[A].store.fetched.is_empty(), "what waits is still in memory");
}

/// 128 KiB of contents are kept until they are sealed. The others are fetched, a window at a time.
#[test]
fn contents_that_are_too_many_to_keep_in_memory_are_fetched_a_window_at_a_time() {
    let limits = Limits {
        window: 2,
        ..Limits::default()
    };
    let mut pair = Pair::new([Recorded::default(), Recorded::default()], 1, &limits);
    pair.befriend();
    let b = pair.sides[B].address;
    let texts: Vec<String> = (0..20).map(|n| format!("{n:<20000}")).collect();
    for text in &texts {
        pair.submit(A, Command::Send(new_message(b, text)));
    }
    pair.run();
    let fetched = &pair.sides[A].store.fetched;
    assert_eq!(
        fetched.iter().sum::<usize>(),
        20 - 2 - 6,
        "two are sealed at once, six have room"
    );
    assert!(fetched.iter().all(|asked| *asked <= 2), "{fetched:?}");
    let a = pair.sides[A].address;
    let received = pair.sides[B].store.disk.conversation(a);
    assert!(
        received.iter().map(|row| &row.text).eq(&texts),
        "all have arrived, in order"
    );
}

/// An edit, a reaction and a deletion need a row that is not in memory. They wait for it as they are, decrypted.
#[test]
fn no_content_is_decrypted_twice_when_a_row_must_be_fetched() {
    let stores = [Recorded::default(), Recorded::default()];
    let mut pair = Pair::<Recorded, Transparent>::over(stores, 1, &Limits::default());
    pair.befriend();
    let [a, b] = [pair.sides[A].address, pair.sides[B].address];
    let conversation = b.into();
    let Ok(Reply::Message { id, .. }) = pair.command(A, Command::Send(new_message(b, "first"))) else {
        panic!("not sent");
    };
    let before = (Transparent::decrypted(), pair.sides[B].store.fetched.len());
    let text = String::from("second");
    pair.submit(A, Command::EditMessage { conversation, id, text });
    pair.submit(
        A,
        Command::React {
            message: MessageKey::direct(b, a, id),
            emoji: Some(String::from("+")),
        },
    );
    pair.submit(A, Command::DeleteMessage { conversation, id });
    pair.submit(A, Command::Send(new_message(b, "third")));
    pair.run();
    assert_eq!(pair.sides[B].store.disk.waiting(a), 0);
    assert_eq!(pair.sides[A].store.disk.waiting(b), 0, "B has all four");
    assert!(pair.sides[B].store.fetched.len() > before.1, "rows were fetched");
    assert_eq!(Transparent::decrypted() - before.0, 4);
}

#[test]
fn five_hundred_messages_arrive_in_order_after_an_absence() {
    let mut pair = friends();
    let b = pair.sides[B].address;
    pair.reachable = false;
    pair.cut();
    let expected: Vec<String> = (0..500).map(|n| format!("message {n}")).collect();
    for text in &expected {
        send(&mut pair, A, new_message(b, text));
    }
    assert!(pair.received_texts(B).is_empty());
    pair.reachable = true;
    pair.pass(Millis::minutes(15));
    assert_eq!(pair.received_texts(B), expected);
}

#[test]
fn a_session_that_is_lost_is_replaced() {
    for side in [A, B] {
        let mut pair = friends();
        let [a, b] = [pair.sides[A].address, pair.sides[B].address];
        send(&mut pair, A, new_message(b, "before"));
        let other = [b, a][side];
        pair.sides[side].store.lose(|row| row.key() == Key::Session(other));
        pair.reopen(side, 77, &Limits::default());
        send(&mut pair, A, new_message(b, "one"));
        send(&mut pair, B, new_message(a, "two"));
        pair.pass(Millis::minutes(1));
        assert_eq!(pair.received_texts(B), ["before", "one"]);
        assert_eq!(pair.received_texts(A), ["two"]);
    }
}

#[test]
fn an_old_store_neither_loses_nor_doubles() {
    for side in [A, B] {
        let mut pair = friends();
        let [a, b] = [pair.sides[A].address, pair.sides[B].address];
        send(&mut pair, A, new_message(b, "first"));
        pair.cut();
        pair.reachable = false;
        send(&mut pair, A, new_message(b, "waits in the snapshot"));
        let old = pair.sides[side].store.clone();
        pair.reachable = true;
        pair.pass(Millis::minutes(15));
        send(&mut pair, B, new_message(a, "answer"));
        assert_eq!(pair.received_texts(B), ["first", "waits in the snapshot"]);
        pair.sides[side].store = old;
        pair.reopen(side, 88, &Limits::default());
        send(&mut pair, A, new_message(b, "after"));
        send(&mut pair, B, new_message(a, "after, too"));
        pair.pass(Millis::minutes(15));
        match side {
            A => assert_eq!(pair.received_texts(B), ["first", "waits in the snapshot", "after"]),
            _ => assert_eq!(
                pair.received_texts(B),
                ["first", "after"],
                "what its own store forgot is gone"
            ),
        }
        assert_eq!(pair.received_texts(A).last(), Some(&"after, too"));
    }
}

#[test]
fn another_identity_key_takes_the_verified_mark_away_and_warns() {
    for side in [A, B] {
        let other = 1 - side;
        let mut pair = friends();
        let addresses = [pair.sides[A].address, pair.sides[B].address];
        let number = |pair: &mut Pair<MemoryStore>| match pair.command(other, Command::SafetyNumber(addresses[side])) {
            Ok(Reply::SafetyNumber(number)) => number.digits,
            other => panic!("no safety number: {other:?}"),
        };
        let compared = number(&mut pair);
        let verify = |number: &str| Command::VerifyContact(addresses[side], Some(number.to_owned()));
        pair.command(other, verify("1".repeat(60).as_str()))
            .expect_err("another number");
        pair.command(other, verify(&compared)).unwrap();
        assert!(verified(&pair, other));

        pair.change_identity(side, &Limits::default());
        pair.pass(Millis::minutes(1));

        assert!(!verified(&pair, other), "the new key is not verified");
        let contact = addresses[side];
        let warnings = [
            Event::ContactRekeyed {
                contact,
                identity_changed: true,
            },
            Event::ContactVerified {
                contact,
                verified: false,
            },
        ];
        for warning in warnings {
            assert!(
                pair.sides[other].store.events().any(|event| *event == warning),
                "{warning:?}"
            );
        }
        assert_ne!(number(&mut pair), compared);
        if side == B {
            let refused = pair.command(other, Command::Send(new_message(contact, "who is it now?")));
            assert_eq!(refused, Err(Refusal::UntrustedKey(contact)));
            let current = number(&mut pair);
            pair.command(other, Command::AcceptIdentityKey(contact, current))
                .unwrap();
        }
        send(&mut pair, A, new_message(addresses[B], "who is it now?"));
        assert_eq!(pair.received_texts(B), ["who is it now?"]);
    }
}

#[test]
fn what_is_erased_here_is_gone_here_alone_and_what_waits_of_it_is_not_sent() {
    let mut pair = friends();
    let [a, b] = [pair.sides[A].address, pair.sides[B].address];
    let id = send(&mut pair, A, new_message(b, "erase this there"));
    let kept = send(&mut pair, A, new_message(b, "keep this"));
    let erase = |conversation: OnionAddress, messages: Vec<_>| Command::EraseMessages {
        conversation: conversation.into(),
        messages,
    };
    pair.command(B, erase(a, vec![(a, id), (a, MessageId([9; 16]))]))
        .unwrap();
    assert!(!pair.sides[B].store.holds_text("erase this there"));
    assert_eq!(pair.received_texts(B), ["keep this"]);
    assert!(
        pair.sides[A].store.holds_text("erase this there"),
        "the author is not told"
    );

    pair.cut();
    pair.reachable = false;
    let waits = send(&mut pair, A, new_message(b, "never sent"));
    pair.command(A, erase(b, vec![(a, waits), (a, kept)])).unwrap();
    assert!(!pair.sides[A].store.holds_text("never sent") && !pair.sides[A].store.holds_text("keep this"));
    pair.reachable = true;
    pair.pass(Millis::hours(1));
    assert_eq!(pair.received_texts(B), ["keep this"]);
    let gone = |key| Event::MessageDisappeared { key };
    let key = MessageKey::direct(a, a, id);
    assert!(pair.sides[B].store.events().any(|event| *event == gone(key)));
}

fn verified(pair: &Pair<MemoryStore>, side: usize) -> bool {
    match pair.sides[side].store.row(&Key::Contact(pair.sides[1 - side].address)) {
        Some(Row::Contact(row)) => row.verification == Verification::Verified,
        _ => panic!("they are friends"),
    }
}

#[test]
fn the_tightest_timer_holds_and_each_clock_starts_where_it_should() {
    let mut pair = friends();
    let [a, b] = [pair.sides[A].address, pair.sides[B].address];
    pair.command(A, Command::SetTimer(b.into(), 600)).unwrap();
    pair.command(B, Command::SetTimer(a.into(), 60)).unwrap();
    let id = send(
        &mut pair,
        A,
        NewMessage {
            ttl: Some(3600),
            ..new_message(b, "burn this")
        },
    );
    assert!(pair.sides[A].store.holds_text("burn this") && pair.sides[B].store.holds_text("burn this"));
    pair.pass(Millis::seconds(61));
    assert!(
        !pair.sides[A].store.holds_text("burn this"),
        "the sender's clock has run since it was sent"
    );
    assert!(pair.sides[B].store.holds_text("burn this"), "the text is not read yet");
    pair.command(
        B,
        Command::MarkRead {
            conversation: a.into(),
            author: a,
            ids: vec![id],
            receipt: true,
        },
    )
    .unwrap();
    pair.pass(Millis::seconds(59));
    assert!(pair.sides[B].store.holds_text("burn this"));
    pair.pass(Millis::seconds(2));
    assert!(
        !pair.sides[B].store.holds_text("burn this"),
        "the reader's clock has run since it was read"
    );
}

fn timers(pair: &mut Pair<MemoryStore>, side: usize) -> [u32; 2] {
    let [own, other] = [side, 1 - side].map(|side| pair.sides[side].address);
    [own, other].map(
        |author| match pair.sides[side].store.row(&Key::Timer(other.into(), author)) {
            Some(Row::Timer(row)) => row.seconds,
            _ => 0,
        },
    )
}

#[test]
fn the_default_timer_is_that_of_every_conversation_that_begins_and_of_those_that_followed_the_old_one() {
    let mut pair = Pair::new([MemoryStore::default(), MemoryStore::default()], 1, &Limits::default());
    let [a, b] = [pair.sides[A].address, pair.sides[B].address];
    let default = |seconds| Command::DefaultTimer(Some(seconds));
    assert_eq!(pair.command(A, Command::DefaultTimer(None)), Ok(Reply::DefaultTimer(0)));
    // The requester, and the node that accepts.
    pair.command(A, default(600)).unwrap();
    pair.command(B, default(900)).unwrap();
    pair.befriend();
    assert_eq!((timers(&mut pair, A), timers(&mut pair, B)), ([600, 900], [900, 600]));
    send(&mut pair, A, new_message(b, "burn this"));
    pair.pass(Millis::seconds(601));
    assert!(!pair.sides[A].store.holds_text("burn this"));

    pair.command(A, default(300)).unwrap();
    assert_eq!((timers(&mut pair, A), timers(&mut pair, B)), ([300, 900], [900, 300]));
    pair.command(A, Command::SetTimer(b.into(), 60)).unwrap();
    pair.command(A, default(0)).unwrap();
    assert_eq!(timers(&mut pair, A), [60, 900], "it has a timer of its own");
    pair.command(A, default(7200)).unwrap();
    pair.command(B, Command::SetTimer(a.into(), 0)).unwrap();
    let too_long = pair.command(B, default(u32::MAX));
    assert!(matches!(too_long, Err(Refusal::OutOfRange { .. })), "{too_long:?}");
    for side in [A, B] {
        pair.reopen(side, 9, &Limits::default());
    }
    assert_eq!(
        pair.command(A, Command::DefaultTimer(None)),
        Ok(Reply::DefaultTimer(7200))
    );
    assert_eq!(
        pair.command(B, Command::DefaultTimer(None)),
        Ok(Reply::DefaultTimer(900))
    );
    assert_eq!((timers(&mut pair, A), timers(&mut pair, B)), ([60, 0], [0, 60]));
}

#[test]
fn on_another_network_dead_links_are_found_and_waits_are_cut_short() {
    let seconds_until_delivered = |network_changed: bool| {
        let mut pair = friends();
        let b = pair.sides[B].address;
        pair.silence();
        pair.reachable = false;
        send(&mut pair, A, new_message(b, "are you there?"));
        // Longer than the longest wait between dials.
        pair.pass(Millis::hours(3));
        pair.reachable = true;
        if network_changed {
            pair.command(A, Command::NetworkChanged).expect("done");
        }
        let mut seconds = 0;
        while pair.received_texts(B).is_empty() {
            pair.pass(Millis::seconds(1));
            seconds += 1;
        }
        seconds
    };
    assert!(seconds_until_delivered(false) > 1, "they wait");
    assert!(seconds_until_delivered(true) <= 1, "they are dialled at once");

    let seconds_until_found_dead = |network_changed: bool| {
        let mut pair = friends();
        let b = pair.sides[B].address;
        send(&mut pair, A, new_message(b, "one"));
        pair.silence();
        if network_changed {
            pair.command(A, Command::NetworkChanged).expect("done");
        }
        send(&mut pair, A, new_message(b, "two"));
        let mut seconds = 0;
        while pair.received_texts(B).len() < 2 {
            pair.pass(Millis::seconds(1));
            seconds += 1;
        }
        seconds
    };
    assert!((170..=200).contains(&seconds_until_found_dead(false)));
    assert!((50..=65).contains(&seconds_until_found_dead(true)));
}

/// B has read a text of A that lives for a day, and its node starts again with a clock that is 40 days ahead.
fn clock_far_ahead() -> Pair<MemoryStore> {
    let mut pair = friends();
    let (a, b) = (pair.sides[A].address, pair.sides[B].address);
    let mut new_message = new_message(b, "for a day");
    new_message.ttl = Some(24 * 3600);
    let id = send(&mut pair, A, new_message);
    let read = Command::MarkRead {
        conversation: a.into(),
        author: a,
        ids: vec![id],
        receipt: false,
    };
    pair.command(B, read).expect("read");
    pair.now.wall = pair.now.wall.after(DAYS_AHEAD);
    pair.reopen(B, 7, &Limits::default());
    pair
}

const DAYS_AHEAD: Millis = Millis::hours(40 * 24);

#[test]
fn a_clock_far_ahead_ends_no_running_timer_until_it_is_believed() {
    let mut pair = clock_far_ahead();
    pair.pass(Millis::minutes(30));
    assert_eq!(pair.received_texts(B), ["for a day"], "half an hour ahead");
    // A new start learns nothing from what was stored under the doubted clock.
    pair.reopen(B, 8, &Limits::default());
    pair.pass(Millis::minutes(30));
    assert_eq!(pair.received_texts(B), ["for a day"], "after a second start");
    assert!(status_of(&mut pair, B).clock_doubted);
    // It is set right, and the day is counted as it should.
    pair.now.wall = Wall(pair.now.wall.0 - DAYS_AHEAD.0);
    pair.pass(Millis::hours(22));
    assert_eq!(pair.received_texts(B), ["for a day"]);
    assert!(!status_of(&mut pair, B).clock_doubted);
    pair.pass(Millis::hours(2));
    assert!(pair.received_texts(B).is_empty());
}

#[test]
fn a_clock_that_is_confirmed_or_says_the_same_for_an_hour_ends_timers() {
    let mut pair = clock_far_ahead();
    assert_eq!(pair.command(B, Command::ConfirmClock), Ok(Reply::Done));
    pair.pass(Millis::seconds(1));
    assert!(pair.received_texts(B).is_empty());

    let mut pair = clock_far_ahead();
    // A timer that begins under the clock in doubt ends by it.
    let (a, b) = (pair.sides[A].address, pair.sides[B].address);
    let mut new_message = new_message(b, "for a minute");
    new_message.ttl = Some(60);
    pair.pass(Millis::minutes(1));
    let id = send(&mut pair, A, new_message);
    let (author, ids) = (a, vec![id]);
    let conversation = a.into();
    let read = Command::MarkRead {
        conversation,
        author,
        ids,
        receipt: false,
    };
    pair.command(B, read).expect("read");
    pair.pass(Millis::minutes(2));
    assert_eq!(pair.received_texts(B), ["for a day"]);
    pair.pass(Millis::hours(1));
    assert!(pair.received_texts(B).is_empty());
}

fn status_of(pair: &mut Pair<MemoryStore>, side: usize) -> Status {
    match pair.command(side, Command::Status) {
        Ok(Reply::Status(status)) => status,
        other => panic!("no status: {other:?}"),
    }
}
