//! [`Timestamps`]: signal-cli names a message by its timestamp, so each message gets one of its own: the moment at which it
//! arrived or was written, or the next free millisecond. They are stored with the endpoint's token before they are shown.

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};
use sotto_api::{Error, Item, ListItems, SetItems, all};
use sotto_client::Client;

/// Messages that can be named by their timestamp: the newest ones.
const KEPT: usize = 10_000;

/// Before each key. The digits of the timestamp follow, in order of time as text.
const PREFIX: &str = "timestamp/";

/// A message, as its timestamp names it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(super) struct MessageName {
    pub conversation: String,
    pub author: String,
    pub id: String,
}

/// The messages by their timestamps.
#[derive(Debug, Default)]
pub(super) struct Timestamps {
    by_time: BTreeMap<u64, MessageName>,
    by_name: HashMap<MessageName, u64>,
}

impl Timestamps {
    /// Reads what is stored.
    pub async fn load(client: &mut Client) -> Result<Self, Error> {
        let mut this = Self::default();
        let mut ask = ListItems {
            prefix: PREFIX.to_owned(),
            after: None,
        };
        loop {
            let page = client.call::<all::StorageList>(&ask).await?;
            let last = page.items.last().map(|item| item.key.clone());
            for Item { key, value } in page.items {
                let time = key.strip_prefix(PREFIX).and_then(|time| time.parse().ok());
                let name = value.and_then(|value| serde_json::from_str(&value).ok());
                if let (Some(time), Some(name)) = (time, name) {
                    this.insert(time, name);
                }
            }
            if !page.more {
                return Ok(this);
            }
            ask.after = last;
        }
    }

    /// The message with that timestamp.
    pub fn message(&self, time: u64) -> Option<&MessageName> {
        self.by_time.get(&time)
    }

    /// The timestamp of a message that has one.
    pub fn of(&self, name: &MessageName) -> Option<u64> {
        self.by_name.get(name).copied()
    }

    /// The timestamp of a message; a message without one gets the first that is free from `millis` on. When this returns, the
    /// timestamp is durable.
    pub async fn assign(&mut self, client: &mut Client, name: MessageName, millis: u64) -> Result<u64, Error> {
        if let Some(time) = self.of(&name) {
            return Ok(time);
        }
        let mut time = millis;
        while self.by_time.contains_key(&time) {
            time += 1;
        }
        let value = serde_json::to_string(&name).map_err(|error| Error::internal(error.to_string()))?;
        let mut items = vec![item(time, Some(value))];
        let oldest = self
            .by_time
            .keys()
            .next()
            .copied()
            .filter(|_| self.by_time.len() >= KEPT);
        items.extend(oldest.map(|oldest| item(oldest, None)));
        let set = SetItems {
            items,
            ..SetItems::default()
        };
        client.call::<all::StorageSet>(&set).await?;
        if let Some(dropped) = oldest.and_then(|oldest| self.by_time.remove(&oldest)) {
            self.by_name.remove(&dropped);
        }
        self.insert(time, name);
        Ok(time)
    }

    fn insert(&mut self, time: u64, name: MessageName) {
        self.by_name.insert(name.clone(), time);
        self.by_time.insert(time, name);
    }
}

fn item(time: u64, value: Option<String>) -> Item {
    Item {
        key: format!("{PREFIX}{time:015}"),
        value,
    }
}
