//! One byte stream to a peer, from its first byte to its last, as a pure machine. It begins with a Noise XK handshake
//! of three records (50 bytes from the dialer, 50 back, 162 from the dialer), after which each side knows the other's
//! onion address and no third party learns either; then it carries frames, each in a padded, encrypted record of its own,
//! both ways. At most one transmit is in flight, and it takes everything that waits.
//!
//! ```text
//! dialer    Dialling ──connected──▶ Calling ──────message 2──────▶ Open
//! listener  Listening ──message 1──▶ Replied ──────message 3──────▶ Open      whatever else comes ──▶ Failed
//! ```

pub(crate) mod dial_queue;
mod framing;
mod handshake;
pub(crate) mod pool;
mod primitives;

#[cfg(test)]
mod tests;

use std::mem;
use std::ops::RangeInclusive;

use self::framing::{Incoming, MESSAGE, Outgoing, PREFIX, Transport};
use self::handshake::{CALL, CONFIRMATION, Dialer, Listener, REPLY};
use crate::kernel::limits::Limits;
use crate::wire::link::Frame;
use crate::{Entropy, OnionAddress, OnionSecret};

/// What comes out of a link.
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "moved once, from the decoder to the node")]
pub enum LinkEvent {
    /// The peer is the owner of this address. The first event of a link, once.
    Authenticated(OnionAddress),
    /// The peer sent a frame.
    Frame(Frame),
}

/// What the peer did wrong. The link is of no more use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LinkFault {
    /// A record of a length that cannot come here.
    #[error("a record of {0} bytes cannot come here")]
    Length(u16),
    /// Bytes beyond a handshake message that has to be answered first.
    #[error("bytes came before their turn in the handshake")]
    Early,
    /// More than [`Limits::UNREAD_BYTES`] were not pulled.
    #[error("the peer sends faster than it is read")]
    Flood,
    /// An X25519 key that is not canonical or is of low order.
    #[error("the peer's handshake holds a weak key")]
    WeakKey,
    /// A handshake message that does not authenticate: of another protocol, for another address, or changed.
    #[error("the handshake does not authenticate")]
    Handshake,
    /// The dialer's onion key is invalid, is not that of its static key, or did not sign.
    #[error("the dialer is not who it claims to be")]
    Identity,
    /// A record that does not authenticate: changed, lost, doubled or out of order.
    #[error("a record does not authenticate")]
    Cipher,
    /// A wrong length inside a record, or padding that is not zero.
    #[error("a record is padded wrongly")]
    Padding,
    /// A frame that is not Protocol Buffers.
    #[error("a frame does not decode")]
    Frame,
}

/// A link to one peer.
pub struct Link {
    state: LinkState,
    incoming: Incoming,
    outgoing: Outgoing,
}

enum LinkState {
    /// The stream is not up yet.
    Dialling(Box<Dialer>),
    /// Message 1 is out; message 2 is due.
    Calling(Box<Dialer>),
    /// Message 1 is due.
    Listening(Box<Listener>),
    /// Message 2 is out; message 3 is due.
    Replied(Box<Listener>),
    Open(Box<Transport>),
    Failed(LinkFault),
}

impl Link {
    /// A link that we dial. It has nothing to transmit before `connected`.
    pub fn dial(local: &OnionSecret, remote: OnionAddress, entropy: Entropy) -> Self {
        Self::new(LinkState::Dialling(Box::new(Dialer::new(local, remote, entropy))))
    }

    /// A link that a peer has dialled.
    pub fn accept(local: &OnionSecret, entropy: Entropy) -> Self {
        Self::new(LinkState::Listening(Box::new(Listener::new(local, entropy))))
    }

    fn new(state: LinkState) -> Self {
        Self {
            state,
            incoming: Incoming::default(),
            outgoing: Outgoing::default(),
        }
    }

    /// The stream that we dialled is up.
    pub fn connected(&mut self) {
        self.state = match mem::replace(&mut self.state, LinkState::Failed(LinkFault::Handshake)) {
            LinkState::Dialling(mut dialer) => {
                dialer.call(&mut self.outgoing.stream);
                LinkState::Calling(dialer)
            }
            // Bytes before the stream was up.
            LinkState::Failed(fault) => LinkState::Failed(fault),
            _ => panic!("connected comes once, on a dialled link"),
        };
    }

