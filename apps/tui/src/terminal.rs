//! [`Screen`]: the terminal, as the interface has it, and as it was before. Whatever ends the process, the terminal is left as
//! it was found.

use std::fmt::Write as _;
use std::io::{self, BufWriter, IsTerminal as _, Stdout, Write as _};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use crossterm::cursor::{RestorePosition, SavePosition};
use crossterm::event::{
    DisableBracketedPaste, DisableFocusChange, DisableMouseCapture, EnableBracketedPaste, EnableFocusChange,
    EnableMouseCapture, KeyboardEnhancementFlags, PopKeyboardEnhancementFlags, PushKeyboardEnhancementFlags,
};
use crossterm::style::Print;
use crossterm::terminal::{
    self, BeginSynchronizedUpdate, EndSynchronizedUpdate, EnterAlternateScreen, LeaveAlternateScreen, SetTitle,
};
use crossterm::{cursor, execute, queue};
use ratatui::Terminal;
use ratatui::backend::{Backend as _, CrosstermBackend};
use ratatui::buffer::{Buffer, Cell, CellWidth as _};
use ratatui::layout::{Position, Rect};
use sotto_api::{Error, Kind};

use crate::app::App;
use crate::background;
use crate::view::{self, Drawn, Hyperlink};

/// The terminal is in the state that the interface needs, and has to be put back.
static ENTERED: AtomicBool = AtomicBool::new(false);

/// The terminal knows the keyboard protocol of kitty and hyperlinks, or passes over what it does not know.
static KNOWN: AtomicBool = AtomicBool::new(false);

/// Panics of other threads while the interface has the terminal; as many as help.
static UNTOLD: Mutex<Vec<String>> = Mutex::new(Vec::new());
const MOST_UNTOLD: usize = 8;

/// The terminal of the interface.
#[derive(Debug)]
pub struct Screen {
    terminal: Terminal<CrosstermBackend<BufWriter<Stdout>>>,
    mouse: bool,
    /// The hyperlinks that the terminal shows, on a screen of that size.
    shown: (Rect, Vec<Linked>),
}

/// What the cells of a hyperlink are, each with its column and row.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Linked {
    url: String,
    cells: Vec<(u16, u16, Cell)>,
}

impl Screen {
    /// Takes the terminal over.
    pub fn enter(mouse: bool) -> io::Result<Self> {
        let known = std::env::var("TERM").is_ok_and(|term| term != "linux");
        KNOWN.store(known, Ordering::Relaxed);
        restore_on_panic();
        let backend = CrosstermBackend::new(BufWriter::with_capacity(64 << 10, io::stdout()));
        let terminal = Terminal::new(backend)?;
        let mut screen = Self {
            terminal,
            mouse,
            shown: (Rect::ZERO, Vec::new()),
        };
        // From here on the screen gives back what it takes, also if the next step fails.
        take(mouse)?;
        screen.redraw()?;
        Ok(screen)
    }

    /// Columns and rows.
    pub fn size(&self) -> io::Result<(u16, u16)> {
        let size = self.terminal.size()?;
        Ok((size.width, size.height))
    }

    /// Draws a frame; terminals that can, show it at once and not in parts. Returns the text that the mouse has selected.
    pub fn draw(&mut self, app: &App) -> io::Result<Option<String>> {
        let mut drawn = Drawn::default();
        queue!(self.terminal.backend_mut(), BeginSynchronizedUpdate)?;
        let frame = self.terminal.draw(|frame| drawn = view::draw(app, frame))?;
        if KNOWN.load(Ordering::Relaxed) {
            let links = drawn.hyperlinks.iter();
            let linked: Vec<Linked> = links.map(|link| Linked::of(link, frame.buffer)).collect();
            let shown = (frame.area, linked);
            // Unchanged cells are not written again, unless the size has changed: the terminal has these as links already.
            if shown != self.shown {
                let before = self.shown.1.iter().flat_map(|link| &link.cells);
                let now: Vec<_> = before.filter_map(|(x, y, _)| cell(frame.buffer, *x, *y)).collect();
                write_links(self.terminal.backend_mut(), &now, &shown.1)?;
                self.shown = shown;
            }
        }
        execute!(self.terminal.backend_mut(), EndSynchronizedUpdate)?;
        Ok(drawn.selected)
    }

