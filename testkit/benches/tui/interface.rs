//! [`Interface`]: the program on a pseudo-terminal that is drained, and the frames that it draws there.

use std::io::{Read as _, Write};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};
use rustix::process::{Pid, Signal, kill_process};

use crate::installed::Home;

/// What ends a frame.
const FRAME: &[u8] = b"\x1b[?2026l";

/// A complete frame.
pub struct Frame {
    /// When its last byte came.
    pub at: Instant,
    /// The column where it leaves the cursor; none if it does not move it.
    pub column: Option<u16>,
}

/// The interface of a home.
pub struct Interface {
    child: Box<dyn Child + Send + Sync>,
    keys: Box<dyn Write + Send>,
    pub frames: Receiver<Frame>,
    // Closing it ends the interface.
    _terminal: Box<dyn MasterPty + Send>,
}

impl Interface {
    /// Starts it beside the daemon of a home, which runs.
    pub fn start(home: &Home) -> Self {
        let size = PtySize {
            rows: 40,
            cols: 120,
            ..PtySize::default()
        };
        let pair = native_pty_system().openpty(size).expect("a pseudo-terminal");
        let mut command = CommandBuilder::new(home.command(&[]).get_program());
        command.arg("--data-dir");
        command.arg(home.data());
        // No question about the background is asked of a terminal that answers nothing.
        command.env("COLORFGBG", "15;0");
        command.env("TERM", "xterm-256color");
        let child = pair.slave.spawn_command(command).expect("sotto runs");
        let mut output = pair.master.try_clone_reader().expect("a reader");
        let (ended, frames) = channel();
        thread::spawn(move || {
            let mut buffer = vec![0; 1 << 16];
            let mut kept = Vec::new();
            while let Ok(read @ 1..) = output.read(&mut buffer) {
                let at = Instant::now();
                kept.extend_from_slice(&buffer[..read]);
                while let Some(end) = kept.windows(FRAME.len()).position(|bytes| bytes == FRAME) {
                    let column = column(&kept[..end]);
                    kept.drain(..end + FRAME.len());
                    if ended.send(Frame { at, column }).is_err() {
                        return;
                    }
                }
            }
        });
        Self {
            keys: pair.master.take_writer().expect("a writer"),
            child,
            frames,
            _terminal: pair.master,
        }
    }

    /// The next frame.
    pub fn frame(&self) -> Frame {
        self.frames.recv_timeout(Duration::from_secs(10)).expect("a frame")
    }

    /// The next frame that leaves the cursor there.
    pub fn frame_at(&self, column: u16) -> Frame {
        loop {
            let frame = self.frame();
            if frame.column == Some(column) {
                return frame;
            }
        }
    }

    /// Types bytes.
    pub fn press(&mut self, keys: &[u8]) {
        self.keys.write_all(keys).expect("a terminal");
    }

    /// Returns after no frame for a while, with the column where the last one left the cursor.
    pub fn rest(&self) -> Option<u16> {
        let mut column = None;
        while let Ok(frame) = self.frames.recv_timeout(Duration::from_millis(500)) {
            column = frame.column.or(column);
        }
        column
    }

    /// The number of its process.
    pub fn id(&self) -> String {
        self.child.process_id().expect("it runs").to_string()
    }

    /// Sends its process a signal.
    pub fn signal(&self, signal: Signal) {
        let id = self.child.process_id().and_then(|id| i32::try_from(id).ok());
        kill_process(id.and_then(Pid::from_raw).expect("it runs"), signal).expect("a signal");
    }
}

impl Drop for Interface {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The column to which the last `CSI row ; column H` of a frame moves the cursor.
fn column(frame: &[u8]) -> Option<u16> {
    let end = frame.iter().rposition(|byte| *byte == b'H')?;
    let start = frame[..end].iter().rposition(|byte| *byte == b'\x1b')?;
    let place = std::str::from_utf8(frame.get(start + 2..end)?).ok()?;
    place.split_once(';')?.1.parse().ok()
}
