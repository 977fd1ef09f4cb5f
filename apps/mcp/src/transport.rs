//! [`Lines`]: MCP's stdio transport, one JSON-RPC message a line. It keeps from the protocol library what would end it: a
//! message that is no request before the first request, a batch, a line that is not JSON or too long.
//!
//! Standard input may be a pipe, a socket, a file or a terminal, so a thread reads it and another one writes.

use std::collections::VecDeque;
use std::io::{self, BufRead as _, Read as _, Write};
use std::time::Duration;

use rmcp::RoleServer;
use rmcp::model::{ClientJsonRpcMessage, ErrorCode, ErrorData, RequestId, ServerJsonRpcMessage};
use rmcp::transport::Transport;
use serde_json::Value;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// The longest line. The longest argument is a text of 32 KiB.
const LINE: usize = 1024 * 1024;

/// Lines that are read ahead, or wait to be written. A client that does not read holds up its own calls only.
const QUEUE: usize = 64;

/// Requests that a request with a version of its own replaces (revision 2026-07-28).
const REMOVED: [&str; 2] = ["initialize", "ping"];

/// How long the last answers may take to be written.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// What one line holds.
#[derive(Debug)]
pub enum Incoming {
    /// For the protocol.
    Message(Box<ClientJsonRpcMessage>),
    /// Answered without the protocol.
    Answer(Box<ServerJsonRpcMessage>),
    /// Nothing to do.
    Ignored,
}

/// The transport.
pub(crate) struct Lines {
    input: mpsc::Receiver<Vec<u8>>,
    output: mpsc::Sender<Vec<u8>>,
    /// Read from a batch.
    waiting: VecDeque<Incoming>,
    reader: Reader,
    /// Cancelled when the client has closed standard input.
    closed: CancellationToken,
}

/// Interprets lines.
#[derive(Debug)]
pub struct Reader {
    /// A request has come: from now on the protocol library takes everything.
    opened: bool,
    /// `server/discover` is unknown: the client must use `initialize`.
    without_discover: bool,
}

impl Reader {
    /// A reader that has seen no line. `server/discover` may be unknown to it.
    pub const fn new(without_discover: bool) -> Self {
        Self {
            opened: false,
            without_discover,
        }
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
        match serde_json::from_slice(line) {
            Ok(Value::Array(batch)) if batch.is_empty() => {
                VecDeque::from([refused(None, ErrorCode::INVALID_REQUEST, "the batch is empty")])
            }
            Ok(Value::Array(batch)) => batch.into_iter().map(|one| self.message(one)).collect(),
            Ok(one) => VecDeque::from([self.message(one)]),
            Err(error) => VecDeque::from([refused(
                None,
                ErrorCode::PARSE_ERROR,
                &format!("the line is not JSON: {error}"),
            )]),
        }
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
        if self.without_discover && method == "server/discover" {
            return refused(
                Some(id),
                ErrorCode::METHOD_NOT_FOUND,
                "server/discover is unknown here: use initialize",
            );
        }
        match parsed(message) {
            Incoming::Message(message) if REMOVED.contains(&method.as_str()) && declares_version(&message) => {
                let said = format!("{method} is not of the revision that the request declares");
                refused(Some(id), ErrorCode::METHOD_NOT_FOUND, &said)
            }
            Incoming::Message(message) => {
                self.opened |= method == "initialize" || declares_version(&message);
                Incoming::Message(message)
            }
            _ => refused(
                Some(id),
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

fn parsed(message: Value) -> Incoming {
    serde_json::from_value(message).map_or(Incoming::Ignored, |message| Incoming::Message(Box::new(message)))
}

fn refused(id: Option<RequestId>, code: ErrorCode, message: &str) -> Incoming {
    let error = ErrorData::new(code, message.to_owned(), None);
    Incoming::Answer(Box::new(ServerJsonRpcMessage::error(error, id)))
}

impl Lines {
    /// On standard input and output.
    pub fn stdio(without_discover: bool, closed: CancellationToken) -> io::Result<(Self, Writer)> {
        let (lines, input) = mpsc::channel(QUEUE);
        let (output, written) = mpsc::channel(QUEUE);
        let (done, finished) = std::sync::mpsc::channel();
        std::thread::Builder::new()
            .name(String::from("stdin"))
            .spawn(move || read(&lines))?;
        std::thread::Builder::new()
            .name(String::from("stdout"))
            .spawn(move || {
                write(written, &mut io::stdout().lock());
                drop(done);
            })?;
        let lines = Self {
            input,
            output,
            waiting: VecDeque::new(),
            reader: Reader::new(without_discover),
            closed,
        };
        Ok((lines, Writer { finished }))
    }
}

/// The thread that writes to standard output.
pub(crate) struct Writer {
    finished: std::sync::mpsc::Receiver<()>,
}

impl Writer {
    /// Waits until the last answers are written, but not for a client that does not read them.
    pub fn finish(self) {
        let _ = self.finished.recv_timeout(LAST_WORDS);
    }
}

/// Reads until the end of standard input.
fn read(lines: &mpsc::Sender<Vec<u8>>) {
    let mut input = io::stdin().lock();
    loop {
        let mut line = Vec::new();
        // One byte more than is allowed, to tell a line that is too long.
        let most = u64::try_from(LINE + 2).unwrap_or(u64::MAX);
        match input.by_ref().take(most).read_until(b'\n', &mut line) {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
        let whole = line.ends_with(b"\n");
        if !whole && line.len() > LINE && input.skip_until(b'\n').is_err() {
            return;
        }
        if line.len() <= LINE + 1 && whole {
            line.pop();
        }
        if lines.blocking_send(line).is_err() {
            return;
        }
    }
}

/// Writes until the server drops its end, or the client closes its end.
fn write(mut lines: mpsc::Receiver<Vec<u8>>, output: &mut impl Write) {
    while let Some(line) = lines.blocking_recv() {
        if output.write_all(&line).and_then(|()| output.flush()).is_err() {
            return;
        }
    }
}

fn queue(
    output: &mpsc::Sender<Vec<u8>>,
    message: &ServerJsonRpcMessage,
) -> impl Future<Output = io::Result<()>> + use<> {
    let line = serde_json::to_vec(message).map(|mut line| {
        line.push(b'\n');
        line
    });
    let output = output.clone();
    async move {
        output
            .send(line?)
            .await
            .map_err(|_| io::Error::new(io::ErrorKind::BrokenPipe, "the client reads no more"))
    }
}

impl Transport<RoleServer> for Lines {
    type Error = io::Error;

    fn send(&mut self, message: ServerJsonRpcMessage) -> impl Future<Output = io::Result<()>> + Send + 'static {
        queue(&self.output, &message)
    }

    // May be given up at any time: what was taken from a queue is returned without another wait, or answered in order.
    async fn receive(&mut self) -> Option<ClientJsonRpcMessage> {
        loop {
            match self.waiting.front() {
                Some(Incoming::Answer(answer)) => {
                    let written = queue(&self.output, answer).await;
                    self.waiting.pop_front();
                    written.ok()?;
                }
                Some(Incoming::Ignored) => {
                    self.waiting.pop_front();
                }
                Some(Incoming::Message(_)) => {
                    if let Some(Incoming::Message(message)) = self.waiting.pop_front() {
                        return Some(*message);
                    }
                }
                None => {
                    let Some(line) = self.input.recv().await else {
                        self.closed.cancel();
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
