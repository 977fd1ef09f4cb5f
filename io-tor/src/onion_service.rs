//! [`OnionService`], launched from the identity's key, and the streams that arrive at it until its [`OnionListener`] is
//! dropped.
//!
//! Any client can make us build a rendezvous circuit, and can ask again. So a [`CircuitLimiter`] bounds the circuits that
//! exist and that are being built. A circuit that stays idle is closed. A circuit on which anything but our one port is
//! requested is closed at once. (The node itself bounds the streams that arrive at that port, and is told which of them share
//! a circuit: [`CircuitId`].) arti's queue in front of us is bounded as well.
//!
//! Each circuit costs a client little, so a flood over many circuits would be made dear by the proof of work of onion services
//! (proposal 327; arti's feature `hs-pow-full`). It is not switched on. Its licence would allow it: the crates that it adds,
//! `equix` and `hashx`, are LGPL-3.0-only, which AGPL-3.0-only may link. But arti calls the feature experimental, the puzzle's
//! verifier is a compiler that makes executable memory at run time, and every dialer without the feature would be the last in
//! the queue of a service under attack.

use std::convert::Infallible;
use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};

use arti_client::TorClient;
use arti_client::config::Reconfigure;
use arti_client::config::onion_service::{OnionServiceConfig, OnionServiceConfigBuilder};
use futures::channel::{mpsc, oneshot};
use futures::future::{self, Either, FutureExt as _, Shared};
use futures::io::{AsyncRead, AsyncWrite};
use futures::stream::{FusedStream as _, FuturesUnordered, StreamExt as _};
use futures::{SinkExt as _, select_biased};
use sotto_core::row::IdentityRow;
use sotto_core::{CircuitId, OnionAddress};
use sotto_io::Stream;
use tor_cell::relaycell::msg::Connected;
use tor_hscrypto::pk::HsIdKeypair;
use tor_hsservice::status::{OnionServiceStatus, OnionServiceStatusStream, Problem};
use tor_hsservice::{RendRequest, RunningOnionService, StreamRequest};
use tor_llcrypto::pk::ed25519;
use tor_proto::stream::IncomingStreamRequest;
use tor_rtcompat::{Runtime, SleepProviderExt as _, SpawnExt as _};
use zeroize::Zeroizing;

use crate::circuit_limiter::{CircuitLimiter, CircuitUsage};
use crate::self_probe::SelfProbe;
use crate::{PORT, TorLimits};

/// Streams that have arrived and that the driver has not taken yet.
const BACKLOG: usize = 16;

/// arti's default, and its minimum.
const INTRODUCTION_POINTS: u8 = 3;

/// Each republishing adds an introduction point, up to this number.
const MAX_INTRODUCTION_POINTS: u8 = 6;

/// An open listener: exists from `Transport::listen` until the driver drops its end, across services and clients.
pub(crate) struct OnionListener {
    pub address: OnionAddress,
    pub self_probe: Arc<SelfProbe>,
    seed: Zeroizing<[u8; 32]>,
    streams: mpsc::Sender<Stream>,
    closed: Shared<oneshot::Receiver<Infallible>>,
}

/// The driver's end of an [`OnionListener`].
pub(crate) struct IncomingStreams {
    pub streams: mpsc::Receiver<Stream>,
    /// Dropped, it closes the listener.
    #[expect(dead_code, reason = "its drop is its use")]
    keep_open: oneshot::Sender<Infallible>,
}

impl OnionListener {
    pub fn new(identity: &IdentityRow) -> (Self, IncomingStreams) {
        let (stream_sender, streams) = mpsc::channel(BACKLOG);
        let (keep_open, closed) = oneshot::channel();
        let listener = Self {
            address: identity.address(),
            self_probe: Arc::default(),
            seed: Zeroizing::new(identity.onion_seed),
            streams: stream_sender,
            closed: closed.shared(),
        };
        (listener, IncomingStreams { streams, keep_open })
    }

    fn keypair(&self) -> HsIdKeypair {
        let keypair = ed25519::Keypair::from_bytes(&self.seed);
        HsIdKeypair::from(ed25519::ExpandedKeypair::from(&keypair))
    }
}

/// A running service. Dropping it withdraws the service; streams that arrived through it stay open.
pub(crate) struct OnionService {
    running: Arc<RunningOnionService>,
    nickname: String,
    introduction_points: u8,
    limits: TorLimits,
    pub statuses: OnionServiceStatusStream,
}

impl OnionService {
    /// `serial` differs for each launch by one client. It becomes part of arti's name for the service, so that a service
    /// finds no introduction points of an earlier one in the folder or in the keystore.
    pub fn launch<R: Runtime>(
        client: &TorClient<R>,
        listener: &Arc<OnionListener>,
        limits: &TorLimits,
        serial: u32,
    ) -> Result<Self, String> {
        let nickname = format!("sotto{serial}");
        let config = configuration(&nickname, INTRODUCTION_POINTS, limits)?;
        let (running, requests) = client
            .launch_onion_service_with_hsid(config, listener.keypair())
            .map_err(|error| error.to_string())?
            .ok_or("arti calls it disabled")?;
        let statuses = running.status_events();
        let serving = serve(client.runtime().clone(), limits.clone(), Arc::clone(listener), requests);
        client.runtime().spawn(serving).map_err(|error| error.to_string())?;
        Ok(Self {
            running,
            nickname,
            introduction_points: INTRODUCTION_POINTS,
            limits: limits.clone(),
            statuses,
        })
    }

