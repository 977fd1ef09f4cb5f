//! Commit, then show: nothing leaves the node before the rows that it promises are durable.
//!
//! Rows are *staged*, then *in flight* in the one open commit, then *stored*. An effect is attached to the youngest rows
//! that exist when it is emitted: to the staged ones if there are any, else to those in flight, else it may go at once.
//! So effects leave in the order in which they were emitted, and each only after every row staged before it.
//!
//! Why it must be so: libsignal derives message key and IV from the chain key. A ciphertext that leaves before its ratchet
//! state is stored is followed, after a crash, by another ciphertext under the same key; and an ack that leaves before its
//! message is stored is a message lost. (The same argument for Raft: etcd/raft, doc.go, "persist, then send".)
//!
//! Rows staged while a commit is in flight coalesce, the last write of a key winning, into the next one: group commit.
//! Rows that change often (sessions, contacts) are staged by key alone and encoded once, when their batch is cut.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::row::{Batch, Change, Key, Row};
use crate::wire::link::Frame;
use crate::wire::link::frame::Body;
use crate::{CommandId, CommitId, EventSeq, LinkId, MessageKey, Notice, Output, Refusal, Reply};

/// What waits for durability.
pub(crate) enum Effect {
    /// A frame for a link; it is encrypted when it is released, so nonces follow the order of release.
    Frame(LinkId, Frame),
    /// A frame that carries a message: when the link has taken it, the message is sent.
    Message(LinkId, Frame, MessageKey),
    /// The end of a link, after the frames before it.
    Hangup(LinkId),
    /// An output as it is.
    Output(Output),
}

#[derive(Default)]
pub(crate) struct Gate {
    staged: Staged,
    /// Keys of rows that are encoded when the batch is cut.
    staged_by_key: BTreeSet<Key>,
    behind_staged: Vec<Effect>,
    in_flight: Option<(CommitId, Vec<Effect>)>,
    ready: VecDeque<Effect>,
    commits: u64,
    /// Newest event staged, and newest announced.
    logged: EventSeq,
    announced: EventSeq,
    /// Keys that an open fetch reads, with what was staged for them since. See `watch`.
    watched: BTreeMap<Key, Watched>,
}

/// The changes of the next batch, as they came, and the place of each key's. A map of the changes themselves would move them about
/// with each one that comes, and they are large.
#[derive(Default)]
struct Staged {
    places: BTreeMap<Key, usize>,
    /// `None` for those that a batch has taken.
    changes: Vec<Option<Change>>,
}

impl Staged {
    /// Changes for which there is room from one batch to the next.
    const KEPT: usize = 256;

    fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// Takes them all, in the order of their keys.
    fn take(&mut self) -> Vec<Change> {
        let mut in_order = Vec::with_capacity(self.places.len());
        for place in std::mem::take(&mut self.places).into_values() {
            in_order.extend(self.changes[place].take());
        }
        self.changes.clear();
        self.changes.shrink_to(Self::KEPT);
        in_order
    }
}

#[derive(Default)]
struct Watched {
    fetches: u32,
    change: Option<Change>,
}

impl Gate {
    /// Adds a change to the next batch; a later change of the same key replaces an earlier one.
    fn stage(&mut self, change: Change) {
        let Staged { places, changes } = &mut self.staged;
        // One look for the place: keys are long, and to compare them is what staging costs.
        let entry = places.entry(change.key());
        if let (Entry::Occupied(place), Change::Insert(_)) = (&entry, &change)
            && matches!(changes[*place.get()], Some(Change::Put(_) | Change::Insert(_)))
        {
            return; // the key is taken
        }
        if !self.watched.is_empty()
            && let Some(watched) = self.watched.get_mut(entry.key())
        {
            watched.change = Some(change.clone());
        }
        match (entry.key(), &change) {
            (Key::Event(seq), Change::Put(_)) => self.logged = self.logged.max(*seq),
            (key, Change::Delete(_)) => {
                self.staged_by_key.remove(key);
            }
            _ => {}
        }
        match entry {
            Entry::Vacant(place) => {
                place.insert(changes.len());
                changes.push(Some(change));
            }
            Entry::Occupied(place) => {
                let staged = &mut changes[*place.get()];
                *staged = Some(match (&*staged, change) {
                    // The guard of an insert holds until it is stored.
                    (Some(Change::Insert(_)), Change::Put(row)) => Change::Insert(row),
                    (Some(Change::Delete(_)), Change::Insert(row)) => Change::Put(row),
                    (_, change) => change,
                });
            }
        }
    }

