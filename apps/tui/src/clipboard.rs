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
        if env::var_os("DISPLAY").is_some() && env::var_os("SSH_CONNECTION").is_none() {
            let desktop = self.desktop.get_or_insert_with(desktop);
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

/// A thread that owns the desktop's clipboard: it has to answer each program that pastes, and the connection can block.
fn desktop() -> Sender<String> {
    let (texts, received) = channel::<String>();
    thread::spawn(move || {
        let Ok(mut clipboard) = arboard::Clipboard::new() else {
            return;
        };
        for text in received {
            let _ = clipboard.set_text(text);
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
            let _ = load_buffer(&text);
        }
    });
    texts
}

fn load_buffer(text: &str) -> std::io::Result<()> {
    let mut child = Command::new("tmux")
        .args(["load-buffer", "-w", "-"])
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
