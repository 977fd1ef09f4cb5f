//! [`Lines`]: MCP's stdio transport, one JSON-RPC message a line. It keeps from the protocol library what would end it: a
//! message that is no request before the first request, a batch, a line that is not JSON or too long. One batch is answered by one
//! batch (JSON-RPC 2.0, section 6; revisions up to 2025-03-26).

use std::collections::VecDeque;
use std::io;
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::{BoxFuture, Either, ready};
use rmcp::RoleServer;
use rmcp::model::{
    CallToolRequest, CallToolRequestMethod, CallToolRequestParams, ClientJsonRpcMessage, ClientNotification,
    ClientRequest, ErrorCode, ErrorData, InputResponses, JsonObject, JsonRpcNotification, JsonRpcVersion2_0, RequestId,
    RequestMetaObject, ServerJsonRpcMessage, ServerResult,
};
use rmcp::transport::Transport;
use serde::Deserialize;
use serde_json::Value;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use crate::stdio::{Input, LINE, Output, Writer};
use crate::tool::structured_content;

/// Requests that a request with a version of its own replaces (revision 2026-07-28).
const REMOVED: [&str; 2] = ["initialize", "ping"];

/// What a line holds.
#[derive(Debug)]
pub enum Incoming {
    /// For the protocol.
    Message(Box<ClientJsonRpcMessage>),
    /// Answered without the protocol.
    Response(Box<ServerJsonRpcMessage>),
    /// The messages that follow came together, and so do their answers.
    Batch(Batch),
    /// Nothing to do.
    Ignored,
}

/// The answers to a batch.
#[derive(Debug, Default)]
pub struct Batch {
    /// Requests that have none yet.
    waiting: Vec<RequestId>,
    answers: Vec<ServerJsonRpcMessage>,
}

impl Batch {
    /// Whether every request has its answer.
    pub const fn is_answered(&self) -> bool {
        self.waiting.is_empty()
    }

    /// How many requests wait, and how many messages are refused already.
    pub const fn counts(&self) -> (usize, usize) {
        (self.waiting.len(), self.answers.len())
    }

    /// Its answers as they are written: in one line.
    fn line(&self) -> io::Result<Vec<u8>> {
        let mut line = Vec::from(b"[");
        for (number, answer) in self.answers.iter().enumerate() {
            if number > 0 {
                line.push(b',');
            }
            append(answer, &mut line)?;
        }
        line.extend_from_slice(b"]\n");
        Ok(line)
    }

    fn awaits(&self, id: &RequestId) -> bool {
        self.waiting.contains(id)
    }

    /// No answer comes to that request, or this one does.
    fn give_up(&mut self, id: &RequestId) {
        if let Some(index) = self.waiting.iter().position(|one| one == id) {
            self.waiting.swap_remove(index);
        }
    }
}

/// Where an answer goes.
enum Place {
    /// Into a line of its own.
    Alone,
    /// Into a batch that waits for others.
    Kept,
    /// Into this batch, which is complete with it.
    Completes(Batch),
}

/// The transport.
pub(crate) struct Lines {
    input: Input,
    output: Output,
    /// Read, and not handed on yet.
    waiting: VecDeque<Incoming>,
    /// Batches whose answers are not all there.
    batches: Vec<Batch>,
    /// An answer of this transport that is being written.
    sending: Option<BoxFuture<'static, io::Result<()>>>,
    reader: Reader,
    /// Cancelled when the client has closed standard input.
    closed: CancellationToken,
    /// When what was asked before the end of standard input is given up.
    given_up: Option<Instant>,
}

/// How long what was asked before the end of standard input may take: longer than the daemon takes for a request, which has limits
/// of its own.
const LAST_ANSWERS: Duration = Duration::from_mins(1);

/// Interprets lines.
#[derive(Clone, Debug)]
pub struct Reader {
    /// Requests that were handed on, and have no answer yet. The protocol library knows a request by its id alone: of two with one
    /// id it would carry out both and answer one.
    in_flight: Vec<RequestId>,
    /// A request has come: from now on the protocol library takes everything.
    opened: bool,
    /// `server/discover` is unknown: the client must use `initialize`.
    without_discover: bool,
}

