//! A look at the very bytes that cross a stream, in both directions, so that a test or a demonstration can show that
//! nothing readable is among them.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use futures::io::{AsyncRead, AsyncWrite};

use crate::Stream;

/// Called with all bytes that a node writes to or reads from its sockets, as they pass. It must be quick.
#[derive(Clone)]
pub struct Wiretap(Arc<Observer>);

type Observer = dyn Fn(&[u8]) + Send + Sync;

impl Wiretap {
    /// Calls `observer`.
    pub fn new(observer: impl Fn(&[u8]) + Send + Sync + 'static) -> Self {
        Self(Arc::new(observer))
    }

    /// The same stream, with this listening in.
    pub fn tap(&self, Stream { reader, writer }: Stream) -> Stream {
        Stream::new(
            Tapped {
                half: reader,
                wiretap: self.clone(),
            },
            Tapped {
                half: writer,
                wiretap: self.clone(),
            },
        )
    }
}

impl fmt::Debug for Wiretap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Wiretap")
    }
}

/// One half of a stream, and who listens in.
struct Tapped<T> {
    half: T,
    wiretap: Wiretap,
}

impl<T: AsyncRead + Unpin> AsyncRead for Tapped<T> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &mut [u8]) -> Poll<io::Result<usize>> {
        let read = ready!(Pin::new(&mut self.half).poll_read(cx, bytes))?;
        self.wiretap.0(&bytes[..read]);
        Poll::Ready(Ok(read))
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Tapped<T> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.half).poll_write(cx, bytes))?;
        self.wiretap.0(&bytes[..written]);
        Poll::Ready(Ok(written))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.half).poll_flush(cx)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.half).poll_close(cx)
    }
}
