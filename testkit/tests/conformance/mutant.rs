//! [`Mutant`]: a target with one fault. A proxy in listener of a correct node has the keys of both sides, terminates every link, and
//! forwards the frames of each side with one [`Mutation`].

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

use super::mutant_listener::{MutantListener, Rejection};
use super::test_node::NodeConnector;

/// The fault of a mutant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mutation {
    /// No fault, to show that the suite does not notice the proxy itself.
    None,
    LengthsUnchecked,
    SendsFirst,
    ReusesEphemeralKey,
    AcceptsLowOrder,
    AcceptsHighBit,
    AcceptsUnreduced,
    AcceptsMixedOrder,
    TrustsClaimedKey,
    SkipsVerification,
    VerifiesLoosely,
    ExplainsRefusals,
    PaddingUnchecked,
    SendsNoPadding,
    EndsOnUnknownFrame,
    WaitsForHello,
    AcceptsSecondHello,
    AnswersDroppedFrames,
    AcceptsAnyVersion,
    SendsFeaturesToStrangers,
    SendsNoRandomFeature,
    AcceptsManyFeatures,
    CiphertextBeforeHello,
    NeverHangsUp,
    AnswersStrangerHeartbeat,
    SendsPresenceToAnyone,
    TruncatesLongNames,
    ReadsBundlesEarly,
    NeverAcknowledges,
    IgnoresRepeats,
    AcceptsGaps,
    ReencryptsOnResend,
    AcceptsAnyAck,
    ChangesOffers,
    StepsByOne,
    SilentInNewSession,
    NoTokenBucket,
    FlowsOnUsedOffers,
    DropsOtherEpochs,
    NoReserve,
}

/// Our node with one rule broken.
pub struct Mutant {
    /// The correct node.
    pub connector: NodeConnector,
    /// Its secret onion key.
    pub onion_seed: [u8; 32],
    /// The fault.
    pub mutation: Mutation,
    /// The seed of the suite's keys.
    pub seed: [u8; 32],
    /// How many streams were opened.
    pub opened: AtomicU64,
}

impl Target for Mutant {
    fn open(&self) -> io::Result<Box<dyn Stream>> {
        let (theirs, ours) = UnixStream::pair()?;
        let number = self.opened.fetch_add(1, Ordering::Relaxed);
        let (connector, mutation, seed) = (self.connector.clone(), self.mutation, self.seed);
        let listener = MutantListener {
            onion_seed: self.onion_seed,
            mutation,
            ephemeral: if mutation == Mutation::ReusesEphemeralKey {
                [5; 32]
            } else {
                onion_seed(&[6; 32], number)
            },
        };
        thread::spawn(move || {
            // An error ends the stream.
            let _ = proxy_link(ours, &connector, &listener, &seed, number);
        });
        Ok(Box::new(theirs))
    }
}

fn proxy_link(
    mut peer_stream: UnixStream,
    connector: &NodeConnector,
    listener: &MutantListener,
    seed: &[u8; 32],
    number: u64,
) -> io::Result<()> {
    let mutation = listener.mutation;
    if mutation == Mutation::SendsFirst {
        peer_stream.write_all(b"hello")?;
    }
    let (peer, peer_state) = match listener.handshake(&mut peer_stream) {
        Ok(link) => link,
        // After a handshake that a correct listener refuses, the link only stays open.
        Err(Rejection::HeldOpen) => return peer_stream.read_to_end(&mut Vec::new()).map(|_| ()),
        Err(Rejection::Closed) => {
            if mutation == Mutation::ExplainsRefusals {
                peer_stream.write_all(b"\x00\x02no")?;
            }
            return Ok(());
        }
    };
    let peers_secret = (1..200)
        .map(|number| OnionSecret::from_seed(&onion_seed(seed, number)))
        .find(|secret| secret.address() == peer)
        .ok_or(ErrorKind::NotFound)?;
    let entropy = Entropy::from_seed(onion_seed(&[7; 32], number));
    let mut link = Link::dial(&peers_secret, listener.address(), entropy);
    link.connected();
    let mut proxy = Proxy {
        peer_stream,
        node_stream: connector.stream()?,
        peer_state,
        unread: Vec::new(),
        link,
        mutation,
        up: false,
        outgoing: Vec::new(),
        greeted: false,
        asked: false,
        opened: false,
        heartbeats: 0,
        received: 0,
        offered: 0,
        session_epoch: 0,
        number,
    };
    proxy.run()
}

