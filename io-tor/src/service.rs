//! The onion service: launched from the identity's key, and everything that arrives at it, until its listener is dropped.
//!
//! A stranger can make us build a rendezvous circuit by asking for it, and can ask again. So only so many are built and
//! kept at once, of which the oldest that carry nothing give way; a circuit that carries nothing for long is closed, and one
//! on which something else is wanted than our one port is closed at once. (What arrives at that port is the node's to
//! bound.) arti's queue in front of us is bounded as well.

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
use sotto_core::OnionAddress;
use sotto_core::row::IdentityRow;
use sotto_io::Stream;
use tor_cell::relaycell::msg::Connected;
use tor_hscrypto::pk::HsIdKeypair;
use tor_hsservice::status::{OnionServiceStatus, OnionServiceStatusStream, Problem};
use tor_hsservice::{RendRequest, RunningOnionService, StreamRequest};
use tor_llcrypto::pk::ed25519;
use tor_proto::stream::IncomingStreamRequest;
use tor_rtcompat::{Runtime, SleepProviderExt as _, SpawnExt as _};
use zeroize::Zeroizing;

use crate::guests::{Guests, Stage};
use crate::probe::Knock;
use crate::{Limits, PORT};

/// Streams that have arrived and that nobody has taken yet.
const WAITING: usize = 16;

/// arti's default, and the least that it allows.
const INTRODUCTION_POINTS: u8 = 3;

/// Republishing adds introduction points up to here.
const MOST_INTRODUCTION_POINTS: u8 = 6;

/// One listening: from `Transport::listen` until the listener is dropped, through however many services and clients.
pub(crate) struct Door {
    pub address: OnionAddress,
    pub knock: Arc<Knock>,
    seed: Zeroizing<[u8; 32]>,
    streams: mpsc::Sender<Stream>,
    closed: Shared<oneshot::Receiver<Infallible>>,
}

/// The other side of a [`Door`].
pub(crate) struct Arrivals {
    pub streams: mpsc::Receiver<Stream>,
    /// Dropped, it closes the door.
    #[expect(dead_code, reason = "its end is what it is for")]
    open: oneshot::Sender<Infallible>,
}

impl Door {
    pub fn new(identity: &IdentityRow) -> (Self, Arrivals) {
        let (sender, streams) = mpsc::channel(WAITING);
        let (open, closed) = oneshot::channel();
        let door = Self {
            address: identity.address(),
            knock: Arc::default(),
            seed: Zeroizing::new(identity.onion_seed),
            streams: sender,
            closed: closed.shared(),
        };
        (door, Arrivals { streams, open })
    }

    fn keypair(&self) -> HsIdKeypair {
        HsIdKeypair::from(ed25519::ExpandedKeypair::from(&ed25519::Keypair::from_bytes(
            &self.seed,
        )))
    }
}

/// A service that runs; dropped, it is withdrawn, while what has arrived through it lives on.
pub(crate) struct Service {
    running: Arc<RunningOnionService>,
    nickname: String,
    introduction_points: u8,
    limits: Limits,
    pub statuses: OnionServiceStatusStream,
}

impl Service {
    /// `serial`: another one for each launch of a client's life. With a name of its own a service finds nothing of an
    /// earlier one's introduction points, in the folder or in the keystore.
    pub fn launch<R: Runtime>(
        client: &TorClient<R>,
        door: &Arc<Door>,
        limits: &Limits,
        serial: u32,
    ) -> Result<Self, String> {
        let nickname = format!("sotto{serial}");
        let config = configuration(&nickname, INTRODUCTION_POINTS, limits)?;
        let (running, requests) = client
            .launch_onion_service_with_hsid(config, door.keypair())
            .map_err(|error| error.to_string())?
            .ok_or("arti calls it disabled")?;
        let statuses = running.status_events();
        let serving = serve(client.runtime().clone(), limits.clone(), Arc::clone(door), requests);
        client.runtime().spawn(serving).map_err(|error| error.to_string())?;
        Ok(Self {
            running,
            nickname,
            introduction_points: INTRODUCTION_POINTS,
            limits: limits.clone(),
            statuses,
        })
    }

