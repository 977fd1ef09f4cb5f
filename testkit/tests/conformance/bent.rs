//! Implementations that are wrong on purpose: our node, with somebody in front of it who holds both sides' keys, ends every
//! link itself, and says on each side what the other side said, but for one thing.

use std::io::{self, ErrorKind, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use prost::Message as _;
use snow::TransportState;
use sotto_conformance::noise;
use sotto_conformance::{Stream, Target, onion_seed};
use sotto_core::link::{Link, LinkEvent};
use sotto_core::wire::link::{Ciphertext, Frame, Heartbeat, Presence, Relationship, RequestStatus, frame::Body};
use sotto_core::{Entropy, OnionSecret};

use super::front::{Front, Refused};
use super::node::Door;

/// One way to be wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bend {
    /// None: what stands in front of the node is not what the suite notices.
    Nothing,
    LengthsUnchecked,
    SpeaksFirst,
    SameEphemeralKey,
    TakesLowOrder,
    TakesHighBit,
    TakesUnreduced,
    TakesMixedOrder,
    TrustsTheClaim,
    NeverVerifies,
    VerifiesLoosely,
    ExplainsRefusals,
    PaddingUnchecked,
    PadsNothing,
    EndsOnTheUnknown,
    WaitsForHello,
    TakesSecondHello,
    TellsWhatItDrops,
    SpeaksAnyVersion,
    TellsStrangersFeatures,
    SaysNoRandomFeature,
    TakesManyFeatures,
    CiphertextBeforeHello,
    NeverHangsUp,
    AnswersStrangers,
    PresenceToAnyone,
    CutsLongNames,
    ReadsBundlesEarly,
    AckUnpaid,
    ForgetsWhatCame,
    TakesGaps,
    SealsAnew,
    BelievesAcks,
    OffersAnew,
    StepsByOne,
    SilentAfterOpening,
    NoBucket,
}

/// Our node, bent.
pub struct Bent {
    /// Where the right one is.
    pub door: Door,
    /// Its secret onion key.
    pub onion_seed: [u8; 32],
    /// What is wrong.
    pub bend: Bend,
    /// What the suite's keys come from.
    pub seed: [u8; 32],
    /// Streams so far.
    pub opened: AtomicU64,
}

impl Target for Bent {
    fn open(&self) -> io::Result<Box<dyn Stream>> {
        let (theirs, ours) = UnixStream::pair()?;
        let number = self.opened.fetch_add(1, Ordering::Relaxed);
        let (door, bend, seed) = (self.door.clone(), self.bend, self.seed);
        let front = Front {
            onion_seed: self.onion_seed,
            bend,
            ephemeral: if bend == Bend::SameEphemeralKey {
                [5; 32]
            } else {
                onion_seed(&[6; 32], number)
            },
        };
        thread::spawn(move || {
            // Whatever goes wrong with a stream ends it.
            let _ = stand_between(ours, &door, &front, &seed, number);
        });
        Ok(Box::new(theirs))
    }
}

fn stand_between(mut outer: UnixStream, door: &Door, front: &Front, seed: &[u8; 32], number: u64) -> io::Result<()> {
    let bend = front.bend;
    if bend == Bend::SpeaksFirst {
        outer.write_all(b"hello")?;
    }
    let (peer, outside) = match front.admit(&mut outer) {
        Ok(admitted) => admitted,
        // What a wrong front has taken need not be served.
        Err(Refused::Parked) => return outer.read_to_end(&mut Vec::new()).map(|_| ()),
        Err(Refused::Ended) => {
            if bend == Bend::ExplainsRefusals {
                outer.write_all(b"\x00\x02no")?;
            }
            return Ok(());
        }
    };
    let peers_secret = (1..200)
        .map(|number| OnionSecret::from_seed(&onion_seed(seed, number)))
        .find(|secret| secret.address() == peer)
        .ok_or(ErrorKind::NotFound)?;
    let entropy = Entropy::from_seed(onion_seed(&[7; 32], number));
    let mut link = Link::dial(&peers_secret, front.address(), entropy);
    link.connected();
    let mut between = Between {
        outer,
        inner: door.stream()?,
        outside,
        unread: Vec::new(),
        link,
        bend,
        up: false,
        said: Vec::new(),
        greeted: false,
        asked: false,
        opened: false,
        received: 0,
        offered: 0,
        number,
    };
    between.run()
}

