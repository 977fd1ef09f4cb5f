//! [`Session`]: the interface at a terminal in memory, with a [`FakeDaemon`] behind it.

use std::collections::VecDeque;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
use jiff::tz::TimeZone;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use sotto_api::{Error, Kind};
use zeroize::Zeroizing;

use super::daemon::{FakeDaemon, PASSPHRASE};
use super::fixtures::NOW;
use crate::app::{App, Effect, HostTask, Hosted, Input, Looks, Start};
use crate::config::Config;
use crate::daemon::{Call, Report};
use crate::host::NewKey;
use crate::theme::{ColorDepth, Theme};
use crate::view::{self, Drawn};

/// Effects that follow one input at most: more are a loop.
const MOST: usize = 500;

/// A user at the interface.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub struct Session {
    pub app: App,
    pub daemon: FakeDaemon,
    pub now: u64,
    /// The daemon answers.
    pub up: bool,
    /// Answers are kept back, as by a daemon that is slow.
    pub slow: bool,
    waiting: VecDeque<Call>,
    /// Answers and events come when the test says so: those of one connection in their order, and the connections in any.
    pub by_hand: bool,
    lanes: [VecDeque<Call>; 3],
    /// What the daemon has answered and was not received yet: a lane carries out one request after the other.
    answers: [Option<Report>; 3],
    pub copied: Vec<String>,
    pub titles: Vec<String>,
    pub bells: usize,
    /// What the terminal was told to notify of.
    pub notified: Vec<String>,
    /// What the program around the interface was asked to do.
    pub hosted: Vec<HostTask>,
    /// The text and the context that the editor was given.
    pub edited: Option<(String, String)>,
    pub quit: bool,
    /// What has ended the daemon of this process.
    pub crash: Option<Error>,
    /// The program around the interface does not answer.
    pub idle_host: bool,
}

impl Session {
    /// At the beginning.
    pub fn start(start: &Start, daemon: FakeDaemon, size: (u16, u16)) -> Self {
        Self::with(Config::default(), ColorDepth::True, start, daemon, size)
    }

    /// At the beginning, with those settings, on a terminal of so many colours.
    pub fn with(mut config: Config, depth: ColorDepth, start: &Start, daemon: FakeDaemon, size: (u16, u16)) -> Self {
        let theme = Theme::builtin(config.theme.as_deref().unwrap_or("dark")).expect("a theme");
        let looks = Looks {
            theme: theme.reduced(depth),
            depth,
            zone: TimeZone::UTC,
        };
        config.key_file = String::from("/home/alice/.local/share/sotto/default.key");
        let mut session = Self {
            app: App::new(config, looks, size, start, NOW),
            daemon,
            now: NOW,
            up: true,
            slow: false,
            waiting: VecDeque::new(),
            by_hand: false,
            lanes: Default::default(),
            answers: Default::default(),
            copied: Vec::new(),
            titles: Vec::new(),
            bells: 0,
            notified: Vec::new(),
            hosted: Vec::new(),
            edited: None,
            quit: false,
            crash: None,
            idle_host: false,
        };
        session.settle();
        session
    }

    /// With a daemon that runs already.
    pub fn connected(daemon: FakeDaemon, size: (u16, u16)) -> Self {
        Self::start(&Start::Connect, daemon, size)
    }

    /// Carries out everything that follows, until nothing more does.
    pub fn settle(&mut self) {
        for _ in 0..MOST {
            let Some(effect) = self.app.poll() else {
                let events = if self.by_hand {
                    Vec::new()
                } else {
                    std::mem::take(&mut self.daemon.events)
                };
                let told = !events.is_empty() && self.up;
                for event in events {
                    if self.up {
                        self.app.handle(Input::Report(Report::Event(Box::new(event))), self.now);
                    }
                }
                self.app.settle();
                match self.app.poll() {
                    Some(effect) => self.carry_out(effect),
                    None if told => {}
                    None => return self.check(),
                }
                continue;
            };
            self.carry_out(effect);
        }
        panic!("effects without end: {:?}", self.daemon.calls.last());
    }

