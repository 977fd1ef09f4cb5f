//! Reads of the driver's timer, when tokio says that it is readable.

use std::fs::File;
use std::io::{self, Read as _};
use std::os::fd::OwnedFd;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures::io::AsyncRead;
use sotto_io::Watch;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

struct Watched(AsyncFd<File>);

#[expect(
    deprecated,
    reason = "sound for a descriptor that is owned; what replaces it is an unsafe fn"
)]
pub(crate) fn watch(descriptor: OwnedFd) -> io::Result<Watch> {
    let watched = AsyncFd::with_interest(File::from(descriptor), Interest::READABLE)?;
    Ok(Box::new(Watched(watched)))
}

impl AsyncRead for Watched {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &mut [u8]) -> Poll<io::Result<usize>> {
        loop {
            let mut readable = ready!(self.0.poll_read_ready(cx))?;
            // Otherwise it would block, which is to wait on.
            if let Ok(read) = readable.try_io(|watched| watched.get_ref().read(bytes)) {
                return Poll::Ready(read);
            }
        }
    }
}