#[expect(clippy::struct_excessive_bools, reason = "what has happened on a link, in any order")]
struct Between {
    outer: UnixStream,
    inner: UnixStream,
    outside: TransportState,
    unread: Vec<u8>,
    link: Link,
    bend: Bend,
    /// The node knows the peer.
    up: bool,
    /// What the node has said and the peer has not heard.
    said: Vec<Body>,
    /// The peer has said Hello.
    greeted: bool,
    /// The peer has sent a request on this link.
    asked: bool,
    /// The peer has sent a session's first ciphertext on this link.
    opened: bool,
    /// The peer's last ciphertext.
    received: u64,
    /// What the peer's Hello has offered.
    offered: u64,
    number: u64,
}

impl Between {
    fn run(&mut self) -> io::Result<()> {
        self.outer.set_read_timeout(Some(Duration::from_millis(1)))?;
        self.inner.set_read_timeout(Some(Duration::from_millis(1)))?;
        if self.bend == Bend::CiphertextBeforeHello {
            self.say(Body::Ciphertext(Ciphertext::default()))?;
        }
        loop {
            if let Some(bytes) = self.link.transmit() {
                self.link.drained();
                self.inner.write_all(&bytes)?;
            }
            let inner = heard(&mut self.inner);
            match inner {
                Some(bytes) if bytes.is_empty() && self.bend == Bend::NeverHangsUp => {
                    return self
                        .outer
                        .set_read_timeout(None)
                        .and_then(|()| io::copy(&mut self.outer, &mut io::sink()).map(|_| ()));
                }
                Some(bytes) if bytes.is_empty() => return Ok(()),
                Some(bytes) => self.link.receive(&bytes),
                None => {}
            }
            while let Ok(Some(event)) = self.link.event() {
                match event {
                    LinkEvent::Authenticated(_) => self.up = true,
                    LinkEvent::Frame(frame) => self.said.extend(frame.body),
                }
            }
            if self.bend != Bend::WaitsForHello || self.greeted {
                for body in std::mem::take(&mut self.said) {
                    self.outward(body)?;
                }
            }
            if !self.up {
                continue;
            }
            match heard(&mut self.outer) {
                Some(bytes) if bytes.is_empty() => return Ok(()),
                Some(bytes) => self.unread.extend(bytes),
                None => {}
            }
            while let Some(message) = self.record()? {
                let mut plaintext = vec![0; message.len()];
                let length = self
                    .outside
                    .read_message(&message, &mut plaintext)
                    .map_err(io::Error::other)?;
                let (length, rest) = plaintext[..length]
                    .split_first_chunk::<2>()
                    .ok_or(ErrorKind::InvalidData)?;
                let (frame, padding) = rest
                    .split_at_checked(usize::from(u16::from_be_bytes(*length)))
                    .ok_or(ErrorKind::InvalidData)?;
                if padding.iter().any(|byte| *byte != 0) && self.bend != Bend::PaddingUnchecked {
                    return Ok(());
                }
                match Frame::decode(frame)?.body {
                    Some(body) => self.inward(body)?,
                    None if self.bend == Bend::EndsOnTheUnknown => return Ok(()),
                    None => {}
                }
            }
        }
    }

    fn record(&mut self) -> io::Result<Option<Vec<u8>>> {
        let Some(length) = self.unread.first_chunk::<2>() else {
            return Ok(None);
        };
        let length = usize::from(u16::from_be_bytes(*length));
        if !(18..=65_534).contains(&length) {
            return Err(ErrorKind::InvalidData.into());
        }
        if self.unread.len() < 2 + length {
            return Ok(None);
        }
        let record = self.unread.drain(..2 + length).skip(2).collect();
        Ok(Some(record))
    }

    /// Says a frame to the peer.
    fn say(&mut self, body: Body) -> io::Result<()> {
        let frame = Frame { body: Some(body) }.encode_to_vec();
        let length = u16::try_from(frame.len()).expect("a frame");
        let mut plaintext = [&length.to_be_bytes()[..], &frame].concat();
        if self.bend != Bend::PadsNothing {
            plaintext.resize(padded(plaintext.len()), 0);
        }
        let record = noise::seal(&mut self.outside, &plaintext);
        self.outer.write_all(&record)
    }

