//! One API: the OpenRPC document, the MCP tools, the Python client and `docs/api.md` have the same methods and parameters.
//! Whether the command line has them, the tests of `sotto-cli` say.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::coming_from;
use crate::world::{Person, World};

const PYTHON: &str = include_str!("../../../python/src/sotto/_api.py");
const REFERENCE: &str = include_str!("../../../../docs/api.md");
const HOW: &str = "generate it: sotto --json openrpc | apps/python/generate.py";

/// The parameters of each method.
type Methods = BTreeMap<String, BTreeSet<String>>;

fn document() -> Methods {
    let document = sotto_api::document().0;
    let methods = document["methods"].as_array().expect("a list");
    methods
        .iter()
        .map(|method| {
            let params = method["params"].as_array().expect("a list");
            let names = params.iter().map(|param| text(&param["name"])).collect();
            (text(&method["name"]), names)
        })
        .collect()
}

fn text(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}

#[test]
fn the_python_client_has_every_method_and_parameter() {
    for surface in ["self._call(", "await self._call("] {
        let mut methods = Methods::new();
        for body in PYTHON.split("        params: dict[str, object] = {").skip(1) {
            let (params, rest) = body.split_once('}').expect("closed");
            let (call, _) = rest.split_once("\", params").expect("called");
            let Some((_, name)) = call.split_once(&format!("return {surface}\"")) else {
                continue;
            };
            let names = params.split('"').skip(1).step_by(2).map(str::to_owned).collect();
            methods.insert(name.to_owned(), names);
        }
        assert_eq!(methods, document(), "apps/python: {HOW}");
    }
}

#[test]
fn the_reference_has_every_method_and_parameter() {
    let (reference, _) = REFERENCE.split_once("\n## Types\n").expect("a chapter");
    let methods: Methods = reference
        .split("\n## ")
        .skip(1)
        .map(|section| {
            let (name, body) = section.split_once('\n').expect("a heading");
            let rows = body.lines().filter_map(|line| {
                let cell = line.strip_prefix("| ")?.split(" |").next()?;
                Some(cell.trim_matches('*').strip_prefix('`')?.strip_suffix('`')?.to_owned())
            });
            (name.to_owned(), rows.collect())
        })
        .collect();
    assert_eq!(methods, document(), "docs/api.md: {HOW}");
}

/// A tool, its method, and what its parameters are called there.
type Tool = (
    &'static str,
    Option<&'static str>,
    &'static [(&'static str, &'static str)],
);

/// The method that each tool is, where it is one, and the arguments that have another name than the method's parameter: those
/// that other messengers' tools have.
const TOOLS: &[Tool] = &[
    ("get_status", Some("node.status"), &[]),
    ("get_identity", Some("identity.show"), &[]),
    ("list_friends", Some("friends.list"), &[]),
    ("list_friend_requests", Some("friends.requests"), &[]),
    ("add_friend", Some("friends.add"), &[]),
    ("accept_friend_request", Some("friends.accept"), &[]),
    ("reject_friend_request", Some("friends.reject"), &[]),
    (
        "send_message",
        Some("messages.send"),
        &[
            ("recipient", "conversation"),
            ("message", "text"),
            ("thread_id", "thread"),
            ("idempotency_key", "id"),
        ],
    ),
    ("message_status", Some("messages.status"), &[]),
    ("receive_messages", Some("messages.receive"), &[]),
    ("get_inbox", Some("messages.inbox"), &[("thread_id", "thread")]),
    (
        "get_history",
        Some("messages.history"),
        &[("participant", "conversation")],
    ),
    ("get_message", Some("messages.status"), &[]),
    ("search_messages", Some("messages.search"), &[("participant", "with")]),
    ("list_threads", Some("messages.threads"), &[]),
    ("wait_for_messages", Some("events.wait"), &[]),
    ("ack_messages", Some("messages.ack"), &[]),
];

/// Arguments that are about the answer's size and time, which have no parameter.
const OWN: &[&str] = &["cursor", "offset", "settle_ms"];

#[test]
fn each_mcp_tool_is_a_method_and_its_arguments_are_the_parameters() {
    let world = World::new();
    let alice = world.person("alice");
    let documented = document();
    let listed = tools(&alice);
    let known: BTreeSet<&str> = TOOLS.iter().map(|(tool, ..)| *tool).collect();
    assert_eq!(listed.keys().map(String::as_str).collect::<BTreeSet<_>>(), known);
    for (tool, method, renamed) in TOOLS {
        let Some(method) = method else { continue };
        for argument in &listed[*tool] {
            let parameter = renamed
                .iter()
                .find(|(theirs, _)| theirs == argument)
                .map_or(argument.as_str(), |(_, ours)| ours);
            assert!(
                OWN.contains(&parameter) || documented[*method].contains(parameter),
                "{tool} has {argument}, but {method} has {:?}",
                documented[*method]
            );
        }
    }
    for equal in coming_from::equals("MCP tools") {
        assert!(known.contains(equal), "{equal} is no tool");
    }
}

/// The arguments of each tool, as `sotto mcp` lists them.
fn tools(person: &Person) -> BTreeMap<String, BTreeSet<String>> {
    let initialize = json!({
        "protocolVersion": "2025-06-18",
        "capabilities": {},
        "clientInfo": { "name": "one api", "version": "1" },
    });
    let lines = [
        json!({ "jsonrpc": "2.0", "id": 1, "method": "initialize", "params": initialize }),
        json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }),
        json!({ "jsonrpc": "2.0", "id": 2, "method": "tools/list", "params": {} }),
    ];
    let input: String = lines.iter().map(|line| format!("{line}\n")).collect();
    let ran = person.run_with(&["mcp"], input.as_bytes());
    assert!(ran.status.success(), "{ran:#?}");
    let answers = ran
        .stdout
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    let list = answers
        .into_iter()
        .find(|answer| answer["id"] == 2)
        .unwrap_or_else(|| panic!("{:?}", ran.stderr));
    list["result"]["tools"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|tool| {
            let properties = tool["inputSchema"]["properties"].as_object();
            let names = properties
                .into_iter()
                .flat_map(serde_json::Map::keys)
                .cloned()
                .collect();
            (text(&tool["name"]), names)
        })
        .collect()
}
