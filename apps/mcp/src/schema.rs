//! JSON Schemas as MCP clients can read them: one object without references, `null` or formats of numbers. Some clients
//! refuse a schema that names its dialect or has a choice at its root.

use std::sync::Arc;

use rmcp::model::JsonObject;
use schemars::generate::SchemaSettings;
use schemars::transform::{RecursiveTransform, Transform};
use schemars::{JsonSchema, Schema};
use serde_json::Value;

/// The schema of a type.
pub(crate) fn schema<T: JsonSchema>() -> Arc<JsonObject> {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.inline_subschemas = true;
        settings.meta_schema = None;
        settings.transforms = vec![Box::new(RecursiveTransform(Plain))];
    });
    let mut schema = settings.into_generator().into_root_schema_for::<T>();
    // The name of a Rust type says nothing to a client.
    schema.remove("title");
    schema.remove("description");
    let object = schema.ensure_object();
    // An object without members has none.
    object
        .entry("properties")
        .or_insert_with(|| Value::Object(JsonObject::new()));
    Arc::new(std::mem::take(object))
}

/// Removes what a member that is left out says as well as `null`, and formats that only Rust knows.
#[derive(Clone, Debug)]
struct Plain;

impl Transform for Plain {
    fn transform(&mut self, schema: &mut Schema) {
        let Some(object) = schema.as_object_mut() else { return };
        if object.get("format").and_then(Value::as_str) != Some("date-time") {
            object.remove("format");
        }
        // A default of `null` is no default.
        if object.get("default").is_some_and(Value::is_null) {
            object.remove("default");
        }
        if let Some(Value::Array(types)) = object.get_mut("type") {
            types.retain(|name| name != "null");
            if let [one] = types.as_slice() {
                let one = one.clone();
                object.insert(String::from("type"), one);
            }
        }
        let Some(Value::Array(choices)) = object.get_mut("anyOf") else {
            return;
        };
        choices.retain(|choice| choice.get("type").and_then(Value::as_str) != Some("null"));
        if let [Value::Object(one)] = choices.as_slice() {
            let mut one = one.clone();
            object.remove("anyOf");
            // The member's own description says more than that of its type.
            one.remove("description");
            object.append(&mut one);
        }
    }
}
