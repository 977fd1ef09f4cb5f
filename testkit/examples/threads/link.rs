//! One link: a thread that opens the stream and reads it, and one that writes. What they have to say is an [`Input`], and
//! `Closed` is said when both have ended.

use std::io::{self, ErrorKind, Read as _, Write as _};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::Duration;

use sotto_core::{Cause, Input, LinkId};

/// Most that is read at once.
const CHUNK: usize = 16 * 1024;
/// How long a peer that does not read may put off the end of a link that was hung up; twice that, if it began to read.
const LINGER: Duration = Duration::from_secs(2);

/// The driver's hold on a link. Dropping it cuts the stream.
pub struct Link {
    /// Bytes to write, or the end.
    orders: SyncSender<Option<Vec<u8>>>,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    /// Once it is open.
    stream: OnceLock<UnixStream>,
    hung_up: AtomicBool,
}

impl Link {
    pub fn new<O, S>(id: LinkId, open: O, say: S) -> Self
    where
        O: FnOnce() -> io::Result<UnixStream> + Send + 'static,
        S: Fn(Input) + Send + Sync + 'static,
    {
        // An open `Transmit`, our end and theirs: sending never blocks.
        let (orders, inbox) = sync_channel(3);
        let link = Self {
            orders,
            shared: Arc::default(),
        };
        let (shared, theirs) = (Arc::clone(&link.shared), link.orders.clone());
        thread::spawn(move || {
            let cause = match open().and_then(|opened| opened.set_write_timeout(Some(LINGER)).map(|()| opened)) {
                Ok(opened) => {
                    let stream = shared.stream.get_or_init(|| opened);
                    if matches!(id, LinkId::Dialled(_)) {
                        say(Input::Connected(id));
                    }
                    let (hung_up, say) = (&shared.hung_up, &say);
                    thread::scope(|both| {
                        both.spawn(move || write(id, stream, &inbox, hung_up, say));
                        read(id, stream, say);
                        let _ = stream.shutdown(Shutdown::Both);
                        let _ = theirs.try_send(None);
                    });
                    if shared.hung_up.load(Ordering::Relaxed) {
                        Cause::HungUp
                    } else {
                        Cause::Ended
                    }
                }
                Err(_) => Cause::Unreachable,
            };
            say(Input::Closed(id, cause));
        });
        link
    }

    /// Begins to write; `Drained` follows, or `Closed`.
    pub fn transmit(&self, bytes: Vec<u8>) {
        let _ = self.orders.try_send(Some(bytes));
    }

    /// Ends the link once what is being written is written. Whether `Closed` follows: not if nothing is open yet.
    pub fn hang_up(&self) -> bool {
        self.shared.hung_up.store(true, Ordering::Relaxed);
        let _ = self.orders.try_send(None);
        self.shared.stream.get().is_some()
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.hang_up();
        let _ = self.shared.stream.get().map(|stream| stream.shutdown(Shutdown::Both));
    }
}

/// `say` blocks until the driver has room: what is not read meanwhile holds the peer up.
fn read(id: LinkId, mut stream: &UnixStream, say: &impl Fn(Input)) {
    let mut chunk = vec![0; CHUNK];
    while let Ok(length @ 1..) = stream.read(&mut chunk) {
        say(Input::Received(id, chunk[..length].to_vec()));
    }
}

fn write(
    id: LinkId,
    stream: &UnixStream,
    orders: &Receiver<Option<Vec<u8>>>,
    hung_up: &AtomicBool,
    say: &impl Fn(Input),
) {
    while let Ok(Some(bytes)) = orders.recv() {
        // A peer that is gone may still have left something to read: the reader says when that is over.
        if write_all(stream, &bytes, hung_up).is_err() {
            return;
        }
        say(Input::Drained(id));
    }
    let _ = stream.shutdown(Shutdown::Both);
}

fn write_all(mut stream: &UnixStream, mut bytes: &[u8], hung_up: &AtomicBool) -> io::Result<()> {
    while !bytes.is_empty() {
        match stream.write(bytes) {
            Ok(length) => bytes = &bytes[length..],
            Err(error) if error.kind() == ErrorKind::WouldBlock && !hung_up.load(Ordering::Relaxed) => {}
            Err(error) => {
                if error.kind() == ErrorKind::WouldBlock {
                    let _ = stream.shutdown(Shutdown::Both);
                }
                return Err(error);
            }
        }
    }
    Ok(())
}