#[expect(clippy::struct_excessive_bools, reason = "what has happened on a link, in any order")]
struct Proxy {
    peer_stream: UnixStream,
    node_stream: UnixStream,
    peer_state: TransportState,
    unread: Vec<u8>,
    link: Link,
    mutation: Mutation,
    /// The node has authenticated the proxy.
    up: bool,
    /// Frames of the node that were not forwarded yet.
    outgoing: Vec<Body>,
    /// The peer has sent Hello.
    greeted: bool,
    /// The peer has sent a request on this link.
    asked: bool,
    /// The peer has sent a session's first ciphertext on this link.
    opened: bool,
    /// Heartbeats of the peer on this link.
    heartbeats: u32,
    /// The sequence number of the peer's last ciphertext.
    received: u64,
    /// `offered` of the peer's Hello.
    offered: u64,
    /// `session_epoch` of the peer's Hello.
    session_epoch: u64,
    number: u64,
}

impl Proxy {
    fn run(&mut self) -> io::Result<()> {
        self.peer_stream.set_read_timeout(Some(Duration::from_millis(1)))?;
        self.node_stream.set_read_timeout(Some(Duration::from_millis(1)))?;
        if self.mutation == Mutation::CiphertextBeforeHello {
            self.send_frame(Body::Ciphertext(Ciphertext::default()))?;
        }
        loop {
            if let Some(bytes) = self.link.transmit() {
                self.link.drained();
                self.node_stream.write_all(&bytes)?;
            }
            let node_stream = read_some(&mut self.node_stream);
            match node_stream {
                Some(bytes) if bytes.is_empty() && self.mutation == Mutation::NeverHangsUp => {
                    return self
                        .peer_stream
                        .set_read_timeout(None)
                        .and_then(|()| io::copy(&mut self.peer_stream, &mut io::sink()).map(|_| ()));
                }
                Some(bytes) if bytes.is_empty() => return Ok(()),
                Some(bytes) => self.link.receive(&bytes),
                None => {}
            }
            while let Ok(Some(event)) = self.link.event() {
                match event {
                    LinkEvent::Authenticated(_) => self.up = true,
                    LinkEvent::Frame(frame) => self.outgoing.extend(frame.body),
                }
            }
            if self.mutation != Mutation::WaitsForHello || self.greeted {
                for body in std::mem::take(&mut self.outgoing) {
                    self.forward_to_peer(body)?;
                }
            }
            if !self.up {
                continue;
            }
            match read_some(&mut self.peer_stream) {
                Some(bytes) if bytes.is_empty() => return Ok(()),
                Some(bytes) => self.unread.extend(bytes),
                None => {}
            }
            while let Some(message) = self.record()? {
                let mut plaintext = vec![0; message.len()];
                let length = self
                    .peer_state
                    .read_message(&message, &mut plaintext)
                    .map_err(io::Error::other)?;
                let (length, rest) = plaintext[..length]
                    .split_first_chunk::<2>()
                    .ok_or(ErrorKind::InvalidData)?;
                let (frame, padding) = rest
                    .split_at_checked(usize::from(u16::from_be_bytes(*length)))
                    .ok_or(ErrorKind::InvalidData)?;
                if padding.iter().any(|byte| *byte != 0) && self.mutation != Mutation::PaddingUnchecked {
                    return Ok(());
                }
                match Frame::decode(frame)?.body {
                    Some(body) => self.forward_to_node(body)?,
                    None if self.mutation == Mutation::EndsOnUnknownFrame => return Ok(()),
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

    /// Sends a frame to the peer.
    fn send_frame(&mut self, body: Body) -> io::Result<()> {
        let frame = Frame { body: Some(body) }.encode_to_vec();
        let length = u16::try_from(frame.len()).expect("a frame");
        let mut plaintext = [&length.to_be_bytes()[..], &frame].concat();
        if self.mutation != Mutation::SendsNoPadding {
            plaintext.resize(padded(plaintext.len()), 0);
        }
        let record = noise::seal(&mut self.peer_state, &plaintext);
        self.peer_stream.write_all(&record)
    }

    /// Forwards a frame of the node.
    fn forward_to_peer(&mut self, mut body: Body) -> io::Result<()> {
        match (self.mutation, &mut body) {
            (Mutation::NeverAcknowledges, Body::Ack(_)) => return Ok(()),
            (Mutation::SilentInNewSession, Body::Ciphertext(_)) if self.opened => return Ok(()),
            (Mutation::ReencryptsOnResend, Body::Ciphertext(sealed)) if !self.asked => {
                let _ = sealed.ciphertext.last_mut().map(|byte| *byte ^= 1);
            }
            (Mutation::ChangesOffers, Body::PreKeyOffer(offer)) => offer.session_epoch += self.number,
            (Mutation::StepsByOne, Body::PreKeyOffer(offer)) => offer.session_epoch = self.offered + 1,
            (Mutation::FlowsOnUsedOffers, Body::PreKeyOffer(_)) if self.offered != 0 => return Ok(()),
            (Mutation::SendsFeaturesToStrangers, Body::Hello(hello)) => hello.features.push(6),
            (Mutation::SendsNoRandomFeature, Body::Hello(hello)) if hello.features.len() > 1 => {
                hello.features.truncate(1);
            }
            (Mutation::SendsPresenceToAnyone, Body::Hello(_)) => {
                self.send_frame(body)?;
                body = Body::Presence(Presence { availability: 1 });
            }
            _ => {}
        }
        self.send_frame(body)
    }

    /// Forwards a frame of the peer.
    fn forward_to_node(&mut self, mut body: Body) -> io::Result<()> {
        match (self.mutation, &mut body) {
            (Mutation::AcceptsSecondHello, Body::Hello(_)) if self.greeted => return Ok(()),
            (Mutation::AcceptsAnyVersion, Body::Hello(hello)) => (hello.version_min, hello.version_max) = (1, 1),
            (Mutation::AcceptsManyFeatures, Body::Hello(hello)) => hello.features.truncate(256),
            (Mutation::AnswersDroppedFrames, Body::Presence(_)) => {
                let relationship = Relationship::Declined.into();
                self.send_frame(Body::RequestStatus(RequestStatus {
                    relationship,
                    request: 0,
                }))?;
            }
            (
                Mutation::AnswersStrangerHeartbeat | Mutation::NoTokenBucket,
                Body::Heartbeat(Heartbeat { reply: true }),
            ) => {
                return self.send_frame(Body::Heartbeat(Heartbeat { reply: false }));
            }
            (Mutation::NoTokenBucket, Body::Heartbeat(_)) | (Mutation::AcceptsAnyAck, Body::Ack(_)) => return Ok(()),
            (Mutation::NoReserve, Body::Heartbeat(_)) => self.heartbeats += 1,
            (Mutation::NoReserve, Body::Request(_)) if self.heartbeats > 20 => return Ok(()),
            (Mutation::TruncatesLongNames, Body::Request(request)) => request.name.truncate(64),
            (Mutation::ReadsBundlesEarly, Body::Request(request)) => {
                let bundle = request.bundle.clone().unwrap_or_default();
                if bundle.identity_key.is_empty() {
                    return Err(ErrorKind::InvalidData.into());
                }
            }
            (Mutation::IgnoresRepeats, Body::Ciphertext(sealed)) if sealed.sequence <= self.received => return Ok(()),
            (Mutation::AcceptsGaps, Body::Ciphertext(sealed))
                if sealed.sequence > self.received + 1 && self.received > 0 =>
            {
                return Ok(());
            }
            (Mutation::DropsOtherEpochs, Body::Ciphertext(sealed))
                if self.session_epoch != 0 && sealed.session_epoch != self.session_epoch =>
            {
                return Ok(());
            }
            _ => {}
        }
        match &body {
            Body::Hello(hello) => {
                self.greeted = true;
                (self.received, self.offered) = (hello.sent, hello.offered);
                self.session_epoch = hello.session_epoch;
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

/// Reads for a moment. `None` if nothing came, no bytes at the end of the stream.
fn read_some(stream: &mut UnixStream) -> Option<Vec<u8>> {
    let mut chunk = [0; 16 * 1024];
    match stream.read(&mut chunk) {
        Ok(length) => Some(chunk[..length].to_vec()),
        Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => None,
        Err(_) => Some(Vec::new()),
    }
}

/// The length of a plaintext that fills its record.
fn padded(plaintext: usize) -> usize {
    let needed = plaintext + 18;
    let power = needed.next_power_of_two().max(512);
    let halfway = power / 4 * 3;
    let size = if halfway >= needed.max(512) { halfway } else { power };
    size - 18
}