    /// Has the next frame drawn anew. `Terminal::clear` would ask the terminal where its cursor is: one that does not answer would
    /// hold the interface for seconds and end it, and the answer takes keys that were typed meanwhile with it.
    pub fn redraw(&mut self) -> io::Result<()> {
        let size = self.terminal.size()?;
        self.shown.1.clear();
        self.terminal.resize(Rect::from((Position::ORIGIN, size)))
    }

    /// Gives the terminal back for a while.
    pub fn leave(&mut self) -> io::Result<()> {
        self.terminal.show_cursor()?;
        give_back()
    }

    /// Takes it over again.
    pub fn resume(&mut self) -> io::Result<()> {
        take(self.mouse)?;
        self.redraw()
    }

    /// Reports of the mouse on or off.
    pub fn set_mouse(&mut self, on: bool) -> io::Result<()> {
        self.mouse = on;
        if on {
            execute!(self.terminal.backend_mut(), EnableMouseCapture)
        } else {
            execute!(self.terminal.backend_mut(), DisableMouseCapture)
        }
    }

    /// The title of the window.
    pub fn set_title(&mut self, title: &str) -> io::Result<()> {
        execute!(self.terminal.backend_mut(), SetTitle(title))
    }

    /// Writes control sequences as they are.
    pub fn write(&mut self, sequences: &str) -> io::Result<()> {
        execute!(self.terminal.backend_mut(), Print(sequences))
    }
}

impl Linked {
    fn of(link: &Hyperlink, buffer: &Buffer) -> Self {
        let Rect { x, y, width, .. } = link.area.intersection(buffer.area);
        Self {
            url: link.url.clone(),
            cells: (x..x + width).filter_map(|x| cell(buffer, x, y)).collect(),
        }
    }
}

/// A cell of a frame; none if a wide character before it covers it.
fn cell(buffer: &Buffer, x: u16, y: u16) -> Option<(u16, u16, Cell)> {
    let before = x.checked_sub(1).and_then(|before| buffer.cell((before, y)));
    let covered = before.is_some_and(|before| before.cell_width() > 1);
    let cell = buffer.cell((x, y)).filter(|_| !covered)?;
    Some((x, y, cell.clone()))
}

/// Writes the cells that were links once more as none, and those that are, between the sequences that make them so (OSC 8). They are
/// no part of the cells: a sequence there would be counted as text, and could be cut in two.
fn write_links<W: io::Write>(
    backend: &mut CrosstermBackend<W>,
    before: &[(u16, u16, Cell)],
    links: &[Linked],
) -> io::Result<()> {
    queue!(backend, SavePosition)?;
    backend.draw(before.iter().map(|(x, y, cell)| (*x, *y, cell)))?;
    for link in links {
        queue!(backend, Print(format!("\x1b]8;;{}\x1b\\", encoded(&link.url))))?;
        backend.draw(link.cells.iter().map(|(x, y, cell)| (*x, *y, cell)))?;
        queue!(backend, Print("\x1b]8;;\x1b\\"))?;
    }
    queue!(backend, RestorePosition)
}

