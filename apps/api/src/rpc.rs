//! The JSON-RPC 2.0 envelope, for both ends of the socket: one object or one batch a line.
//!
//! A client writes [`Request`] and reads [`FromDaemon`]; the daemon reads with [`parse`], since a line may be anything, and
//! writes [`Response`] and [`Notification`].

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{Error, Kind};

/// Requests in one batch at most; their answers are held together until the last is there.
const BATCH_LIMIT: usize = 100;

/// A client's id for a request: a string, a number or null.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Id(Value);

impl Id {
    /// Whether it is null: the id in the answer to a request whose own id could not be read.
    pub const fn is_null(&self) -> bool {
        matches!(self.0, Value::Null)
    }
}

impl From<u64> for Id {
    fn from(number: u64) -> Self {
        Self(number.into())
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
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
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
        Ok(Value::Array(items)) => Incoming::Batch(items.into_iter().map(request).collect()),
        Ok(value) => Incoming::One(request(value)),
    }
}

fn refused(kind: Kind, why: impl Into<String>) -> Incoming {
    Incoming::One(Err(Box::new(Response::nameless(Error::new(kind, why)))))
}

fn request(value: Value) -> Result<Request, Box<Response>> {
    let invalid = |id: &Option<Id>, why: &str| {
        let error = Error::new(Kind::InvalidRequest, why);
        Box::new(Response::new(id.clone().unwrap_or_default(), Err(error)))
    };
    let Value::Object(mut object) = value else {
        return Err(invalid(&None, "a request is an object"));
    };
    let id = match object.remove("id") {
        None => None,
        Some(id @ (Value::String(_) | Value::Number(_) | Value::Null)) => Some(Id(id)),
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
            assert_eq!((&response.id.0, kind(&response)), (&id, Some(expected)), "{line:?}");
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
        let good = Response::new(Id(json!("x")), Ok(json!({"a": 1})));
        assert_eq!(
            serde_json::to_value(&good).expect("json"),
            json!({"jsonrpc": "2.0", "id": "x", "result": {"a": 1}})
        );
        let bad = serde_json::to_value(Response::nameless(Error::new(Kind::ParseError, "no"))).expect("json");
        assert_eq!(
            (&bad["id"], &bad["error"]["code"], bad.get("result")),
            (&json!(null), &json!(-32700), None)
        );
    }
}
