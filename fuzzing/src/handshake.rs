//! An attacker between a dialer and a listener: bytes come in pieces, changed, repeated, dropped or made up. As long as the received
//! bytes are the sent ones, both sides authenticate each other and every frame arrives. From the first changed byte on, no frame
//! arrives that was not sent, and no side authenticates as another.

use sotto_core::Limits;
use sotto_core::OnionAddress;
use sotto_core::link::{Link, LinkEvent, LinkFault};
use sotto_core::wire::link::{Ack, Ciphertext, Frame, Heartbeat, frame::Body};
use sotto_testkit::vectors::handshake::{core_dialer, core_listener};
use sotto_testkit::vectors::{ALICE, BOB};

use crate::input::Input;

/// Bytes of the handshake that go from dialer to listener, and from listener to dialer.
const HANDSHAKE: [usize; 2] = [50 + 162, 50];

pub(crate) fn run(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let mut ends = [
        End::new(core_dialer(), BOB.secret().address()),
        End::new(core_listener(), ALICE.secret().address()),
    ];
    while !input.is_empty() {
        let action = input.byte();
        let (from, to) = split(&mut ends, usize::from(action >> 7));
        from.write();
        match action & 0x7f {
            0..8 => from.send(frame(&mut input)),
            8 => from.flip(input.long(), input.byte()),
            9 => from.drop_bytes(input.long(), input.number()),
            10 => from.put_in(input.long(), input.piece()),
            11 => from.repeat(input.long(), input.number()),
            _ => {
                to.hear(from, 1 + input.long());
            }
        }
    }
    // The rest arrives unchanged.
    for turn in 0..8 {
        let (from, to) = split(&mut ends, turn % 2);
        from.write();
        to.hear(from, usize::MAX);
    }
    conclude(&mut ends);
}

fn split(ends: &mut [End; 2], from: usize) -> (&mut End, &mut End) {
    let [dialer, listener] = ends;
    if from == 0 {
        (dialer, listener)
    } else {
        (listener, dialer)
    }
}

fn frame(input: &mut Input<'_>) -> Frame {
    let body = match input.byte() % 3 {
        0 => Body::Heartbeat(Heartbeat { reply: true }),
        1 => Body::Ack(Ack {
            session_epoch: 1,
            received: input.long() as u64,
        }),
        _ => Body::Ciphertext(Ciphertext {
            session_epoch: 1,
            sequence: 1,
            ciphertext: vec![input.byte(); input.long() % 65_000],
        }),
    };
    Frame { body: Some(body) }
}

/// One end, and the bytes in flight from it.
struct End {
    link: Link,
    /// The address of the other end.
    other: OnionAddress,
    /// Every byte that it has written.
    written: Vec<u8>,
    /// Every byte that the other end received in its name.
    handed: Vec<u8>,
    /// Bytes in flight.
    on_the_way: Vec<u8>,
    sent: Vec<Frame>,
    received: Vec<Frame>,
    authenticated: bool,
    fault: Option<LinkFault>,
}

impl End {
    fn new(link: Link, other: OnionAddress) -> Self {
        Self {
            link,
            other,
            written: Vec::new(),
            handed: Vec::new(),
            on_the_way: Vec::new(),
            sent: Vec::new(),
            received: Vec::new(),
            authenticated: false,
            fault: None,
        }
    }

    fn write(&mut self) {
        if let Some(bytes) = self.link.transmit() {
            assert_eq!(self.link.backlog(), bytes.len(), "one transmit takes the whole backlog");
            self.link.drained();
            self.written.extend_from_slice(&bytes);
            self.on_the_way.extend_from_slice(&bytes);
        }
    }

    fn send(&mut self, frame: Frame) {
        if self.authenticated {
            self.link.send(&frame);
            if self.fault.is_none() {
                self.sent.push(frame);
            }
        }
    }

