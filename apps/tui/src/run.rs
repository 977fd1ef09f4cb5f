//! [`run`]: the task that owns the terminal. It gives inputs to [`App`], carries out its effects, and draws.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use crossterm::event::{Event, EventStream};
use futures::StreamExt as _;
use jiff::tz::TimeZone;
use sotto_api::{Error, Kind};
use sotto_client::{Client, Profile};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};
use toml::Table;

use crate::app::{App, Effect, HostTask, Hosted, Input, Looks, Start};
use crate::clipboard::Clipboard;
use crate::config::Config;
use crate::daemon::{Daemon, Report};
use crate::editor;
use crate::host::{Host, KeyNeed};
use crate::terminal::{self, Screen};
use crate::theme::{ColorDepth, Theme};

/// Between two frames that no key has asked for.
const FRAME: Duration = Duration::from_millis(16);

/// Between two rings of the bell.
const BELL: Duration = Duration::from_secs(1);

/// Between two notifications: a burst is one.
const NOTIFY: Duration = Duration::from_secs(2);

/// Reports that are taken before a frame is drawn.
const AT_ONCE: usize = 256;

/// What differs from one start to the next.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The table `[tui]` of the configuration.
    pub config: Table,
    /// Where a new key file is offered to be made.
    pub key_file: PathBuf,
}

/// How the interface has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The user has ended it.
    Quit,
    /// A signal has, by its number.
    Signal(u8),
}

/// What is wrong with the table `[tui]`.
pub fn check_config(table: &Table) -> Result<(), Error> {
    let (config, mut errors) = Config::read(table);
    let (_, wrong) = Theme::from_table(&config.slots, Theme::default());
    errors.extend(wrong.iter().map(|error| format!("[tui.theme] {error}")));
    match errors.first() {
        None => Ok(()),
        Some(error) => Err(Error::new(Kind::Config, error.clone())),
    }
}

/// Runs the interface until it ends. The terminal is left as it was.
pub fn run(profile: &Profile, host: Arc<dyn Host>, options: Options) -> Result<End, Error> {
    check_config(&options.config)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Error::io("no runtime", &error))?;
    let end = runtime.block_on(async { Session::start(profile, host, options).await?.run().await });
    // A task that still waits for the daemon must not hold the process.
    runtime.shutdown_background();
    end
}

/// What a task of the program around the interface has come to.
type HostOutcome = Result<Hosted, Error>;

/// The signals that end the interface.
struct Signals {
    terminate: Signal,
    hangup: Signal,
    interrupt: Signal,
}

impl Signals {
    fn listen() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            hangup: signal(SignalKind::hangup())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    async fn next(&mut self) -> u8 {
        tokio::select! {
            _ = self.terminate.recv() => 15,
            _ = self.hangup.recv() => 1,
            _ = self.interrupt.recv() => 2,
        }
    }
}

/// A run of the interface.
struct Session {
    app: App,
    screen: Screen,
    keys: EventStream,
    signals: Signals,
    socket: PathBuf,
    daemon: Option<(Daemon, mpsc::Receiver<Report>)>,
    host: Arc<dyn Host>,
    hosted: (mpsc::UnboundedSender<HostOutcome>, mpsc::UnboundedReceiver<HostOutcome>),
    clipboard: Clipboard,
    rang: Option<Instant>,
    notified: Option<Instant>,
    drawn: Instant,
    /// The screen is not of this moment.
    due: bool,
    /// A frame is due, and waits until some time has passed since the last one.
    waiting: bool,
    signal: Option<u8>,
}

