//! What cases work with: the way to the target, strangers, one who has asked, and up to two friends.

use std::time::Duration;

use sha2::{Digest as _, Sha256};
use sotto_core::wire::link::{Hello, Relationship, frame::Body};
use sotto_core::{Entropy, OnionAddress, OnionSecret};

use super::call::{Call, Lies};
use super::line::Line;
use super::pace::Pace;
use super::peer::Peer;
use super::records::Records;
use super::report::Failure;
use super::target::Target;

/// The way to the target.
pub struct Net<'t> {
    target: &'t dyn Target,
    /// Who the target is.
    pub address: OnionAddress,
    /// How long it may take for what it owes.
    pub patience: Duration,
    /// How many times as fast as ours its clock runs.
    pub haste: u32,
}

impl Net<'_> {
    /// So many seconds of the target's clock.
    pub fn seconds(&self, seconds: u64) -> Duration {
        Duration::from_secs(seconds) / self.haste
    }

    /// A fresh stream.
    pub fn records(&self) -> Result<Records, Failure> {
        Records::open(self.target, self.patience)
    }

    /// A handshake on a fresh stream; nothing is said yet.
    pub fn call(&self, peer: &mut Peer, lies: Lies) -> Result<Call, Failure> {
        Ok(Call::new(peer, &self.address, self.records()?, lies))
    }

    /// An authenticated link, without our Hello.
    pub fn dial(&self, peer: &mut Peer) -> Result<Line, Failure> {
        // The token that the target's bucket asks for our Hello.
        peer.pace.pay(1);
        let mut call = self.call(peer, Lies::default())?;
        call.greet()?;
        Ok(call.finish(peer, &[]))
    }

    /// A link on which both have said Hello, we truthfully; gives the target's.
    pub fn greet(&self, peer: &mut Peer, relationship: Relationship) -> Result<(Line, Hello), Failure> {
        let hello = peer.hello(relationship);
        self.greet_with(peer, hello)
    }

    /// A link on which we have said this Hello; gives the target's.
    pub fn greet_with(&self, peer: &mut Peer, hello: Hello) -> Result<(Line, Hello), Failure> {
        let mut line = self.dial(peer)?;
        line.send_unpaced(Body::Hello(hello));
        let theirs = line.expect_hello()?;
        Ok((line, theirs))
    }

    /// A link of a friend's, on which ciphertexts flow in a session of which the target has no ciphertext outstanding, nor
    /// we. The session is the friend's last, or else a new one, by the consent of [C-9].
    pub fn flowing(&self, friend: &mut Peer) -> Result<Line, Failure> {
        if friend.session.is_some() {
            let (line, _) = self.greet(friend, Relationship::Friend)?;
            return Ok(line);
        }
        let (mut line, _) = self.greet(friend, Relationship::Requested)?;
        friend.enter(&mut line, &[])?;
        Ok(line)
    }
}

/// Which of two friends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The one whose key is above the target's [I-8].
    Larger,
    /// The one whose key is below.
    Smaller,
}

/// All of it.
pub struct World<'t> {
    /// The way to the target.
    pub net: Net<'t>,
    seed: [u8; 32],
    entropy: Entropy,
    identities: u64,
    strangers: Pace,
    invites: Vec<[u8; 16]>,
    used: Option<[u8; 16]>,
    asker: Option<Peer>,
    larger: Option<Peer>,
    smaller: Option<Peer>,
}

impl<'t> World<'t> {
    /// Nobody knows anybody yet.
    pub fn new(target: &'t dyn Target, address: OnionAddress, invites: Vec<[u8; 16]>, seed: [u8; 32]) -> Self {
        Self {
            net: Net {
                target,
                address,
                patience: Duration::from_secs(5),
                haste: 1,
            },
            seed,
            entropy: Entropy::from_seed(seed),
            identities: 0,
            strangers: Pace::new(1),
            invites,
            used: None,
            asker: None,
            larger: None,
            smaller: None,
        }
    }