    /// Writes a row.
    pub fn put(&mut self, row: Row) {
        self.stage(Change::Put(row));
    }

    /// Writes a row unless its key is taken.
    pub fn insert(&mut self, row: Row) {
        self.stage(Change::Insert(row));
    }

    /// Removes a row.
    pub fn delete(&mut self, key: Key) {
        self.stage(Change::Delete(key));
    }

    /// Writes a row as it is when the batch is cut.
    pub fn put_by_key(&mut self, key: Key) {
        self.staged_by_key.insert(key);
    }

    /// Sends a frame over a link.
    pub fn frame(&mut self, link: LinkId, body: Body) {
        self.emit(Effect::Frame(link, Frame { body: Some(body) }));
    }

    /// Sends the frame that carries a message.
    pub fn message_frame(&mut self, link: LinkId, body: Body, message: MessageKey) {
        self.emit(Effect::Message(link, Frame { body: Some(body) }, message));
    }

    /// Ends a link, after what was sent over it.
    pub fn hang_up(&mut self, link: LinkId) {
        self.emit(Effect::Hangup(link));
    }

    pub fn reply(&mut self, command: CommandId, reply: Result<Reply, Refusal>) {
        self.output(Output::Reply(command, reply));
    }

    pub fn notify(&mut self, notice: Notice) {
        self.output(Output::Notify(notice));
    }

    pub fn output(&mut self, output: Output) {
        self.emit(Effect::Output(output));
    }

    /// Lets an effect out once every row staged so far is stored.
    fn emit(&mut self, effect: Effect) {
        if self.has_staged() {
            self.behind_staged.push(effect);
        } else if let Some((_, effects)) = &mut self.in_flight {
            effects.push(effect);
        } else {
            self.ready.push_back(effect);
        }
    }

    /// The next effect whose rows are stored.
    pub fn release(&mut self) -> Option<Effect> {
        self.ready.pop_front()
    }

    /// Cuts the staged rows into a commit, if none is in flight. `encode` gives the row of a key, or nothing if it is gone.
    pub fn cut(&mut self, mut encode: impl FnMut(&Key) -> Option<Row>) -> Option<Output> {
        if self.in_flight.is_some() || !self.has_staged() {
            return None;
        }
        for key in std::mem::take(&mut self.staged_by_key) {
            if let Some(row) = encode(&key) {
                self.put(row);
            }
        }
        let changes = self.staged.take();
        let mut effects = std::mem::take(&mut self.behind_staged);
        if self.logged > self.announced {
            self.announced = self.logged;
            effects.push(Effect::Output(Output::Notify(Notice::Logged(self.logged))));
        }
        self.commits += 1;
        let id = CommitId(self.commits);
        self.in_flight = Some((id, effects));
        Some(Output::Commit(id, Batch { changes }))
    }

    /// The commit is durable: what waited for it may go.
    pub fn stored(&mut self, id: CommitId) {
        let (expected, effects) = self
            .in_flight
            .take()
            .expect("the driver stored a commit that is not in flight");
        assert_eq!(id, expected, "the driver stored another commit than the one in flight");
        self.ready.extend(effects);
    }

    /// From now until `unwatch`, remembers what is staged for a key. A fetch reads rows after every commit emitted
    /// before it (it passes the gate itself), so only later changes have to be laid over its answer.
    pub fn watch(&mut self, key: Key) {
        self.watched.entry(key).or_default().fetches += 1;
    }