impl Reader {
    /// A reader that has seen no line. `server/discover` may be unknown to it.
    pub const fn new(without_discover: bool) -> Self {
        Self {
            in_flight: Vec::new(),
            opened: false,
            without_discover,
        }
    }

    /// The request of that id has its answer, or gets none.
    fn forget(&mut self, id: &RequestId) {
        self.in_flight.retain(|one| one != id);
    }

    /// What a line holds: one message, or a batch of them (revision 2025-03-26).
    pub fn line(&mut self, line: &[u8]) -> VecDeque<Incoming> {
        if line.trim_ascii().is_empty() {
            return VecDeque::new();
        }
        if line.len() > LINE {
            return VecDeque::from([refused(
                None,
                ErrorCode::INVALID_REQUEST,
                "the line is longer than 1 MiB",
            )]);
        }
        if let Ok(call) = serde_json::from_slice(line) {
            return VecDeque::from([self.call(call)]);
        }
        match serde_json::from_slice(line) {
            Ok(Value::Array(batch)) if batch.is_empty() => {
                VecDeque::from([refused(None, ErrorCode::INVALID_REQUEST, "the batch is empty")])
            }
            Ok(Value::Array(messages)) => self.batch(messages),
            Ok(one) => VecDeque::from([self.message(one)]),
            Err(error) => VecDeque::from([refused(
                None,
                ErrorCode::PARSE_ERROR,
                &format!("the line is not JSON: {error}"),
            )]),
        }
    }

    fn batch(&mut self, messages: Vec<Value>) -> VecDeque<Incoming> {
        let mut batch = Batch::default();
        let mut incoming = VecDeque::new();
        for message in messages {
            match self.message(message) {
                Incoming::Response(answer) => batch.answers.push(*answer),
                Incoming::Message(message) => {
                    if let ClientJsonRpcMessage::Request(request) = &*message {
                        batch.waiting.push(request.id.clone());
                    }
                    incoming.push_back(Incoming::Message(message));
                }
                Incoming::Batch(_) | Incoming::Ignored => {}
            }
        }
        incoming.push_front(Incoming::Batch(batch));
        incoming
    }

    fn message(&mut self, message: Value) -> Incoming {
        let id = match message.get("id") {
            None => None,
            Some(id) => match serde_json::from_value::<RequestId>(id.clone()) {
                Ok(id) => Some(id),
                // An error without an id is about the connection as a whole. It must not be answered.
                Err(_) if message.get("method").is_none() => return Incoming::Ignored,
                Err(_) => {
                    return refused(
                        None,
                        ErrorCode::INVALID_REQUEST,
                        "the id must be text or a whole number",
                    );
                }
            },
        };
        let method = message.get("method").and_then(Value::as_str).map(ToOwned::to_owned);
        let (method, request) = match (method, id) {
            (Some(method), id) => (method, id),
            (None, _) if message.get("result").is_some() || message.get("error").is_some() => {
                // Before the first request this node has asked for nothing.
                return if self.opened {
                    parsed(message)
                } else {
                    Incoming::Ignored
                };
            }
            (None, id) => return refused(id, ErrorCode::INVALID_REQUEST, "the message has no method"),
        };
        let Some(id) = request else {
            return match parsed(message) {
                message @ Incoming::Message(_) if self.opened => message,
                _ => Incoming::Ignored,
            };
        };
        if let Ok(call) = ToolCall::deserialize(&message) {
            return self.call(call);
        }
        if let Some(refused) = self.in_use(&id) {
            return refused;
        }
        let request = self.request(&id, &method, message);
        if matches!(request, Incoming::Message(_)) {
            self.in_flight.push(id);
        }
        request
    }

    fn call(&mut self, call: ToolCall) -> Incoming {
        let id = call.id.clone();
        if let Some(refused) = self.in_use(&id) {
            return refused;
        }
        let message = call.into();
        self.opened |= declares_version(&message);
        self.in_flight.push(id);
        Incoming::Message(Box::new(message))
    }

    /// A refusal, if the request of that id has no answer yet. It has no id: under this one it would be taken for that answer.
    fn in_use(&self, id: &RequestId) -> Option<Incoming> {
        let said = || format!("the id {id} is that of a request that has no answer yet: this one was not carried out");
        let in_use = self.in_flight.contains(id);
        in_use.then(|| refused(None, ErrorCode::INVALID_REQUEST, &said()))
    }