impl Session {
    async fn start(profile: &Profile, host: Arc<dyn Host>, options: Options) -> Result<Self, Error> {
        let failed = |error: io::Error| Error::io("the terminal", &error);
        let (mut config, _) = Config::read(&options.config);
        config.key_file = options.key_file.display().to_string();
        let socket = profile.socket();
        let start = beginning(&socket, &*host).await?;
        let signals = Signals::listen().map_err(failed)?;
        let mut screen = Screen::enter(config.mouse).map_err(failed)?;
        let asks = config.theme.is_none();
        let depth = ColorDepth::detect(|name| std::env::var(name).ok());
        let looks = Looks {
            theme: theme(&config, depth, true),
            depth,
            zone: TimeZone::try_system().unwrap_or(TimeZone::UTC),
        };
        let size = screen.size().map_err(failed)?;
        let mut app = App::new(config, looks, size, &start, now());
        app.settle();
        screen.draw(&app).map_err(failed)?;
        if asks && !terminal::is_dark() {
            app.theme = theme(&app.config, depth, false);
        }
        Ok(Self {
            app,
            screen,
            keys: EventStream::new(),
            signals,
            socket,
            daemon: None,
            host,
            hosted: mpsc::unbounded_channel(),
            clipboard: Clipboard::default(),
            rang: None,
            notified: None,
            drawn: Instant::now(),
            due: true,
            waiting: false,
            signal: None,
        })
    }

    async fn run(mut self) -> Result<End, Error> {
        let failed = |error: io::Error| Error::io("the terminal", &error);
        loop {
            self.carry_out().await.map_err(failed)?;
            self.app.settle();
            self.carry_out().await.map_err(failed)?;
            if self.app.ended {
                return Ok(self.signal.map_or(End::Quit, End::Signal));
            }
            if self.due {
                self.draw().map_err(failed)?;
            }
            let Some(urgent) = self.next().await else {
                // The terminal is gone: as SIGHUP.
                self.signal = Some(1);
                self.app.handle(Input::End, now());
                continue;
            };
            self.due = urgent || self.drawn.elapsed() >= FRAME;
        }
    }

    /// Waits for inputs and gives them to the interface. Says whether the frame must not wait; nothing if the terminal is gone.
    async fn next(&mut self) -> Option<bool> {
        let wait = Duration::from_millis(self.app.deadline().saturating_sub(now()).max(1));
        let wake = if self.waiting {
            self.drawn + FRAME
        } else {
            Instant::now() + wait
        };
        let reports = self.daemon.as_mut().map(|(_, reports)| reports);
        let input = tokio::select! {
            biased;
            signal = self.signals.next() => {
                // A second one does not wait for anything.
                if self.signal.replace(signal).is_some() {
                    self.app.ended = true;
                }
                Input::End
            }
            event = self.keys.next() => input(event?.ok()?),
            done = self.hosted.1.recv() => Input::Hosted(done?),
            report = received(reports) => Input::Report(report),
            () = sleep_until(wake) => Input::Tick,
        };
        let urgent = !matches!(input, Input::Report(_));
        self.app.handle(input, now());
        self.take_what_is_here();
        self.waiting = !urgent;
        Some(urgent)
    }

    /// Takes the reports that are there already, so that a burst is one frame.
    fn take_what_is_here(&mut self) {
        for _ in 0..AT_ONCE {
            let Some((_, reports)) = &mut self.daemon else { return };
            let Ok(report) = reports.try_recv() else { return };
            self.app.handle(Input::Report(report), now());
        }
    }

    fn draw(&mut self) -> io::Result<()> {
        let selected = self.screen.draw(&self.app)?;
        self.drawn = Instant::now();
        self.due = false;
        if std::mem::take(&mut self.app.copy_drag)
            && let Some(text) = selected
        {
            self.app.drag = None;
            let sequence = self.clipboard.copy(&text);
            self.screen.write(&sequence)?;
        }
        Ok(())
    }