    /// What the node says.
    fn outward(&mut self, mut body: Body) -> io::Result<()> {
        match (self.bend, &mut body) {
            (Bend::AckUnpaid, Body::Ack(_)) => return Ok(()),
            (Bend::SilentAfterOpening, Body::Ciphertext(_)) if self.opened => return Ok(()),
            (Bend::SealsAnew, Body::Ciphertext(sealed)) if !self.asked => {
                let _ = sealed.ciphertext.last_mut().map(|byte| *byte ^= 1);
            }
            (Bend::OffersAnew, Body::PreKeyOffer(offer)) => offer.session_epoch += self.number,
            (Bend::StepsByOne, Body::PreKeyOffer(offer)) => offer.session_epoch = self.offered + 1,
            (Bend::TellsStrangersFeatures, Body::Hello(hello)) => hello.features.push(6),
            (Bend::SaysNoRandomFeature, Body::Hello(hello)) if hello.features.len() > 1 => hello.features.truncate(1),
            (Bend::PresenceToAnyone, Body::Hello(_)) => {
                self.say(body)?;
                body = Body::Presence(Presence { availability: 1 });
            }
            _ => {}
        }
        self.say(body)
    }

    /// What the peer says.
    fn inward(&mut self, mut body: Body) -> io::Result<()> {
        match (self.bend, &mut body) {
            (Bend::TakesSecondHello, Body::Hello(_)) if self.greeted => return Ok(()),
            (Bend::SpeaksAnyVersion, Body::Hello(hello)) => (hello.version_min, hello.version_max) = (1, 1),
            (Bend::TakesManyFeatures, Body::Hello(hello)) => hello.features.truncate(256),
            (Bend::TellsWhatItDrops, Body::Presence(_)) => {
                let relationship = Relationship::Declined.into();
                self.say(Body::RequestStatus(RequestStatus { relationship }))?;
            }
            (Bend::AnswersStrangers | Bend::NoBucket, Body::Heartbeat(Heartbeat { reply: true })) => {
                return self.say(Body::Heartbeat(Heartbeat { reply: false }));
            }
            (Bend::CutsLongNames, Body::Request(request)) => request.name.truncate(64),
            (Bend::ReadsBundlesEarly, Body::Request(request)) => {
                let bundle = request.bundle.clone().unwrap_or_default();
                if bundle.identity_key.is_empty() {
                    return Err(ErrorKind::InvalidData.into());
                }
            }
            (Bend::ForgetsWhatCame, Body::Ciphertext(sealed)) if sealed.sequence <= self.received => return Ok(()),
            (Bend::TakesGaps, Body::Ciphertext(sealed)) if sealed.sequence > self.received + 1 && self.received > 0 => {
                return Ok(());
            }
            (Bend::BelievesAcks, Body::Ack(_)) => return Ok(()),
            _ => {}
        }
        match &body {
            Body::Hello(hello) => {
                self.greeted = true;
                (self.received, self.offered) = (hello.sent, hello.offered);
            }
            Body::Request(_) => self.asked = true,
            Body::Ciphertext(sealed) => {
                self.opened |= sealed.sequence == 1 && !self.asked;
                self.received = sealed.sequence;
            }
            _ => {}
        }
        self.link.send(&Frame { body: Some(body) });
        Ok(())
    }
}

/// What has come within a moment: nothing yet, or bytes, or none at the end.
fn heard(stream: &mut UnixStream) -> Option<Vec<u8>> {
    let mut chunk = [0; 16 * 1024];
    match stream.read(&mut chunk) {
        Ok(length) => Some(chunk[..length].to_vec()),
        Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => None,
        Err(_) => Some(Vec::new()),
    }
}

/// Bytes of a plaintext that fills its record.
fn padded(plaintext: usize) -> usize {
    let needed = plaintext + 18;
    let power = needed.next_power_of_two().max(512);
    let halfway = power / 4 * 3;
    let size = if halfway >= needed.max(512) { halfway } else { power };
    size - 18
}
