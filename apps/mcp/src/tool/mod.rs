//! [`Tool`], and [`TOOLS`], the table of all of them. A tool translates its arguments into requests to the daemon and the
//! answers into its result; whether something may be done, the daemon decides.

mod friends;
mod reading;
mod sending;
mod status;
mod waiting;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use rmcp::model::{self, CallToolResult, ContentBlock, JsonObject, MetaObject, ToolAnnotations};
use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use sotto_api::Error;

use crate::call::Call;
use crate::compact_json;
use crate::schema::schema;
use crate::server::Server;

pub(crate) use sending::Sent;

/// The member of `_meta` by which Claude Code asks the person each time.
const ASKS_PERSON: &str = "anthropic/requiresUserInteraction";

/// The member of `_meta` in which a result has the error of the API.
const ERROR: &str = "sotto/error";

/// What a call does. Clients read it as annotations.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "the four annotations of the protocol")]
pub(crate) struct Effect {
    /// It changes nothing.
    reads: bool,
    /// It can take something away.
    destroys: bool,
    /// Twice is as once.
    idempotent: bool,
    /// Peers are concerned: what they wrote is returned, or something is sent to them.
    open: bool,
}

impl Effect {
    /// Reads what this node knows by itself.
    const READS: Self = Self {
        reads: true,
        destroys: false,
        idempotent: true,
        open: false,
    };
    /// Reads what peers wrote.
    const READS_PEERS: Self = Self {
        open: true,
        ..Self::READS
    };
    /// Moves this node's own position in the log.
    const MARKS: Self = Self {
        reads: false,
        ..Self::READS
    };
    /// Something goes to a peer; twice is as once.
    const CONTACTS: Self = Self {
        reads: false,
        ..Self::READS_PEERS
    };
}

/// One tool.
pub(crate) trait Tool {
    /// As clients call it.
    const NAME: &'static str;
    /// For people.
    const TITLE: &'static str;
    /// For models; the essential first, less than 2 KB.
    const DESCRIPTION: &'static str;
    /// What a call does.
    const EFFECT: Effect;
    /// The client asks the person each time: a new peer is reached, a friend is added or refused.
    const ASKS_PERSON: bool = false;
    /// The arguments.
    type Input: DeserializeOwned + JsonSchema + Send;
    /// The structured content.
    type Output: Serialize + JsonSchema;

    /// Carries out one call.
    fn call(
        server: &Server,
        input: Self::Input,
        call: &Call,
    ) -> impl Future<Output = Result<Self::Output, Error>> + Send;
}

/// A tool without its types.
pub(crate) struct ToolInfo {
    /// As clients call it.
    pub name: &'static str,
    describe: fn() -> model::Tool,
    call: for<'a> fn(&'a Server, JsonObject, &'a Call) -> BoxFuture<'a, Result<String, Error>>,
}

impl ToolInfo {
    const fn of<T: Tool>() -> Self {
        Self {
            name: T::NAME,
            describe: describe::<T>,
            call: call::<T>,
        }
    }

    /// As `tools/list` shows it.
    pub fn describe(&self) -> model::Tool {
        (self.describe)()
    }

    /// One call. Every failure is a result that the model can read.
    pub async fn call(&self, server: &Server, arguments: JsonObject, call: &Call) -> Result<CallToolResult, Error> {
        (self.call)(server, arguments, call).await.map(shown)
    }
}

/// Every tool.
pub(crate) const TOOLS: &[ToolInfo] = &[
    ToolInfo::of::<status::GetStatus>(),
    ToolInfo::of::<status::GetIdentity>(),
    ToolInfo::of::<friends::ListFriends>(),
    ToolInfo::of::<friends::ListFriendRequests>(),
    ToolInfo::of::<friends::AddFriend>(),
    ToolInfo::of::<friends::AcceptFriendRequest>(),
    ToolInfo::of::<friends::RejectFriendRequest>(),
    ToolInfo::of::<sending::SendMessage>(),
    ToolInfo::of::<sending::MessageStatus>(),
    ToolInfo::of::<waiting::ReceiveMessages>(),
    ToolInfo::of::<reading::GetInbox>(),
    ToolInfo::of::<reading::GetHistory>(),
    ToolInfo::of::<reading::GetMessage>(),
    ToolInfo::of::<reading::SearchMessages>(),
    ToolInfo::of::<reading::ListThreads>(),
    ToolInfo::of::<waiting::WaitForMessages>(),
    ToolInfo::of::<waiting::AckMessages>(),
];

fn describe<T: Tool>() -> model::Tool {
    let Effect {
        reads,
        destroys,
        idempotent,
        open,
    } = T::EFFECT;
    let annotations = ToolAnnotations::from_raw(
        Some(T::TITLE.to_owned()),
        Some(reads),
        Some(destroys),
        Some(idempotent),
        Some(open),
    );
    let tool = model::Tool::new(T::NAME, T::DESCRIPTION, schema::<T::Input>())
        .with_title(T::TITLE)
        .with_raw_output_schema(schema::<T::Output>())
        .with_annotations(annotations);
    if !T::ASKS_PERSON {
        return tool;
    }
    let mut meta = MetaObject::new();
    meta.0.insert(ASKS_PERSON.to_owned(), Value::Bool(true));
    tool.with_meta(meta)
}