    /// Makes arti publish a new descriptor, by adding an introduction point. An error if there are too many already, or if
    /// arti refuses.
    pub fn republish(&mut self) -> Result<(), String> {
        if self.introduction_points >= MAX_INTRODUCTION_POINTS {
            return Err("there are enough introduction points".to_owned());
        }
        self.introduction_points += 1;
        let config = configuration(&self.nickname, self.introduction_points, &self.limits)?;
        let reconfigured = self.running.reconfigure(config, Reconfigure::AllOrNothing);
        reconfigured.map_err(|error| error.to_string())
    }
}

fn configuration(nickname: &str, introduction_points: u8, limits: &TorLimits) -> Result<OnionServiceConfig, String> {
    let mut config = OnionServiceConfigBuilder::default();
    config
        .nickname(nickname.parse().map_err(|_| "not a nickname")?)
        .num_intro_points(introduction_points)
        .max_concurrent_streams_per_circuit(limits.streams_per_circuit);
    config.build().map_err(|error| error.to_string())
}

/// The problem that arti reports of a service, if it reports one.
pub(crate) fn reported_problem(status: &OnionServiceStatus) -> Option<String> {
    Some(match status.current_problem()? {
        Problem::Runtime(error) => error.to_string(),
        Problem::DescriptorUpload(_) => "the descriptor could not be uploaded to every directory".to_owned(),
        Problem::Ipt(_) => "introduction points cannot be established".to_owned(),
        other => format!("{other:?}"),
    })
}

/// Serves the circuits of one service. Ends with the listener, or when the service and all its circuits have ended.
async fn serve<R: Runtime>(
    runtime: R,
    limits: TorLimits,
    listener: Arc<OnionListener>,
    requests: impl futures::Stream<Item = RendRequest> + Send,
) {
    let closed = listener.closed.clone();
    let serving = async move {
        let mut requests = pin!(requests.fuse());
        let mut limiter = CircuitLimiter::default();
        let mut circuits = FuturesUnordered::new();
        let mut next_id = 0_u64;
        while !(requests.is_terminated() && circuits.is_empty()) {
            let mut request = if !requests.is_terminated() && limiter.has_capacity(&limits) {
                Either::Left(requests.next())
            } else {
                Either::Right(future::pending())
            }
            .fuse();
            select_biased! {
                id = circuits.select_next_some() => limiter.release(id),
                request = request => {
                    if let Some(request) = request {
                        let id = next_id;
                        next_id += 1;
                        let (usage, displaced) = limiter.admit(id, &limits);
                        let circuit = serve_circuit(&runtime, &limits, &listener, request, (CircuitId(id), usage));
                        circuits.push(future::select(Box::pin(circuit), displaced).map(move |_| id));
                    }
                }
            }
        }
    };
    future::select(pin!(serving), closed).await;
}

/// Builds the rendezvous circuit and accepts its streams. The circuit is closed when this ends.
async fn serve_circuit<R: Runtime>(
    runtime: &R,
    limits: &TorLimits,
    listener: &OnionListener,
    request: RendRequest,
    (id, usage): (CircuitId, Arc<CircuitUsage>),
) {
    let rendezvous = runtime.timeout(limits.rendezvous_timeout, request.accept()).await;
    let Ok(Ok(mut requests)) = rendezvous else { return };
    usage.set_established();
    loop {
        match runtime.timeout(limits.circuit_idle_timeout, requests.next()).await {
            Ok(Some(request)) => {
                if accept(listener, request, id, &usage.streams).await.is_none() {
                    return;
                }
            }
            Ok(None) => return,
            Err(_) if !usage.has_streams() => return,
            Err(_) => {}
        }
    }
}

/// `None` if the circuit is to be closed.
async fn accept(listener: &OnionListener, request: StreamRequest, circuit: CircuitId, streams: &Arc<()>) -> Option<()> {
    let IncomingStreamRequest::Begin(begin) = request.request() else {
        return None;
    };
    match begin.port() {
        PORT => {
            listener.self_probe.link_arrived();
            let (reader, writer) = request.accept(Connected::new_empty()).await.ok()?.split();
            let stream = Stream::new(
                CountedHalf(reader, Arc::clone(streams)),
                CountedHalf(writer, Arc::clone(streams)),
            );
            listener.streams.clone().send(stream.on(circuit)).await.ok()
        }
        port if listener.self_probe.arrive(port) => request.accept(Connected::new_empty()).await.ok().map(drop),
        _ => None,
    }
}

/// One half of a stream. While it lives, its circuit counts as used.
struct CountedHalf<T>(T, #[expect(dead_code, reason = "the clones are counted")] Arc<()>);

impl<T: AsyncRead + Unpin> AsyncRead for CountedHalf<T> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_read(cx, buffer)
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for CountedHalf<T> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_close(cx)
    }
}
