//! What is done to frames.

use sotto_core::wire::link::{
    Ack, Answer, Bundle, Frame, Heartbeat, Offer, Presence, Request, Sealed, Standing, Typing,
};
use sotto_core::wire::link::{Hello, frame::Body};

use super::Malice;
use super::crook::{Crook, Relay};

/// Small things said for every one that has to be.
const CHATTER: usize = 60;
/// Requests for every frame.
const REQUESTS: usize = 12;

impl Crook {
    /// What goes out in a frame's place.
    pub(super) fn twisted(&mut self, frame: Frame, relay: &mut Relay) -> Vec<Frame> {
        let Some(body) = frame.body else { return Vec::new() };
        let greeting = matches!(body, Body::Hello(_));
        if let Body::Request(Request { bundle, .. }) | Body::Offer(Offer { bundle, .. }) = &body {
            self.offered.clone_from(bundle);
        }
        let mut said = match (self.malice, body) {
            (Malice::NeverAcks, Body::Ack(_)) => Vec::new(),
            (Malice::AcksTheUnseen, Body::Ack(ack)) => self.unseen(ack),
            (Malice::LiesAboutCursors, Body::Hello(hello)) => vec![Body::Hello(self.lie(hello))],
            (Malice::Forgets, Body::Hello(hello)) => vec![Body::Hello(Hello { generation: 0, ..hello })],
            (Malice::Forgets, Body::Ack(ack)) => {
                relay.broken_off = true;
                self.first_of(ack)
            }
            (Malice::Equivocates, Body::Sealed(sealed)) => self.equivocation(sealed),
            (Malice::RepeatsItself, body) => vec![body.clone(), body.clone(), body],
            (_, body) => vec![body],
        };
        match self.malice {
            Malice::FloodsRequests => said.extend((0..REQUESTS).flat_map(|_| self.requests())),
            Malice::Chatters => said.extend((0..CHATTER).map(|_| self.word())),
            // After the greeting a frame may go before the one that it follows.
            Malice::Reorders if !greeting => {
                said.extend(relay.held_frame.take().and_then(|frame| frame.body));
                if self.entropy.below(2) == 0 {
                    relay.held_frame = said.pop().map(|body| Frame { body: Some(body) });
                }
            }
            _ => {}
        }
        said.into_iter().map(|body| Frame { body: Some(body) }).collect()
    }

    /// What goes back for a frame of the peer's, besides what the node makes of it.
    pub(super) fn back(&mut self, frame: &Frame) -> Vec<Frame> {
        let reflects = self.malice == Malice::Reflects && self.entropy.below(2) == 0;
        reflects.then(|| frame.clone()).into_iter().collect()
    }

    fn unseen(&mut self, ack: Ack) -> Vec<Body> {
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

    /// Of the session's first ciphertext, or of nothing.
    fn first_of(&mut self, ack: Ack) -> Vec<Body> {
        let first = Ack { received: 1, ..ack };
        (self.entropy.below(2) == 0)
            .then_some(Body::Ack(first))
            .into_iter()
            .collect()
    }

    fn lie(&mut self, mut hello: Hello) -> Hello {
        let number = self.entropy.below(1 << 12);
        match self.entropy.below(8) {
            0 => hello.received += 1 + number,
            1 => hello.sent = 0,
            2 => hello.acknowledged += 1 + number,
            3 => hello.generation += 1 + number,
            4 => hello.generation = 0,
            5 => hello.offered = hello.generation + number,
            6 => hello.standing = i32::try_from(number % 6).unwrap_or(0),
            _ => hello.received = 0,
        }
        hello
    }

    fn equivocation(&mut self, sealed: Sealed) -> Vec<Body> {
        let mut other = sealed.clone();
        if let Some(last) = other.ciphertext.last_mut() {
            *last ^= 1;
        }
        match self.entropy.below(4) {
            // Another ciphertext under the same number, after the true one.
            0 => vec![Body::Sealed(sealed), Body::Sealed(other)],
            // The same before it.
            1 => vec![Body::Sealed(other), Body::Sealed(sealed)],
            // One ciphertext under two numbers.
            2 => {
                other = sealed.clone();
                other.sequence += 1;
                vec![Body::Sealed(sealed), Body::Sealed(other)]
            }
            _ => vec![Body::Sealed(sealed)],
        }
    }

    /// A request and an offer, of whatever generation.
    fn requests(&mut self) -> Vec<Body> {
        let generation = match self.entropy.below(3) {
            0 => 1 << 62,
            1 => u64::MAX,
            _ => self.entropy.below(1 << 40),
        };
        let bundle = self.offered.clone();
        let request = Request {
            generation,
            bundle: bundle.clone().or_else(|| Some(Bundle::default())),
            name: "your best friend".to_owned(),
            note: "let me in".to_owned(),
            invite: self.entropy.bytes::<16>().to_vec(),
        };
        vec![
            Body::Request(request),
            Body::Offer(Offer { generation, bundle }),
            Body::Answer(Answer {
                standing: Standing::Declined.into(),
            }),
        ]
    }

    /// Something that costs next to nothing to say.
    fn word(&mut self) -> Body {
        match self.entropy.below(5) {
            0 => Body::Heartbeat(Heartbeat { reply: true }),
            1 => Body::Typing(Typing {
                typing: self.entropy.below(2) == 0,
            }),
            2 => Body::Presence(Presence {
                availability: i32::try_from(self.entropy.below(9)).unwrap_or(0),
            }),
            3 => Body::Answer(Answer {
                standing: i32::try_from(self.entropy.below(9)).unwrap_or(0),
            }),
            _ => Body::Ack(Ack {
                generation: self.entropy.below(4),
                received: self.entropy.below(4),
            }),
        }
    }
}
