//! What a [`ByzantinePeer`] does to frames.

use sotto_core::wire::link::{
    Ack, Bundle, Ciphertext, Frame, Heartbeat, PreKeyOffer, Presence, Relationship, Request, RequestStatus, Typing,
};
use sotto_core::wire::link::{Hello, frame::Body};

use super::ByzantineFault;
use super::peer::{ByzantinePeer, Relay};

/// Small frames sent with every real frame.
const SMALL_FRAMES: usize = 60;
/// Requests sent with every real frame.
const FLOODING_REQUESTS: usize = 12;

impl ByzantinePeer {
    /// What is sent in place of a frame.
    pub(super) fn altered(&mut self, frame: Frame, relay: &mut Relay) -> Vec<Frame> {
        let Some(body) = frame.body else { return Vec::new() };
        let greeting = matches!(body, Body::Hello(_));
        if let Body::Request(Request { bundle, .. }) | Body::PreKeyOffer(PreKeyOffer { bundle, .. }) = &body {
            self.offered.clone_from(bundle);
        }
        let mut said = match (self.fault, body) {
            (ByzantineFault::NeverAcks, Body::Ack(_)) => Vec::new(),
            (ByzantineFault::AcksTheUnsent, Body::Ack(ack)) => self.ack_of_unsent(ack),
            (ByzantineFault::MisreportsCursors, Body::Hello(hello)) => vec![Body::Hello(self.misreport(hello))],
            (ByzantineFault::LosesSession, Body::Hello(hello)) => vec![Body::Hello(Hello {
                session_epoch: 0,
                ..hello
            })],
            (ByzantineFault::LosesSession, Body::Ack(ack)) => {
                relay.truncated = true;
                self.first_ack_or_none(ack)
            }
            (ByzantineFault::Equivocates, Body::Ciphertext(sealed)) => self.equivocation(sealed),
            (ByzantineFault::RepeatsFrames, body) => vec![body.clone(), body.clone(), body],
            (_, body) => vec![body],
        };
        match self.fault {
            ByzantineFault::FloodsRequests => {
                said.extend((0..FLOODING_REQUESTS).flat_map(|_| self.flooding_requests()));
            }
            ByzantineFault::FloodsSmallFrames => said.extend((0..SMALL_FRAMES).map(|_| self.small_frame())),
            // After `Hello`, a frame may be sent before the one that it follows.
            ByzantineFault::ReordersFrames if !greeting => {
                said.extend(relay.held_frame.take().and_then(|frame| frame.body));
                if self.entropy.below(2) == 0 {
                    relay.held_frame = said.pop().map(|body| Frame { body: Some(body) });
                }
            }
            _ => {}
        }
        said.into_iter().map(|body| Frame { body: Some(body) }).collect()
    }

    /// What is sent back for a frame of the real peer, besides the node's own response.
    pub(super) fn reflected(&mut self, frame: &Frame) -> Vec<Frame> {
        let reflects = self.fault == ByzantineFault::ReflectsFrames && self.entropy.below(2) == 0;
        reflects.then(|| frame.clone()).into_iter().collect()
    }

    fn ack_of_unsent(&mut self, ack: Ack) -> Vec<Body> {
        let beyond = Ack {
            received: ack.received + 1 + self.entropy.below(1000),
            ..ack
        };
        if self.entropy.below(2) == 0 {
            vec![Body::Ack(ack), Body::Ack(beyond)]
        } else {
            vec![Body::Ack(beyond)]
        }
    }

    /// An acknowledgement of the session's first ciphertext, or none.
    fn first_ack_or_none(&mut self, ack: Ack) -> Vec<Body> {
        let first = Ack { received: 1, ..ack };
        (self.entropy.below(2) == 0)
            .then_some(Body::Ack(first))
            .into_iter()
            .collect()
    }

    fn misreport(&mut self, mut hello: Hello) -> Hello {
        let number = self.entropy.below(1 << 12);
        match self.entropy.below(8) {
            0 => hello.received += 1 + number,
            1 => hello.sent = 0,
            2 => hello.acknowledged += 1 + number,
            3 => hello.session_epoch += 1 + number,
            4 => hello.session_epoch = 0,
            5 => hello.offered = hello.session_epoch + number,
            6 => hello.relationship = i32::try_from(number % 6).unwrap_or(0),
            _ => hello.received = 0,
        }
        hello
    }

    fn equivocation(&mut self, sealed: Ciphertext) -> Vec<Body> {
        let mut other = sealed.clone();
        if let Some(last) = other.ciphertext.last_mut() {
            *last ^= 1;
        }
        match self.entropy.below(4) {
            // A second ciphertext under the same sequence number, after the real one.
            0 => vec![Body::Ciphertext(sealed), Body::Ciphertext(other)],
            // The same, before the real one.
            1 => vec![Body::Ciphertext(other), Body::Ciphertext(sealed)],
            // One ciphertext under two sequence numbers.
            2 => {
                other = sealed.clone();
                other.sequence += 1;
                vec![Body::Ciphertext(sealed), Body::Ciphertext(other)]
            }
            _ => vec![Body::Ciphertext(sealed)],
        }
    }

    /// A request and a pre-key offer of an arbitrary session epoch.
    fn flooding_requests(&mut self) -> Vec<Body> {
        let session_epoch = match self.entropy.below(3) {
            0 => 1 << 62,
            1 => u64::MAX,
            _ => self.entropy.below(1 << 40),
        };
        let bundle = self.offered.clone();
        let request = Request {
            session_epoch,
            bundle: bundle.clone().or_else(|| Some(Bundle::default())),
            name: "your best friend".to_owned(),
            note: "let me in".to_owned(),
            invite: self.entropy.bytes::<16>().to_vec(),
            number: 1,
        };
        vec![
            Body::Request(request),
            Body::PreKeyOffer(PreKeyOffer { session_epoch, bundle }),
            Body::RequestStatus(RequestStatus {
                relationship: Relationship::Declined.into(),
                request: 1,
            }),
        ]
    }

    /// A frame that costs almost nothing to send.
    fn small_frame(&mut self) -> Body {
        match self.entropy.below(5) {
            0 => Body::Heartbeat(Heartbeat { reply: true }),
            1 => Body::Typing(Typing {
                typing: self.entropy.below(2) == 0,
            }),
            2 => Body::Presence(Presence {
                availability: i32::try_from(self.entropy.below(9)).unwrap_or(0),
            }),
            3 => Body::RequestStatus(RequestStatus {
                relationship: i32::try_from(self.entropy.below(9)).unwrap_or(0),
                request: 0,
            }),
            _ => Body::Ack(Ack {
                session_epoch: self.entropy.below(4),
                received: self.entropy.below(4),
            }),
        }
    }
}
