//! Bodies of requests to signal-cli's shape. Each is answered as JSON-RPC says: one response for each request with an id, which it
//! has, and nothing for what needs none.

use serde_json::{Value, json};

use crate::surfaces::{exchange, surfaces};

pub(crate) fn run(bytes: &[u8]) {
    let address = surfaces().signal_cli;
    let length = bytes.len();
    let head = format!(
        "POST /api/v1/rpc HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n"
    );
    let answer = exchange(address, &[head.as_bytes(), bytes].concat()).expect("an answer");
    let asked = std::str::from_utf8(bytes).ok();
    match answer.status {
        201 => assert!(answer.body.is_empty()),
        400 => assert!(asked.is_none(), "text is no bad request"),
        200 => check(asked.unwrap_or_default(), &answer.body),
        other => panic!("{other}"),
    }
}

fn check(asked: &str, body: &[u8]) {
    let answer: Value = serde_json::from_slice(body).expect("JSON");
    let responses = match &answer {
        Value::Array(responses) => responses.as_slice(),
        one => std::slice::from_ref(one),
    };
    assert!(!responses.is_empty(), "an answer answers something");
    let asked: Value = serde_json::from_str(asked).unwrap_or_default();
    let requests = match &asked {
        Value::Array(requests) => requests.as_slice(),
        one => std::slice::from_ref(one),
    };
    for response in responses {
        assert_eq!(response["jsonrpc"], "2.0");
        assert!(
            response.get("result").is_some() != response.get("error").is_some(),
            "{response}"
        );
        let id = &response["id"];
        assert!(
            id.is_null() || requests.iter().any(|request| request["id"] == *id),
            "{response}"
        );
    }
}

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let uuid = "6ba7b810-9dad-51d1-80b4-00c04fd430c8";
    let call = |method: &str, params: Value| json!({ "jsonrpc": "2.0", "id": "a", "method": method, "params": params });
    let mut seeds = vec![
        call("version", json!({})),
        call(
            "send",
            json!({ "account": "+49123", "recipient": [uuid], "message": "hello" }),
        ),
        call(
            "send",
            json!({ "recipient": uuid, "message": "x", "quote-timestamp": 1_700_000_000_000_u64 }),
        ),
        call("send", json!({ "groupId": "g", "message": "x" })),
        call(
            "send",
            json!({ "recipient": [], "message": 7, "attachments": ["/etc/passwd"] }),
        ),
        call("sendTyping", json!({ "recipient": [uuid], "stop": true })),
        call(
            "sendReceipt",
            json!({ "recipient": uuid, "targetTimestamp": [1, "2"], "type": "read" }),
        ),
        call(
            "sendReaction",
            json!({ "recipient": [uuid], "emoji": "x", "targetTimestamp": 1, "remove": false }),
        ),
        call("listContacts", json!({ "recipient": [uuid], "allRecipients": true })),
        call("listGroups", json!({ "detailed": true })),
        call("getAttachment", json!({ "id": "../../x" })),
        call("subscribeReceive", json!({})),
        json!({ "jsonrpc": "2.0", "method": "send" }),
        json!([call("version", json!({})), { "jsonrpc": "2.0", "method": "version" }, 7]),
        json!([]),
        json!({ "id": {}, "method": "version" }),
    ]
    .into_iter()
    .map(|seed| seed.to_string().into_bytes())
    .collect::<Vec<_>>();
    seeds.push(b"\xff{".to_vec());
    seeds.push(b"nonsense".to_vec());
    seeds
}
