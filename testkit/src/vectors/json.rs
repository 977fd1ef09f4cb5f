//! JSON whose objects keep their order, whatever the features of `serde_json`.

use std::fmt::Write as _;

use data_encoding::HEXLOWER;
use serde::ser::SerializeMap as _;
use serde::{Serialize, Serializer};

/// A JSON value.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the kinds of JSON")]
pub enum Json {
    Bool(bool),
    Number(u64),
    Text(String),
    List(Vec<Json>),
    Object(Vec<(&'static str, Json)>),
}

impl Json {
    /// As text for a file: indented, with a newline at the end.
    pub fn to_text(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).expect("strings and numbers");
        writeln!(text).expect("a string grows");
        text
    }
}

/// An object.
pub fn object<const N: usize>(fields: [(&'static str, Json); N]) -> Json {
    Json::Object(fields.into())
}

/// A list.
pub fn list(items: impl IntoIterator<Item = Json>) -> Json {
    Json::List(items.into_iter().collect())
}

/// Bytes.
pub fn hex(bytes: impl AsRef<[u8]>) -> Json {
    Json::Text(HEXLOWER.encode(bytes.as_ref()))
}

/// A 64-bit number as a string, as in protobuf's JSON, because many JSON readers have only 53 bits.
pub fn long(number: u64) -> Json {
    Json::Text(number.to_string())
}

impl From<&str> for Json {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Json {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<bool> for Json {
    fn from(truth: bool) -> Self {
        Self::Bool(truth)
    }
}

impl From<u32> for Json {
    fn from(number: u32) -> Self {
        Self::Number(number.into())
    }
}

impl From<usize> for Json {
    fn from(number: usize) -> Self {
        Self::Number(number as u64)
    }
}

impl Serialize for Json {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Bool(truth) => serializer.serialize_bool(*truth),
            Self::Number(number) => serializer.serialize_u64(*number),
            Self::Text(text) => serializer.serialize_str(text),
            Self::List(items) => items.serialize(serializer),
            Self::Object(fields) => {
                let mut map = serializer.serialize_map(Some(fields.len()))?;
                for (name, value) in fields {
                    map.serialize_entry(name, value)?;
                }
                map.end()
            }
        }
    }
}
