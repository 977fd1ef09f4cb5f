//! Reaching a peer: when Tor can be used, and with a second try where what is remembered of the peer may be stale.

use std::io;
use std::sync::Arc;

use arti_client::{DataStream, TorClient};
use futures::future::{Either, select};
use sotto_core::OnionAddress;
use sotto_io::{Dialling, Stream};
use tor_rtcompat::{Runtime, SleepProviderExt as _};

use crate::PORT;
use crate::shared::{Client, Shared};
use crate::stream::{connect, plain};
use crate::watched::wait_for;

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

fn closed() -> io::Error {
    io::Error::new(io::ErrorKind::NotConnected, "Tor has been stopped")
}
