//! Node to node in memory, with acknowledgements and Noise, without files.

use std::collections::HashMap;
use std::convert::Infallible;
use std::time::{Duration, Instant};

use sotto_core::row::{
    Batch, Change, DeliveryState, Image, MessageKey, MessageRow, MessageWithDelivery, Query, Row, RowStore, Rows,
};
use sotto_core::{Command, Limits, NewMessage, OnionAddress, Reply};
use sotto_testkit::pair::{A, B, Pair};

use crate::compare;
use crate::libsignal::Parties;

/// A store that keeps what can be read back: the messages of ours that are not delivered yet. It is to cost little, since it is the
/// node that is measured.
#[derive(Default)]
struct Waiting(HashMap<MessageKey, MessageRow>);

impl RowStore for Waiting {
    type Error = Infallible;

    fn image(&mut self) -> Result<Image, Infallible> {
        Ok(Image::default())
    }

    fn commit(&mut self, batch: &Batch) -> Result<(), Infallible> {
        for change in &batch.changes {
            match change {
                Change::Insert(Row::Message(row)) if !row.key.is_from_peer() => {
                    self.0.insert(row.key, row.clone());
                }
                Change::Put(Row::Delivery(row)) if row.state == DeliveryState::Delivered => {
                    self.0.remove(&row.key);
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn fetch(&mut self, query: &Query) -> Result<Rows, Infallible> {
        let Query::Messages(keys) = query else {
            return Ok(Rows::default());
        };
        let found = keys.iter().filter_map(|key| self.0.get(key));
        let messages = found.map(|message| MessageWithDelivery {
            message: message.clone(),
            delivery: None,
        });
        Ok(Rows {
            messages: messages.collect(),
            ..Rows::default()
        })
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

/// Distinct texts of 200 bytes.
pub fn texts(count: usize) -> Vec<Vec<u8>> {
    (0..count).map(|number| format!("{number:<200}").into_bytes()).collect()
}

pub fn new_message(contact: OnionAddress, text: &[u8]) -> NewMessage {
    NewMessage::plain(contact, String::from_utf8_lossy(text).into_owned())
}

/// Two friends that have both sent a message.
pub fn friends<S: RowStore>(stores: [S; 2]) -> Pair<S> {
    let mut pair = Pair::new(stores, 1, &Limits::default());
    pair.befriend();
    for side in [A, B] {
        let to = pair.sides[1 - side].address;
        pair.command(side, Command::Send(new_message(to, b"hello")))
            .expect("sent");
    }
    pair
}

/// Time until every message is acknowledged. A sends them in bursts, as fast as they can be queued.
pub fn send_all<S: RowStore>(pair: &mut Pair<S>, texts: &[Vec<u8>], burst: usize) -> Duration {
    let to = pair.sides[B].address;
    let start = Instant::now();
    for texts in texts.chunks(burst) {
        for text in texts {
            pair.submit(A, Command::Send(new_message(to, text)));
        }
        pair.run();
        forget_answers(pair);
    }
    let took = start.elapsed();
    match pair.command(A, Command::Status) {
        Ok(Reply::Status(status)) => assert_eq!(status.queued, 0, "everything is acknowledged"),
        other => panic!("no status: {other:?}"),
    }
    took
}

/// The hosts keep replies and notices for tests.
fn forget_answers<S: RowStore>(pair: &mut Pair<S>) {
    pair.sides.iter_mut().for_each(|side| {
        side.replies.clear();
        side.notices.clear();
    });
}

pub fn one_way() {
    let texts = texts(4096);
    let mut pair = friends([Waiting::default(), Waiting::default()]);
    let mut parties = Parties::new();
    compare(
        "one_way",
        4096,
        || send_all(&mut pair, &texts, 256),
        || parties.one_way(&texts),
    );
}

pub fn ping_pong() {
    let texts = texts(512);
    let mut pair = friends([Waiting::default(), Waiting::default()]);
    let mut parties = Parties::new();
    let ours = || {
        let addresses = [pair.sides[A].address, pair.sides[B].address];
        forget_answers(&mut pair);
        let start = Instant::now();
        for (at, text) in texts.iter().enumerate() {
            let from = at % 2;
            pair.submit(from, Command::Send(new_message(addresses[1 - from], text)));
            pair.run();
        }
        start.elapsed()
    };
    compare("ping_pong", 512, ours, || parties.ping_pong(&texts));
}
