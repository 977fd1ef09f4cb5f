//! [`dispatch`]: what each method does. It is made from the method table, so a method without a handler does not compile.

mod agents;
mod approvals;
mod audit;
mod contacts;
mod doctor;
mod events;
mod follow;
mod messages;
mod node;
mod notifications;
mod reading;
mod receive;
mod session;
mod storage;

use std::fmt::Write as _;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use sotto_api::{Error, Kind, METHODS, Method, all};

use super::authority::Disclose;
use super::call::{Call, Session};
use super::client_queue::AfterWrite;
use super::notifications::FocusGuard;
use super::service::{ConsumerLock, Service};
use super::subscription::Subscription;

pub(crate) use node::identity;

/// Items in a page by default.
const PAGE: u32 = 50;

/// Items in a page at most. It is the default where no item must be overlooked.
const LONGEST: u32 = 1000;

/// A result that is still to come.
pub(crate) type PendingResult<R> = Pin<Box<dyn Future<Output = Result<R, Error>> + Send>>;

/// How far a request has been carried out.
pub(crate) enum Handled<R> {
    /// It is done; this is the result.
    Done(R),
    /// It has begun; the result is still to come.
    Pending(PendingResult<R>),
    /// Its place among the node's commands is taken, and its commit is still to come. It may be followed by others of its kind.
    Committing(PendingResult<R>),
    /// It is done, but for what may only happen once the client has the result.
    AfterWrite(R, AfterWrite),
    /// Events follow the result.
    Subscribed(R, Subscription),
    /// It is done, and the connection holds the consumer's lock from now on.
    Locked(R, ConsumerLock),
    /// It is done, and the connection no longer holds the lock of that consumer.
    Unlocked(R, String),
    /// It is done, and this is what the user looks at through the connection from now on.
    Focused(R, FocusGuard),
}

/// Carries a method out.
trait Handle<M: Method> {
    fn handle(self: &Arc<Self>, params: M::Params) -> impl Future<Output = Result<Handled<M::Result>, Error>> + Send;
}

macro_rules! dispatcher {
    ($($name:literal $class:ident $method:ident($params:ident) -> $result:ident, $summary:literal;)*) => {
        /// Carries out the method of that name on behalf of a session.
        pub(crate) async fn dispatch(
            service: &Arc<Service>,
            session: &Arc<Session>,
            method: &str,
            params: Map<String, Value>,
        ) -> Result<Handled<Value>, Error> {
            let call = Arc::new(Call::new(service, session));
            match method {
                $($name => answer::<all::$method>(&call, &params).await,)*
                _ => Err(unknown(method)),
            }
        }
    };
}
sotto_api::for_every_method!(dispatcher);

/// Carries a method out, as far as the client may; writes down what it came to; and answers with what the client may be told.
async fn answer<M>(call: &Arc<Call>, params: &Map<String, Value>) -> Result<Handled<Value>, Error>
where
    M: Method,
    M::Result: Disclose + Send + Sync + 'static,
    Call: Handle<M>,
{
    let outcome = match call.authorize(M::NAME, M::CLASS).and_then(|()| typed(params)) {
        // Boxed, so that a connection is not as large as the largest handler.
        Ok(params) => Box::pin(Handle::<M>::handle(call, params)).await,
        Err(error) => Err(error),
    };
    let said = match &outcome {
        Ok(_) => "done".to_owned(),
        Err(error) => kind_name(error.kind()),
    };
    call.audit_outcome(M::NAME, M::CLASS, &said).await?;
    disclosed(call, outcome?).await
}

/// The answer as JSON, without what the client may not be told.
async fn disclosed<R>(call: &Arc<Call>, handled: Handled<R>) -> Result<Handled<Value>, Error>
where
    R: Disclose + Serialize + Send + Sync + 'static,
{
    Ok(match handled {
        Handled::Done(result) => Handled::Done(told(call, result).await?),
        Handled::Pending(result) => {
            let call = call.clone();
            Handled::Pending(Box::pin(async move { told(&call, result.await?).await }))
        }
        Handled::Committing(result) => {
            let call = call.clone();
            Handled::Committing(Box::pin(async move { told(&call, result.await?).await }))
        }
        Handled::AfterWrite(result, after) => Handled::AfterWrite(told(call, result).await?, after),
        Handled::Subscribed(result, subscription) => Handled::Subscribed(told(call, result).await?, subscription),
        Handled::Locked(result, lock) => Handled::Locked(told(call, result).await?, lock),
        Handled::Unlocked(result, consumer) => Handled::Unlocked(told(call, result).await?, consumer),
        Handled::Focused(result, focus) => Handled::Focused(told(call, result).await?, focus),
    })
}

