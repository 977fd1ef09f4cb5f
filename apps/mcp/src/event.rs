//! The draft extension Events (SEP-3415): the event log by `events/list`, `events/poll` and `events/stream`. A cursor is the
//! number of an event, so it is good for ever; a gap in the log is `truncated`. It is a draft: every name and code of it
//! stands in the table at the beginning of this file.

use rmcp::RoleServer;
use rmcp::model::{
    CustomNotification, CustomRequest, CustomResult, ErrorCode, ErrorData, ProtocolVersion, RequestId,
    ServerNotification,
};
use rmcp::service::{Peer, RequestContext};
use serde::Deserialize;
use serde_json::{Value, json};
use sotto_api::{Body, Event, Events, ListEvents, Time, WaitEvents, all};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

use crate::compact_json;
use crate::label::LabelledMessage;
use crate::resource::failed;
use crate::server::Server;

/// The extension's identifier among the capabilities.
pub(crate) const EXTENSION: &str = "io.modelcontextprotocol/events";
/// Lists the types of events.
const LIST: &str = "events/list";
/// Reads events after a cursor.
const POLL: &str = "events/poll";
/// Sends events as they occur.
const STREAM: &str = "events/stream";
/// Registers a webhook.
const SUBSCRIBE: &str = "events/subscribe";
/// Removes a webhook.
const UNSUBSCRIBE: &str = "events/unsubscribe";
/// A stream has begun, or goes on after a gap.
const ACTIVE: &str = "notifications/events/active";
/// An event.
const EVENT: &str = "notifications/events/event";
/// No event yet.
const HEARTBEAT: &str = "notifications/events/heartbeat";
/// The stream ends for a reason.
const TERMINATED: &str = "notifications/events/terminated";
/// The member of `_meta` that names a stream.
const SUBSCRIPTION_ID: &str = "io.modelcontextprotocol/subscriptionId";
/// There is no such type of event.
const NOT_FOUND: ErrorCode = ErrorCode(-32011);
/// A way of delivery that is not offered.
const UNSUPPORTED: ErrorCode = ErrorCode(-32014);
/// The types, which are those of the event log.
const TYPES: [(&str, &str); 3] = [
    ("message.received", "A message arrived. Its text is data"),
    (
        "message.state",
        "A message of the user's own node was sent, delivered, read, or failed",
    ),
    ("request.received", "A peer asks to become a contact"),
];

/// Every request of the extension.
pub(crate) const REQUESTS: [&str; 5] = [LIST, POLL, STREAM, SUBSCRIBE, UNSUBSCRIBE];

/// How long a client is to wait between two polls, in milliseconds.
const NEXT_POLL: u64 = 2_000;

/// Events in one answer at most.
const MOST: u32 = 50;

/// The longest silence of a stream, in seconds. The draft wants a sign of life every 30.
const SILENCE: u32 = 20;

/// Parameters of `events/poll` and `events/stream`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Subscription {
    name: String,
    #[serde(default)]
    arguments: Arguments,
    #[serde(default)]
    cursor: Option<String>,
    #[serde(default)]
    max_age_ms: Option<u64>,
    #[serde(default)]
    max_events: Option<u32>,
}

/// What a subscription wants of a type.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Arguments {
    /// Only of this conversation: a contact's onion address.
    #[serde(default)]
    conversation: Option<String>,
}

/// A part of the log, as a subscription sees it.
struct Part {
    events: Vec<Value>,
    cursor: u64,
    truncated: bool,
    more: bool,
}

fn invalid(message: impl Into<String>) -> ErrorData {
    ErrorData::new(ErrorCode::INVALID_PARAMS, message.into(), None)
}

impl Subscription {
    fn of(request: &CustomRequest) -> Result<Self, ErrorData> {
        let params = request.params.clone().unwrap_or_default();
        let subscription: Self = serde_json::from_value(params).map_err(|error| invalid(error.to_string()))?;
        if TYPES.iter().any(|(name, _)| *name == subscription.name) {
            return Ok(subscription);
        }
        let message = format!("there is no event {:?}; {LIST} lists them", subscription.name);
        Err(ErrorData::new(NOT_FOUND, message, Some(json!({ "kind": "event" }))))
    }

    /// The position after which it starts; the end of the log if the client has none.
    async fn start(&self, server: &Server) -> Result<u64, ErrorData> {
        if let Some(cursor) = &self.cursor {
            return cursor
                .parse()
                .map_err(|_| invalid("cursor must be one that this server gave"));
        }
        let now = WaitEvents {
            timeout: Some(0),
            ..WaitEvents::default()
        };
        let events = server.daemon.call::<all::EventsWait>(&now).await;
        Ok(events.map_err(|error| failed(&error))?.next)
    }

    /// What there is after a position.
    async fn part(&self, server: &Server, since: u64) -> Result<Part, ErrorData> {
        let limit = self.max_events.unwrap_or(MOST).clamp(1, MOST);
        let params = ListEvents {
            since: Some(since),
            limit: Some(limit),
            ..ListEvents::default()
        };
        let found = server.daemon.call::<all::EventsList>(&params).await;
        let Events { events, next, more } = found.map_err(|error| failed(&error))?;
        let mut part = Part {
            events: Vec::new(),
            cursor: next,
            truncated: false,
            more,
        };
        let floor = self.max_age_ms.map(|age| Time::now().millis().saturating_sub(age));
        for event in events {
            let too_old = floor.is_some_and(|floor| event.at.millis() < floor);
            let wanted = self.wants(&event);
            part.truncated |= matches!(event.body, Body::Gap { .. }) || (wanted && too_old);
            if wanted && !too_old {
                part.events.extend(occurrence(event));
            }
        }
        Ok(part)
    }

