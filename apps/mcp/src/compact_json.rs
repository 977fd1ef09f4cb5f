//! [`text`]: a value as JSON, without the members that are `null`: what is left out says the same, and costs a client nothing.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::Value;
use serde_json::ser::{CharEscape, CompactFormatter, Formatter, Serializer};
use sotto_api::Error;

/// The value as text.
pub(crate) fn text(value: &impl Serialize) -> Result<String, Error> {
    let mut bytes = Vec::with_capacity(512);
    value
        .serialize(&mut Serializer::with_formatter(&mut bytes, WithoutNull::default()))
        .map_err(|error| Error::internal(error.to_string()))?;
    String::from_utf8(bytes).map_err(|error| Error::internal(error.to_string()))
}

/// The same as a value.
pub(crate) fn value(value: &impl Serialize) -> Result<Value, Error> {
    serde_json::from_str(&text(value)?).map_err(|error| Error::internal(error.to_string()))
}

/// Writes a key once its value turns out not to be `null`.
#[derive(Default)]
struct WithoutNull {
    /// The key of the next value.
    key: Vec<u8>,
    /// A string that is written now is a key.
    in_key: bool,
    /// The next value has a key.
    has_key: bool,
    /// For each object that is open, whether it has a member.
    has_members: Vec<bool>,
}

impl WithoutNull {
    /// A value follows that is not `null`.
    fn begin_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        if !std::mem::take(&mut self.has_key) {
            return Ok(());
        }
        if let Some(has_members) = self.has_members.last_mut()
            && std::mem::replace(has_members, true)
        {
            writer.write_all(b",")?;
        }
        writer.write_all(&self.key)?;
        writer.write_all(b":")
    }
}

macro_rules! values {
    ($($write:ident($value:ty)),* $(,)?) => {
        $(
            fn $write<W: ?Sized + Write>(&mut self, writer: &mut W, value: $value) -> io::Result<()> {
                // A number can be a key.
                if self.in_key {
                    return CompactFormatter.$write(&mut self.key, value);
                }
                self.begin_value(writer)?;
                CompactFormatter.$write(writer, value)
            }
        )*
    };
}

impl Formatter for WithoutNull {
    fn write_null<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        if std::mem::take(&mut self.has_key) {
            return Ok(());
        }
        CompactFormatter.write_null(writer)
    }

    values!(
        write_bool(bool),
        write_i8(i8),
        write_i16(i16),
        write_i32(i32),
        write_i64(i64),
        write_i128(i128),
        write_u8(u8),
        write_u16(u16),
        write_u32(u32),
        write_u64(u64),
        write_u128(u128),
        write_f32(f32),
        write_f64(f64),
        write_number_str(&str),
        write_raw_fragment(&str),
    );

    fn begin_string<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        if self.in_key {
            return CompactFormatter.begin_string(&mut self.key);
        }
        self.begin_value(writer)?;
        CompactFormatter.begin_string(writer)
    }

    fn write_string_fragment<W: ?Sized + Write>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()> {
        if self.in_key {
            return CompactFormatter.write_string_fragment(&mut self.key, fragment);
        }
        CompactFormatter.write_string_fragment(writer, fragment)
    }

    fn write_char_escape<W: ?Sized + Write>(&mut self, writer: &mut W, escape: CharEscape) -> io::Result<()> {
        if self.in_key {
            return CompactFormatter.write_char_escape(&mut self.key, escape);
        }
        CompactFormatter.write_char_escape(writer, escape)
    }

    fn end_string<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        if self.in_key {
            return CompactFormatter.end_string(&mut self.key);
        }
        CompactFormatter.end_string(writer)
    }

    fn begin_array<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.begin_value(writer)?;
        CompactFormatter.begin_array(writer)
    }

    fn begin_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.begin_value(writer)?;
        self.has_members.push(false);
        CompactFormatter.begin_object(writer)
    }

    fn end_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.has_members.pop();
        CompactFormatter.end_object(writer)
    }

    fn begin_object_key<W: ?Sized + Write>(&mut self, _: &mut W, _: bool) -> io::Result<()> {
        self.key.clear();
        self.in_key = true;
        Ok(())
    }

    fn end_object_key<W: ?Sized + Write>(&mut self, _: &mut W) -> io::Result<()> {
        self.in_key = false;
        self.has_key = true;
        Ok(())
    }

    // The colon comes with the key.
    fn begin_object_value<W: ?Sized + Write>(&mut self, _: &mut W) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::{Map, json};

    use super::*;

    /// The same by a tree.
    fn expected(value: &mut Value) {
        match value {
            Value::Object(object) => {
                object.retain(|_, member| !member.is_null());
                object.values_mut().for_each(expected);
            }
            Value::Array(items) => items.iter_mut().for_each(expected),
            _ => {}
        }
    }

    #[test]
    fn only_members_that_are_null_are_left_out() {
        for mut value in [
            json!(null),
            json!([null, 1, [null], {}]),
            json!({ "a": null }),
            json!({ "a": null, "b": 1, "c": null, "d": [null, { "e": null }], "f": { "g": null, "h": { "i": null } } }),
            json!({ "a": "", "b": null, "k\"\\\n\u{7}": "v\"\\\n\u{7}é", "\u{1}": null, "z": -1.5e300 }),
            json!({ "a": [], "b": {}, "c": true, "d": 18_446_744_073_709_551_615_u64, "e": [[{ "f": null }], "null"] }),
        ] {
            let text = text(&value).expect("JSON");
            expected(&mut value);
            assert_eq!(text, value.to_string());
            assert_eq!(super::value(&value).expect("JSON"), value);
        }
    }

    #[test]
    fn every_kind_of_value_has_its_key() {
        #[derive(Serialize)]
        enum Kind {
            Unit,
            New(u8),
            Tuple(i16, Option<u8>),
            Struct { gone: Option<u8>, there: char },
        }
        #[derive(Serialize)]
        struct Whole<'a> {
            gone: Option<&'a str>,
            unit: (),
            numbers: (i8, i32, i64, i128, u16, u32, u128, f32),
            floats: [f64; 2],
            text: Option<&'a str>,
            kinds: [Kind; 4],
            by_number: BTreeMap<u8, Option<bool>>,
            #[serde(flatten)]
            rest: Map<String, Value>,
        }
        let whole = Whole {
            gone: None,
            unit: (),
            numbers: (-1, -2, -3, -4, 5, 6, 7, 0.5),
            floats: [1.0, f64::NAN],
            text: Some("x"),
            kinds: [
                Kind::Unit,
                Kind::New(1),
                Kind::Tuple(2, None),
                Kind::Struct { gone: None, there: 'c' },
            ],
            by_number: BTreeMap::from([(1, None), (2, Some(true))]),
            rest: Map::from_iter([(String::from("n"), Value::Null), (String::from("o"), json!(1))]),
        };
        assert_eq!(
            text(&whole).expect("JSON"),
            r#"{"numbers":[-1,-2,-3,-4,5,6,7,0.5],"floats":[1.0,null],"text":"x","kinds":["Unit",{"New":1},{"Tuple":[2,null]},{"Struct":{"there":"c"}}],"by_number":{"2":true},"o":1}"#
        );
    }
}
