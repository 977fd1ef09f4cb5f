//! smol's Unix sockets, which carry the links of [`Local`](crate::Local).

use std::io;
use std::os::unix::net;
use std::path::PathBuf;

use futures::stream::{StreamExt as _, unfold};
use smol::net::unix::{UnixListener, UnixStream};
use sotto_io::{Incoming, Stream};

pub(crate) async fn connect(path: PathBuf) -> io::Result<Stream> {
    UnixStream::connect(path).await.map(stream)
}

pub(crate) fn accept(socket: net::UnixListener) -> io::Result<Incoming> {
    let incoming = unfold(UnixListener::try_from(socket)?, async |listener| {
        let accepted = listener.accept().await;
        Some((accepted.map(|(socket, _)| stream(socket)), listener))
    });
    Ok(incoming.boxed())
}

fn stream(socket: UnixStream) -> Stream {
    Stream::new(socket.clone(), socket)
}
