//! What floods cost the others: `cargo bench -p sotto-testkit --bench floods`.
//!
//! A friend's first try (from `send` to the message stored) and a newcomer's first contact (from `add` to the request stored),
//! beside none, one, sixteen and a thousand hostile links. Each row prints `name links=… took=… ratio=…`, the ratio to the
//! same without hostile links; figures are medians. A last row, `handshake`, is what one stranger's handshake has a listener
//! compute.
//!
//! The nodes are real, and so is the time that the attacked node computes. The network is not: every byte takes [`DELAY`], and
//! the attacked node takes one input after the other. Half of the hostile links flood and half are silent; a link that ends is
//! opened anew, with another key, after [`REOPENING`]. Eight of them share a circuit, as on Tor.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use sotto_core::link::{Link, LinkEvent};
use sotto_core::row::Row;
use sotto_core::wire::link::{Frame, Heartbeat, Hello, frame::Body};
use sotto_core::{
    Cause, CircuitId, Command, Entropy, FriendCode, Input, Limits, LinkId, Millis, NewMessage, Now, OnionSecret,
};
use sotto_testkit::host::{Host, LinkOutput};
use sotto_testkit::memory_store::MemoryStore;
use sotto_testkit::pair::Pair;

/// How long bytes are on their way.
const DELAY: Duration = Duration::from_millis(50);
/// How long a hostile peer takes to open another link.
const REOPENING: Duration = Duration::from_secs(2);
/// How long the flood goes on before the honest peer comes.
const BEFORE: Duration = Duration::from_secs(5);
/// What takes longer has not come through.
const PATIENCE: Duration = Duration::from_mins(1);
/// Frames that a flooding link sends at once.
const BURST: usize = 60;
/// Streams on one circuit.
const STREAMS_PER_CIRCUIT: u64 = 8;
/// Rounds of each row.
const ROUNDS: u8 = 5;
/// Rounds of the row `handshake`.
const HANDSHAKES: usize = 1001;

fn main() {
    for (name, measure) in [("friend", friend as fn(usize, u8) -> Duration), ("newcomer", newcomer)] {
        let mut alone = None;
        for links in [0, 1, 16, 1000] {
            let mut took: Vec<Duration> = (0..ROUNDS).map(|round| measure(links, round)).collect();
            took.sort();
            let took = took[took.len() / 2];
            let ratio = took.as_secs_f64() / alone.get_or_insert(took).as_secs_f64();
            println!("{name} links={links} took={took:.1?} ratio={ratio:.2}");
        }
    }
    println!("handshake took={:.1?}", handshake());
}

/// What a listener computes until it knows its dialer.
fn handshake() -> Duration {
    let [dialer, listener] = [1, 2].map(|seed| OnionSecret::from_seed(&[seed; 32]));
    let mut entropy = Entropy::from_seed([9; 32]);
    let mut took: Vec<Duration> = (0..HANDSHAKES)
        .map(|_| {
            let mut dialing = Link::dial(&dialer, listener.address(), entropy.fork());
            let mut listening = Link::accept(&listener, entropy.fork());
            dialing.connected();
            let mut spent = Duration::ZERO;
            loop {
                let bytes = dialing.transmit().expect("it is the dialer's turn");
                dialing.drained();
                let began = Instant::now();
                listening.receive(&bytes);
                let event = listening.event().expect("an honest dialer");
                spent += began.elapsed();
                if matches!(event, Some(LinkEvent::Authenticated(_))) {
                    return spent;
                }
                dialing.receive(&listening.transmit().expect("it is the listener's turn"));
                listening.drained();
                dialing.event().expect("an honest listener");
            }
        })
        .collect();
    took.sort();
    took[took.len() / 2]
}

/// From `send` to the message stored at the other side, without a link at first.
fn friend(links: usize, round: u8) -> Duration {
    let mut pair: Pair<MemoryStore> = Pair::new(
        [MemoryStore::default(), MemoryStore::default()],
        round,
        &Limits::default(),
    );
    pair.befriend();
    pair.cut();
    pair.run();
    let Pair { sides: [a, b], now, .. } = pair;
    let draft = NewMessage::plain(a.address, "Are you there?");
    let mut flood = Flood::new(a, b, now, links);
    flood.took(Command::Send(draft), |row| matches!(row, Row::Message(_)))
}

/// From `add` to the request stored at the other side.
fn newcomer(links: usize, round: u8) -> Duration {
    let pair: Pair<MemoryStore> = Pair::new(
        [MemoryStore::default(), MemoryStore::default()],
        round,
        &Limits::default(),
    );
    let Pair { sides: [a, b], now, .. } = pair;
    let add = Command::AddContact {
        code: FriendCode {
            address: a.address,
            invite: None,
        },
        petname: None,
        note: "We met on the train.".to_owned(),
    };
    let mut flood = Flood::new(a, b, now, links);
    flood.took(add, |row| matches!(row, Row::Request(_)))
}

