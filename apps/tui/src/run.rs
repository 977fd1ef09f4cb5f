//! [`run`]: the task that owns the terminal. It gives inputs to [`App`], carries out its effects, and draws.

use std::collections::VecDeque;
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crossterm::event::{Event, EventStream};
use futures::StreamExt as _;
use jiff::tz::TimeZone;
use sotto_api::{Error, Kind};
use sotto_client::Profile;
use tokio::time::Instant;
use toml::Table;

use crate::app::{App, Effect, Input, Looks};
use crate::backend::{Backend, can_suspend, now, stop_until_continued};
use crate::background::{Late, LateAnswer};
use crate::clipboard::Clipboard;
use crate::config::Config;
use crate::host::Host;
use crate::terminal::{self, Background, Screen};
use crate::theme::{ColorDepth, Theme};
use crate::{editor, linear};

/// Between two frames that no key has asked for.
const FRAME: Duration = Duration::from_millis(16);

/// The signal that says that the terminal is gone.
const SIGHUP: u8 = 1;

/// Between two rings of the bell.
const BELL: Duration = Duration::from_secs(1);

/// Between two notifications: a burst is one.
const NOTIFY: Duration = Duration::from_secs(2);

/// What differs from one start to the next.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The table `[tui]` of the configuration.
    pub config: Table,
    /// Where a new key file is offered to be made.
    pub key_file: PathBuf,
    /// One line after the other, for a screen reader.
    pub screen_reader: bool,
    /// The daemon of this process ends with the interface, and is not offered to go on: its profile does not stay.
    pub ends_together: bool,
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
    let end = runtime.block_on(async {
        if options.screen_reader {
            linear::run(profile, host, options).await
        } else {
            Session::start(profile, host, options).await?.run().await
        }
    });
    // A task that still waits for the daemon must not hold the process.
    runtime.shutdown_background();
    end
}

/// A run of the interface.
struct Session {
    app: App,
    backend: Backend,
    screen: Screen,
    /// None only while one takes the place of another.
    keys: Option<EventStream>,
    /// What the terminal may say of its background yet.
    late: LateAnswer,
    /// Typed, and not yet taken.
    typed: VecDeque<Event>,
    clipboard: Clipboard,
    rang: Option<Instant>,
    notified: Option<Instant>,
    drawn: Instant,
    /// The screen is not of this moment.
    due: bool,
    /// A frame is due, and waits until some time has passed since the last one.
    waiting: bool,
}

impl Session {
    async fn start(profile: &Profile, host: Arc<dyn Host>, options: Options) -> Result<Self, Error> {
        let failed = |error: io::Error| Error::io("the terminal", &error);
        let (backend, start) = Backend::start(profile, host).await?;
        let config = config(&options);
        let mut screen = Screen::enter(config.mouse).map_err(failed)?;
        let asks = config.theme.is_none();
        let looks = looks(&config);
        let size = screen.size().map_err(failed)?;
        let mut app = App::new(config, looks, size, &start, now());
        app.settle();
        screen.draw(&app).map_err(failed)?;
        let mut answer = None;
        if asks {
            let dark = match terminal::background().map_err(failed)? {
                Background::Known(dark) => Some(dark),
                Background::Asked(asked) => answer.insert(asked).dark,
            };
            if let Some(dark) = dark {
                app.handle(Input::Background(dark), now());
            }
            for event in answer.iter_mut().flat_map(|answer| answer.events.drain(..)) {
                app.handle(input(event), now());
                app.settle();
            }
        }
        Ok(Self {
            app,
            backend,
            screen,
            keys: Some(EventStream::new()),
            late: LateAnswer::of(answer.as_ref()),
            typed: VecDeque::new(),
            clipboard: Clipboard::default(),
            rang: None,
            notified: None,
            drawn: Instant::now(),
            due: true,
            waiting: false,
        })
    }

    async fn run(mut self) -> Result<End, Error> {
        let failed = |error: io::Error| Error::io("the terminal", &error);
        loop {
            self.carry_out().await.map_err(failed)?;
            self.app.settle();
            self.carry_out().await.map_err(failed)?;
            if self.app.ended {
                self.backend.finish().await;
                return Ok(self.backend.signal.map_or(End::Quit, End::Signal));
            }
            if self.due {
                self.draw().map_err(failed)?;
            }
            let (keys, late, typed) = (&mut self.keys, &mut self.late, &mut self.typed);
            let terminal = async {
                loop {
                    if let Some(event) = typed.pop_front() {
                        return Some(input(event));
                    }
                    match late.take(keys.as_mut()?.next().await?.ok()?) {
                        Late::Typed(events) => typed.extend(events),
                        Late::Answer(Some(dark)) => return Some(Input::Background(dark)),
                        Late::Answer(None) => {}
                    }
                }
            };
            let wake = self.waiting.then(|| self.drawn + FRAME);
            let urgent = self.backend.next(&mut self.app, terminal, wake).await;
            if self.backend.gone {
                // As its end is told to other programs.
                self.backend.signal.get_or_insert(SIGHUP);
            }
            self.waiting = !urgent;
            self.due = urgent || self.drawn.elapsed() >= FRAME;
        }
    }

