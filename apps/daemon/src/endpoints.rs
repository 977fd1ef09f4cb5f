//! [`Endpoints`]: what the daemon serves beside its socket, as `http` and `signal_cli` in the configuration say.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use sotto_api::{self as api, Error};
use sotto_client::{Lock, read_token};
use sotto_http::{SignalCli, serve_api};
use tokio::net::{TcpListener, UnixListener};
use tokio::task::JoinSet;

use crate::config::{Config, SignalCliConfig};
use crate::server::private_listener;

/// Listeners that are not served yet.
#[derive(Debug, Default)]
pub(crate) struct Endpoints {
    http: Option<TcpListener>,
    signal_cli: Option<SignalCliEndpoint>,
}

#[derive(Debug)]
struct SignalCliEndpoint {
    token_file: PathBuf,
    http: Option<TcpListener>,
    socket: Option<(UnixListener, PathBuf)>,
}

impl Endpoints {
    /// Listens where the configuration says.
    pub async fn bind(config: &Config, held: &Lock) -> Result<Self, Error> {
        let http = match config.http {
            Some(address) => Some(bind(address).await?),
            None => None,
        };
        let signal_cli = match &config.signal_cli {
            Some(signal_cli) => Some(SignalCliEndpoint::bind(signal_cli, held).await?),
            None => None,
        };
        Ok(Self { http, signal_cli })
    }

    /// Where clients find them.
    pub fn list(&self) -> Vec<api::Endpoint> {
        let at = |surface: &str, at: String| api::Endpoint {
            surface: surface.to_owned(),
            at,
        };
        let url = |listener: &TcpListener| listener.local_addr().map(|address| format!("http://{address}")).ok();
        let signal_cli = self.signal_cli.as_ref();
        let http = self.http.as_ref().and_then(url).map(|url| at("http", url));
        let shape = signal_cli
            .and_then(|shape| shape.http.as_ref())
            .and_then(url)
            .map(|url| at("signal-cli", url));
        let socket = signal_cli.and_then(|shape| shape.socket.as_ref());
        let socket = socket.map(|(_, path)| at("signal-cli", format!("unix:{}", path.display())));
        [http, shape, socket].into_iter().flatten().collect()
    }

    /// Serves them as clients of the daemon's socket.
    pub async fn serve(self, socket: &Path, tasks: &mut JoinSet<()>) -> Result<(), Error> {
        if let Some(listener) = self.http {
            tasks.spawn(serve_api(listener, socket.to_owned()));
        }
        if let Some(endpoint) = self.signal_cli {
            let token = read_token(&endpoint.token_file)?;
            let named = |mut error: Error| {
                error.message = format!("{}: {}", endpoint.token_file.display(), error.message);
                error
            };
            let signal_cli = SignalCli::open(socket.to_owned(), token).await.map_err(named)?;
            let unix = endpoint.socket.map(|(listener, _)| listener);
            tasks.spawn(signal_cli.serve(endpoint.http, unix));
        }
        Ok(())
    }
}

impl SignalCliEndpoint {
    async fn bind(config: &SignalCliConfig, held: &Lock) -> Result<Self, Error> {
        let http = match config.address {
            Some(address) => Some(bind(address).await?),
            None => None,
        };
        let socket = match &config.socket {
            Some(path) => Some((private_listener(path, held)?, path.clone())),
            None => None,
        };
        Ok(Self {
            token_file: config.token_file.clone(),
            http,
            socket,
        })
    }
}

async fn bind(address: SocketAddr) -> Result<TcpListener, Error> {
    TcpListener::bind(address)
        .await
        .map_err(|error| Error::io(address, &error))
}
