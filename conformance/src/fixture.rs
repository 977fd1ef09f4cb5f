//! [`Fixture`]: what cases work with. A connector to the target, new strangers, one requester and up to two contacts.

use std::collections::BTreeMap;
use std::time::Duration;

use sha2::{Digest as _, Sha256};
use sotto_core::wire::link::{Hello, Relationship, frame::Body};
use sotto_core::{Entropy, OnionAddress, OnionSecret};

use super::initiator::{Deviations, Initiator};
use super::link::TestLink;
use super::record_stream::RecordStream;
use super::report::Failure;
use super::target::Target;
use super::test_peer::{Clock, TestPeer};
use super::token_bucket::TokenBucket;

/// Opens streams and links to the target.
pub struct Connector<'t> {
    target: &'t dyn Target,
    /// The target's onion address.
    pub address: OnionAddress,
    /// How long the target may take for what it must do.
    pub timeout: Duration,
    /// How many times as fast as ours the target's clock runs.
    pub clock_rate: u32,
    /// The buckets of peers that the target knows.
    buckets: BTreeMap<OnionAddress, TokenBucket>,
}

impl Connector<'_> {
    /// This many seconds of the target's clock.
    pub fn seconds(&self, seconds: u64) -> Duration {
        Duration::from_secs(seconds) / self.clock_rate
    }

    /// The bucket of a peer at the target. An unknown peer has a new one for each link.
    pub fn bucket(&self, peer: &TestPeer) -> TokenBucket {
        let known = self.buckets.get(&peer.address()).cloned();
        known.unwrap_or_else(|| TokenBucket::new(self.clock_rate))
    }

    /// A new stream.
    pub fn records(&self) -> Result<RecordStream, Failure> {
        RecordStream::open(self.target, self.timeout)
    }

    /// A handshake on a new stream, of which nothing was sent.
    pub fn initiate(&self, peer: &mut TestPeer, deviations: Deviations) -> Result<Initiator, Failure> {
        let bucket = self.bucket(peer);
        Ok(Initiator::new(peer, self.records()?, bucket, deviations))
    }

    /// An authenticated link, without our Hello.
    pub fn dial(&self, peer: &mut TestPeer) -> Result<TestLink, Failure> {
        let bucket = self.bucket(peer);
        // The token for our Hello.
        bucket.take(1);
        let mut initiator = Initiator::new(peer, self.records()?, bucket, Deviations::default());
        initiator.exchange_1_2()?;
        Ok(initiator.finish(peer, &[]))
    }

    /// A link on which both sides have sent Hello, ours correct. Returns the target's.
    pub fn exchange_hello(
        &self,
        peer: &mut TestPeer,
        relationship: Relationship,
    ) -> Result<(TestLink, Hello), Failure> {
        let hello = peer.hello(relationship);
        self.exchange_hello_with(peer, hello)
    }

    /// A link on which we have sent this Hello. Returns the target's.
    pub fn exchange_hello_with(&self, peer: &mut TestPeer, hello: Hello) -> Result<(TestLink, Hello), Failure> {
        let mut link = self.dial(peer)?;
        link.send_unmetered(Body::Hello(hello));
        let theirs = link.expect_hello()?;
        Ok((link, theirs))
    }

    /// A link of a contact with a session in which every ciphertext of both sides is acknowledged. The session is the contact's
    /// last, or a new one by the consent of [C-9].
    pub fn session_link(&self, friend: &mut TestPeer) -> Result<TestLink, Failure> {
        if friend.session.is_some() {
            let (link, _) = self.exchange_hello(friend, Relationship::Friend)?;
            return Ok(link);
        }
        let (mut link, _) = self.exchange_hello(friend, Relationship::Requested)?;
        link.become_contact(friend, &[])?;
        Ok(link)
    }

    /// The target knows this peer from now on, which has a bucket of its own.
    fn add_bucket(&mut self, peer: &TestPeer) {
        let bucket = TokenBucket::new(self.clock_rate);
        self.buckets.insert(peer.address(), bucket);
    }
}

/// The order of a contact's key and the target's [I-8].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyOrder {
    /// The contact's key is above the target's.
    Larger,
    /// It is below.
    Smaller,
}

/// The peers of a run.
pub struct Fixture<'t> {
    /// The way to the target.
    pub connector: Connector<'t>,
    seed: [u8; 32],
    entropy: Entropy,
    identities: u64,
    invites: Vec<[u8; 16]>,
    used: Option<[u8; 16]>,
    requester: Option<TestPeer>,
    larger: Option<TestPeer>,
    smaller: Option<TestPeer>,
}

