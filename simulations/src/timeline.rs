//! What happened in a run, a line each, for a person who looks for a fault.

use std::fmt;

use sotto_core::row::{Change, Key};
use sotto_core::{Input, Millis, Output};

use crate::Peer;

/// The lines of a run; kept only when somebody will read them.
#[derive(Default)]
pub struct Timeline {
    lines: Option<Vec<String>>,
}

impl Timeline {
    /// Keeps lines from now on.
    pub fn keep(&mut self) {
        self.lines.get_or_insert_default();
    }

    /// Every line kept.
    pub fn lines(&self) -> &[String] {
        self.lines.as_deref().unwrap_or_default()
    }

    /// Something that the world did.
    pub fn note(&mut self, now: Millis, note: impl FnOnce() -> String) {
        if let Some(lines) = &mut self.lines {
            let millis = now.0;
            lines.push(format!("{:>8}.{:03}  {}", millis / 1000, millis % 1000, note()));
        }
    }

    /// A node was told something.
    pub fn input(&mut self, now: Millis, peer: Peer, input: &Input) {
        self.note(now, || format!("{peer:<6} ← {}", Told(input)));
    }

    /// A node wants something, its `index`-th wish.
    pub fn output(&mut self, now: Millis, peer: Peer, index: u64, output: &Output) {
        self.note(now, || format!("{peer:<6} → #{index} {}", Wanted(output)));
    }
}

struct Told<'a>(&'a Input);

impl fmt::Display for Told<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Input::Received(link, bytes) => write!(f, "Received({link:?}, {} bytes)", bytes.len()),
            Input::Fetched(id, rows) => write!(f, "Fetched({id:?}, {} messages)", rows.messages.len()),
            other => write!(f, "{other:?}"),
        }
    }
}

struct Wanted<'a>(&'a Output);

impl fmt::Display for Wanted<'_> {
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
                    write!(f, " {sign}{}", Short(&key))?;
                }
                f.write_str(")")
            }
            Output::Transmit(link, bytes) => write!(f, "Transmit({link:?}, {} bytes)", bytes.len()),
            other => write!(f, "{other:?}"),
        }
    }
}

struct Short<'a>(&'a Key);

impl fmt::Display for Short<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Key::Identity => f.write_str("identity"),
            Key::Contact(who) => write!(f, "contact {who:?}"),
            Key::Session(who) => write!(f, "session {who:?}"),
            Key::Cursors(who) => write!(f, "cursors {who:?}"),
            Key::Offer(who) => write!(f, "offer {who:?}"),
            Key::Request(who) => write!(f, "request {who:?}"),
            Key::Invite(_) => f.write_str("invite"),
            Key::Outbox(who, position) => write!(f, "outbox {who:?} {}", position.0),
            Key::Consumer(name) => write!(f, "consumer {name}"),
            Key::Message(key) => write!(f, "message {:?} {:.8}", key.direction, key.id.to_string()),
            Key::Delivery(key) => write!(f, "delivery {:?} {:.8}", key.direction, key.id.to_string()),
            Key::Reaction(key, author) => write!(f, "reaction {author:?} {:.8}", key.id.to_string()),
            Key::Event(seq) => write!(f, "event {}", seq.0),
        }
    }
}
