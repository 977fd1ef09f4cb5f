//! [`GetStatus`] and [`GetIdentity`].

use schemars::JsonSchema;
use serde::Serialize;
use sotto_api::{Error, Identity, Nothing, Status, all};

use super::{Effect, NoArguments, Tool};
use crate::call::Call;
use crate::server::Server;

/// `get_status`
pub(crate) struct GetStatus;

/// `get_identity`
pub(crate) struct GetIdentity;

/// The state of the node, and the server's own version.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct NodeStatus {
    #[serde(flatten)]
    status: Status,
    /// The version of this MCP server.
    server_version: &'static str,
}

impl Tool for GetStatus {
    const NAME: &'static str = "get_status";
    const TITLE: &'static str = "Status";
    const DESCRIPTION: &'static str = "Whether this Sotto node runs, whether peers can reach it (`network.reachable`), and what waits: messages \
         not delivered yet (`queued`), friend requests (`requests`). Call it first if another tool fails.";
    const EFFECT: Effect = Effect::READS;
    type Input = NoArguments;
    type Output = NodeStatus;

    async fn call(server: &Server, _: NoArguments, _: &Call) -> Result<NodeStatus, Error> {
        let status = server.daemon.call::<all::NodeStatus>(&Nothing {}).await?;
        Ok(NodeStatus {
            status,
            server_version: env!("CARGO_PKG_VERSION"),
        })
    }
}

impl Tool for GetIdentity {
    const NAME: &'static str = "get_identity";
    const TITLE: &'static str = "Own identity";
    const DESCRIPTION: &'static str = "The onion address, friend code, name and key fingerprint of the user's own node. Others add the user by the \
         friend code.";
    const EFFECT: Effect = Effect::READS;
    type Input = NoArguments;
    type Output = Identity;

    async fn call(server: &Server, _: NoArguments, _: &Call) -> Result<Identity, Error> {
        server.daemon.call::<all::IdentityShow>(&Nothing {}).await
    }
}
