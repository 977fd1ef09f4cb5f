//! Reaching a peer: when Tor can be used, and by more than one try.
//!
//! What a try hangs on is often its own: a circuit that died in silence, a rendezvous point that the peer cannot reach,
//! introduction points that the peer had before it was restarted. arti waits long for each. So a dial that is not answered
//! begins another try beside the first, which shares nothing with it; and one that fails with what is remembered of the
//! peer is begun again with nothing. The first stream that comes is taken.

use std::io;
use std::pin::pin;
use std::sync::Arc;

use arti_client::{DataStream, IsolationToken, TorClient};
use futures::future::{Either, FutureExt as _, select};
use futures::select_biased;
use futures::stream::{FuturesUnordered, StreamExt as _};
use sotto_core::OnionAddress;
use sotto_io::{DialFuture, Stream};
use tor_rtcompat::{Runtime, SleepProviderExt as _};

use crate::PORT;
use crate::shared::{Client, Shared};
use crate::stream::{connect, plain};
use crate::watched::wait_for;

/// Waits for Tor, then opens a stream; both within their limits.
pub(crate) fn dial<R: Runtime>(shared: Arc<Shared<R>>, peer: OnionAddress) -> DialFuture {
    Box::pin(async move {
        let mut clients = shared.clients.changes();
        let ready = wait_for(&mut clients, |client| match client {
            Client::Awaited => None,
            Client::Ready(client) => Some(Some(client)),
            Client::Stopped => Some(None),
        });
        let client = match shared.runtime.timeout(shared.limits.bootstrap_wait, ready).await {
            Ok(Some(Some(client))) => client,
            Ok(_) => return Err(no_network("Tor has been stopped")),
            Err(_) => return Err(no_network("Tor is not ready")),
        };
        let opening = shared.runtime.timeout(shared.limits.dial, open(&shared, &client, peer));
        // A client that is replaced cannot finish anything, and must not be kept alive by us.
        let replaced = wait_for(&mut clients, |latest| {
            let same = matches!(latest, Client::Ready(latest) if Arc::ptr_eq(&latest, &client));
            (!same).then_some(())
        });
        let opened = match select(Box::pin(opening), Box::pin(replaced)).await {
            Either::Left((opened, _)) => opened.unwrap_or_else(|_| {
                Err(io::Error::new(
                    io::ErrorKind::TimedOut,
                    "the peer did not answer in time",
                ))
            }),
            Either::Right((Some(()), _)) => Err(no_network("the Tor client was started anew")),
            Either::Right((None, _)) => Err(no_network("Tor has been stopped")),
        };
        match opened {
            Ok(stream) => {
                let (reader, writer) = stream.split();
                Ok(Stream::new(reader, writer))
            }
            Err(error) => {
                shared.contacts.forget(peer);
                Err(error)
            }
        }
    })
}

/// Try after try, until one succeeds, or the only one fails.
async fn open<R: Runtime>(shared: &Shared<R>, client: &TorClient<R>, peer: OnionAddress) -> io::Result<DataStream> {
    let begin = |token| connect(client, peer, PORT, token).map(move |result| (token, result));
    let known = shared.contacts.of(peer);
    let mut remembered = known.used;
    let mut tries = FuturesUnordered::from_iter([begin(known.token)]);
    let mut pause = pin!(shared.runtime.sleep(shared.limits.hedge).fuse());
    loop {
        select_biased! {
            (token, result) = tries.select_next_some() => match result {
                Ok(stream) => {
                    shared.contacts.keep(peer, token);
                    return Ok(stream);
                }
                Err(_) if remembered && token == known.token => {
                    remembered = false;
                    tries.push(begin(IsolationToken::new()));
                }
                Err(error) if tries.is_empty() => return Err(plain(&error)),
                Err(_) => {}
            },
            () = pause => {
                tries.push(begin(IsolationToken::new()));
                pause.set(shared.runtime.sleep(shared.limits.hedge).fuse());
            }
        }
    }
}

/// Of the peer this says nothing.
fn no_network(text: &str) -> io::Error {
    io::Error::new(io::ErrorKind::NetworkDown, text)
}