    /// What holds after each input.
    fn check(&self) {
        assert!(self.app.deadline() > self.app.now, "it would wake up at once, for ever");
    }

    fn carry_out(&mut self, effect: Effect) {
        match effect {
            Effect::Call(call) if self.by_hand => self.lanes[call.request.lane() as usize].push_back(call),
            Effect::Call(call) if self.slow => self.waiting.push_back(call),
            Effect::Call(call) => self.answer(call),
            Effect::Connect => self.report(if self.up {
                Report::Connected {
                    owner_needed: self.daemon.owner_needed,
                    lockable: self.daemon.lockable,
                }
            } else {
                Report::Disconnected(gone())
            }),
            Effect::Host(task) => self.host(task),
            Effect::Copy(text) => self.copied.push(text),
            Effect::Editor { text, context } => self.edited = Some((text, context)),
            Effect::Bell => self.bells += 1,
            Effect::Notify(text) => self.notified.push(text),
            Effect::Title(title) => self.titles.push(title),
            Effect::Quit => self.quit = true,
            _ => {}
        }
    }

    fn answer(&mut self, call: Call) {
        let answer = if self.up {
            self.daemon.answer(&call.request).map(Box::new)
        } else {
            Err(gone())
        };
        self.report(Report::Answer(call.purpose, answer));
    }

    fn report(&mut self, report: Report) {
        self.app.handle(Input::Report(report), self.now);
    }

    fn host(&mut self, task: HostTask) {
        let outcome = match &task {
            HostTask::Init { name, .. } => {
                self.daemon.me.name.clone_from(name);
                Ok(Hosted::Made(Box::new(self.daemon.me.clone())))
            }
            HostTask::Start(Some(passphrase)) if **passphrase != *PASSPHRASE => {
                Err(Error::new(Kind::WrongKey, "The passphrase is wrong."))
            }
            HostTask::Start(_) => {
                self.up = true;
                Ok(Hosted::Started)
            }
            HostTask::Watch => Ok(match self.crash.take() {
                Some(why) => Hosted::Failed(Some(why)),
                None => Hosted::Runs,
            }),
            HostTask::Stop | HostTask::Detach => Ok(Hosted::Ended),
        };
        self.hosted.push(task);
        if self.idle_host {
            return;
        }
        self.app.handle(Input::Hosted(outcome), self.now);
    }

    /// The daemon carries out the next request of a lane. False if there is none.
    pub fn carry_out_next(&mut self, lane: usize) -> bool {
        if self.answers[lane].is_none()
            && let Some(call) = self.lanes[lane].pop_front()
        {
            let answer = self.daemon.answer(&call.request).map(Box::new);
            self.answers[lane] = Some(Report::Answer(call.purpose, answer));
        }
        self.answers[lane].is_some()
    }

    /// The answer to the next request of a lane comes. False if there is none.
    pub fn take_answer(&mut self, lane: usize) -> bool {
        self.carry_out_next(lane);
        let answer = self.answers[lane].take();
        let came = answer.is_some();
        if let Some(answer) = answer {
            self.report(answer);
        }
        self.settle();
        came
    }

    /// The next event comes, with its message as that stands now or as it stood. False if there is none.
    pub fn take_event(&mut self, now: bool) -> bool {
        if self.daemon.events.is_empty() {
            return false;
        }
        let mut event = self.daemon.events.remove(0);
        if now {
            self.daemon.look_at(&mut event);
        }
        self.report(Report::Event(Box::new(event)));
        self.settle();
        true
    }

    /// The connection that has the events breaks and is made again: those that were on their way are lost.
    pub fn follow_anew(&mut self) {
        self.report(Report::Disconnected(gone()));
        self.daemon.events.clear();
        self.find_again();
    }

    /// Everything comes that is on its way.
    pub fn take_all(&mut self) {
        for _ in 0..MOST {
            let mut came = self.take_event(false);
            for lane in 0..self.lanes.len() {
                came |= self.take_answer(lane);
            }
            if !came {
                return;
            }
        }
        panic!("requests without end: {:?}", self.daemon.calls.last());
    }