    /// How fast the target's clock runs.
    pub fn hasten(&mut self, haste: u32) {
        self.net.haste = haste;
        self.strangers = Pace::new(haste);
    }

    /// Somebody whom the target has never heard of.
    pub fn stranger(&mut self) -> (&Net<'t>, Peer) {
        let peer = self.newcomer(|_| true);
        (&self.net, peer)
    }

    /// Somebody unknown, whose address is `such`.
    fn newcomer(&mut self, such: impl Fn(OnionAddress) -> bool) -> Peer {
        let seed = loop {
            self.identities += 1;
            let seed = onion_seed(&self.seed, self.identities);
            if such(OnionSecret::from_seed(&seed).address()) {
                break seed;
            }
        };
        Peer::new(seed, self.entropy.fork(), self.net.address, self.strangers.clone())
    }

    /// Somebody whose request waits at the target for a person.
    pub fn asker(&mut self) -> Result<(&Net<'t>, &mut Peer), Failure> {
        if self.asker.is_none() {
            let (net, mut peer) = self.stranger();
            let (mut line, _) = net.greet(&mut peer, Relationship::Requested)?;
            let request = peer.request(&[]);
            line.send(Body::Request(request));
            line.expect_answer(Relationship::Pending)?;
            self.keep_asker(peer);
        }
        Ok((&self.net, self.asker.as_mut().expect("just kept")))
    }

    /// This one's request waits at the target from now on.
    pub fn keep_asker(&mut self, mut peer: Peer) {
        peer.pace = Pace::new(self.net.haste);
        self.asker = Some(peer);
    }

    /// Whether there is, or could be, such a friend.
    pub fn can_befriend(&self, side: Side) -> bool {
        let friend = match side {
            Side::Larger => &self.larger,
            Side::Smaller => &self.smaller,
        };
        friend.is_some() || !self.invites.is_empty()
    }

    /// A friend of the target's.
    pub fn friend(&mut self, side: Side) -> Result<(&Net<'t>, &mut Peer), Failure> {
        let known = match side {
            Side::Larger => self.larger.is_some(),
            Side::Smaller => self.smaller.is_some(),
        };
        if !known {
            let invite = self
                .invites
                .pop()
                .ok_or_else(|| Failure::new("an invite", "none is left"))?;
            let target = self.net.address;
            let mut peer = self.newcomer(|address| match side {
                Side::Larger => address > target,
                Side::Smaller => address < target,
            });
            let (mut line, _) = self.net.greet(&mut peer, Relationship::Requested)?;
            peer.enter(&mut line, &invite)?;
            peer.pace = Pace::new(self.net.haste);
            self.used = Some(invite);
            match side {
                Side::Larger => self.larger = Some(peer),
                Side::Smaller => self.smaller = Some(peer),
            }
        }
        let friend = match side {
            Side::Larger => &mut self.larger,
            Side::Smaller => &mut self.smaller,
        };
        Ok((&self.net, friend.as_mut().expect("just befriended")))
    }

    /// The invite that the next friend will have.
    pub fn next_invite(&self) -> Option<[u8; 16]> {
        self.invites.last().copied()
    }

    /// An invite that a friend has used.
    pub fn used_invite(&self) -> Option<[u8; 16]> {
        self.used
    }

    /// What friends know of their sessions may be wrong: each asks anew.
    pub fn forget_sessions(&mut self) {
        for friend in [&mut self.larger, &mut self.smaller].into_iter().flatten() {
            friend.session = None;
        }
    }
}

/// The secret onion key of the so-manieth identity, from 1, of a run with this seed.
pub fn onion_seed(seed: &[u8; 32], number: u64) -> [u8; 32] {
    let digest = Sha256::new()
        .chain_update(b"sotto conformance")
        .chain_update(seed)
        .chain_update(number.to_be_bytes());
    digest.finalize().into()
}