    /// What a request is, that has this id and this method.
    fn request(&mut self, id: &RequestId, method: &str, message: Value) -> Incoming {
        if self.without_discover && method == "server/discover" {
            return refused(
                Some(id.clone()),
                ErrorCode::METHOD_NOT_FOUND,
                "server/discover is unknown here: use initialize",
            );
        }
        match parsed(message) {
            Incoming::Message(message) if REMOVED.contains(&method) && declares_version(&message) => {
                let said = format!("{method} is not of the revision that the request declares");
                refused(Some(id.clone()), ErrorCode::METHOD_NOT_FOUND, &said)
            }
            Incoming::Message(message) => {
                self.opened |= method == "initialize" || declares_version(&message);
                Incoming::Message(message)
            }
            _ => refused(
                Some(id.clone()),
                ErrorCode::INVALID_PARAMS,
                &format!("the parameters of {method} are wrong"),
            ),
        }
    }
}

/// Whether a request carries its own version, as each request of revision 2026-07-28 does.
fn declares_version(message: &ClientJsonRpcMessage) -> bool {
    use rmcp::model::GetMeta as _;
    match message {
        ClientJsonRpcMessage::Request(request) => request.request.get_meta().protocol_version().is_some(),
        _ => false,
    }
}

/// A call of a tool. Nearly every line is one, so it is read as what it must be, at once; all else, by way of [`Value`], as whatever it
/// may be. The protocol library tries its kinds of requests one after the other, which takes longer than all else that this process
/// does for a call. What has an unknown member is not read here: what is passed over need not even be JSON.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ToolCall {
    #[serde(rename = "jsonrpc")]
    _version: JsonRpcVersion2_0,
    id: RequestId,
    #[serde(rename = "method")]
    _method: CallToolRequestMethod,
    params: ToolCallParams,
}

/// [`CallToolRequestParams`] without unknown members.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct ToolCallParams {
    #[serde(rename = "_meta")]
    meta: Option<RequestMetaObject>,
    name: String,
    arguments: Option<JsonObject>,
    input_responses: Option<InputResponses>,
    request_state: Option<String>,
}

impl From<ToolCall> for ClientJsonRpcMessage {
    fn from(call: ToolCall) -> Self {
        let ToolCall { id, params: read, .. } = call;
        let mut params = CallToolRequestParams::new(read.name);
        params.arguments = read.arguments;
        params.input_responses = read.input_responses;
        params.request_state = read.request_state;
        let mut request = CallToolRequest::new(params);
        // Where the protocol library has it.
        if let Some(meta) = read.meta {
            request.extensions.insert(meta);
        }
        Self::request(ClientRequest::CallToolRequest(request), id)
    }
}

fn parsed(message: Value) -> Incoming {
    serde_json::from_value(message).map_or(Incoming::Ignored, |message| Incoming::Message(Box::new(message)))
}

fn refused(id: Option<RequestId>, code: ErrorCode, message: &str) -> Incoming {
    let error = ErrorData::new(code, message.to_owned(), None);
    Incoming::Response(Box::new(ServerJsonRpcMessage::error(error, id)))
}

impl Lines {
    /// On standard input and output, in the context of the runtime that serves.
    pub fn stdio(without_discover: bool, closed: CancellationToken) -> io::Result<(Self, Writer)> {
        let (output, writer) = Output::open()?;
        let lines = Self {
            input: Input::open()?,
            output,
            waiting: VecDeque::new(),
            batches: Vec::new(),
            sending: None,
            reader: Reader::new(without_discover),
            closed,
            given_up: None,
        };
        Ok((lines, writer))
    }

    /// Writes an answer by itself, or keeps it for the batch that it belongs to.
    fn answer(&mut self, message: &ServerJsonRpcMessage) -> impl Future<Output = io::Result<()>> + Send + use<> {
        let id = match message {
            ServerJsonRpcMessage::Response(response) => Some(&response.id),
            ServerJsonRpcMessage::Error(error) => error.id.as_ref(),
            ServerJsonRpcMessage::Request(_) | ServerJsonRpcMessage::Notification(_) => None,
        };
        if let Some(id) = id {
            self.reader.forget(id);
        }
        let written = match id.map_or(Place::Alone, |id| self.place(id, Some(message))) {
            Place::Alone => line(message),
            Place::Kept => return Either::Left(ready(Ok(()))),
            Place::Completes(batch) => batch.line(),
        };
        match written {
            Ok(line) => Either::Right(self.output.send(line)),
            Err(error) => Either::Left(ready(Err(error))),
        }
    }