    /// Takes bytes of the peer. Holds only what can still be right.
    pub fn receive(&mut self, bytes: &[u8]) {
        let (limit, fault) = match &self.state {
            LinkState::Failed(_) => return,
            LinkState::Dialling(_) => (0, LinkFault::Early),
            LinkState::Calling(_) => (PREFIX + REPLY, LinkFault::Early),
            LinkState::Listening(_) => (PREFIX + CALL, LinkFault::Early),
            LinkState::Replied(_) | LinkState::Open(_) => (Limits::UNREAD_BYTES, LinkFault::Flood),
        };
        let room = limit - self.incoming.len();
        self.incoming.push(&bytes[..bytes.len().min(room)]);
        if bytes.len() > room {
            // A stranger that speaks another protocol is recognised by its first two bytes.
            let fault = self
                .state
                .lengths()
                .and_then(|lengths| self.incoming.announced(&lengths))
                .err()
                .unwrap_or(fault);
            self.fail(fault);
        }
    }

    /// The next event, if its bytes have come. A fault stays.
    pub fn event(&mut self) -> Result<Option<LinkEvent>, LinkFault> {
        self.advance().inspect_err(|fault| self.fail(*fault))
    }

    /// Sends a frame, of at most 65 516 encoded bytes. Only after `Authenticated`.
    pub fn send(&mut self, frame: &Frame) {
        match &mut self.state {
            LinkState::Open(transport) => transport.seal(frame, &mut self.outgoing.stream),
            // The fault has not been pulled yet, or the link is about to be closed because of it.
            LinkState::Failed(_) => {}
            _ => panic!("frames follow the handshake"),
        }
    }

    /// The bytes to write now: all that there are, unless a transmit is in flight. Puts one in flight.
    pub fn transmit(&mut self) -> Option<Vec<u8>> {
        self.outgoing.transmit()
    }

    /// The transmit in flight is done.
    pub fn drained(&mut self) {
        self.outgoing.drained();
    }

    /// Bytes that wait to be transmitted or are in flight.
    pub fn backlog(&self) -> usize {
        self.outgoing.backlog()
    }

    fn advance(&mut self) -> Result<Option<LinkEvent>, LinkFault> {
        loop {
            let lengths = self.state.lengths()?;
            let Some(message) = self.incoming.take(&lengths)? else {
                self.rest();
                return Ok(None);
            };
            if let LinkState::Open(transport) = &mut self.state {
                return transport.open(message).map(|frame| Some(LinkEvent::Frame(frame)));
            }
            // A step of the handshake uses its state up: one that fails has no next.
            let state = mem::replace(&mut self.state, LinkState::Failed(LinkFault::Handshake));
            let event;
            (self.state, event) = state.step(message, &mut self.outgoing.stream)?;
            if event.is_some() {
                return Ok(event);
            }
        }
    }

    fn rest(&mut self) {
        self.incoming.rest();
        if let LinkState::Open(transport) = &mut self.state {
            transport.rest();
        }
    }

    fn fail(&mut self, fault: LinkFault) {
        self.state = LinkState::Failed(fault);
        self.incoming.discard();
    }
}

impl LinkState {
    /// Bytes of the message that can come next.
    fn lengths(&self) -> Result<RangeInclusive<usize>, LinkFault> {
        match self {
            Self::Dialling(_) => Ok(0..=0),
            Self::Calling(_) => Ok(REPLY..=REPLY),
            Self::Listening(_) => Ok(CALL..=CALL),
            Self::Replied(_) => Ok(CONFIRMATION..=CONFIRMATION),
            Self::Open(_) => Ok(MESSAGE),
            Self::Failed(fault) => Err(*fault),
        }
    }

    /// Takes a handshake message, writes the answer to it.
    fn step(self, message: &[u8], stream: &mut Vec<u8>) -> Result<(Self, Option<LinkEvent>), LinkFault> {
        let (peer, transport) = match self {
            Self::Listening(mut listener) => {
                listener.reply(message, stream)?;
                return Ok((Self::Replied(listener), None));
            }
            Self::Calling(dialer) => dialer.confirm(message, stream)?,
            Self::Replied(listener) => listener.admit(message)?,
            Self::Dialling(_) | Self::Open(_) | Self::Failed(_) => unreachable!("no handshake message is due"),
        };
        Ok((Self::Open(Box::new(transport)), Some(LinkEvent::Authenticated(peer))))
    }
}
