//! One try to open a stream to an onion address, and what is said if it fails.

use std::io;

use arti_client::{DataStream, ErrorKind, HasKind as _, IsolationToken, StreamPrefs, TorClient};
use sotto_core::OnionAddress;
use tor_rtcompat::Runtime;

/// One try.
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

/// What arti says, in a few words that hold no address.
pub(crate) fn plain(error: &arti_client::Error) -> io::Error {
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
