//! `storage.*`: items that surfaces keep in the store, as records whose keys begin with whose they are.

use std::sync::Arc;

use sotto_api::{self as api, Error, Item, Kind, Method as _, all};
use sotto_core::Command;
use sotto_io_sqlcipher::{Reader, StoreError};

use super::{Handle, Handled};
use crate::authority::{Rights, no_owner};
use crate::call::Call;

/// Items of one principal at most.
const ITEMS: u64 = 20_000;

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
        let place = self.place()?;
        // Between the look at what is there and the change, no other client changes it.
        let _turn = self.storage_turn.lock().await;
        self.check_expected(&place, params.expected).await?;
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
        let counted = place.clone();
        let kept = self.reads.read(move |reader| reader.count_records(&counted)).await?;
        let added = records.iter().filter(|(_, value)| value.is_some()).count() as u64;
        if kept + added > ITEMS {
            let why = format!("{kept} items are stored, and {ITEMS} are the most");
            return Err(Error::new(Kind::RateLimited, why).hint("storage.set without a value removes an item"));
        }
        self.command(Command::PutRecords { records, event: None }).await?;
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
    /// An error if the store has other items than the client expects.
    async fn check_expected(&self, place: &str, expected: Vec<Item>) -> Result<(), Error> {
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
            if stored != value.map(String::into_bytes) {
                let why = format!("{key:?} was changed by another client");
                return Err(Error::new(Kind::WrongState, why).hint("storage.list has what is stored now"));
            }
        }
        Ok(())
    }

    /// What the keys of this client's records begin with.
    fn place(&self) -> Result<String, Error> {
        match self.rights()? {
            Rights::Agent(record) => Ok(format!("storage/{}/", record.name)),
            // No agent has an empty name.
            Rights::Full => Ok(String::from("storage//")),
            // What the owner's surfaces keep is not a reader's.
            Rights::Reader { mcp, .. } => Err(no_owner(all::StorageSet::NAME, mcp)),
        }
    }
}