/// A kind as it is called on the wire.
pub(crate) fn kind_name(kind: Kind) -> String {
    let name = serde_json::to_value(kind).ok();
    name.as_ref().and_then(Value::as_str).unwrap_or("error").to_owned()
}

async fn told<R: Disclose + Serialize>(call: &Call, mut result: R) -> Result<Value, Error> {
    call.disclose(&mut result).await?;
    json(&result)
}

fn json(result: &impl Serialize) -> Result<Value, Error> {
    serde_json::to_value(result).map_err(|error| Error::internal(error.to_string()))
}

/// The parameters as their type. An error names the parameter that is wrong.
fn typed<P: DeserializeOwned>(params: &Map<String, Value>) -> Result<P, Error> {
    let error = match P::deserialize(params) {
        Ok(typed) => return Ok(typed),
        Err(error) => error.to_string(),
    };
    // serde does not name the parameter whose value is wrong. It is the one without which the error is another.
    let missing = error.starts_with("missing field");
    let culprit = params.keys().filter(|_| !missing).find(|name| {
        let mut others = params.clone();
        others.remove(*name);
        serde_json::from_value::<P>(Value::Object(others)).map_or_else(|other| other.to_string() != error, |_| true)
    });
    let mut message = String::new();
    if let Some(culprit) = culprit.filter(|culprit| !error.contains(&format!("`{culprit}`"))) {
        let _ = write!(message, "{culprit}: ");
    }
    Err(Error::invalid(message + &error).hint("rpc.discover describes the parameters of each method"))
}

/// A limit, checked.
fn limit(given: Option<u32>, default: u32) -> Result<u32, Error> {
    match given.unwrap_or(default) {
        limit @ 1..=LONGEST => Ok(limit),
        limit => Err(Error::invalid(format!("limit must be 1 to {LONGEST}, not {limit}"))),
    }
}

/// A duration in seconds, at most an hour.
fn seconds(what: &str, given: Option<u32>, default: u32) -> Result<Duration, Error> {
    match given.unwrap_or(default) {
        seconds @ 0..=3600 => Ok(Duration::from_secs(seconds.into())),
        seconds => Err(Error::invalid(format!(
            "{what} must be 0 to 3600 seconds, not {seconds}"
        ))),
    }
}

fn unknown(method: &str) -> Error {
    let nearest = METHODS
        .iter()
        .map(|known| (strsim::damerau_levenshtein(known.name, method), known.name))
        .min();
    let error = Error::new(Kind::MethodNotFound, format!("there is no method {method:?}"));
    match nearest {
        Some((distance, nearest)) if distance <= 3 => error.hint(format!("did you mean {nearest}?")),
        _ => error,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use sotto_api::Send;

    fn complaint(params: Value) -> String {
        let Value::Object(params) = params else {
            panic!("not an object")
        };
        typed::<Send>(&params).expect_err("wrong").message
    }

    #[test]
    fn a_wrong_parameter_is_named() {
        for (params, expected) in [
            (json!({"conversation": "bob"}), "missing field `text`"),
            (
                json!({"conversation": "bob", "text": 7}),
                "text: invalid type: integer `7`, expected a string",
            ),
            (
                json!({"conversation": "bob", "text": "x", "colour": 1}),
                "unknown field `colour`",
            ),
            (
                json!({"conversation": "bob", "text": "x", "ttl": -1}),
                "ttl: invalid value: integer `-1`",
            ),
            (
                json!({"conversation": "bob", "text": "x", "ttl": 1e30}),
                "ttl: invalid type: floating point",
            ),
            (
                json!({"conversation": "bob", "text": "x", "ttl": 4_294_967_296_u64}),
                "ttl: invalid value: integer `4294967296`",
            ),
            (
                json!({"conversation": "bob", "text": "x", "wait": "soon"}),
                "wait: unknown variant `soon`",
            ),
            (
                json!({"conversation": ["bob"], "text": "x"}),
                "conversation: invalid type: sequence",
            ),
        ] {
            let message = complaint(params);
            assert!(message.starts_with(expected), "{message:?} instead of {expected:?}");
        }
    }

    #[test]
    fn a_mistyped_method_is_suggested() {
        let error = unknown("message.send");
        assert_eq!(
            (error.kind(), error.code, error.data.hint.as_str()),
            (Kind::MethodNotFound, -32601, "did you mean messages.send?")
        );
        assert_eq!(unknown("a.b").data.hint, "rpc.discover lists every method");
    }
}