/// The network between the attacked node and the others. Times are since its beginning.
struct Flood {
    attacked: Host,
    honest: Host,
    began: Now,
    now: Duration,
    /// When the attacked node has dealt with what has arrived so far.
    idle_from: Duration,
    events: BTreeMap<(Duration, u64), Event>,
    scheduled: u64,
    accepted: u64,
    /// The far ends of the attacked node's links.
    far_ends: BTreeMap<LinkId, FarEnd>,
    /// What the honest node's links are called at the attacked one.
    honest_links: BTreeMap<LinkId, LinkId>,
    hostile: BTreeMap<u64, Link>,
    entropy: Entropy,
}

enum Event {
    /// At the attacked node.
    Attacked(Input),
    /// At the honest node.
    Honest(Input),
    /// Bytes for a hostile peer, or the end of its link.
    Hostile(u64, Option<Vec<u8>>),
    /// A hostile peer opens a link.
    Open(u64),
}

#[derive(Clone, Copy)]
enum FarEnd {
    Honest(LinkId),
    Hostile(u64),
}

impl Flood {
    fn new(attacked: Host, honest: Host, began: Now, links: usize) -> Self {
        let mut flood = Self {
            attacked,
            honest,
            began,
            now: Duration::ZERO,
            idle_from: Duration::ZERO,
            events: BTreeMap::new(),
            scheduled: 0,
            accepted: 1 << 32,
            far_ends: BTreeMap::new(),
            honest_links: BTreeMap::new(),
            hostile: BTreeMap::new(),
            entropy: Entropy::from_seed([7; 32]),
        };
        for number in 0..links as u64 {
            // Not all at once.
            flood.schedule(Duration::from_millis(number * 7 % 2000), Event::Open(number));
        }
        flood
    }

    /// How long it takes from the honest node's command until the attacked node has one more such row.
    fn took(&mut self, command: Command, is_wanted: impl Fn(&Row) -> bool) -> Duration {
        while self.step(BEFORE) {}
        let wanted = |flood: &Self| flood.attacked.store.rows().filter(|row| is_wanted(row)).count();
        let before = wanted(self);
        self.now = BEFORE;
        let clock = self.clock(self.now);
        self.honest.submit(command, clock);
        self.carry_out_honest();
        while wanted(self) == before {
            assert!(self.step(BEFORE + PATIENCE), "it has not come through");
        }
        self.idle_from.saturating_sub(BEFORE)
    }

