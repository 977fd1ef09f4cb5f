//! [`Terminal`]: the program on a pseudo-terminal, with an emulator that shows what a user would see.

use std::io::{Read as _, Write};
use std::num::NonZeroU16;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, SlavePty, native_pty_system};
use vt100::{Parser, Screen};

use crate::environment;

/// Nothing in these tests takes longer than this unless it hangs.
const PATIENCE: Duration = Duration::from_mins(1);
const PAUSE: Duration = Duration::from_millis(5);

/// Whether a frame is being written: what is on the screen then is a part of it, which a terminal does not show.
#[derive(Default)]
struct Update {
    is_open: bool,
}

impl vt100::Callbacks for Update {
    fn unhandled_csi(&mut self, _: &mut Screen, kind: Option<u8>, _: Option<u8>, parameters: &[&[u16]], end: char) {
        if kind == Some(b'?') && parameters.contains(&[2026].as_slice()) {
            self.is_open = end == 'h';
        }
    }
}

/// Between these two a terminal shows nothing.
const BEGIN_UPDATE: &[u8] = b"\x1b[?2026h";
const END_UPDATE: &[u8] = b"\x1b[?2026l";

pub struct Terminal {
    child: Box<dyn Child + Send + Sync>,
    master: Box<dyn MasterPty + Send>,
    /// Kept open, so that the settings outlive the program.
    _slave: Box<dyn SlavePty + Send>,
    writer: Box<dyn Write + Send>,
    screen: Arc<Mutex<Parser<Update>>>,
    /// All that was written to it.
    received: Arc<Mutex<Vec<u8>>>,
    before: String,
}

/// What a terminal tells of itself, unless a test says otherwise.
const VARIABLES: [(&str, Option<&str>); 3] = [
    ("TERM", Some("xterm-256color")),
    ("COLORFGBG", Some("15;0")),
    ("LANG", Some("C.UTF-8")),
];

impl Terminal {
    /// Starts a program on a new terminal.
    pub fn start(program: &str, arguments: &[&str]) -> Self {
        Self::start_with(program, arguments, &[])
    }

    /// The same, with other variables.
    pub fn start_with(program: &str, arguments: &[&str], variables: &[(&str, Option<&str>)]) -> Self {
        Self::start_at((80, 24), program, arguments, variables)
    }

