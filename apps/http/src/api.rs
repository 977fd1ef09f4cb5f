//! [`serve_api`]: the API over HTTP. `POST /api/v1/rpc` takes a request or a batch of JSON-RPC 2.0, `GET /api/v1/events` is the
//! event log as server-sent events, `GET /api/v1/check` says that the server runs.

use std::path::PathBuf;

use hyper::header::{AUTHORIZATION, HeaderMap, HeaderValue, WWW_AUTHENTICATE};
use hyper::{Response, StatusCode};
use serde_json::Value;
use sotto_api::rpc::{self, Incoming, JsonLine};
use sotto_api::{Error, Kind, Secret};
use sotto_client::Client;
use tokio::net::TcpListener;

use super::event_stream::{self, LAST_EVENT_ID};
use super::request::{Body, Refused, empty, json_response, query, refusal};
use super::server::{Endpoint, EventsRequest, run};

/// The name of this surface in a session.
const SURFACE: &str = "http";

/// Serves the API at a loopback address until it is dropped. Each request needs `Authorization: Bearer` with an agent's
/// token.
pub async fn serve_api(listener: TcpListener, socket: PathBuf) {
    run(listener, Api { socket }).await;
}

struct Api {
    socket: PathBuf,
}

impl Endpoint for Api {
    const REQUESTS: usize = 32;

    type Client = Client;

    async fn admit(&self, headers: &HeaderMap) -> Result<Client, Refused> {
        self.session(headers).await
    }

    async fn rpc(&self, mut client: Client, text: String) -> Result<Response<Body>, Refused> {
        let answered = match rpc::parse(&text) {
            Incoming::One(Err(response)) => return Ok(json_response(StatusCode::OK, line(&response))),
            Incoming::One(Ok(request)) => {
                if let Some(why) = needs_a_connection(&request) {
                    let response = rpc::Response::new(request.id.unwrap_or_default(), Err(why));
                    return Ok(json_response(StatusCode::OK, line(&response)));
                }
                request.id.is_some()
            }
            Incoming::Batch(requests) => {
                if let Some(why) = requests.iter().flatten().find_map(needs_a_connection) {
                    return Ok(json_response(StatusCode::OK, line(&rpc::Response::nameless(why))));
                }
                requests
                    .iter()
                    .any(|request| request.as_ref().map_or(true, |request| request.id.is_some()))
            }
        };
        // A line ends a request, and between the values of JSON a line's end is a blank.
        let text = text.replace(['\n', '\r'], " ");
        match client.forward(&text, answered).await {
            Ok(Some(answer)) => Ok(json_response(StatusCode::OK, answer)),
            Ok(None) => Ok(empty(StatusCode::NO_CONTENT)),
            Err(error) => Err(unavailable(error)),
        }
    }

    async fn events(&self, request: EventsRequest) -> Result<Response<Body>, Refused> {
        let EventsRequest {
            head,
            disconnect,
            place,
        } = request;
        let client = self.session(&head.headers).await?;
        let asked = head.uri.query();
        let last = head
            .headers
            .get(LAST_EVENT_ID)
            .map(|last| last.to_str().unwrap_or_default().to_owned());
        let since = last
            .or_else(|| query(asked, "since"))
            .map(|seq| seq.parse())
            .transpose();
        let since = since.map_err(|_| {
            refusal(
                StatusCode::BAD_REQUEST,
                "Last-Event-ID and since are the number of an event",
            )
        })?;
        event_stream::start(client, query(asked, "consumer"), since, disconnect, place)
            .await
            .map_err(unavailable)
    }
}

impl Api {
    /// A connection to the daemon with the rights of the request's token.
    async fn session(&self, headers: &HeaderMap) -> Result<Client, Refused> {
        let bearer = headers
            .get(AUTHORIZATION)
            .and_then(|given| given.to_str().ok())
            .and_then(|given| given.split_once(' '))
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
        let Some((_, token)) = bearer else {
            return Err(unauthorized(
                "the request needs Authorization: Bearer TOKEN (sotto agents add makes a token)",
            ));
        };
        let mut client = Client::connect(&self.socket).await.map_err(unavailable)?;
        match client
            .open_session(SURFACE, Some(Secret(token.trim().to_owned())))
            .await
        {
            Ok(_) => Ok(client),
            Err(error) if error.kind() == Kind::Forbidden => Err(unauthorized("the token is not valid")),
            Err(error) => Err(unavailable(error)),
        }
    }
}

/// Why a request cannot be carried out over HTTP, where its connection to the daemon ends with the response.
fn needs_a_connection(request: &rpc::Request) -> Option<Error> {
    let hint = match request.method.as_str() {
        "events.subscribe" => "GET /api/v1/events is the subscription of HTTP",
        "messages.lock" => "messages.receive with peek, then messages.ack",
        // It acknowledges when the daemon has written the answer, which has not reached the client then.
        "messages.receive" if request.params.get("peek") != Some(&Value::Bool(true)) => {
            "give peek: true, then acknowledge with messages.ack"
        }
        _ => return None,
    };
    let why = format!("{} needs a connection that lasts, which HTTP has not", request.method);
    Some(Error::new(Kind::InvalidRequest, why).hint(hint))
}

fn line(response: &rpc::Response) -> String {
    // Every response can be written as JSON.
    response.line().unwrap_or_default()
}

fn unauthorized(why: &str) -> Refused {
    let mut response = refusal(StatusCode::UNAUTHORIZED, why);
    response
        .0
        .headers_mut()
        .insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    response
}

fn unavailable(error: Error) -> Refused {
    let response = line(&rpc::Response::nameless(error));
    Refused(Box::new(json_response(StatusCode::SERVICE_UNAVAILABLE, response)))
}