    /// Receives bytes that are in flight to this end.
    fn hear(&mut self, from: &mut Self, length: usize) {
        let length = length.min(from.on_the_way.len()).min(Limits::UNREAD_BYTES / 2);
        let bytes: Vec<u8> = from.on_the_way.drain(..length).collect();
        from.handed.extend_from_slice(&bytes);
        self.link.receive(&bytes);
        loop {
            match self.link.event() {
                Ok(None) => break,
                Ok(Some(LinkEvent::Authenticated(who))) => {
                    assert_eq!(who, self.other, "authenticated as another peer");
                    assert!(!self.authenticated && self.received.is_empty());
                    self.authenticated = true;
                }
                Ok(Some(LinkEvent::Frame(frame))) => {
                    assert!(self.authenticated, "a frame before authentication");
                    self.received.push(frame);
                }
                Err(fault) => {
                    assert!(self.fault.is_none_or(|first| first == fault), "the first fault stays");
                    self.fault = Some(fault);
                    break;
                }
            }
        }
    }

    fn place(&self, place: usize) -> usize {
        place % (self.on_the_way.len() + 1)
    }

    fn flip(&mut self, place: usize, bits: u8) {
        let place = self.place(place);
        if let Some(byte) = self.on_the_way.get_mut(place) {
            *byte ^= bits;
        }
    }

    fn drop_bytes(&mut self, place: usize, length: usize) {
        let place = self.place(place);
        let end = self.on_the_way.len().min(place + length);
        self.on_the_way.drain(place..end);
    }

    fn put_in(&mut self, place: usize, bytes: &[u8]) {
        let place = self.place(place);
        self.on_the_way.splice(place..place, bytes.iter().copied());
    }

    /// Bytes that were written before, repeated.
    fn repeat(&mut self, place: usize, length: usize) {
        let start = place % (self.written.len() + 1);
        let end = self.written.len().min(start + length * 8);
        self.on_the_way.extend_from_slice(&self.written[start..end]);
    }

    /// How many of the received bytes are the written ones.
    fn intact(&self) -> usize {
        let pairs = self.handed.iter().zip(&self.written);
        pairs.take_while(|(handed, written)| handed == written).count()
    }
}

fn conclude(ends: &mut [End; 2]) {
    let honest = ends.each_ref().map(|end| end.handed == end.written);
    for from in [0, 1] {
        let intact = ends[from].intact();
        let (from, to) = split(ends, from);
        assert!(
            from.sent.starts_with(&to.received),
            "received a frame that was not sent"
        );
        let needed = HANDSHAKE[usize::from(to.other == BOB.secret().address())];
        assert!(
            !to.authenticated || intact >= needed,
            "a changed handshake was accepted"
        );
        if from.handed.len() > from.written.len() && intact == from.written.len() && to.authenticated {
            // More than was sent: at most a length waits for its record, or the link has failed.
            assert!(to.received == from.sent);
        }
    }
    if honest == [true; 2] {
        for end in ends.iter() {
            assert_eq!(end.fault, None, "an unchanged link has failed");
            assert!(end.authenticated);
        }
        assert!(
            ends[0].received == ends[1].sent && ends[1].received == ends[0].sent,
            "lost"
        );
    }
}

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    const BACK: u8 = 0x80;
    const HEAR: u8 = 12;
    let move_all = |direction: u8| [direction + HEAR, 0xff, 0xff];
    let handshake = [move_all(0), move_all(BACK), move_all(0)].concat();
    let spoken = [
        &handshake[..],
        &[0, 0, BACK, 1, 0, 9, 0, 2, 7, 0x20, 0],
        &move_all(BACK),
        &move_all(0),
    ]
    .concat();
    let bytewise: Vec<u8> = [[HEAR, 0, 0], [BACK + HEAR, 0, 0]].concat().repeat(230);
    vec![
        Vec::new(),
        handshake.clone(),
        spoken.clone(),
        bytewise,
        // A bit of each handshake message and of a record is flipped.
        vec![8, 0, 40, 1],
        [&move_all(0)[..], &[BACK + 8, 0, 9, 0x80]].concat(),
        [&handshake[..6], &[8, 0, 100, 4]].concat(),
        [&spoken[..handshake.len() + 2], &[8, 0, 200, 2]].concat(),
        // Bytes are dropped, made up and repeated.
        [&handshake[..6], &[9, 0, 50, 3]].concat(),
        [&[10, 0, 0], &crate::input::piece(b"GET / HTTP/1.1\r\n")[..]].concat(),
        [&spoken[..], &[11, 0, 212, 64, BACK + 11, 0, 50, 64]].concat(),
    ]
}