    /// Gives an answer to the batch that waits for it. Without an answer, the batch does not wait for that request any more.
    fn place(&mut self, id: &RequestId, answer: Option<&ServerJsonRpcMessage>) -> Place {
        let Some(index) = self.batches.iter().position(|batch| batch.awaits(id)) else {
            return Place::Alone;
        };
        let batch = &mut self.batches[index];
        batch.give_up(id);
        batch.answers.extend(answer.cloned());
        if batch.is_answered() {
            Place::Completes(self.batches.swap_remove(index))
        } else {
            Place::Kept
        }
    }

    /// Begins to write the answers to a batch, if there are any.
    fn write(&mut self, batch: &Batch) -> io::Result<()> {
        if !batch.answers.is_empty() {
            self.sending = Some(self.output.send(batch.line()?).boxed());
        }
        Ok(())
    }
}

/// As it is written alone.
fn line(message: &ServerJsonRpcMessage) -> io::Result<Vec<u8>> {
    let mut line = Vec::new();
    append(message, &mut line)?;
    line.push(b'\n');
    Ok(line)
}

/// Appends a message as JSON, the result of a tool with its structured content: that is JSON already, as text, and is written a
/// second time as it is.
fn append(message: &ServerJsonRpcMessage, line: &mut Vec<u8>) -> io::Result<()> {
    let structured = match message {
        ServerJsonRpcMessage::Response(response) => match &response.result {
            ServerResult::CallToolResult(result) => structured_content(result),
            _ => None,
        },
        _ => None,
    };
    line.reserve(structured.map_or(0, |json| 3 * json.len()) + 256);
    serde_json::to_writer(&mut *line, message)?;
    if let Some(json) = structured {
        // The result is the last member of the message.
        let end = line.len() - "}}".len();
        debug_assert_eq!(&line[end..], b"}}");
        line.truncate(end);
        line.extend_from_slice(b",\"structuredContent\":");
        line.extend_from_slice(json.as_bytes());
        line.extend_from_slice(b"}}");
    }
    Ok(())
}

impl Transport<RoleServer> for Lines {
    type Error = io::Error;

    fn send(&mut self, message: ServerJsonRpcMessage) -> impl Future<Output = io::Result<()>> + Send + 'static {
        self.answer(&message)
    }

    // May be given up at any time: what was taken from the input is returned without another wait, or answered in order.
    async fn receive(&mut self) -> Option<ClientJsonRpcMessage> {
        loop {
            if let Some(sending) = &mut self.sending {
                let written = sending.await;
                self.sending = None;
                written.ok()?;
            }
            match self.waiting.pop_front() {
                Some(Incoming::Response(answer)) => self.sending = Some(self.output.send(line(&answer).ok()?).boxed()),
                Some(Incoming::Batch(batch)) if batch.is_answered() => self.write(&batch).ok()?,
                Some(Incoming::Batch(batch)) => self.batches.push(batch),
                Some(Incoming::Ignored) => {}
                Some(Incoming::Message(message)) => {
                    // A request that is cancelled has no answer.
                    if let Some(id) = cancels(&message) {
                        self.reader.forget(id);
                        if let Place::Completes(batch) = self.place(id, None) {
                            self.write(&batch).ok()?;
                        }
                    }
                    return Some(*message);
                }
                None => {
                    let Some(line) = self.input.line().await else {
                        // What waits for something to happen ends now. The rest is answered first: each answer has this method
                        // called again.
                        self.closed.cancel();
                        let given_up = *self.given_up.get_or_insert_with(|| Instant::now() + LAST_ANSWERS);
                        if !self.reader.in_flight.is_empty() {
                            sleep_until(given_up).await;
                        }
                        return None;
                    };
                    self.waiting = self.reader.line(&line);
                }
            }
        }
    }

    async fn close(&mut self) -> io::Result<()> {
        self.closed.cancel();
        Ok(())
    }
}