    /// What was kept back is answered.
    pub fn release(&mut self) {
        self.slow = false;
        while let Some(call) = self.waiting.pop_front() {
            self.answer(call);
        }
        self.settle();
    }

    /// The daemon goes away.
    pub fn lose(&mut self) {
        self.up = false;
        self.report(Report::Disconnected(gone()));
        self.settle();
    }

    /// The daemon is there again.
    pub fn find_again(&mut self) {
        self.up = true;
        self.report(Report::Connected {
            owner_needed: self.daemon.owner_needed,
            lockable: self.daemon.lockable,
        });
        self.settle();
    }

    pub fn input(&mut self, input: Input) {
        self.app.handle(input, self.now);
        self.settle();
    }

    /// Presses a key, as `config.toml` calls it.
    pub fn press(&mut self, key: &str) {
        self.input(Input::Key(key_event(key)));
    }

    /// Types a text, key by key.
    pub fn write(&mut self, text: &str) {
        for c in text.chars() {
            self.input(Input::Key(KeyEvent::new(KeyCode::Char(c), KeyModifiers::NONE)));
        }
    }

    /// Types a text and Enter.
    pub fn enter(&mut self, text: &str) {
        self.write(text);
        self.press("enter");
    }

    pub fn paste(&mut self, text: &str) {
        self.input(Input::Paste(text.to_owned()));
    }

    pub fn click(&mut self, column: u16, row: u16) {
        self.mouse(MouseEventKind::Down(MouseButton::Left), column, row);
        self.mouse(MouseEventKind::Up(MouseButton::Left), column, row);
    }

    pub fn mouse(&mut self, kind: MouseEventKind, column: u16, row: u16) {
        self.input(Input::Mouse(MouseEvent {
            kind,
            column,
            row,
            modifiers: KeyModifiers::NONE,
        }));
        self.copy_selected();
    }

    /// A frame follows, which has the text that the mouse has selected.
    pub fn copy_selected(&mut self) {
        let selected = self.drawn().selected;
        self.copied.extend(self.app.copied_by_mouse(selected));
    }

    pub fn resize(&mut self, columns: u16, rows: u16) {
        self.input(Input::Resize(columns, rows));
    }

    /// Time passes.
    pub fn pass(&mut self, milliseconds: u64) {
        self.now += milliseconds;
        self.input(Input::Tick);
    }

    /// A message of a contact arrives.
    pub fn receive(&mut self, petname: &str, text: &str) -> String {
        let id = self.daemon.receive(petname, text);
        self.settle();
        id
    }

    /// Opens the conversation with a contact.
    pub fn open(&mut self, petname: &str) {
        let onion = self.daemon.contact(petname).who.contact;
        self.app.open_conversation(&onion);
        self.settle();
    }

    /// What the screen shows: its cells, and the cursor if it is shown.
    pub fn frame(&self) -> (Buffer, Option<Position>) {
        let (columns, rows) = self.app.size;
        let mut terminal = Terminal::new(TestBackend::new(columns, rows)).expect("a terminal in memory");
        let mut cursor = None;
        let drawn = terminal.draw(|frame| {
            view::draw(&self.app, frame);
        });
        let buffer = drawn.expect("a frame").buffer.clone();
        if terminal.backend().cursor_visible() {
            cursor = Some(terminal.backend().cursor_position());
        }
        (buffer, cursor)
    }

    /// The screen as text, without blanks at the ends of lines.
    pub fn screen(&self) -> String {
        text(&self.frame().0)
    }

    #[track_caller]
    pub fn shows(&self, what: &str) {
        let screen = self.screen();
        assert!(screen.contains(what), "the screen does not show {what:?}:\n{screen}");
    }

    #[track_caller]
    pub fn hides(&self, what: &str) {
        let screen = self.screen();
        assert!(!screen.contains(what), "the screen shows {what:?}:\n{screen}");
    }

