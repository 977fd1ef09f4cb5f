//! One attempt to open a stream to an onion address, and its error as an [`io::Error`].

use std::io;

use arti_client::{DataStream, ErrorKind, HasKind as _, IsolationToken, StreamPrefs, TorClient};
use sotto_core::OnionAddress;
use tor_rtcompat::Runtime;

pub(crate) async fn connect<R: Runtime>(
    client: &TorClient<R>,
    peer: OnionAddress,
    port: u16,
    isolation: IsolationToken,
) -> Result<DataStream, arti_client::Error> {
    let mut prefs = StreamPrefs::new();
    prefs.set_isolation(isolation);
    client.connect_with_prefs((peer.to_string(), port), &prefs).await
}

/// arti's error in a few words that contain no address.
pub(crate) fn io_error(error: &arti_client::Error) -> io::Error {
    let kind = match error.kind() {
        ErrorKind::TorNetworkTimeout | ErrorKind::RemoteNetworkTimeout | ErrorKind::ExitTimeout => {
            io::ErrorKind::TimedOut
        }
        ErrorKind::RemoteConnectionRefused | ErrorKind::RemoteStreamClosed | ErrorKind::RemoteStreamReset => {
            io::ErrorKind::ConnectionRefused
        }
        ErrorKind::TorAccessFailed | ErrorKind::LocalNetworkError => io::ErrorKind::NetworkUnreachable,
        ErrorKind::BootstrapRequired | ErrorKind::DirectoryExpired => io::ErrorKind::NetworkDown,
        _ => io::ErrorKind::HostUnreachable,
    };
    io::Error::new(kind, error.kind().to_string())
}
