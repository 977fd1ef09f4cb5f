//! The MCP server: the daemon's API as tools, resources and prompts of the Model Context Protocol, on standard input and
//! output. It knows the daemon's socket only, and has no rule of its own: what may be read or sent, the daemon decides.
//!
//! It answers before anything else happens: the daemon is connected to by the first call that needs it.

mod call;
mod daemon;
mod label;
mod page;
mod schema;
mod server;
mod size;
mod tool;
mod transport;

use rmcp::ServiceExt as _;
use rmcp::service::ServerInitializeError;
use sotto_api::Error;
use sotto_client::Profile;
use tokio_util::sync::CancellationToken;

use daemon::Daemon;
use server::Server;
use transport::Lines;

/// Serves one client on standard input and output, until the client closes its end.
pub fn serve(profile: Profile) -> Result<(), Error> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Error::io("no runtime", &error))?;
    let closed = CancellationToken::new();
    let (lines, writer) = Lines::stdio(false, closed.clone()).map_err(|error| Error::io("standard input", &error))?;
    let server = Server::new(Daemon::of(profile), closed);
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