    /// The requests of one kind that the daemon was sent.
    pub fn sent(&self) -> Vec<&sotto_api::Send> {
        let sends = self.daemon.calls.iter().filter_map(|call| match call {
            crate::request::Request::Send(send) => Some(send),
            _ => None,
        });
        sends.collect()
    }
}

/// A buffer as text. The second cell of a wide character is left out.
pub fn text(buffer: &Buffer) -> String {
    let area = buffer.area;
    let mut text = String::new();
    for y in area.top()..area.bottom() {
        let mut line = String::new();
        let mut x = area.left();
        while x < area.right() {
            let symbol = buffer[(x, y)].symbol();
            line.push_str(symbol);
            x += u16::try_from(crate::text::width(symbol)).unwrap_or(1).max(1);
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

fn gone() -> Error {
    Error::new(Kind::NoDaemon, "The daemon does not answer.")
}

/// A key as `config.toml` calls it.
pub fn key_event(name: &str) -> KeyEvent {
    let mut modifiers = KeyModifiers::NONE;
    let mut rest = name;
    for (prefix, modifier) in [
        ("ctrl-", KeyModifiers::CONTROL),
        ("alt-", KeyModifiers::ALT),
        ("shift-", KeyModifiers::SHIFT),
    ] {
        if let Some(after) = rest.strip_prefix(prefix).filter(|after| !after.is_empty()) {
            modifiers |= modifier;
            rest = after;
        }
    }
    let code = match rest {
        "enter" => KeyCode::Enter,
        "esc" => KeyCode::Esc,
        "tab" if modifiers.contains(KeyModifiers::SHIFT) => KeyCode::BackTab,
        "tab" => KeyCode::Tab,
        "backspace" => KeyCode::Backspace,
        "delete" => KeyCode::Delete,
        "up" => KeyCode::Up,
        "down" => KeyCode::Down,
        "left" => KeyCode::Left,
        "right" => KeyCode::Right,
        "home" => KeyCode::Home,
        "end" => KeyCode::End,
        "pageup" => KeyCode::PageUp,
        "pagedown" => KeyCode::PageDown,
        function if function.len() > 1 && function.starts_with('f') => {
            KeyCode::F(function[1..].parse().expect("the number of a key"))
        }
        other => KeyCode::Char(other.chars().next().expect("a key")),
    };
    KeyEvent::new(code, modifiers)
}

/// The passphrase of a new store, if one was made so.
pub fn passphrase(task: &HostTask) -> Option<&Zeroizing<String>> {
    match task {
        HostTask::Init {
            key: NewKey::Passphrase(passphrase),
            ..
        } => Some(passphrase),
        _ => None,
    }
}

impl Session {
    /// The send of a text that the daemon has not answered.
    pub fn app_send(&self, text: &str) -> sotto_api::Send {
        let mut sends = self.waiting.iter().filter_map(|call| match &call.request {
            crate::request::Request::Send(send) if send.text == text => Some(send.clone()),
            _ => None,
        });
        sends.next_back().expect("it waits")
    }

    /// The text that the mouse has selected.
    pub fn selection(&self) -> String {
        self.drawn().selected.expect("a selection")
    }

    /// The parts of the screen that a terminal can open: their texts, and what they open.
    pub fn hyperlinks(&self) -> Vec<(String, String)> {
        let screen = self.screen();
        let rows: Vec<&str> = screen.lines().collect();
        let text = |area: Rect| {
            let cells = crate::text::graphemes(rows[usize::from(area.y)]);
            let cells = cells.skip(usize::from(area.x)).take(usize::from(area.width));
            cells.collect::<String>()
        };
        let links = self.drawn().hyperlinks.into_iter();
        links.map(|link| (text(link.area), link.url)).collect()
    }

    fn drawn(&self) -> Drawn {
        let (columns, rows) = self.app.size;
        let mut terminal = Terminal::new(TestBackend::new(columns, rows)).expect("a terminal in memory");
        let mut drawn = Drawn::default();
        terminal
            .draw(|frame| drawn = view::draw(&self.app, frame))
            .expect("a frame");
        drawn
    }
}
