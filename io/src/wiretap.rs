//! [`Wiretap`] observes the raw bytes of a stream in both directions, so that a test or a demonstration can show that they
//! are unreadable.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use futures::io::{AsyncRead, AsyncWrite};

use crate::Stream;

/// An observer of every byte that a node writes to its sockets or reads from them, in the order in which they pass.
#[derive(Clone)]
pub struct Wiretap(Arc<Observer>);

type Observer = dyn Fn(&[u8]) + Send + Sync;

impl Wiretap {
    /// Calls `observer` with each chunk, on the node's task: it must be quick.
    pub fn new(observer: impl Fn(&[u8]) + Send + Sync + 'static) -> Self {
        Self(Arc::new(observer))
    }

    /// The same stream, observed.
    pub fn tap(&self, stream: Stream) -> Stream {
        let circuit = stream.circuit;
        let tapped = Stream::new(
            TappedHalf {
                half: stream.reader,
                wiretap: self.clone(),
            },
            TappedHalf {
                half: stream.writer,
                wiretap: self.clone(),
            },
        );
        Stream { circuit, ..tapped }
    }
}

impl fmt::Debug for Wiretap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Wiretap")
    }
}

/// One half of a stream, with its observer.
struct TappedHalf<T> {
    half: T,
    wiretap: Wiretap,
}

impl<T: AsyncRead + Unpin> AsyncRead for TappedHalf<T> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &mut [u8]) -> Poll<io::Result<usize>> {
        let read = ready!(Pin::new(&mut self.half).poll_read(cx, bytes))?;
        self.wiretap.0(&bytes[..read]);
        Poll::Ready(Ok(read))
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for TappedHalf<T> {
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