/// An address as it may stand in a sequence: bytes that are not of visible ASCII would end it.
fn encoded(url: &str) -> String {
    let mut encoded = String::with_capacity(url.len());
    for byte in url.bytes() {
        if byte.is_ascii_graphic() {
            encoded.push(char::from(byte));
        } else {
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

impl Drop for Screen {
    fn drop(&mut self) {
        // The process ends; nothing is left to tell an error to.
        let _ = give_back();
    }
}

fn take(mouse: bool) -> io::Result<()> {
    terminal::enable_raw_mode()?;
    ENTERED.store(true, Ordering::SeqCst);
    let mut out = io::stdout();
    // The title is kept by the terminal, and comes back.
    execute!(
        out,
        Print("\x1b[22;0t"),
        EnterAlternateScreen,
        EnableBracketedPaste,
        EnableFocusChange
    )?;
    if KNOWN.load(Ordering::Relaxed) {
        let flags =
            KeyboardEnhancementFlags::DISAMBIGUATE_ESCAPE_CODES | KeyboardEnhancementFlags::REPORT_ALTERNATE_KEYS;
        execute!(out, PushKeyboardEnhancementFlags(flags))?;
    }
    if mouse {
        execute!(out, EnableMouseCapture)?;
    }
    Ok(())
}

/// Puts everything back; a second time it does nothing.
fn give_back() -> io::Result<()> {
    if !ENTERED.swap(false, Ordering::SeqCst) {
        return Ok(());
    }
    let mut out = io::stdout();
    if KNOWN.load(Ordering::Relaxed) {
        execute!(out, PopKeyboardEnhancementFlags)?;
    }
    execute!(
        out,
        EndSynchronizedUpdate,
        DisableMouseCapture,
        DisableFocusChange,
        DisableBracketedPaste,
        LeaveAlternateScreen,
        cursor::Show,
        Print("\x1b[23;0t")
    )?;
    terminal::disable_raw_mode()?;
    out.flush()?;
    let mut untold = UNTOLD.lock().unwrap_or_else(PoisonError::into_inner);
    for panic in untold.drain(..) {
        eprintln!("{panic}");
    }
    Ok(())
}

/// A panic is told on the terminal as it was. Other threads' panics end what they belong to, which the interface shows; they
/// must not write into its screen, and are told once it is gone.
fn restore_on_panic() {
    let interface = std::thread::current().id();
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if std::thread::current().id() == interface {
            let _ = give_back();
            before(panic);
        } else if ENTERED.load(Ordering::SeqCst) {
            let mut untold = UNTOLD.lock().unwrap_or_else(PoisonError::into_inner);
            if untold.len() < MOST_UNTOLD {
                untold.push(panic.to_string());
            }
        } else {
            before(panic);
        }
    }));
}

/// The control sequence by which a terminal notifies its user: OSC 99 of kitty, OSC 777 of rxvt, and OSC 9, which most others
/// know. tmux passes it on if it may.
pub fn notification(text: &str, variable: impl Fn(&str) -> Option<String>) -> String {
    // A control character would end the sequence.
    let text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let terminal = variable("TERM").unwrap_or_default();
    let sequence = if terminal.contains("kitty") {
        format!("\x1b]99;;{text}\x1b\\")
    } else if terminal.contains("rxvt") {
        format!("\x1b]777;notify;Sotto;{}\x07", text.replace(';', ","))
    } else {
        format!("\x1b]9;{text}\x07")
    };
    if variable("TMUX").is_some() {
        return through_tmux(&sequence);
    }
    sequence
}

/// A control sequence that tmux passes on to the terminal, if it may.
pub fn through_tmux(sequence: &str) -> String {
    format!("\x1bPtmux;{}\x1b\\", sequence.replace('\x1b', "\x1b\x1b"))
}

/// Both ends are a terminal.
pub fn is_there() -> bool {
    io::stdin().is_terminal() && io::stdout().is_terminal()
}

/// An error if the terminal cannot show the interface.
pub fn check() -> Result<(), Error> {
    if std::env::var("TERM").is_ok_and(|term| term == "dumb") {
        let message = "this terminal cannot show the interface: it says of itself that it moves no cursor (TERM=dumb)";
        return Err(Error::new(Kind::Usage, message).hint("sotto --screen-reader writes one line after the other"));
    }
    Ok(())
}

/// What is known of the terminal's background.
#[derive(Debug)]
pub enum Background {
    /// The environment says whether it is dark, or nothing would answer.
    Known(bool),
    /// The terminal was asked.
    Asked(background::Answer),
}

