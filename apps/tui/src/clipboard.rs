//! [`Clipboard`]: the terminal's, by OSC 52, which works through ssh; that of tmux; and the desktop's, where there is one.

use std::env;
use std::io::Write as _;
use std::process::{Command, Stdio};
use std::sync::mpsc::{Sender, channel};
use std::thread;

use data_encoding::BASE64;

use crate::terminal::through_tmux;

/// Bytes that terminals take by OSC 52.
const LONGEST: usize = 74_994;

/// Where copied texts go.
#[derive(Debug, Default)]
pub struct Clipboard {
    desktop: Option<Sender<String>>,
    tmux: Option<Sender<String>>,
}

impl Clipboard {
    /// Copies a text. What is returned has to be written to the terminal.
    pub fn copy(&mut self, text: &str) -> String {
        let is_set = |name: &str| env::var_os(name).is_some_and(|value| !value.is_empty());
        if let Some(kind) = Desktop::of(cfg!(target_os = "macos"), is_set) {
            let desktop = self.desktop.get_or_insert_with(|| desktop(kind));
            // A desktop that has gone away is as if there were none.
            let _ = desktop.send(text.to_owned());
        }
        if env::var_os("TMUX").is_none() {
            return sequence(text);
        }
        let tmux = self.tmux.get_or_insert_with(tmux);
        // Its thread ends with this sender only.
        let _ = tmux.send(text.to_owned());
        through_tmux(&sequence(text))
    }
}

/// OSC 52.
fn sequence(text: &str) -> String {
    let mut end = text.len().min(LONGEST);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    format!("\x1b]52;c;{}\x07", BASE64.encode(&text.as_bytes()[..end]))
}

/// How the clipboard of the desktop is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Desktop {
    /// By a library: macOS, and X11, which most Wayland desktops have as well.
    Library,
    /// By `wl-copy`: Wayland alone. The library would need a client of Wayland, a dozen crates that nothing else here uses.
    WlCopy,
}

impl Desktop {
    /// By the system and by the variables that are set. Over ssh, the desktop is not that of the user.
    fn of(macos: bool, is_set: impl Fn(&str) -> bool) -> Option<Self> {
        if is_set("SSH_CONNECTION") {
            None
        } else if macos || is_set("DISPLAY") {
            Some(Self::Library)
        } else {
            is_set("WAYLAND_DISPLAY").then_some(Self::WlCopy)
        }
    }
}

/// A thread that has the desktop's clipboard: it has to answer each program that pastes, and the connection can block.
fn desktop(kind: Desktop) -> Sender<String> {
    let (texts, received) = channel::<String>();
    thread::spawn(move || match kind {
        Desktop::Library => {
            let Ok(mut clipboard) = arboard::Clipboard::new() else {
                return;
            };
            for text in received {
                let _ = clipboard.set_text(text);
            }
        }
        Desktop::WlCopy => {
            for text in received {
                // Without the program the sequence is all there is. It stays in the background until another text is copied.
                let _ = pipe(&text, "wl-copy", &[]);
            }
        }
    });
    texts
}

/// A thread that gives texts to tmux, which keeps them for its own paste and passes them on to the terminal. Unless it is told
/// otherwise, tmux takes OSC 52 from no program, nor passes on what is wrapped; before version 3.2 it lacks this command's
/// option, and passes on what is wrapped.
fn tmux() -> Sender<String> {
    let (texts, received) = channel::<String>();
    thread::spawn(move || {
        for text in received {
            // Without tmux the sequence is all there is.
            let _ = pipe(&text, "tmux", &["load-buffer", "-w", "-"]);
        }
    });
    texts
}

/// Gives a text to a program.
fn pipe(text: &str, program: &str, arguments: &[&str]) -> std::io::Result<()> {
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    let written = child
        .stdin
        .take()
        .map_or(Ok(()), |mut input| input.write_all(text.as_bytes()));
    child.wait()?;
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_desktop_is_the_one_before_the_user() {
        let of = |macos: bool, set: &[&str]| Desktop::of(macos, |name| set.contains(&name));
        for (macos, set, desktop) in [
            (false, &[][..], None),
            (false, &["DISPLAY"], Some(Desktop::Library)),
            (false, &["WAYLAND_DISPLAY"], Some(Desktop::WlCopy)),
            (false, &["WAYLAND_DISPLAY", "DISPLAY"], Some(Desktop::Library)),
            (true, &[], Some(Desktop::Library)),
            (false, &["DISPLAY", "SSH_CONNECTION"], None),
            (false, &["WAYLAND_DISPLAY", "SSH_CONNECTION"], None),
            (true, &["SSH_CONNECTION"], None),
        ] {
            assert_eq!(of(macos, set), desktop, "{macos} {set:?}");
        }
    }

    #[test]
    fn a_long_text_is_cut_at_a_character() {
        let sequence = sequence(&"漢".repeat(30_000));
        let inside = sequence
            .strip_prefix("\x1b]52;c;")
            .and_then(|rest| rest.strip_suffix('\x07'))
            .expect("OSC 52");
        let bytes = BASE64.decode(inside.as_bytes()).expect("base64");
        assert!(bytes.len() <= LONGEST);
        String::from_utf8(bytes).expect("whole characters");
    }
}
