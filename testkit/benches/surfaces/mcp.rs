//! Rows of `sotto mcp`.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::comparison::compare;
use crate::installed::{Home, resident};
use crate::socket::{Socket, daemon};

/// Calls of a round.
const CALLS: u32 = 100;

/// A running `sotto mcp` and its session.
struct Server {
    child: Child,
    input: ChildStdin,
    lines: BufReader<ChildStdout>,
}

impl Server {
    /// From the start of the program to its answer to `initialize`.
    fn start(home: &Home) -> Self {
        let mut command = home.command(&["mcp"]);
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let mut child = command.spawn().expect("sotto runs");
        let input = child.stdin.take().expect("piped");
        let lines = BufReader::new(child.stdout.take().expect("piped"));
        let mut server = Self { child, input, lines };
        let client = json!({ "name": "bench", "version": "1" });
        let params = json!({ "protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": client });
        server.ask("initialize", &params);
        server
    }

    fn ask(&mut self, method: &str, params: &Value) -> String {
        let request = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        // In one write, as clients do it: each piece of a line would wake the server.
        let request = format!("{request}\n");
        self.input.write_all(request.as_bytes()).expect("asked");
        let mut line = String::new();
        self.lines.read_line(&mut line).expect("answered");
        assert!(line.contains("\"result\""), "{line}");
        line
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// From the start of the program to its first answer, beside the start of Python. The answer comes within 50 ms.
pub fn mcp_first_answer() {
    let home = Home::on("local");
    let ours = || {
        let start = Instant::now();
        let _server = Server::start(&home);
        start.elapsed()
    };
    let python = || {
        let start = Instant::now();
        let ended = Command::new("python3").args(["-c", "pass"]).status();
        assert!(ended.expect("python3 runs").success());
        start.elapsed()
    };
    compare("mcp_first_answer", 1, ours, python);
}

/// A call of a tool beside the same method on the socket; and what the server's process takes up.
pub fn mcp_call() {
    let (home, _) = daemon();
    let mut server = Server::start(&home);
    let initialized = json!({ "jsonrpc": "2.0", "method": "notifications/initialized" });
    writeln!(server.input, "{initialized}").expect("told");
    let mut socket = Socket::open(&home);
    let call = json!({ "name": "get_identity", "arguments": {} });
    let timed = |one: &mut dyn FnMut()| -> Duration {
        let start = Instant::now();
        (0..CALLS).for_each(|_| one());
        start.elapsed()
    };
    let ours = || timed(&mut || drop(server.ask("tools/call", &call)));
    let limit = || {
        timed(&mut || {
            socket.ask("identity.show", &json!({}));
            socket.line();
        })
    };
    compare("mcp_call", CALLS, ours, limit);
    println!(
        "mcp_call resident={} limit=15 MiB",
        resident(&server.child.id().to_string())
    );
}
