//! `sotto daemon start`: runs this program again in a session of its own. Returns when the daemon answers, or says why it
//! ended.

use std::fs::{File, OpenOptions};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use clap::Args;
use sotto_api::{self as api, Error, Kind, all};
use sotto_client::Profile;
use sotto_client::blocking::Client;
use zeroize::Zeroizing;

use super::{progress, report};
use crate::context::Context;
use crate::options::KeySource;
use crate::stop::Outcome;
use crate::stop::{Stop, reported_error};

/// Deriving the key is slow on purpose, and comes before the socket.
const PATIENCE: Duration = Duration::from_mins(1);
/// The first descriptor after standard input, output and error.
const FIRST_OTHER: i32 = 3;

const PAUSE: Duration = Duration::from_millis(10);

/// `sotto daemon start`
#[derive(Args, Debug)]
pub struct Start {
    #[command(flatten)]
    key: KeySource,
    /// Write the log to this file instead of the profile's own
    #[arg(long, short, env = "SOTTO_LOG_FILE", value_name = "FILE")]
    log_file: Option<PathBuf>,
    /// Run in the foreground until stopped, as `sotto daemon run` does
    #[arg(long, short, conflicts_with = "wait")]
    foreground: bool,
    /// For scripts that poll; messages arrive by themselves, and this changes nothing
    #[arg(long, short, value_name = "SECONDS")]
    interval: Option<f64>,
    /// Return once peers can reach you, or after so many seconds with exit code 8 [default: 120]
    #[arg(long, value_name = "SECONDS", num_args = 0..=1, default_missing_value = "120")]
    wait: Option<u64>,
}

impl Start {
    /// Starts it, unless it runs already.
    pub fn run(self, context: &Context) -> Outcome {
        if self.foreground {
            return Ok(context.program.run_daemon(context, self.key, self.log_file)?);
        }
        let profile = context.profile()?;
        if let Ok(mut client) = Client::connect(&profile.socket()) {
            client.call::<all::NodeStatus>(&api::Nothing {}).map_err(profile_held)?;
            context.output.remark("the daemon is already running");
            return self.tell(context, client);
        }
        profile.require()?;
        let client = match self.launch(context, &profile, None) {
            // The daemon has no passphrase and no terminal to ask on. This process may have a terminal.
            Err(error) if error.kind() == Kind::Locked && context.output.interactive && !self.key.given() => {
                let passphrase = context.program.ask("Passphrase: ")?;
                self.launch(context, &profile, Some(&passphrase))?
            }
            launched => launched?,
        };
        context
            .output
            .remark("the daemon is running; sotto daemon stop ends it");
        self.tell(context, client)
    }

    /// Shows a person how the network comes up. Waits for it only with `--wait`.
    fn tell(&self, context: &Context, mut client: Client) -> Outcome {
        let reached = match self.wait {
            Some(seconds) => progress::follow(context, &mut client, Duration::from_secs(seconds))?,
            None if context.output.interactive => {
                progress::follow(context, &mut client, PATIENCE)? || {
                    context
                        .output
                        .remark("this continues in the background; sotto status shows the progress");
                    true
                }
            }
            None => true,
        };
        let status = client.call::<all::NodeStatus>(&api::Nothing {})?;
        report::running(context, &status)?;
        if reached {
            return Ok(());
        }
        Err(Stop::Exit(Kind::WaitEnded.exit_code()))
    }

    fn launch(
        &self,
        context: &Context,
        profile: &Profile,
        passphrase: Option<&Zeroizing<String>>,
    ) -> Result<Client, Error> {
        let log_file = log_file(context, profile, self.log_file.clone())?;
        let mut log = open_log(&log_file).map_err(|error| Error::io(log_file.display(), &error))?;
        let begin = log
            .seek(SeekFrom::End(0))
            .map_err(|error| Error::io(log_file.display(), &error))?;
        let mut child = self.spawn(context, &log_file, &log, passphrase)?;
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            if let Ok(client) = Client::connect(&profile.socket()) {
                return Ok(client);
            }
            if child
                .try_wait()
                .map_err(|error| Error::io("the daemon", &error))?
                .is_some()
            {
                return Err(cause(&log_file, begin));
            }
            std::thread::sleep(PAUSE);
        }
        // It must not come up later, after this command has reported that it did not.
        let _ = child.kill();
        let _ = child.wait();
        Err(
            Error::internal(format!("the daemon did not answer within {} s", PATIENCE.as_secs()))
                .hint(format!("{} may say why", log_file.display())),
        )
    }

    fn spawn(
        &self,
        context: &Context,
        log_file: &Path,
        log: &File,
        passphrase: Option<&Zeroizing<String>>,
    ) -> Result<Child, Error> {
        let failed = |error: std::io::Error| Error::io("the daemon cannot be started", &error);
        // The daemon gets nothing that this process did not open for it: it would keep locks held and pipes open.
        let given: Option<i32> = self.key.passphrase_fd.and_then(|number| number.try_into().ok());
        close_fds::set_fds_cloexec(FIRST_OTHER, given.as_slice());
        let mut command = Command::new(std::env::current_exe().map_err(failed)?);
        context.global.repeat(&mut command);
        command
            .args(["--json", "--no-input", "daemon", "run", "--detached", "--log-file"])
            .arg(log_file);
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

/// Where the log of a daemon goes that runs in the background: as given, or as configured, or where the profile has it.
pub fn log_file(context: &Context, profile: &Profile, given: Option<PathBuf>) -> Result<PathBuf, Error> {
    if let Some(given) = given {
        return Ok(given);
    }
    let configured = context.program.configured_log_file(&profile.config_file())?;
    Ok(configured.unwrap_or_else(|| profile.log_file()))
}

/// A daemon that does not answer holds the profile. No second one can start beside it.
fn profile_held(error: Error) -> Error {
    if error.kind() == Kind::NoDaemon {
        return Error::new(Kind::InUse, error.message).hint("sotto daemon stop ends it");
    }
    error
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
