//! [`Clipboard`]: the terminal's, by OSC 52, which works through ssh; and the desktop's, where there is one.

use std::sync::mpsc::{Sender, channel};
use std::thread;

use data_encoding::BASE64;

/// Bytes that terminals take by OSC 52.
const LONGEST: usize = 74_994;

/// Where copied texts go.
#[derive(Debug, Default)]
pub struct Clipboard {
    desktop: Option<Sender<String>>,
}

impl Clipboard {
    /// Copies a text. What is returned has to be written to the terminal.
    pub fn copy(&mut self, text: &str) -> String {
        if std::env::var_os("DISPLAY").is_some() && std::env::var_os("SSH_CONNECTION").is_none() {
            let desktop = self.desktop.get_or_insert_with(desktop);
            // A desktop that has gone away is as if there were none.
            let _ = desktop.send(text.to_owned());
        }
        let mut end = text.len().min(LONGEST);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        format!("\x1b]52;c;{}\x07", BASE64.encode(&text.as_bytes()[..end]))
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_is_cut_at_a_character() {
        let mut clipboard = Clipboard::default();
        let sequence = clipboard.copy(&"漢".repeat(30_000));
        let inside = sequence
            .strip_prefix("\x1b]52;c;")
            .and_then(|rest| rest.strip_suffix('\x07'))
            .expect("OSC 52");
        let bytes = BASE64.decode(inside.as_bytes()).expect("base64");
        assert!(bytes.len() <= LONGEST);
        String::from_utf8(bytes).expect("whole characters");
    }
}
