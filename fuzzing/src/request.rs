//! Bytes of a client at the daemon's socket. Every line is a request or a batch, or gets an error on one line that is not much longer.
//! A request that parses has the same meaning when it is written out, and so have the parameters of every method.

use serde::Serialize as _;
use serde_json::{Map, Value, json};
use sotto_api::rpc::{Incoming, JsonLine as _, Request, Response, parse};
use sotto_api::{Method, all};
use sotto_daemon::{LINE_LIMIT, RequestLine, RequestLines};
use tokio_util::bytes::BytesMut;
use tokio_util::codec::Decoder as _;

/// The length of an error beside the text that it repeats.
const WORDS: usize = 1000;

pub(crate) fn run(bytes: &[u8]) {
    let found = lines(bytes);
    let expected = bytes
        .split(|byte| *byte == b'\n')
        .map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    assert!(
        found
            .iter()
            .eq(expected.take(found.len()).map(line).collect::<Vec<_>>().iter())
    );
    for line in found {
        let RequestLine::Whole(line) = line else { continue };
        match parse(&line) {
            Incoming::One(one) => check(one, line.len()),
            Incoming::Batch(several) => {
                assert!((1..=100).contains(&several.len()));
                for one in several {
                    check(one, line.len());
                }
            }
        }
    }
}

fn lines(bytes: &[u8]) -> Vec<RequestLine> {
    assert!(bytes.len() <= LINE_LIMIT, "nothing here is too long");
    let mut decoder = RequestLines::default();
    let mut bytes = BytesMut::from(bytes);
    let mut lines = Vec::new();
    while let Some(line) = decoder.decode_eof(&mut bytes).expect("memory can be read") {
        lines.push(line);
    }
    lines
}

fn line(bytes: &[u8]) -> RequestLine {
    match str::from_utf8(bytes) {
        Ok(text) => RequestLine::Whole(text.to_owned()),
        Err(_) => RequestLine::NotText,
    }
}

fn check(one: Result<Request, Box<Response>>, length: usize) {
    let request = match one {
        Ok(request) => request,
        Err(response) => {
            let written = response.line().expect("JSON");
            assert!(
                !written.contains('\n') && written.len() <= WORDS + 6 * length,
                "{written}"
            );
            assert!(written.contains("\"error\""));
            return;
        }
    };
    let mut again = json!({ "jsonrpc": "2.0", "method": request.method, "params": request.params });
    if let Some(id) = &request.id {
        again["id"] = serde_json::to_value(id).expect("JSON");
    }
    let line = serde_json::to_string(&again).expect("JSON");
    let Incoming::One(Ok(read)) = parse(&line) else {
        panic!("{again} is no request");
    };
    let id = |request: &Request| serde_json::to_value(&request.id).expect("JSON");
    assert_eq!(
        (&read.method, read.id.is_some()),
        (&request.method, request.id.is_some())
    );
    assert!(same(&id(&read), &id(&request)), "{again}");
    assert!(
        same(&Value::Object(read.params), &Value::Object(request.params.clone())),
        "{again}"
    );
    parameters(&request.params);
}

/// Equality up to the last digit of a number that is no integer of 64 bits: `serde_json` reads it with that precision, and no
/// method has such a parameter.
fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) if a.is_f64() && b.is_f64() => {
            let (a, b) = (a.as_f64().expect("one"), b.as_f64().expect("one"));
            (a - b).abs() <= a.abs() * 4.0 * f64::EPSILON
        }
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Value::Object(a), Value::Object(b)) => {
            let each = |((a, x), (b, y)): ((&String, &Value), (&String, &Value))| a == b && same(x, y);
            a.len() == b.len() && a.iter().zip(b).all(each)
        }
        (a, b) => a == b,
    }
}

/// The parameters, read as those of every method that has some.
fn parameters(params: &Map<String, Value>) {
    use all::{
        Accept, Ack, Add, Edit, EventsList, EventsWait, History, Inbox, List, MessageStatus, NodeAvailability, React,
    };
    use all::{Read, Receive, Rename, Search, Send, Threads, Timer, Typing, Verify};
    macro_rules! each {
        ($($method:ident)*) => { $(read_back::<$method>(params);)* };
    }
    each!(Accept Ack Add Edit EventsList EventsWait History Inbox List MessageStatus NodeAvailability React);
    each!(Read Receive Rename Search Send Threads Timer Typing Verify);
}

fn read_back<M: Method>(params: &Map<String, Value>) {
    let read = |params: &Value| serde_json::from_value::<M::Params>(params.clone());
    if let Ok(params) = read(&Value::Object(params.clone())) {
        let written = params.serialize(serde_json::value::Serializer).expect("JSON");
        let again = read(&written).unwrap_or_else(|error| panic!("{}: {written}: {error}", M::NAME));
        assert_eq!(serde_json::to_value(again).expect("JSON"), written);
    }
}

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let send = r#"{"jsonrpc":"2.0","id":1,"method":"messages.send","params":{"conversation":"bob","text":"hi","wait":"sent"}}"#;
    let lines = [
        send,
        r#"{"jsonrpc":"2.0","id":"x","method":"friends.list"}"#,
        r#"{"jsonrpc":"2.0","method":"events.wait","params":{"consumer":"agent","timeout_ms":1}}"#,
        r#"{"jsonrpc":"2.0","id":null,"method":"messages.history","params":{"conversation":"bob","limit":5}}"#,
        r#"{"jsonrpc":"2.0","id":1.5e300,"method":"a","params":[]}"#,
        r#"{"jsonrpc":"1.0","id":1,"method":"a"}"#,
        r#"{"jsonrpc":"2.0","id":{},"method":"a"}"#,
        "[]",
        "[1,2]",
        "{",
        "\u{0}",
        "\"\\ud800\"",
    ];
    let mut seeds: Vec<Vec<u8>> = lines.iter().map(|line| line.as_bytes().to_vec()).collect();
    seeds.push(format!("[{send},{send}]\r\n{send}\n\n{send}").into_bytes());
    seeds.push(b"[".repeat(300));
    seeds
}