    /// The same, of a size: columns and rows.
    pub fn start_at(
        (columns, rows): (u16, u16),
        program: &str,
        arguments: &[&str],
        variables: &[(&str, Option<&str>)],
    ) -> Self {
        let pair = native_pty_system()
            .openpty(size(columns, rows))
            .expect("a pseudo-terminal");
        let before = settings(&*pair.master);
        let mut command = CommandBuilder::new(program);
        command.args(arguments);
        // By itself it would be the user's own folder.
        command.cwd("/");
        command.env_clear();
        for (name, value) in environment::program(program).get_envs() {
            command.env(name, value.unwrap_or_default());
        }
        for (name, value) in VARIABLES.iter().chain(variables) {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            }
        }
        let child = pair.slave.spawn_command(command).expect("the program starts");
        let screen = Arc::new(Mutex::new(parser(columns, rows)));
        let mut reader = pair.master.try_clone_reader().expect("a reader");
        let received = Arc::new(Mutex::new(Vec::new()));
        let (drained, kept) = (screen.clone(), received.clone());
        thread::spawn(move || {
            let mut bytes = [0; 16 << 10];
            while let Ok(read @ 1..) = reader.read(&mut bytes) {
                kept.lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .extend_from_slice(&bytes[..read]);
                drained
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .process(&bytes[..read]);
            }
        });
        let writer = pair.master.take_writer().expect("a writer");
        Self {
            child,
            master: pair.master,
            _slave: pair.slave,
            writer,
            screen,
            received,
            before,
        }
    }

    /// Whether the terminal was sent this.
    pub fn was_sent(&self, sequence: &str) -> bool {
        self.times_sent(sequence) > 0
    }

    /// No synchronised update is open, and none was begun within another one.
    fn updates_are_paired(&self) -> bool {
        let received = self.received.lock().unwrap_or_else(PoisonError::into_inner);
        let mut updates = received.windows(BEGIN_UPDATE.len());
        let open = updates.try_fold(false, |open, bytes| match bytes {
            BEGIN_UPDATE if open => None,
            BEGIN_UPDATE => Some(true),
            END_UPDATE => Some(false),
            _ => Some(open),
        });
        open == Some(false)
    }

    /// Waits until the terminal was sent this.
    #[track_caller]
    pub fn until_sent(&self, sequence: &str) {
        self.until(sequence, |_| self.was_sent(sequence));
    }

    fn times_sent(&self, sequence: &str) -> usize {
        let received = self.received.lock().unwrap_or_else(PoisonError::into_inner);
        received
            .windows(sequence.len())
            .filter(|bytes| *bytes == sequence.as_bytes())
            .count()
    }

    /// What was turned on, the flags of keys that were pushed, and the title that was kept, are each as often undone.
    fn is_balanced(&self) -> bool {
        /// What the emulator does not show.
        const UNSEEN: [(&str, &str); 3] = [
            ("\x1b[?1004h", "\x1b[?1004l"),
            ("\x1b[>5u", "\x1b[<1u"),
            ("\x1b[22;0t", "\x1b[23;0t"),
        ];
        UNSEEN
            .iter()
            .all(|(on, off)| self.times_sent(on) == self.times_sent(off))
    }

    /// Every colour on the screen but the terminal's own.
    pub fn colours(&self) -> Vec<vt100::Color> {
        colours(self.screen().screen())
    }

    #[track_caller]
    pub fn until_coloured(&self, colour: vt100::Color) {
        self.until(&format!("{colour:?}"), |screen| colours(screen).contains(&colour));
    }

    fn screen(&self) -> MutexGuard<'_, Parser<Update>> {
        self.screen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the user sees.
    pub fn contents(&self) -> String {
        self.screen().screen().contents()
    }

    /// Types bytes.
    pub fn send(&mut self, bytes: &str) {
        self.writer.write_all(bytes.as_bytes()).expect("written");
        self.writer.flush().expect("written");
    }

    /// Types a text and Enter.
    pub fn enter(&mut self, text: &str) {
        self.send(text);
        self.send("\r");
    }

    /// A paste, as a terminal with bracketed paste sends it.
    pub fn paste(&mut self, text: &str) {
        self.send(&format!("\x1b[200~{text}\x1b[201~"));
    }

    /// Finds a command by the palette, and does it.
    pub fn command(&mut self, name: &str) {
        self.send("\x10");
        self.until_shown("Go to");
        self.send(name);
        self.until_shown(&format!("Find: {name}"));
        self.send("\r");
    }

    /// Waits for something that is on the screen between two frames.
    #[track_caller]
    pub fn until(&self, what: &str, mut done: impl FnMut(&Screen) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        let mut shown = || {
            let parser = self.screen();
            !parser.callbacks().is_open && done(parser.screen())
        };
        while !shown() {
            assert!(
                Instant::now() < deadline,
                "waited in vain for {what}:\n{}",
                self.contents()
            );
            thread::sleep(PAUSE);
        }
    }

    #[track_caller]
    pub fn until_shown(&self, text: &str) {
        self.until(text, |screen| screen.contents().contains(text));
    }

    #[track_caller]
    pub fn until_hidden(&self, text: &str) {
        self.until(&format!("the end of {text}"), |screen| {
            !screen.contents().contains(text)
        });
    }

    /// The row and column where a text stands.
    pub fn place(&self, text: &str) -> (usize, usize) {
        let contents = self.contents();
        let found = contents
            .lines()
            .enumerate()
            .find_map(|(row, line)| Some((row, line[..line.find(text)?].chars().count())));
        found.unwrap_or_else(|| panic!("{text:?} is not shown:\n{contents}"))
    }

    pub fn resize(&self, columns: u16, rows: u16) {
        self.screen().screen_mut().set_size(nonzero(rows), nonzero(columns));
        self.master.resize(size(columns, rows)).expect("resized");
    }

    /// Sends a signal to the program.
    pub fn signal(&self, signal: rustix::process::Signal) {
        let process = self
            .child
            .process_id()
            .and_then(|id| rustix::process::Pid::from_raw(id.try_into().ok()?));
        rustix::process::kill_process(process.expect("a process"), signal).expect("sent");
    }

    /// The process that has the terminal.
    pub fn foreground(&self) -> rustix::process::Pid {
        let leader = self.master.process_group_leader();
        leader
            .and_then(rustix::process::Pid::from_raw)
            .expect("a process in the foreground")
    }

    /// Waits for the end of the program; its exit code.
    #[track_caller]
    pub fn code(&mut self) -> u32 {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().expect("a child") {
                return status.exit_code();
            }
            assert!(Instant::now() < deadline, "it does not end:\n{}", self.contents());
            thread::sleep(PAUSE);
        }
    }

    /// The terminal is as it was: the shell's screen and title, a cursor, no reports of pastes, of the mouse and of the focus, no raw mode.
    #[track_caller]
    pub fn is_restored(&self) {
        self.until("the terminal as it was", |screen| {
            !screen.alternate_screen()
                && !screen.hide_cursor()
                && !screen.bracketed_paste()
                && screen.mouse_protocol_mode() == vt100::MouseProtocolMode::None
                && self.is_balanced()
                && self.updates_are_paired()
        });
        assert_eq!(settings(&*self.master), self.before, "the settings of the terminal");
    }

    /// The interface has taken the terminal over.
    #[track_caller]
    pub fn is_taken(&self) {
        self.until("the interface", |screen| {
            screen.alternate_screen()
                && screen.bracketed_paste()
                && screen.mouse_protocol_mode() != vt100::MouseProtocolMode::None
                && self.times_sent("\x1b[?1004h") > self.times_sent("\x1b[?1004l")
        });
        assert_ne!(settings(&*self.master), self.before, "raw mode");
    }

    /// Waits until the terminal shows nothing of what is typed, though the program reads by lines.
    #[track_caller]
    pub fn until_silent(&self) {
        self.until("no echo", |_| {
            let settings = self.master.get_termios().expect("settings");
            settings.local_flags.bits() & rustix::termios::LocalModes::ECHO.bits() == 0
        });
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // It has ended, unless the test has failed.
        let _ = self.child.kill();
    }
}

fn colours(screen: &Screen) -> Vec<vt100::Color> {
    let (rows, columns) = screen.size();
    let cells = (0..rows.get()).flat_map(|row| (0..columns.get()).map(move |column| (row, column)));
    cells
        .filter_map(|(row, column)| screen.cell(row, column))
        .flat_map(|cell| [cell.fgcolor(), cell.bgcolor()])
        .filter(|colour| *colour != vt100::Color::Default)
        .collect()
}

fn parser(columns: u16, rows: u16) -> Parser<Update> {
    Parser::new_with_callbacks(nonzero(rows), nonzero(columns), 0, Update::default())
}

fn nonzero(cells: u16) -> NonZeroU16 {
    NonZeroU16::new(cells).expect("a size")
}

const fn size(cols: u16, rows: u16) -> PtySize {
    PtySize {
        rows,
        cols,
        pixel_width: 0,
        pixel_height: 0,
    }
}

/// Raw mode and all other settings, to be compared.
fn settings(master: &dyn MasterPty) -> String {
    format!("{:?}", master.get_termios().expect("settings"))
}