    fn draw(&mut self) -> io::Result<()> {
        let selected = self.screen.draw(&self.app)?;
        self.drawn = Instant::now();
        self.due = false;
        if let Some(text) = self.app.copied_by_mouse(selected) {
            let sequence = self.clipboard.copy(&text);
            self.screen.write(&sequence)?;
        }
        Ok(())
    }

    /// Carries out what the interface wants done.
    async fn carry_out(&mut self) -> io::Result<()> {
        while let Some(effect) = self.app.poll() {
            let Some(effect) = self.backend.carry_out(&mut self.app, effect) else {
                continue;
            };
            match effect {
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
                Effect::Call(_) | Effect::Connect | Effect::Owner(_) | Effect::Host(_) | Effect::Quit => {}
            }
        }
        Ok(())
    }

    /// Gives the terminal to the editor, and what it wrote to the interface.
    async fn edit(&mut self, text: String, context: String) -> io::Result<()> {
        self.pause()?;
        let program = self.app.config.editor.clone();
        let written = tokio::task::spawn_blocking(move || editor::write(program.as_deref(), &text, &context));
        let written = self.backend.beside(written).await?;
        self.go_on()?;
        let outcome = written.unwrap_or_else(|error| Err(error.to_string()));
        self.app.handle(Input::Edited(outcome), now());
        Ok(())
    }

    /// Stops this process until a shell continues it. Without one, nothing would ever do that.
    fn suspend(&mut self) -> io::Result<()> {
        if !can_suspend() {
            self.app.say("No shell has started Sotto, so none would continue it.");
            return Ok(());
        }
        self.pause()?;
        if self.app.hosting {
            // On the ordinary screen. Nothing is lost if it cannot be written.
            let _ = writeln!(
                io::stdout(),
                "Sotto is stopped: no messages arrive until fg continues it."
            );
        }
        let stopped = stop_until_continued();
        self.go_on()?;
        stopped
    }

    /// The stream of keys ends first: its thread would read what is meant for others.
    fn pause(&mut self) -> io::Result<()> {
        self.begin_keys();
        self.screen.leave()
    }

    /// A new stream of keys. The old one has to be gone before: while its thread waits for a key, no other can be made.
    fn begin_keys(&mut self) {
        self.keys = None;
        self.keys = Some(EventStream::new());
    }

    /// The thread of the old stream was waked up, maybe when it had ended: to the next one that reads, this would hide a key that has come
    /// meanwhile. It is taken off before raw mode begins, which tells once more of what was typed.
    fn go_on(&mut self) -> io::Result<()> {
        crossterm::event::poll(Duration::ZERO)?;
        self.screen.resume()?;
        let (columns, rows) = self.screen.size()?;
        self.app.handle(Input::Resize(columns, rows), now());
        self.due = true;
        Ok(())
    }
}

/// What the interface is told by an event of the terminal.
pub(crate) fn input(event: Event) -> Input {
    match event {
        Event::Key(key) => Input::Key(key),
        Event::Paste(text) => Input::Paste(text),
        Event::Mouse(mouse) => Input::Mouse(mouse),
        Event::Resize(columns, rows) => Input::Resize(columns, rows),
        Event::FocusGained => Input::Focus(true),
        Event::FocusLost => Input::Focus(false),
    }
}

/// The settings of an interface.
pub fn config(options: &Options) -> Config {
    let (mut config, _) = Config::read(&options.config);
    config.key_file = options.key_file.display().to_string();
    config.ends_together = options.ends_together;
    config
}

/// What the terminal and the system say of how things look.
pub fn looks(config: &Config) -> Looks {
    let depth = ColorDepth::detect(|name| std::env::var(name).ok());
    Looks {
        theme: theme(config, depth),
        depth,
        zone: TimeZone::try_system().unwrap_or(TimeZone::UTC),
    }
}

/// The named theme; without one, that for a dark background until more is known.
fn theme(config: &Config, depth: ColorDepth) -> Theme {
    let named = config.theme.as_deref().and_then(Theme::builtin);
    // The configuration was checked at the start.
    let (theme, _) = Theme::from_table(&config.slots, named.unwrap_or_else(|| Theme::for_background(true)));
    theme.reduced(depth)
}
