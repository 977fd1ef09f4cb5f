//! Lines of an MCP client. Each message is for the protocol, gets an error, or is passed over; a notification or an answer is never
//! answered, and a message that is for the protocol is one. A batch is what its messages are.

use std::collections::VecDeque;

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
    let before = reader.clone();
    let found = reader.line(line);
    match serde_json::from_slice::<Value>(line) {
        Ok(Value::Array(batch)) if !batch.is_empty() => check_batch(before, &batch, found),
        Ok(one) => check_message(&one, found),
        Err(_) => {
            let answers = found.iter().filter(|one| matches!(one, Incoming::Response(_))).count();
            assert_eq!(answers, found.len(), "what is not JSON is not for the protocol");
        }
    }
}

fn check_batch(mut reader: Reader, messages: &[Value], mut found: VecDeque<Incoming>) {
    let Some(Incoming::Batch(batch)) = found.pop_front() else {
        panic!("a batch is answered by one");
    };
    let (mut requests, mut refused, mut others) = (0, 0, 0);
    for message in messages {
        match reader.line(message.to_string().as_bytes()).pop_front() {
            // A message that is an array is none.
            _ if message.is_array() => refused += 1,
            Some(Incoming::Response(_)) => refused += 1,
            Some(Incoming::Message(_)) if message.get("id").is_some() && message.get("method").is_some() => {
                requests += 1;
            }
            Some(Incoming::Message(_)) => others += 1,
            Some(Incoming::Batch(_) | Incoming::Ignored) | None => {}
        }
    }
    assert_eq!(batch.counts(), (requests, refused));
    assert_eq!(batch.is_answered(), requests == 0);
    assert_eq!(found.len(), requests + others);
    assert!(found.iter().all(|one| matches!(one, Incoming::Message(_))));
}

fn check_message(message: &Value, found: VecDeque<Incoming>) {
    assert_eq!(found.len(), 1, "one outcome for a message");
    for outcome in found {
        let has_method = message.get("method").is_some_and(Value::is_string);
        match outcome {
            Incoming::Message(_) => assert!(message.is_object()),
            Incoming::Batch(_) => assert!(message.is_array()),
            Incoming::Response(answer) => {
                let written = serde_json::to_string(&answer).expect("JSON");
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