fn call<'a, T: Tool>(
    server: &'a Server,
    arguments: JsonObject,
    call: &'a Call,
) -> BoxFuture<'a, Result<String, Error>> {
    async move {
        let input = serde_json::from_value(Value::Object(arguments))
            .map_err(|error| Error::invalid(format!("{}: {error}", T::NAME)).hint("tools/list has the schema"))?;
        compact_json::text(&T::call(server, input, call).await?)
    }
    .boxed()
}

/// What one call of the tool with that name returns, as JSON.
pub(crate) async fn returned(server: &Server, name: &str, arguments: Value, call: &Call) -> Result<String, Error> {
    let (Some(tool), Value::Object(arguments)) = (named(name), arguments) else {
        return Err(Error::internal(format!("there is no tool {name}")));
    };
    (tool.call)(server, arguments, call).await
}

/// The result of a call that succeeded.
pub(crate) fn success(output: &impl Serialize) -> CallToolResult {
    compact_json::text(output).map_or_else(|error| failure(&error), shown)
}

/// A result that is JSON. The same as structured content is added where it is written ([`structured_content`]): a tree of values, and
/// its text again, would be most of what a call costs.
fn shown(json: String) -> CallToolResult {
    CallToolResult::success(vec![ContentBlock::text(json)])
}

/// The structured content of a result, as JSON, which is its text.
pub(crate) fn structured_content(result: &CallToolResult) -> Option<&str> {
    match result.content.as_slice() {
        [ContentBlock::Text(text)] if result.is_error == Some(false) => Some(&text.text),
        _ => None,
    }
}

/// The result of a call that failed: what was wrong and what to do.
pub(crate) fn failure(error: &Error) -> CallToolResult {
    let mut text = json!({ "error": error.message, "kind": error.kind(), "retryable": error.data.retryable });
    if !error.data.hint.is_empty() {
        text["hint"] = Value::from(error.data.hint.as_str());
    }
    if let Some(approval) = &error.data.approval {
        text["approval"] = Value::from(approval.id.as_str());
    }
    if !error.data.candidates.is_empty() {
        text["candidates"] = Value::from(error.data.candidates.as_slice());
    }
    let mut result = CallToolResult::error(vec![ContentBlock::text(text.to_string())]);
    let mut meta = MetaObject::new();
    meta.0
        .insert(ERROR.to_owned(), serde_json::to_value(error).unwrap_or_default());
    result.meta = Some(meta);
    result
}

/// No arguments.
#[derive(Clone, Copy, Debug, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NoArguments {}

/// The description of every tool.
pub(crate) fn descriptions() -> Vec<model::Tool> {
    TOOLS.iter().map(ToolInfo::describe).collect()
}

/// The tool of that name.
pub(crate) fn named(name: &str) -> Option<&'static ToolInfo> {
    TOOLS.iter().find(|tool| tool.name == name)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn root(schema: &Arc<JsonObject>, name: &str) {
        assert_eq!(schema.get("type"), Some(&json!("object")), "{name}: {schema:?}");
        for choice in ["anyOf", "oneOf", "allOf", "$ref", "$defs", "$schema"] {
            assert!(!schema.contains_key(choice), "{name} has {choice} at its root");
        }
        let text = serde_json::to_string(schema).expect("JSON");
        for unknown in ["\"$ref\"", "\"null\"", "\"uint", "\"int32"] {
            assert!(!text.contains(unknown), "{name} has {unknown}: {text}");
        }
    }

    #[test]
    fn every_tool_is_described_whole() {
        for tool in descriptions() {
            let name = tool.name.clone();
            root(&tool.input_schema, &name);
            root(tool.output_schema.as_ref().expect("an output schema"), &name);
            let description = tool.description.expect("a description");
            assert!((40..2048).contains(&description.len()), "{name}: {}", description.len());
            let annotations = tool.annotations.expect("annotations");
            for hint in [
                annotations.read_only_hint,
                annotations.destructive_hint,
                annotations.idempotent_hint,
                annotations.open_world_hint,
            ] {
                assert!(hint.is_some(), "{name} leaves a hint open");
            }
            let properties = tool.input_schema.get("properties").and_then(Value::as_object);
            for (argument, schema) in properties.expect("properties") {
                assert!(
                    schema.get("description").is_some(),
                    "{name}.{argument} is not described"
                );
            }
        }
    }

    /// A message goes only to a contact, and past a token's rights it waits for approval; these make a peer one, or turn it away.
    #[test]
    fn what_makes_a_new_recipient_asks_the_person() {
        let asks = |tool: &&model::Tool| {
            let meta = tool.meta.as_ref();
            meta.and_then(|meta| meta.0.get("anthropic/requiresUserInteraction")) == Some(&json!(true))
        };
        let tools = descriptions();
        let names: Vec<&str> = tools.iter().filter(asks).map(|tool| tool.name.as_ref()).collect();
        assert_eq!(names, ["add_friend", "accept_friend_request", "reject_friend_request"]);
    }
}
