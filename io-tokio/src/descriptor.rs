//! Reads from a descriptor when tokio's reactor reports that it is readable.

use std::fs::File;
use std::io::{self, Read as _};
use std::os::fd::OwnedFd;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures::io::AsyncRead;
use sotto_io::AsyncDescriptor;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

struct ReadableFd(AsyncFd<File>);

#[expect(
    deprecated,
    reason = "sound for a descriptor that is owned; the replacement is an unsafe fn"
)]
pub(crate) fn register(descriptor: OwnedFd) -> io::Result<AsyncDescriptor> {
    let registered = AsyncFd::with_interest(File::from(descriptor), Interest::READABLE)?;
    Ok(Box::new(ReadableFd(registered)))
}

impl AsyncRead for ReadableFd {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &mut [u8]) -> Poll<io::Result<usize>> {
        loop {
            let mut readable = ready!(self.0.poll_read_ready(cx))?;
            // `Err`: the read would block, and the readiness is cleared, so the next round registers `cx`.
            if let Ok(read) = readable.try_io(|registered| registered.get_ref().read(bytes)) {
                return Poll::Ready(read);
            }
        }
    }
}
