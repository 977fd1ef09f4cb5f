//! signal-cli's shape of the API ([`SignalCli`]): JSON-RPC with signal-cli's methods over HTTP and on a Unix socket, and what
//! arrives as its envelopes. A peer is a UUID made of its onion address, a message is a timestamp in milliseconds.
//!
//! The endpoint acts with one agent's token and reads the event log as one consumer. signal-cli's clients acknowledge
//! nothing, so an envelope counts as received once its connection has stood for a while after it was written
//! ([`receiver`]): what a client had not handled when it died comes again.

mod envelope;
mod http;
mod methods;
mod peer;
mod receiver;
mod socket;
mod timestamps;

use std::path::PathBuf;
use std::sync::Arc;

use sotto_api::{Error, Secret};
use sotto_client::Client;
use tokio::net::{TcpListener, UnixListener};

use receiver::Receivers;
use timestamps::Timestamps;

/// The name of this surface in a session, and its consumer's.
const SURFACE: &str = "signal-cli";

/// signal-cli's shape, for one agent.
#[derive(Debug)]
pub struct SignalCli {
    socket: PathBuf,
    token: Secret,
    /// This node's onion address: the account.
    account: String,
    timestamps: tokio::sync::Mutex<Timestamps>,
    receivers: Receivers,
}

impl SignalCli {
    /// With the rights of a token; the daemon listens at `socket`. An error if the daemon refuses the token.
    pub async fn open(socket: PathBuf, token: Secret) -> Result<Self, Error> {
        let mut client = session(&socket, &token).await?;
        let account = client
            .call::<sotto_api::all::IdentityShow>(&sotto_api::Nothing {})
            .await?
            .onion;
        let timestamps = Timestamps::load(&mut client).await?;
        Ok(Self {
            socket,
            token,
            account,
            timestamps: tokio::sync::Mutex::new(timestamps),
            receivers: Receivers::default(),
        })
    }

    /// Serves on the listeners until it is dropped.
    pub async fn serve(self, http: Option<TcpListener>, socket: Option<UnixListener>) {
        let this = Arc::new(self);
        let http = async {
            if let Some(listener) = http {
                super::server::run(listener, http::Shape(this.clone())).await;
            }
        };
        let socket = async {
            if let Some(listener) = socket {
                socket::run(listener, this.clone()).await;
            }
        };
        futures::join!(http, socket);
    }

    /// A connection to the daemon with the endpoint's rights.
    async fn session(&self) -> Result<Client, Error> {
        session(&self.socket, &self.token).await
    }
}

async fn session(socket: &std::path::Path, token: &Secret) -> Result<Client, Error> {
    let mut client = Client::connect(socket).await?;
    client.open_session(SURFACE, Some(token.clone())).await?;
    Ok(client)
}