    /// Ends one `watch` and gives the last change since it began, if any.
    pub fn unwatch(&mut self, key: &Key) -> Option<Change> {
        let watched = self.watched.get_mut(key)?;
        watched.fetches -= 1;
        if watched.fetches == 0 {
            return self.watched.remove(key)?.change;
        }
        watched.change.clone()
    }

    /// Changes that wait for their commit, and effects that wait for them.
    pub fn backlog(&self) -> usize {
        self.staged.places.len() + self.behind_staged.len()
    }

    fn has_staged(&self) -> bool {
        !self.staged.is_empty() || !self.staged_by_key.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::row::ConsumerRow;

    fn row(name: &str, acknowledged: u64) -> Row {
        Row::Consumer(ConsumerRow {
            name: name.to_owned(),
            acknowledged: EventSeq(acknowledged),
        })
    }

    fn emit(gate: &mut Gate, id: u64) {
        gate.reply(CommandId(id), Ok(Reply::Done));
    }

    /// The ids of what may go by now.
    fn released(gate: &mut Gate) -> Vec<u64> {
        std::iter::from_fn(|| gate.release())
            .map(|effect| match effect {
                Effect::Output(Output::Reply(id, _)) => id.0,
                _ => panic!("only replies were emitted"),
            })
            .collect()
    }

    fn cut(gate: &mut Gate) -> Option<(CommitId, Vec<Change>)> {
        match gate.cut(|_| None)? {
            Output::Commit(id, batch) => Some((id, batch.changes)),
            other => panic!("not a commit: {other:?}"),
        }
    }

    #[test]
    fn an_effect_waits_for_the_rows_before_it_and_overtakes_none() {
        let mut gate = Gate::default();
        emit(&mut gate, 1);
        assert_eq!(released(&mut gate), [1], "nothing to wait for");

        gate.put(row("a", 1));
        emit(&mut gate, 2);
        assert_eq!(released(&mut gate), [], "its rows are only staged");
        let (first, _) = cut(&mut gate).expect("rows are staged");
        emit(&mut gate, 3);
        assert_eq!(released(&mut gate), [], "its rows are in flight");
        gate.put(row("b", 1));
        emit(&mut gate, 4);
        assert!(cut(&mut gate).is_none(), "one commit at a time");
        gate.stored(first);
        assert_eq!(released(&mut gate), [2, 3]);
        let (second, _) = cut(&mut gate).expect("the rows staged meanwhile");
        gate.stored(second);
        assert_eq!(released(&mut gate), [4]);
        assert!(cut(&mut gate).is_none());
    }

    #[test]
    fn changes_coalesce_and_an_insert_stays_guarded() {
        let mut gate = Gate::default();
        gate.put(row("a", 1));
        gate.put(row("a", 2));
        gate.insert(row("b", 1));
        gate.put(row("b", 2));
        gate.insert(row("b", 3));
        gate.delete(row("c", 1).key());
        gate.insert(row("c", 1));
        gate.insert(row("c", 2));
        let (_, changes) = cut(&mut gate).expect("rows are staged");
        assert_eq!(
            changes,
            [
                Change::Put(row("a", 2)),
                Change::Insert(row("b", 2)),
                Change::Put(row("c", 1))
            ]
        );
    }

    #[test]
    fn a_watch_sees_the_last_change_since_it_began() {
        let mut gate = Gate::default();
        let key = row("a", 0).key();
        gate.put(row("a", 1));
        gate.watch(key.clone());
        gate.watch(key.clone());
        assert_eq!(
            gate.unwatch(&key),
            None,
            "what was staged before is stored before the fetch is"
        );
        gate.put(row("a", 2));
        gate.put(row("a", 3));
        assert_eq!(gate.unwatch(&key), Some(Change::Put(row("a", 3))));
        assert_eq!(gate.unwatch(&key), None, "no fetch watches any more");
    }
}
