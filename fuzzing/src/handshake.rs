//! Somebody sits between a dialer and a listener: bytes come in pieces, changed, doubled, dropped, made up. As long as what
//! comes is what was sent, both learn who the other is and every frame arrives; from the first changed byte on, nothing is
//! heard that was not said, and nobody is taken for whom they are not.

use sotto_core::OnionAddress;
use sotto_core::link::{Link, LinkEvent, LinkFault, MAX_UNREAD};
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
        let deed = input.byte();
        let (from, to) = split(&mut ends, usize::from(deed >> 7));
        from.write();
        match deed & 0x7f {
            0..8 => from.say(frame(&mut input)),
            8 => from.flip(input.long(), input.byte()),
            9 => from.drop_bytes(input.long(), input.number()),
            10 => from.put_in(input.long(), input.piece()),
            11 => from.repeat(input.long(), input.number()),
            _ => {
                to.hear(from, 1 + input.long());
            }
        }
    }
    // The rest comes without anybody's doing.
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

/// One end, and what is on its way from it.
struct End {
    link: Link,
    /// Who is at the other end.
    other: OnionAddress,
    /// All bytes that it has ever written.
    written: Vec<u8>,
    /// All bytes that were ever handed to the other end on its behalf.
    handed: Vec<u8>,
    /// Bytes on their way.
    on_the_way: Vec<u8>,
    said: Vec<Frame>,
    heard: Vec<Frame>,
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
            said: Vec::new(),
            heard: Vec::new(),
            authenticated: false,
            fault: None,
        }
    }

    fn write(&mut self) {
        if let Some(bytes) = self.link.transmit() {
            assert_eq!(self.link.backlog(), bytes.len(), "one transmit takes all there is");
            self.link.drained();
            self.written.extend_from_slice(&bytes);
            self.on_the_way.extend_from_slice(&bytes);
        }
    }

    fn say(&mut self, frame: Frame) {
        if self.authenticated {
            self.link.send(&frame);
            if self.fault.is_none() {
                self.said.push(frame);
            }
        }
    }

    /// Takes bytes from what is on its way to here.
    fn hear(&mut self, from: &mut Self, length: usize) {
        let length = length.min(from.on_the_way.len()).min(MAX_UNREAD / 2);
        let bytes: Vec<u8> = from.on_the_way.drain(..length).collect();
        from.handed.extend_from_slice(&bytes);
        self.link.receive(&bytes);
        loop {
            match self.link.event() {
                Ok(None) => break,
                Ok(Some(LinkEvent::Authenticated(who))) => {
                    assert_eq!(who, self.other, "taken for somebody else");
                    assert!(!self.authenticated && self.heard.is_empty());
                    self.authenticated = true;
                }
                Ok(Some(LinkEvent::Frame(frame))) => {
                    assert!(self.authenticated, "heard before it is known who speaks");
                    self.heard.push(frame);
                }
                Err(fault) => {
                    assert!(self.fault.is_none_or(|first| first == fault), "a fault stays");
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

    /// Bytes that were written before, once more.
    fn repeat(&mut self, place: usize, length: usize) {
        let start = place % (self.written.len() + 1);
        let end = self.written.len().min(start + length * 8);
        self.on_the_way.extend_from_slice(&self.written[start..end]);
    }

    /// How many of the bytes that were handed over are those that were written.
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
        assert!(from.said.starts_with(&to.heard), "heard what was not said");
        let needed = HANDSHAKE[usize::from(to.other == BOB.secret().address())];
        assert!(!to.authenticated || intact >= needed, "a changed handshake was taken");
        if from.handed.len() > from.written.len() && intact == from.written.len() && to.authenticated {
            // More than was said: at most a length waits for its record, or the link is done for.
            assert!(to.heard == from.said);
        }
    }
    if honest == [true; 2] {
        for end in ends.iter() {
            assert_eq!(end.fault, None, "an honest link has failed");
            assert!(end.authenticated);
        }
        assert!(ends[0].heard == ends[1].said && ends[1].heard == ends[0].said, "lost");
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
        // Bytes are dropped, made up, and said again.
        [&handshake[..6], &[9, 0, 50, 3]].concat(),
        [&[10, 0, 0], &crate::input::piece(b"GET / HTTP/1.1\r\n")[..]].concat(),
        [&spoken[..], &[11, 0, 212, 64, BACK + 11, 0, 50, 64]].concat(),
    ]
}
