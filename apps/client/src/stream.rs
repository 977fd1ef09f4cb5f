//! The two ends of a connection to the daemon: [`Incoming`] and [`Outgoing`].
//!
//! The runtime's own stream waits, all the time, for bytes and for room to write. Then the process is woken twice for each request: when
//! the daemon takes the request, and when it answers. On a busy machine the first takes the processor from the daemon for nothing. So
//! here bytes alone are waited for, and room only when there was none.

use std::io::{self, ErrorKind, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tokio::io::unix::AsyncFd;
use tokio::io::{AsyncRead, Interest, ReadBuf};

/// What the daemon writes.
#[derive(Debug)]
pub(crate) struct Incoming(AsyncFd<Arc<UnixStream>>);

/// What the daemon reads.
#[derive(Debug)]
pub(crate) struct Outgoing(Arc<UnixStream>);

/// The ends of a stream, in the context of the runtime that serves them.
pub(crate) fn ends(stream: tokio::net::UnixStream) -> io::Result<(Incoming, Outgoing)> {
    // It stays one that does not block.
    let stream = Arc::new(stream.into_std()?);
    let outgoing = Outgoing(stream.clone());
    Ok((Incoming(registered(stream, Interest::READABLE)?), outgoing))
}

#[expect(
    deprecated,
    reason = "sound for a descriptor that is owned; the replacement is an unsafe fn"
)]
fn registered(stream: Arc<UnixStream>, interest: Interest) -> io::Result<AsyncFd<Arc<UnixStream>>> {
    AsyncFd::with_interest(stream, interest)
}

impl AsyncRead for Incoming {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        loop {
            let mut readiness = ready!(self.0.poll_read_ready(cx))?;
            let space = buffer.initialize_unfilled();
            match readiness.get_inner().as_ref().read(space) {
                Ok(read) => {
                    // A read that gives less than there was space for has emptied the socket. The next one need not ask.
                    if (1..space.len()).contains(&read) {
                        readiness.clear_ready();
                    }
                    buffer.advance(read);
                    return Poll::Ready(Ok(()));
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => readiness.clear_ready(),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
    }
}

impl Outgoing {
    /// Writes all of that.
    pub async fn write_all(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            match self.0.as_ref().write(bytes) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(written) => bytes = &bytes[written..],
                Err(error) if error.kind() == ErrorKind::WouldBlock => self.room().await?,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Waits until the daemon has read something.
    async fn room(&self) -> io::Result<()> {
        // A descriptor of its own: the reactor knows each one once.
        let stream = Arc::new(self.0.try_clone()?);
        let descriptor = registered(stream, Interest::WRITABLE)?;
        descriptor.writable().await.map(drop)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    #[tokio::test]
    async fn more_than_the_socket_holds_is_written_and_read_whole() {
        let (ours, mut theirs) = tokio::net::UnixStream::pair().expect("a pair");
        let (mut incoming, mut outgoing) = ends(ours).expect("registered");
        let whole: Vec<u8> = (0..8_u32 << 20).map(|byte| byte.to_le_bytes()[0]).collect();
        let echo = async {
            let mut bytes = vec![0; whole.len()];
            theirs.read_exact(&mut bytes).await.expect("read");
            theirs.write_all(&bytes).await.expect("written");
            drop(theirs);
        };
        let mut back = Vec::new();
        let reading = async {
            outgoing.write_all(&whole).await.expect("written");
            incoming.read_to_end(&mut back).await.expect("read")
        };
        let (read, ()) = tokio::join!(reading, echo);
        assert_eq!(read, whole.len());
        assert!(back == whole);
        let error = outgoing.write_all(b"x").await.expect_err("no reader");
        assert_eq!(error.kind(), ErrorKind::BrokenPipe);
    }
}
