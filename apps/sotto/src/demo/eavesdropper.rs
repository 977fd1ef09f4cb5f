//! [`Eavesdropper`] on the wire. Each node has a network folder of its own; in place of the other node's socket it has the
//! eavesdropper's, which forwards every byte and keeps a copy. Neither node can tell.

use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

/// What was heard on every connection, in both directions.
#[derive(Clone, Debug, Default)]
pub struct Eavesdropper {
    heard: Arc<Mutex<Vec<Recording>>>,
}

/// One direction of one connection.
type Recording = Arc<Mutex<Vec<u8>>>;

impl Eavesdropper {
    /// Listens at `here` and passes everything on to `there`, for as long as the process lives.
    pub fn tap(&self, here: &Path, there: PathBuf) -> io::Result<()> {
        let listener = UnixListener::bind(here)?;
        let ears = self.clone();
        thread::spawn(move || {
            for caller in listener.incoming().flatten() {
                // A callee that is away is, for the caller, a line that ends at once.
                if let Ok(callee) = UnixStream::connect(&there) {
                    let _ = ears.join(&caller, &callee);
                }
            }
        });
        Ok(())
    }

    /// Every byte, connection by connection, so that nothing that was one on the wire is parted here.
    pub fn heard(&self) -> Vec<Vec<u8>> {
        let recordings = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        recordings
            .iter()
            .map(|recording| recording.lock().unwrap_or_else(PoisonError::into_inner).clone())
            .collect()
    }

    fn join(&self, caller: &UnixStream, callee: &UnixStream) -> io::Result<()> {
        for (from, to) in [(caller, callee), (callee, caller)] {
            let (from, to) = (from.try_clone()?, to.try_clone()?);
            let recording = Recording::default();
            self.heard
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(Arc::clone(&recording));
            thread::spawn(move || {
                let _ = pass_on(&from, &to, &recording);
                let _ = to.shutdown(Shutdown::Write);
                let _ = from.shutdown(Shutdown::Read);
            });
        }
        Ok(())
    }
}

fn pass_on(mut from: &UnixStream, mut to: &UnixStream, recording: &Recording) -> io::Result<()> {
    let mut buffer = vec![0; 16 * 1024];
    loop {
        let length = from.read(&mut buffer)?;
        if length == 0 {
            return Ok(());
        }
        recording
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .extend_from_slice(&buffer[..length]);
        to.write_all(&buffer[..length])?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_passes_is_heard_and_arrives() {
        let folder = tempfile::tempdir().expect("a folder");
        let callee = UnixListener::bind(folder.path().join("callee")).expect("a socket");
        let eavesdropper = Eavesdropper::default();
        eavesdropper
            .tap(&folder.path().join("tap"), folder.path().join("callee"))
            .expect("a tap");

        let mut caller = UnixStream::connect(folder.path().join("tap")).expect("the tap answers");
        let (mut called, _) = callee.accept().expect("passed on");
        caller.write_all(b"question").expect("written");
        caller.shutdown(Shutdown::Write).expect("shut");
        let mut arrived = Vec::new();
        called.read_to_end(&mut arrived).expect("read");
        called.write_all(b"answer").expect("written");
        drop(called);
        let mut returned = Vec::new();
        caller.read_to_end(&mut returned).expect("read");

        assert_eq!(
            (arrived.as_slice(), returned.as_slice()),
            (&b"question"[..], &b"answer"[..])
        );
        assert_eq!(eavesdropper.heard(), [b"question".to_vec(), b"answer".to_vec()]);
    }
}
