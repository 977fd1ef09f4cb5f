//! [`dial`] reaches a peer once Tor can be used, by more than one attempt.
//!
//! An attempt often fails for a reason of its own: a circuit that died without notice, a rendezvous point that the peer
//! cannot reach, introduction points from before a restart of the peer. arti waits long for each. So when an attempt gets no
//! answer, another one begins beside it and shares no circuit and no descriptor with it. An attempt that fails with what
//! arti remembers of the peer is repeated with nothing remembered. The first stream that opens is taken.

use std::io;
use std::pin::pin;
use std::sync::Arc;

use arti_client::{DataStream, IsolationToken, TorClient};
use futures::future::{Either, FutureExt as _, select};
use futures::select_biased;
use futures::stream::{FuturesUnordered, StreamExt as _};
use postage::watch;
use sotto_core::OnionAddress;
use sotto_io::{DialFuture, Stream};
use tor_rtcompat::{Runtime, SleepProvider as _, SleepProviderExt as _};

use crate::PORT;
use crate::circuit_isolation::TokenHistory;
use crate::onion_stream::{connect, io_error};
use crate::shared_state::{ClientState, SharedState};
use crate::tor_clock::TorRuntime;
use crate::watch_cell::wait_for;

/// Waits for Tor, then opens a stream. Each step has its timeout.
pub(crate) fn dial<R: Runtime>(shared: Arc<SharedState<R>>, peer: OnionAddress) -> DialFuture {
    Box::pin(async move {
        let mut client_changes = shared.client.changes();
        let client = ready_client(&shared, &mut client_changes).await?;
        match open_within_timeout(&shared, &client, client_changes, peer).await {
            Ok(stream) => {
                let (reader, writer) = stream.split();
                Ok(Stream::new(reader, writer))
            }
            Err(error) => {
                shared.isolation.forget(peer);
                Err(error)
            }
        }
    })
}

async fn ready_client<R: Runtime>(
    shared: &SharedState<R>,
    client_changes: &mut watch::Receiver<ClientState<R>>,
) -> io::Result<Arc<TorClient<TorRuntime<R>>>> {
    let ready = wait_for(client_changes, |client| match client {
        ClientState::Pending => None,
        ClientState::Ready(client) => Some(Some(client)),
        ClientState::Stopped => Some(None),
    });
    match shared.runtime.timeout(shared.limits.bootstrap_timeout, ready).await {
        Ok(Some(Some(client))) => Ok(client),
        Ok(_) => Err(network_down("Tor has been stopped")),
        Err(_) => Err(network_down("Tor is not ready")),
    }
}

async fn open_within_timeout<R: Runtime>(
    shared: &SharedState<R>,
    client: &Arc<TorClient<TorRuntime<R>>>,
    mut client_changes: watch::Receiver<ClientState<R>>,
    peer: OnionAddress,
) -> io::Result<DataStream> {
    let opening = shared
        .runtime
        .timeout(shared.limits.dial_timeout, open(shared, client, peer));
    // A client that is replaced cannot finish an attempt, and a dial must not keep it alive.
    let replaced = wait_for(&mut client_changes, |latest| {
        let same = matches!(latest, ClientState::Ready(latest) if Arc::ptr_eq(&latest, client));
        (!same).then_some(())
    });
    match select(Box::pin(opening), Box::pin(replaced)).await {
        Either::Left((opened, _)) => opened.unwrap_or_else(|_| {
            let text = "the peer did not answer in time";
            Err(io::Error::new(io::ErrorKind::TimedOut, text))
        }),
        Either::Right((Some(()), _)) => Err(network_down("the Tor client was replaced")),
        Either::Right((None, _)) => Err(network_down("Tor has been stopped")),
    }
}

/// Starts attempts until one succeeds, or the last one that is pending fails.
async fn open<R: Runtime>(
    shared: &SharedState<R>,
    client: &TorClient<TorRuntime<R>>,
    peer: OnionAddress,
) -> io::Result<DataStream> {
    let attempt = |token| connect(client, peer, PORT, token).map(move |result| (token, result));
    let known = shared.isolation.of(peer);
    let mut history = known.history;
    let mut attempts = FuturesUnordered::from_iter([attempt(known.token)]);
    let mut hedge = pin!(shared.runtime.sleep(shared.limits.hedge_delay).fuse());
    loop {
        select_biased! {
            (token, result) = attempts.select_next_some() => match result {
                Ok(stream) => {
                    shared.isolation.keep(peer, token);
                    return Ok(stream);
                }
                Err(_) if history == TokenHistory::Used && token == known.token => {
                    history = TokenHistory::Fresh;
                    attempts.push(attempt(IsolationToken::new()));
                }
                Err(error) if attempts.is_empty() => return Err(io_error(&error)),
                Err(_) => {}
            },
            () = hedge => {
                attempts.push(attempt(IsolationToken::new()));
                hedge.set(shared.runtime.sleep(shared.limits.hedge_delay).fuse());
            }
        }
    }
}

/// An error that says nothing about the peer.
fn network_down(text: &str) -> io::Error {
    io::Error::new(io::ErrorKind::NetworkDown, text)
}
