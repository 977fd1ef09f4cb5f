//! Opening a stream to a peer. What is opened to one contact shares no circuit with what is opened to another.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use arti_client::{DataStream, ErrorKind, HasKind as _, IsolationToken, StreamPrefs, TorClient};
use futures::future::{Either, select};
use sotto_core::OnionAddress;
use sotto_io::{Dialling, Stream};
use tor_rtcompat::{Runtime, SleepProviderExt as _};

use crate::PORT;
use crate::client::{Client, Shared};
use crate::watched::wait_for;

/// Whose streams may share circuits.
#[derive(Default)]
pub(crate) struct Contacts(Mutex<BTreeMap<OnionAddress, Contact>>);

#[derive(Clone, Copy)]
struct Contact {
    token: IsolationToken,
    /// Something was opened with this token, so that circuits and a descriptor are remembered with it.
    used: bool,
}

impl Contacts {
    fn of(&self, peer: OnionAddress) -> Contact {
        *self.lock().entry(peer).or_insert_with(Contact::new)
    }

    fn used(&self, peer: OnionAddress, token: IsolationToken) {
        let mut contacts = self.lock();
        if let Some(contact) = contacts.get_mut(&peer).filter(|contact| contact.token == token) {
            contact.used = true;
        }
    }

    /// What is remembered with a token may be the very trouble: a circuit that died in silence, or the introduction
    /// points that the peer had before it was restarted, which arti would go on trying for hours.
    fn forget(&self, peer: OnionAddress, token: IsolationToken) {
        let mut contacts = self.lock();
        if let Some(contact) = contacts.get_mut(&peer).filter(|contact| contact.token == token) {
            *contact = Contact::new();
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<OnionAddress, Contact>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Contact {
    fn new() -> Self {
        Self {
            token: IsolationToken::new(),
            used: false,
        }
    }
}

/// Waits for Tor, then opens a stream; both within their limits.
pub(crate) fn dial<R: Runtime>(shared: Arc<Shared<R>>, peer: OnionAddress) -> Dialling {
    Box::pin(async move {
        let mut clients = shared.clients.changes();
        let ready = wait_for(&mut clients, |client| match client {
            Client::Awaited => None,
            Client::Ready(client) => Some(Some(client)),
            Client::Stopped => Some(None),
        });
        let client = match shared.runtime.timeout(shared.limits.bootstrap_wait, ready).await {
            Ok(Some(Some(client))) => client,
            Ok(_) => return Err(closed()),
            Err(_) => return Err(io::Error::new(io::ErrorKind::TimedOut, "Tor is not ready")),
        };
        let opening = shared.runtime.timeout(shared.limits.dial, open(&shared, &client, peer));
        // A client that is replaced cannot finish anything, and must not be kept alive by us.
        let replaced = wait_for(&mut clients, |latest| {
            let same = matches!(latest, Client::Ready(latest) if Arc::ptr_eq(&latest, &client));
            (!same).then_some(())
        });
        match select(Box::pin(opening), Box::pin(replaced)).await {
            Either::Left((Ok(Ok(stream)), _)) => {
                let (reader, writer) = stream.split();
                Ok(Stream::new(reader, writer))
            }
            Either::Left((Ok(Err(error)), _)) => Err(error),
            Either::Left((Err(_), _)) => Err(io::Error::new(
                io::ErrorKind::TimedOut,
                "the peer did not answer in time",
            )),
            Either::Right((Some(()), _)) => Err(io::Error::new(
                io::ErrorKind::ConnectionAborted,
                "the Tor client was started anew",
            )),
            Either::Right((None, _)) => Err(closed()),
        }
    })
}

async fn open<R: Runtime>(shared: &Shared<R>, client: &TorClient<R>, peer: OnionAddress) -> io::Result<DataStream> {
    let contact = shared.contacts.of(peer);
    let mut result = connect(client, peer, PORT, contact.token).await;
    if result.is_err() && contact.used {
        shared.contacts.forget(peer, contact.token);
        let fresh = shared.contacts.of(peer);
        result = connect(client, peer, PORT, fresh.token).await;
    }
    let token = shared.contacts.of(peer).token;
    match result {
        Ok(stream) => {
            shared.contacts.used(peer, token);
            Ok(stream)
        }
        Err(error) => {
            shared.contacts.forget(peer, token);
            Err(plain(&error))
        }
    }
}

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
        _ => io::ErrorKind::HostUnreachable,
    };
    io::Error::new(kind, error.kind().to_string())
}

fn closed() -> io::Error {
    io::Error::new(io::ErrorKind::NotConnected, "Tor has been stopped")
}

#[cfg(test)]
mod tests {
    use sotto_core::OnionSecret;

    use super::*;

    #[test]
    fn contacts_share_nothing_and_what_failed_is_forgotten() {
        let [ada, bob] = [1, 2].map(|seed| OnionSecret::from_seed(&[seed; 32]).address());
        let contacts = Contacts::default();
        let first = contacts.of(ada);
        assert!(first.token != contacts.of(bob).token);
        assert!(first.token == contacts.of(ada).token);
        assert!(!first.used);

        contacts.used(ada, first.token);
        assert!(contacts.of(ada).used);
        contacts.forget(ada, first.token);
        let second = contacts.of(ada);
        assert!(second.token != first.token && !second.used);
        // Two dials at once fail one after the other: what the first has renewed stays.
        contacts.forget(ada, first.token);
        contacts.used(ada, first.token);
        assert!(contacts.of(ada).token == second.token && !contacts.of(ada).used);
    }
}