    /// Has a new descriptor published, by adding an introduction point to those that there are. False if there are
    /// enough.
    pub fn republish(&mut self) -> bool {
        if self.introduction_points >= MOST_INTRODUCTION_POINTS {
            return false;
        }
        self.introduction_points += 1;
        configuration(&self.nickname, self.introduction_points, &self.limits)
            .is_ok_and(|config| self.running.reconfigure(config, Reconfigure::AllOrNothing).is_ok())
    }
}

fn configuration(nickname: &str, introduction_points: u8, limits: &Limits) -> Result<OnionServiceConfig, String> {
    let mut config = OnionServiceConfigBuilder::default();
    config
        .nickname(nickname.parse().map_err(|_| "not a nickname")?)
        .num_intro_points(introduction_points)
        .max_concurrent_streams_per_circuit(limits.streams_per_circuit);
    config.build().map_err(|error| error.to_string())
}

/// What arti says is wrong with a service, if it says so.
pub(crate) fn trouble(status: &OnionServiceStatus) -> Option<String> {
    Some(match status.current_problem()? {
        Problem::Runtime(error) => error.to_string(),
        Problem::DescriptorUpload(_) => "the descriptor could not be uploaded everywhere".to_owned(),
        Problem::Ipt(_) => "introduction points cannot be established".to_owned(),
        other => format!("{other:?}"),
    })
}

/// Takes what arrives at one service; ends with the door, or when the service has ended and its circuits too.
async fn serve<R: Runtime>(
    runtime: R,
    limits: Limits,
    door: Arc<Door>,
    requests: impl futures::Stream<Item = RendRequest> + Send,
) {
    let closed = door.closed.clone();
    let serving = async move {
        let mut requests = pin!(requests.fuse());
        let mut guests = Guests::default();
        let mut stays = FuturesUnordered::new();
        let mut next = 0_u64;
        loop {
            let ended = requests.is_terminated();
            if ended && stays.is_empty() {
                return;
            }
            let mut request = if !ended && guests.have_room(&limits) {
                Either::Left(requests.next())
            } else {
                Either::Right(future::pending())
            }
            .fuse();
            select_biased! {
                id = stays.select_next_some() => guests.is_gone(id),
                request = request => {
                    if let Some(request) = request {
                        let (stage, leave) = guests.take_in(next, &limits);
                        let stay = host(&runtime, &limits, &door, request, stage);
                        stays.push(future::select(Box::pin(stay), leave).map(move |_| next));
                        next += 1;
                    }
                }
            }
        }
    };
    future::select(pin!(serving), closed).await;
}

/// Makes the rendezvous and takes the streams of its circuit, which is closed when this ends.
async fn host<R: Runtime>(runtime: &R, limits: &Limits, door: &Door, request: RendRequest, stage: Arc<Stage>) {
    let making = runtime.timeout(limits.rendezvous_wait, request.accept()).await;
    let Ok(Ok(mut requests)) = making else { return };
    stage.is_reached();
    loop {
        match runtime.timeout(limits.circuit_idle, requests.next()).await {
            Ok(Some(request)) => {
                if receive(door, request, &stage.streams).await.is_none() {
                    return;
                }
            }
            Ok(None) => return,
            Err(_) if !stage.carries() => return,
            Err(_) => {}
        }
    }
}

/// `None` if the circuit is to be closed.
async fn receive(door: &Door, request: StreamRequest, streams: &Arc<()>) -> Option<()> {
    let IncomingStreamRequest::Begin(begin) = request.request() else {
        return None;
    };
    match begin.port() {
        PORT => {
            let (reader, writer) = request.accept(Connected::new_empty()).await.ok()?.split();
            let stream = Stream::new(
                Carried(reader, Arc::clone(streams)),
                Carried(writer, Arc::clone(streams)),
            );
            door.streams.clone().send(stream).await.ok()
        }
        port if door.knock.came(port) => request.accept(Connected::new_empty()).await.ok().map(drop),
        _ => None,
    }
}

/// Half a stream that keeps its circuit from being called idle.
struct Carried<T>(T, #[expect(dead_code, reason = "counted")] Arc<()>);

impl<T: AsyncRead + Unpin> AsyncRead for Carried<T> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_read(cx, buffer)
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Carried<T> {
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
