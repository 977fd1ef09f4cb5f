//! Bytes in place of a stored Signal session. Decoding fails in one way only, and a session that decodes is encoded to the same bytes.
//! (libsignal's behaviour with a session that it did not write is not tested: SQLCipher authenticates rows.)

use sotto_core::{Ratchet, Signal, SignalSession};

use crate::input::Input;
use crate::signal::Friendship;

thread_local! {
    static ROWS: Vec<Vec<u8>> = rows();
}

/// Sessions at four moments.
fn rows() -> Vec<Vec<u8>> {
    let mut friends = Friendship::new();
    let [a, b] = [friends.opener.address, friends.offerer.address];
    let mut opener = friends.session.clone();
    let mut rows = vec![encode(&opener)];
    let opening = friends.opener.seal(&b, &mut opener, b"one");
    let mut offerer = friends.accept(&opening).session;
    rows.push(encode(&offerer));
    let answer = friends.offerer.seal(&a, &mut offerer, b"two");
    friends.opener.open(&b, &mut opener, &answer);
    rows.extend([encode(&opener), encode(&offerer)]);
    rows
}

fn encode(session: &SignalSession) -> Vec<u8> {
    Signal::encode(session).to_vec()
}

pub(crate) fn run(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    ROWS.with(|rows| {
        let row = &rows[input.number() % rows.len()];
        if input.even() {
            return check(input.rest());
        }
        let mut row = row.clone();
        while !input.is_empty() {
            let place = input.long() % row.len().max(1);
            if let Some(byte) = row.get_mut(place) {
                *byte ^= input.byte();
            }
            if input.byte() == 0xff {
                row.truncate(place);
            }
        }
        check(&row);
    });
}

fn check(row: &[u8]) {
    let Ok(session) = Signal::decode(row) else { return };
    let written = encode(&session);
    let again = Signal::decode(&written).expect("what is written is read");
    assert_eq!(encode(&again), written);
}

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let rows = rows();
    let whole = rows.iter().map(|row| [&[0, 0][..], row].concat());
    let altered = (0..4).flat_map(|row| [vec![row, 1], vec![row, 1, 0, 99, 1, 0], vec![row, 1, 0, 200, 4, 0xff]]);
    whole.chain(altered).collect()
}
