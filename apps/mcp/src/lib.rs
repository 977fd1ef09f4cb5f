//! The MCP server: the daemon's API as tools, resources and prompts of the Model Context Protocol, on standard input and
//! output. It knows the daemon's socket only, and has no rule of its own: what may be read or sent, the daemon decides.
//!
//! It answers before anything else happens: the daemon is connected to by the first call that needs it.

mod approval;
mod call;
mod channel;
mod compact_json;
mod daemon;
mod event;
mod install;
mod label;
mod page;
mod prompt;
mod resource;
mod schema;
mod server;
mod size;
mod stdio;
mod tool;
mod transport;

use std::path::PathBuf;

use rmcp::ServiceExt as _;
use rmcp::service::ServerInitializeError;
use sotto_api::Error;
use sotto_client::Profile;
use tokio_util::sync::CancellationToken;

use daemon::Daemon;
use server::Server;
use transport::Lines;

pub use install::{ClientProgram, Installation, check_token};
pub use transport::{Batch, Incoming, Reader};

/// How a client is served.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The file of the agent's token. Without one, the client reads, and what it sends waits for approval.
    pub token_file: Option<PathBuf>,
    /// The reader of the event log that the tools are, unless a call names one; `mcp` if left out.
    pub consumer: Option<String>,
    /// Push messages into the session, by the experimental capability `claude/channel`.
    pub channel: bool,
}

/// Serves one client on standard input and output, until the client closes its end.
pub fn serve(profile: Profile, options: Options) -> Result<(), Error> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Error::io("no runtime", &error))?;
    let closed = CancellationToken::new();
    let Options {
        token_file,
        consumer,
        channel,
    } = options;
    let entered = runtime.enter();
    let (lines, writer) = Lines::stdio(channel, closed.clone()).map_err(|error| Error::io("standard input", &error))?;
    drop(entered);
    let server = Server::new(Daemon::of(profile, token_file), closed, consumer, channel);
    let served = runtime.block_on(async {
        match server.serve(lines).await {
            Ok(running) => running
                .waiting()
                .await
                .map(drop)
                .map_err(|error| Error::internal(error.to_string())),
            // The client has asked for nothing.
            Err(ServerInitializeError::ConnectionClosed(_)) => Ok(()),
            Err(error) => Err(Error::internal(error.to_string())),
        }
    });
    drop(runtime);
    writer.finish();
    served
}
