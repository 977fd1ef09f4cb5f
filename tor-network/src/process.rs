//! One process of the network, with a log of its own, that ends with its owner.

use std::fmt;
use std::fs::{self, DirBuilder, File};
use std::io::{self, Write};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use super::Error;
use super::cleanup::CleanupShell;

/// Waits between two reads of files that another process writes.
pub(super) fn pause() {
    thread::sleep(Duration::from_millis(50));
}

/// Makes a folder with the permissions that `tor` requires.
pub(super) fn create_private(folder: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

fn configure(folder: &Path, torrc: &str) -> Result<PathBuf, Error> {
    let file = folder.join("torrc");
    fs::write(&file, torrc).map_err(Error::io("write a relay's configuration"))?;
    Ok(file)
}

/// A `tor` process of the network, a client included. It may have been killed.
#[derive(Debug)]
pub struct Tor {
    nickname: String,
    running: Option<Running>,
    log: PathBuf,
}

impl Tor {
    /// Starts it in an existing folder.
    pub(super) fn start(cleanup: &mut CleanupShell, folder: &Path, nickname: &str, torrc: &str) -> Result<Self, Error> {
        let file = configure(folder, torrc)?;
        let mut command = Command::new("tor");
        command
            .arg("-f")
            .arg(&file)
            .args(["--defaults-torrc", "/nonexistent"])
            .stdin(Stdio::null());
        let log = folder.join("log");
        let running = Running::start("tor", command, &log)?;
        cleanup.keep(running.child.id())?;
        Ok(Self {
            nickname: nickname.to_owned(),
            running: Some(running),
            log,
        })
    }

    /// Its nickname in the network.
    pub fn nickname(&self) -> &str {
        &self.nickname
    }

    /// The process id, unless it was killed.
    pub fn id(&self) -> Option<u32> {
        self.running.as_ref().map(|it| it.child.id())
    }

    /// Its log so far.
    pub fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Changes its configuration while it runs.
    pub(super) fn reconfigure(&self, folder: &Path, torrc: &str) -> Result<(), Error> {
        configure(folder, torrc)?;
        let running = self.running.as_ref().expect("it was not killed");
        kill_process(Pid::from_child(&running.child), Signal::HUP)
            .map_err(|error| Error::io("tell a relay of its configuration")(error.into()))
    }

    /// Fails if the process has ended by itself.
    pub(super) fn check(&mut self, cleanup: &mut CleanupShell) -> Result<(), Error> {
        let Some(running) = &mut self.running else {
            return Ok(());
        };
        // This waits for a process that has ended, so its id is removed first.
        cleanup.forget(running.child.id());
        match running.child.try_wait() {
            Ok(None) => cleanup.keep(running.child.id()),
            Ok(Some(status)) => Err(running.death(status).into()),
            Err(error) => Err(running.death(error).into()),
        }
    }

    pub(super) fn kill(&mut self, cleanup: &mut CleanupShell) {
        if let Some(running) = self.running.take() {
            cleanup.forget(running.child.id());
        }
    }
}

/// A child process that does not outlive this value.
#[derive(Debug)]
pub(super) struct Running {
    program: &'static str,
    child: Child,
    log: PathBuf,
}

impl Running {
    pub(super) fn start(program: &'static str, mut command: Command, log: &Path) -> Result<Self, Error> {
        let output = File::create(log).map_err(Error::io("make a log"))?;
        let errors = output.try_clone().map_err(Error::io("make a log"))?;
        let child = command
            .stdout(output)
            .stderr(errors)
            .spawn()
            .map_err(|source| match source.kind() {
                io::ErrorKind::NotFound => Error::Missing { program },
                _ => Error::Io {
                    doing: "start a program of the Tor network",
                    source,
                },
            })?;
        Ok(Self {
            program,
            child,
            log: log.to_owned(),
        })
    }

    /// Its standard input, if the command has a pipe for it. Closed when the value is dropped.
    pub(super) fn stdin(&mut self) -> impl Write {
        self.child.stdin.take().expect("asked for a pipe")
    }

    pub(super) fn wait_for_success(&mut self) -> Result<(), ProcessError> {
        match self.child.wait() {
            Ok(status) if status.success() => Ok(()),
            Ok(status) => Err(self.death(status)),
            Err(error) => Err(self.death(error)),
        }
    }

    fn death(&self, cause: impl Into<Cause>) -> ProcessError {
        let log = fs::read_to_string(&self.log).unwrap_or_default();
        ProcessError {
            who: format!("{} ({})", self.program, self.log.display()),
            cause: cause.into(),
            last_words: tail(&log),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Both fail only if it was waited for.
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

/// A program that failed, and its last output.
#[derive(Debug)]
pub struct ProcessError {
    who: String,
    cause: Cause,
    last_words: String,
}

#[derive(Debug)]
enum Cause {
    Exit(ExitStatus),
    Wait(io::Error),
    Unreadable,
}

impl From<ExitStatus> for Cause {
    fn from(status: ExitStatus) -> Self {
        Self::Exit(status)
    }
}

impl From<io::Error> for Cause {
    fn from(error: io::Error) -> Self {
        Self::Wait(error)
    }
}

impl ProcessError {
    pub(super) fn unreadable(file: &Path, text: &str) -> Self {
        Self {
            who: file.display().to_string(),
            cause: Cause::Unreadable,
            last_words: tail(text),
        }
    }

    pub(super) fn port_was_taken(&self) -> bool {
        self.last_words.contains("Address already in use")
    }
}

impl fmt::Display for ProcessError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.cause {
            Cause::Exit(status) => write!(f, "{} ended with {status}", self.who)?,
            Cause::Wait(error) => write!(f, "{} cannot be waited for: {error}", self.who)?,
            Cause::Unreadable => write!(f, "{} is not as expected", self.who)?,
        }
        write!(f, ":\n{}", self.last_words)
    }
}

impl std::error::Error for ProcessError {}

fn tail(log: &str) -> String {
    let lines: Vec<&str> = log.lines().collect();
    lines[lines.len().saturating_sub(20)..].join("\n")
}
