//! [`Terminal`]: bytes as a terminal sends them, read by crossterm as in the program. crossterm reads from the terminal that is standard
//! input, so standard input becomes a pseudo-terminal for as long as the process lives.

use std::fmt;
use std::io::Write;
use std::sync::{Mutex, OnceLock, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crossterm::event::{self, Event};
use crossterm::terminal::enable_raw_mode;
use portable_pty::{MasterPty, PtySize, native_pty_system};
use rustix::fs::{Mode, OFlags, open};
use rustix::io::{ioctl_fionbio, ioctl_fionread};
use rustix::stdio::{dup2_stdin, stdin};

/// The most bytes that are read at once, so that they are one read of crossterm's.
pub(crate) const MOST: usize = 255;

/// How long the system may take to pass bytes on.
const PATIENCE: Duration = Duration::from_secs(20);

/// How long events are waited for that are there already.
const NOW: Duration = Duration::from_millis(1);

/// What ends each sequence that can have begun, a paste among them.
const END: &[u8] = b"\x1b[201~mc";

/// The terminal of the process.
pub(crate) struct Terminal {
    keys: Box<dyn Write + Send>,
    // Closing it ends the terminal.
    _master: Box<dyn MasterPty + Send>,
}

impl Terminal {
    fn open() -> Self {
        let pair = native_pty_system()
            .openpty(PtySize::default())
            .expect("a pseudo-terminal");
        let name = pair.master.tty_name().expect("it has a name");
        // It does not become the terminal whose end is that of the process.
        let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
        dup2_stdin(open(name, flags, Mode::empty()).expect("it opens")).expect("standard input");
        // crossterm reads until an event is whole: of half a sequence it would wait for the rest.
        ioctl_fionbio(stdin(), true).expect("it need not wait");
        enable_raw_mode().expect("a terminal");
        Self {
            keys: pair.master.take_writer().expect("a writer"),
            _master: pair.master,
        }
    }

    /// The events of a terminal that sends these bytes at once.
    fn send(&mut self, bytes: &[u8]) -> Vec<Event> {
        assert!(bytes.len() <= MOST);
        self.keys.write_all(bytes).expect("a terminal");
        // All of them are there before the first is read: it depends on what follows whether an Escape is a key.
        let begun = Instant::now();
        while ioctl_fionread(stdin()).expect("a terminal") < bytes.len() as u64 {
            assert!(begun.elapsed() < PATIENCE, "the system keeps {bytes:?}");
            thread::yield_now();
        }
        let mut events = Vec::new();
        while event::poll(NOW).expect("a terminal") {
            events.push(event::read().expect("an event"));
        }
        events
    }
}

impl fmt::Debug for Terminal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Terminal").finish_non_exhaustive()
    }
}

fn terminal<T>(of: impl FnOnce(&mut Terminal) -> T) -> T {
    static TERMINAL: OnceLock<Mutex<Terminal>> = OnceLock::new();
    let terminal = TERMINAL.get_or_init(|| Mutex::new(Terminal::open()));
    of(&mut terminal.lock().unwrap_or_else(PoisonError::into_inner))
}

/// Nothing that was sent before has an effect on what is sent next.
pub(crate) fn begin() {
    terminal(|terminal| drop(terminal.send(END)));
}

/// The events of a terminal that sends these bytes at once, [`MOST`] at most.
pub(crate) fn send(bytes: &[u8]) -> Vec<Event> {
    terminal(|terminal| terminal.send(bytes))
}

#[cfg(test)]
mod tests {
    use crossterm::event::{KeyCode, KeyEvent};

    use super::*;

    fn keys(bytes: &[u8]) -> Vec<KeyCode> {
        let code = |event| match event {
            Event::Key(KeyEvent { code, .. }) => code,
            other => panic!("{other:?} is no key"),
        };
        send(bytes).into_iter().map(code).collect()
    }

    #[test]
    fn bytes_are_what_the_program_makes_of_them_whatever_was_sent_before() {
        for half in [
            &b""[..],
            b"\xf0\x9f",
            b"\x1b[",
            b"\x1b[200~ half",
            b"\x1b[<0;1",
            b"\x1b[?1",
            b"\x1b[M ",
            b"\x1bO",
            b"\x1b[1;",
        ] {
            begin();
            send(half);
            begin();
            assert_eq!(keys(b"a\x1b"), [KeyCode::Char('a'), KeyCode::Esc], "after {half:?}");
            assert_eq!(
                keys("\u{e9}\x1b[5~\r".as_bytes()),
                [KeyCode::Char('\u{e9}'), KeyCode::PageUp, KeyCode::Enter]
            );
            assert_eq!(
                send(b"\x1b[200~two\nlines\x1b[201~"),
                [Event::Paste(String::from("two\nlines"))]
            );
        }
    }
}
