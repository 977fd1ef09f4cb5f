//! Every input and every output, one line each.

use std::fmt;

use sotto_core::row::{Change, Key};
use sotto_core::{Input, Output};

use super::{MomentKind, Timeline};
use crate::node_index::NodeIndex;

impl Timeline {
    /// Every line.
    pub fn full(&self) -> Vec<String> {
        let line = |moment: &super::Moment| {
            let millis = moment.at.0;
            let what = match &moment.what {
                MomentKind::Power(peer, on) => format!("{peer:<6} is switched {}", if *on { "on" } else { "off" }),
                MomentKind::Note(note) => format!("-- {note}"),
                MomentKind::Fault(peers, fault) => format!("!! {} {fault}", names(peers)),
                MomentKind::Chance(label, value) => format!("?? {label} = {value}"),
                MomentKind::Input(peer, _, input) => format!("{peer:<6} ← {}", InputLine(input)),
                MomentKind::Output(peer, index, _, output) => format!("{peer:<6} → #{index} {}", OutputLine(output)),
            };
            format!("{:>8}.{:03}  {what}", millis / 1000, millis % 1000)
        };
        self.moments().map(line).collect()
    }
}

fn names(peers: &[NodeIndex]) -> String {
    let names: Vec<_> = peers.iter().map(NodeIndex::to_string).collect();
    names.join(" and ")
}

struct InputLine<'a>(&'a Input);

impl fmt::Display for InputLine<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Input::Received(link, bytes) => write!(f, "Received({link:?}, {} bytes)", bytes.len()),
            Input::Fetched(id, rows) => write!(f, "Fetched({id:?}, {} messages)", rows.messages.len()),
            other => write!(f, "{other:?}"),
        }
    }
}

struct OutputLine<'a>(&'a Output);

impl fmt::Display for OutputLine<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Output::Commit(id, batch) => {
                write!(f, "Commit({id:?}")?;
                for change in &batch.changes {
                    let (sign, key) = match change {
                        Change::Put(row) => ('+', row.key()),
                        Change::Insert(row) => ('?', row.key()),
                        Change::Delete(key) => ('-', key.clone()),
                    };
                    write!(f, " {sign}{}", ShortKey(&key))?;
                }
                f.write_str(")")
            }
            Output::Transmit(link, bytes) => write!(f, "Transmit({link:?}, {} bytes)", bytes.len()),
            other => write!(f, "{other:?}"),
        }
    }
}

struct ShortKey<'a>(&'a Key);

impl fmt::Display for ShortKey<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Key::Identity => f.write_str("identity"),
            Key::Contact(who) => write!(f, "contact {who:?}"),
            Key::Timer(conversation, author) => write!(f, "timer {conversation:?} {author:?}"),
            Key::Session(who) => write!(f, "session {who:?}"),
            Key::Cursors(who) => write!(f, "cursors {who:?}"),
            Key::PreKeyOffer(who) => write!(f, "offer {who:?}"),
            Key::Request(who) => write!(f, "request {who:?}"),
            Key::Invite(_) => f.write_str("invite"),
            Key::Outbox(who, position) => write!(f, "outbox {who:?} {}", position.0),
            Key::Consumer(name) => write!(f, "consumer {name}"),
            Key::Record(key) => write!(f, "record {key}"),
            Key::Message(key) => write!(f, "message by {:?} {:.8}", key.author, key.id.to_string()),
            Key::Delivery(key) => write!(f, "delivery by {:?} {:.8}", key.author, key.id.to_string()),
            Key::Reaction(key, author) => write!(f, "reaction {author:?} {:.8}", key.id.to_string()),
            Key::Event(seq) => write!(f, "event {}", seq.0),
        }
    }
}
