//! `storage.*`: items that surfaces keep in the store, as records whose keys begin with whose they are.

use std::sync::Arc;

use sotto_api::{self as api, Error, Item, Kind, Method as _, all};
use sotto_core::Command;
use sotto_io_sqlcipher::{Reader, StoreError};

use super::{Handle, Handled};
use crate::authority::{Rights, Turn, no_owner};
use crate::call::Call;

/// Items of one principal at most.
const ITEMS: u64 = 20_000;

/// Bytes of one agent's keys and values at most. What the owner's surfaces keep is bounded by [`ITEMS`] alone: they are not under the
/// direction of what a peer wrote.
const AGENT_BYTES: u64 = 4 << 20;

/// Items of one request.
const ITEMS_AT_ONCE: usize = 64;

/// Items of one answer.
const PAGE: usize = 1000;

/// Bytes of a key.
const KEY_BYTES: usize = 64;

/// Bytes of a value.
const VALUE_BYTES: usize = 64 << 10;

impl Handle<all::StorageSet> for Call {
    async fn handle(self: &Arc<Self>, params: api::SetItems) -> Result<Handled<api::Done>, Error> {
        if !(1..=ITEMS_AT_ONCE).contains(&params.items.len()) {
            let why = format!("items must be 1 to {ITEMS_AT_ONCE}, not {}", params.items.len());
            return Err(Error::invalid(why));
        }
        if params.expected.len() > ITEMS_AT_ONCE {
            let why = format!(
                "expected must be at most {ITEMS_AT_ONCE} items, not {}",
                params.expected.len()
            );
            return Err(Error::invalid(why));
        }
        // Between the look at what is there and the change, no other client changes it, and no agent is revoked.
        let turn = self.storage_turn.lock().await;
        let place = self.place()?;
        self.check_expected(&place, params.expected, &params.items).await?;
        let mut records = Vec::new();
        for Item { key, value } in params.items {
            if !(1..=KEY_BYTES).contains(&key.len()) {
                return Err(Error::invalid(format!("key must be 1 to {KEY_BYTES} bytes: {key:?}")));
            }
            if value.as_ref().is_some_and(|value| value.len() > VALUE_BYTES) {
                return Err(Error::invalid(format!(
                    "value of {key:?} must be at most {VALUE_BYTES} bytes"
                )));
            }
            records.push((place.clone() + &key, value.map(String::into_bytes)));
        }
        self.check_room(place, &records).await?;
        self.command(Command::PutRecords { records, event: None }).await?;
        drop(turn);
        Ok(Handled::Done(api::Done {}))
    }
}

impl Handle<all::StorageList> for Call {
    async fn handle(self: &Arc<Self>, params: api::ListItems) -> Result<Handled<api::Items>, Error> {
        let place = self.place()?;
        let (prefix, after) = (
            place.clone() + &params.prefix,
            params.after.map(|after| place.clone() + &after),
        );
        let mut records = self
            .reads
            .read(move |reader| reader.records_after(&prefix, after.as_deref(), PAGE + 1))
            .await?;
        let more = records.len() > PAGE;
        records.truncate(PAGE);
        let items = records.into_iter().map(|(key, value)| Item {
            key: key[place.len()..].to_owned(),
            value: Some(String::from_utf8_lossy(&value).into_owned()),
        });
        Ok(Handled::Done(api::Items {
            items: items.collect(),
            more,
        }))
    }
}

impl Call {
    /// An error if the store has other items than the client expects, unless they are those that it sets: it may have done so by a
    /// request whose answer was lost.
    async fn check_expected(&self, place: &str, expected: Vec<Item>, set: &[Item]) -> Result<(), Error> {
        let keys: Vec<String> = expected.iter().map(|item| format!("{place}{}", item.key)).collect();
        let record = |reader: &Reader, key: &String| {
            // The record itself comes before all whose keys begin so.
            let first = reader.records_after(key, None, 1)?.pop();
            Ok(first.filter(|(found, _)| found == key).map(|(_, value)| value))
        };
        let stored: Vec<_> = self
            .reads
            .read(move |reader| {
                keys.iter()
                    .map(|key| record(reader, key))
                    .collect::<Result<_, StoreError>>()
            })
            .await?;
        for (Item { key, value }, stored) in expected.into_iter().zip(stored) {
            let stored = stored.map(|stored| String::from_utf8_lossy(&stored).into_owned());
            let set_before = set.iter().any(|item| item.key == key && item.value == stored);
            if stored != value && !set_before {
                let why = format!("{key:?} was changed by another client");
                return Err(Error::new(Kind::WrongState, why).hint("storage.list has what is stored now"));
            }
        }
        Ok(())
    }

    /// An error if the client would keep more than it may.
    async fn check_room(&self, place: String, records: &[(String, Option<Vec<u8>>)]) -> Result<(), Error> {
        let mut keys: Vec<String> = records.iter().map(|(key, _)| key.clone()).collect();
        keys.sort_unstable();
        keys.dedup();
        // The place is not the client's choice, so it does not count.
        let before = place.len() as u64;
        let (items, bytes) = self
            .reads
            .read(move |reader| reader.size_of_records(&place, &keys))
            .await?;
        let added = || records.iter().filter_map(|(key, value)| Some((key, value.as_ref()?)));
        if added().next().is_none() {
            return Ok(());
        }
        let items = items + added().count() as u64;
        let sizes = added().map(|(key, value)| (key.len() + value.len()) as u64);
        let bytes = (bytes + sizes.sum::<u64>()).saturating_sub(items * before);
        let why = match self.rights()? {
            _ if items > ITEMS => format!("that would be {items} items, and {ITEMS} are the most"),
            Rights::Agent(record) if bytes > AGENT_BYTES => {
                let name = &record.name;
                format!("{name} would keep {bytes} bytes of items, and {AGENT_BYTES} are the most")
            }
            _ => return Ok(()),
        };
        Err(Error::new(Kind::RateLimited, why).hint("storage.set without a value removes an item"))
    }

    /// Deletes what an agent has kept. Another agent of that name would find it, and what others wrote in it, without being tainted.
    pub(super) async fn clear_items(&self, _: &Turn<'_>, agent: &str) -> Result<(), Error> {
        let _turn = self.storage_turn.lock().await;
        let place = place_of(agent);
        loop {
            let prefix = place.clone();
            let kept = self
                .reads
                .read(move |reader| reader.records_after(&prefix, None, ITEMS_AT_ONCE))
                .await?;
            if kept.is_empty() {
                return Ok(());
            }
            let records = kept.into_iter().map(|(key, _)| (key, None)).collect();
            self.command(Command::PutRecords { records, event: None }).await?;
        }
    }

    /// What the keys of this client's records begin with.
    fn place(&self) -> Result<String, Error> {
        match self.rights()? {
            Rights::Agent(record) => Ok(place_of(&record.name)),
            // No agent has an empty name.
            Rights::Full => Ok(String::from("storage//")),
            // What the owner's surfaces keep is not a reader's.
            Rights::Reader { mcp, .. } => Err(no_owner(all::StorageSet::NAME, mcp)),
        }
    }
}

/// What the keys of an agent's records begin with.
fn place_of(agent: &str) -> String {
    format!("storage/{agent}/")
}
