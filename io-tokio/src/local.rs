//! tokio's Unix sockets, which carry the links of [`Local`](crate::Local).

use std::io;
use std::os::unix::net;
use std::path::PathBuf;

use futures::stream::{StreamExt as _, unfold};
use sotto_io::{Incoming, Stream};
use tokio::net::{UnixListener, UnixStream};
use tokio_util::compat::{TokioAsyncReadCompatExt as _, TokioAsyncWriteCompatExt as _};

pub(crate) async fn connect(path: PathBuf) -> io::Result<Stream> {
    UnixStream::connect(path).await.map(stream)
}

pub(crate) fn accept(socket: net::UnixListener) -> io::Result<Incoming> {
    let incoming = unfold(UnixListener::from_std(socket)?, async |listener| {
        let accepted = listener.accept().await;
        Some((accepted.map(|(socket, _)| stream(socket)), listener))
    });
    Ok(incoming.boxed())
}

fn stream(socket: UnixStream) -> Stream {
    let (reader, writer) = socket.into_split();
    Stream::new(reader.compat(), writer.compat_write())
}
