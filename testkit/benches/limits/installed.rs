//! The program as it is installed: a release build, a data folder, a daemon.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::{Value, json};

/// A temporary data folder. Its daemon ends with it.
pub struct Home {
    folder: tempfile::TempDir,
    network: String,
    program: PathBuf,
}

impl Home {
    /// Builds the program and makes an identity with a key file. The network is `tor`, or `local` for a folder of its own.
    pub fn on(network: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let mut home = Self {
            folder,
            network: network.to_owned(),
            program: build(),
        };
        if network == "local" {
            home.network = format!("local:{}", home.local_network().display());
        }
        let key = home.key_file();
        home.sotto(&["init", "--key-file", key.to_str().expect("UTF-8")]);
        home
    }

    /// A command of `sotto` for this home.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command
            .env("SOTTO_DATA_DIR", self.data())
            .env("SOTTO_NETWORK", &self.network);
        command.args(["--json", "--no-input"]).args(arguments);
        command
    }

    /// Runs it. Returns the JSON that it prints.
    pub fn sotto(&self, arguments: &[&str]) -> Value {
        let Output { status, stdout, stderr } = self.command(arguments).output().expect("sotto runs");
        assert!(
            status.success(),
            "sotto {arguments:?}: {}",
            String::from_utf8_lossy(&stderr)
        );
        serde_json::from_slice(&stdout).unwrap_or(Value::Null)
    }

    /// One call through the daemon's socket.
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

    /// The folder of the network `local`.
    pub fn local_network(&self) -> PathBuf {
        self.folder.path().join("net")
    }

    /// The running daemon's process.
    pub fn pid(&self) -> String {
        let lock = fs::read_to_string(self.data().join("sotto.pid"));
        lock.expect("a lock").trim().to_owned()
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        // It may not be running.
        let _ = self.command(&["daemon", "stop"]).output();
    }
}

/// The release build of `sotto`, beside this benchmark's own.
fn build() -> PathBuf {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["build", "--release", "--quiet", "-p", "sotto"]);
    // What cargo tells this benchmark of its own package. ring's build script asks for it, so that with another answer ring and
    // all of Tor would be compiled again, in turns with each `cargo bench`.
    for (name, _) in std::env::vars_os() {
        let told = name
            .to_str()
            .is_some_and(|name| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_"));
        if told {
            cargo.env_remove(name);
        }
    }
    assert!(cargo.status().expect("cargo runs").success(), "sotto does not build");
    let bench = std::env::current_exe().expect("a program");
    bench
        .parent()
        .and_then(Path::parent)
        .expect("target/release/deps")
        .join("sotto")
}

/// Resident memory of a process in MiB (proc(5)).
pub fn resident(pid: &str) -> String {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("it runs");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kibibytes = line.expect("resident memory").trim().trim_end_matches(" kB");
    mebibytes(kibibytes.parse().expect("a number"))
}

/// A number of KiB in MiB.
pub fn mebibytes(kibibytes: u64) -> String {
    format!("{:.1}", f64::from(u32::try_from(kibibytes).expect("small")) / 1024.0)
}
