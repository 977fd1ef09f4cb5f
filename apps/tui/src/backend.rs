//! [`Backend`]: all that an interface has beside its terminal: the daemon, the program around it, and the signals that end it.

use std::io;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use sotto_api::{Error, Kind, Secret};
use sotto_client::{Client, Profile};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, sleep_until};

use crate::app::{App, Effect, HostTask, Hosted, Input, Start};
use crate::daemon::{Daemon, Report};
use crate::host::{Host, KeyNeed, NewKey};

/// Reports that are taken before a frame is drawn.
const AT_ONCE: usize = 256;

/// How often a daemon is looked for that another process is starting, and what is between.
const ATTEMPTS: usize = 20;
const PAUSE: Duration = Duration::from_millis(250);

/// What a task of the program around the interface has come to.
type HostOutcome = Result<Hosted, Error>;

/// The signals that end the interface or stop it for a while.
struct Signals {
    terminate: Signal,
    hangup: Signal,
    interrupt: Signal,
    stop: Signal,
}

/// What a signal asks for.
enum Asked {
    /// To end, because of the signal of that number.
    End(u8),
    /// To stop until the shell continues the process.
    Stop,
}

impl Signals {
    fn listen() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            hangup: signal(SignalKind::hangup())?,
            interrupt: signal(SignalKind::interrupt())?,
            stop: signal(SignalKind::from_raw(rustix::process::Signal::TSTP.as_raw()))?,
        })
    }

    async fn next(&mut self) -> Asked {
        tokio::select! {
            _ = self.terminate.recv() => Asked::End(15),
            _ = self.hangup.recv() => Asked::End(1),
            _ = self.interrupt.recv() => Asked::End(2),
            _ = self.stop.recv() => Asked::Stop,
        }
    }
}

/// Whether a shell would continue this process if it stopped: its process group is not the one that the session began with, as
/// it is where the program is all that a terminal runs.
pub fn can_suspend() -> bool {
    let session = rustix::process::getsid(None);
    session.is_ok_and(|session| session != rustix::process::getpgrp())
}

/// Stops this process until it is continued, and what was started together with it, as Ctrl-Z does. SIGTSTP itself is caught.
pub fn stop_until_continued() -> io::Result<()> {
    rustix::process::kill_current_process_group(rustix::process::Signal::STOP)?;
    Ok(())
}

/// What an interface has beside its terminal.
pub struct Backend {
    socket: PathBuf,
    daemon: Option<(Daemon, mpsc::Receiver<Report>)>,
    /// The passphrase that the store was opened with here: who gave it is the owner.
    owner: Option<Secret>,
    host: Arc<dyn Host>,
    hosted: (mpsc::UnboundedSender<HostOutcome>, mpsc::UnboundedReceiver<HostOutcome>),
    signals: Signals,
    /// Nothing more comes from the terminal.
    pub gone: bool,
    /// The signal that ends the interface, by its number.
    pub signal: Option<u8>,
}

impl Backend {
    /// Of a profile; and how the interface begins.
    pub async fn start(profile: &Profile, host: Arc<dyn Host>) -> Result<(Self, Start), Error> {
        let socket = profile.socket();
        let start = beginning(&socket, &*host).await?;
        let backend = Self {
            socket,
            daemon: None,
            owner: None,
            host,
            hosted: mpsc::unbounded_channel(),
            signals: Signals::listen().map_err(|error| Error::io("signals", &error))?,
            gone: false,
            signal: None,
        };
        Ok((backend, start))
    }

    /// Carries an effect out, unless it is one of the terminal, which is returned.
    pub fn carry_out(&mut self, app: &mut App, effect: Effect) -> Option<Effect> {
        match effect {
            Effect::Call(call) => {
                if let Some((daemon, _)) = &self.daemon {
                    daemon.call(call);
                }
            }
            Effect::Connect => self.daemon = Some(Daemon::start(&self.socket)),
            Effect::Owner(passphrase) => {
                // A daemon that has been started again asks anew.
                self.owner = Some(passphrase.clone());
                if let Some((daemon, _)) = &self.daemon {
                    daemon.unlock_with(Some(passphrase));
                }
            }
            Effect::Host(task) => {
                self.owner = owner(&task).or(self.owner.take());
                self.ask_host(task);
            }
            Effect::Quit => app.ended = true,
            of_terminal => return Some(of_terminal),
        }
        None
    }

    /// Waits for the next input: of the `terminal`, which is gone if it has none, or of anything else; at the latest until `wake`.
    /// Says whether the frame must not wait.
    pub async fn next(
        &mut self,
        app: &mut App,
        terminal: impl Future<Output = Option<Input>>,
        wake: Option<Instant>,
    ) -> bool {
        let deadline = Duration::from_millis(app.deadline().saturating_sub(now()).max(1));
        let wake = wake.unwrap_or_else(|| Instant::now() + deadline);
        let reports = self.daemon.as_mut().map(|(_, reports)| reports);
        let input = tokio::select! {
            biased;
            asked = self.signals.next() => match asked {
                Asked::Stop => Input::Stop,
                Asked::End(signal) => {
                    // A second one does not wait for anything.
                    if self.signal.replace(signal).is_some() {
                        app.ended = true;
                    }
                    Input::End
                }
            },
            input = terminal, if !self.gone => input.unwrap_or_else(|| {
                self.gone = true;
                Input::End
            }),
            Some(done) = self.hosted.1.recv() => Input::Hosted(done),
            report = received(reports) => Input::Report(self.as_owner(report)),
            () = sleep_until(wake) => Input::Tick,
        };
        let urgent = !matches!(input, Input::Report(_));
        app.handle(input, now());
        self.take_what_is_here(app);
        urgent
    }

