//! The OpenRPC 1.3 document, made from the method table and the types' JSON Schemas.

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{Error, ErrorData, EventNotification, METHODS};

/// An OpenRPC document, as `rpc.discover` answers it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Document(pub Map<String, Value>);

/// The document of this version. Notifications are described as an extension, since OpenRPC has none.
pub fn document() -> Document {
    let mut schemas = SchemaSettings::draft07()
        .with(|settings| settings.definitions_path = "/components/schemas".into())
        .into_generator();
    let methods: Vec<Value> = METHODS
        .iter()
        .map(|method| {
            let params = (method.params)(&mut schemas);
            let params = resolve(schemas.definitions(), params.as_value());
            let result = (method.result)(&mut schemas);
            json!({
                "name": method.name,
                "summary": method.summary,
                "x-class": method.class,
                "paramStructure": "by-name",
                "params": descriptors(&params),
                "result": { "name": "result", "schema": result },
            })
        })
        .collect();
    let happening = schemas.subschema_for::<EventNotification>();
    let error = schemas.subschema_for::<Error>();
    let data = schemas.subschema_for::<ErrorData>();
    let Value::Object(document) = json!({
        "openrpc": "1.3.2",
        "info": {
            "title": "Sotto",
            "description": "JSON-RPC 2.0, newline-delimited, on the daemon's Unix socket.",
            "version": env!("CARGO_PKG_VERSION"),
            "license": { "name": "AGPL-3.0-only" },
        },
        "methods": methods,
        "x-notifications": [
            { "name": "events.event", "summary": "An event of a subscription.", "schema": happening },
            { "name": "events.failed", "summary": "A subscription has ended early, and why.", "schema": error },
            { "name": "lagged", "summary": "The last line: this client did not read fast enough.", "schema": error },
        ],
        "x-error-data": data,
        "components": { "schemas": schemas.take_definitions(true) },
    }) else {
        unreachable!("a JSON object was written down just here");
    };
    Document(document)
}

/// Follows a reference to the object that it stands for.
fn resolve(definitions: &Map<String, Value>, schema: &Value) -> Value {
    schema
        .get("$ref")
        .and_then(Value::as_str)
        .and_then(|reference| reference.rsplit('/').next())
        .and_then(|name| definitions.get(name))
        .unwrap_or(schema)
        .clone()
}

/// OpenRPC wants each parameter by itself.
fn descriptors(params: &Value) -> Vec<Value> {
    let required = params.get("required").and_then(Value::as_array);
    let Some(properties) = params.get("properties").and_then(Value::as_object) else {
        return Vec::new();
    };
    properties
        .iter()
        .map(|(name, schema)| {
            json!({
                "name": name,
                "required": required.is_some_and(|names| names.iter().any(|required| required == name)),
                "schema": schema,
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_method_is_described_with_parameters_and_result() {
        let document = document().0;
        let methods = document["methods"].as_array().expect("a list");
        assert_eq!(methods.len(), METHODS.len());
        let send = methods
            .iter()
            .find(|method| method["name"] == "messages.send")
            .expect("listed");
        let params: Vec<&str> = send["params"]
            .as_array()
            .expect("a list")
            .iter()
            .filter_map(|param| param["name"].as_str())
            .collect();
        let mut flags = vec![
            "conversation",
            "text",
            "thread",
            "reply_to",
            "ttl",
            "content_type",
            "id",
            "wait",
            "timeout",
        ];
        let mut sorted = params.clone();
        sorted.sort_unstable();
        flags.sort_unstable();
        assert_eq!(sorted, flags);
        assert!(
            send["params"]
                .as_array()
                .expect("a list")
                .iter()
                .any(|p| p["name"] == "text" && p["required"] == true)
        );
    }

    #[test]
    fn every_reference_leads_somewhere() {
        let document = Value::Object(document().0);
        let mut references = Vec::new();
        collect(&document, &mut references);
        assert!(references.len() > METHODS.len() / 2);
        for reference in references {
            let pointer = reference.strip_prefix('#').expect("a local reference");
            assert!(document.pointer(pointer).is_some(), "{reference} leads nowhere");
        }
    }

    fn collect(value: &Value, into: &mut Vec<String>) {
        match value {
            Value::Object(object) => {
                if let Some(reference) = object.get("$ref").and_then(Value::as_str) {
                    into.push(reference.to_owned());
                }
                object.values().for_each(|value| collect(value, into));
            }
            Value::Array(items) => items.iter().for_each(|value| collect(value, into)),
            _ => {}
        }
    }
}