/// The request that a message cancels.
const fn cancels(message: &ClientJsonRpcMessage) -> Option<&RequestId> {
    match message {
        ClientJsonRpcMessage::Notification(JsonRpcNotification {
            notification: ClientNotification::CancelledNotification(cancelled),
            ..
        }) => cancelled.params.request_id.as_ref(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use rmcp::model::{CallToolResult, ContentBlock, MetaObject};
    use serde_json::json;

    use super::*;

    #[test]
    fn a_call_of_a_tool_is_what_the_protocol_library_makes_of_it() {
        let request = |params: Value| json!({ "jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": params });
        let version = json!({ "io.modelcontextprotocol/protocolVersion": "2026-07-28", "progressToken": "t" });
        let answers = json!({ "approval": { "action": "accept", "content": { "send": true } } });
        let calls = [
            request(json!({ "name": "get_status" })),
            request(json!({ "name": "get_status", "arguments": { "a": [1, null] } })),
            request(json!({ "name": "get_status", "arguments": null, "_meta": null })),
            request(json!({ "name": "get_status", "_meta": {} })),
            request(json!({ "name": "get_status", "_meta": { "progressToken": 3, "other": "kept" } })),
            request(json!({ "name": "x", "_meta": version, "inputResponses": answers, "requestState": "a.b" })),
        ];
        for call in calls {
            let ours: ToolCall = serde_json::from_str(&call.to_string()).expect("a call");
            let ours = ClientJsonRpcMessage::from(ours);
            let theirs: ClientJsonRpcMessage = serde_json::from_value(call.clone()).expect("a message");
            assert_eq!(format!("{ours:?}"), format!("{theirs:?}"));
            let json = |message| serde_json::to_value(message).expect("JSON");
            assert_eq!(json(&ours), json(&theirs));
        }
        let mut both = request(json!({ "name": "get_status" }));
        both["result"] = json!({});
        let old = json!({ "jsonrpc": "1.0", "id": 7, "method": "tools/call", "params": { "name": "get_status" } });
        let other = json!({ "jsonrpc": "2.0", "id": 7, "method": "tools/list", "params": { "name": "get_status" } });
        let unknown = request(json!({ "name": "get_status", "unknown": true }));
        for other in [request(json!({})), request(json!([])), both, old, other, unknown] {
            assert!(serde_json::from_value::<ToolCall>(other.clone()).is_err(), "{other}");
        }
    }

    #[test]
    fn a_result_has_its_text_as_structured_content() {
        let text = "{\"a\":\"\\\"}}\",\"b\":[1,{}]}";
        let result = |result: CallToolResult| {
            ServerJsonRpcMessage::response(ServerResult::CallToolResult(result), RequestId::Number(7))
        };
        let success = || CallToolResult::success(vec![ContentBlock::text(text)]);
        let mut expected = success();
        expected.structured_content = serde_json::from_str(text).expect("JSON");
        let mut with_meta = success();
        with_meta.meta = Some(MetaObject::new());
        for message in [success(), with_meta].map(result) {
            let written: Value = serde_json::from_slice(&line(&message).expect("written")).expect("JSON");
            let result = &written["result"];
            assert_eq!(
                result["structuredContent"],
                expected.structured_content.clone().expect("set")
            );
            assert_eq!(
                (&result["content"][0]["text"], &written["id"]),
                (&json!(text), &json!(7))
            );
        }
        // Not so an error, nor what is not the result of a tool.
        let failed = result(CallToolResult::error(vec![ContentBlock::text("{}")]));
        let other = ServerJsonRpcMessage::response(ServerResult::empty(()), RequestId::Number(8));
        let batch = Batch {
            waiting: Vec::new(),
            answers: vec![failed.clone(), result(success()), other.clone()],
        };
        for message in [&failed, &other] {
            let plain = serde_json::to_string(message).expect("JSON") + "\n";
            assert_eq!(line(message).expect("written"), plain.as_bytes());
        }
        let written: Vec<Value> = serde_json::from_slice(&batch.line().expect("written")).expect("JSON");
        let structured = |one: &Value| one["result"].get("structuredContent").is_some();
        assert_eq!(written.iter().map(structured).collect::<Vec<_>>(), [false, true, false]);
    }
}