    /// Waits for a program that has the terminal. The keys that send signals are that program's: Ctrl-C ends nothing else, and what Ctrl-Z
    /// stops is stopped together with it, as the shell would go on waiting for a part of it. Other signals are taken afterwards.
    pub async fn beside<T>(&mut self, program: impl Future<Output = T>) -> io::Result<T> {
        let mut program = pin!(program);
        loop {
            tokio::select! {
                biased;
                _ = self.signals.interrupt.recv() => {}
                _ = self.signals.stop.recv() => {
                    if can_suspend() {
                        stop_until_continued()?;
                    }
                }
                end = &mut program => return Ok(end),
            }
        }
    }

    /// Proves to the daemon that the user is the owner, if that was proven here already.
    fn as_owner(&self, report: Report) -> Report {
        match (report, &self.owner, &self.daemon) {
            (
                Report::Connected {
                    owner_needed: true,
                    lockable,
                },
                Some(owner),
                Some((daemon, _)),
            ) => {
                daemon.unlock_with(Some(owner.clone()));
                Report::Connected {
                    owner_needed: false,
                    lockable,
                }
            }
            (report, _, _) => report,
        }
    }

    /// Takes the reports that are there already, so that a burst is one frame.
    fn take_what_is_here(&mut self, app: &mut App) {
        for _ in 0..AT_ONCE {
            let Some((_, reports)) = &mut self.daemon else { return };
            let Ok(report) = reports.try_recv() else { return };
            let report = self.as_owner(report);
            app.handle(Input::Report(report), now());
        }
    }

    /// Has the program around the interface do something, on a thread of its own: it can take seconds.
    fn ask_host(&self, task: HostTask) {
        let (host, done) = (self.host.clone(), self.hosted.0.clone());
        // What was written last is kept before the daemon ends.
        let before = self.daemon.as_ref().map(|(daemon, _)| daemon.settled());
        let socket = self.socket.clone();
        tokio::spawn(async move {
            if let Some(settled) = before {
                settled.await;
            }
            let outcome = tokio::task::spawn_blocking(move || carry_out_task(&*host, task));
            let crashed = |error| Error::internal(format!("a part of Sotto has crashed: {error}"));
            let outcome = match outcome.await.unwrap_or_else(|error| Err(crashed(error))) {
                Err(error) if error.kind() == Kind::InUse && answers(&socket).await => Ok(Hosted::Elsewhere),
                outcome => outcome,
            };
            // Without an answer the interface would wait for ever. Its receiver may have ended meanwhile.
            let _ = done.send(outcome);
        });
    }

    /// The end of the interface: what was to be changed has been.
    pub async fn finish(&self) {
        if let Some((daemon, _)) = &self.daemon {
            daemon.settled().await;
        }
    }
}

/// Whether a daemon answers, or does within seconds: two interfaces that were opened at once both start one.
async fn answers(socket: &Path) -> bool {
    for _ in 0..ATTEMPTS {
        if Client::connect(socket).await.is_ok() {
            return true;
        }
        sleep(PAUSE).await;
    }
    false
}

fn carry_out_task(host: &dyn Host, task: HostTask) -> HostOutcome {
    match task {
        HostTask::Init { name, key } => {
            let passphrase = match &key {
                NewKey::Passphrase(passphrase) => Some(passphrase.clone()),
                NewKey::KeyFile(_) => None,
            };
            host.init(&name, key).and_then(|identity| {
                host.start(passphrase)?;
                Ok(Hosted::Made(Box::new(identity)))
            })
        }
        HostTask::Watch if host.hosting() => Ok(Hosted::Runs),
        HostTask::Watch => Ok(Hosted::Failed(host.stop().err())),
        HostTask::Start(passphrase) => match host.start(passphrase) {
            Err(error) if is_about_key(&error) && host.key_need()? == KeyNeed::None => Ok(Hosted::KeyRefused(error)),
            started => started.map(|()| Hosted::Started),
        },
        HostTask::Stop => host.stop().map(|()| Hosted::Ended),
        HostTask::Detach => host.detach().map(|()| Hosted::Ended),
    }
}

fn is_about_key(error: &Error) -> bool {
    matches!(error.kind(), Kind::Locked | Kind::WrongKey)
}

/// The passphrase that a task has.
fn owner(task: &HostTask) -> Option<Secret> {
    match task {
        HostTask::Init {
            key: NewKey::Passphrase(passphrase),
            ..
        }
        | HostTask::Start(Some(passphrase)) => Some(Secret::from(passphrase.as_str())),
        _ => None,
    }
}

/// The next report; never, if there is no connection.
async fn received(reports: Option<&mut mpsc::Receiver<Report>>) -> Report {
    match reports {
        Some(reports) => match reports.recv().await {
            Some(report) => report,
            None => std::future::pending().await,
        },
        None => std::future::pending().await,
    }
}

/// How the interface begins: with the daemon that runs, or with one of its own.
async fn beginning(socket: &Path, host: &dyn Host) -> Result<Start, Error> {
    match Client::connect(socket).await {
        Ok(_) => return Ok(Start::Connect),
        Err(error) if error.kind() != Kind::NoDaemon => return Err(error),
        Err(_) => {}
    }
    if !host.exists() {
        return Ok(Start::FirstRun);
    }
    Ok(match host.key_need()? {
        KeyNeed::None => Start::Host,
        KeyNeed::Passphrase => Start::Passphrase,
    })
}

/// Milliseconds since the Unix epoch.
pub fn now() -> u64 {
    let since = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
