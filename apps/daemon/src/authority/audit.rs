//! The audit log: a chain of records, each with the hash of the one before. The head, which is a record of its own, says where it
//! begins and where it ends, so a missing entry shows wherever it was.

use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use sotto_api::{self as api, Error};

use super::{decoded, encoded};

/// Entries that are kept.
const KEPT: u64 = 10_000;

/// Entries that are dropped at once: each time the store's files are wiped, and one command takes only so many records.
const DROPPED: u64 = 48;

/// The key of the head.
pub(crate) const HEAD: &str = "audit/head";

/// Of the keys of entries.
pub(crate) const ENTRIES: &str = "audit/entry/";

/// What a request is about, as far as it is known by now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Trace {
    /// The conversation.
    pub conversation: Option<String>,
    /// The message.
    pub message: Option<String>,
    /// The approval.
    pub approval: Option<String>,
    /// The entry of this request is written, or it is submitted with the message.
    pub announced: bool,
}

/// One entry, without the hash.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct AuditRecord {
    pub number: u64,
    pub at: u64,
    pub principal: String,
    pub method: String,
    pub conversation: Option<String>,
    pub message: Option<String>,
    pub approval: Option<String>,
    pub outcome: String,
}

/// One entry as it is stored: the very bytes that were hashed.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Stored {
    entry: String,
    hash: String,
}

/// Where the log begins and ends.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct AuditHead {
    /// The oldest entry; 0 if there is none.
    pub first: u64,
    /// The newest entry; 0 if there is none.
    pub last: u64,
    /// The hash of the entry before the oldest.
    pub anchor: String,
    /// The hash of the newest entry.
    pub hash: String,
}

/// Records to be put or deleted.
pub(crate) type Records = Vec<(String, Option<Vec<u8>>)>;

impl AuditHead {
    /// The records that append entries, whose numbers are given here, and the new head. `anchor` gives the hash of an entry that
    /// is about to become the last one dropped.
    pub fn append(&self, entries: Vec<AuditRecord>, anchor: Option<String>) -> Result<(Records, Self), Error> {
        let mut head = self.clone();
        head.first = head.first.max(1);
        let mut records = Vec::new();
        for mut entry in entries {
            head.last += 1;
            entry.number = head.last;
            let text = serde_json::to_string(&entry).map_err(|error| Error::internal(error.to_string()))?;
            head.hash = chained(&head.hash, &text);
            let hash = head.hash.clone();
            records.push((key(entry.number), encoded(&Stored { entry: text, hash })?));
        }
        if let Some(anchor) = anchor {
            let from = head.first;
            head.first += DROPPED;
            head.anchor = anchor;
            records.extend((from..head.first).map(|number| (key(number), None)));
        }
        records.push((HEAD.to_owned(), encoded(&head)?));
        Ok((records, head))
    }

    /// The entry whose hash becomes the anchor of the next append, if that drops some.
    pub fn drops_up_to(&self) -> Option<String> {
        let count = self.last + 1 - self.first.max(1);
        (count >= KEPT + DROPPED).then(|| key(self.first + DROPPED - 1))
    }
}

/// The hash of a stored entry.
pub(crate) fn hash_of(key: &str, value: &[u8]) -> Result<String, Error> {
    decoded::<Stored>(key, value).map(|stored| stored.hash)
}

/// The entry as the API shows it.
pub(crate) fn shown(key: &str, value: &[u8]) -> Result<api::AuditEntry, Error> {
    let stored: Stored = decoded(key, value)?;
    let entry: AuditRecord = decoded(key, stored.entry.as_bytes())?;
    Ok(api::AuditEntry {
        number: entry.number,
        at: api::Time::from_millis(entry.at),
        principal: entry.principal,
        method: entry.method,
        conversation: entry.conversation,
        message: entry.message,
        approval: entry.approval,
        outcome: entry.outcome,
        hash: stored.hash,
    })
}

/// Checks the stored entries, in the order of their keys, against the head.
pub(crate) fn verify(head: &AuditHead, entries: &[(String, Vec<u8>)]) -> api::AuditVerdict {
    let damage = first_damage(head, entries).map(|(number, what)| api::AuditDamage {
        number,
        what: what.to_owned(),
    });
    api::AuditVerdict {
        intact: damage.is_none(),
        entries: entries.len() as u64,
        first: head.first,
        last: head.last,
        damage,
    }
}

