//! Items that a surface keeps in the store: drafts, positions, maps of its own. Each agent has its own; so has the user.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// An item.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Item {
    /// Its name, 1 to 64 bytes.
    pub key: String,
    /// Its text, at most 64 KiB; none removes the item.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
}

/// Parameters of `storage.set`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SetItems {
    /// 1 to 64 items, which are set together or not at all.
    pub items: Vec<Item>,
    /// Items as the client knows them, at most 64, without a value those that it knows not to be there. If the store has others,
    /// nothing is set: another client has been faster. One that has the new value already is as expected.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub expected: Vec<Item>,
}

/// Parameters of `storage.list`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListItems {
    /// Only items whose key begins so.
    #[serde(default)]
    pub prefix: String,
    /// Only items after this key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
}

/// Items, in order of their keys.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Items {
    /// At most 1000.
    pub items: Vec<Item>,
    /// There are more: ask again with `after`.
    pub more: bool,
}
