//! [`Shape`]: signal-cli's endpoints over HTTP.

use std::sync::Arc;

use hyper::header::HeaderMap;
use hyper::{Response, StatusCode};
use serde_json::Value;
use sotto_api::rpc::{self, JsonLine as _};

use super::SignalCli;
use super::receiver::Ended;
use crate::event_stream;
use crate::request::{Body, Refused, empty, json_response, query};
use crate::server::{Endpoint, EventsRequest};

/// signal-cli's shape over HTTP.
pub(super) struct Shape(pub Arc<SignalCli>);

impl Endpoint for Shape {
    const REQUESTS: usize = 16;

    type Client = ();

    async fn admit(&self, _: &HeaderMap) -> Result<(), Refused> {
        Ok(())
    }

    async fn rpc(&self, (): (), text: String) -> Result<Response<Body>, Refused> {
        Ok(match self.0.answer(&text).await {
            Some(answer) => json_response(StatusCode::OK, answer),
            // As signal-cli does for notifications.
            None => empty(StatusCode::CREATED),
        })
    }

    async fn events(&self, request: EventsRequest) -> Result<Response<Body>, Refused> {
        let EventsRequest {
            head,
            disconnect,
            place,
        } = request;
        let account = query(head.uri.query(), "account");
        let (response, sender) = event_stream::response(disconnect);
        let signal_cli = self.0.clone();
        tokio::spawn(async move {
            let _place = place;
            let format = |envelope: &Value| format!("event:receive\ndata:{envelope}\n\n");
            let ended = signal_cli
                .receive(account.as_deref(), &sender, format, Some(":\n\n"))
                .await;
            if let Err(Ended::Failed(error)) = ended {
                tracing::warn!(kind = ?error.kind(), "a stream of envelopes ends");
            }
        });
        Ok(response)
    }
}

impl SignalCli {
    /// The answer to a request or a batch; none if it has only notifications.
    pub(super) async fn answer(&self, text: &str) -> Option<String> {
        match rpc::parse(text) {
            rpc::Incoming::One(request) => {
                let response = self.respond(request).await?;
                response.line().ok()
            }
            rpc::Incoming::Batch(requests) => {
                let mut responses = Vec::new();
                for request in requests {
                    responses.extend(self.respond(request).await);
                }
                if responses.is_empty() {
                    None
                } else {
                    responses.line().ok()
                }
            }
        }
    }

    async fn respond(&self, request: Result<rpc::Request, Box<rpc::Response>>) -> Option<rpc::Response> {
        match request {
            Err(response) => Some(*response),
            Ok(request) => {
                let outcome = self.handle(&request).await;
                request.id.map(|id| rpc::Response::new(id, outcome))
            }
        }
    }
}
