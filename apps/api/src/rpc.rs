//! The JSON-RPC 2.0 envelope, for both ends of the socket: one object or one batch a line.
//!
//! A client writes [`Request`] and reads [`FromDaemon`]; the daemon reads with [`parse`], since a line may be anything, and
//! writes [`Response`] and [`Notification`].

use std::fmt;
use std::iter::from_fn;

use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};

use crate::{Error, Kind};

/// Requests in one batch at most; their answers are held together until the last is there.
const BATCH_LIMIT: usize = 100;

/// A client's id for a request: a string, a number or null, as JSON. A number is kept as it was written, because a client
/// compares what it gets back, and a number of JSON may have more digits than any type here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Id(String);

impl Id {
    /// Whether it is null: the id in the answer to a request whose own id could not be read.
    pub fn is_null(&self) -> bool {
        self.0 == "null"
    }
}

impl Default for Id {
    fn default() -> Self {
        Self(String::from("null"))
    }
}

impl From<u64> for Id {
    fn from(number: u64) -> Self {
        Self(number.to_string())
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// For a client's own ids, which are numbers of 64 bits. The daemon writes those of others with [`JsonLine`].
impl Serialize for Id {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let value: Value = serde_json::from_str(&self.0).map_err(serde::ser::Error::custom)?;
        value.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Id {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Value::deserialize(deserializer).map(|value| Self(value.to_string()))
    }
}

/// A well-formed request.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Request<P = Map<String, Value>> {
    jsonrpc: Version,
    /// None for a notification, which has no answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<Id>,
    /// The method's name.
    pub method: String,
    /// The parameters, by name.
    pub params: P,
}

/// The requests of a line. In place of one that is not well-formed stands its response.
#[derive(Debug, PartialEq)]
pub enum Incoming {
    /// One request.
    One(Result<Request, Box<Response>>),
    /// Several, to be answered together.
    Batch(Vec<Result<Request, Box<Response>>>),
}

/// A response.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Response {
    jsonrpc: Version,
    /// The request's id; null if it could not be read.
    pub id: Id,
    /// The result or the error.
    #[serde(flatten)]
    pub outcome: Outcome,
}

/// The result of a request, or its error.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// The result.
    Result(Value),
    /// Why the request was not carried out.
    Error(Error),
}

/// A message from the daemon that answers no request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Notification<P> {
    jsonrpc: Version,
    /// `events.event` or `lagged`.
    pub method: String,
    /// The parameters.
    pub params: P,
}

