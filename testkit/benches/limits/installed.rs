//! The program as it is installed: a release build, a data folder, a daemon.

use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::{Value, json};

/// A data folder of its own, on a network of its own. Its daemon ends with it.
pub struct Home {
    folder: tempfile::TempDir,
    program: PathBuf,
}

impl Home {
    /// Builds the program, and makes an identity whose key is in a file.
    pub fn new() -> Self {
        let home = Self {
            folder: tempfile::tempdir().expect("a folder"),
            program: build(),
        };
        let key = home.key_file();
        home.sotto(&["init", "--key-file", key.to_str().expect("UTF-8")]);
        home
    }

    /// A command of `sotto` for this home.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command
            .env("SOTTO_DATA_DIR", self.data())
            .env("SOTTO_NETWORK", self.network());
        command.args(["--json", "--no-input"]).args(arguments);
        command
    }

    /// Runs it, and gives the JSON that it prints.
    pub fn sotto(&self, arguments: &[&str]) -> Value {
        let Output { status, stdout, stderr } = self.command(arguments).output().expect("sotto runs");
        assert!(
            status.success(),
            "sotto {arguments:?}: {}",
            String::from_utf8_lossy(&stderr)
        );
        serde_json::from_slice(&stdout).unwrap_or(Value::Null)
    }

    /// One call over the daemon's socket.
    pub fn call(&self, method: &str, params: &Value) -> Value {
        let mut stream = UnixStream::connect(self.data().join("sotto.sock")).expect("the daemon listens");
        let request = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
        writeln!(stream, "{request}").expect("asked");
        let mut line = String::new();
        BufReader::new(stream).read_line(&mut line).expect("answered");
        let answer: Value = serde_json::from_str(&line).expect("JSON");
        assert!(answer.get("error").is_none(), "{method}: {answer}");
        answer["result"].clone()
    }

    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    pub fn key_file(&self) -> PathBuf {
        self.folder.path().join("key")
    }

    fn network(&self) -> String {
        format!("local:{}", self.folder.path().join("net").display())
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        // Best effort: it may not run.
        let _ = self.command(&["daemon", "stop"]).output();
    }
}

/// The release build of `sotto`, beside this benchmark's own.
fn build() -> PathBuf {
    let built = Command::new(env!("CARGO"))
        .args(["build", "--release", "--quiet", "-p", "sotto"])
        .status();
    assert!(built.expect("cargo runs").success(), "sotto does not build");
    let bench = std::env::current_exe().expect("a program");
    bench
        .parent()
        .and_then(Path::parent)
        .expect("target/release/deps")
        .join("sotto")
}
