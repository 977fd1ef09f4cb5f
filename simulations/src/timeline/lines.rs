//! [`TimelineEntry`]: the main events of a run. A line belongs to one peer, goes from one to another, or concerns several.

use std::collections::BTreeMap;

use sotto_core::{Cause, Command, Input, Millis, Output};

use super::{Moment, MomentKind, RemoteEnd, Timeline};
use crate::node_index::NodeIndex;

/// A line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimelineEntry {
    /// The time since the run began.
    pub at: Millis,
    pub what: LineKind,
    /// The choices just before, as in a trace.
    pub chance: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LineKind {
    Power(NodeIndex, bool),
    /// An event of one peer.
    Own(NodeIndex, String),
    /// From one to the other.
    Arrow(NodeIndex, NodeIndex, String),
    /// A fault for these peers; for all, if there are none.
    Fault(Vec<NodeIndex>, String),
    Note(String),
}

/// Bytes that have arrived since the last line of another kind, by sender and receiver.
type Traffic = BTreeMap<(NodeIndex, NodeIndex), (usize, usize)>;

/// Builds lines in order, and collects arriving bytes until something else happens.
struct LineBuilder<'a> {
    timeline: &'a Timeline,
    /// Bytes sent minus bytes arrived, by stream and sender.
    balance: BTreeMap<(u64, NodeIndex), isize>,
    lines: Vec<TimelineEntry>,
    traffic: Traffic,
    /// The order in which `traffic` began.
    ways: Vec<(NodeIndex, NodeIndex)>,
    arrived: Millis,
    chance: Vec<String>,
}

impl Timeline {
    /// How many peers there are.
    pub fn people(&self) -> usize {
        self.people
    }

    /// The lines.
    pub fn lines(&self) -> Vec<TimelineEntry> {
        let mut balance = BTreeMap::new();
        for moment in self.moments() {
            match &moment.what {
                MomentKind::Output(peer, _, Some(RemoteEnd { stream, .. }), Output::Transmit(_, bytes)) => {
                    *balance.entry((*stream, *peer)).or_default() += bytes.len().cast_signed();
                }
                MomentKind::Input(_, Some(RemoteEnd { peer, stream }), Input::Received(_, bytes)) => {
                    *balance.entry((*stream, *peer)).or_default() -= bytes.len().cast_signed();
                }
                _ => {}
            }
        }
        let mut builder = LineBuilder {
            timeline: self,
            balance,
            lines: Vec::new(),
            traffic: Traffic::new(),
            ways: Vec::new(),
            arrived: Millis(0),
            chance: Vec::new(),
        };
        self.moments().for_each(|moment| builder.add(moment));
        builder.flush();
        shortened(&builder.lines)
    }
}

impl LineBuilder<'_> {
    fn add(&mut self, moment: &Moment) {
        let at = Millis(moment.at.0 - self.timeline.began().0);
        match &moment.what {
            MomentKind::Power(peer, on) => self.line(at, LineKind::Power(*peer, *on)),
            MomentKind::Note(note) => self.line(at, LineKind::Note(note.clone())),
            MomentKind::Fault(peers, fault) => self.line(at, LineKind::Fault(peers.clone(), fault.clone())),
            MomentKind::Chance(label, value) => self.chance.push(format!("{label}={value}")),
            MomentKind::Input(peer, other, input) => self.input(at, *peer, *other, input),
            MomentKind::Output(peer, _, other, output) => self.output(at, *peer, *other, output),
        }
    }

    fn input(&mut self, at: Millis, peer: NodeIndex, other: Option<RemoteEnd>, input: &Input) {
        match (input, other) {
            // Commands of the simulator itself.
            (Input::Command(_, Command::Identity | Command::Status), _) => {}
            (Input::Command(_, command), _) => {
                let command = self.timeline.command(command);
                self.line(at, LineKind::Own(peer, format!("is asked to {command}")));
            }
            (Input::Accepted(..), Some(other)) => self.line(at, LineKind::Arrow(other.peer, peer, "link".to_owned())),
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
                let lost = self.balance.remove(&(other.stream, peer));
                let lost = lost
                    .filter(|lost| *lost > 0)
                    .map(|lost| format!(", and {lost} bytes on it"));
                self.line(at, LineKind::Own(peer, end + &lost.unwrap_or_default()));
            }
            _ => {}
        }
    }

    fn output(&mut self, at: Millis, peer: NodeIndex, other: Option<RemoteEnd>, output: &Output) {
        let phrase = match (output, other) {
            (Output::Dial(_, address), _) => Some(format!("dials {}", self.timeline.name(*address))),
            (Output::Hangup(_), Some(other)) => Some(format!("hangs up on {}", other.peer)),
            (Output::Reply(_, reply), _) => self.timeline.reply(reply),
            (Output::Commit(_, batch), _) => {
                let rows = self.timeline.batch(batch);
                (!rows.is_empty()).then(|| format!("commits {}", rows.join(", ")))
            }
            _ => None,
        };
        if let Some(phrase) = phrase {
            self.line(at, LineKind::Own(peer, phrase));
        }
    }

    fn line(&mut self, at: Millis, what: LineKind) {
        self.flush();
        let chance = std::mem::take(&mut self.chance);
        self.lines.push(TimelineEntry { at, what, chance });
    }

    /// Adds the collected bytes.
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
            self.lines.push(TimelineEntry {
                at: self.arrived,
                what: LineKind::Arrow(from, to, format!("{times}{bytes} B")),
                chance: std::mem::take(&mut chance),
            });
        }
    }
}

/// Of many similar lines, the first two and the last.
fn shortened(lines: &[TimelineEntry]) -> Vec<TimelineEntry> {
    const MANY: usize = 5;
    let mut short = Vec::new();
    for alike in lines.chunk_by(TimelineEntry::is_like) {
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
            LineKind::Own(peer, _) => LineKind::Own(*peer, format!("({} more like these)", between.len())),
            other => other.clone(),
        };
        let at = between[0].at;
        short.extend([
            first.clone(),
            second.clone(),
            TimelineEntry { at, what: more, chance },
            last.clone(),
        ]);
    }
    short
}

impl TimelineEntry {
    /// Whether both say the same of one peer, except for names and numbers.
    fn is_like(&self, other: &Self) -> bool {
        let gist = |text: &str| text.split_whitespace().take(3).map(str::to_owned).collect::<Vec<_>>();
        match (&self.what, &other.what) {
            (LineKind::Own(a, one), LineKind::Own(b, another)) => {
                let (one, another) = (gist(one), gist(another));
                let kind = ["is asked to", "answers:"];
                let of_a_kind = kind.iter().any(|kind| one.join(" ").starts_with(kind));
                a == b && of_a_kind && one[0] == another[0] && (one[0] == "answers:" || one == another)
            }
            _ => false,
        }
    }
}