    /// Deals with the next event before this moment. False if there is none.
    fn step(&mut self, end: Duration) -> bool {
        let deadline = self.honest.node.deadline().map(|deadline| {
            let ahead = deadline.at.since(self.began.monotonic);
            Duration::from_millis(ahead.0).max(self.now)
        });
        let next = self.events.first_key_value().map(|(key, _)| key.0);
        if let Some(at) = deadline.filter(|at| *at <= end && next.is_none_or(|next| *at < next)) {
            self.now = at;
            self.give_honest(Input::Tick);
            return true;
        }
        match self.events.first_entry().filter(|entry| entry.key().0 <= end) {
            Some(entry) => {
                let ((at, _), event) = entry.remove_entry();
                self.now = at;
                self.happen(event);
                true
            }
            None => false,
        }
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Attacked(input) => self.give_attacked(input),
            Event::Honest(input) => self.give_honest(input),
            Event::Hostile(number, Some(bytes)) => self.give_hostile(number, &bytes),
            Event::Hostile(number, None) => {
                self.hostile.remove(&number);
                self.schedule(REOPENING, Event::Open(number));
            }
            Event::Open(number) => self.open(number),
        }
    }

    fn schedule(&mut self, after: Duration, event: Event) {
        self.schedule_at(self.now + after, event);
    }

    fn schedule_at(&mut self, at: Duration, event: Event) {
        self.scheduled += 1;
        self.events.insert((at, self.scheduled), event);
    }

    fn clock(&self, at: Duration) -> Now {
        let since = Millis(u64::try_from(at.as_millis()).expect("minutes"));
        Now {
            monotonic: self.began.monotonic.after(since),
            wall: self.began.wall.after(since),
        }
    }

    /// The attacked node takes an input when it has dealt with those before. What it sends leaves when it is done.
    fn give_attacked(&mut self, input: Input) {
        let begins = self.now.max(self.idle_from);
        let clock = self.clock(begins);
        let started = Instant::now();
        self.attacked.node.handle(input, clock);
        let mut outputs = Vec::new();
        while let Some(output) = self.attacked.poll(clock) {
            match &output {
                LinkOutput::Dial(id, _) => self.attacked.node.handle(Input::Closed(*id, Cause::Unreachable), clock),
                LinkOutput::Transmit(id, _) => self.attacked.node.handle(Input::Drained(*id), clock),
                LinkOutput::Hangup(id) => self.attacked.node.handle(Input::Closed(*id, Cause::HungUp), clock),
            }
            outputs.push(output);
        }
        self.idle_from = begins + started.elapsed();
        self.attacked.notices.clear();
        for output in outputs {
            let (id, bytes) = match output {
                LinkOutput::Dial(..) => continue,
                LinkOutput::Transmit(id, bytes) => (id, Some(bytes)),
                LinkOutput::Hangup(id) => (id, None),
            };
            let event = match (self.far_ends.get(&id), bytes) {
                (None, _) => continue,
                (Some(FarEnd::Hostile(number)), bytes) => Event::Hostile(*number, bytes),
                (Some(FarEnd::Honest(id)), Some(bytes)) => Event::Honest(Input::Received(*id, bytes)),
                (Some(FarEnd::Honest(id)), None) => Event::Honest(Input::Closed(*id, Cause::Ended)),
            };
            if matches!(event, Event::Hostile(_, None) | Event::Honest(Input::Closed(..))) {
                self.far_ends.remove(&id);
            }
            self.schedule_at(self.idle_from + DELAY, event);
        }
    }

    fn give_honest(&mut self, input: Input) {
        let clock = self.clock(self.now);
        self.honest.node.handle(input, clock);
        self.carry_out_honest();
    }

    fn carry_out_honest(&mut self) {
        let clock = self.clock(self.now);
        while let Some(output) = self.honest.poll(clock) {
            match output {
                LinkOutput::Dial(id, _) => {
                    let accepted = self.accept(FarEnd::Honest(id), CircuitId(u64::MAX));
                    self.honest_links.insert(id, accepted);
                    self.schedule(2 * DELAY, Event::Honest(Input::Connected(id)));
                }
                LinkOutput::Transmit(id, bytes) => {
                    if let Some(accepted) = self.honest_links.get(&id) {
                        self.schedule(DELAY, Event::Attacked(Input::Received(*accepted, bytes)));
                    }
                    self.honest.node.handle(Input::Drained(id), clock);
                }
                LinkOutput::Hangup(id) => self.honest.node.handle(Input::Closed(id, Cause::HungUp), clock),
            }
        }
    }

    /// A stream arrives at the attacked node.
    fn accept(&mut self, far_end: FarEnd, circuit: CircuitId) -> LinkId {
        self.accepted += 1;
        let id = LinkId::Accepted(self.accepted);
        self.far_ends.insert(id, far_end);
        self.schedule(DELAY, Event::Attacked(Input::Accepted(id, circuit)));
        id
    }

    fn open(&mut self, number: u64) {
        let secret = OnionSecret::from_seed(&self.entropy.bytes());
        let mut link = Link::dial(&secret, self.attacked.address, self.entropy.fork());
        link.connected();
        self.hostile.insert(number, link);
        self.accept(FarEnd::Hostile(number), CircuitId(number / STREAMS_PER_CIRCUIT));
        self.send_hostile(number);
    }

    fn give_hostile(&mut self, number: u64, bytes: &[u8]) {
        let Some(link) = self.hostile.get_mut(&number) else {
            return;
        };
        link.receive(bytes);
        while let Ok(Some(event)) = link.event() {
            if matches!(event, LinkEvent::Authenticated(_)) {
                link.send(&hello());
                for _ in 0..if number.is_multiple_of(2) { BURST } else { 0 } {
                    link.send(&heartbeat());
                }
            }
        }
        self.send_hostile(number);
    }

    fn send_hostile(&mut self, number: u64) {
        let far_end = |(_, far_end): &(&LinkId, &FarEnd)| matches!(far_end, FarEnd::Hostile(of) if *of == number);
        let id = self.far_ends.iter().rfind(far_end).map(|(id, _)| *id);
        if let (Some(id), Some(link)) = (id, self.hostile.get_mut(&number))
            && let Some(bytes) = link.transmit()
        {
            link.drained();
            self.schedule(DELAY, Event::Attacked(Input::Received(id, bytes)));
        }
    }
}

fn hello() -> Frame {
    let hello = Hello {
        version_min: 1,
        version_max: 1,
        ..Hello::default()
    };
    Frame {
        body: Some(Body::Hello(hello)),
    }
}

fn heartbeat() -> Frame {
    Frame {
        body: Some(Body::Heartbeat(Heartbeat { reply: true })),
    }
}