fn first_damage(head: &AuditHead, entries: &[(String, Vec<u8>)]) -> Option<(u64, &'static str)> {
    let mut hash = head.anchor.clone();
    let mut expected = head.first.max(1);
    for (key, value) in entries {
        let number = u64::from_str_radix(key.strip_prefix(ENTRIES).unwrap_or_default(), 16).unwrap_or(0);
        if number > expected {
            return Some((expected, "an entry is missing"));
        }
        if number < expected {
            return Some((number, "there is an entry before the first"));
        }
        let Ok(stored) = decoded::<Stored>(key, value) else {
            return Some((number, "the entry cannot be read"));
        };
        let Ok(entry) = decoded::<AuditRecord>(key, stored.entry.as_bytes()) else {
            return Some((number, "the entry cannot be read"));
        };
        if chained(&hash, &stored.entry) != stored.hash {
            return Some((
                number,
                "the entry does not follow from the one before: one of them was changed",
            ));
        }
        if entry.number != number {
            return Some((number, "the entry was moved"));
        }
        hash = stored.hash;
        expected += 1;
    }
    if expected != head.last + 1 {
        return Some((expected, "the newest entries are missing"));
    }
    (hash != head.hash).then_some((head.last, "the newest entry is not the one that was written"))
}

fn key(number: u64) -> String {
    format!("{ENTRIES}{number:016x}")
}

fn chained(before: &str, entry: &str) -> String {
    HEXLOWER.encode(&Sha256::new().chain_update(before).chain_update(entry).finalize())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn entry(at: u64) -> AuditRecord {
        AuditRecord {
            number: 0,
            at,
            principal: "agent:helper".to_owned(),
            method: "messages.send".to_owned(),
            conversation: Some("bob".to_owned()),
            message: None,
            approval: None,
            outcome: "done".to_owned(),
        }
    }

    /// A log of so many entries: its records, and its head.
    fn log(count: u64) -> (BTreeMap<String, Vec<u8>>, AuditHead) {
        let mut records: BTreeMap<String, Vec<u8>> = BTreeMap::new();
        let mut head = AuditHead::default();
        let mut at = 0;
        while at < count {
            // By one, and by as many as are announced together.
            let together = (at % 5 * 3).clamp(1, count - at);
            let entries = (at..at + together).map(entry).collect();
            at += together;
            let anchor = head
                .drops_up_to()
                .map(|key| hash_of(&key, &records[&key]).expect("an entry"));
            let (changes, next) = head.append(entries, anchor).expect("appended");
            assert!(changes.len() <= 64, "one command takes them");
            for (key, value) in changes {
                match value {
                    Some(value) => drop(records.insert(key, value)),
                    None => drop(records.remove(&key)),
                }
            }
            head = next;
        }
        let stored: AuditHead = decoded(HEAD, &records.remove(HEAD).expect("a head")).expect("a head");
        assert_eq!(stored, head);
        (records, head)
    }

    fn damage(head: &AuditHead, records: &BTreeMap<String, Vec<u8>>) -> Option<u64> {
        let entries: Vec<_> = records
            .iter()
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect();
        let verdict = verify(head, &entries);
        assert_eq!(verdict.intact, verdict.damage.is_none());
        verdict.damage.map(|damage| damage.number)
    }

    #[test]
    fn whatever_is_done_to_the_log_is_found() {
        let (whole, head) = log(5);
        assert_eq!(damage(&head, &whole), None);
        assert_eq!(damage(&AuditHead::default(), &BTreeMap::new()), None, "of no entries");
        for removed in 1..=5 {
            let mut records = whole.clone();
            records.remove(&key(removed));
            assert_eq!(damage(&head, &records), Some(removed), "removed");
        }
        let mut reordered = whole.clone();
        let (second, third) = (reordered[&key(2)].clone(), reordered[&key(3)].clone());
        reordered.insert(key(2), third);
        reordered.insert(key(3), second);
        assert_eq!(damage(&head, &reordered), Some(2), "reordered");
        for changed in 1..=5 {
            let mut records = whole.clone();
            let value = records.get_mut(&key(changed)).expect("there");
            let text = String::from_utf8(value.clone()).expect("text");
            *value = text.replace("agent:helper", "agent:nobody").into_bytes();
            assert_eq!(damage(&head, &records), Some(changed), "changed");
        }
        let mut cut = whole.clone();
        cut.remove(&key(4));
        cut.remove(&key(5));
        assert_eq!(damage(&head, &cut), Some(4), "cut off");
        let mut added = whole;
        added.insert(key(6), added[&key(5)].clone());
        assert!(damage(&head, &added).is_some(), "added");
    }

    #[test]
    fn the_oldest_entries_are_dropped_and_the_rest_is_whole() {
        let (records, head) = log(KEPT + 3 * DROPPED + 1);
        assert!(records.len() as u64 >= KEPT && records.len() as u64 <= KEPT + DROPPED);
        assert!(head.first > 1);
        assert_eq!(damage(&head, &records), None);
        let mut cut = records.clone();
        cut.remove(&key(head.first));
        assert_eq!(damage(&head, &cut), Some(head.first));
    }
}