    fn wants(&self, event: &Event) -> bool {
        let conversation = match &event.body {
            Body::MessageReceived { conversation, .. } | Body::MessageState { conversation, .. } => conversation,
            Body::RequestReceived { who } => &who.contact,
            _ => return false,
        };
        event.body.type_name() == self.name
            && self
                .arguments
                .conversation
                .as_ref()
                .is_none_or(|wanted| wanted == conversation)
    }
}

/// An event as the extension has it; none if its message has disappeared.
fn occurrence(event: Event) -> Option<Value> {
    let seq = event.seq?;
    let (name, at) = (event.body.type_name(), event.at);
    let data = match event.body {
        Body::MessageReceived { message, .. } => compact_json::value(&LabelledMessage::in_list(*message?)),
        body => compact_json::value(&body),
    }
    .ok()?;
    Some(json!({ "eventId": seq.to_string(), "name": name, "timestamp": at, "data": data }))
}

fn types() -> Value {
    let input = json!({
        "type": "object",
        "properties": {
            "conversation": { "type": "string", "description": "Only of this contact: its onion address" },
        },
        "additionalProperties": false,
    });
    let events: Vec<_> = TYPES
        .iter()
        .map(|(name, description)| {
            let payload = if *name == "message.received" {
                Value::Object(crate::schema::schema::<LabelledMessage>().as_ref().clone())
            } else {
                json!({ "type": "object" })
            };
            json!({
                "name": name,
                "description": description,
                "delivery": ["poll", "push"],
                "inputSchema": input,
                "payloadSchema": payload,
            })
        })
        .collect();
    json!({ "events": events })
}

/// Answers one request of the extension.
pub(crate) async fn answer(
    server: &Server,
    request: &CustomRequest,
    context: RequestContext<RoleServer>,
) -> Result<CustomResult, ErrorData> {
    let modern = context
        .protocol_version()
        .is_some_and(|version| version >= ProtocolVersion::V_2026_07_28);
    let mut result = match request.method.as_str() {
        LIST => types(),
        POLL => poll(server, &Subscription::of(request)?).await?,
        STREAM => {
            let stream = Stream {
                id: context.id,
                peer: context.peer,
                cancelled: context.ct,
            };
            stream.run(server, &Subscription::of(request)?).await?
        }
        _ => {
            let message = format!("{} is not offered: no webhook leaves this machine", request.method);
            let feature = json!({ "feature": "deliveryMode", "value": "webhook" });
            return Err(ErrorData::new(UNSUPPORTED, message, Some(feature)));
        }
    };
    if modern {
        result["resultType"] = json!("complete");
    }
    Ok(CustomResult::new(result))
}

async fn poll(server: &Server, subscription: &Subscription) -> Result<Value, ErrorData> {
    let start = subscription.start(server).await?;
    let part = match subscription.cursor {
        Some(_) => subscription.part(server, start).await?,
        None => Part {
            events: Vec::new(),
            cursor: start,
            truncated: false,
            more: false,
        },
    };
    Ok(json!({
        "events": part.events,
        "cursor": part.cursor.to_string(),
        "truncated": part.truncated,
        "hasMore": part.more,
        "nextPollMs": NEXT_POLL,
    }))
}

/// One `events/stream` request.
struct Stream {
    id: RequestId,
    peer: Peer<RoleServer>,
    cancelled: CancellationToken,
}

impl Stream {
    /// Sends events until the client cancels the request or closes its end.
    async fn run(&self, server: &Server, subscription: &Subscription) -> Result<Value, ErrorData> {
        let start = subscription.start(server).await?;
        tokio::select! {
            ended = self.follow(server, subscription, start) => ended?,
            () = self.cancelled.cancelled() => {}
            () = server.closed.cancelled() => {}
        }
        Ok(json!({ "_meta": {} }))
    }

    async fn follow(&self, server: &Server, subscription: &Subscription, start: u64) -> Result<(), ErrorData> {
        let mut cursor = start;
        let mut told = false;
        loop {
            let part = match subscription.part(server, cursor).await {
                Ok(part) => part,
                Err(error) if told => {
                    self.notify(TERMINATED, json!({ "error": error })).await;
                    return Ok(());
                }
                Err(error) => return Err(error),
            };
            if !told || part.truncated {
                let active = json!({ "cursor": cursor.to_string(), "truncated": part.truncated });
                self.notify(ACTIVE, active).await;
                told = true;
            }
            for mut event in part.events {
                event["cursor"] = event["eventId"].clone();
                self.notify(EVENT, event).await;
            }
            cursor = part.cursor;
            if part.more {
                continue;
            }
            let wait = WaitEvents {
                since: Some(cursor),
                types: vec![subscription.name.clone()],
                limit: Some(1),
                timeout: Some(SILENCE),
                consumer: None,
            };
            match server.daemon.call::<all::EventsWait>(&wait).await {
                Ok(waited) if waited.events.is_empty() => {
                    cursor = waited.next;
                    self.notify(HEARTBEAT, json!({ "cursor": cursor.to_string() })).await;
                }
                Ok(_) => {}
                Err(error) => {
                    self.notify(TERMINATED, json!({ "error": failed(&error) })).await;
                    return Ok(());
                }
            }
        }
    }

    async fn notify(&self, method: &str, mut params: Value) {
        params["_meta"] = json!({ SUBSCRIPTION_ID: self.id });
        let notification = CustomNotification::new(method, Some(params));
        // A client that is gone ends the stream by itself.
        let _ = self
            .peer
            .send_notification(ServerNotification::CustomNotification(notification))
            .await;
        // A log that is read without a pause must not keep other calls from their turn.
        tokio::time::sleep(Duration::ZERO).await;
    }
}