    /// Carries out what the interface wants done.
    async fn carry_out(&mut self) -> io::Result<()> {
        while let Some(effect) = self.app.poll() {
            match effect {
                Effect::Call(call) => {
                    if let Some((daemon, _)) = &self.daemon {
                        daemon.call(call);
                    }
                }
                Effect::Connect => self.daemon = Some(Daemon::start(&self.socket)),
                Effect::Owner(passphrase) => {
                    if let Some((daemon, _)) = &self.daemon {
                        daemon.unlock_with(Some(passphrase));
                    }
                }
                Effect::Host(task) => self.ask_host(task),
                Effect::Copy(text) => {
                    let sequence = self.clipboard.copy(&text);
                    self.screen.write(&sequence)?;
                }
                Effect::Editor { text, context } => self.edit(text, context).await?,
                Effect::Bell => {
                    if self.rang.is_none_or(|rang| rang.elapsed() >= BELL) {
                        self.rang = Some(Instant::now());
                        self.screen.write("\x07")?;
                    }
                }
                Effect::Notify(text) => {
                    if self.notified.is_none_or(|notified| notified.elapsed() >= NOTIFY) {
                        self.notified = Some(Instant::now());
                        let sequence = terminal::notification(&text, |name| std::env::var(name).ok());
                        self.screen.write(&sequence)?;
                    }
                }
                Effect::Title(title) => self.screen.set_title(&title)?,
                Effect::Mouse(on) => self.screen.set_mouse(on)?,
                Effect::Suspend => self.suspend()?,
                Effect::Redraw => {
                    self.screen.redraw()?;
                    self.due = true;
                }
                Effect::Quit => self.app.ended = true,
            }
        }
        Ok(())
    }

    /// Has the program around the interface do something, on a thread of its own: it can take seconds.
    fn ask_host(&self, task: HostTask) {
        let (host, done) = (self.host.clone(), self.hosted.0.clone());
        tokio::task::spawn_blocking(move || {
            let outcome = match task {
                HostTask::Init { name, key } => {
                    let passphrase = match &key {
                        crate::host::NewKey::Passphrase(passphrase) => Some(passphrase.clone()),
                        crate::host::NewKey::KeyFile(_) => None,
                    };
                    host.init(&name, key).and_then(|identity| {
                        host.start(passphrase)?;
                        Ok(Hosted::Made(Box::new(identity)))
                    })
                }
                HostTask::Start(passphrase) => host.start(passphrase).map(|()| Hosted::Started),
                HostTask::Stop => host.stop().map(|()| Hosted::Ended),
                HostTask::Detach => host.detach().map(|()| Hosted::Ended),
            };
            // The interface has ended meanwhile.
            let _ = done.send(outcome);
        });
    }

    /// Gives the terminal to the editor, and what it wrote to the interface.
    async fn edit(&mut self, text: String, context: String) -> io::Result<()> {
        self.pause()?;
        let program = self.app.config.editor.clone();
        let written = tokio::task::spawn_blocking(move || editor::write(program.as_deref(), &text, &context));
        let outcome = written.await.unwrap_or_else(|error| Err(error.to_string()));
        self.go_on()?;
        self.app.handle(Input::Edited(outcome), now());
        Ok(())
    }

    fn suspend(&mut self) -> io::Result<()> {
        self.pause()?;
        let stopped = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::TSTP);
        self.go_on()?;
        Ok(stopped?)
    }

    /// The stream of keys ends first: its thread would read what is meant for others.
    fn pause(&mut self) -> io::Result<()> {
        self.keys = EventStream::new();
        self.screen.leave()
    }

    fn go_on(&mut self) -> io::Result<()> {
        self.screen.resume()?;
        self.keys = EventStream::new();
        let (columns, rows) = self.screen.size()?;
        self.app.handle(Input::Resize(columns, rows), now());
        self.due = true;
        Ok(())
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

fn input(event: Event) -> Input {
    match event {
        Event::Key(key) => Input::Key(key),
        Event::Paste(text) => Input::Paste(text),
        Event::Mouse(mouse) => Input::Mouse(mouse),
        Event::Resize(columns, rows) => Input::Resize(columns, rows),
        Event::FocusGained => Input::Focus(true),
        Event::FocusLost => Input::Focus(false),
    }
}

/// How the interface begins: with the daemon that runs, or with one of its own.
async fn beginning(socket: &std::path::Path, host: &dyn Host) -> Result<Start, Error> {
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

fn theme(config: &Config, depth: ColorDepth, dark: bool) -> Theme {
    let named = config.theme.as_deref().and_then(Theme::builtin);
    // The configuration was checked at the start.
    let (theme, _) = Theme::from_table(&config.slots, named.unwrap_or_else(|| Theme::for_background(dark)));
    theme.reduced(depth)
}

fn now() -> u64 {
    let since = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