/// What a line from the daemon holds, for a client that sends no batches.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(untagged)]
pub enum FromDaemon {
    /// A response.
    Response(Response),
    /// A notification, which has no id.
    Notification(Notification<Value>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Version {
    #[serde(rename = "2.0")]
    Two,
}

/// What the daemon writes: one line of JSON, without its end.
pub trait JsonLine {
    /// The line. An error is a bug: every type of the API can be written as JSON.
    fn line(&self) -> serde_json::Result<String>;
}

impl JsonLine for Response {
    /// By hand, because only text can hold every id.
    fn line(&self) -> serde_json::Result<String> {
        let outcome = serde_json::to_string(&self.outcome)?;
        // An object of one member: `{"result":…}` or `{"error":…}`.
        let member = outcome.strip_prefix('{').unwrap_or_default();
        Ok(format!(r#"{{"jsonrpc":"2.0","id":{},{member}"#, self.id))
    }
}

/// The responses to a batch.
impl JsonLine for Vec<Response> {
    fn line(&self) -> serde_json::Result<String> {
        let lines = self.iter().map(JsonLine::line).collect::<Result<Vec<_>, _>>()?;
        Ok(format!("[{}]", lines.join(",")))
    }
}

impl<P: Serialize> JsonLine for Notification<P> {
    fn line(&self) -> serde_json::Result<String> {
        serde_json::to_string(self)
    }
}

impl<P> Request<P> {
    /// A request that is answered under that id.
    pub fn new(id: Id, method: &str, params: P) -> Self {
        Self {
            jsonrpc: Version::Two,
            id: Some(id),
            method: method.to_owned(),
            params,
        }
    }
}

impl Response {
    /// The answer to the request with that id.
    pub fn new(id: Id, outcome: Result<Value, Error>) -> Self {
        Self {
            jsonrpc: Version::Two,
            id,
            outcome: outcome.map_or_else(Outcome::Error, Outcome::Result),
        }
    }

    /// The answer to a request whose id cannot be read.
    pub fn nameless(error: Error) -> Self {
        Self::new(Id::default(), Err(error))
    }
}

impl<P> Notification<P> {
    /// A notification.
    pub fn new(method: &str, params: P) -> Self {
        Self {
            jsonrpc: Version::Two,
            method: method.to_owned(),
            params,
        }
    }
}

/// Reads a line.
pub fn parse(line: &str) -> Incoming {
    match serde_json::from_str(line) {
        Err(error) => refused(Kind::ParseError, format!("the line is not JSON: {error}")),
        Ok(Value::Array(items)) if items.is_empty() => refused(Kind::InvalidRequest, "a batch must not be empty"),
        Ok(Value::Array(items)) if items.len() > BATCH_LIMIT => refused(
            Kind::InvalidRequest,
            format!("a batch has at most {BATCH_LIMIT} requests, not {}", items.len()),
        ),
        Ok(Value::Array(items)) => {
            let items = items.into_iter().zip(parts(line));
            Incoming::Batch(items.map(|(item, text)| request(item, text)).collect())
        }
        Ok(value) => Incoming::One(request(value, line)),
    }
}

fn refused(kind: Kind, why: impl Into<String>) -> Incoming {
    Incoming::One(Err(Box::new(Response::nameless(Error::new(kind, why)))))
}

/// The request that `text` holds as `value`.
fn request(value: Value, text: &str) -> Result<Request, Box<Response>> {
    let invalid = |id: &Option<Id>, why: &str| {
        let error = Error::new(Kind::InvalidRequest, why);
        Box::new(Response::new(id.clone().unwrap_or_default(), Err(error)))
    };
    let Value::Object(mut object) = value else {
        return Err(invalid(&None, "a request is an object"));
    };
    let id = match object.remove("id") {
        None => None,
        Some(Value::Number(number)) if !number.is_u64() && !number.is_i64() => Some(id_as_written(text)),
        Some(id @ (Value::String(_) | Value::Number(_) | Value::Null)) => Some(Id(id.to_string())),
        Some(_) => return Err(invalid(&None, "id must be a string, a number or null")),
    };
    if object.get("jsonrpc").and_then(Value::as_str) != Some("2.0") {
        return Err(invalid(&id, "jsonrpc must be \"2.0\""));
    }
    let Some(Value::String(method)) = object.remove("method") else {
        return Err(invalid(&id, "method must be a string"));
    };
    let params = match object.remove("params") {
        None => Map::new(),
        Some(Value::Object(params)) => params,
        Some(Value::Array(params)) if params.is_empty() => Map::new(),
        Some(_) => return Err(invalid(&id, "params must be an object: parameters are given by name")),
    };
    Ok(Request {
        jsonrpc: Version::Two,
        id,
        method,
        params,
    })
}

/// The id in the text of a request. As in [`Value`], the last one counts.
fn id_as_written(request: &str) -> Id {
    let mut id = Id::default();
    let mut parts = parts(request);
    while let (Some(key), Some(value)) = (parts.next(), parts.next()) {
        if serde_json::from_str::<String>(key).is_ok_and(|key| key == "id") {
            id = Id(value.to_owned());
        }
    }
    id
}

/// The texts of the values in a well-formed JSON array; in an object, those of keys and values in turn.
fn parts(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text.trim_start().get(1..).unwrap_or_default();
    from_fn(move || {
        rest = rest.trim_start_matches([' ', '\t', '\r', '\n', ',', ':']);
        let mut values = serde_json::Deserializer::from_str(rest).into_iter::<IgnoredAny>();
        // At the closing bracket there is no value.
        values.next()?.ok()?;
        let (part, after) = rest.split_at(values.byte_offset());
        rest = after;
        Some(part)
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn kind(response: &Response) -> Option<Kind> {
        match &response.outcome {
            Outcome::Error(error) => Some(error.kind()),
            Outcome::Result(_) => None,
        }
    }

    #[test]
    fn what_is_not_a_request_is_answered_by_name_where_it_has_one() {
        for (line, id, expected) in [
            ("", json!(null), Kind::ParseError),
            ("{", json!(null), Kind::ParseError),
            ("\u{0}", json!(null), Kind::ParseError),
            ("7", json!(null), Kind::InvalidRequest),
            ("[]", json!(null), Kind::InvalidRequest),
            (r#"{"id":1,"method":"a.b"}"#, json!(1), Kind::InvalidRequest),
            (
                r#"{"jsonrpc":"1.0","id":1,"method":"a.b"}"#,
                json!(1),
                Kind::InvalidRequest,
            ),
            (
                r#"{"jsonrpc":2.0,"id":"x","method":"a.b"}"#,
                json!("x"),
                Kind::InvalidRequest,
            ),
            (r#"{"jsonrpc":"2.0","id":1}"#, json!(1), Kind::InvalidRequest),
            (r#"{"jsonrpc":"2.0","id":1,"method":7}"#, json!(1), Kind::InvalidRequest),
            (
                r#"{"jsonrpc":"2.0","id":{},"method":"a.b"}"#,
                json!(null),
                Kind::InvalidRequest,
            ),
            (
                r#"{"jsonrpc":"2.0","id":1,"method":"a.b","params":[1]}"#,
                json!(1),
                Kind::InvalidRequest,
            ),
            (
                r#"{"jsonrpc":"2.0","id":1,"method":"a.b","params":"x"}"#,
                json!(1),
                Kind::InvalidRequest,
            ),
        ] {
            let Incoming::One(Err(response)) = parse(line) else {
                panic!("{line:?} was taken for a request");
            };
            let id = Id(id.to_string());
            assert_eq!((&response.id, kind(&response)), (&id, Some(expected)), "{line:?}");
        }
    }

    #[test]
    fn an_id_is_kept_as_it_was_written() {
        for id in [
            "0",
            "-1",
            "-0",
            "18446744073709551615",
            "18446744073709551616",
            "-170141183460469231731687303715884105729",
            "1.50",
            "1E+2",
            "1e-9",
            "0.1000000000000000055511151231257827",
            "\"1.50\"",
            "null",
        ] {
            let request =
                format!(r#" {{ "params" : {{"id": 7.5}}, "\u0069d":1.0, "id" :{id} ,"jsonrpc":"2.0","method":"a.b"}}"#);
            let Incoming::One(Ok(one)) = parse(&request) else {
                panic!("{request} is a request");
            };
            assert_eq!(one.id.as_ref().map(Id::to_string).as_deref(), Some(id));
            let Incoming::Batch(items) = parse(&format!("[[7.5],\t{request} , {request}]")) else {
                panic!("a batch");
            };
            let ids: Vec<_> = items[1..].iter().flatten().map(|request| request.id.clone()).collect();
            assert_eq!(ids, [one.id.clone(), one.id.clone()]);
            let line = Response::new(one.id.unwrap_or_default(), Ok(json!({})))
                .line()
                .expect("JSON");
            assert_eq!(line, format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{}}}}"#));
        }
    }

    #[test]
    fn nesting_without_end_is_no_danger() {
        let line = "[".repeat(500_000);
        assert!(matches!(parse(&line), Incoming::One(Err(_))));
    }

    #[test]
    fn a_batch_keeps_its_good_requests_and_has_a_bound() {
        let line = r#"[{"jsonrpc":"2.0","id":1,"method":"a.b"}, 1, {"jsonrpc":"2.0","method":"c.d","params":{"x":1}}]"#;
        let Incoming::Batch(items) = parse(line) else {
            panic!("not a batch")
        };
        assert_eq!(items[0].as_ref().map(|request| request.method.as_str()), Ok("a.b"));
        assert_eq!(
            items[1].as_ref().err().and_then(|response| kind(response)),
            Some(Kind::InvalidRequest)
        );
        assert_eq!(items[2].as_ref().map(|request| request.id.is_none()), Ok(true));

        let line =
            serde_json::to_string(&vec![json!({"jsonrpc": "2.0", "method": "a.b"}); BATCH_LIMIT + 1]).expect("json");
        assert!(matches!(parse(&line), Incoming::One(Err(_))));
    }

    #[test]
    fn answers_have_the_form_of_the_specification() {
        let value = |line: &dyn JsonLine| serde_json::from_str::<Value>(&line.line().expect("JSON")).expect("JSON");
        let good = Response::new(Id(String::from("\"x\"")), Ok(json!({"a": 1})));
        assert_eq!(value(&good), json!({"jsonrpc": "2.0", "id": "x", "result": {"a": 1}}));
        let bad = value(&Response::nameless(Error::new(Kind::ParseError, "no")));
        assert_eq!(
            value(&vec![good.clone(), good.clone()]),
            json!([value(&good), value(&good)])
        );
        assert_eq!(
            (&bad["id"], &bad["error"]["code"], bad.get("result")),
            (&json!(null), &json!(-32700), None)
        );
    }
}
