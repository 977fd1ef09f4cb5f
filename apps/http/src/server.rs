//! [`run`]: HTTP/1.1 on one listener. Connections, headers, bodies and the time that each may take are bounded, so that no
//! client can use up the daemon or keep others out.

use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::header::HeaderMap;
use hyper::http::request::Parts;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::request::{Body, Refused, check_source, empty, json_text, refusal};

/// Connections at the same time; the next one is told that the server is busy.
const CONNECTIONS: usize = 128;

/// How long a client may take for the head of a request, and how long a connection may be idle.
const HEAD: Duration = Duration::from_secs(5);

/// Bytes of a request's head, and of what is read ahead of it.
const BUFFER: usize = 64 << 10;

/// Rest after the operating system refused to accept (out of descriptors, mostly).
const REFUSED: Duration = Duration::from_secs(1);

const BUSY: &[u8] =
    b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 1\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";

/// Ends the connection whose request holds it: for a client that does not read.
#[derive(Clone, Debug, Default)]
pub(crate) struct Disconnect(Arc<Notify>);

impl Disconnect {
    /// Ends the connection.
    pub fn now(&self) {
        self.0.notify_one();
    }

    /// Resolves when it is to end.
    pub async fn requested(&self) {
        self.0.notified().await;
    }
}

/// What answers the requests of a listener. No web page of another origin has made them.
pub(crate) trait Endpoint: Send + Sync + 'static {
    /// Requests under way at the same time, streams of events among them: fewer than the daemon's clients, so that there is
    /// room for the clients of its socket.
    const REQUESTS: usize;

    /// On whose behalf a request is carried out, found out before its body is read.
    type Client: Send;

    /// Takes a request, or refuses it, by its headers.
    fn admit(&self, headers: &HeaderMap) -> impl Future<Output = Result<Self::Client, Refused>> + Send;

    /// Answers `POST /api/v1/rpc` with that body.
    fn rpc(&self, client: Self::Client, text: String) -> impl Future<Output = Result<Response<Body>, Refused>> + Send;

    /// Answers `GET /api/v1/events`.
    fn events(&self, request: EventsRequest) -> impl Future<Output = Result<Response<Body>, Refused>> + Send;
}

/// A request for a stream of events.
pub(crate) struct EventsRequest {
    /// Its headers and its query.
    pub head: Parts,
    /// Ends its connection.
    pub disconnect: Disconnect,
    /// Its place among the requests, as long as the stream lasts.
    pub place: OwnedSemaphorePermit,
}

/// Serves an endpoint until it is dropped.
pub(crate) async fn run<E: Endpoint>(listener: TcpListener, endpoint: E) {
    let served = Arc::new(Listener {
        endpoint,
        places: Arc::new(Semaphore::new(E::REQUESTS)),
    });
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    let mut connections = JoinSet::new();
    loop {
        while connections.try_join_next().is_some() {}
        match listener.accept().await {
            Ok((stream, _)) => {
                let Ok(place) = places.clone().try_acquire_owned() else {
                    turn_away(stream).await;
                    continue;
                };
                if let Ok(address) = stream.local_addr() {
                    connections.spawn(serve(stream, address, served.clone(), place));
                }
            }
            Err(error) => {
                tracing::warn!(%error, "cannot accept an HTTP client");
                sleep(REFUSED).await;
            }
        }
    }
}

/// Says that all places are taken. The socket's buffer is empty, so the answer fits in it.
async fn turn_away(mut stream: TcpStream) {
    // A client that has gone needs no answer.
    let _ = stream.write_all(BUSY).await;
}

async fn serve<E: Endpoint>(
    stream: TcpStream,
    address: SocketAddr,
    listener: Arc<Listener<E>>,
    _place: OwnedSemaphorePermit,
) {
    let disconnect = Disconnect::default();
    let answer = |request: Request<Incoming>| {
        let (listener, disconnect) = (listener.clone(), disconnect.clone());
        async move {
            let answered = listener.respond(request, address, disconnect).await;
            Ok::<_, Infallible>(answered.unwrap_or_else(|refused| *refused.0))
        }
    };
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD)
        .max_buf_size(BUFFER)
        .serve_connection(TokioIo::new(stream), service_fn(answer));
    tokio::select! {
        // Its errors are those of a client that went away or does not speak HTTP.
        _ = connection => {}
        () = disconnect.requested() => {}
    }
}

struct Listener<E> {
    endpoint: E,
    places: Arc<Semaphore>,
}

impl<E: Endpoint> Listener<E> {
    async fn respond(
        &self,
        request: Request<Incoming>,
        address: SocketAddr,
        disconnect: Disconnect,
    ) -> Result<Response<Body>, Refused> {
        check_source(request.headers(), address)?;
        let (head, body) = request.into_parts();
        match (&head.method, head.uri.path()) {
            (&Method::GET | &Method::HEAD, "/api/v1/check") => Ok(empty(StatusCode::OK)),
            (&Method::POST, "/api/v1/rpc") => {
                drop(self.endpoint.admit(&head.headers).await?);
                // A client that sends its body slowly holds a connection, and no place.
                let text = json_text(&head.headers, body).await?;
                let _place = self.place()?;
                let client = self.endpoint.admit(&head.headers).await?;
                self.endpoint.rpc(client, text).await
            }
            (&Method::GET, "/api/v1/events") => {
                let place = self.place()?;
                let request = EventsRequest {
                    head,
                    disconnect,
                    place,
                };
                self.endpoint.events(request).await
            }
            (_, "/api/v1/check" | "/api/v1/rpc" | "/api/v1/events") => Err(refusal(
                StatusCode::METHOD_NOT_ALLOWED,
                "rpc takes POST, events and check take GET",
            )),
            _ => Err(refusal(
                StatusCode::NOT_FOUND,
                "the paths are /api/v1/rpc, /api/v1/events and /api/v1/check",
            )),
        }
    }

    fn place(&self) -> Result<OwnedSemaphorePermit, Refused> {
        let busy = |_| refusal(StatusCode::SERVICE_UNAVAILABLE, "too many requests are under way");
        self.places.clone().try_acquire_owned().map_err(busy)
    }
}