impl<'t> Fixture<'t> {
    /// A fixture for a target to which no peer is known.
    pub fn new(target: &'t dyn Target, options: &super::Options) -> Self {
        Self {
            connector: Connector {
                target,
                address: options.address,
                timeout: options.timeout,
                clock_rate: options.clock_rate,
                buckets: BTreeMap::new(),
            },
            seed: options.seed,
            entropy: Entropy::from_seed(options.seed),
            identities: 0,
            invites: options.invites.iter().map(|invite| invite.0).collect(),
            used: None,
            requester: None,
            larger: None,
            smaller: None,
        }
    }

    /// A peer that the target does not know.
    pub fn stranger(&mut self) -> (&Connector<'t>, TestPeer) {
        let peer = self.new_peer(|_| true);
        (&self.connector, peer)
    }

    /// An unknown peer whose address satisfies the predicate.
    fn new_peer(&mut self, predicate: impl Fn(OnionAddress) -> bool) -> TestPeer {
        let seed = loop {
            self.identities += 1;
            let seed = onion_seed(&self.seed, self.identities);
            if predicate(OnionSecret::from_seed(&seed).address()) {
                break seed;
            }
        };
        TestPeer::new(seed, self.entropy.fork(), self.connector.address, Clock::System)
    }

    /// A peer whose request waits at the target for its user.
    pub fn requester(&mut self) -> Result<(&Connector<'t>, &mut TestPeer), Failure> {
        if self.requester.is_none() {
            let (connector, mut peer) = self.stranger();
            let (mut link, _) = connector.exchange_hello(&mut peer, Relationship::Requested)?;
            let request = peer.request(&[]);
            link.send(Body::Request(request));
            link.expect_request_status(Relationship::Pending)?;
            self.keep_requester(peer);
        }
        Ok((&self.connector, self.requester.as_mut().expect("just kept")))
    }

    /// Makes this peer, whose request waits at the target, the requester.
    pub fn keep_requester(&mut self, peer: TestPeer) {
        self.connector.add_bucket(&peer);
        self.requester = Some(peer);
    }

    /// Whether there is, or can be, such a contact.
    pub fn can_befriend(&self, order: KeyOrder) -> bool {
        let friend = match order {
            KeyOrder::Larger => &self.larger,
            KeyOrder::Smaller => &self.smaller,
        };
        friend.is_some() || !self.invites.is_empty()
    }

    /// A contact of the target.
    pub fn friend(&mut self, order: KeyOrder) -> Result<(&Connector<'t>, &mut TestPeer), Failure> {
        let known = match order {
            KeyOrder::Larger => self.larger.is_some(),
            KeyOrder::Smaller => self.smaller.is_some(),
        };
        if !known {
            let invite = self
                .invites
                .pop()
                .ok_or_else(|| Failure::new("an invite", "none is left"))?;
            let target = self.connector.address;
            let mut peer = self.new_peer(|address| match order {
                KeyOrder::Larger => address > target,
                KeyOrder::Smaller => address < target,
            });
            let (mut link, _) = self.connector.exchange_hello(&mut peer, Relationship::Requested)?;
            link.become_contact(&mut peer, &invite)?;
            self.connector.add_bucket(&peer);
            self.used = Some(invite);
            match order {
                KeyOrder::Larger => self.larger = Some(peer),
                KeyOrder::Smaller => self.smaller = Some(peer),
            }
        }
        let friend = match order {
            KeyOrder::Larger => &mut self.larger,
            KeyOrder::Smaller => &mut self.smaller,
        };
        Ok((&self.connector, friend.as_mut().expect("just befriended")))
    }

    /// The invite of the next contact.
    pub fn next_invite(&self) -> Option<[u8; 16]> {
        self.invites.last().copied()
    }

    /// An invite that a contact has used.
    pub fn used_invite(&self) -> Option<[u8; 16]> {
        self.used
    }

    /// Drops the sessions of the contacts, which may be out of step with the target. Each sends a new request.
    pub fn forget_sessions(&mut self) {
        for friend in [&mut self.larger, &mut self.smaller].into_iter().flatten() {
            friend.session = None;
        }
    }
}

/// The secret onion key of the n-th identity of a run with this seed, from 1.
pub fn onion_seed(seed: &[u8; 32], number: u64) -> [u8; 32] {
    let digest = Sha256::new()
        .chain_update(b"sotto conformance")
        .chain_update(seed)
        .chain_update(number.to_be_bytes());
    digest.finalize().into()
}
