//! [`McpClient`]: a client that writes lines and reads lines, with a limit on its patience.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Instant;

use serde_json::{Value, json};

use super::world::{PATIENCE, Person, ended};

/// Every revision, the oldest first.
pub const REVISIONS: [&str; 5] = ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25", "2026-07-28"];

/// A running server and its client.
pub struct McpClient {
    server: Child,
    input: Option<ChildStdin>,
    lines: Receiver<String>,
    revision: &'static str,
    capabilities: Value,
    last_id: u64,
    /// Notifications and requests of the server that came while an answer was awaited.
    pub others: Vec<Value>,
    /// The longest line so far, in characters.
    pub longest: usize,
    /// When the server was started.
    pub began: Instant,
}

impl McpClient {
    /// A server that has been asked nothing.
    pub fn silent(person: &Person, arguments: &[&str]) -> Self {
        Self::started(person.command(&[&["mcp"], arguments].concat()))
    }

    /// A server that a command starts.
    pub fn started(mut command: Command) -> Self {
        let began = Instant::now();
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut server = command.spawn().expect("the server starts");
        let input = server.stdin.take();
        let output = BufReader::new(server.stdout.take().expect("piped"));
        let (send, lines) = channel();
        std::thread::spawn(move || {
            for line in output.lines() {
                if send.send(line.expect("UTF-8")).is_err() {
                    return;
                }
            }
        });
        Self {
            server,
            input,
            lines,
            revision: "2025-11-25",
            capabilities: json!({}),
            last_id: 0,
            others: Vec::new(),
            longest: 0,
            began,
        }
    }

    /// A session on a revision: by `initialize`, or by the metadata of each request.
    pub fn open(person: &Person, revision: &'static str) -> Self {
        Self::with(person, revision, json!({}), &[])
    }

    /// A session of a client with these capabilities.
    pub fn with(person: &Person, revision: &'static str, capabilities: Value, arguments: &[&str]) -> Self {
        let mut client = Self::silent(person, arguments);
        client.revision = revision;
        client.capabilities = capabilities;
        if client.has_initialize() {
            let answer = client.initialize();
            assert_eq!(answer["result"]["protocolVersion"], revision, "{answer}");
        }
        client
    }

    fn has_initialize(&self) -> bool {
        self.revision < "2026-07-28"
    }

    /// `initialize` and `notifications/initialized`.
    pub fn initialize(&mut self) -> Value {
        let params = json!({
            "protocolVersion": self.revision,
            "capabilities": self.capabilities,
            "clientInfo": { "name": "test", "version": "1" },
        });
        let answer = self.request("initialize", params);
        self.write(&json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }));
        answer
    }

    pub fn write(&mut self, message: &Value) {
        self.write_line(&message.to_string());
    }

    pub fn write_line(&mut self, line: &str) {
        let input = self.input.as_mut().expect("open");
        writeln!(input, "{line}").expect("the server reads");
    }

    /// The next line.
    pub fn line(&mut self) -> Value {
        let line = self.lines.recv_timeout(PATIENCE).expect("the server writes");
        self.longest = self.longest.max(line.chars().count());
        let line: Value = serde_json::from_str(&line).expect("JSON");
        // Some clients answer none, and take the server for dead.
        assert_ne!(line["method"], "ping", "a server never asks so");
        line
    }

    /// The answers to a batch, which come in one line.
    pub fn batch(&mut self) -> Vec<Value> {
        let array = self.others.iter().position(Value::is_array);
        let line = array.map(|index| self.others.remove(index));
        match line.unwrap_or_else(|| self.line()) {
            Value::Array(answers) => answers,
            other => panic!("{other} is no batch"),
        }
    }

    /// Sends a request and does not wait.
    pub fn send(&mut self, method: &str, mut params: Value) -> u64 {
        self.last_id += 1;
        if !self.has_initialize() {
            params["_meta"]["io.modelcontextprotocol/protocolVersion"] = json!(self.revision);
            params["_meta"]["io.modelcontextprotocol/clientInfo"] = json!({ "name": "test", "version": "1" });
            params["_meta"]["io.modelcontextprotocol/clientCapabilities"] = self.capabilities.clone();
        }
        let id = self.last_id;
        self.write(&json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }));
        id
    }

    /// The answer to a request.
    pub fn answer(&mut self, id: u64) -> Value {
        loop {
            let line = self.line();
            if line["id"] == id && line.get("method").is_none() {
                return line;
            }
            self.others.push(line);
        }
    }

    /// Sends a request and waits for its answer.
    pub fn request(&mut self, method: &str, params: Value) -> Value {
        let id = self.send(method, params);
        self.answer(id)
    }

    /// The result of a request that succeeds.
    pub fn result(&mut self, method: &str, params: Value) -> Value {
        let answer = self.request(method, params);
        answer
            .get("result")
            .unwrap_or_else(|| panic!("{method}: {answer}"))
            .clone()
    }

    /// The result of a tool.
    pub fn tool(&mut self, name: &str, arguments: &Value) -> Value {
        self.result("tools/call", json!({ "name": name, "arguments": arguments }))
    }

    /// The structured content of a tool that succeeds. The mirrored text must say the same.
    pub fn ok(&mut self, name: &str, arguments: &Value) -> Value {
        let result = self.tool(name, arguments);
        assert_ne!(result["isError"], true, "{name} {arguments}: {result}");
        let text = result["content"][0]["text"].as_str().expect("mirrored text");
        let mirrored: Value = serde_json::from_str(text).expect("JSON");
        assert_eq!(mirrored, result["structuredContent"], "{name}");
        mirrored
    }

    /// What a tool that fails says.
    pub fn failure(&mut self, name: &str, arguments: &Value) -> Value {
        let result = self.tool(name, arguments);
        assert_eq!(result["isError"], true, "{name} {arguments}: {result}");
        serde_json::from_str(result["content"][0]["text"].as_str().expect("text")).expect("JSON")
    }

    /// Closes standard input and waits for the end.
    pub fn end(mut self) -> ExitStatus {
        self.input = None;
        ended(&mut self.server, &"sotto mcp")
    }
}

impl Drop for McpClient {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}
