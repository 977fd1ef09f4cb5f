//! Rows of `sotto mcp`.

use std::fs;
use std::io::{self, BufRead as _, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::thread;
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

    /// A process that passes bytes on.
    fn relay(home: &Home) -> Self {
        let mut child = Command::new(std::env::current_exe().expect("a program"))
            .arg(RELAY)
            .arg(home.data().join("sotto.sock"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("this program runs");
        let input = child.stdin.take().expect("piped");
        let lines = BufReader::new(child.stdout.take().expect("piped"));
        Self { child, input, lines }
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

/// The name under which this program is a process that passes bytes on between its standard input and output and a socket.
pub const RELAY: &str = "--relay";

/// Passes bytes on until its input ends.
pub fn relay(socket: &Path) {
    let to = UnixStream::connect(socket).expect("the daemon listens");
    let from = to.try_clone().expect("a copy");
    let pass_on = |from: &mut dyn Read, to: &mut dyn Write| {
        let mut bytes = [0; 8192];
        while let Ok(read @ 1..) = from.read(&mut bytes) {
            to.write_all(&bytes[..read])
                .and_then(|()| to.flush())
                .expect("passed on");
        }
    };
    thread::spawn(move || pass_on(&mut &from, &mut io::stdout().lock()));
    pass_on(&mut io::stdin().lock(), &mut &to);
}

/// A call of a tool beside the same method on the socket; the same through a process that only passes bytes on, which is what any
/// second process costs; and what the server's process takes up.
///
/// The row itself has all processes on one processor, where its figures are the work that they do. Unpinned, on more than one, they are
/// mostly the time until an idle processor is woken, and the ratio is that of where the scheduler has put three processes: it was
/// between 1.2 and 5.8 for the same program, and for the one that only passes bytes on.
pub fn mcp_call() {
    let (home, _) = daemon();
    let mut server = Server::start(&home);
    let initialized = json!({ "jsonrpc": "2.0", "method": "notifications/initialized" });
    writeln!(server.input, "{initialized}").expect("told");
    let mut relay = Server::relay(&home);
    let mut socket = Socket::open(&home);
    let call = json!({ "name": "get_identity", "arguments": {} });
    let timed = |one: &mut dyn FnMut()| -> Duration {
        let start = Instant::now();
        (0..CALLS).for_each(|_| one());
        start.elapsed()
    };
    let mut processes = vec![home.pid()];
    processes.extend([std::process::id(), server.child.id(), relay.child.id()].map(|id| id.to_string()));
    let mut compare_both = |how: &str| {
        let mut limit = || {
            timed(&mut || {
                socket.ask("identity.show", &json!({}));
                socket.line();
            })
        };
        let ours = || timed(&mut || drop(server.ask("tools/call", &call)));
        compare(&format!("mcp_call{how}"), CALLS, ours, &mut limit);
        let relayed = || timed(&mut || drop(relay.ask("identity.show", &json!({}))));
        compare(&format!("mcp_call relay{how}"), CALLS, relayed, limit);
    };
    compare_both(" unpinned");
    let pinned = Pinned::on_one_processor(processes);
    compare_both("");
    drop(pinned);
    println!(
        "mcp_call resident={} limit=15 MiB",
        resident(&server.child.id().to_string())
    );
}

/// Processes that share one processor, until this is dropped.
struct Pinned {
    processes: Vec<String>,
    /// Where this process, and so all that it has started, may run otherwise.
    before: String,
}

impl Pinned {
    fn on_one_processor(processes: Vec<String>) -> Self {
        let status = fs::read_to_string("/proc/self/status").expect("Linux");
        let allowed = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:"));
        let before = allowed.expect("a list (proc(5))").trim().to_owned();
        let pinned = Self { processes, before };
        let first: String = pinned.before.chars().take_while(char::is_ascii_digit).collect();
        pinned.run_on(&first);
        pinned
    }

    /// By taskset(1), which takes every thread of a process.
    fn run_on(&self, processors: &str) {
        for process in &self.processes {
            let taskset = Command::new("taskset")
                .args(["--all-tasks", "--cpu-list", "--pid", processors, process])
                .stdout(Stdio::null())
                .status();
            assert!(
                taskset.expect("taskset runs").success(),
                "process {process} cannot be moved"
            );
        }
    }
}

impl Drop for Pinned {
    fn drop(&mut self) {
        self.run_on(&self.before);
    }
}
