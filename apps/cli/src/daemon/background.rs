//! [`Background`]: a daemon in a process of its own, which is this program once more, in a session of its own.

use std::fs::{File, OpenOptions};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use sotto_api::Error;
use sotto_client::Profile;
use sotto_client::blocking::Client;
use zeroize::Zeroizing;

use crate::options::{Global, KeySource};
use crate::stop::reported_error;

/// Deriving the key is slow on purpose, and comes before the socket.
pub(super) const PATIENCE: Duration = Duration::from_mins(1);
const PAUSE: Duration = Duration::from_millis(10);

/// The first descriptor after standard input, output and error.
const FIRST_OTHER: i32 = 3;

/// A daemon in a process of its own, before it is started.
#[derive(Clone, Debug)]
pub struct Background {
    /// The program, which is this one.
    pub program: PathBuf,
    /// The profile.
    pub profile: Profile,
    /// By which the other process finds the same profile and network.
    pub global: Global,
    /// Where the other process finds the key.
    pub key: KeySource,
    /// Where its log goes.
    pub log_file: PathBuf,
}

impl Background {
    /// Starts it; returns when it answers, or says why it ended. A passphrase goes through a pipe, in place of the key's source.
    pub fn start(&self, passphrase: Option<&Zeroizing<String>>) -> Result<Client, Error> {
        let failed = |error: std::io::Error| Error::io(self.log_file.display(), &error);
        let mut log = open_log(&self.log_file).map_err(failed)?;
        let begin = log.seek(SeekFrom::End(0)).map_err(failed)?;
        let mut child = self.spawn(&log, passphrase)?;
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            if let Ok(client) = Client::connect(&self.profile.socket()) {
                return Ok(client);
            }
            if child
                .try_wait()
                .map_err(|error| Error::io("the daemon", &error))?
                .is_some()
            {
                return Err(cause(&self.log_file, begin));
            }
            std::thread::sleep(PAUSE);
        }
        // It must not come up later, after the caller has reported that it did not.
        let _ = child.kill();
        let _ = child.wait();
        Err(
            Error::internal(format!("the daemon did not answer within {} s", PATIENCE.as_secs()))
                .hint(format!("{} may say why", self.log_file.display())),
        )
    }

    fn spawn(&self, log: &File, passphrase: Option<&Zeroizing<String>>) -> Result<Child, Error> {
        let failed = |error: std::io::Error| Error::io("the daemon cannot be started", &error);
        // The daemon gets nothing that this process did not open for it: it would keep locks held and pipes open.
        let given: Option<i32> = self.key.passphrase_fd.and_then(|number| number.try_into().ok());
        close_fds::set_fds_cloexec(FIRST_OTHER, given.as_slice());
        let mut command = Command::new(&self.program);
        self.global.repeat(&mut command);
        command
            .args(["--json", "--no-input", "daemon", "run", "--detached", "--log-file"])
            .arg(&self.log_file);
        let stdin = if passphrase.is_some() {
            command.args(["--passphrase-fd", "0"]);
            Stdio::piped()
        } else {
            self.key.repeat(&mut command);
            if self.key.passphrase_fd == Some(0) {
                Stdio::inherit()
            } else {
                Stdio::null()
            }
        };
        command
            .stdin(stdin)
            .stdout(Stdio::null())
            .stderr(log.try_clone().map_err(failed)?);
        let mut child = command.spawn().map_err(failed)?;
        if let (Some(passphrase), Some(mut stdin)) = (passphrase, child.stdin.take()) {
            // If it has ended already, its own error says more than a broken pipe.
            let _ = stdin.write_all(passphrase.as_bytes());
        }
        Ok(child)
    }
}

/// The daemon's standard error goes to the log too: a panic, the last error.
fn open_log(path: &Path) -> std::io::Result<File> {
    OpenOptions::new().append(true).create(true).mode(0o600).open(path)
}

/// The error that the daemon reported when it ended.
fn cause(log_file: &Path, begin: u64) -> Error {
    let mut said = Vec::new();
    let read = File::open(log_file).and_then(|mut log| {
        log.seek(SeekFrom::Start(begin))?;
        log.read_to_end(&mut said)
    });
    match read {
        Ok(_) => reported_error(&said),
        Err(error) => Error::io(log_file.display(), &error),
    }
}
