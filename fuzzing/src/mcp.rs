//! Lines of an MCP client. Each message is for the protocol, gets an error, or is passed over; a notification or an answer is never
//! answered, and a message that is for the protocol is one.

use serde_json::{Value, json};
use sotto_mcp::{Incoming, Reader};

pub(crate) fn run(bytes: &[u8]) {
    for without_discover in [false, true] {
        let mut reader = Reader::new(without_discover);
        for line in bytes.split(|byte| *byte == b'\n') {
            check(&mut reader, line);
        }
    }
}

fn check(reader: &mut Reader, line: &[u8]) {
    let found = reader.line(line);
    let messages = match serde_json::from_slice::<Value>(line) {
        Ok(Value::Array(batch)) if !batch.is_empty() => batch,
        Ok(one) => vec![one],
        Err(_) => {
            let answers = found.iter().filter(|one| matches!(one, Incoming::Answer(_))).count();
            assert_eq!(answers, found.len(), "what is not JSON is not for the protocol");
            return;
        }
    };
    assert_eq!(found.len(), messages.len(), "one outcome for each message");
    for (outcome, message) in found.iter().zip(&messages) {
        let has_method = message.get("method").is_some_and(Value::is_string);
        match outcome {
            Incoming::Message(_) => assert!(message.is_object()),
            Incoming::Answer(answer) => {
                let written = serde_json::to_string(answer).expect("JSON");
                assert!(written.contains("\"error\"") && !written.contains('\n'), "{written}");
                let notification = has_method && message.get("id").is_none();
                assert!(!notification, "a notification has no answer: {message}");
            }
            Incoming::Ignored => assert!(
                message.get("id").is_none() || !has_method,
                "a request is answered: {message}"
            ),
        }
    }
}

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let initialize = json!({
        "jsonrpc": "2.0", "id": 1, "method": "initialize",
        "params": { "protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": { "name": "x", "version": "1" } },
    });
    let meta = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": { "name": "x", "version": "1" },
        "io.modelcontextprotocol/clientCapabilities": { "elicitation": { "form": {} } },
    });
    let discover = json!({ "jsonrpc": "2.0", "id": "d", "method": "server/discover", "params": { "_meta": meta } });
    let call = json!({
        "jsonrpc": "2.0", "id": 2, "method": "tools/call",
        "params": {
            "_meta": meta, "name": "send_message", "arguments": { "recipient": "bob", "message": "x" },
            "inputResponses": { "approval": { "action": "accept", "content": { "send": true } } }, "requestState": "a.b",
        },
    });
    let initialized = json!({ "jsonrpc": "2.0", "method": "notifications/initialized" });
    let cancelled = json!({ "jsonrpc": "2.0", "method": "notifications/cancelled", "params": { "requestId": 2 } });
    let answer = json!({ "jsonrpc": "2.0", "id": 0, "result": { "action": "decline" } });
    let error = json!({ "jsonrpc": "2.0", "id": null, "error": { "code": -32700, "message": "what" } });
    let batch = json!([{ "jsonrpc": "2.0", "id": 3, "method": "ping" }, initialized, {}, 7]);
    let lines = [
        &initialize,
        &discover,
        &call,
        &initialized,
        &cancelled,
        &answer,
        &error,
        &batch,
    ];
    let session = [&initialize, &initialized, &call, &cancelled, &batch, &answer].map(Value::to_string);
    lines
        .iter()
        .map(|line| line.to_string().into_bytes())
        .chain([session.join("\n").into_bytes(), b"[]\n\n{\"jsonrpc\":".to_vec()])
        .collect()
}
