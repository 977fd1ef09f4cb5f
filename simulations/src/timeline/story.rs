//! What matters of a run, as lines that stand in one peer's column, go from one to another, or concern several.

use std::collections::BTreeMap;

use sotto_core::{Cause, Command, Input, Millis, Output};

use super::{Moment, Other, Timeline, What};
use crate::peer::Peer;

/// A line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Since the run began.
    pub at: Millis,
    pub what: Told,
    /// What chance has chosen just before, as a trace has it.
    pub chance: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    Power(Peer, bool),
    /// A peer's own affair.
    Own(Peer, String),
    /// From one to the other.
    Arrow(Peer, Peer, String),
    /// Something bad for these; for all, if there are none.
    Fault(Vec<Peer>, String),
    Remark(String),
}

/// Bytes on their way since the last line of another kind, by who sent them to whom.
type Traffic = BTreeMap<(Peer, Peer), (usize, usize)>;

/// Lines are told in order; bytes are gathered until something else happens.
struct Teller<'a> {
    timeline: &'a Timeline,
    /// What arrives and what was sent, by stream and who sent it.
    balance: BTreeMap<(u64, Peer), isize>,
    lines: Vec<Line>,
    traffic: Traffic,
    /// The order in which `traffic` began.
    ways: Vec<(Peer, Peer)>,
    arrived: Millis,
    chance: Vec<String>,
}

impl Timeline {
    /// How many people there are.
    pub fn people(&self) -> usize {
        self.people
    }

    /// The lines.
    pub fn story(&self) -> Vec<Line> {
        let mut balance = BTreeMap::new();
        for moment in self.moments() {
            match &moment.what {
                What::Output(peer, _, Some(Other { wire, .. }), Output::Transmit(_, bytes)) => {
                    *balance.entry((*wire, *peer)).or_default() += bytes.len().cast_signed();
                }
                What::Input(_, Some(Other { peer, wire }), Input::Received(_, bytes)) => {
                    *balance.entry((*wire, *peer)).or_default() -= bytes.len().cast_signed();
                }
                _ => {}
            }
        }
        let mut teller = Teller {
            timeline: self,
            balance,
            lines: Vec::new(),
            traffic: Traffic::new(),
            ways: Vec::new(),
            arrived: Millis(0),
            chance: Vec::new(),
        };
        self.moments().for_each(|moment| teller.tell(moment));
        teller.flush();
        shortened(&teller.lines)
    }
}

impl Teller<'_> {
    fn tell(&mut self, moment: &Moment) {
        let at = Millis(moment.at.0 - self.timeline.began().0);
        match &moment.what {
            What::Power(peer, on) => self.line(at, Told::Power(*peer, *on)),
            What::Remark(remark) => self.line(at, Told::Remark(remark.clone())),
            What::Fault(peers, fault) => self.line(at, Told::Fault(peers.clone(), fault.clone())),
            What::Chance(label, value) => self.chance.push(format!("{label}={value}")),
            What::Input(peer, other, input) => self.input(at, *peer, *other, input),
            What::Output(peer, _, other, output) => self.output(at, *peer, *other, output),
        }
    }

    fn input(&mut self, at: Millis, peer: Peer, other: Option<Other>, input: &Input) {
        match (input, other) {
            // The world's own questions.
            (Input::Command(_, Command::Identity | Command::Status), _) => {}
            (Input::Command(_, command), _) => {
                let wish = self.timeline.command(command);
                self.line(at, Told::Own(peer, format!("is asked to {wish}")));
            }
            (Input::Accepted(_), Some(other)) => self.line(at, Told::Arrow(other.peer, peer, "link".to_owned())),
            (Input::Received(_, bytes), Some(other)) => {
                let way = (other.peer, peer);
                if !self.traffic.contains_key(&way) {
                    self.ways.push(way);
                }
                let (times, sum) = self.traffic.entry(way).or_default();
                (*times, *sum) = (*times + 1, *sum + bytes.len());
                self.arrived = at;
            }
            (Input::Closed(_, cause), Some(other)) => {
                let end = match cause {
                    Cause::Unreachable => format!("cannot reach {}", other.peer),
                    Cause::HungUp => return,
                    Cause::Ended => format!("has lost the link to {}", other.peer),
                };
                let lost = self.balance.remove(&(other.wire, peer));
                let lost = lost
                    .filter(|lost| *lost > 0)
                    .map(|lost| format!(", and {lost} bytes on it"));
                self.line(at, Told::Own(peer, end + &lost.unwrap_or_default()));
            }
            _ => {}
        }
    }

    fn output(&mut self, at: Millis, peer: Peer, other: Option<Other>, output: &Output) {
        let told = match (output, other) {
            (Output::Dial(_, address), _) => Some(format!("dials {}", self.timeline.name(*address))),
            (Output::Hangup(_), Some(other)) => Some(format!("hangs up on {}", other.peer)),
            (Output::Reply(_, reply), _) => self.timeline.reply(reply),
            (Output::Commit(_, batch), _) => {
                let rows = self.timeline.batch(batch);
                (!rows.is_empty()).then(|| format!("commits {}", rows.join(", ")))
            }
            _ => None,
        };
        if let Some(told) = told {
            self.line(at, Told::Own(peer, told));
        }
    }

    fn line(&mut self, at: Millis, what: Told) {
        self.flush();
        let chance = std::mem::take(&mut self.chance);
        self.lines.push(Line { at, what, chance });
    }

    /// The bytes that have been gathered.
    fn flush(&mut self) {
        let mut chance = if self.ways.is_empty() {
            Vec::new()
        } else {
            std::mem::take(&mut self.chance)
        };
        for (from, to) in std::mem::take(&mut self.ways) {
            let (times, bytes) = self.traffic.remove(&(from, to)).unwrap_or_default();
            let times = if times > 1 {
                format!("{times} x, ")
            } else {
                String::new()
            };
            self.lines.push(Line {
                at: self.arrived,
                what: Told::Arrow(from, to, format!("{times}{bytes} B")),
                chance: std::mem::take(&mut chance),
            });
        }
    }
}

/// Of many lines that are alike, the first two and the last.
fn shortened(lines: &[Line]) -> Vec<Line> {
    const MANY: usize = 5;
    let mut short = Vec::new();
    for alike in lines.chunk_by(Line::is_like) {
        let [first, second, between @ .., last] = alike else {
            short.extend_from_slice(alike);
            continue;
        };
        if alike.len() < MANY {
            short.extend_from_slice(alike);
            continue;
        }
        let chance = between.iter().flat_map(|line| line.chance.clone()).collect();
        let more = match &first.what {
            Told::Own(peer, _) => Told::Own(*peer, format!("({} more like these)", between.len())),
            other => other.clone(),
        };
        let at = between[0].at;
        short.extend([
            first.clone(),
            second.clone(),
            Line { at, what: more, chance },
            last.clone(),
        ]);
    }
    short
}

impl Line {
    /// Whether both tell the same of one peer, but for names and numbers.
    fn is_like(&self, other: &Self) -> bool {
        let gist = |text: &str| text.split_whitespace().take(3).map(str::to_owned).collect::<Vec<_>>();
        match (&self.what, &other.what) {
            (Told::Own(a, one), Told::Own(b, another)) => {
                let (one, another) = (gist(one), gist(another));
                let kind = ["is asked to", "answers:"];
                let of_a_kind = kind.iter().any(|kind| one.join(" ").starts_with(kind));
                a == b && of_a_kind && one[0] == another[0] && (one[0] == "answers:" || one == another)
            }
            _ => false,
        }
    }
}
