//! [`Link`]: one link, with a thread that opens the stream and reads it and one that writes. Both give the driver [`Input`]s; `Closed`
//! comes when both have ended.

use std::io::{self, ErrorKind, Read as _, Write as _};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::Duration;

use sotto_core::{Cause, Input, LinkId};

/// The most bytes of one read.
const CHUNK: usize = 16 * 1024;
/// How long a peer that does not read may delay the end of a link after a hangup; twice that if it began to read.
const LINGER: Duration = Duration::from_secs(2);

/// The driver's handle of a link. Dropping it cuts the stream.
pub struct Link {
    /// Bytes to write, or the end.
    orders: SyncSender<Option<Vec<u8>>>,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    /// The stream, once it is open.
    stream: OnceLock<UnixStream>,
    hung_up: AtomicBool,
}

impl Link {
    pub fn new<O, S>(id: LinkId, open: O, give: S) -> Self
    where
        O: FnOnce() -> io::Result<UnixStream> + Send + 'static,
        S: Fn(Input) + Send + Sync + 'static,
    {
        // A pending `Transmit`, our end and the peer's: sending never blocks.
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
                        give(Input::Connected(id));
                    }
                    let (hung_up, give) = (&shared.hung_up, &give);
                    thread::scope(|both| {
                        both.spawn(move || write(id, stream, &inbox, hung_up, give));
                        read(id, stream, give);
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
            give(Input::Closed(id, cause));
        });
        link
    }

    /// Starts to write. `Drained` or `Closed` follows.
    pub fn transmit(&self, bytes: Vec<u8>) {
        let _ = self.orders.try_send(Some(bytes));
    }

    /// Ends the link after the pending bytes. Returns whether `Closed` follows: not if the stream is not open yet.
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

/// `give` blocks until the driver has room. Bytes that are not read meanwhile block the peer.
fn read(id: LinkId, mut stream: &UnixStream, give: &impl Fn(Input)) {
    let mut chunk = vec![0; CHUNK];
    while let Ok(length @ 1..) = stream.read(&mut chunk) {
        give(Input::Received(id, chunk[..length].to_vec()));
    }
}

fn write(
    id: LinkId,
    stream: &UnixStream,
    orders: &Receiver<Option<Vec<u8>>>,
    hung_up: &AtomicBool,
    give: &impl Fn(Input),
) {
    while let Ok(Some(bytes)) = orders.recv() {
        // A peer that is gone may have left bytes to read: the reader reports the end.
        if write_all(stream, &bytes, hung_up).is_err() {
            return;
        }
        give(Input::Drained(id));
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