/// Finds out whether the terminal's background is dark.
pub fn background() -> io::Result<Background> {
    if let Some(colours) = std::env::var_os("COLORFGBG") {
        let background = colours
            .to_string_lossy()
            .rsplit(';')
            .next()
            .and_then(|last| last.parse::<u8>().ok());
        return Ok(Background::Known(
            background.is_none_or(|colour| colour < 7 || colour == 8),
        ));
    }
    // GNU screen passes the question on, and its answer may come from several terminals, or from none.
    let silent = |term: String| term == "linux" || term == "screen" || term.starts_with("screen.");
    if std::env::var("TERM").map_or(true, silent) {
        return Ok(Background::Known(true));
    }
    background::ask().map(Background::Asked)
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use portable_pty::{CommandBuilder, PtySize, native_pty_system};

    use super::*;

    /// Run by the test below, in a terminal of its own.
    #[test]
    #[ignore = "it is meant to panic, in a terminal"]
    fn panics_within_the_interface() {
        let mut screen = Screen::enter(true).expect("a terminal");
        screen.set_title("Sotto (3)").expect("a title");
        panic!("the interface is broken");
    }

    #[test]
    fn a_panic_leaves_the_terminal_as_it_was_and_says_what_it_was() {
        let pair = native_pty_system()
            .openpty(PtySize::default())
            .expect("a pseudo-terminal");
        let modes = || format!("{:?}", pair.master.get_termios().expect("its modes"));
        let before = modes();
        let mut command = CommandBuilder::new(std::env::current_exe().expect("this program"));
        let test = "terminal::tests::panics_within_the_interface";
        command.args(["--exact", test, "--ignored", "--nocapture", "--test-threads=1"]);
        command.env("TERM", "xterm-256color");
        command.env("RUST_BACKTRACE", "0");
        let mut child = pair.slave.spawn_command(command).expect("it runs");
        let mut output = pair.master.try_clone_reader().expect("a reader");
        child.wait().expect("it ends");
        let after = modes();
        drop(pair.slave);
        let mut written = Vec::new();
        // A pseudo-terminal whose other end is closed ends with an error.
        let _ = output.read_to_end(&mut written);
        assert_eq!(after, before);
        let written = String::from_utf8_lossy(&written);
        let mut terminal = vt100::Parser::default();
        terminal.process(written.as_bytes());
        let screen = terminal.screen();
        assert!(!screen.alternate_screen() && !screen.bracketed_paste(), "{written:?}");
        assert_eq!(screen.mouse_protocol_mode(), vt100::MouseProtocolMode::None);
        assert!(!screen.hide_cursor());
        assert!(screen.contents().contains("the interface is broken"), "{written:?}");
        assert!(
            written.contains("\x1b[<1u") && written.contains("\x1b[23;0t"),
            "{written:?}"
        );
    }

    #[test]
    fn a_hyperlink_is_around_its_cells_and_no_address_ends_its_sequence() {
        let mut buffer = Buffer::with_lines(["see 漢字x here"]);
        let link = Hyperlink {
            area: Rect::new(4, 0, 5, 1),
            url: String::from("https://a.example/\x1b\\é"),
        };
        let linked = Linked::of(&link, &buffer);
        let mut written = Vec::new();
        write_links(&mut CrosstermBackend::new(&mut written), &[], &[linked]).expect("written");
        let written = String::from_utf8_lossy(&written).into_owned();
        assert!(
            written.contains("\x1b]8;;https://a.example/%1B\\%C3%A9\x1b\\"),
            "{written:?}"
        );
        let mut terminal = vt100::Parser::default();
        terminal.process(&written.into_bytes());
        assert_eq!(terminal.screen().contents(), "    漢字x");
        // What is no link any more is written as none.
        buffer.set_string(4, 0, "12345", ratatui::style::Style::new());
        let now: Vec<_> = (4..9).filter_map(|x| cell(&buffer, x, 0)).collect();
        let mut written = Vec::new();
        write_links(&mut CrosstermBackend::new(&mut written), &now, &[]).expect("written");
        let written = String::from_utf8_lossy(&written).into_owned();
        assert!(written.contains("12345") && !written.contains("\x1b]8"), "{written:?}");
    }

    #[test]
    fn a_notification_ends_where_its_text_does() {
        let by = |terminal: &str, tmux: bool| {
            notification("a\x07b\x1b\\;c", |name| match name {
                "TERM" => Some(terminal.to_owned()),
                "TMUX" => tmux.then(|| String::from("/tmp/tmux")),
                _ => None,
            })
        };
        assert_eq!(by("xterm-256color", false), "\x1b]9;a b \\;c\x07");
        assert_eq!(by("xterm-kitty", false), "\x1b]99;;a b \\;c\x1b\\");
        assert_eq!(by("rxvt-unicode", false), "\x1b]777;notify;Sotto;a b \\,c\x07");
        assert_eq!(by("xterm", true), "\x1bPtmux;\x1b\x1b]9;a b \\;c\x07\x1b\\");
    }
}
